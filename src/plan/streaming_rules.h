// What a streaming query may not do. Spark: UnsupportedOperationChecker.
#pragma once

#include "connector/sink.h"
#include "plan/logical_plan.h"

namespace millrace::plan {

/// Errors are Spark's (semantics: STREAMING_OUTPUT_MODE.*, _LEGACY_ERROR_TEMP_3102, …).
Status CheckStreaming(const PlanPtr& plan, connector::OutputMode mode);

/// A batch action on a plan with a streaming source: _LEGACY_ERROR_TEMP_3102.
Status CheckBatch(const PlanPtr& plan);

/// "Append", "Update", "Complete".
std::string_view OutputModeName(connector::OutputMode mode);
/// Without case. Errors: STREAMING_OUTPUT_MODE.INVALID.
Result<connector::OutputMode> ParseOutputMode(std::string_view text);

}  // namespace millrace::plan
