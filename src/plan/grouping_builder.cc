// rollup(), cube(), grouping sets and pivot(): groupings that are made of plain ones.
#include <arrow/array/array_base.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/cast.h"
#include "plan/aggregation.h"
#include "plan/expr_resolver.h"
#include "plan/plan_builder.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

constexpr char kGroupingId[] = "spark_grouping_id";

std::string KeyName(size_t index) { return "__grouping_" + std::to_string(index); }

UnresolvedExpr Integer(int32_t value) {
  return UnresolvedExpr::Literal(
      std::static_pointer_cast<const expr::Literal>(expr::MakeInt(value))->value());
}

bool IsCall(const UnresolvedExpr& expression, const char* name) {
  return expression.kind == Kind::kCall && EqualsIgnoreCase(expression.name, name);
}

// grouping(key) and grouping_id() in terms of the grouping id. Spark:
// ResolveGroupingAnalytics.
Status RewriteGroupingCalls(std::span<const UnresolvedExpr> keys,
                            UnresolvedExpr* expression) {
  for (UnresolvedExpr& child : expression->children) {
    MILLRACE_RETURN_IF_ERROR(RewriteGroupingCalls(keys, &child));
  }
  if (IsCall(*expression, "grouping_id")) {
    *expression = UnresolvedExpr::Alias(UnresolvedExpr::Attribute({kGroupingId}),
                                        PrettySql(*expression));
    return Status::OK();
  }
  if (!IsCall(*expression, "grouping") || expression->children.size() != 1)
    return Status::OK();
  const std::string wanted = PrettySql(expression->children[0]);
  const auto key = std::find_if(
      keys.begin(), keys.end(),
      [&](const UnresolvedExpr& candidate) { return PrettySql(candidate) == wanted; });
  if (key == keys.end()) {
    return AnalysisError("GROUPING_COLUMN_MISMATCH", "42803",
                         "Column of grouping ({}) can't be found in grouping columns.",
                         wanted);
  }
  const auto shift = static_cast<int32_t>(keys.end() - key - 1);
  UnresolvedExpr bit = UnresolvedExpr::Cast(
      UnresolvedExpr::Call(
          "&",
          {UnresolvedExpr::Call(
               "shiftright", {UnresolvedExpr::Attribute({kGroupingId}), Integer(shift)}),
           Integer(1)}),
      arrow::int8());
  *expression = UnresolvedExpr::Alias(std::move(bit), PrettySql(*expression));
  return Status::OK();
}

// With the keys' columns in the place of the keys, but inside aggregate functions, which
// see the rows as they were.
bool ReplaceKeys(std::span<const UnresolvedExpr> keys, UnresolvedExpr* expression) {
  if (FindAggregateCall(*expression) == expression) return false;
  if (expression->kind != Kind::kAlias) {
    const std::string text = PrettySql(*expression);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (PrettySql(keys[i]) != text) continue;
      *expression = UnresolvedExpr::Attribute({KeyName(i)});
      return true;
    }
  }
  bool replaced = false;
  for (UnresolvedExpr& child : expression->children) {
    replaced = ReplaceKeys(keys, &child) || replaced;
  }
  return replaced;
}

}  // namespace

