#include "base/interval.h"

#include <gmock/gmock.h>

#include <limits>
#include <optional>
#include <string>

#include "base/error.h"

namespace millrace {

bool operator==(const CalendarInterval& a, const CalendarInterval& b) {
  return a.months == b.months && a.days == b.days && a.micros == b.micros;
}
void PrintTo(const CalendarInterval& interval, std::ostream* out) {
  *out << interval.months << " months " << interval.days << " days " << interval.micros
       << " us";
}

namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

struct Case {
  std::string text;
  std::optional<CalendarInterval> expected;
};

constexpr std::nullopt_t kRefused = std::nullopt;

// What Spark 4.2 makes of each text in CAST(… AS INTERVAL).
const Case kCases[] = {
    {"1 minute", {{0, 0, kMinute}}},
    {"interval 5 minutes 2 seconds", {{0, 0, 5 * kMinute + 2 * kSecond}}},
    {"INTERVAL 1 Day", {{0, 1, 0}}},
    {" 1  week ", {{0, 7, 0}}},
    {"1 year 2 months 3 days", {{14, 3, 0}}},
    {"-1 day", {{0, -1, 0}}},
    {"- 1 day", {{0, -1, 0}}},
    {"+ 5 seconds", {{0, 0, 5 * kSecond}}},
    {"+5 seconds", {{0, 0, 5 * kSecond}}},
    {"1.5 seconds", {{0, 0, 1'500'000}}},
    {".5 seconds", {{0, 0, 500'000}}},
    {"1. seconds", {{0, 0, kSecond}}},
    {". seconds", kRefused},
    {"1.5 minutes", kRefused},
    {"1.123456789 seconds", {{0, 0, 1'123'456}}},
    {"1.1234567891 seconds", kRefused},
    {"-1.5 seconds", {{0, 0, -1'500'000}}},
    {"-0.0000019 seconds", {{0, 0, -1}}},
    {"5seconds", kRefused},
    {"5 secondss", kRefused},
    {"5 sec", kRefused},
    {"5 ms", kRefused},
    {"5 us", kRefused},
    {"1 nanosecond", kRefused},
    {"1 millisecond 2 microseconds", {{0, 0, 1002}}},
    {"1 day -1 hour", {{0, 1, -kHour}}},
    {"1 day - 1 hour", {{0, 1, -kHour}}},
    {"interval", kRefused},
    {"intervals 1 day", kRefused},
    {"interval1 day", kRefused},
    {"interval -1 day", {{0, -1, 0}}},
    {"interval '1 day'", kRefused},
    {"1 day2 hours", kRefused},
    {"1", kRefused},
    {"day", kRefused},
    {"", kRefused},
    {"  ", kRefused},
    {"9223372036854775807 microseconds", {{0, 0, std::numeric_limits<int64_t>::max()}}},
    {"9223372036854775808 microseconds", kRefused},
    {"-9223372036854775808 microseconds", kRefused},
    {"-9223372036854.775808 seconds", {{0, 0, std::numeric_limits<int64_t>::min()}}},
    {"9223372036854.775808 seconds", kRefused},
    {"2147483647 days", {{0, 2147483647, 0}}},
    {"2147483648 days", kRefused},
    {"9223372036854775807 days", kRefused},
    {"306783378 weeks", {{0, 2147483646, 0}}},
    {"178956970 years", {{2147483640, 0, 0}}},
    {"200000000 years", kRefused},
    {"2147483647 days 1 day", kRefused},
    {"1 day,2 hours", kRefused},
    {"1\tday", {{0, 1, 0}}},
    {"1\nday", {{0, 1, 0}}},
    {"1 hour 1 hour", {{0, 0, 2 * kHour}}},
    {"--1 day", kRefused},
    {"1 centuries", kRefused},
    {"1 h", kRefused},
    {"1 HOURS", {{0, 0, kHour}}},
    {"1 quarter", kRefused},
    {"0 seconds", {{0, 0, 0}}},
    {"1e3 seconds", kRefused},
    {"1.5 milliseconds", kRefused},
    {"-.5 seconds", {{0, 0, -500'000}}},
    {"+.5 second", {{0, 0, 500'000}}},
    {"1 second.", kRefused},
    {"1\u00a0day", kRefused},
};

TEST(ParseInterval, ReadsWhatSparkReads) {
  for (const Case& c : kCases) {
    const Result<CalendarInterval> result = ParseInterval(c.text);
    ASSERT_EQ(result.ok(), c.expected.has_value()) << c.text;
    if (result.ok()) {
      EXPECT_EQ(*result, *c.expected) << c.text;
    }
  }
}

TEST(ParseInterval, ErrorIsSparks) {
  const Status status = ParseInterval("foo").status();
  EXPECT_EQ(
      status.ToString(),
      "[CANNOT_PARSE_INTERVAL] Unable to parse 'foo'. Please ensure that the value "
      "provided is in a valid format for defining an interval. You can reference the "
      "documentation for the correct format. If the issue persists, please double check "
      "that the input value is not null or empty and try again. SQLSTATE: 22006");
  EXPECT_THAT(status.error().parameters,
              testing::ElementsAre(testing::Pair("intervalString", "'foo'")));
  EXPECT_EQ(status.error().java_class, kAnalysisException);
}

TEST(ParseDuration, CountsADayAs24Hours) {
  const auto duration = ParseDuration("1 week 1 hour");
  ASSERT_TRUE(duration.ok());
  EXPECT_EQ(*duration, std::chrono::hours(7 * 24 + 1));
}

TEST(ParseDuration, RefusesMonthsAndWhatDoesNotFit) {
  EXPECT_THAT(
      ParseDuration("1 month").status().error().message,
      testing::HasSubstr("Intervals greater than a month is not supported (1 month)."));
  EXPECT_EQ(ParseDuration("2147483647 days").status().error().error_class,
            "CANNOT_PARSE_INTERVAL");
  EXPECT_FALSE(ParseDuration("106751991 days 9223372036854 seconds").ok());
}

TEST(ParseTriggerInterval, TakesLengthsOfTime) {
  EXPECT_EQ(*ParseTriggerInterval("0 seconds"), std::chrono::seconds(0));
  EXPECT_EQ(*ParseTriggerInterval("interval 1 minute 30 seconds"),
            std::chrono::seconds(90));
  EXPECT_EQ(*ParseTriggerInterval("1 day -1 hour"), std::chrono::hours(23));
}

// IntervalUtils.stringToInterval's reasons.
TEST(ParseTriggerInterval, ErrorsAreSparks) {
  struct Wrong {
    const char* text;
    const char* error_class;
    const char* reason;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"", "INPUT_IS_EMPTY", "Interval string cannot be empty."},
           {" ", "INPUT_IS_EMPTY", "Interval string cannot be empty."},
           {"interval", "INPUT_IS_EMPTY", "Interval string cannot be empty."},
           {"often", "UNRECOGNIZED_NUMBER", "Unrecognized number often."},
           {"1 second often", "UNRECOGNIZED_NUMBER", "Unrecognized number often."},
           {"5 lightyears", "INVALID_UNIT", "Invalid unit lightyears."},
           {"5", "MISSING_UNIT", "Expect a unit name after 5 but hit EOL."},
           {"1 second -", "MISSING_NUMBER", "Expect a number after - but hit EOL."},
           {"5s", "INVALID_VALUE", "Invalid value 5s."},
           {"1.5 hours", "INVALID_FRACTION", "hours cannot have fractional part."},
           {"intervals 1 day", "INVALID_PREFIX", "Invalid interval prefix intervals."},
           {"1.0000000001 seconds", "INVALID_PRECISION",
            "Interval can only support nanosecond precision, 1.0000000001 is out of "
            "range."},
           {"99999999999999999999 days", "ARITHMETIC_EXCEPTION",
            "Uncaught arithmetic exception while parsing '99999999999999999999 days'."},
       }) {
    const ErrorInfo error = ParseTriggerInterval(wrong.text).status().error();
    EXPECT_EQ(error.error_class,
              std::string("INVALID_INTERVAL_FORMAT.") + wrong.error_class)
        << wrong.text;
    EXPECT_EQ(error.message,
              fmt::format("Error parsing '{}' to interval. Please ensure that the value "
                          "provided is in a valid format for defining an interval. You "
                          "can reference the documentation for the correct format. {}",
                          wrong.text, wrong.reason));
    EXPECT_EQ(error.sql_state, "22006");
  }
  EXPECT_EQ(ParseTriggerInterval("1 month").status().error().message,
            "Doesn't support month or year interval: 1 month");
  EXPECT_EQ(ParseTriggerInterval("-1 seconds").status().error().message,
            "requirement failed: the interval of trigger should not be negative");
}

}  // namespace
}  // namespace millrace
