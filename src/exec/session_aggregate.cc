#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstring>
#include <numeric>
#include <unordered_set>

#include "base/error.h"
#include "data/keys.h"
#include "exec/event_time.h"
#include "exec/operators.h"
#include "state/key_table.h"
#include "state/time_index.h"

namespace millrace::exec {
namespace {

using state::kNoSlot;
using state::Slot;

constexpr size_t kTimeBytes = sizeof(int64_t);

// One session per slot. Spark: MergingSessionsExec and SessionWindowStateStoreSaveExec.
class SessionAggregate final : public Operator {
 public:
  SessionAggregate(AggregateOptions options, int session_key)
      : options_(std::move(options)), session_key_(session_key) {
    for (const expr::BoundAggregate& call : options_.calls)
      accumulators_.push_back(call.make());
  }

  Status BeginEpoch(const Epoch& epoch) override {
    for (const Slot key : touched_) is_touched_[key] = false;
    touched_.clear();
    deleted_.clear();
    late_.clear();
    updated_ = 0;
    removed_ = 0;
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int, const Batch& input, PartitionIndex, Emitter&) override {
    Batch batch = input;
    std::vector<data::ArrayPtr> keys;
    MILLRACE_RETURN_IF_ERROR(EvaluateKeys(batch, &keys));
    MILLRACE_RETURN_IF_ERROR(DropLate(&batch, &keys));
    MILLRACE_RETURN_IF_ERROR(OrderByStart(&batch, &keys));
    const int64_t rows = batch->num_rows();
    if (rows == 0) return Status::OK();
    account().absorbed += rows;
    MILLRACE_RETURN_IF_ERROR(FindKeys(keys, rows));
    const Times times(*keys[session_key_]);
    slots_.resize(rows);
    for (int64_t row = 0; row < rows; ++row) {
      Touch(key_slots_[row]);
      MILLRACE_ASSIGN_OR_RETURN(slots_[row],
                                Place(key_slots_[row], times.start(row), times.end(row)));
    }
    // A session may have become part of another one since a row was put into it.
    for (Slot& slot : slots_) {
      while (sessions_[slot].merged_into != kNoSlot) slot = sessions_[slot].merged_into;
    }
    MILLRACE_RETURN_IF_ERROR(Fold(batch));
    for (const Slot slot : merged_) Free(slot);
    merged_.clear();
    return Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    for (const Slot key : touched_)
      updated_ += static_cast<int64_t>(sessions_of_[key].size());
    if (!options_.streaming || options_.mode == OutputMode::kComplete) {
      std::vector<Slot> all;
      for (Slot slot = 0; slot < sessions_.size(); ++slot) {
        if (sessions_[slot].live) all.push_back(slot);
      }
      return Emit(all, out);
    }
    std::vector<Slot> closed;
    for (const Slot slot : expiry_.TakeUpTo(epoch().evict_watermark)) {
      // It may have grown since; then it stands under its new end as well.
      const Session& session = sessions_[slot];
      if (!session.live || session.end > epoch().evict_watermark) continue;
      sessions_[slot].live = false;
      closed.push_back(slot);
    }
    MILLRACE_RETURN_IF_ERROR(Emit(closed, out));
    for (const Slot slot : closed) {
      Delete(sessions_[slot]);
      RemoveFromKey(slot);
      Free(slot);
    }
    removed_ += static_cast<int64_t>(closed.size());
    return Status::OK();
  }

  bool keeps_row_order() const override { return false; }

  std::optional<state::OperatorStateInfo> state_info(
      uint32_t operator_id) const override {
    if (!options_.streaming) return std::nullopt;
    arrow::FieldVector keys;
    arrow::FieldVector values;
    for (size_t i = 0; i < options_.keys.size(); ++i) {
      if (static_cast<int>(i) != session_key_) {
        keys.push_back(options_.schema->field(static_cast<int>(i)));
      }
    }
    keys.push_back(arrow::field("sessionStartTime", data::TimestampType(), false));
    for (const expr::BoundAggregate& call : options_.calls) {
      values.push_back(arrow::field(call.name, call.state_type));
    }
    return state::OperatorStateInfo{operator_id, "sessionWindowStateStoreSaveExec",
                                    data::SchemaToJson(*arrow::schema(keys)),
                                    data::SchemaToJson(*arrow::schema(values))};
  }

