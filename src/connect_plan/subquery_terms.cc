#include "connect_plan/subquery_terms.h"

namespace millrace::connect_plan {

using plan::Attribute;
using plan::NamedExpr;
using plan::PlanPtr;
using plan::UnresolvedExpr;

UnresolvedExpr Call(std::string name, std::vector<UnresolvedExpr> args) {
  return UnresolvedExpr::Call(std::move(name), std::move(args));
}

UnresolvedExpr Named(const std::string& name) {
  return UnresolvedExpr::Attribute({name});
}

UnresolvedExpr LiteralOf(const expr::ExprPtr& literal) {
  return UnresolvedExpr::Literal(
      std::static_pointer_cast<const expr::Literal>(literal)->value());
}

UnresolvedExpr True() { return LiteralOf(expr::MakeBoolean(true)); }

UnresolvedExpr CountRows() { return Call("count", {LiteralOf(expr::MakeInt(1))}); }

UnresolvedExpr AllOf(std::vector<UnresolvedExpr> conditions) {
  if (conditions.empty()) return True();
  UnresolvedExpr all = std::move(conditions[0]);
  for (size_t i = 1; i < conditions.size(); ++i) {
    all = Call("and", {std::move(all), std::move(conditions[i])});
  }
  return all;
}

PlanPtr Keep(PlanPtr plan, std::vector<NamedExpr> columns) {
  std::vector<Attribute> output;
  for (const NamedExpr& column : columns) output.push_back(column.attribute);
  return MakePlan(plan::Project{std::move(columns)}, {std::move(plan)},
                  std::move(output));
}

std::vector<NamedExpr> First(const PlanPtr& plan, size_t count) {
  std::vector<NamedExpr> columns;
  for (size_t i = 0; i < count; ++i)
    columns.push_back({plan->output[i].ref(), plan->output[i]});
  return columns;
}

}  // namespace millrace::connect_plan
