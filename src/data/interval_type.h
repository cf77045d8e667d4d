// Intervals that name their fields: "interval day", "interval hour to minute", "interval
// month". To Arrow and to kernels they are durations and months like others; the fields
// are what schemas, names of columns and texts show. Part of the life of a type.
#pragma once

#include "data/types.h"

namespace millrace::data {

/// The first and the last field, as Spark counts them: of durations day 0, hour 1, minute
/// 2, second 3; of months year 0, month 1.
struct IntervalFields {
  int first = 0;
  int last = 0;

  bool operator==(const IntervalFields&) const = default;
};

inline constexpr IntervalFields kDayToSecond = {0, 3};
inline constexpr IntervalFields kYearToMonth = {0, 1};

TypePtr DayTimeInterval(IntervalFields fields);
TypePtr YearMonthInterval(IntervalFields fields);

/// Those of a duration or of months; all of them for a type that names none.
IntervalFields FieldsOf(const arrow::DataType& type);

/// "day to hour", "month".
std::string IntervalFieldsText(const arrow::DataType& type);

}  // namespace millrace::data
