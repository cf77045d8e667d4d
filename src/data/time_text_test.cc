#include "data/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/error.h"

namespace millrace::data {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kDay = 86'400 * kMicros;

const TimeZone& Zone(std::string_view id) {
  const Result<const TimeZone*> zone = TimeZone::Find(id);
  EXPECT_TRUE(zone.ok()) << zone.status().ToString();
  return zone.ok() ? **zone : *TimeZone::Utc();
}

// Calls `check` with each case of this kind that was recorded from Spark 4.2.0.
void ForEachCase(std::string_view kind, const std::function<void(const Json&)>& check) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/data/testdata/time_cases.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    if (json["kind"] != kind) continue;
    SCOPED_TRACE(line);
    check(json);
    ++cases;
  }
  EXPECT_GT(cases, 10);
}

std::optional<int64_t> Number(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<int64_t>(json.get<int64_t>());
}

TEST(ParseTimestamp, AsSpark) {
  ForEachCase("timestamp", [](const Json& json) {
    EXPECT_EQ(ParseTimestamp(json["text"].get<std::string>(),
                             Zone(json["tz"].get<std::string>()), 0),
              Number(json["micros"]));
  });
}

TEST(ParseTimestampNtz, AsSpark) {
  ForEachCase("timestamp_ntz", [](const Json& json) {
    EXPECT_EQ(ParseTimestampNtz(json["text"].get<std::string>(), /*allow_zone=*/true),
              Number(json["micros"]));
  });
}

TEST(ParseDate, AsSpark) {
  ForEachCase("date", [](const Json& json) {
    const std::optional<int32_t> days = ParseDate(json["text"].get<std::string>());
    EXPECT_EQ(days ? std::optional<int64_t>(*days) : std::nullopt, Number(json["days"]));
  });
}

TEST(AppendTimestamp, AsSpark) {
  ForEachCase("timestamp_text", [](const Json& json) {
    std::string text;
    AppendTimestamp(
        Zone(json["tz"].get<std::string>()).ToLocal(json["micros"].get<int64_t>()),
        &text);
    EXPECT_EQ(text, json["text"].get<std::string>());
  });
}

TEST(AppendDate, AsSpark) {
  ForEachCase("date_text", [](const Json& json) {
    std::string text;
    AppendDate(json["days"].get<int64_t>(), &text);
    EXPECT_EQ(text, json["text"].get<std::string>());
  });
}

