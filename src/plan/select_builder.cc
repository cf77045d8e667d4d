// SELECT: the part of PlanBuilder that puts its clauses together.
#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/function.h"
#include "plan/aggregation.h"
#include "plan/analysis_errors.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

// A position in the select list; nothing for other expressions.
std::optional<int64_t> Position(const UnresolvedExpr& expression) {
  if (expression.kind != Kind::kLiteral) return std::nullopt;
  if (expression.literal->type_id() != arrow::Type::INT32) return std::nullopt;
  return expr::IntegerLiteral(std::make_shared<expr::Literal>(expression.literal));
}

Error OutOfRange(std::string_view clause, int64_t position, size_t size) {
  return AnalysisError(
             fmt::format("{}_BY_POS_OUT_OF_RANGE", clause), "42805",
             "{} BY position {} is not in select list (valid range is [1, {}]).", clause,
             position, size)
      .Param("index", fmt::to_string(position))
      .Param("size", fmt::to_string(size));
}

bool IsUnresolvedColumn(const Status& status) {
  return status.error().error_class.starts_with("UNRESOLVED_COLUMN");
}

// Only some columns of a plan.
PlanPtr Keep(PlanPtr plan, const std::vector<Attribute>& columns) {
  std::vector<NamedExpr> kept;
  for (const Attribute& attribute : columns) kept.push_back({attribute.ref(), attribute});
  return MakePlan(plan::Project{std::move(kept)}, {std::move(plan)}, columns);
}

// An expression over the columns `from`, over those at the same positions of `to`.
ExprPtr Moved(const ExprPtr& expr, const std::vector<Attribute>& from,
              const std::vector<Attribute>& to) {
  if (const auto* column = dynamic_cast<const expr::Column*>(expr.get())) {
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i].id == column->id()) return to[i].ref();
    }
    return expr;
  }
  if (expr->children().empty()) return expr;
  std::vector<ExprPtr> children;
  for (const ExprPtr& child : expr->children())
    children.push_back(Moved(child, from, to));
  return expr->WithChildren(std::move(children));
}

bool Aggregates(const SelectClauses& clauses) {
  return clauses.grouping != SelectClauses::Grouping::kNone || clauses.having ||
         std::any_of(clauses.items.begin(), clauses.items.end(), HasAggregate) ||
         std::any_of(clauses.order_by.begin(), clauses.order_by.end(), HasAggregate);
}

using GroupingKeys = std::vector<UnresolvedExpr>;

bool IsCall(const UnresolvedExpr& expression, std::string_view name) {
  return expression.kind == Kind::kCall && EqualsIgnoreCase(expression.name, name);
}

bool IsSeveralGroupings(const UnresolvedExpr& group) {
  return IsCall(group, "rollup") || IsCall(group, "cube") ||
         IsCall(group, "grouping sets");
}

bool HasGroupingSets(const std::vector<UnresolvedExpr>& group_by) {
  return std::any_of(group_by.begin(), group_by.end(), IsSeveralGroupings);
}

// (a, b) in a list of keys counts as one.
GroupingKeys KeysOf(const UnresolvedExpr& group) {
  return IsCall(group, "struct") ? group.children : GroupingKeys{group};
}

// The sets of keys that one item of GROUP BY stands for.
std::vector<GroupingKeys> SetsOf(const UnresolvedExpr& group) {
  if (!IsSeveralGroupings(group)) return {{group}};
  std::vector<GroupingKeys> sets;
  const std::vector<UnresolvedExpr>& items = group.children;
  if (IsCall(group, "grouping sets")) {
    for (const UnresolvedExpr& item : items) sets.push_back(KeysOf(item));
    return sets;
  }
  const bool cube = IsCall(group, "cube");
  const size_t count = cube ? size_t{1} << items.size() : items.size() + 1;
  for (size_t set = 0; set < count; ++set) {
    GroupingKeys& keys = sets.emplace_back();
    for (size_t i = 0; i < items.size(); ++i) {
      const bool left_out = cube ? (set >> i & 1) != 0 : i + set >= items.size();
      if (left_out) continue;
      for (UnresolvedExpr& key : KeysOf(items[i])) keys.push_back(std::move(key));
    }
  }
  return sets;
}

