// Turns Arrow's errors into ours; for .cc files that call Arrow.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include "base/error.h"

namespace millrace::data {

/// What Arrow reports is a failed input or output, exhausted memory, or a defect of ours:
/// types and lengths are checked before Arrow sees them.
inline Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.IsIOError()) return ExternalError("{}", status.message());
  if (status.IsOutOfMemory() || status.IsCapacityError()) {
    return ExternalError("Not enough memory for a column: {}", status.message())
        .Retryable(false);
  }
  return InternalError("Arrow failed: {}", status.ToString());
}

template <typename T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (!result.ok()) return FromArrow(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace millrace::data

/// MILLRACE_RETURN_IF_ERROR and MILLRACE_ASSIGN_OR_RETURN for Arrow's statuses and
/// results.
#define MILLRACE_RETURN_IF_ARROW_ERROR(expr) \
  MILLRACE_RETURN_IF_ERROR(::millrace::data::FromArrow(expr))
#define MILLRACE_ASSIGN_OR_RETURN_ARROW(lhs, expr) \
  MILLRACE_ASSIGN_OR_RETURN(lhs, ::millrace::data::FromArrow(expr))
