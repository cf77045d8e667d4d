// Spark Connect's Expression message as an unresolved expression.
#pragma once

#include "plan/unresolved.h"
#include "spark/connect/expressions.pb.h"
#include "sql/sql.h"

namespace millrace::connect_plan {

/// `sql` is for expressions that are texts. Errors: UNSUPPORTED_FEATURE / 0A000 names the
/// kind of expression that is not built; those of sql::ParseExpression.
Result<plan::UnresolvedExpr> DecodeExpression(
    const spark::connect::Expression& expression, const sql::ParseOptions& sql);
Result<plan::UnresolvedExpr> DecodeSortOrder(
    const spark::connect::Expression::SortOrder& order, const sql::ParseOptions& sql);
Result<plan::UnresolvedExpr> DecodeAlias(const spark::connect::Expression::Alias& alias,
                                         const sql::ParseOptions& sql);

/// A literal as an array of length one.
Result<data::ArrayPtr> DecodeLiteral(const spark::connect::Expression::Literal& literal);

}  // namespace millrace::connect_plan
