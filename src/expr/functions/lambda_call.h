// Inside functions/: what binders of higher-order functions share.
#pragma once

#include "expr/functions/bind.h"
#include "expr/lambda.h"

namespace millrace::expr {

/// A call that evaluates its arguments, among them lambdas, itself.
BoundFunction LambdaCall(std::span<const ExprPtr> args, data::TypePtr type, bool nullable,
                         LazyKernel kernel);

}  // namespace millrace::expr
