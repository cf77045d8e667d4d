#include "arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace millrace::orders {
namespace {

using testing::HasSubstr;

struct Parsed {
  std::optional<Arguments> arguments;
  int exit_code = -1;
  std::string out;
  std::string err;
};

Parsed Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "orders_producer");
  Parsed parsed;
  std::ostringstream out;
  std::ostringstream err;
  parsed.arguments = ParseArguments(static_cast<int>(words.size()), words.data(), out,
                                    err, &parsed.exit_code);
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

TEST(Arguments, Defaults) {
  const auto arguments = Parse({}).arguments;
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->bootstrap_servers, "127.0.0.1:9092");
  EXPECT_EQ(arguments->topic, "orders");
  EXPECT_EQ(arguments->rate, 10);
  EXPECT_EQ(arguments->count, 0);
  EXPECT_EQ(arguments->users, 5);
  EXPECT_FALSE(arguments->create_topic);
  EXPECT_FALSE(arguments->late_data);
  EXPECT_FALSE(arguments->start_micros.has_value());
}

TEST(Arguments, AllOfThem) {
  const auto arguments = Parse({"--bootstrap-servers",
                                "a:1",
                                "--topic",
                                "t",
                                "--create-topic",
                                "--partitions",
                                "4",
                                "--rate",
                                "0",
                                "--count",
                                "7",
                                "--users",
                                "9",
                                "--seed",
                                "42",
                                "--late",
                                "0.25",
                                "--malformed",
                                "1",
                                "--scenario",
                                "late-data",
                                "--start-time",
                                "2026-02-01T12:34:56.5Z",
                                "--step-micros",
                                "10"})
                             .arguments;
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->bootstrap_servers, "a:1");
  EXPECT_EQ(arguments->topic, "t");
  EXPECT_TRUE(arguments->create_topic);
  EXPECT_EQ(arguments->partitions, 4);
  EXPECT_EQ(arguments->rate, 0);
  EXPECT_EQ(arguments->count, 7);
  EXPECT_EQ(arguments->users, 9);
  EXPECT_EQ(arguments->seed, 42U);
  EXPECT_EQ(arguments->late, 0.25);
  EXPECT_EQ(arguments->malformed, 1);
  EXPECT_TRUE(arguments->late_data);
  EXPECT_EQ(arguments->start_micros, 1769949296500000);
  EXPECT_EQ(arguments->step_micros, 10);
}

TEST(Arguments, WhatIsOutOfRangeIsNamed) {
  for (const auto& [option, value] : std::vector<std::pair<const char*, const char*>>{
           {"--rate", "-1"},
           {"--rate", "fast"},
           {"--rate", "nan"},
           {"--late", "nan"},
           {"--malformed", "inf"},
           {"--seed", "-1"},
           {"--seed", "18446744073709551616"},
           {"--seed", "1.5"},
           {"--topic", ""},
           {"--bootstrap-servers", ""},
           {"--command-config", "/no/such/file"},
           {"--count", "-5"},
           {"--count", "9999999999999999999"},
           {"--users", "0"},
           {"--late", "1.5"},
           {"--malformed", "-0.1"},
           {"--partitions", "0"},
           {"--scenario", "early-data"},
           {"--start-time", "yesterday"},
           {"--start-time", "2026-02-30T00:00:00"},
           {"--no-such-option", "1"}}) {
    const Parsed parsed = Parse({option, value});
    EXPECT_FALSE(parsed.arguments.has_value()) << option << " " << value;
    EXPECT_EQ(parsed.exit_code, 2) << option << " " << value;
    EXPECT_THAT(parsed.err, HasSubstr(option));
  }
}

TEST(Arguments, AStepNeedsAStart) {
  const Parsed parsed = Parse({"--step-micros", "5"});
  EXPECT_FALSE(parsed.arguments.has_value());
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.err, HasSubstr("--start-time"));
}

TEST(Arguments, HelpIsNoError) {
  const Parsed parsed = Parse({"--help"});
  EXPECT_FALSE(parsed.arguments.has_value());
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.out, HasSubstr("--bootstrap-servers"));
}

TEST(ParseTime, TakesUtcTimes) {
  EXPECT_EQ(ParseTime("1970-01-01T00:00:01"), 1'000'000);
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00.000001Z"), 1);
  EXPECT_EQ(ParseTime("1969-12-31T23:59:59"), -1'000'000);
  for (const char* text : {"", "2026-02-01", "2026-13-01T00:00:00", "2026-02-01T24:00:00",
                           "2026-02-01T12:00:00+01:00", "2026-02-01T12:00:00 "}) {
    EXPECT_FALSE(ParseTime(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace millrace::orders
