#include "streaming/watermark_tracker.h"

#include <algorithm>
#include <limits>

namespace millrace::streaming {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

int64_t FloorMillis(int64_t micros) {
  return micros >= 0 ? micros / 1000 : (micros - 999) / 1000;
}

}  // namespace

WatermarkTracker::WatermarkTracker(WatermarkPolicy policy,
                                   MultipleWatermarkPolicy multiple)
    : policy_(policy), multiple_(multiple) {}

void WatermarkTracker::Restore(int64_t watermark_ms) {
  watermark_ms_ = std::max(watermark_ms_, watermark_ms);
}

void WatermarkTracker::Update(const std::vector<exec::EventTimeStats*>& stats,
                              const std::set<exec::PartitionIndex>& lagging) {
  if (stats.empty()) return;
  by_operator_.resize(stats.size(), 0);
  partition_times_.resize(stats.size());
  for (size_t op = 0; op < stats.size(); ++op) {
    const int64_t delay_ms = stats[op]->delay().count() / 1000;
    const int64_t leading = policy_ == WatermarkPolicy::kSpark
                                ? stats[op]->epoch_times().max
                                : PartitionMin(op, *stats[op], lagging);
    if (leading == kNever) continue;
    by_operator_[op] = std::max(by_operator_[op], FloorMillis(leading) - delay_ms);
  }
  const auto [least, most] =
      std::minmax_element(by_operator_.begin(), by_operator_.end());
  watermark_ms_ = std::max(watermark_ms_,
                           multiple_ == MultipleWatermarkPolicy::kMin ? *least : *most);
}

// The slowest of the partitions that gave rows in this epoch or have more to give. A
// partition that is caught up and gave none is idle and holds nothing back.
int64_t WatermarkTracker::PartitionMin(size_t op, const exec::EventTimeStats& stats,
                                       const std::set<exec::PartitionIndex>& lagging) {
  std::vector<int64_t>& times = partition_times_[op];
  const std::vector<int64_t>& epoch = stats.partition_max();
  const size_t known =
      lagging.empty() ? 0 : static_cast<size_t>(*std::prev(lagging.end())) + 1;
  times.resize(std::max({times.size(), epoch.size(), known}), kNever);
  int64_t slowest = std::numeric_limits<int64_t>::max();
  bool any = false;
  for (size_t partition = 0; partition < times.size(); ++partition) {
    const int64_t seen = partition < epoch.size() ? epoch[partition] : kNever;
    times[partition] = std::max(times[partition], seen);
    const bool waits = lagging.contains(static_cast<exec::PartitionIndex>(partition));
    if (seen == kNever && !waits) continue;
    any = true;
    slowest =
        std::min(slowest, times[partition]);  // kNever where nothing came yet: hold still
  }
  return any ? slowest : kNever;
}

}  // namespace millrace::streaming