// Of all items: each set of one with each of the others.
std::vector<GroupingKeys> GroupingSetsOf(const std::vector<UnresolvedExpr>& group_by) {
  std::vector<GroupingKeys> sets = {{}};
  for (const UnresolvedExpr& group : group_by) {
    std::vector<GroupingKeys> longer;
    for (const GroupingKeys& set : sets) {
      for (const GroupingKeys& more : SetsOf(group)) {
        longer.push_back(set);
        longer.back().insert(longer.back().end(), more.begin(), more.end());
      }
    }
    sets = std::move(longer);
  }
  return sets;
}

// One SELECT while its plan is made.
class SelectBuilder {
 public:
  SelectBuilder(const PlanBuilder& builder, PlanPtr input, const SelectClauses& clauses)
      : builder_(builder), input_(std::move(input)), clauses_(clauses) {}

  Result<PlanPtr> Build();

 private:
  // A sort key: over the columns of the list, or one of `further_`.
  struct OrderKey {
    ExprPtr listed;
    size_t further = 0;
    bool descending = false;
    bool nulls_first = true;
  };

  bool InputHas(const std::string& name) const;
  UnresolvedExpr WithItems(const UnresolvedExpr& expression, size_t items,
                           bool prefer_items) const;
  Result<UnresolvedExpr> GroupKey(const UnresolvedExpr& group) const;
  Status AddKeys(Aggregation* aggregation) const;
  // The list over several groupings at once.
  Result<PlanPtr> GroupedBySets(const std::vector<UnresolvedExpr>& items) const;
  // The select list, and behind it the expressions of `further`, as one plan.
  Result<PlanPtr> Columns(const std::vector<UnresolvedExpr>& further) const;
  Status AddOrderKey(const UnresolvedExpr& item, const std::vector<Attribute>& listed);
  Status AddOrder(const std::vector<Attribute>& listed);

  const PlanBuilder& builder_;
  const PlanPtr input_;
  const SelectClauses& clauses_;
  std::vector<UnresolvedExpr>
      further_;  // HAVING, if there is one, and what ORDER BY needs
  std::vector<OrderKey> order_;
};

bool SelectBuilder::InputHas(const std::string& name) const {
  return std::any_of(
      input_->output.begin(), input_->output.end(),
      [&](const Attribute& attribute) { return EqualsIgnoreCase(attribute.name, name); });
}

// With the items' expressions in the place of their aliases. An item sees those before it
// only, so this ends. `prefer_items`: an alias hides the input's column of that name, but
// not inside of aggregate calls.
UnresolvedExpr SelectBuilder::WithItems(const UnresolvedExpr& expression, size_t items,
                                        bool prefer_items) const {
  if (expression.kind == Kind::kAttribute) {
    const std::string& name = expression.name_parts[0];
    if (!prefer_items && InputHas(name)) return expression;
    for (size_t i = items; i > 0; --i) {
      const UnresolvedExpr& item = clauses_.items[i - 1];
      if (item.kind != Kind::kAlias || !EqualsIgnoreCase(item.name, name)) continue;
      UnresolvedExpr found = WithItems(item.children[0], i - 1, false);
      for (size_t part = 1; part < expression.name_parts.size(); ++part) {
        UnresolvedExpr extract;
        extract.kind = Kind::kExtract;
        UnresolvedExpr field =
            UnresolvedExpr::Literal(std::static_pointer_cast<const expr::Literal>(
                                        expr::MakeString(expression.name_parts[part]))
                                        ->value());
        extract.children = {std::move(found), std::move(field)};
        found = std::move(extract);
      }
      return found;
    }
    return expression;
  }
  UnresolvedExpr replaced = expression;
  const bool aggregate = expression.kind == Kind::kCall && HasAggregate(expression) &&
                         expr::FindAggregate(expression.name) != nullptr;
  for (UnresolvedExpr& child : replaced.children) {
    child = WithItems(child, items, prefer_items && !aggregate);
  }
  return replaced;
}

