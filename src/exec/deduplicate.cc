#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstring>

#include "base/error.h"
#include "data/keys.h"
#include "exec/event_time.h"
#include "exec/operators.h"
#include "state/key_table.h"
#include "state/time_index.h"

namespace millrace::exec {
namespace {

using state::Slot;

// Spark: StreamingDeduplicateExec and StreamingDeduplicateWithinWatermarkExec.
class Deduplicate final : public Operator {
 public:
  explicit Deduplicate(DeduplicateOptions options) : options_(std::move(options)) {}

  Status BeginEpoch(const Epoch& epoch) override {
    added_.clear();
    added_expiry_.clear();
    removed_keys_.clear();
    dropped_late_ = 0;
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& input, PartitionIndex, Emitter& out) override {
    Batch batch = input;
    MILLRACE_RETURN_IF_ERROR(DropLate(&batch));
    const int64_t rows = batch->num_rows();
    if (rows == 0) return Status::OK();
    std::vector<data::ArrayPtr> keys;
    for (int index : options_.keys) keys.push_back(batch->column(index));
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(keys, &encoded_));
    std::vector<int64_t> times;
    if (forgets()) times = EventTimesOf(*batch->column(options_.event_time.index));
    std::vector<int32_t> first;
    for (int64_t row = 0; row < rows; ++row) {
      bool is_new = false;
      const Slot slot = table_.FindOrAdd(encoded_[row], &is_new);
      if (!is_new) continue;
      first.push_back(static_cast<int32_t>(row));
      added_.push_back(slot);
      int64_t expiry = kNullTime;
      if (forgets()) {
        expiry = ExpiryOf(times[row]);
        if (expiry != kNullTime) expiry_.Add(expiry, slot);
      }
      added_expiry_.push_back(expiry);
    }
    const auto passed = static_cast<int64_t>(first.size());
    account().passed += passed;
    account().dropped_duplicate += rows - passed;
    if (passed == 0) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(Batch taken, data::Take(batch, first));
    return out.Emit(std::move(taken));
  }

  Status EndEpoch(Emitter&) override {
    if (!forgets()) return Status::OK();
    std::vector<Slot> gone = expiry_.TakeUpTo(epoch().evict_watermark);
    for (Slot slot : gone) {
      removed_keys_.emplace_back(table_.key(slot));
      table_.Erase(slot);
    }
    return Status::OK();
  }

  std::optional<state::OperatorStateInfo> state_info(
      uint32_t operator_id) const override {
    if (!options_.streaming) return std::nullopt;
    arrow::FieldVector keys;
    for (int index : options_.keys) keys.push_back(options_.schema->field(index));
    return state::OperatorStateInfo{
        operator_id, std::string(name()), data::SchemaToJson(*arrow::schema(keys)),
        options_.within_watermark ? "expiresAtMicros bigint" : "{}"};
  }

  // The value is when the key expires, in microseconds; empty where it never does.
  Status Restore(state::StoreId, std::string_view key, std::string_view value) override {
    bool added = false;
    const Slot slot = table_.FindOrAdd(key, &added);
    if (value.empty()) return Status::OK();
    int64_t expiry = 0;
    if (value.size() != sizeof(expiry)) {
      return InternalError("a deduplication key's state has {} bytes, not {}",
                           value.size(), sizeof(expiry));
    }
    std::memcpy(&expiry, value.data(), sizeof(expiry));
    expiry_.Add(expiry, slot);
    return Status::OK();
  }

  Status SaveState(state::StoreId store, state::StateChanges* changes) override {
    if (!options_.streaming) return Status::OK();
    for (size_t i = 0; i < added_.size(); ++i) {
      if (!table_.live(added_[i])) continue;  // forgotten in the same epoch
      const int64_t expiry = added_expiry_[i];
      std::string_view value;
      if (expiry != kNullTime) {
        value = {reinterpret_cast<const char*>(&added_expiry_[i]), sizeof(expiry)};
      }
      changes->Put(store, table_.key(added_[i]), value);
    }
    for (const std::string& key : removed_keys_) changes->Delete(store, key);
    return Status::OK();
  }

  std::optional<StateProgress> state_progress() const override {
    if (!options_.streaming) return std::nullopt;
    StateProgress progress;
    progress.operator_name = name();
    progress.rows_total = table_.size();
    progress.rows_updated = static_cast<int64_t>(added_.size());
    progress.rows_removed = static_cast<int64_t>(removed_keys_.size());
    progress.rows_dropped_by_watermark = dropped_late_;
    progress.memory_bytes = table_.memory_bytes();
    return progress;
  }

  bool WantsEpoch(Watermark last, Watermark next) const override {
    return options_.streaming && options_.event_time.index >= 0 && next > last;
  }

 private:
  std::string_view name() const {
    return options_.within_watermark ? "dedupeWithinWatermark" : "dedupe";
  }

  // Whether keys have a time at which they go, and rows one at which they are late.
  bool forgets() const {
    return options_.streaming && options_.event_time.index >= 0 &&
           (options_.event_time_in_keys || options_.within_watermark);
  }

  int64_t ExpiryOf(int64_t time) const {
    if (!options_.within_watermark) return time;
    // Spark reads a null event time as 0 here.
    return (time == kNullTime ? 0 : time) + options_.delay.count();
  }

  Status DropLate(Batch* batch) {
    if (!forgets() || epoch().late_watermark == kNoWatermark) return Status::OK();
    const std::vector<int32_t> kept =
        RowsAfter(EventTimesOf(*(*batch)->column(options_.event_time.index)),
                  epoch().late_watermark);
    const int64_t late = (*batch)->num_rows() - static_cast<int64_t>(kept.size());
    if (late == 0) return Status::OK();
    dropped_late_ += late;
    account().dropped_late += late;
    MILLRACE_ASSIGN_OR_RETURN(*batch, data::Take(*batch, kept));
    return Status::OK();
  }

  const DeduplicateOptions options_;
  state::KeyTable table_;
  state::TimeIndex expiry_;

  // Of the current epoch.
  std::vector<Slot> added_;
  std::vector<int64_t> added_expiry_;  // per entry of added_
  std::vector<std::string> removed_keys_;
  int64_t dropped_late_ = 0;

  data::EncodedKeys encoded_;  // kept for its storage
};

}  // namespace

std::unique_ptr<Operator> MakeDeduplicate(DeduplicateOptions options) {
  return std::make_unique<Deduplicate>(std::move(options));
}

}  // namespace millrace::exec
