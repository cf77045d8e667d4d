// The order of values inside one column, as Spark sorts them: NaN after all numbers and equal to
// itself, -0.0 equal to 0.0, strings by bytes, structs and arrays element by element.
#pragma once

#include <cstdint>
#include <functional>

#include "data/batch.h"

namespace millrace::exec {

/// Compares two non-null rows of one array: negative, zero or positive.
using RowComparison = std::function<int(int64_t, int64_t)>;

/// `array` must outlive the result. Errors: maps have no order (DATATYPE_MISMATCH.INVALID_
/// ORDERING_TYPE / 42K09).
Result<RowComparison> MakeRowComparison(const arrow::Array& array);

}  // namespace millrace::exec
