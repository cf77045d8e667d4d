// Inside `plan` only: columns that a select list dropped, for a filter or a sort above it
// that names them. Spark: ColumnResolutionHelper.resolveExprsAndAddMissingAttrs.
#pragma once

#include "plan/logical_plan.h"

namespace millrace::plan {

/// `plan` with the columns of what lies below its projections behind its own, as far as
/// their names are free; null where there are none.
PlanPtr WithMissingColumns(const PlanPtr& plan);

/// The first columns of `plan` alone, `columns`.
PlanPtr OnlyColumns(PlanPtr plan, const std::vector<Attribute>& columns);

}  // namespace millrace::plan
