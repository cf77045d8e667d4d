// Turns the event times an epoch saw into the watermark of the next one.
// Spark: WatermarkTracker. docs/decisions/0002-watermark-policies.md tells about the
// second policy.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exec/watermark.h"

namespace millrace::streaming {

/// How the watermarks of several withWatermark() become one.
enum class MultipleWatermarkPolicy { kMin, kMax };

/// Which partition leads the watermark of one withWatermark().
enum class WatermarkPolicy {
  kSpark,         // the fastest: max over all rows of the epoch
  kPartitionMin,  // the slowest that has rows to come: a backlog never makes its own rows
                  // late
};

/// Threading: one thread.
class WatermarkTracker {
 public:
  WatermarkTracker(WatermarkPolicy policy, MultipleWatermarkPolicy multiple);

  /// After a restart: what commits/N remembers, in milliseconds since 1970.
  void Restore(int64_t watermark_ms);

  /// Takes in an epoch. `lagging` are the partitions with rows beyond what the epoch
  /// read.
  void Update(const std::vector<exec::EventTimeStats*>& stats,
              const std::set<exec::PartitionIndex>& lagging);

  /// Milliseconds since 1970; never goes back.
  int64_t watermark_ms() const { return watermark_ms_; }

 private:
  int64_t PartitionMin(size_t op, const exec::EventTimeStats& stats,
                       const std::set<exec::PartitionIndex>& lagging);

  const WatermarkPolicy policy_;
  const MultipleWatermarkPolicy multiple_;
  int64_t watermark_ms_ = 0;
  std::vector<int64_t> by_operator_;  // milliseconds
  std::vector<std::vector<int64_t>>
      partition_times_;  // microseconds, by operator and partition
};

}  // namespace millrace::streaming
