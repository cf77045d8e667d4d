// The part of SubqueryDecoder that makes columns out of subqueries.
#include "base/error.h"
#include "connect_plan/expression_decoder.h"
#include "connect_plan/subquery_decoder.h"
#include "connect_plan/subquery_terms.h"
#include "expr/function.h"
#include "expr/kernel.h"
#include "plan/aggregation.h"
#include "plan/expr_resolver.h"

namespace millrace::connect_plan {

using plan::Attribute;
using plan::NamedExpr;
using plan::PlanPtr;
using plan::UnresolvedExpr;

namespace {

using Kind = UnresolvedExpr::Kind;

NamedExpr Column(expr::ExprPtr expr, const std::string& qualifier) {
  Attribute attribute = plan::NewAttribute(kSubqueryColumn, expr->type(), true);
  attribute.qualifier = {qualifier};
  return {std::move(expr), std::move(attribute)};
}

// The only value, where there were `count` of them.
expr::ExprPtr OnlyValue(const Attribute& value, const Attribute& count) {
  expr::BoundFunction function;
  function.args = {value.ref(), count.ref()};
  function.type = value.type;
  function.can_fail = true;
  function.kernel = [](const expr::KernelInput& in) -> Result<expr::Value> {
    const expr::Reader<int64_t> counts(in.args[1]);
    for (int64_t row = 0; row < (in.args[1].constant ? 1 : in.rows); ++row) {
      if (counts.IsNull(row) || counts[row] <= 1) continue;
      return Error(Fault::kData,
                   "More than one row returned by a subquery used as an expression.")
          .Class("SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000");
    }
    return in.args[0];
  };
  return expr::MakeCall("scalarsubquery", std::move(function));
}

Error TooManyColumns(size_t count) {
  return AnalysisError(
      "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
      "42823",
      "Invalid subquery: Scalar subquery must return only one column, but got {}.",
      count);
}

// The two sides of an equality.
bool IsEquality(const UnresolvedExpr& condition) {
  return condition.kind == Kind::kCall && condition.children.size() == 2 &&
         (condition.name == "==" || condition.name == "=");
}

}  // namespace

Result<PlanPtr> SubqueryDecoder::AddScalar(PlanPtr input, const sql::Query& query,
                                           bool exists, const std::string& name) {
  const std::string value_name = name + "_value";
  Result<PlanPtr> plan = parts_.query(query);
  const UnresolvedExpr any = Call(">", {CountRows(), LiteralOf(expr::MakeLong(0))});
  if (!plan.ok()) {
    MILLRACE_ASSIGN_OR_RETURN(const Correlated inner, Correlate(query, plan.status()));
    if (exists) return AddCorrelated(std::move(input), inner, any, true, name);
    if (inner.select->items.size() != 1)
      return TooManyColumns(inner.select->items.size());
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr item,
                              DecodeExpression(inner.select->items[0], options_));
    const bool aggregated = plan::HasAggregate(item);
    if (!aggregated) item = Call("first", {std::move(item)});
    return AddCorrelated(std::move(input), inner, item, aggregated, name);
  }
  if (!exists && (*plan)->output.size() != 1) {
    return TooManyColumns((*plan)->output.size());
  }
  std::vector<UnresolvedExpr> results;
  if (exists) {
    results = {UnresolvedExpr::Alias(any, value_name)};
  } else {
    const std::vector<std::string> names = {value_name};
    MILLRACE_ASSIGN_OR_RETURN(plan, builder_.ToDf(*std::move(plan), names));
    results = {UnresolvedExpr::Alias(Call("first", {Named(value_name)}), value_name)};
  }
  results.push_back(UnresolvedExpr::Alias(CountRows(), name + "_count"));
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr row,
                            builder_.Aggregate(*std::move(plan), {}, results));
  const Attribute& value = row->output[0];
  std::vector<NamedExpr> columns = {
      Column(exists ? value.ref() : OnlyValue(value, row->output[1]), name)};
  row = Keep(std::move(row), std::move(columns));
  plan::JoinCriteria criteria;
  criteria.condition = True();
  return builder_.Join(std::move(input), std::move(row), plan::JoinType::kLeftOuter,
                       criteria);
}

