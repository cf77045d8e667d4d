// Inside `data` only: what a time pattern compiles to, and the two ways to run it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/time_text.h"

namespace millrace::data {

/// What a number or text of a pattern is about; java.time's ChronoField.
enum class TimeField {
  kEra,  // 0 before Christ, 1 after
  kYearOfEra,
  kYear,
  kQuarter,
  kMonth,
  kDay,
  kDayOfYear,
  kWeekOfMonth,    // 'F': which of the month's Mondays, Tuesdays … it is
  kDayOfWeek,      // 1 is Monday
  kAmPm,           // 0 morning, 1 afternoon
  kHour,           // 0 to 23
  kClockHour,      // 1 to 24
  kHalfHour,       // 0 to 11
  kClockHalfHour,  // 1 to 12
  kMinute,
  kSecond,
};
inline constexpr int kTimeFields = static_cast<int>(TimeField::kSecond) + 1;

/// How a number's sign is read and written; java.time's SignStyle.
enum class SignStyle { kNever, kNormal, kExceedsPad };

/// The parts of an offset behind the hour.
struct OffsetLayout {
  bool colons = false;
  bool minutes_required = true;
  bool seconds = false;  // shown where they are not zero
};

struct PatternItem {
  enum Kind {
    kLiteral,        // `text`
    kNumber,         // `field`, of min_width to max_width digits
    kReducedYear,    // two digits, 2000 to 2099
    kText,           // a name of `field`, `full` or short
    kFraction,       // of the second, max_width digits
    kZoneId,         // "America/New_York"
    kZoneName,       // "EST"
    kOffset,         // `text` is what no offset looks like; `layout` says the rest
    kLocalOffset,    // "GMT+8", `full`: "GMT+08:00"
    kOptionalBegin,  // up to the kOptionalEnd at `end`
    kOptionalEnd,
  };
  Kind kind = kLiteral;
  TimeField field = TimeField::kYear;
  SignStyle sign = SignStyle::kNever;
  int min_width = 1;
  int max_width = 19;
  /// Digits of the numbers of fixed width that follow without anything between.
  int subsequent_width = 0;
  bool full = false;
  OffsetLayout layout = {};
  std::string text = {};
  size_t end = 0;
};

/// Names in English, as Java has them.
std::string_view FieldName(TimeField field, int value, bool full);

void FormatPattern(const std::vector<PatternItem>& items, int64_t utc_micros,
                   const TimeZone& zone, std::string* out);

/// A text that matched: its wall clock, and the zone where the text holds one.
struct ParsedTime {
  int64_t local_seconds = 0;
  int32_t micros = 0;
  const TimeZone* zone = nullptr;
  std::optional<int32_t> offset;
};
std::optional<ParsedTime> ParsePattern(const std::vector<PatternItem>& items,
                                       std::string_view text);

}  // namespace millrace::data
