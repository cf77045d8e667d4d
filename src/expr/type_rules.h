// Questions about pairs of types which coercion, casts and functions ask.
#pragma once

#include "data/types.h"

namespace millrace::expr {

/// Equal but for nullability, and for the case of field names; Spark's
/// equalsIgnoreCaseAndNullability.
bool SameType(const arrow::DataType& a, const arrow::DataType& b);
/// Equal but for nullability and field names; Spark's equalsStructurally.
bool SameStructure(const arrow::DataType& a, const arrow::DataType& b);
/// Whether `=` and `<` work: everything but maps and what holds them.
bool IsOrderable(const arrow::DataType& type);

}  // namespace millrace::expr