  // The key is that of the group and when the session starts; the value begins with its
  // end.
  Status Restore(state::StoreId, std::string_view key, std::string_view value) override {
    if (key.size() < kTimeBytes || value.size() < kTimeBytes) {
      return InternalError("a session's state has a key of {} and a value of {} bytes",
                           key.size(), value.size());
    }
    int64_t start = 0;
    int64_t end = 0;
    std::memcpy(&start, key.data() + key.size() - kTimeBytes, kTimeBytes);
    std::memcpy(&end, value.data(), kTimeBytes);
    value.remove_prefix(kTimeBytes);
    bool added = false;
    const Slot key_slot = keys_.FindOrAdd(key.substr(0, key.size() - kTimeBytes), &added);
    GrowKeys();
    const Slot slot = NewSession(key_slot, start, end);
    sessions_[slot].durable = true;
    std::vector<Slot>& of_key = sessions_of_[key_slot];
    of_key.insert(
        std::find_if(of_key.begin(), of_key.end(),
                     [&](Slot other) { return sessions_[other].start > start; }),
        slot);
    for (const auto& accumulators : accumulators_) {
      MILLRACE_RETURN_IF_ERROR(accumulators->Deserialize(slot, &value));
    }
    return Status::OK();
  }

  Status SaveState(state::StoreId store, state::StateChanges* changes) override {
    if (!options_.streaming) return Status::OK();
    std::string value;
    for (const std::string& key : deleted_) changes->Delete(store, key);
    for (const Slot key : touched_) {
      if (!keys_.live(key)) continue;  // its last session was closed
      for (const Slot slot : sessions_of_[key]) {
        Session& session = sessions_[slot];
        value.assign(reinterpret_cast<const char*>(&session.end), kTimeBytes);
        for (const auto& accumulators : accumulators_)
          accumulators->Serialize(slot, &value);
        changes->Put(store, LogKey(session), value);
        session.durable = true;
      }
    }
    return Status::OK();
  }

  std::optional<StateProgress> state_progress() const override {
    if (!options_.streaming) return std::nullopt;
    StateProgress progress;
    progress.operator_name = "sessionWindowStateStoreSaveExec";
    progress.rows_total = static_cast<int64_t>(sessions_.size() - free_.size());
    progress.rows_updated = updated_;
    progress.rows_removed = removed_;
    progress.rows_dropped_by_watermark = static_cast<int64_t>(late_.size());
    progress.memory_bytes = keys_.memory_bytes() +
                            static_cast<int64_t>(sessions_.capacity() * sizeof(Session));
    return progress;
  }

  bool WantsEpoch(Watermark last, Watermark next) const override {
    return options_.streaming && expires() && next > last;
  }

 private:
  struct Session {
    Slot key = kNoSlot;
    int64_t start = 0;
    int64_t end = 0;
    Slot merged_into = kNoSlot;
    bool live = false;
    bool durable = false;  // the checkpoint has it, under its start
  };

  // Starts and ends of a column of windows.
  class Times {
   public:
    explicit Times(const arrow::Array& windows)
        : start_(static_cast<const arrow::StructArray&>(windows).field(0)),
          end_(static_cast<const arrow::StructArray&>(windows).field(1)) {}
    int64_t start(int64_t row) const { return Value(*start_, row); }
    int64_t end(int64_t row) const { return Value(*end_, row); }

   private:
    static int64_t Value(const arrow::Array& times, int64_t row) {
      return static_cast<const arrow::TimestampArray&>(times).Value(row);
    }
    const data::ArrayPtr start_;
    const data::ArrayPtr end_;
  };

  bool expires() const {
    return options_.event_time.index >= 0 && options_.mode != OutputMode::kComplete;
  }

  Status EvaluateKeys(const Batch& batch, std::vector<data::ArrayPtr>* keys) const {
    for (const expr::ExprPtr& key : options_.keys) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                                expr::EvaluateToArray(*key, batch, epoch().eval));
      keys->push_back(std::move(column));
    }
    return Status::OK();
  }

  static Status TakeRows(std::span<const int32_t> rows, Batch* batch,
                         std::vector<data::ArrayPtr>* keys) {
    MILLRACE_ASSIGN_OR_RETURN(*batch, data::Take(*batch, rows));
    for (data::ArrayPtr& key : *keys) {
      MILLRACE_ASSIGN_OR_RETURN(key, data::Take(*key, rows));
    }
    return Status::OK();
  }

