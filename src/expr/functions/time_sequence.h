// Inside functions/: sequence of times, by an interval; that of numbers is in
// sequence.cc.
#pragma once

#include <span>

#include "expr/function.h"

namespace millrace::expr {

/// `args` begin with a date or a timestamp.
Result<BoundFunction> BindTimeSequence(std::span<const ExprPtr> args,
                                       const BindContext& context);

}  // namespace millrace::expr