// The subquery's rows grouped by what it compares with the query around it; a row that
// finds no group gets what the subquery gives for no rows.
Result<PlanPtr> SubqueryDecoder::AddCorrelated(PlanPtr input, const Correlated& inner,
                                               const UnresolvedExpr& item,
                                               bool aggregated, const std::string& name) {
  const size_t width = input->output.size();
  const plan::ExprResolver resolver(inner.plan, builder_.conf());
  std::vector<UnresolvedExpr> keys;
  std::vector<UnresolvedExpr> conditions;
  for (const UnresolvedExpr& condition : inner.conditions) {
    size_t own = 2;
    if (IsEquality(condition)) {
      for (size_t side = 0; side < 2; ++side) {
        if (own == 2 && resolver.Resolve(condition.children[side]).ok()) own = side;
      }
    }
    if (own == 2) {
      return UnsupportedError(
          "A subquery that is used as a value and compares with the query around it "
          "otherwise than by = is not supported yet: {}.",
          plan::PrettySql(condition));
    }
    const std::string key = fmt::format("{}_key_{}", name, keys.size());
    keys.push_back(UnresolvedExpr::Alias(condition.children[own], key));
    conditions.push_back(Call("==", {condition.children[1 - own], Named(key)}));
  }
  const std::vector<UnresolvedExpr> results = {
      UnresolvedExpr::Alias(item, name + "_value"),
      UnresolvedExpr::Alias(CountRows(), name + "_count")};
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr groups,
                            builder_.Aggregate(inner.plan, keys, results));
  plan::JoinCriteria criteria;
  criteria.condition = AllOf(std::move(conditions));
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr joined,
                            builder_.Join(std::move(input), std::move(groups),
                                          plan::JoinType::kLeftOuter, criteria));
  const size_t value_at = width + keys.size();
  const Attribute value = joined->output[value_at];
  const Attribute count = joined->output[value_at + 1];
  std::vector<NamedExpr> columns = First(joined, width);
  if (!aggregated) {
    columns.push_back(Column(OnlyValue(value, count), name));
    return Keep(std::move(joined), std::move(columns));
  }
  MILLRACE_ASSIGN_OR_RETURN(
      PlanPtr none, builder_.Filter(inner.plan, LiteralOf(expr::MakeBoolean(false))));
  MILLRACE_ASSIGN_OR_RETURN(
      none, builder_.Aggregate(std::move(none), {},
                               std::vector<UnresolvedExpr>{
                                   UnresolvedExpr::Alias(item, name + "_of_none")}));
  plan::JoinCriteria always;
  always.condition = True();
  MILLRACE_ASSIGN_OR_RETURN(joined, builder_.Join(std::move(joined), std::move(none),
                                                  plan::JoinType::kLeftOuter, always));
  MILLRACE_ASSIGN_OR_RETURN(
      const expr::ExprPtr missing,
      expr::MakeCall("isnull", {count.ref()}, resolver.bind_context()));
  MILLRACE_ASSIGN_OR_RETURN(
      expr::ExprPtr either,
      expr::MakeCall("if", {missing, joined->output.back().ref(), value.ref()},
                     resolver.bind_context()));
  columns.push_back(Column(std::move(either), name));
  return Keep(std::move(joined), std::move(columns));
}

// x IN (SELECT y …) as a value: true, false, or null where only a null could be equal.
Result<PlanPtr> SubqueryDecoder::AddMembership(PlanPtr input, const sql::Expression& in,
                                               const std::string& name) {
  MILLRACE_ASSIGN_OR_RETURN(const sql::Query* query, Find(in));
  MILLRACE_ASSIGN_OR_RETURN(
      UnresolvedExpr value,
      DecodeExpression(in.subquery_expression().in_subquery_values(0), options_));
  Result<PlanPtr> plan = parts_.query(*query);
  if (!plan.ok()) {
    MILLRACE_RETURN_IF_ERROR(Correlate(*query, plan.status()).status());
    return UnsupportedError(
        "IN with a subquery that looks at the query around it is supported only as a "
        "condition of WHERE.");
  }
  if ((*plan)->output.size() != 1) return TooManyColumns((*plan)->output.size());
  const size_t width = input->output.size();
  const std::string y = name + "_value";
  const std::vector<std::string> names = {y};
  MILLRACE_ASSIGN_OR_RETURN(plan, builder_.ToDf(*std::move(plan), names));
  const std::string set = name + "_set";
  const std::string rows = name + "_rows";
  const std::string present = name + "_present";
  const std::vector<UnresolvedExpr> results = {
      UnresolvedExpr::Alias(Call("collect_set", {Named(y)}), set),
      UnresolvedExpr::Alias(CountRows(), rows),
      UnresolvedExpr::Alias(Call("count", {Named(y)}), present)};
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr row,
                            builder_.Aggregate(*std::move(plan), {}, results));
  plan::JoinCriteria always;
  always.condition = True();
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr joined,
                            builder_.Join(std::move(input), std::move(row),
                                          plan::JoinType::kLeftOuter, always));
  const UnresolvedExpr null = UnresolvedExpr::Cast(
      LiteralOf(expr::MakeNull(data::NullType())), data::BooleanType());
  const UnresolvedExpr no = LiteralOf(expr::MakeBoolean(false));
  UnresolvedExpr member = Call(
      "when", {Call("==", {Named(rows), LiteralOf(expr::MakeLong(0))}), no,
               Call("isnull", {value}), null, Call("array_contains", {Named(set), value}),
               True(), Call("<", {Named(present), Named(rows)}), null, no});
  const std::vector<UnresolvedExpr> aliases = {
      UnresolvedExpr::Alias(std::move(member), name + "_in")};
  MILLRACE_ASSIGN_OR_RETURN(joined, builder_.WithColumns(std::move(joined), aliases));
  std::vector<NamedExpr> columns = First(joined, width);
  columns.push_back(Column(joined->output.back().ref(), name));
  return Keep(std::move(joined), std::move(columns));
}

}  // namespace millrace::connect_plan
