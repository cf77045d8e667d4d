// Arithmetic on the proleptic Gregorian calendar; Spark's DateTimeUtils.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/time_text.h"
#include "millrace/status.h"

namespace millrace::expr {

/// What date_trunc and trunc cut to, from the finest to the coarsest.
enum class TruncateTo {
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
};

/// By Spark's names ("YEAR", "yy", "mon" …), without case; nothing for others.
std::optional<TruncateTo> ParseTruncateTo(std::string_view text);
/// The first day of the week, month, quarter or year.
int64_t TruncateDate(int64_t days, TruncateTo to);

int DaysInMonth(int64_t year, int month);
bool IsLeapYear(int64_t year);

/// The same day so many months later, or the last of that month if it is shorter.
int64_t AddMonths(int64_t days, int64_t months);
int64_t LastDayOfMonth(int64_t days);

/// 0 for Monday to 6 for Sunday.
int Weekday(int64_t days);
/// From 1.
int DayOfYear(int64_t days);
/// ISO 8601 week, and the year it belongs to.
int WeekOfYear(int64_t days);
int64_t WeekYear(int64_t days);

/// 0 for Monday to 6 for Sunday of "MO", "Mon", "monday" …; nothing for others.
std::optional<int> ParseWeekday(std::string_view text);

/// Days since 1970-01-01. Errors: DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION / 22023.
Result<int64_t> MakeDate(int64_t year, int64_t month, int64_t day);
/// The error with Java's words for a field outside its range.
Status FieldOutOfBounds(std::string_view range_message);

/// Whole months from `start` to `end`, both local microseconds; java.time's
/// MONTHS.between.
int64_t MonthsBetween(int64_t start, int64_t end);

}  // namespace millrace::expr
