// Spark's interval texts ("1 minute", "10 seconds", "interval 5 minutes 2 seconds").
#pragma once

#include <chrono>
#include <string_view>

#include "millrace/status.h"

namespace millrace {

/// Spark's CalendarInterval: the three parts are not convertible into each other.
struct CalendarInterval {
  int32_t months = 0;
  int32_t days = 0;
  int64_t micros = 0;
};

/// Reads an interval without case, with an optional leading "interval". Units: year,
/// month, week, day, hour, minute, second, millisecond, microsecond (and plurals);
/// several may follow each other; seconds may have a fraction. Errors:
/// CANNOT_PARSE_INTERVAL / 22006.
Result<CalendarInterval> ParseInterval(std::string_view text);

/// The same for a fixed length of time: months are refused, a day is 24 h.
Result<std::chrono::microseconds> ParseDuration(std::string_view text);

/// The same for a trigger, with Spark's other words. Errors: INVALID_INTERVAL_FORMAT.* /
/// 22006; months and negative lengths.
Result<std::chrono::microseconds> ParseTriggerInterval(std::string_view text);

}  // namespace millrace
