// Inside functions/: sorting arrays by what a lambda says of two elements.
#pragma once

#include "expr/function.h"

namespace millrace::expr {

/// array_sort(array, (left, right) -> below, at or above 0), stable. Errors:
/// COMPARATOR_RETURNS_NULL / 22004.
Result<Value> SortByComparator(const LazyInput& in);

}  // namespace millrace::expr
