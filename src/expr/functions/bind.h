// Inside functions/: steps that many binders share.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "expr/cast.h"
#include "expr/function.h"

namespace millrace::expr {

/// All arguments cast to their common type. Errors: DATA_DIFF_TYPES, naming `function`,
/// whose arguments are `all`.
Result<std::vector<ExprPtr>> CastToCommonType(std::string_view function,
                                              std::span<const ExprPtr> args,
                                              std::span<const ExprPtr> all);

/// The two operands of an operator cast to their common type. Errors:
/// BINARY_OP_DIFF_TYPES.
Result<std::vector<ExprPtr>> CastOperands(std::string_view function,
                                          std::span<const ExprPtr> args);

/// `args[index]` implicitly cast to `type`. Errors: UNEXPECTED_INPUT_TYPE, with `wanted`
/// as Spark writes it, or the type's own name where that is empty.
Result<ExprPtr> CastArgument(std::string_view function, std::span<const ExprPtr> args,
                             int index, const data::TypePtr& type,
                             std::string_view wanted = "");

/// A call that stands for another expression.
Result<BoundFunction> Replace(Result<ExprPtr> expr);

bool AnyNullable(std::span<const ExprPtr> args);

}  // namespace millrace::expr
