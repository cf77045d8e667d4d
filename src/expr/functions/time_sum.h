// Sums and differences of dates, timestamps and intervals: what `+` and `-` do besides
// numbers.
#pragma once

#include <optional>
#include <span>

#include "expr/function.h"

namespace millrace::expr {

/// Binds a `+` or `-` (`subtract`) of which one operand at least is a date, a timestamp
/// or an interval; nothing where none is.
std::optional<Result<BoundFunction>> BindTimeSum(std::span<const ExprPtr> args,
                                                 bool subtract);

/// Binds an interval times or by (`divide`) a number, and a number times an interval;
/// nothing for other operands. Halves are rounded away from zero.
std::optional<Result<BoundFunction>> BindScaledInterval(std::span<const ExprPtr> args,
                                                        bool divide);

}  // namespace millrace::expr
