#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <unordered_set>

#include "base/error.h"
#include "data/keys.h"
#include "exec/event_time.h"
#include "exec/operators.h"
#include "state/key_table.h"
#include "state/time_index.h"

namespace millrace::exec {
namespace {

using state::Slot;

// One group per slot: its key in the table, its accumulators in the calls' vectors.
class Aggregate final : public Operator {
 public:
  explicit Aggregate(AggregateOptions options) : options_(std::move(options)) {
    for (const expr::BoundAggregate& call : options_.calls)
      accumulators_.push_back(call.make());
    options_.distinct.resize(options_.calls.size(), false);
    seen_.resize(options_.calls.size());
    for (size_t i = 0; i < options_.calls.size(); ++i) {
      if (options_.distinct[i]) seen_[i] = std::make_unique<state::KeyTable>();
    }
  }

  Status BeginEpoch(const Epoch& epoch) override {
    for (Slot slot : changed_) is_changed_[slot] = false;
    changed_.clear();
    removed_keys_.clear();
    late_keys_.clear();
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& input, PartitionIndex, Emitter&) override {
    Batch batch = input;
    std::vector<data::ArrayPtr> keys;
    MILLRACE_RETURN_IF_ERROR(EvaluateKeys(batch, &keys));
    MILLRACE_RETURN_IF_ERROR(DropLate(&batch, &keys));
    const int64_t rows = batch->num_rows();
    if (rows == 0) return Status::OK();
    account().absorbed += rows;
    if (keys.empty()) {
      slots_.assign(rows, GlobalSlot());
    } else {
      MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(keys, &encoded_));
      added_.clear();
      table_.FindOrAdd(encoded_, &slots_, &added_);
      PrepareNew(keys);
    }
    for (Slot slot : slots_) MarkChanged(slot);
    return Fold(batch, keys);
  }

  Status EndEpoch(Emitter& out) override {
    if (!options_.streaming) return EmitAll(out);
    switch (options_.mode) {
      case OutputMode::kComplete:
        return EmitAll(out);
      case OutputMode::kUpdate:
        MILLRACE_RETURN_IF_ERROR(Emit(changed_, out));
        Forget(expiry_.TakeUpTo(epoch().evict_watermark));
        return Status::OK();
      case OutputMode::kAppend: {
        const std::vector<Slot> final_slots = expiry_.TakeUpTo(epoch().evict_watermark);
        MILLRACE_RETURN_IF_ERROR(Emit(final_slots, out));
        Forget(final_slots);
        return Status::OK();
      }
    }
    return Status::OK();
  }

  bool keeps_row_order() const override { return false; }

  std::optional<state::OperatorStateInfo> state_info(
      uint32_t operator_id) const override {
    if (!options_.streaming) return std::nullopt;
    arrow::FieldVector keys;
    arrow::FieldVector values;
    for (size_t i = 0; i < options_.keys.size(); ++i) {
      keys.push_back(options_.schema->field(static_cast<int>(i)));
    }
    for (const expr::BoundAggregate& call : options_.calls) {
      values.push_back(arrow::field(call.name, call.state_type));
    }
    return state::OperatorStateInfo{operator_id, "stateStoreSave",
                                    data::SchemaToJson(*arrow::schema(keys)),
                                    data::SchemaToJson(*arrow::schema(values))};
  }

  Status Restore(state::StoreId, std::string_view key, std::string_view value) override {
    bool added = false;
    const Slot slot = table_.FindOrAdd(key, &added);
    Grow();
    const Slot slots[] = {slot};
    for (const auto& accumulators : accumulators_) {
      accumulators->Reset(slots);
      MILLRACE_RETURN_IF_ERROR(accumulators->Deserialize(slot, &value));
    }
    if (options_.keys.empty()) {
      global_ = slot;
      return Status::OK();
    }
    if (!expires()) return Status::OK();
    const std::string_view keys[] = {key};
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<data::ArrayPtr> columns,
                              data::DecodeKeys(keys, KeyTypes()));
    const int64_t time = EventTimesOf(*columns[options_.event_time.index])[0];
    if (time != kNullTime) expiry_.Add(time, slot);
    return Status::OK();
  }

