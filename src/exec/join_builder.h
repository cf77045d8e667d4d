// Makes the operator of a join out of its plan.
#pragma once

#include "exec/operator.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

/// `streaming`: the query is a stream. Then a join of two streams remembers both, and any
/// other join holds the side that is no stream.
Result<std::unique_ptr<Operator>> MakeJoin(const plan::LogicalPlan& plan, bool streaming);

}  // namespace millrace::exec
