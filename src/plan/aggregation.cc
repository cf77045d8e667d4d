#include "plan/aggregation.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/function.h"
#include "plan/pretty_sql.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

// The call with FILTER (WHERE …) that sql::ParseExpression makes: of an aggregate and a
// condition.
constexpr std::string_view kFiltered = "aggregate_filter";

bool IsAggregate(const UnresolvedExpr& expression) {
  return expression.kind == Kind::kCall &&
         (expression.name == kFiltered ||
          (expr::FindAggregate(expression.name) != nullptr &&
           expr::FindFunction(expression.name) == nullptr));
}

// Whether two calls of window() are the same text: Spark's semantic equality for what a
// user repeats in groupBy and agg.
bool SameCall(const UnresolvedExpr& a, const UnresolvedExpr& b) {
  return a.kind == b.kind && EqualsIgnoreCase(PrettySql(a), PrettySql(b));
}

bool SameExpr(const ExprPtr& a, const ExprPtr& b) {
  return a->type()->Equals(*b->type()) && a->ToString() == b->ToString();
}

bool IsSessionWindow(const UnresolvedExpr& expression) {
  return expression.kind == Kind::kCall &&
         EqualsIgnoreCase(expression.name, "session_window");
}

bool IsWindow(const UnresolvedExpr& expression) {
  return IsSessionWindow(expression) ||
         (expression.kind == Kind::kCall && EqualsIgnoreCase(expression.name, "window"));
}

bool IsLiteral(const ExprPtr& expr) {
  return dynamic_cast<const expr::Literal*>(expr.get()) != nullptr;
}

}  // namespace

const UnresolvedExpr* FindAggregateCall(const UnresolvedExpr& expression) {
  if (expression.kind == Kind::kWindow) return nullptr;  // sum(x) OVER (…)
  if (IsAggregate(expression)) return &expression;
  for (const UnresolvedExpr& child : expression.children) {
    if (const UnresolvedExpr* found = FindAggregateCall(child)) return found;
  }
  return nullptr;
}

Aggregation::Aggregation(const PlanBuilder& builder, PlanPtr input)
    : builder_(builder),
      input_(std::move(input)),
      below_(input_),
      resolver_(input_, builder.conf()),
      visible_(input_->output),
      select_(visible_, {input_}, builder.conf()) {
  select_.set_call_hook(
      [this](const UnresolvedExpr& call) -> Result<std::optional<ExprPtr>> {
        for (size_t i = 0; i < keys_.size(); ++i) {
          if (IsWindow(call) && SameCall(key_texts_[i], call)) {
            return std::optional<ExprPtr>(keys_[i].attribute.ref());
          }
        }
        if (!IsAggregate(call)) return std::optional<ExprPtr>();
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr result, AddCall(call));
        return std::optional<ExprPtr>(std::move(result));
      });
}

Status Aggregation::AddKey(const UnresolvedExpr& group) {
  const UnresolvedExpr& bare = group.kind == Kind::kAlias ? group.children[0] : group;
  if (IsWindow(bare)) {
    if (below_ != input_) {
      return AnalysisError("_LEGACY_ERROR_TEMP_1039", "",
                           "Multiple time/session window expressions would result in a "
                           "cartesian product of rows, therefore they are currently not "
                           "supported.");
    }
    MILLRACE_ASSIGN_OR_RETURN(below_, builder_.AddWindow(below_, bare, resolver_));
    const Attribute window = below_->output.back();
    NamedExpr key{window.ref(), window};
    if (group.kind == Kind::kAlias) {
      key.attribute = ToAttribute(key.expr, group.name, below_->output);
    }
    visible_.push_back(key.attribute);
    if (IsSessionWindow(bare)) session_key_ = static_cast<int>(keys_.size());
    keys_.push_back(std::move(key));
    key_texts_.push_back(bare);
    return Status::OK();
  }
  if (HasAggregate(bare)) {
    return AnalysisError("GROUP_BY_AGGREGATE", "42903",
                         "Aggregate functions are not allowed in GROUP BY, but found {}.",
                         PrettySql(bare))
        .Param("sqlExpr", PrettySql(bare));
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> columns,
                            resolver_.ResolveColumns(group));
  for (ResolvedColumn& column : columns) {
    keys_.push_back({std::move(column.expr), std::move(column.attribute)});
    key_texts_.push_back(bare);
  }
  return Status::OK();
}

Result<std::vector<ResolvedColumn>> Aggregation::Resolve(const UnresolvedExpr& item) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> columns,
                            select_.ResolveColumns(item));
  for (ResolvedColumn& column : columns) column.expr = OverKeys(column.expr);
  return columns;
}

// With the keys in the place of the expressions that make them.
ExprPtr Aggregation::OverKeys(const ExprPtr& expr) const {
  for (const NamedExpr& key : keys_) {
    if (SameExpr(key.expr, expr)) return key.attribute.ref();
  }
  std::vector<ExprPtr> children;
  bool changed = false;
  for (const ExprPtr& child : expr->children()) {
    children.push_back(OverKeys(child));
    changed = changed || children.back() != child;
  }
  return changed ? expr->WithChildren(std::move(children)) : expr;
}

