// Values as Spark's internal rows print them, which errors of FAILFAST and map keys in
// JSON show.
#pragma once

#include <string>

#include "data/batch.h"

namespace millrace::expr {

/// "[1,k,null]" of a struct, "keys: [a], values: [1]" of a map; times are plain numbers.
/// InternalRow.toString.
void AppendRowText(const arrow::Array& array, int64_t row, std::string* out);

}  // namespace millrace::expr
