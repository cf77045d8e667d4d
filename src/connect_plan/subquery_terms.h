// What subqueries are put together from: expressions, and columns of plans.
#pragma once

#include <string>
#include <vector>

#include "plan/plan_builder.h"

namespace millrace::connect_plan {

/// The name Spark gives the column of a subquery.
inline constexpr char kSubqueryColumn[] = "scalarsubquery()";

plan::UnresolvedExpr Call(std::string name, std::vector<plan::UnresolvedExpr> args);
plan::UnresolvedExpr Named(const std::string& name);
plan::UnresolvedExpr LiteralOf(const expr::ExprPtr& literal);
plan::UnresolvedExpr True();
plan::UnresolvedExpr CountRows();
plan::UnresolvedExpr AllOf(std::vector<plan::UnresolvedExpr> conditions);

/// A plan's columns replaced by `columns`.
plan::PlanPtr Keep(plan::PlanPtr plan, std::vector<plan::NamedExpr> columns);
/// The first `count` columns of a plan.
std::vector<plan::NamedExpr> First(const plan::PlanPtr& plan, size_t count);

}  // namespace millrace::connect_plan
