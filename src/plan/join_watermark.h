// Which rows of a stream-stream join no row to come can match: from event times among the
// join keys, or from conditions that bound one side's time by the other's. Spark:
// StreamingJoinHelper and StreamingSymmetricHashJoinHelper.
#pragma once

#include <optional>
#include <vector>

#include "plan/logical_plan.h"

namespace millrace::plan {

/// A condition says: time > watermark of the other side + offset, or >= if `inclusive`.
struct TimeBound {
  int64_t offset_micros = 0;
  bool inclusive = false;
};

/// What bounds the rows of one side.
struct JoinTimeBounds {
  std::optional<AttributeId> event_time;  // the side's column with a watermark
  std::vector<TimeBound> bounds;          // of that column; empty: rows are kept for good
};

/// The first key that is a column with a watermark on one of the sides; -1 where none is.
/// Then the watermark bounds both sides.
int EventTimeKey(const LogicalPlan& join);

/// What the conditions say about the left side's rows (`left`), or the right side's.
JoinTimeBounds BoundsOfSide(const LogicalPlan& join, bool left);

}  // namespace millrace::plan
