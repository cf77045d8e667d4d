// For tests: SQL expressions as bound expressions, so that cases can be written as Spark
// reads them. Knows literals, operators, calls (also of operators: "+(1, 2)"), CASE,
// CAST, IN, BETWEEN, IS, a[i] and a.b; no columns.
#pragma once

#include <functional>
#include <string_view>

#include "expr/function.h"

namespace millrace::expr {

/// What a literal becomes; the identity by default.
using LiteralHook = std::function<ExprPtr(ExprPtr)>;

/// Errors: those of binding, and internal errors where the text is not understood.
Result<ExprPtr> ParseExpression(std::string_view sql, const BindContext& context = {},
                                const LiteralHook& literal = nullptr);

}  // namespace millrace::expr
