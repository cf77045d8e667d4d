#include "plan/expr_resolver.h"

#include <arrow/type.h>

#include <algorithm>

#include <fmt/ranges.h>
#include "base/ascii.h"
#include "base/edit_distance.h"
#include "expr/function.h"
#include "plan/pretty_sql.h"
#include "plan/window_collector.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

std::string Quoted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += '.';
    text += '`' + part + '`';
  }
  return text;
}

// How many parts of `parts` name the attribute itself (the rest are fields); 0: none.
size_t MatchedParts(const Attribute& attribute, const std::vector<std::string>& parts) {
  if (attribute.qualifier.size() == 1 && parts.size() > 1 &&
      EqualsIgnoreCase(attribute.qualifier[0], parts[0]) &&
      EqualsIgnoreCase(attribute.name, parts[1])) {
    return 2;
  }
  return EqualsIgnoreCase(attribute.name, parts[0]) ? 1 : 0;
}

// The relations clients know as `id`, outermost first on each path.
void FindRelations(const PlanPtr& plan, int64_t id, int depth,
                   std::vector<std::pair<const LogicalPlan*, int>>* found) {
  const std::vector<int64_t>& ids = plan->client_ids;
  if (std::find(ids.begin(), ids.end(), id) != ids.end()) {
    found->emplace_back(plan.get(), depth);
    return;
  }
  for (const PlanPtr& child : plan->children) FindRelations(child, id, depth + 1, found);
}

bool HasQualifier(const std::vector<Attribute>& input, const std::string& name) {
  return std::any_of(input.begin(), input.end(), [&](const Attribute& attribute) {
    return attribute.qualifier.size() == 1 &&
           EqualsIgnoreCase(attribute.qualifier[0], name);
  });
}

// The input column an expression takes its event-time mark from, if any: the column
// itself, or the window under window_time().
const Attribute* EventTimeOrigin(const ExprPtr& expr,
                                 const std::vector<Attribute>& input) {
  const ExprPtr* origin = &expr;
  if (expr::CallName(*expr) == "window_time") origin = &expr->children()[0];
  const auto* column = dynamic_cast<const expr::Column*>(origin->get());
  if (column == nullptr) return nullptr;
  for (const Attribute& attribute : input) {
    if (attribute.id == column->id()) return &attribute;
  }
  return nullptr;
}

Error InvalidStar() {
  return AnalysisError("INVALID_USAGE_OF_STAR_OR_REGEX", "42000",
                       "Invalid usage of '*' in expression.");
}

}  // namespace

ExprResolver::ExprResolver(const std::vector<Attribute>& input, const SessionConf& conf)
    : ExprResolver(input, std::vector<PlanPtr>(), conf) {}

ExprResolver::ExprResolver(const PlanPtr& input, const SessionConf& conf)
    : ExprResolver(input->output, {input}, conf) {
  hidden_ = &input->hidden;
}

ExprResolver::ExprResolver(const std::vector<Attribute>& input,
                           std::vector<PlanPtr> below, const SessionConf& conf)
    : input_(input), below_(std::move(below)) {
  bind_.session_time_zone = conf.time_zone();
  // The setting was checked when it was set.
  if (auto zone = data::TimeZone::Find(bind_.session_time_zone); zone.ok())
    bind_.zone = *zone;
}

Error ExprResolver::UnresolvedColumn(const std::vector<std::string>& parts) const {
  const std::string name = Quoted(parts);
  if (input_.empty()) {
    return AnalysisError(
               "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
               "A column, variable, or function parameter with name {} cannot be "
               "resolved. ",
               name)
        .Param("objectName", name);
  }
  // Spark: StringUtils.orderSuggestedIdentifiersBySimilarity.
  const bool same_relation = std::ranges::all_of(input_, [&](const Attribute& attribute) {
    return attribute.qualifier == input_[0].qualifier;
  });
  const std::string wanted = fmt::format("{}", fmt::join(parts, "."));
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const Attribute& attribute : input_) {
    std::vector<std::string> candidate;
    if (!same_relation || parts.size() > 1) candidate = attribute.qualifier;
    candidate.push_back(attribute.name);
    std::string quoted = Quoted(candidate);
    const size_t distance = EditDistance(quoted, wanted);
    ranked.emplace_back(distance, std::move(quoted));
  }
  std::sort(ranked.begin(), ranked.end());
  std::string proposal;
  for (size_t i = 0; i < ranked.size() && i < 5; ++i) {
    if (i > 0) proposal += ", ";
    proposal += ranked[i].second;
  }
  return AnalysisError("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703",
                       "A column, variable, or function parameter with name {} cannot be "
                       "resolved. Did you mean one of the following? [{}].",
                       name, proposal)
      .Param("objectName", name)
      .Param("proposal", proposal);
}

