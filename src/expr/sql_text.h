// Expressions and values as SQL text, for explain and for error messages; Spark's
// toPrettySQL and toSQLValue.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "expr/expr.h"

namespace millrace::expr {

enum class ColumnText {
  kName,    // "amount", as errors quote it
  kWithId,  // "amount#3", as explain shows it
};

/// "(amount > 1.0)".
std::string SqlText(const Expr& expr, ColumnText columns = ColumnText::kName);

/// The text a call of a function on these arguments would have.
std::string SqlCallText(std::string_view name, std::span<const ExprPtr> args,
                        ColumnText columns = ColumnText::kName);

/// One value as errors show it: 'x', 300.0D, 5L, 1.5BD, TIMESTAMP '2024-01-01 00:00:00',
/// NULL.
std::string SqlValue(const arrow::Array& array, int64_t row, const data::TimeZone& zone);

}  // namespace millrace::expr