// With a filter, the arguments are null where it does not hold: aggregates skip nulls.
Result<std::vector<ExprPtr>> Aggregation::Arguments(const UnresolvedExpr& call,
                                                    const UnresolvedExpr* filter) const {
  std::vector<ExprPtr> args;
  for (const UnresolvedExpr& child : call.children) {
    if (HasAggregate(child)) {
      return AnalysisError(
          "NESTED_AGGREGATE_FUNCTION", "42607",
          "It is not allowed to use an aggregate function in the argument of "
          "another aggregate function. Please use the inner aggregate function "
          "in a sub-query.");
    }
    if (child.kind == Kind::kStar && child.name_parts.empty()) {
      args.push_back(expr::MakeInt(1));
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, resolver_.Resolve(child));
    args.push_back(std::move(arg));
  }
  if (filter == nullptr || args.empty()) return args;
  for (const std::string_view name :
       {"first", "first_value", "last", "last_value", "any_value"}) {
    if (!EqualsIgnoreCase(call.name, name)) continue;
    return UnsupportedError("FILTER of {} is not supported yet: filter the rows before.",
                            name);
  }
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr condition, resolver_.Resolve(*filter));
  const bool constant = std::all_of(args.begin(), args.end(), IsLiteral);
  for (ExprPtr& arg : args) {
    if (IsLiteral(arg) && !constant) continue;
    MILLRACE_ASSIGN_OR_RETURN(
        arg, expr::MakeCall("if", {condition, arg, expr::MakeNull(arg->type())},
                            resolver_.bind_context()));
  }
  return args;
}

Result<ExprPtr> Aggregation::AddCall(const UnresolvedExpr& call) {
  const bool filtered = call.name == kFiltered;
  const UnresolvedExpr& bare = filtered ? call.children[0] : call;
  if (filtered && !IsAggregate(bare)) {
    return AnalysisError("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "42000",
                         "The function `{}` does not support FILTER CLAUSE.", bare.name);
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> args,
                            Arguments(bare, filtered ? &call.children[1] : nullptr));
  MILLRACE_ASSIGN_OR_RETURN(
      expr::BoundAggregate bound,
      expr::BindAggregate(bare.name, std::move(args), resolver_.bind_context()));
  for (const AggregateCall& known : calls_) {
    const bool same = known.aggregate.name == bound.name &&
                      known.distinct == bare.distinct &&
                      std::equal(known.aggregate.args.begin(), known.aggregate.args.end(),
                                 bound.args.begin(), bound.args.end(), SameExpr);
    if (same) return known.attribute.ref();
  }
  Attribute attribute =
      NewAttribute(PrettySql(call, resolver_), bound.type, bound.nullable);
  calls_.push_back({std::move(bound), std::move(attribute), bare.distinct});
  return calls_.back().attribute.ref();
}

Status Aggregation::CheckColumns(const NamedExpr& result,
                                 const std::vector<Attribute>& output) const {
  std::vector<AttributeId> used;
  expr::CollectColumns(result.expr, &used);
  for (const AttributeId id : used) {
    const auto has_id = [&](const Attribute& attribute) { return attribute.id == id; };
    if (std::any_of(output.begin(), output.end(), has_id)) continue;
    if (keys_.empty()) {
      return AnalysisError(
          "MISSING_GROUP_BY", "42803",
          "The query does not include a GROUP BY clause. Add GROUP BY or turn it "
          "into the window functions using OVER clauses.");
    }
    const auto column =
        std::find_if(input_->output.begin(), input_->output.end(), has_id);
    const std::string& name =
        column == input_->output.end() ? result.attribute.name : column->name;
    return AnalysisError(
               "MISSING_AGGREGATION", "42803",
               "The non-aggregating expression \"{}\" is based on columns which are "
               "not participating in the GROUP BY clause.\nAdd the columns or the "
               "expression to the GROUP BY, aggregate the expression, or use "
               "\"any_value({})\" if you do not care which of the values within a "
               "group is returned.",
               name, name)
        .Param("expression", "\"" + name + "\"")
        .Param("expressionAnyValue", "\"any_value(" + name + ")\"");
  }
  return Status::OK();
}

Result<PlanPtr> Aggregation::Finish(std::vector<NamedExpr> results) && {
  const bool any_distinct =
      std::any_of(calls_.begin(), calls_.end(),
                  [](const AggregateCall& call) { return call.distinct; });
  if (session_key_ >= 0 && any_distinct) {
    return UnsupportedError(
        "Distinct aggregates over session windows are not supported yet: "
        "count(DISTINCT x) may be written size(collect_set(x)).");
  }
  std::vector<Attribute> output;
  for (const NamedExpr& key : keys_) output.push_back(key.attribute);
  for (const AggregateCall& call : calls_) output.push_back(call.attribute);
  for (const NamedExpr& result : results) {
    MILLRACE_RETURN_IF_ERROR(CheckColumns(result, output));
  }
  PlanPtr aggregated =
      MakePlan(plan::Aggregate{std::move(keys_), std::move(calls_), session_key_},
               {std::move(below_)}, std::move(output));
  std::vector<Attribute> result_output;
  for (const NamedExpr& result : results) result_output.push_back(result.attribute);
  return MakePlan(plan::Project{std::move(results)}, {std::move(aggregated)},
                  std::move(result_output));
}

}  // namespace millrace::plan