Result<const Attribute*> ExprResolver::FindAttribute(
    const std::vector<std::string>& parts, size_t* used_parts) const {
  const Attribute* found = nullptr;
  std::vector<std::string> matches;
  size_t best = 0;
  for (const Attribute& attribute : input_) {
    const size_t used = MatchedParts(attribute, parts);
    if (used == 0 || used < best) continue;
    // The same column twice is no doubt.
    if (used == best && found->id == attribute.id) continue;
    // As in Spark a.b is first the column b of relation a, then the field b of column a.
    if (used > best) matches.clear();
    best = used;
    std::vector<std::string> full = attribute.qualifier;
    full.push_back(attribute.name);
    matches.push_back(Quoted(full));
    *used_parts = used;
    found = &attribute;
  }
  if (matches.size() > 1) {
    std::string list;
    for (const std::string& match : matches) list += (list.empty() ? "" : ", ") + match;
    return AnalysisError("AMBIGUOUS_REFERENCE", "42704",
                         "Reference {} is ambiguous, could be: [{}].", Quoted(parts),
                         list)
        .Param("name", Quoted(parts))
        .Param("referenceNames", "[" + list + "]");
  }
  if (found == nullptr && hidden_ != nullptr) {
    for (const Attribute& attribute : *hidden_) {
      const size_t used = MatchedParts(attribute, parts);
      if (used < 2) continue;  // by its relation's name only
      *used_parts = used;
      return &attribute;
    }
  }
  if (found == nullptr) return UnresolvedColumn(parts);
  return found;
}

const Attribute* ExprResolver::FindId(AttributeId id) const {
  for (const Attribute& attribute : input_) {
    if (attribute.id == id) return &attribute;
  }
  if (hidden_ == nullptr) return nullptr;
  for (const Attribute& attribute : *hidden_) {
    if (attribute.id == id) return &attribute;
  }
  return nullptr;
}

// A column taken from a relation, `df.a`. Spark: resolveDataFrameColumn. Where a relation
// occurs several times, the one nearest to here counts.
Result<const Attribute*> ExprResolver::FindInRelation(const UnresolvedExpr& expression,
                                                      size_t* used_parts) const {
  const std::vector<std::string>& parts = expression.name_parts;
  std::vector<std::pair<const LogicalPlan*, int>> relations;
  for (const PlanPtr& plan : below_)
    FindRelations(plan, *expression.plan_id, 0, &relations);
  const Attribute* found = nullptr;
  int found_depth = 0;
  bool ambiguous = false;
  for (const auto& [relation, depth] : relations) {
    for (const Attribute& attribute : relation->output) {
      const size_t used = MatchedParts(attribute, parts);
      if (used == 0) continue;
      const Attribute* here = FindId(attribute.id);
      if (here == nullptr) continue;
      if (found != nullptr && found->id != here->id && depth == found_depth)
        ambiguous = true;
      if (found != nullptr && depth >= found_depth) continue;
      found = here;
      found_depth = depth;
      ambiguous = false;
      *used_parts = used;
    }
  }
  const std::string name = fmt::format("\"{}\"", fmt::join(parts, "."));
  if (ambiguous) {
    return AnalysisError(
               "AMBIGUOUS_COLUMN_REFERENCE", "42702",
               "Column {} is ambiguous. It's because you joined several DataFrame "
               "together, and some of these DataFrames are the same.\nThis column "
               "points to one of the DataFrames but Spark is unable to figure out "
               "which one.\nPlease alias the DataFrames with different names via "
               "`DataFrame.alias` before joining them,\nand specify the column using "
               "qualified name, e.g. `df.alias(\"a\").join(df.alias(\"b\"), "
               "col(\"a.id\") > col(\"b.id\"))`.",
               name)
        .Param("name", name);
  }
  if (found == nullptr) {
    return AnalysisError(
               "CANNOT_RESOLVE_DATAFRAME_COLUMN", "42704",
               "Cannot resolve dataframe column {}. It's probably because of illegal "
               "references like `df1.select(df2.col(\"a\"))`.",
               name)
        .Param("name", name);
  }
  return found;
}

Result<const Attribute*> ExprResolver::FindAttribute(const UnresolvedExpr& expression,
                                                     size_t* used_parts) const {
  if (!expression.plan_id || below_.empty()) {
    return FindAttribute(expression.name_parts, used_parts);
  }
  return FindInRelation(expression, used_parts);
}

