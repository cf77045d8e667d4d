#include "expr/functions/calendar.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/functions/local_clock.h"

namespace millrace::expr {
namespace {

constexpr auto kMonthNames = std::to_array<std::string_view>(
    {"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST",
     "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"});
constexpr auto kDayNames = std::to_array<std::string_view>(
    {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"});

}  // namespace

std::optional<TruncateTo> ParseTruncateTo(std::string_view text) {
  struct Named {
    std::string_view name;
    TruncateTo to;
  };
  static constexpr auto kNames = std::to_array<Named>({
      {"microsecond", TruncateTo::kMicrosecond},
      {"millisecond", TruncateTo::kMillisecond},
      {"second", TruncateTo::kSecond},
      {"minute", TruncateTo::kMinute},
      {"hour", TruncateTo::kHour},
      {"day", TruncateTo::kDay},
      {"dd", TruncateTo::kDay},
      {"week", TruncateTo::kWeek},
      {"mon", TruncateTo::kMonth},
      {"month", TruncateTo::kMonth},
      {"mm", TruncateTo::kMonth},
      {"quarter", TruncateTo::kQuarter},
      {"year", TruncateTo::kYear},
      {"yyyy", TruncateTo::kYear},
      {"yy", TruncateTo::kYear},
  });
  for (const Named& named : kNames) {
    if (EqualsIgnoreCase(named.name, text)) return named.to;
  }
  return std::nullopt;
}

int64_t TruncateDate(int64_t days, TruncateTo to) {
  if (to == TruncateTo::kWeek) return days - Weekday(days);
  const data::CivilDate date = data::CivilFromDays(days);
  switch (to) {
    case TruncateTo::kMonth:
      return data::DaysFromCivil(date.year, date.month, 1);
    case TruncateTo::kQuarter:
      return data::DaysFromCivil(date.year, (date.month - 1) / 3 * 3 + 1, 1);
    case TruncateTo::kYear:
      return data::DaysFromCivil(date.year, 1, 1);
    default:
      return days;
  }
}

bool IsLeapYear(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysInMonth(int64_t year, int month) {
  if (month == 2) return IsLeapYear(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int64_t AddMonths(int64_t days, int64_t months) {
  const data::CivilDate date = data::CivilFromDays(days);
  const int64_t total = date.year * 12 + (date.month - 1) + months;
  const int64_t year = FloorDiv(total, 12);
  const int month = static_cast<int>(FloorMod(total, 12)) + 1;
  return data::DaysFromCivil(year, month, std::min(date.day, DaysInMonth(year, month)));
}

int64_t LastDayOfMonth(int64_t days) {
  const data::CivilDate date = data::CivilFromDays(days);
  return days + DaysInMonth(date.year, date.month) - date.day;
}

int Weekday(int64_t days) {
  return static_cast<int>(FloorMod(days + 3, 7));  // 1970-01-01 was a Thursday
}

int DayOfYear(int64_t days) {
  return static_cast<int>(days - TruncateDate(days, TruncateTo::kYear)) + 1;
}

int64_t WeekYear(int64_t days) {
  return data::CivilFromDays(days - Weekday(days) + 3)
      .year;  // that of the week's Thursday
}

int WeekOfYear(int64_t days) { return (DayOfYear(days - Weekday(days) + 3) - 1) / 7 + 1; }

std::optional<int> ParseWeekday(std::string_view text) {
  for (size_t day = 0; day < kDayNames.size(); ++day) {
    for (const size_t size : {size_t{2}, size_t{3}, kDayNames[day].size()}) {
      if (EqualsIgnoreCase(text, kDayNames[day].substr(0, size)))
        return static_cast<int>(day);
    }
  }
  return std::nullopt;
}

Status FieldOutOfBounds(std::string_view range_message) {
  return Error(Fault::kData,
               "{}. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass "
               "this "
               "error.",
               range_message)
      .Class("DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "22023")
      .Java("org.apache.spark.SparkDateTimeException")
      .Param("rangeMessage", std::string(range_message))
      .Param("ansiConfig", "\"spark.sql.ansi.enabled\"");
}

Result<int64_t> MakeDate(int64_t year, int64_t month, int64_t day) {
  constexpr int64_t kMaxYear = 999'999'999;
  if (year < -kMaxYear || year > kMaxYear) {
    return FieldOutOfBounds(fmt::format(
        "Invalid value for Year (valid values -999999999 - 999999999): {}", year));
  }
  if (month < 1 || month > 12) {
    return FieldOutOfBounds(
        fmt::format("Invalid value for MonthOfYear (valid values 1 - 12): {}", month));
  }
  if (day < 1 || day > 31) {
    return FieldOutOfBounds(
        fmt::format("Invalid value for DayOfMonth (valid values 1 - 28/31): {}", day));
  }
  if (day > DaysInMonth(year, static_cast<int>(month))) {
    return FieldOutOfBounds(
        day == 29
            ? fmt::format("Invalid date 'February 29' as '{}' is not a leap year", year)
            : fmt::format("Invalid date '{} {}'",
                          kMonthNames[static_cast<size_t>(month - 1)], day));
  }
  return data::DaysFromCivil(year, static_cast<int>(month), static_cast<int>(day));
}

int64_t MonthsBetween(int64_t start, int64_t end) {
  int64_t end_days = FloorDiv(end, kMicrosPerDay);
  const int64_t start_days = FloorDiv(start, kMicrosPerDay);
  const int64_t start_time = FloorMod(start, kMicrosPerDay);
  const int64_t end_time = FloorMod(end, kMicrosPerDay);
  if (end_days > start_days && end_time < start_time) {
    --end_days;
  } else if (end_days < start_days && end_time > start_time) {
    ++end_days;
  }
  const auto packed = [](int64_t days) {
    const data::CivilDate date = data::CivilFromDays(days);
    return (date.year * 12 + date.month - 1) * 32 + date.day;
  };
  return (packed(end_days) - packed(start_days)) / 32;
}

}  // namespace millrace::expr
