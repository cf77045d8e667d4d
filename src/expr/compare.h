// Spark's ordering of values: NaN equals NaN and is above all numbers; inside arrays and
// structs null equals null and is below all values.
#pragma once

#include "expr/kernel.h"

namespace millrace::expr {

/// Below zero, zero or above it, as `a[i]` stands to `b[j]`. Both are of one orderable
/// type and not null.
int CompareValues(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j);

enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

/// Compares two arguments of one orderable type; null where one is null.
Kernel ComparisonKernel(Comparison comparison, const arrow::DataType& type);
/// `<=>`: never null, and null equals null.
Kernel NullSafeEqualKernel(const arrow::DataType& type);

}  // namespace millrace::expr
