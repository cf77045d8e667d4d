// Expressions that evaluate an argument only for the rows that need it, so that ANSI
// errors of other rows never show. An argument that cannot fail is evaluated for all rows
// of the batch instead, which is cheaper than picking rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "expr/function.h"

namespace millrace::expr {

/// The three-valued AND and OR of two booleans.
Result<Value> EvaluateAnd(const LazyInput& in);
Result<Value> EvaluateOr(const LazyInput& in);

/// CASE: condition, value, condition, value, …, and maybe one value for the rest.
Result<Value> EvaluateCase(const LazyInput& in);

/// The first argument that is not null.
Result<Value> EvaluateCoalesce(const LazyInput& in);

/// The first of two floating point arguments, or the second where that is NaN.
Result<Value> EvaluateNanvl(const LazyInput& in);

/// The values of `expr` for some rows of a batch, in that order.
Result<Value> EvaluateRows(const Expr& expr, const data::Batch& batch,
                           std::span<const int32_t> rows, const EvalContext& context);

}  // namespace millrace::expr
