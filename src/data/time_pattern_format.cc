// Writes times by a pattern, as java.time.format.DateTimeFormatter.format does.
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "data/time_pattern_items.h"
#include "data/zone_offset.h"

namespace millrace::data {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// Spark writes full zone names of the locale's data; these are those of the abbreviations
// that mean one thing only.
struct ZoneName {
  std::string_view abbreviation;
  std::string_view full;
};
constexpr std::array kZoneNames = {ZoneName{"UTC", "Coordinated Universal Time"},
                                   ZoneName{"GMT", "Greenwich Mean Time"},
                                   ZoneName{"EST", "Eastern Standard Time"},
                                   ZoneName{"EDT", "Eastern Daylight Time"},
                                   ZoneName{"CST", "Central Standard Time"},
                                   ZoneName{"CDT", "Central Daylight Time"},
                                   ZoneName{"MST", "Mountain Standard Time"},
                                   ZoneName{"MDT", "Mountain Daylight Time"},
                                   ZoneName{"PST", "Pacific Standard Time"},
                                   ZoneName{"PDT", "Pacific Daylight Time"},
                                   ZoneName{"CET", "Central European Standard Time"},
                                   ZoneName{"CEST", "Central European Summer Time"},
                                   ZoneName{"EET", "Eastern European Standard Time"},
                                   ZoneName{"EEST", "Eastern European Summer Time"},
                                   ZoneName{"WET", "Western European Standard Time"},
                                   ZoneName{"WEST", "Western European Summer Time"},
                                   ZoneName{"BST", "British Summer Time"},
                                   ZoneName{"JST", "Japan Standard Time"},
                                   ZoneName{"IST", "India Standard Time"}};

// One instant, taken apart once per Format.
struct Clock {
  int64_t local_micros;
  int64_t utc_micros;
  const TimeZone* zone;
  CivilDate date;
  int64_t days;
  int64_t second_of_day;
  int64_t micros;

  Clock(int64_t utc, const TimeZone& in_zone)
      : local_micros(in_zone.ToLocal(utc)), utc_micros(utc), zone(&in_zone) {
    days = local_micros / kMicrosPerDay - (local_micros % kMicrosPerDay < 0);
    const int64_t of_day = local_micros - days * kMicrosPerDay;
    second_of_day = of_day / kMicrosPerSecond;
    micros = of_day % kMicrosPerSecond;
    date = CivilFromDays(days);
  }

  int64_t Value(TimeField field) const;
};

int64_t Clock::Value(TimeField field) const {
  const int64_t hour = second_of_day / 3600;
  switch (field) {
    case TimeField::kEra:
      return date.year > 0;
    case TimeField::kYearOfEra:
      return date.year > 0 ? date.year : 1 - date.year;
    case TimeField::kYear:
      return date.year;
    case TimeField::kQuarter:
      return (date.month - 1) / 3 + 1;
    case TimeField::kMonth:
      return date.month;
    case TimeField::kDay:
      return date.day;
    case TimeField::kDayOfYear:
      return days - DaysFromCivil(date.year, 1, 1) + 1;
    case TimeField::kWeekOfMonth:
      return (date.day - 1) % 7 + 1;
    case TimeField::kDayOfWeek:
      return ((days + 3) % 7 + 7) % 7 + 1;
    case TimeField::kAmPm:
      return hour / 12;
    case TimeField::kHour:
      return hour;
    case TimeField::kClockHour:
      return hour == 0 ? 24 : hour;
    case TimeField::kHalfHour:
      return hour % 12;
    case TimeField::kClockHalfHour:
      return hour % 12 == 0 ? 12 : hour % 12;
    case TimeField::kMinute:
      return second_of_day / 60 % 60;
    case TimeField::kSecond:
      return second_of_day % 60;
  }
  return 0;
}

void AppendDigits(int64_t value, int width, std::string* out) {
  std::array<char, 20> digits;
  size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
    --width;
  } while (value != 0 || width > 0);
  out->append(digits.data() + at, digits.size() - at);
}