TEST(TimeZone, IdsAsSpark) {
  ForEachCase("zone", [](const Json& json) {
    const Result<const TimeZone*> zone = TimeZone::Find(json["id"].get<std::string>());
    ASSERT_EQ(zone.ok(), !json["java"].is_null());
    if (!zone.ok()) {
      EXPECT_EQ(zone.status().error().error_class, "INVALID_TIMEZONE");
      EXPECT_EQ(zone.status().error().sql_state, "22009");
      return;
    }
    EXPECT_EQ((*zone)->id(), json["java"].get<std::string>());
    EXPECT_EQ((*zone)->OffsetSeconds(1'704'067'200 * kMicros),
              json["jan"].get<int64_t>());
    EXPECT_EQ((*zone)->OffsetSeconds(1'719'792'000 * kMicros),
              json["jul"].get<int64_t>());
  });
}

TEST(ParseTimestamp, TimeOnlyMeansToday) {
  const int64_t now = 1'704'153'600 * kMicros;  // 2024-01-02T00:00:00Z
  EXPECT_EQ(ParseTimestamp("T00:00:01", *TimeZone::Utc(), now), now + kMicros);
  EXPECT_EQ(ParseTimestamp("1:2:3", *TimeZone::Utc(), now), now + 3723 * kMicros);
  // In New York it is still the first of January, at 19:00.
  EXPECT_EQ(ParseTimestamp("T20:00:00", Zone("America/New_York"), now),
            now + 3600 * kMicros);
  EXPECT_EQ(ParseTimestamp("T20:00:00-05:00", *TimeZone::Utc(), now),
            now + 3600 * kMicros);
  EXPECT_EQ(ParseTimestamp(" T00:00:01", *TimeZone::Utc(), now), std::nullopt);
  EXPECT_EQ(ParseTimestampNtz("T00:00:01", true), std::nullopt);
}

TEST(ParseTimestamp, TheUsualFormAndItsNeighbours) {
  const int64_t second = 1'769'949'296 * kMicros;
  const auto parse = [](std::string_view text) {
    return ParseTimestamp(text, Zone("Asia/Tokyo"), 0);
  };
  const int64_t tokyo = second - 9 * 3600 * kMicros;
  EXPECT_EQ(parse("2026-02-01T12:34:56.123456"), tokyo + 123'456);
  EXPECT_EQ(parse("2026-02-01 12:34:56.1"), tokyo + 100'000);
  EXPECT_EQ(parse("2026-02-01T12:34:56.1234569"), tokyo + 123'456);
  EXPECT_EQ(parse("2026-02-01T12:34:56"), tokyo);
  EXPECT_EQ(parse("2026-02-01T12:34:56Z"), second);
  EXPECT_EQ(parse("2026-02-01T12:34:56.5Z"), second + 500'000);
  EXPECT_EQ(parse("2026-02-01T12:34:56.5 Z"), second + 500'000);
  EXPECT_EQ(parse("2026-02-01T12:34:56ZZ"), std::nullopt);
  EXPECT_EQ(parse("2026-02-01T12:34:5x"), std::nullopt);
  EXPECT_EQ(parse("2026-02-30T12:34:56"), std::nullopt);
  EXPECT_EQ(parse("2026-00-01T12:34:56"), std::nullopt);
  EXPECT_EQ(parse("2026-02-01T24:34:56"), std::nullopt);
  EXPECT_EQ(ParseTimestampNtz("2026-02-01T12:34:56.123456", false), second + 123'456);
  EXPECT_EQ(ParseTimestampNtz("2026-02-01T12:34:56Z", false), std::nullopt);
  EXPECT_EQ(ParseTimestampNtz("2026-02-01T12:34:56+01:00", false), std::nullopt);
  EXPECT_EQ(ParseTimestampNtz("2026-02-01T12:34:56+01:00", true), second);
}

TEST(Civil, DaysAndBack) {
  EXPECT_EQ(DaysFromCivil(1970, 1, 1), 0);
  EXPECT_EQ(DaysFromCivil(2000, 3, 1), 11'017);
  EXPECT_EQ(DaysFromCivil(0, 1, 1), -719'528);
  for (int64_t days = -800'000; days < 800'000; days += 37) {
    const CivilDate date = CivilFromDays(days);
    ASSERT_EQ(DaysFromCivil(date.year, date.month, date.day), days);
    ASSERT_TRUE(date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31);
  }
}

TEST(TimeZone, GapsMoveForwardAndOverlapsTakeTheEarlierOffset) {
  const TimeZone& zone = Zone("America/New_York");
  const int64_t spring =
      1'710'054'000 * kMicros;  // 2024-03-10T07:00:00Z, 02:00 becomes 03:00
  const int64_t autumn =
      1'730'613'600 * kMicros;  // 2024-11-03T06:00:00Z, 02:00 becomes 01:00
  const int64_t hour = 3600 * kMicros;
  EXPECT_EQ(zone.OffsetSeconds(spring - 1), -5 * 3600);
  EXPECT_EQ(zone.OffsetSeconds(spring), -4 * 3600);
  EXPECT_EQ(zone.ToUtc(spring - 5 * hour - 1), spring - 1);
  EXPECT_EQ(zone.ToUtc(spring - 5 * hour), spring);  // 02:00 is 03:00
  EXPECT_EQ(zone.ToUtc(spring - 5 * hour + hour / 2), spring + hour / 2);
  EXPECT_EQ(zone.ToUtc(spring - 4 * hour), spring);         // 03:00
  EXPECT_EQ(zone.ToUtc(autumn - 5 * hour), autumn - hour);  // 01:00, for the first time
  EXPECT_EQ(zone.ToUtc(autumn - 5 * hour + hour - 1), autumn - 1);
  EXPECT_EQ(zone.ToUtc(autumn - 4 * hour), autumn + hour);  // 02:00
}

TEST(TimeZone, LocalAndBackAroundEveryTransition) {
  for (const char* id :
       {"America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
        "Europe/Dublin", "Asia/Tokyo", "UTC", "-03:30"}) {
    const TimeZone& zone = Zone(id);
    for (int64_t t = -3'000'000'000; t < 13'000'000'000; t += 1'234'567) {
      const int64_t utc = t * kMicros + 7;
      const int64_t local = zone.ToLocal(utc);
      ASSERT_EQ(local, utc + zone.OffsetSeconds(utc) * kMicros) << id << " " << utc;
      const int64_t back = zone.ToUtc(local);
      // Only in an overlap is it another instant, and then an earlier one with the same
      // clock.
      ASSERT_LE(back, utc) << id << " " << utc;
      ASSERT_EQ(zone.ToLocal(back), local) << id << " " << utc;
    }
  }
}

TEST(TimeZone, TimesAtTheEndsOfTheRangeStayThere) {
  EXPECT_EQ(Zone("+05:00").ToLocal(std::numeric_limits<int64_t>::max()),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Zone("+05:00").ToUtc(std::numeric_limits<int64_t>::min()),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Zone("America/New_York").ToLocal(std::numeric_limits<int64_t>::min()),
            std::numeric_limits<int64_t>::min());
}

TEST(TimeZone, IsOneObjectForTheLifeOfTheProcess) {
  EXPECT_EQ(&Zone("Europe/Berlin"), &Zone("Europe/Berlin"));
  EXPECT_EQ(TimeZone::Utc()->id(), "UTC");
  EXPECT_EQ(TimeZone::Utc()->ToLocal(5), 5);
}

TEST(TimeZone, ManyThreads) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      const TimeZone& one = Zone(i % 2 == 0 ? "America/Chicago" : "Europe/Paris");
      const TimeZone& other = Zone("Asia/Kathmandu");
      for (int64_t t = 0; t < 2'000'000'000; t += 4'000'003) {
        EXPECT_EQ(one.ToUtc(one.ToLocal(t * kMicros)) / kDay,
                  one.ToUtc(one.ToLocal(t * kMicros)) / kDay);
        EXPECT_EQ(other.ToUtc(other.ToLocal(t * kMicros)), t * kMicros);
      }
    });
  }
}

}  // namespace
}  // namespace millrace::data