  Status SaveState(state::StoreId store, state::StateChanges* changes) override {
    if (!options_.streaming) return Status::OK();
    std::string value;
    for (Slot slot : changed_) {
      if (!is_changed_[slot]) continue;  // forgotten in the same epoch
      value.clear();
      for (const auto& accumulators : accumulators_)
        accumulators->Serialize(slot, &value);
      changes->Put(store, table_.key(slot), value);
    }
    for (const std::string& key : removed_keys_) changes->Delete(store, key);
    return Status::OK();
  }

  std::optional<StateProgress> state_progress() const override {
    if (!options_.streaming) return std::nullopt;
    StateProgress progress;
    progress.operator_name = "stateStoreSave";
    progress.rows_total = table_.size();
    progress.rows_updated = static_cast<int64_t>(changed_.size());
    progress.rows_removed = static_cast<int64_t>(removed_keys_.size());
    progress.rows_dropped_by_watermark = static_cast<int64_t>(late_keys_.size());
    progress.memory_bytes = table_.memory_bytes();
    return progress;
  }

  bool WantsEpoch(Watermark last, Watermark next) const override {
    return options_.streaming && expires() && next > last;
  }

 private:
  bool expires() const {
    return options_.event_time.index >= 0 && options_.mode != OutputMode::kComplete;
  }

  std::vector<data::TypePtr> KeyTypes() const {
    std::vector<data::TypePtr> types;
    for (const expr::ExprPtr& key : options_.keys) types.push_back(key->type());
    return types;
  }