int64_t PowerOfTen(int exponent) {
  int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

void AppendNumber(const PatternItem& item, int64_t value, std::string* out) {
  if (value < 0) {
    *out += '-';
    value = -value;
  } else if (item.sign == SignStyle::kExceedsPad && item.min_width < 19 &&
             value >= PowerOfTen(item.min_width)) {
    *out += '+';
  }
  AppendDigits(value, item.min_width, out);
}

void AppendFraction(int64_t micros, int width, std::string* out) {
  const int64_t nanos = micros * 1000;
  AppendDigits(nanos / PowerOfTen(9 - width), width, out);
}

void AppendOffset(const PatternItem& item, int64_t offset, std::string* out) {
  const int64_t seconds = std::abs(offset);
  const int64_t hours = seconds / 3600;
  const int64_t minutes = seconds / 60 % 60;
  const int64_t rest = seconds % 60;
  const bool shows_minutes = item.layout.minutes_required || minutes != 0;
  const bool shows_seconds = item.layout.seconds && rest != 0;
  if (hours == 0 && minutes == 0 && !shows_seconds) {
    *out += item.text;
    return;
  }
  *out += offset < 0 ? '-' : '+';
  AppendDigits(hours, 2, out);
  if (shows_minutes) {
    if (item.layout.colons) *out += ':';
    AppendDigits(minutes, 2, out);
  }
  if (shows_seconds) {
    if (item.layout.colons) *out += ':';
    AppendDigits(rest, 2, out);
  }
}

void AppendLocalOffset(bool full, int64_t offset, std::string* out) {
  *out += "GMT";
  if (offset == 0) return;
  const int64_t seconds = std::abs(offset);
  *out += offset < 0 ? '-' : '+';
  AppendDigits(seconds / 3600, full ? 2 : 1, out);
  if (full || seconds % 3600 != 0) {
    *out += ':';
    AppendDigits(seconds / 60 % 60, 2, out);
  }
  if (seconds % 60 != 0) {
    *out += ':';
    AppendDigits(seconds % 60, 2, out);
  }
}

// Fixed offsets have no other name than their id. Regions without an abbreviation in the
// time zone database ("+03") are written by their id too.
void AppendZoneName(const Clock& clock, bool full, std::string* out) {
  const std::string& id = clock.zone->id();
  std::string name = id;
  absl::TimeZone region;
  if (id.find('/') != std::string::npos && absl::LoadTimeZone(id, &region)) {
    // Local mean time has no name in Java, which uses that of the standard time.
    const absl::Time begin = absl::FromUnixMicros(std::max<int64_t>(clock.utc_micros, 0));
    const absl::Time at = absl::FromUnixMicros(clock.utc_micros);
    std::string abbreviation = region.At(at).zone_abbr;
    if (abbreviation == "LMT") abbreviation = region.At(begin).zone_abbr;
    if (!abbreviation.empty() && abbreviation[0] != '+' && abbreviation[0] != '-') {
      name = abbreviation;
    }
  }
  if (full) {
    for (const ZoneName& known : kZoneNames) {
      if (known.abbreviation == name) name = known.full;
    }
  }
  *out += name;
}

}  // namespace

std::string_view FieldName(TimeField field, int value, bool full) {
  constexpr std::array<std::string_view, 12> kMonths = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  constexpr std::array<std::string_view, 7> kDays = {
      "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  constexpr std::array<std::string_view, 4> kQuarters = {"1st quarter", "2nd quarter",
                                                         "3rd quarter", "4th quarter"};
  constexpr std::array<std::string_view, 4> kShortQuarters = {"Q1", "Q2", "Q3", "Q4"};
  constexpr std::array<std::string_view, 2> kEras = {"Before Christ", "Anno Domini"};
  constexpr std::array<std::string_view, 2> kShortEras = {"BC", "AD"};
  constexpr std::array<std::string_view, 2> kHalves = {"AM", "PM"};
  constexpr size_t kShortName = 3;
  switch (field) {
    case TimeField::kMonth:
      return full ? kMonths[value - 1] : kMonths[value - 1].substr(0, kShortName);
    case TimeField::kDayOfWeek:
      return full ? kDays[value - 1] : kDays[value - 1].substr(0, kShortName);
    case TimeField::kQuarter:
      return full ? kQuarters[value - 1] : kShortQuarters[value - 1];
    case TimeField::kEra:
      return full ? kEras[value] : kShortEras[value];
    default:
      return kHalves[value];
  }
}

void FormatPattern(const std::vector<PatternItem>& items, int64_t utc_micros,
                   const TimeZone& zone, std::string* out) {
  const Clock clock(utc_micros, zone);
  for (const PatternItem& item : items) {
    switch (item.kind) {
      case PatternItem::kLiteral:
        *out += item.text;
        break;
      case PatternItem::kNumber:
        AppendNumber(item, clock.Value(item.field), out);
        break;
      case PatternItem::kReducedYear:
        AppendDigits(std::abs(clock.Value(item.field)) % 100, 2, out);
        break;
      case PatternItem::kText:
        *out +=
            FieldName(item.field, static_cast<int>(clock.Value(item.field)), item.full);
        break;
      case PatternItem::kFraction:
        AppendFraction(clock.micros, item.max_width, out);
        break;
      case PatternItem::kZoneId:
        *out += zone.id();
        break;
      case PatternItem::kZoneName:
        AppendZoneName(clock, item.full, out);
        break;
      case PatternItem::kOffset:
        AppendOffset(item, zone.OffsetSeconds(utc_micros), out);
        break;
      case PatternItem::kLocalOffset:
        AppendLocalOffset(item.full, zone.OffsetSeconds(utc_micros), out);
        break;
      case PatternItem::kOptionalBegin:
      case PatternItem::kOptionalEnd:
        break;
    }
  }
}

}  // namespace millrace::data
