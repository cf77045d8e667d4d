// Rewrites a resolved plan into a cheaper one with the same rows.
#pragma once

#include "plan/logical_plan.h"

namespace millrace::plan {

/// Drops columns nobody reads, down to the scans and into from_json's schema; moves the
/// conditions of streams as filter_pushdown.h says. Other expressions that can fail keep
/// their place.
PlanPtr Optimize(const PlanPtr& plan);

}  // namespace millrace::plan