  Status EvaluateKeys(const Batch& batch, std::vector<data::ArrayPtr>* keys) const {
    for (const expr::ExprPtr& key : options_.keys) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                                expr::EvaluateToArray(*key, batch, epoch().eval));
      keys->push_back(std::move(column));
    }
    return Status::OK();
  }

  // Spark counts what it drops by key, after it has merged the epoch's rows of each key.
  Status DropLate(Batch* batch, std::vector<data::ArrayPtr>* keys) {
    if (!options_.streaming || !expires() || epoch().late_watermark == kNoWatermark) {
      return Status::OK();
    }
    const std::vector<int64_t> times = EventTimesOf(*(*keys)[options_.event_time.index]);
    const std::vector<int32_t> kept = RowsAfter(times, epoch().late_watermark);
    const int64_t late = (*batch)->num_rows() - static_cast<int64_t>(kept.size());
    if (late == 0) return Status::OK();
    account().dropped_late += late;
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(*keys, &encoded_));
    for (int64_t i = 0; i < encoded_.size(); ++i) {
      if (times[i] <= epoch().late_watermark) late_keys_.emplace(encoded_[i]);
    }
    MILLRACE_ASSIGN_OR_RETURN(*batch, data::Take(*batch, kept));
    for (data::ArrayPtr& key : *keys) {
      MILLRACE_ASSIGN_OR_RETURN(key, data::Take(*key, kept));
    }
    return Status::OK();
  }

  Slot GlobalSlot() {
    if (global_ == state::kNoSlot) {
      bool added = false;
      global_ = table_.FindOrAdd(std::string_view(), &added);
      Grow();
      const Slot slots[] = {global_};
      for (const auto& accumulators : accumulators_) accumulators->Reset(slots);
    }
    return global_;
  }

  void Grow() {
    const Slot count = table_.slot_count();
    for (const auto& accumulators : accumulators_) accumulators->Resize(count);
    if (is_changed_.size() < count) is_changed_.resize(count, false);
  }

  // Groups seen for the first time: empty accumulators, and the time at which they
  // expire.
  void PrepareNew(const std::vector<data::ArrayPtr>& keys) {
    if (added_.empty()) return;
    Grow();
    for (const auto& accumulators : accumulators_) accumulators->Reset(added_);
    if (!options_.streaming || !expires()) return;
    const std::vector<int64_t> times = EventTimesOf(*keys[options_.event_time.index]);
    size_t next = 0;  // added_ is in the order of the rows that first had the key
    for (size_t row = 0; row < slots_.size() && next < added_.size(); ++row) {
      if (slots_[row] != added_[next]) continue;
      if (times[row] != kNullTime) expiry_.Add(times[row], added_[next]);
      ++next;
    }
  }

  void MarkChanged(Slot slot) {
    if (is_changed_[slot]) return;
    is_changed_[slot] = true;
    changed_.push_back(slot);
  }

  Status Fold(const Batch& batch, const std::vector<data::ArrayPtr>& keys) {
    for (size_t i = 0; i < options_.calls.size(); ++i) {
      std::vector<expr::Value> args;
      for (const expr::ExprPtr& arg : options_.calls[i].args) {
        MILLRACE_ASSIGN_OR_RETURN(expr::Value value, arg->Evaluate(batch, epoch().eval));
        args.push_back(std::move(value));
      }
      if (options_.distinct[i]) {
        MILLRACE_RETURN_IF_ERROR(FoldDistinct(i, batch, keys, args));
      } else {
        MILLRACE_RETURN_IF_ERROR(
            accumulators_[i]->Update(args, slots_, batch->num_rows()));
      }
    }
    return Status::OK();
  }

  Status FoldDistinct(size_t call, const Batch& batch,
                      const std::vector<data::ArrayPtr>& keys,
                      const std::vector<expr::Value>& args) {
    std::vector<data::ArrayPtr> columns = keys;
    std::vector<data::ArrayPtr> arrays;
    for (const expr::Value& arg : args) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array,
                                expr::Materialize(arg, batch->num_rows()));
      arrays.push_back(array);
      columns.push_back(std::move(array));
    }
    data::EncodedKeys encoded;
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(columns, &encoded));
    std::vector<int32_t> first_rows;
    std::vector<Slot> first_slots;
    for (int64_t row = 0; row < encoded.size(); ++row) {
      bool added = false;
      seen_[call]->FindOrAdd(encoded[row], &added);
      if (!added) continue;
      first_rows.push_back(static_cast<int32_t>(row));
      first_slots.push_back(slots_[row]);
    }
    std::vector<expr::Value> taken;
    for (const data::ArrayPtr& array : arrays) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr some, data::Take(*array, first_rows));
      taken.push_back({std::move(some), false});
    }
    return accumulators_[call]->Update(taken, first_slots,
                                       static_cast<int64_t>(first_rows.size()));
  }

  Status EmitAll(Emitter& out) {
    if (options_.keys.empty()) GlobalSlot();  // one row even without input
    std::vector<Slot> all;
    for (Slot slot = 0; slot < table_.slot_count(); ++slot) {
      if (table_.live(slot)) all.push_back(slot);
    }
    return Emit(all, out);
  }

  Status Emit(const std::vector<Slot>& slots, Emitter& out) {
    if (slots.empty()) return Status::OK();
    std::vector<std::string_view> keys;
    keys.reserve(slots.size());
    for (Slot slot : slots) keys.push_back(table_.key(slot));
    std::vector<data::ArrayPtr> columns;
    if (!options_.keys.empty()) {
      MILLRACE_ASSIGN_OR_RETURN(columns, data::DecodeKeys(keys, KeyTypes()));
    }
    for (const auto& accumulators : accumulators_) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column, accumulators->Finish(slots));
      columns.push_back(std::move(column));
    }
    return out.Emit(arrow::RecordBatch::Make(
        options_.schema, static_cast<int64_t>(slots.size()), std::move(columns)));
  }

  void Forget(const std::vector<Slot>& slots) {
    for (Slot slot : slots) {
      removed_keys_.emplace_back(table_.key(slot));
      is_changed_[slot] = false;
      table_.Erase(slot);
    }
  }

  AggregateOptions options_;
  state::KeyTable table_;
  state::TimeIndex expiry_;
  std::vector<std::unique_ptr<expr::Accumulators>> accumulators_;
  std::vector<std::unique_ptr<state::KeyTable>> seen_;  // per distinct call
  Slot global_ = state::kNoSlot;

  // Of the current epoch.
  std::vector<Slot> changed_;
  std::vector<bool> is_changed_;  // by slot
  std::vector<std::string> removed_keys_;
  std::unordered_set<std::string> late_keys_;

  // Of the current batch; kept for their storage.
  data::EncodedKeys encoded_;
  std::vector<Slot> slots_;
  std::vector<Slot> added_;
};

}  // namespace

std::unique_ptr<Operator> MakeAggregate(AggregateOptions options) {
  return std::make_unique<Aggregate>(std::move(options));
}

}  // namespace millrace::exec
