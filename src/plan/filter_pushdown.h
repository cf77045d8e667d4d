// Conditions on rows go to where Spark's optimiser puts them, as far as that shows: below
// withWatermark, whose rows make the watermark, and below what remembers rows.
#pragma once

#include "plan/logical_plan.h"

namespace millrace::plan {

/// Moves the conditions of a streaming plan's filters down. A condition goes below a
/// withWatermark if it does not read the event time, below an aggregate if it reads keys
/// only, into the side of a join that it reads. Spark: PushDownPredicates.
PlanPtr PushFilters(const PlanPtr& plan);

}  // namespace millrace::plan