Result<ExprPtr> ExprResolver::ResolveAttribute(const UnresolvedExpr& expression) const {
  size_t used = 0;
  MILLRACE_ASSIGN_OR_RETURN(const Attribute* attribute, FindAttribute(expression, &used));
  ExprPtr result = attribute->ref();
  for (size_t i = used; i < expression.name_parts.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(
        result, expr::MakeExtract(result, expr::MakeString(expression.name_parts[i])));
  }
  return result;
}

Result<ExprPtr> ExprResolver::ResolveCall(const UnresolvedExpr& expression) const {
  if (hook_) {
    MILLRACE_ASSIGN_OR_RETURN(std::optional<ExprPtr> replacement, hook_(expression));
    if (replacement) return *std::move(replacement);
  }
  if (EqualsIgnoreCase(expression.name, "grouping") ||
      EqualsIgnoreCase(expression.name, "grouping_id")) {
    return AnalysisError("UNSUPPORTED_GROUPING_EXPRESSION", "42K0E",
                         "grouping()/grouping_id() can only be used with "
                         "GroupingSets/Cube/Rollup.");
  }
  if (IsWindowFunction(expression.name)) {
    return AnalysisError("WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601",
                         "Window function \"{}\" requires an OVER clause.",
                         PrettySql(expression))
        .Param("funcName", "\"" + PrettySql(expression) + "\"");
  }
  if (expr::FindFunction(expression.name) == nullptr &&
      expr::FindAggregate(expression.name) != nullptr) {
    return AnalysisError("UNSUPPORTED_EXPR_FOR_OPERATOR", "42K0E",
                         "The aggregate function {} is not allowed here: use it inside "
                         "groupBy(…).agg(…).",
                         PrettySql(expression));
  }
  std::vector<ExprPtr> args;
  for (const UnresolvedExpr& child : expression.children) {
    if (child.kind == Kind::kStar) {
      MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> columns,
                                ResolveColumns(child));
      for (ResolvedColumn& column : columns) args.push_back(std::move(column.expr));
      continue;
    }
    if (child.kind == Kind::kLambda) {
      args.push_back(nullptr);
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, Resolve(child));
    args.push_back(std::move(arg));
  }
  MILLRACE_RETURN_IF_ERROR(ResolveLambdas(expression, &args));
  const bool has_alias = std::ranges::any_of(
      expression.children,
      [](const UnresolvedExpr& child) { return child.kind == Kind::kAlias; });
  if (has_alias && EqualsIgnoreCase(expression.name, "struct")) {
    MILLRACE_ASSIGN_OR_RETURN(args, NamedFields(expression.children, std::move(args)));
    return expr::MakeCall("named_struct", std::move(args), bind_);
  }
  return expr::MakeCall(expression.name, std::move(args), bind_);
}

// struct(a, b AS c) with aliases: the arguments of named_struct.
Result<std::vector<ExprPtr>> ExprResolver::NamedFields(
    const std::vector<UnresolvedExpr>& children, std::vector<ExprPtr> values) const {
  if (children.size() != values.size()) {
    return UnsupportedError(
        "struct() of '*' beside an alias is not supported: name the columns.");
  }
  // struct() knows the names of the others.
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr unnamed,
                            expr::MakeCall("struct", values, bind_));
  std::vector<ExprPtr> args;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool named = children[i].kind == Kind::kAlias;
    args.push_back(expr::MakeString(
        named ? children[i].name : unnamed->type()->field(static_cast<int>(i))->name()));
    args.push_back(std::move(values[i]));
  }
  return args;
}

Result<ExprPtr> ExprResolver::Resolve(const UnresolvedExpr& expression) const {
  switch (expression.kind) {
    case Kind::kAttribute:
      return ResolveAttribute(expression);
    case Kind::kLiteral:
      return ExprPtr(std::make_shared<expr::Literal>(expression.literal));
    case Kind::kCall:
      return ResolveCall(expression);
    case Kind::kAlias:
    case Kind::kSortOrder:
      return Resolve(expression.children[0]);
    case Kind::kCast: {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr input, Resolve(expression.children[0]));
      return expr::MakeCast(input, expression.type, expression.cast_mode);
    }
    case Kind::kExtract: {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr base, Resolve(expression.children[0]));
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr path, Resolve(expression.children[1]));
      return expr::MakeExtract(base, path);
    }
    case Kind::kStar:
      return InvalidStar();
    case Kind::kLambda:
      return UnsupportedError("A lambda is not supported here: {}.",
                              PrettySql(expression));
    case Kind::kLambdaVariable:
      return ResolveLambdaVariable(expression);
    case Kind::kWindow:
      if (window_hook_) return window_hook_(expression);
      return AnalysisError(
          "UNSUPPORTED_EXPR_FOR_OPERATOR", "42K0E",
          "The window function {} is not allowed here: use it in select or "
          "withColumn.",
          PrettySql(expression));
  }
  return InternalError("expression of unknown kind {}",
                       static_cast<int>(expression.kind));
}

