#include "plan/filter_pushdown.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/overloaded.h"
#include "expr/function.h"

namespace millrace::plan {
namespace {

using Definitions = std::map<AttributeId, ExprPtr>;

bool Reads(const ExprPtr& condition, AttributeId id) {
  std::vector<AttributeId> ids;
  expr::CollectColumns(condition, &ids);
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Whether a condition reads some columns, and only those of `plan`.
bool Concerns(const ExprPtr& condition, const LogicalPlan& plan) {
  std::vector<AttributeId> ids;
  expr::CollectColumns(condition, &ids);
  return !ids.empty() && std::all_of(ids.begin(), ids.end(), [&](AttributeId id) {
    return plan.IndexOf(id) >= 0;
  });
}

// The condition with columns replaced by what defines them; null if one may not be.
ExprPtr Replace(const ExprPtr& condition, const Definitions& definitions) {
  if (const auto* column = dynamic_cast<const expr::Column*>(condition.get())) {
    const auto found = definitions.find(column->id());
    if (found == definitions.end()) return condition;
    return found->second->deterministic() ? found->second : nullptr;
  }
  if (condition->children().empty()) return condition;
  std::vector<ExprPtr> children;
  for (const ExprPtr& child : condition->children()) {
    children.push_back(Replace(child, definitions));
    if (children.back() == nullptr) return nullptr;
  }
  return condition->WithChildren(std::move(children));
}

Definitions DefinitionsOf(const std::vector<NamedExpr>& columns) {
  Definitions definitions;
  for (const NamedExpr& column : columns) {
    definitions[column.attribute.id] = column.expr;
  }
  return definitions;
}

PlanPtr FilterOf(ExprPtr condition, const PlanPtr& plan) {
  return MakePlan(Filter{std::move(condition)}, {plan}, plan->output);
}

PlanPtr WithChild(const PlanPtr& plan, size_t index, PlanPtr child) {
  auto changed = std::make_shared<LogicalPlan>(*plan);
  changed->children[index] = std::move(child);
  return changed;
}

PlanPtr Sink(const ExprPtr& condition, const PlanPtr& plan);

PlanPtr SinkOrFilter(const ExprPtr& condition, const PlanPtr& plan) {
  PlanPtr below = Sink(condition, plan);
  return below != nullptr ? below : FilterOf(condition, plan);
}

// Through a node with one input that passes the condition's columns on.
PlanPtr SinkThrough(const ExprPtr& condition, const PlanPtr& plan) {
  if (condition == nullptr) return nullptr;
  PlanPtr below = Sink(condition, plan->children[0]);
  return below == nullptr ? nullptr : WithChild(plan, 0, std::move(below));
}

// Into the side that the condition reads, if the join gives no rows of that side that
// fail it.
PlanPtr SinkIntoJoin(const ExprPtr& condition, const PlanPtr& plan, JoinType type) {
  const bool filters_left = type != JoinType::kRightOuter && type != JoinType::kFullOuter;
  const bool filters_right = type == JoinType::kInner || type == JoinType::kRightOuter;
  for (const size_t side : {0, 1}) {
    if (!(side == 0 ? filters_left : filters_right)) continue;
    const PlanPtr& child = plan->children[side];
    if (!Concerns(condition, *child)) continue;
    return WithChild(plan, side, SinkOrFilter(condition, child));
  }
  return nullptr;
}

PlanPtr SinkIntoUnion(const ExprPtr& condition, const PlanPtr& plan) {
  std::vector<ExprPtr> conditions;
  bool any = false;
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children) {
    Definitions definitions;
    for (size_t i = 0; i < plan->output.size(); ++i) {
      definitions[plan->output[i].id] = child->output[i].ref();
    }
    conditions.push_back(Replace(condition, definitions));
    children.push_back(Sink(conditions.back(), child));
    any = any || children.back() != nullptr;
  }
  if (!any) return nullptr;
  for (size_t i = 0; i < children.size(); ++i) {
    if (children[i] == nullptr) children[i] = FilterOf(conditions[i], plan->children[i]);
  }
  return MakePlan(Union{}, std::move(children), plan->output);
}

// `plan` with only the rows for which a condition holds, which is asked below some node
// where it matters; null where there is no such node.
PlanPtr Sink(const ExprPtr& condition, const PlanPtr& plan) {
  if (!plan->streaming) return nullptr;
  return std::visit(
      Overloaded{
          [&](const Project& project) -> PlanPtr {
            const bool deterministic = std::all_of(
                project.columns.begin(), project.columns.end(),
                [](const NamedExpr& column) { return column.expr->deterministic(); });
            if (!deterministic) return nullptr;
            return SinkThrough(Replace(condition, DefinitionsOf(project.columns)), plan);
          },
          [&](const Filter&) { return SinkThrough(condition, plan); },
          [&](const EventTimeWatermark& watermark) -> PlanPtr {
            if (Reads(condition, watermark.event_time)) return nullptr;
            return WithChild(plan, 0, SinkOrFilter(condition, plan->children[0]));
          },
          [&](const TimeWindow& window) -> PlanPtr {
            if (Reads(condition, window.window.id)) return nullptr;
            return SinkThrough(condition, plan);
          },
          [&](const SessionWindow& window) -> PlanPtr {
            if (Reads(condition, window.window.id)) return nullptr;
            return SinkThrough(condition, plan);
          },
          [&](const Aggregate& aggregate) -> PlanPtr {
            const ExprPtr below = Replace(condition, DefinitionsOf(aggregate.keys));
            const PlanPtr& child = plan->children[0];
            if (below == nullptr || !Concerns(below, *child)) return nullptr;
            return WithChild(plan, 0, SinkOrFilter(below, child));
          },
          [&](const Generate&) -> PlanPtr {
            if (!Concerns(condition, *plan->children[0])) return nullptr;
            return SinkThrough(condition, plan);
          },
          [&](const Sort&) { return SinkThrough(condition, plan); },
          [&](const Union&) { return SinkIntoUnion(condition, plan); },
          [&](const Join& join) { return SinkIntoJoin(condition, plan, join.type); },
          [](const auto&) -> PlanPtr { return nullptr; },
      },
      plan->node);
}

void SplitConjuncts(const ExprPtr& condition, std::vector<ExprPtr>* conjuncts) {
  if (expr::CallName(*condition) != "and") {
    conjuncts->push_back(condition);
    return;
  }
  for (const ExprPtr& child : condition->children()) SplitConjuncts(child, conjuncts);
}

PlanPtr PushFilter(const PlanPtr& plan, const Filter& filter) {
  std::vector<ExprPtr> conjuncts;
  SplitConjuncts(filter.condition, &conjuncts);
  PlanPtr input = plan->children[0];
  std::vector<ExprPtr> kept;
  for (const ExprPtr& conjunct : conjuncts) {
    PlanPtr below = conjunct->deterministic() ? Sink(conjunct, input) : nullptr;
    if (below == nullptr) {
      kept.push_back(conjunct);
    } else {
      input = std::move(below);
    }
  }
  if (kept.size() == conjuncts.size()) return WithChild(plan, 0, std::move(input));
  for (ExprPtr& condition : kept) input = FilterOf(std::move(condition), input);
  return input;
}

}  // namespace

PlanPtr PushFilters(const PlanPtr& plan) {
  if (!plan->streaming) return plan;
  PlanPtr changed = plan;
  for (size_t i = 0; i < plan->children.size(); ++i) {
    PlanPtr child = PushFilters(plan->children[i]);
    if (child != plan->children[i]) changed = WithChild(changed, i, std::move(child));
  }
  const auto* filter = std::get_if<Filter>(&changed->node);
  return filter == nullptr ? changed : PushFilter(changed, *filter);
}

}  // namespace millrace::plan
