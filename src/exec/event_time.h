// The event time of rows that are grouped or deduplicated by it.
#pragma once

#include <cstdint>
#include <vector>

#include "exec/operators.h"

namespace millrace::exec {

/// One time per row in microseconds: the values of a timestamp column, or the ends of a
/// window column. Null gives kNullTime, which is never late and never expires.
inline constexpr int64_t kNullTime = std::numeric_limits<int64_t>::max();
std::vector<int64_t> EventTimesOf(const arrow::Array& column);

/// The rows with a time above `watermark`. Spark drops a row when its time is at or below
/// it.
std::vector<int32_t> RowsAfter(const std::vector<int64_t>& times, Watermark watermark);

}  // namespace millrace::exec
