// Spark Connect's Expression message as an unresolved expression.
#pragma once

#include "plan/unresolved.h"
#include "spark/connect/expressions.pb.h"

namespace millrace::connect_plan {

/// Errors: UNSUPPORTED_FEATURE / 0A000 names the kind of expression that is not built.
Result<plan::UnresolvedExpr> DecodeExpression(const spark::connect::Expression& expression);
Result<plan::UnresolvedExpr> DecodeSortOrder(
    const spark::connect::Expression::SortOrder& order);
Result<plan::UnresolvedExpr> DecodeAlias(const spark::connect::Expression::Alias& alias);

/// A literal as an array of length one.
Result<data::ArrayPtr> DecodeLiteral(const spark::connect::Expression::Literal& literal);

}  // namespace millrace::connect_plan