Result<PlanPtr> PlanBuilder::GroupingSets(
    PlanPtr input, std::span<const UnresolvedExpr> keys, std::vector<uint64_t> left_out,
    std::span<const UnresolvedExpr> aggregates) const {
  const ExprResolver resolver(input, conf_);
  Expand expand;
  expand.left_out = std::move(left_out);
  std::vector<Attribute> output = input->output;
  std::vector<std::string> names;
  std::vector<UnresolvedExpr> grouping;
  for (size_t i = 0; i < keys.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> columns,
                              resolver.ResolveColumns(keys[i]));
    names.push_back(columns[0].attribute.name);
    Attribute key = NewAttribute(KeyName(i), columns[0].expr->type(), true);
    output.push_back(key);
    expand.keys.push_back({std::move(columns[0].expr), std::move(key)});
    grouping.push_back(UnresolvedExpr::Attribute({KeyName(i)}));
  }
  expand.grouping_id = NewAttribute(kGroupingId, data::LongType(), false);
  output.push_back(expand.grouping_id);
  grouping.push_back(UnresolvedExpr::Attribute({kGroupingId}));
  PlanPtr expanded = MakePlan(std::move(expand), {std::move(input)}, std::move(output));

  std::vector<UnresolvedExpr> calls(aggregates.begin(), aggregates.end());
  for (UnresolvedExpr& call : calls) {
    MILLRACE_RETURN_IF_ERROR(RewriteGroupingCalls(keys, &call));
    const std::string name = ColumnName(call);
    if (ReplaceKeys(keys, &call) && call.kind != Kind::kAlias) {
      call = UnresolvedExpr::Alias(std::move(call), name);
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr grouped,
                            Aggregate(std::move(expanded), grouping, calls));
  std::vector<NamedExpr> columns;
  std::vector<Attribute> result;
  for (size_t i = 0; i < grouped->output.size(); ++i) {
    if (i == keys.size()) continue;  // the grouping id
    Attribute attribute = grouped->output[i];
    ExprPtr ref = attribute.ref();
    if (i < keys.size()) attribute = ToAttribute(ref, names[i], grouped->output);
    result.push_back(attribute);
    columns.push_back({std::move(ref), std::move(attribute)});
  }
  return MakePlan(plan::Project{std::move(columns)}, {std::move(grouped)},
                  std::move(result));
}

Result<PlanPtr> PlanBuilder::Pivot(PlanPtr input,
                                   std::span<const UnresolvedExpr> grouping,
                                   const UnresolvedExpr& column,
                                   std::span<const UnresolvedExpr> values,
                                   std::span<const UnresolvedExpr> aggregates) const {
  constexpr char kPivot[] = "__pivot";
  const auto result_name = [](size_t index) {
    return "__result_" + std::to_string(index);
  };
  // First by the keys and the pivot column; then, per value, what its group gave. Spark:
  // PivotFirst.
  std::vector<UnresolvedExpr> keys(grouping.begin(), grouping.end());
  keys.push_back(UnresolvedExpr::Alias(column, kPivot));
  std::vector<UnresolvedExpr> results;
  for (size_t i = 0; i < aggregates.size(); ++i) {
    const UnresolvedExpr& bare =
        aggregates[i].kind == Kind::kAlias ? aggregates[i].children[0] : aggregates[i];
    results.push_back(UnresolvedExpr::Alias(bare, result_name(i)));
  }
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr grouped, Aggregate(std::move(input), keys, results));

  std::vector<UnresolvedExpr> outer;
  for (size_t i = 0; i < grouping.size(); ++i) {
    outer.push_back(UnresolvedExpr::Attribute({grouped->output[i].name}));
  }
  const UnresolvedExpr yes = UnresolvedExpr::Literal(
      std::static_pointer_cast<const expr::Literal>(expr::MakeBoolean(true))->value());
  std::vector<UnresolvedExpr> picks;
  for (const UnresolvedExpr& value : values) {
    const bool is_null = value.kind == Kind::kLiteral && value.literal->IsNull(0);
    const std::string text = is_null ? "null" : PrettySql(value);
    for (size_t i = 0; i < aggregates.size(); ++i) {
      UnresolvedExpr pick = UnresolvedExpr::Call(
          "first", {UnresolvedExpr::Call(
                        "when", {UnresolvedExpr::Call(
                                     "<=>", {UnresolvedExpr::Attribute({kPivot}), value}),
                                 UnresolvedExpr::Attribute({result_name(i)})}),
                    yes});
      picks.push_back(UnresolvedExpr::Alias(
          std::move(pick),
          aggregates.size() == 1 ? text : text + "_" + ColumnName(aggregates[i])));
    }
  }
  return Aggregate(std::move(grouped), outer, picks);
}

}  // namespace millrace::plan
