// Dates, timestamps and time zones as Spark reads and writes them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::data {

/// A time zone by its Java id: region ("America/New_York"), offset ("+02:00", "+2",
/// "GMT+1", "UTC+01:30"), "Z", "UTC", short ids. Immutable; lives as long as the process.
/// Threading: all methods may be called from any thread.
class TimeZone {
 public:
  /// Errors: INVALID_TIMEZONE / 22009.
  static Result<const TimeZone*> Find(std::string_view id);
  static const TimeZone* Utc();

  virtual ~TimeZone() = default;
  /// Local microseconds (as if the wall clock were UTC) of an instant.
  virtual int64_t ToLocal(int64_t utc_micros) const = 0;
  /// The instant of a local time: in a gap the time moves forward by the gap's length, in
  /// an overlap the earlier offset wins (java.time's LocalDateTime.atZone).
  virtual int64_t ToUtc(int64_t local_micros) const = 0;
  virtual int64_t OffsetSeconds(int64_t utc_micros) const = 0;
  virtual const std::string& id() const = 0;
};

/// Days since 1970-01-01 of a proleptic Gregorian date, and back.
int64_t DaysFromCivil(int64_t year, int month, int day);
struct CivilDate {
  int64_t year;
  int month;
  int day;
};
CivilDate CivilFromDays(int64_t days);

/// Spark's cast rules, SparkDateTimeUtils.stringToTimestamp: "2024", "2024-1",
/// "2024-01-01", 'T' or space before the time, fraction cut to microseconds, optional
/// zone, blanks trimmed; "T00:00:01" means today in `zone` (`today_micros` is now).
/// Nothing where it is no timestamp.
std::optional<int64_t> ParseTimestamp(std::string_view text, const TimeZone& zone,
                                      int64_t now_micros);
/// The same without time zone; a text with a zone is refused unless `allow_zone`.
std::optional<int64_t> ParseTimestampNtz(std::string_view text, bool allow_zone);
/// Days since 1970-01-01; SparkDateTimeUtils.stringToDate.
std::optional<int32_t> ParseDate(std::string_view text);

/// "2024-01-01 00:00:01.5": trailing zeros of the fraction cut, years over 9999 with a
/// '+'.
void AppendTimestamp(int64_t local_micros, std::string* out);
void AppendDate(int64_t days, std::string* out);

/// What a pattern is compiled for: Spark refuses some letters (E, F, Q, q) for parsing
/// only.
enum class PatternUse { kFormat, kParse };

/// A compiled java.time-style pattern ("yyyy-MM-dd HH:mm:ss.SSS"), Spark's subset under
/// its CORRECTED policy and java.time's strict resolving. "SSS" parses one to three
/// digits. Immutable. Threading: any thread.
class TimePattern {
 public:
  /// Errors: INVALID_DATETIME_PATTERN.* / 22007, or INCONSISTENT_BEHAVIOR_CROSS_VERSION.*
  /// / 42K0B where Spark 2 knew the pattern.
  static Result<std::shared_ptr<const TimePattern>> Compile(
      std::string_view pattern, PatternUse use = PatternUse::kFormat);
  virtual ~TimePattern() = default;

  /// Formats an instant in `zone`.
  virtual void Format(int64_t utc_micros, const TimeZone& zone,
                      std::string* out) const = 0;
  /// UTC microseconds; a zone in the text wins over `zone`. Nothing where it does not
  /// match.
  virtual std::optional<int64_t> Parse(std::string_view text,
                                       const TimeZone& zone) const = 0;
  /// Local microseconds; nothing where it does not match.
  virtual std::optional<int64_t> ParseLocal(std::string_view text) const = 0;
};

}  // namespace millrace::data
