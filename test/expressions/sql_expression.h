// SQL text as a bound expression: through the grammar and the resolver that queries go
// through.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "expr/function.h"

namespace millrace::expr {

/// What a literal becomes; the identity by default.
using LiteralHook = std::function<ExprPtr(ExprPtr)>;

/// An expression without columns. Errors: those of the grammar and of binding.
Result<ExprPtr> ParseExpression(std::string_view sql, std::string_view zone = "UTC",
                                const LiteralHook& literal = nullptr);

}  // namespace millrace::expr
