// Subqueries in expressions, as joins: EXISTS and IN in WHERE are semi and anti joins; a
// subquery anywhere else becomes a column of an outer join. Spark:
// RewritePredicateSubquery, RewriteCorrelatedScalarSubquery.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plan/plan_builder.h"
#include "sql/sql.h"

namespace millrace::connect_plan {

/// How the parts of a subquery become plans: as those of the query around it.
struct QueryParts {
  std::function<Result<plan::PlanPtr>(const sql::Query&)> query;
  std::function<Result<plan::PlanPtr>(const sql::Relation&)> relation;
};

/// The subqueries of one SELECT. References must outlive it.
class SubqueryDecoder {
 public:
  SubqueryDecoder(const plan::PlanBuilder& builder, const sql::ParseOptions& options,
                  const std::map<int64_t, sql::QueryPtr>& subqueries, QueryParts parts)
      : builder_(builder),
        options_(options),
        subqueries_(subqueries),
        parts_(std::move(parts)) {}

  /// The rows of `input` for which a condition holds.
  Result<plan::PlanPtr> Where(plan::PlanPtr input, const sql::Expression& condition);

  /// Puts columns in the place of the subqueries in an expression, and gives `input` with
  /// these columns. `grouped`: the expression stands over groups of the input's rows.
  Result<plan::PlanPtr> AddColumns(plan::PlanPtr input, bool grouped,
                                   sql::Expression* expression);

 private:
  // A subquery that looks at columns of the query around it, and the conditions that do.
  struct Correlated {
    plan::PlanPtr plan;  // of its FROM and the rest of its WHERE
    std::vector<plan::UnresolvedExpr> conditions;
    const sql::Select* select = nullptr;
  };

  Result<plan::PlanPtr> Exists(plan::PlanPtr input, const sql::Query& query,
                               bool negated);
  Result<plan::PlanPtr> In(plan::PlanPtr input, const sql::Expression& in, bool negated);
  Result<plan::PlanPtr> AddScalar(plan::PlanPtr input, const sql::Query& query,
                                  bool exists, const std::string& name);
  Result<plan::PlanPtr> AddCorrelated(plan::PlanPtr input, const Correlated& inner,
                                      const plan::UnresolvedExpr& item, bool aggregated,
                                      const std::string& name);
  Result<plan::PlanPtr> AddMembership(plan::PlanPtr input, const sql::Expression& in,
                                      const std::string& name);
  Result<Correlated> Correlate(const sql::Query& query, const Status& without);
  Result<const sql::Query*> Find(const sql::Expression& expression) const;
  std::string NewName();

  const plan::PlanBuilder& builder_;
  const sql::ParseOptions& options_;
  const std::map<int64_t, sql::QueryPtr>& subqueries_;
  const QueryParts parts_;
  int names_ = 0;
};

}  // namespace millrace::connect_plan
