// Inside `plan` only: one aggregation while it is put together, for groupBy().agg() and
// for SELECT.
#pragma once

#include <string>
#include <vector>

#include "plan/expr_resolver.h"
#include "plan/plan_builder.h"

namespace millrace::plan {

/// The first call of an aggregate function in an expression; null where there is none.
const UnresolvedExpr* FindAggregateCall(const UnresolvedExpr& expression);
/// Whether an expression calls an aggregate function.
inline bool HasAggregate(const UnresolvedExpr& expression) {
  return FindAggregateCall(expression) != nullptr;
}

/// Threading: one thread. `builder` must outlive it.
class Aggregation {
 public:
  Aggregation(const PlanBuilder& builder, PlanPtr input);
  Aggregation(const Aggregation&) = delete;
  Aggregation& operator=(const Aggregation&) = delete;

  /// One expression to group by; window(…) and session_window(…) add their column below.
  Status AddKey(const UnresolvedExpr& group);
  const std::vector<NamedExpr>& keys() const { return keys_; }

  /// An item of the select list over the keys and aggregate calls; once all keys are
  /// known. Errors: those of ExprResolver; NESTED_AGGREGATE_FUNCTION / 42607.
  Result<std::vector<ResolvedColumn>> Resolve(const UnresolvedExpr& item);

  /// The plan with `results`, of Resolve, as its columns. Errors: MISSING_AGGREGATION and
  /// MISSING_GROUP_BY / 42803 where a result uses a column that is neither grouped nor
  /// aggregated.
  Result<PlanPtr> Finish(std::vector<NamedExpr> results) &&;

 private:
  Result<ExprPtr> AddCall(const UnresolvedExpr& call);
  Result<std::vector<ExprPtr>> Arguments(const UnresolvedExpr& call,
                                         const UnresolvedExpr* filter) const;
  ExprPtr OverKeys(const ExprPtr& expr) const;
  Status CheckColumns(const NamedExpr& result,
                      const std::vector<Attribute>& output) const;

  const PlanBuilder& builder_;
  const PlanPtr input_;
  PlanPtr below_;  // `input_` and the windows
  const ExprResolver resolver_;
  std::vector<Attribute> visible_;  // the input's columns and the windows
  ExprResolver select_;
  std::vector<NamedExpr> keys_;
  std::vector<UnresolvedExpr> key_texts_;
  std::vector<AggregateCall> calls_;
  int session_key_ = -1;  // the key that is a session window
};

}  // namespace millrace::plan