Result<UnresolvedExpr> SelectBuilder::GroupKey(const UnresolvedExpr& group) const {
  const std::vector<UnresolvedExpr>& items = clauses_.items;
  if (const std::optional<int64_t> position = Position(group)) {
    if (*position < 1 || *position > static_cast<int64_t>(items.size())) {
      return OutOfRange("GROUP", *position, items.size());
    }
    const UnresolvedExpr& item = items[static_cast<size_t>(*position) - 1];
    const UnresolvedExpr& bare = item.kind == Kind::kAlias ? item.children[0] : item;
    if (HasAggregate(item)) {
      return AnalysisError(
          "GROUP_BY_POS_AGGREGATE", "42903",
          "GROUP BY {} refers to an expression {} AS `{}` that contains an "
          "aggregate function. Aggregate functions are not allowed in GROUP BY.",
          *position, PrettySql(bare), ColumnName(item));
    }
    return WithItems(bare, static_cast<size_t>(*position) - 1, false);
  }
  return WithItems(group, items.size(), false);
}

Status SelectBuilder::AddKeys(Aggregation* aggregation) const {
  if (clauses_.grouping == SelectClauses::Grouping::kAll) {
    for (const UnresolvedExpr& item : clauses_.items) {
      if (HasAggregate(item)) continue;
      const UnresolvedExpr& bare = item.kind == Kind::kAlias ? item.children[0] : item;
      MILLRACE_RETURN_IF_ERROR(aggregation->AddKey(bare));
    }
  }
  for (const UnresolvedExpr& group : clauses_.group_by) {
    MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr key, GroupKey(group));
    MILLRACE_RETURN_IF_ERROR(aggregation->AddKey(key));
  }
  return Status::OK();
}

Result<PlanPtr> SelectBuilder::Columns(const std::vector<UnresolvedExpr>& further) const {
  std::vector<UnresolvedExpr> items;
  for (size_t i = 0; i < clauses_.items.size(); ++i) {
    items.push_back(WithItems(clauses_.items[i], i, false));
  }
  items.insert(items.end(), further.begin(), further.end());
  if (!Aggregates(clauses_)) return builder_.Project(input_, items);
  if (HasGroupingSets(clauses_.group_by)) return GroupedBySets(items);
  Aggregation aggregation(builder_, input_);
  MILLRACE_RETURN_IF_ERROR(AddKeys(&aggregation));
  std::vector<NamedExpr> columns;
  for (const UnresolvedExpr& item : items) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> resolved,
                              aggregation.Resolve(item));
    for (ResolvedColumn& column : resolved) {
      columns.push_back({std::move(column.expr), std::move(column.attribute)});
    }
  }
  return std::move(aggregation).Finish(std::move(columns));
}

Result<PlanPtr> SelectBuilder::GroupedBySets(
    const std::vector<UnresolvedExpr>& items) const {
  std::vector<UnresolvedExpr> keys;
  std::vector<std::string> names;
  std::vector<std::vector<size_t>> sets;
  for (const std::vector<UnresolvedExpr>& set : GroupingSetsOf(clauses_.group_by)) {
    std::vector<size_t>& positions = sets.emplace_back();
    for (const UnresolvedExpr& group : set) {
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr key, GroupKey(group));
      const std::string name = PrettySql(key);
      const auto known = std::find(names.begin(), names.end(), name);
      positions.push_back(static_cast<size_t>(known - names.begin()));
      if (known != names.end()) continue;
      names.push_back(name);
      keys.push_back(std::move(key));
    }
  }
  std::vector<uint64_t> left_out;
  for (const std::vector<size_t>& set : sets) {
    uint64_t bits = (uint64_t{1} << keys.size()) - 1;
    for (const size_t position : set)
      bits &= ~(uint64_t{1} << (keys.size() - 1 - position));
    left_out.push_back(bits);
  }
  MILLRACE_ASSIGN_OR_RETURN(
      PlanPtr plan, builder_.GroupingSets(input_, keys, std::move(left_out), items));
  const std::vector<Attribute> listed(
      plan->output.begin() + static_cast<std::ptrdiff_t>(keys.size()),
      plan->output.end());
  return Keep(std::move(plan), listed);
}

