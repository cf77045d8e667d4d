// Watches the event times that pass: what the watermark of the next epoch is made of.
// Spark: EventTimeWatermarkExec and EventTimeStats.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "exec/operator.h"

namespace millrace::exec {

/// Event times seen by one watermark operator in one epoch, in microseconds.
struct EventTimes {
  int64_t count = 0;
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();
  double sum = 0;
};

/// Read by the watermark tracker after each epoch.
class EventTimeStats {
 public:
  virtual ~EventTimeStats() = default;
  virtual std::chrono::microseconds delay() const = 0;
  virtual const EventTimes& epoch_times() const = 0;
  /// The largest time of each partition in this epoch, by partition number; the smallest
  /// int64 where a partition had none.
  virtual const std::vector<int64_t>& partition_max() const = 0;
};

/// `column` is the position of the event time in the input. Passes every batch on
/// unchanged.
std::unique_ptr<Operator> MakeEventTimeWatermark(int column,
                                                 std::chrono::microseconds delay,
                                                 EventTimeStats** stats);

}  // namespace millrace::exec
