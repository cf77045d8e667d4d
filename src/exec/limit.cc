#include <arrow/record_batch.h>

#include <charconv>
#include <deque>

#include "base/error.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

// Spark: StreamingGlobalLimitExec keeps how many rows the stream has given so far.
constexpr std::string_view kCountKey = "rows";

class Limit final : public Operator {
 public:
  Limit(int64_t count, bool across_epochs)
      : count_(count), across_epochs_(across_epochs) {}

  Status BeginEpoch(const Epoch& epoch) override {
    if (!across_epochs_) seen_ = 0;
    updated_ = 0;
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    const int64_t taken = std::min(batch->num_rows(), count_ - seen_);
    seen_ += taken;
    account().passed += taken;
    account().dropped_limit += batch->num_rows() - taken;
    if (taken == 0) return Status::OK();
    updated_ = 1;
    return out.Emit(taken == batch->num_rows() ? batch : batch->Slice(0, taken));
  }

  std::optional<state::OperatorStateInfo> state_info(
      uint32_t operator_id) const override {
    if (!across_epochs_) return std::nullopt;
    return state::OperatorStateInfo{operator_id, "globalLimit", "{}", "bigint"};
  }

  Status Restore(state::StoreId, std::string_view, std::string_view value) override {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), seen_);
    if (error == std::errc() && end == value.data() + value.size()) return Status::OK();
    return InternalError("the limit's row count in the checkpoint is no number: '{}'",
                         value);
  }

  Status SaveState(state::StoreId store, state::StateChanges* changes) override {
    if (across_epochs_ && updated_ > 0)
      changes->Put(store, kCountKey, std::to_string(seen_));
    return Status::OK();
  }

  std::optional<StateProgress> state_progress() const override {
    if (!across_epochs_) return std::nullopt;
    StateProgress progress;
    progress.operator_name = "globalLimit";
    progress.rows_total = seen_ > 0 ? 1 : 0;
    progress.rows_updated = updated_;
    return progress;
  }

 private:
  const int64_t count_;
  const bool across_epochs_;
  int64_t seen_ = 0;
  int64_t updated_ = 0;
};

class Offset final : public Operator {
 public:
  explicit Offset(int64_t count) : count_(count) {}

  Status BeginEpoch(const Epoch& epoch) override {
    skipped_ = 0;
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    const int64_t skip = std::min(batch->num_rows(), count_ - skipped_);
    skipped_ += skip;
    account().dropped_limit += skip;
    account().passed += batch->num_rows() - skip;
    if (skip == batch->num_rows()) return Status::OK();
    return out.Emit(skip == 0 ? batch : batch->Slice(skip));
  }

 private:
  const int64_t count_;
  int64_t skipped_ = 0;
};

// Spark: CollectTailExec.
class Tail final : public Operator {
 public:
  explicit Tail(int64_t count) : count_(count) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter&) override {
    account().absorbed += batch->num_rows();
    held_ += batch->num_rows();
    batches_.push_back(batch);
    while (!batches_.empty() && held_ - batches_.front()->num_rows() >= count_) {
      held_ -= batches_.front()->num_rows();
      batches_.pop_front();
    }
    return Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    int64_t skipped = std::max<int64_t>(held_ - count_, 0);
    for (const Batch& batch : batches_) {
      MILLRACE_RETURN_IF_ERROR(out.Emit(skipped == 0 ? batch : batch->Slice(skipped)));
      skipped = 0;
    }
    batches_.clear();
    held_ = 0;
    return Status::OK();
  }

 private:
  const int64_t count_;
  std::deque<Batch> batches_;
  int64_t held_ = 0;  // rows in them
};

}  // namespace

std::unique_ptr<Operator> MakeLimit(int64_t count, bool across_epochs) {
  return std::make_unique<Limit>(count, across_epochs);
}

std::unique_ptr<Operator> MakeOffset(int64_t count) {
  return std::make_unique<Offset>(count);
}

std::unique_ptr<Operator> MakeTail(int64_t count) {
  return std::make_unique<Tail>(count);
}

}  // namespace millrace::exec
