// Operators of plan nodes, their expressions bound to the columns of their inputs.
#pragma once

#include <memory>

#include "exec/operators.h"

namespace millrace::exec {

struct PipelineOptions {
  /// A stream keeps aggregates across epochs and emits them by `mode`; a batch query has
  /// one epoch and emits all at its end.
  bool streaming = false;
  OutputMode mode = OutputMode::kAppend;
};

/// Whether the operator of this node looks at one batch at a time and keeps nothing
/// between batches.
bool IsRowOperator(const plan::LogicalPlan& plan);
/// Of every node but scans, local rows and watermarks.
Result<std::unique_ptr<Operator>> MakeOperator(const plan::LogicalPlan& plan,
                                               const PipelineOptions& options);

}  // namespace millrace::exec