  // A row by itself is a session; Spark drops it if that one is late, and counts equal
  // ones once.
  Status DropLate(Batch* batch, std::vector<data::ArrayPtr>* keys) {
    if (!options_.streaming || !expires()) return Status::OK();
    const std::vector<int64_t> ends = EventTimesOf(*(*keys)[session_key_]);
    const std::vector<int32_t> kept = RowsAfter(ends, epoch().late_watermark);
    const int64_t late = (*batch)->num_rows() - static_cast<int64_t>(kept.size());
    if (late == 0) return Status::OK();
    account().dropped_late += late;
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(*keys, &encoded_));
    for (int64_t i = 0; i < encoded_.size(); ++i) {
      if (ends[i] <= epoch().late_watermark) late_.emplace(encoded_[i]);
    }
    return TakeRows(kept, batch, keys);
  }

  // Spark folds the rows of a session in the order of their times.
  Status OrderByStart(Batch* batch, std::vector<data::ArrayPtr>* keys) const {
    const Times times(*(*keys)[session_key_]);
    std::vector<int32_t> order((*batch)->num_rows());
    std::iota(order.begin(), order.end(), 0);
    const auto earlier = [&](int32_t a, int32_t b) {
      return times.start(a) < times.start(b);
    };
    if (std::is_sorted(order.begin(), order.end(), earlier)) return Status::OK();
    std::stable_sort(order.begin(), order.end(), earlier);
    return TakeRows(order, batch, keys);
  }

  // Fills key_slots_: which group each row belongs to, sessions apart.
  Status FindKeys(const std::vector<data::ArrayPtr>& keys, int64_t rows) {
    std::vector<data::ArrayPtr> others = keys;
    others.erase(others.begin() + session_key_);
    if (others.empty()) {
      encoded_.bytes.clear();
      encoded_.offsets.assign(rows + 1, 0);
    } else {
      MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(others, &encoded_));
    }
    std::vector<Slot> added;
    keys_.FindOrAdd(encoded_, &key_slots_, &added);
    GrowKeys();
    return Status::OK();
  }

  void GrowKeys() {
    if (sessions_of_.size() >= keys_.slot_count()) return;
    sessions_of_.resize(keys_.slot_count());
    is_touched_.resize(keys_.slot_count(), false);
  }

  void Touch(Slot key) {
    if (is_touched_[key]) return;
    is_touched_[key] = true;
    touched_.push_back(key);
  }

  Slot NewSession(Slot key, int64_t start, int64_t end) {
    Slot slot = static_cast<Slot>(sessions_.size());
    if (free_.empty()) {
      sessions_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    sessions_[slot] = Session{key, start, end, kNoSlot, true, false};
    const Slot slots[] = {slot};
    for (const auto& accumulators : accumulators_) {
      accumulators->Resize(static_cast<uint32_t>(sessions_.size()));
      accumulators->Reset(slots);
    }
    if (expires()) expiry_.Add(end, slot);
    return slot;
  }

  // The session that [start, end) belongs to: a new one, or what it touches, made one.
  Result<Slot> Place(Slot key, int64_t start, int64_t end) {
    std::vector<Slot>& of_key = sessions_of_[key];
    // Sessions of a key neither overlap nor touch: those that this one touches are
    // neighbours.
    size_t first = of_key.size();
    while (first > 0 && sessions_[of_key[first - 1]].end >= start) --first;
    size_t last = first;
    while (last < of_key.size() && sessions_[of_key[last]].start <= end) ++last;
    if (first == last) {
      const Slot slot = NewSession(key, start, end);
      of_key.insert(of_key.begin() + static_cast<std::ptrdiff_t>(first), slot);
      return slot;
    }
    const Slot slot = of_key[first];
    for (size_t i = first + 1; i < last; ++i) {
      const Slot other = of_key[i];
      for (const auto& accumulators : accumulators_) {
        MILLRACE_RETURN_IF_ERROR(accumulators->Merge(other, slot));
      }
      end = std::max(end, sessions_[other].end);
      if (sessions_[other].durable) ++removed_;
      Delete(sessions_[other]);
      sessions_[other].live = false;
      sessions_[other].merged_into = slot;
      merged_.push_back(other);
    }
    of_key.erase(of_key.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                 of_key.begin() + static_cast<std::ptrdiff_t>(last));
    Session& session = sessions_[slot];
    if (start < session.start) {
      if (session.durable) ++removed_;
      Delete(session);
      session.durable = false;
      session.start = start;
    }
    if (end > session.end) {
      session.end = end;
      if (expires()) expiry_.Add(end, slot);
    }
    return slot;
  }

  Status Fold(const Batch& batch) {
    for (size_t i = 0; i < options_.calls.size(); ++i) {
      std::vector<expr::Value> args;
      for (const expr::ExprPtr& arg : options_.calls[i].args) {
        MILLRACE_ASSIGN_OR_RETURN(expr::Value value, arg->Evaluate(batch, epoch().eval));
        args.push_back(std::move(value));
      }
      MILLRACE_RETURN_IF_ERROR(accumulators_[i]->Update(args, slots_, batch->num_rows()));
    }
    return Status::OK();
  }

  std::string LogKey(const Session& session) const {
    std::string key(keys_.key(session.key));
    key.append(reinterpret_cast<const char*>(&session.start), kTimeBytes);
    return key;
  }

  void Delete(const Session& session) {
    if (session.durable) deleted_.push_back(LogKey(session));
  }

  void RemoveFromKey(Slot slot) {
    const Slot key = sessions_[slot].key;
    std::erase(sessions_of_[key], slot);
    if (sessions_of_[key].empty()) keys_.Erase(key);
  }

  void Free(Slot slot) {
    sessions_[slot] = Session();
    free_.push_back(slot);
  }

  Status Emit(const std::vector<Slot>& slots, Emitter& out) {
    if (slots.empty()) return Status::OK();
    const auto rows = static_cast<int64_t>(slots.size());
    std::vector<data::TypePtr> types;
    for (size_t i = 0; i < options_.keys.size(); ++i) {
      if (static_cast<int>(i) != session_key_) types.push_back(options_.keys[i]->type());
    }
    std::vector<std::string_view> keys;
    std::vector<int64_t> starts;
    std::vector<int64_t> ends;
    for (const Slot slot : slots) {
      keys.push_back(keys_.key(sessions_[slot].key));
      starts.push_back(sessions_[slot].start);
      ends.push_back(sessions_[slot].end);
    }
    std::vector<data::ArrayPtr> columns;
    if (!types.empty()) {
      MILLRACE_ASSIGN_OR_RETURN(columns, data::DecodeKeys(keys, types));
    }
    const data::TypePtr& window = options_.keys[session_key_]->type();
    const auto times = [&](std::vector<int64_t> micros) {
      return std::make_shared<arrow::TimestampArray>(
          window->field(0)->type(), rows, arrow::Buffer::FromVector(std::move(micros)));
    };
    columns.insert(
        columns.begin() + session_key_,
        std::make_shared<arrow::StructArray>(
            window, rows,
            arrow::ArrayVector{times(std::move(starts)), times(std::move(ends))}));
    for (const auto& accumulators : accumulators_) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column, accumulators->Finish(slots));
      columns.push_back(std::move(column));
    }
    return out.Emit(arrow::RecordBatch::Make(options_.schema, rows, std::move(columns)));
  }

  const AggregateOptions options_;
  const int session_key_;
  state::KeyTable keys_;  // without the session
  std::vector<std::vector<Slot>>
      sessions_of_;                // by slot of the key; in the order of starts
  std::vector<Session> sessions_;  // their slots are the accumulators'
  std::vector<Slot> free_;
  state::TimeIndex expiry_;
  std::vector<std::unique_ptr<expr::Accumulators>> accumulators_;

  // Of the current epoch.
  std::vector<Slot> touched_;  // keys
  std::vector<bool> is_touched_;
  std::vector<std::string> deleted_;  // keys of the checkpoint
  std::unordered_set<std::string> late_;
  int64_t updated_ = 0;
  int64_t removed_ = 0;

  // Of the current batch; kept for their storage.
  data::EncodedKeys encoded_;
  std::vector<Slot> key_slots_;
  std::vector<Slot> slots_;
  std::vector<Slot> merged_;
};

}  // namespace

std::unique_ptr<Operator> MakeSessionAggregate(AggregateOptions options,
                                               int session_key) {
  return std::make_unique<SessionAggregate>(std::move(options), session_key);
}

}  // namespace millrace::exec
