#include "streaming/watermark_tracker.h"

#include <gtest/gtest.h>

namespace millrace::streaming {
namespace {

using std::chrono::seconds;

// What a watermark operator saw in one epoch: a largest time (in seconds) per partition.
class Seen final : public exec::EventTimeStats {
 public:
  explicit Seen(std::vector<int64_t> partition_seconds) {
    for (int64_t time : partition_seconds) {
      const bool none = time < 0;
      const int64_t micros = none ? exec::EventTimes().max : time * 1'000'000;
      partition_max_.push_back(micros);
      if (none) continue;
      times_.max = std::max(times_.max, micros);
      ++times_.count;
    }
  }
  std::chrono::microseconds delay() const override { return seconds(10); }
  const exec::EventTimes& epoch_times() const override { return times_; }
  const std::vector<int64_t>& partition_max() const override { return partition_max_; }

 private:
  exec::EventTimes times_;
  std::vector<int64_t> partition_max_;
};

constexpr int64_t kNone = -1;

int64_t Update(WatermarkTracker& tracker, Seen seen,
               const std::set<exec::PartitionIndex>& lagging = {}) {
  tracker.Update({&seen}, lagging);
  return tracker.watermark_ms() / 1000;
}

TEST(WatermarkTracker, FollowsTheFastestPartitionAsSparkDoes) {
  WatermarkTracker tracker(WatermarkPolicy::kSpark, MultipleWatermarkPolicy::kMin);
  EXPECT_EQ(Update(tracker, Seen({100, 3700}), {0}), 3690);
}

TEST(WatermarkTracker, NeverGoesBack) {
  WatermarkTracker tracker(WatermarkPolicy::kSpark, MultipleWatermarkPolicy::kMin);
  EXPECT_EQ(Update(tracker, Seen({100})), 90);
  EXPECT_EQ(Update(tracker, Seen({50})), 90);
  EXPECT_EQ(Update(tracker, Seen({kNone})), 90);
}

TEST(WatermarkTracker, SeveralWatermarksBecomeTheLeastOrTheMost) {
  Seen slow({100});
  Seen fast({200});
  WatermarkTracker least(WatermarkPolicy::kSpark, MultipleWatermarkPolicy::kMin);
  least.Update({&slow, &fast}, {});
  EXPECT_EQ(least.watermark_ms(), 90'000);
  WatermarkTracker most(WatermarkPolicy::kSpark, MultipleWatermarkPolicy::kMax);
  most.Update({&slow, &fast}, {});
  EXPECT_EQ(most.watermark_ms(), 190'000);
}

TEST(WatermarkTracker, PartitionMinWaitsForTheSlowestThatHasRowsToCome) {
  WatermarkTracker tracker(WatermarkPolicy::kPartitionMin, MultipleWatermarkPolicy::kMin);
  EXPECT_EQ(Update(tracker, Seen({100, 3700}), {0, 1}), 90);
  // Partition 0 gave nothing, but has more: it still holds.
  EXPECT_EQ(Update(tracker, Seen({kNone, 7300}), {0}), 90);
  EXPECT_EQ(Update(tracker, Seen({500, kNone}), {0}), 490);
}

TEST(WatermarkTracker, PartitionMinHoldsWhileAPartitionWithRowsGaveNoneYet) {
  WatermarkTracker tracker(WatermarkPolicy::kPartitionMin, MultipleWatermarkPolicy::kMin);
  EXPECT_EQ(Update(tracker, Seen({1000}), {0, 1}), 0);
}

TEST(WatermarkTracker, PartitionMinIgnoresIdlePartitions) {
  WatermarkTracker tracker(WatermarkPolicy::kPartitionMin, MultipleWatermarkPolicy::kMin);
  EXPECT_EQ(Update(tracker, Seen({100, 200})), 90);
  // Partition 0 is caught up and silent.
  EXPECT_EQ(Update(tracker, Seen({kNone, 900})), 890);
}

TEST(WatermarkTracker, GoesOnFromWhatTheCheckpointRemembers) {
  WatermarkTracker tracker(WatermarkPolicy::kSpark, MultipleWatermarkPolicy::kMin);
  tracker.Restore(500'000);
  EXPECT_EQ(Update(tracker, Seen({100})), 500);
  EXPECT_EQ(Update(tracker, Seen({600})), 590);
}

}  // namespace
}  // namespace millrace::streaming
