#include "plan/missing_columns.h"

#include <algorithm>

#include "base/ascii.h"

namespace millrace::plan {

PlanPtr WithMissingColumns(const PlanPtr& plan) {
  const auto* project = std::get_if<Project>(&plan->node);
  if (project == nullptr) return nullptr;
  PlanPtr below = plan->children[0];
  if (PlanPtr extended = WithMissingColumns(below)) below = std::move(extended);
  std::vector<NamedExpr> columns = project->columns;
  std::vector<Attribute> output = plan->output;
  for (const Attribute& attribute : below->output) {
    const bool taken = std::ranges::any_of(output, [&](const Attribute& other) {
      return other.id == attribute.id || EqualsIgnoreCase(other.name, attribute.name);
    });
    if (taken) continue;
    columns.push_back({attribute.ref(), attribute});
    output.push_back(attribute);
  }
  if (output.size() == plan->output.size()) return nullptr;
  return MakePlan(Project{std::move(columns)}, {std::move(below)}, std::move(output));
}

PlanPtr OnlyColumns(PlanPtr plan, const std::vector<Attribute>& columns) {
  std::vector<NamedExpr> kept;
  for (const Attribute& attribute : columns) kept.push_back({attribute.ref(), attribute});
  return MakePlan(Project{std::move(kept)}, {std::move(plan)}, columns);
}

}  // namespace millrace::plan
