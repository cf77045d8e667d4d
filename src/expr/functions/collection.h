// What functions of arrays and of strings share: names that take both.
#pragma once

#include <span>

#include "expr/function.h"

namespace millrace::expr {

/// concat of strings or binaries; string.cc.
Result<BoundFunction> BindConcatText(std::span<const ExprPtr> args);
/// reverse of a string; string.cc.
Result<BoundFunction> BindReverseText(std::span<const ExprPtr> args);

}  // namespace millrace::expr