Status SelectBuilder::AddOrderKey(const UnresolvedExpr& item,
                                  const std::vector<Attribute>& listed) {
  const UnresolvedExpr& bare = item.kind == Kind::kSortOrder ? item.children[0] : item;
  OrderKey key{nullptr, 0, item.descending, item.nulls_first};
  if (const std::optional<int64_t> position = Position(bare)) {
    if (*position < 1 || *position > static_cast<int64_t>(listed.size())) {
      return OutOfRange("ORDER", *position, listed.size());
    }
    key.listed = listed[static_cast<size_t>(*position) - 1].ref();
    order_.push_back(std::move(key));
    return Status::OK();
  }
  if (!HasAggregate(bare)) {
    const ExprResolver resolver(listed, builder_.conf());
    Result<ExprPtr> resolved = resolver.Resolve(bare);
    if (resolved.ok()) {
      key.listed = *std::move(resolved);
      order_.push_back(std::move(key));
      return Status::OK();
    }
    // SELECT DISTINCT has no other columns to sort by.
    if (!IsUnresolvedColumn(resolved.status()) || clauses_.distinct)
      return resolved.status();
  }
  key.further = further_.size();
  further_.push_back(WithItems(bare, clauses_.items.size(), true));
  order_.push_back(std::move(key));
  return Status::OK();
}

Status SelectBuilder::AddOrder(const std::vector<Attribute>& listed) {
  if (clauses_.order_by_all) {
    const UnresolvedExpr& how = clauses_.order_by[0];
    for (const Attribute& attribute : listed) {
      order_.push_back({attribute.ref(), 0, how.descending, how.nulls_first});
    }
    return Status::OK();
  }
  for (const UnresolvedExpr& item : clauses_.order_by) {
    MILLRACE_RETURN_IF_ERROR(AddOrderKey(item, listed));
  }
  return Status::OK();
}

Result<PlanPtr> SelectBuilder::Build() {
  // The list alone first: its columns decide what ORDER BY means.
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, Columns({}));
  const std::vector<Attribute> listed = plan->output;
  if (clauses_.having) {
    further_.push_back(WithItems(*clauses_.having, clauses_.items.size(), true));
  }
  MILLRACE_RETURN_IF_ERROR(AddOrder(listed));
  if (!further_.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(plan, Columns(further_));
    if (plan->output.size() != listed.size() + further_.size()) {
      return AnalysisError("INVALID_USAGE_OF_STAR_OR_REGEX", "42000",
                           "Invalid usage of '*' in HAVING or ORDER BY.");
    }
  }
  const std::vector<Attribute> columns = plan->output;
  const std::vector<Attribute> shown(
      columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(listed.size()));
  if (clauses_.having) {
    const Attribute& condition = columns[listed.size()];
    if (condition.type->id() != arrow::Type::BOOL) {
      return FilterNotBoolean(PrettySql(*clauses_.having), *condition.type);
    }
    plan = MakePlan(plan::Filter{condition.ref()}, {std::move(plan)}, columns);
  }
  if (clauses_.distinct) {
    // What HAVING needed is no part of what is distinct.
    if (shown.size() < columns.size()) plan = Keep(std::move(plan), shown);
    MILLRACE_ASSIGN_OR_RETURN(plan, builder_.Deduplicate(std::move(plan), {}, false));
  }
  if (!order_.empty()) {
    std::vector<SortKey> keys;
    for (const OrderKey& key : order_) {
      ExprPtr expr = key.listed == nullptr ? columns[listed.size() + key.further].ref()
                                           : Moved(key.listed, listed, shown);
      keys.push_back({std::move(expr), key.descending, key.nulls_first});
    }
    std::vector<Attribute> output = plan->output;
    plan = MakePlan(plan::Sort{std::move(keys)}, {std::move(plan)}, std::move(output));
  }
  if (plan->output.size() == shown.size()) return plan;
  return Keep(std::move(plan), shown);
}

}  // namespace

Result<PlanPtr> PlanBuilder::Select(PlanPtr input, const SelectClauses& clauses) const {
  return SelectBuilder(*this, std::move(input), clauses).Build();
}

}  // namespace millrace::plan
