// Units and values of INTERVAL literals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::sql {

/// DAY, days, week … without case.
bool IsIntervalUnit(std::string_view word);
bool IsYearMonthUnit(std::string_view word);
/// The field of Spark's interval types that a unit belongs to: year 0, month 1; day 0,
/// hour 1, minute 2, second 3.
int IntervalField(std::string_view word);

/// "12", "-1.5".
bool IsIntervalNumber(std::string_view text);

struct FromToInterval {
  bool year_month = false;
  int64_t amount = 0;  // months or microseconds
};

/// "1-2" YEAR TO MONTH, "1 02:03:04.5" DAY TO SECOND …; a sign may stand in front.
/// Nothing where text and units do not fit.
std::optional<FromToInterval> ParseFromTo(std::string_view text, std::string_view from,
                                          std::string_view to);

/// "`[+|-]y-m`": how Spark says what ParseFromTo takes.
std::string IntervalShape(std::string_view from, std::string_view to);
/// "interval day to second"
std::string IntervalTypeText(std::string_view from, std::string_view to);

}  // namespace millrace::sql
