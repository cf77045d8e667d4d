#include "plan/optimizer.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <set>

#include "base/overloaded.h"
#include "plan/filter_pushdown.h"

namespace millrace::plan {
namespace {

using Required = std::set<AttributeId>;

void Add(const ExprPtr& expr, Required* required) {
  std::vector<AttributeId> ids;
  expr::CollectColumns(expr, &ids);
  required->insert(ids.begin(), ids.end());
}

std::vector<Attribute> Keep(const std::vector<Attribute>& attributes,
                            const Required& required) {
  std::vector<Attribute> kept;
  for (const Attribute& attribute : attributes) {
    if (required.contains(attribute.id)) kept.push_back(attribute);
  }
  return kept;
}

PlanPtr Prune(const PlanPtr& plan, const Required& required);

// `plan` restricted to exactly `columns`, in that order.
PlanPtr Select(PlanPtr plan, const std::vector<Attribute>& columns) {
  const bool same =
      plan->output.size() == columns.size() &&
      std::equal(columns.begin(), columns.end(), plan->output.begin(),
                 [](const Attribute& a, const Attribute& b) { return a.id == b.id; });
  if (same) return plan;
  std::vector<NamedExpr> expressions;
  for (const Attribute& column : columns) expressions.push_back({column.ref(), column});
  return MakePlan(Project{std::move(expressions)}, {std::move(plan)}, columns);
}

PlanPtr PruneScan(const PlanPtr& plan, const Required& required) {
  std::vector<Attribute> output = Keep(plan->output, required);
  if (output.empty() && !plan->output.empty()) {
    // Readers give at least one column, so that a batch knows its length: the cheapest
    // one.
    const auto fixed = std::find_if(
        plan->output.begin(), plan->output.end(),
        [](const Attribute& a) { return arrow::is_fixed_width(a.type->id()); });
    output.push_back(fixed != plan->output.end() ? *fixed : plan->output.front());
  }
  return MakePlan(plan->node, {}, std::move(output), plan->streaming);
}

PlanPtr PruneAggregate(const PlanPtr& plan, const Aggregate& aggregate,
                       const Required& required) {
  Aggregate pruned{aggregate.keys, {}, aggregate.session_key};
  Required below;
  std::vector<Attribute> output;
  for (const NamedExpr& key : pruned.keys) {
    Add(key.expr, &below);
    output.push_back(key.attribute);
  }
  for (const AggregateCall& call : aggregate.calls) {
    if (!required.contains(call.attribute.id)) continue;
    for (const ExprPtr& arg : call.aggregate.args) Add(arg, &below);
    output.push_back(call.attribute);
    pruned.calls.push_back(call);
  }
  return MakePlan(std::move(pruned), {Prune(plan->children[0], below)},
                  std::move(output));
}

PlanPtr PruneUnion(const PlanPtr& plan, const Required& required) {
  std::vector<Attribute> output;
  std::vector<std::vector<Attribute>> wanted(plan->children.size());
  for (size_t i = 0; i < plan->output.size(); ++i) {
    if (!required.contains(plan->output[i].id)) continue;
    output.push_back(plan->output[i]);
    for (size_t c = 0; c < plan->children.size(); ++c) {
      wanted[c].push_back(plan->children[c]->output[i]);
    }
  }
  std::vector<PlanPtr> children;
  for (size_t c = 0; c < plan->children.size(); ++c) {
    Required below;
    for (const Attribute& attribute : wanted[c]) below.insert(attribute.id);
    children.push_back(Select(Prune(plan->children[c], below), wanted[c]));
  }
  return MakePlan(Union{}, std::move(children), std::move(output));
}

// A node that adds a window to its input's columns, made of `read`.
PlanPtr PruneWindow(const PlanPtr& plan, const std::vector<ExprPtr>& read,
                    const Attribute& window, Required required) {
  required.erase(window.id);
  for (const ExprPtr& expr : read) Add(expr, &required);
  PlanPtr child = Prune(plan->children[0], required);
  std::vector<Attribute> output = child->output;
  output.push_back(window);
  return MakePlan(plan->node, {std::move(child)}, std::move(output));
}

PlanPtr PruneWindowFunctions(const PlanPtr& plan, const WindowFunctions& window,
                             Required required) {
  WindowFunctions pruned{window.partition, window.order, {}};
  for (const WindowCall& call : window.calls) {
    if (required.erase(call.attribute.id) == 0) continue;
    for (const ExprPtr& arg : call.args) Add(arg, &required);
    for (const ExprPtr& arg : call.aggregate.args) Add(arg, &required);
    pruned.calls.push_back(call);
  }
  for (const ExprPtr& key : window.partition) Add(key, &required);
  for (const SortKey& key : window.order) Add(key.expr, &required);
  PlanPtr child = Prune(plan->children[0], required);
  std::vector<Attribute> output = child->output;
  for (const WindowCall& call : pruned.calls) output.push_back(call.attribute);
  return MakePlan(std::move(pruned), {std::move(child)}, std::move(output));
}

PlanPtr PruneJoin(const PlanPtr& plan, const Join& join, Required required) {
  for (const auto* keys : {&join.left_keys, &join.right_keys}) {
    for (const ExprPtr& key : *keys) Add(key, &required);
  }
  for (const ExprPtr& condition :
       {join.left_condition, join.right_condition, join.condition}) {
    if (condition != nullptr) Add(condition, &required);
  }
  std::vector<PlanPtr> children;
  std::vector<Attribute> output;
  for (size_t side = 0; side < 2; ++side) {
    const PlanPtr& child = plan->children[side];
    Required below = required;
    // Rows are late, and forgotten, by the event times of both sides.
    for (const Attribute& attribute : child->output) {
      if (plan->streaming && attribute.watermark_delay) below.insert(attribute.id);
    }
    // Exactly these, so that a join does not carry what only its children needed.
    children.push_back(Select(Prune(child, below), Keep(child->output, below)));
    for (const Attribute& attribute : children.back()->output) {
      const int index = plan->IndexOf(attribute.id);
      if (index >= 0) output.push_back(plan->output[static_cast<size_t>(index)]);
    }
  }
  return MakePlan(join, std::move(children), std::move(output));
}

// A node that passes its input's columns on, and reads some of them itself.
PlanPtr PrunePassing(const PlanPtr& plan, Required required) {
  PlanPtr child = Prune(plan->children[0], required);
  std::vector<Attribute> output;
  for (const Attribute& attribute : plan->output) {
    if (child->IndexOf(attribute.id) >= 0) output.push_back(attribute);
  }
  return MakePlan(plan->node, {std::move(child)}, std::move(output));
}

PlanPtr Prune(const PlanPtr& plan, const Required& required) {
  return std::visit(
      Overloaded{
          [&](const Scan&) { return PruneScan(plan, required); },
          [&](const LocalRelation&) { return plan; },
          [&](const Project& project) {
            std::vector<NamedExpr> columns;
            std::vector<Attribute> output;
            Required below;
            for (const NamedExpr& column : project.columns) {
              if (!required.contains(column.attribute.id)) continue;
              Add(column.expr, &below);
              columns.push_back(column);
              output.push_back(column.attribute);
            }
            return MakePlan(Project{std::move(columns)},
                            {Prune(plan->children[0], below)}, std::move(output));
          },
          [&](const Filter& filter) {
            Required below = required;
            Add(filter.condition, &below);
            return PrunePassing(plan, std::move(below));
          },
          [&](const EventTimeWatermark& watermark) {
            Required below = required;
            below.insert(watermark.event_time);
            return PrunePassing(plan, std::move(below));
          },
          [&](const TimeWindow& window) {
            return PruneWindow(plan, {window.time}, window.window, required);
          },
          [&](const SessionWindow& window) {
            return PruneWindow(plan, {window.time, window.gap}, window.window, required);
          },
          [&](const Aggregate& aggregate) {
            return PruneAggregate(plan, aggregate, required);
          },
          [&](const Deduplicate& dedup) {
            Required below = required;
            below.insert(dedup.keys.begin(), dedup.keys.end());
            for (const Attribute& attribute : plan->output) {
              if (attribute.watermark_delay) below.insert(attribute.id);
            }
            return PrunePassing(plan, std::move(below));
          },
          [&](const Join& join) { return PruneJoin(plan, join, required); },
          [&](const Union&) { return PruneUnion(plan, required); },
          [&](const Sort& sort) {
            Required below = required;
            for (const SortKey& key : sort.keys) Add(key.expr, &below);
            return PrunePassing(plan, std::move(below));
          },
          [&](const MultisetOperation&) {
            // Rows are equal by all their columns.
            std::vector<PlanPtr> children;
            for (const PlanPtr& child : plan->children) {
              Required all;
              for (const Attribute& attribute : child->output) all.insert(attribute.id);
              children.push_back(Select(Prune(child, all), child->output));
            }
            return MakePlan(plan->node, std::move(children), plan->output);
          },
          [&](const Expand& expand) {
            Required below = required;
            std::vector<Attribute> added;
            for (const NamedExpr& key : expand.keys) {
              below.erase(key.attribute.id);
              Add(key.expr, &below);
              added.push_back(key.attribute);
            }
            below.erase(expand.grouping_id.id);
            added.push_back(expand.grouping_id);
            PlanPtr child = Prune(plan->children[0], below);
            std::vector<Attribute> output = child->output;
            output.insert(output.end(), added.begin(), added.end());
            return MakePlan(plan->node, {std::move(child)}, std::move(output));
          },
          [&](const Generate& generate) {
            Required below = required;
            for (const Attribute& attribute : generate.generated)
              below.erase(attribute.id);
            Add(generate.elements, &below);
            PlanPtr child = Prune(plan->children[0], below);
            std::vector<Attribute> output = child->output;
            output.insert(output.end(), generate.generated.begin(),
                          generate.generated.end());
            return MakePlan(plan->node, {std::move(child)}, std::move(output));
          },
          [&](const WindowFunctions& window) {
            return PruneWindowFunctions(plan, window, required);
          },
          [&](const auto&) { return PrunePassing(plan, required); },
      },
      plan->node);
}

}  // namespace

PlanPtr Optimize(const PlanPtr& plan) {
  Required required;
  for (const Attribute& attribute : plan->output) required.insert(attribute.id);
  return Select(Prune(PushFilters(plan), required), plan->output);
}

}  // namespace millrace::plan