Result<std::vector<ResolvedColumn>> ExprResolver::ResolveColumns(
    const UnresolvedExpr& expression) const {
  std::vector<ResolvedColumn> columns;
  if (expression.kind == Kind::kStar) {
    const std::vector<std::string>& target = expression.name_parts;
    if (expression.plan_id && !below_.empty()) {
      std::vector<std::pair<const LogicalPlan*, int>> relations;
      for (const PlanPtr& plan : below_)
        FindRelations(plan, *expression.plan_id, 0, &relations);
      if (relations.empty()) return InvalidStar();
      for (const Attribute& attribute : relations[0].first->output) {
        const Attribute* here = FindId(attribute.id);
        if (here != nullptr) columns.push_back({here->ref(), *here});
      }
      return columns;
    }
    if (target.empty()) {
      for (const Attribute& attribute : input_)
        columns.push_back({attribute.ref(), attribute});
      return columns;
    }
    if (target.size() == 1 && HasQualifier(input_, target[0])) {
      for (const Attribute& attribute : input_) {
        if (attribute.qualifier.size() == 1 &&
            EqualsIgnoreCase(attribute.qualifier[0], target[0])) {
          columns.push_back({attribute.ref(), attribute});
        }
      }
      return columns;
    }
    const Result<ExprPtr> base_or = Resolve(UnresolvedExpr::Attribute(target));
    if (!base_or.ok() || (*base_or)->type()->id() != arrow::Type::STRUCT) {
      std::vector<std::string> columns_here;
      for (const Attribute& attribute : input_) {
        columns_here.push_back(Quoted({attribute.name}));
      }
      std::sort(columns_here.begin(), columns_here.end());
      return AnalysisError(
          "CANNOT_RESOLVE_STAR_EXPAND", "42704",
          "Cannot resolve {}.* given input columns {}. Please check that the "
          "specified table or struct exists and is accessible in the input "
          "columns.",
          Quoted(target), fmt::join(columns_here, ", "));
    }
    const ExprPtr& base = *base_or;
    for (int i = 0; i < base->type()->num_fields(); ++i) {
      ExprPtr field = expr::MakeField(base, i);
      Attribute attribute = ToAttribute(field, base->type()->field(i)->name(), input_);
      columns.push_back({std::move(field), std::move(attribute)});
    }
    return columns;
  }
  if (expression.kind == Kind::kAlias && !expression.name_parts.empty()) {
    return AnalysisError(
               "MULTI_ALIAS_WITHOUT_GENERATOR", "42K0E",
               "Multi part aliasing ({}) is not supported with {} as it is not a "
               "generator function.",
               fmt::join(expression.name_parts, ", "), PrettySql(expression.children[0]))
        .Param("names", fmt::format("{}", fmt::join(expression.name_parts, ", ")))
        .Param("expr", PrettySql(expression.children[0]));
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr expr, Resolve(expression));
  std::string name = ColumnName(expression, *this);
  if (expression.kind == Kind::kCast) {
    // Spark names a cast of a plain column after the column, any other cast after its
    // text.
    const ExprPtr& child = expr->children().empty() ? expr : expr->children()[0];
    if (const auto* column = dynamic_cast<const expr::Column*>(child.get())) {
      name = column->name();
    }
  }
  Attribute attribute = ToAttribute(expr, std::move(name), input_);
  if (expression.kind == Kind::kAlias && !expression.metadata.empty()) {
    attribute.metadata = expression.metadata;
  }
  columns.push_back({std::move(expr), std::move(attribute)});
  return columns;
}

Attribute ToAttribute(const ExprPtr& expr, std::string name,
                      const std::vector<Attribute>& input) {
  const Attribute* origin = EventTimeOrigin(expr, input);
  const auto* column = dynamic_cast<const expr::Column*>(expr.get());
  Attribute attribute;
  if (column != nullptr && origin != nullptr) {
    attribute = *origin;
    if (attribute.name == name) return attribute;
    attribute.qualifier.clear();
  } else if (origin != nullptr) {
    attribute.watermark_delay = origin->watermark_delay;
  }
  attribute.id = NewAttributeId();
  attribute.name = std::move(name);
  attribute.type = expr->type();
  attribute.nullable = expr->nullable();
  return attribute;
}

}  // namespace millrace::plan
