#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/time_text.h"

namespace millrace::data {
namespace {

using Json = nlohmann::json;
using PatternPtr = std::shared_ptr<const TimePattern>;

const TimeZone& Zone(std::string_view id) {
  const Result<const TimeZone*> zone = TimeZone::Find(id);
  EXPECT_TRUE(zone.ok()) << zone.status().ToString();
  return zone.ok() ? **zone : *TimeZone::Utc();
}

PatternPtr Compile(std::string_view text, PatternUse use = PatternUse::kFormat) {
  Result<PatternPtr> pattern = TimePattern::Compile(text, use);
  EXPECT_TRUE(pattern.ok()) << text << ": " << pattern.status().ToString();
  return pattern.ok() ? *pattern : nullptr;
}

std::string Format(std::string_view pattern, int64_t micros,
                   std::string_view zone = "UTC") {
  std::string text;
  Compile(pattern)->Format(micros, Zone(zone), &text);
  return text;
}

std::optional<int64_t> Number(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<int64_t>(json.get<int64_t>());
}

// Calls `check` with the cases of each pattern that were recorded from Spark 4.2.0.
void ForEachPattern(std::string_view kind,
                    const std::function<void(const Json&)>& check) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/data/testdata/pattern_cases.jsonl");
  int patterns = 0;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    if (json["kind"] != kind) continue;
    SCOPED_TRACE(json["pattern"].dump() + " in " + json["tz"].dump());
    check(json);
    ++patterns;
  }
  EXPECT_GT(patterns, 10);
}

TEST(TimePattern, FormatsAsSpark) {
  ForEachPattern("format", [](const Json& json) {
    const PatternPtr pattern = Compile(json["pattern"].get<std::string>());
    ASSERT_NE(pattern, nullptr);
    const TimeZone& zone = Zone(json["tz"].get<std::string>());
    for (const Json& c : json["cases"]) {
      std::string text;
      pattern->Format(c[0].get<int64_t>(), zone, &text);
      EXPECT_EQ(text, c[1].get<std::string>()) << c;
    }
  });
}

TEST(TimePattern, ParsesAsSpark) {
  ForEachPattern("parse", [](const Json& json) {
    const PatternPtr pattern =
        Compile(json["pattern"].get<std::string>(), PatternUse::kParse);
    ASSERT_NE(pattern, nullptr);
    const TimeZone& zone = Zone(json["tz"].get<std::string>());
    for (const Json& c : json["cases"]) {
      EXPECT_EQ(pattern->Parse(c[0].get<std::string>(), zone), Number(c[1])) << c;
    }
  });
}

TEST(TimePattern, ParsesLocalTimesAsSpark) {
  ForEachPattern("parse_ntz", [](const Json& json) {
    const PatternPtr pattern =
        Compile(json["pattern"].get<std::string>(), PatternUse::kParse);
    ASSERT_NE(pattern, nullptr);
    for (const Json& c : json["cases"]) {
      EXPECT_EQ(pattern->ParseLocal(c[0].get<std::string>()), Number(c[1])) << c;
    }
  });
}

TEST(TimePattern, RefusesAsSpark) {
  const auto check = [](PatternUse use) {
    return [use](const Json& json) {
      const Result<PatternPtr> pattern =
          TimePattern::Compile(json["pattern"].get<std::string>(), use);
      ASSERT_FALSE(pattern.ok());
      EXPECT_EQ(pattern.status().error().error_class, json["error"].get<std::string>());
      EXPECT_EQ(
          pattern.status().error().sql_state,
          json["error"].get<std::string>().starts_with("INVALID") ? "22007" : "42K0B");
    };
  };
  ForEachPattern("format_error", check(PatternUse::kFormat));
  ForEachPattern("parse_error", check(PatternUse::kParse));
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {"QQQQQ", "INVALID_DATETIME_PATTERN.LENGTH"},
           {"n''", "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"},
           {"J", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"},
           {"Y'", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN"},
           {"yyyyyyy",
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"}}) {
    EXPECT_EQ(TimePattern::Compile(text).status().error().error_class, error) << text;
  }
}

TEST(TimePattern, OptionalSectionsAndAdjacentNumbers) {
  const auto parse = [](std::string_view pattern, std::string_view text) {
    return Compile(pattern, PatternUse::kParse)->Parse(text, *TimeZone::Utc());
  };
  EXPECT_EQ(parse("yyyyMMddHHmmssS", "202401020304051"), 1'704'164'645'100'000);
  EXPECT_EQ(parse("ssS", "051"), 5'100'000);
  EXPECT_EQ(parse("G yyyy", "AD 2024"), 1'704'067'200'000'000);
  EXPECT_EQ(parse("[G ]yyyy", "2024"), 0);  // a year of no era is no year
  EXPECT_EQ(parse("yyyy-MM D", "2024-05 130"), 1'715'212'800'000'000);
  EXPECT_EQ(parse("yyyy-MM D", "2024-04 130"), std::nullopt);
  EXPECT_EQ(parse("D", "366"), std::nullopt);
  EXPECT_EQ(parse("yyyy-MM-dd'T'HH:mm:ss'Z'[XXX]", "2024-01-02T03:04:05Z"),
            1'704'164'645'000'000);
  EXPECT_EQ(parse("yyyyy", "02024"), 1'704'067'200'000'000);
  EXPECT_EQ(Format("[yyyy", 0), "1970");
}

TEST(TimePattern, TimesOutOfRangeDoNotMatch) {
  EXPECT_EQ(
      Compile("yyyy-MM-dd", PatternUse::kParse)->Parse("+300000-01-01", *TimeZone::Utc()),
      std::nullopt);
  EXPECT_EQ(
      Compile("y", PatternUse::kParse)->Parse("9999999999999999999", *TimeZone::Utc()),
      std::nullopt);
}

TEST(TimePattern, ZonesWithoutAnAbbreviationAreWrittenByTheirId) {
  EXPECT_EQ(Format("z", 0, "America/Bogota"), "America/Bogota");
  EXPECT_EQ(Format("z zzzz", 0, "Asia/Tokyo"), "JST Japan Standard Time");
}

}  // namespace
}  // namespace millrace::data
