#include "exec/watermark.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>

namespace millrace::exec {
namespace {

class EventTimeWatermark final : public Operator, public EventTimeStats {
 public:
  EventTimeWatermark(int column, std::chrono::microseconds delay)
      : column_(column), delay_(delay) {}

  Status BeginEpoch(const Epoch& epoch) override {
    times_ = EventTimes();
    std::fill(partition_max_.begin(), partition_max_.end(), EventTimes().max);
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& batch, PartitionIndex partition,
                 Emitter& out) override {
    Observe(*batch->column(column_), partition);
    account().passed += batch->num_rows();
    return out.Emit(batch);
  }

  std::chrono::microseconds delay() const override { return delay_; }
  const EventTimes& epoch_times() const override { return times_; }
  const std::vector<int64_t>& partition_max() const override { return partition_max_; }

 private:
  void Observe(const arrow::Array& column, PartitionIndex partition) {
    // On a window column its end counts.
    const arrow::Array& times =
        column.type_id() == arrow::Type::STRUCT
            ? *static_cast<const arrow::StructArray&>(column).field(1)
            : column;
    const auto& values = static_cast<const arrow::TimestampArray&>(times);
    const int64_t* raw = values.raw_values();
    int64_t largest = EventTimes().max;
    int64_t smallest = EventTimes().min;
    const int64_t rows = column.length();
    const int64_t valid = rows - (column.null_count() | values.null_count());
    if (valid == rows) {
      for (int64_t i = 0; i < rows; ++i) {
        largest = std::max(largest, raw[i]);
        smallest = std::min(smallest, raw[i]);
        times_.sum += static_cast<double>(raw[i]);
      }
      times_.count += rows;
    } else {
      for (int64_t i = 0; i < rows; ++i) {
        if (column.IsNull(i) || values.IsNull(i)) continue;
        largest = std::max(largest, raw[i]);
        smallest = std::min(smallest, raw[i]);
        times_.sum += static_cast<double>(raw[i]);
        ++times_.count;
      }
    }
    times_.max = std::max(times_.max, largest);
    times_.min = std::min(times_.min, smallest);
    if (static_cast<size_t>(partition) >= partition_max_.size()) {
      partition_max_.resize(partition + 1, EventTimes().max);
    }
    partition_max_[partition] = std::max(partition_max_[partition], largest);
  }

  const int column_;
  const std::chrono::microseconds delay_;
  EventTimes times_;
  std::vector<int64_t> partition_max_;
};

}  // namespace

std::unique_ptr<Operator> MakeEventTimeWatermark(int column,
                                                 std::chrono::microseconds delay,
                                                 EventTimeStats** stats) {
  auto op = std::make_unique<EventTimeWatermark>(column, delay);
  *stats = op.get();
  return op;
}

}  // namespace millrace::exec
