// Runs a batch query from its scans to its rows.
#pragma once

#include <functional>
#include <stop_token>

#include "exec/pipeline.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

struct BatchQueryOptions {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  std::string session_time_zone = "UTC";
};

/// Calls `emit` for each batch of the result, in order, on the calling thread. `plan` is
/// optimised and has no streaming scan. Errors: the query's, or what `emit` returned.
Status RunBatchQuery(const plan::PlanPtr& plan, const BatchQueryOptions& options,
                     const std::function<Status(const data::Batch&)>& emit,
                     std::stop_token stop);

}  // namespace millrace::exec
