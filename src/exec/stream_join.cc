#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <numeric>

#include "exec/join.h"
#include "exec/join_state.h"
#include "exec/row_codec.h"

namespace millrace::exec {
namespace {

using plan::JoinType;
using state::Slot;

// Pairs are put together in pieces of about this many.
constexpr size_t kPiece = 8192;

// Spark: StreamingSymmetricHashJoinExec. Within an epoch one side comes first and meets
// what is remembered of the other; the second side then meets the first one's new rows as
// well.
class StreamJoin final : public Operator {
 public:
  explicit StreamJoin(StreamJoinOptions options)
      : options_(std::move(options)),
        join_(options_.join),
        codecs_{RowCodec(join_.sides[kLeft].schema),
                RowCodec(join_.sides[kRight].schema)} {}

  // As Spark 4.2: left rows of a semi join come second, so that a matched one is never
  // stored.
  int first_input() const override { return semi() ? kRight : kLeft; }

  Status BeginEpoch(const Epoch& epoch) override {
    for (JoinState& side : states_) side.BeginEpoch();
    updated_ = 0;
    removed_ = 0;
    late_ = 0;
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int side, const Batch& input, PartitionIndex, Emitter& out) override {
    Batch batch = input;
    MILLRACE_RETURN_IF_ERROR(DropLate(side, &batch));
    const int64_t rows = batch->num_rows();
    if (rows == 0) return Status::OK();
    MILLRACE_RETURN_IF_ERROR(FindKeyedRows(join_, side, batch, epoch().eval, &keyed_));
    outputs_of_.assign(rows, 0);
    MILLRACE_RETURN_IF_ERROR(EmitUnmatchable(side, batch, out));
    MILLRACE_RETURN_IF_ERROR(Match(side, batch, out));
    const int64_t stored = Store(side, batch);
    int64_t outputs = 0;
    int64_t neither = 0;    // not stored, no output
    int64_t passed_on = 0;  // not stored, some output
    for (int64_t row = 0; row < rows; ++row) {
      outputs += outputs_of_[row];
      if (is_stored_[row]) continue;
      ++(outputs_of_[row] > 0 ? passed_on : neither);
    }
    account().absorbed += stored;
    account().passed += outputs;
    account().expanded += outputs - passed_on;
    account().dropped_filter += neither;
    return Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    for (const int side : {kLeft, kRight}) {
      const JoinEviction& eviction = options_.eviction[side];
      if (eviction.evicts()) MILLRACE_RETURN_IF_ERROR(Evict(side, out));
    }
    return Status::OK();
  }

  std::optional<state::OperatorStateInfo> state_info(
      uint32_t operator_id) const override {
    arrow::FieldVector keys;
    for (size_t i = 0; i < join_.sides[kLeft].keys.size(); ++i) {
      keys.push_back(
          arrow::field("field" + std::to_string(i), join_.sides[kLeft].keys[i]->type()));
    }
    arrow::FieldVector values;
    for (const JoinSide& side : join_.sides) {
      values.insert(values.end(), side.schema->fields().begin(),
                    side.schema->fields().end());
    }
    return state::OperatorStateInfo{operator_id, "symmetricHashJoin",
                                    data::SchemaToJson(*arrow::schema(keys)),
                                    data::SchemaToJson(*arrow::schema(values))};
  }

  Status Restore(state::StoreId store, std::string_view key,
                 std::string_view value) override {
    return states_[store.store].Restore(key, value);
  }

  Status SaveState(state::StoreId store, state::StateChanges* changes) override {
    for (const int side : {kLeft, kRight}) {
      states_[side].Save({store.operator_id, static_cast<uint32_t>(side)}, changes);
    }
    return Status::OK();
  }

  std::optional<StateProgress> state_progress() const override {
    StateProgress progress;
    progress.operator_name = "symmetricHashJoin";
    progress.rows_total = states_[kLeft].size() + states_[kRight].size();
    progress.rows_updated = updated_;
    progress.rows_removed = removed_;
    progress.rows_dropped_by_watermark = late_;
    progress.memory_bytes =
        states_[kLeft].memory_bytes() + states_[kRight].memory_bytes();
    return progress;
  }

  bool WantsEpoch(Watermark last, Watermark next) const override {
    return next > last &&
           (options_.eviction[kLeft].evicts() || options_.eviction[kRight].evicts());
  }

  // The event times of both sides are in the result: it may be as old as what is
  // remembered.
  Watermark OutputWatermark(Watermark input) const override {
    Watermark least = input;
    for (const JoinEviction& eviction : options_.eviction) {
      if (eviction.evicts()) least = std::min(least, eviction.StateWatermark(input));
    }
    return least;
  }

 private:
  bool semi() const { return join_.type == JoinType::kLeftSemi; }

  Status DropLate(int side, Batch* batch) {
    const int column = options_.event_time[side];
    if (column < 0 || epoch().late_watermark == kNoWatermark) return Status::OK();
    const std::vector<int32_t> kept =
        RowsAfter(EventTimesOf(*(*batch)->column(column)), epoch().late_watermark);
    const int64_t late = (*batch)->num_rows() - static_cast<int64_t>(kept.size());
    if (late == 0) return Status::OK();
    late_ += late;
    account().dropped_late += late;
    MILLRACE_ASSIGN_OR_RETURN(*batch, data::Take(*batch, kept));
    return Status::OK();
  }

  // Rows that fail their own side's condition need not be remembered to know they have no
  // match.
  Status EmitUnmatchable(int side, const Batch& batch, Emitter& out) {
    if (!join_.keeps_unmatched(side)) return Status::OK();
    std::vector<int32_t> rows;
    size_t next = 0;
    for (int32_t row = 0; row < static_cast<int32_t>(batch->num_rows()); ++row) {
      if (next < keyed_.rows.size() && keyed_.rows[next] == row) {
        ++next;
        continue;
      }
      rows.push_back(row);
      outputs_of_[row] = 1;
    }
    return EmitWithNulls(side, batch, rows, out);
  }

  Status EmitWithNulls(int side, const Batch& batch, const std::vector<int32_t>& rows,
                       Emitter& out) {
    if (rows.empty()) return Status::OK();
    const std::vector<int32_t> none(rows.size(), -1);
    const Batch empty = data::EmptyBatch(join_.sides[1 - side].schema);
    MILLRACE_ASSIGN_OR_RETURN(Batch joined,
                              side == kLeft ? JoinRows(join_, batch, rows, empty, none)
                                            : JoinRows(join_, empty, none, batch, rows));
    return out.Emit(std::move(joined));
  }

  // Finds the pairs of the batch's rows with what is remembered of the other side.
  Status Match(int side, const Batch& batch, Emitter& out) {
    const JoinState& other = states_[1 - side];
    for (size_t i = 0; i < keyed_.rows.size(); ++i) {
      Slot slot = other.First(keyed_.keys[static_cast<int64_t>(i)]);
      for (; slot != state::kNoSlot; slot = other.Next(slot)) {
        rows_.push_back(keyed_.rows[i]);
        others_.push_back(slot);
      }
      if (rows_.size() >= kPiece) MILLRACE_RETURN_IF_ERROR(EmitPairs(side, batch, out));
    }
    return EmitPairs(side, batch, out);
  }

  Status EmitPairs(int side, const Batch& batch, Emitter& out) {
    if (rows_.empty()) return Status::OK();
    JoinState& other = states_[1 - side];
    std::vector<std::string_view> encoded;
    encoded.reserve(others_.size());
    for (const Slot slot : others_) encoded.push_back(other.row(slot));
    MILLRACE_ASSIGN_OR_RETURN(const Batch others, codecs_[1 - side].Decode(encoded));
    std::vector<int32_t> places(rows_.size());
    std::iota(places.begin(), places.end(), 0);
    const bool from_left = side == kLeft;
    std::vector<int32_t> pairs = places;
    if (join_.condition.expr != nullptr) {
      MILLRACE_ASSIGN_OR_RETURN(
          pairs, MatchingPairs(join_.condition, from_left ? batch : others,
                               from_left ? rows_ : places, from_left ? others : batch,
                               from_left ? places : rows_, epoch().eval));
    }
    std::vector<int32_t> rows;
    std::vector<int32_t> partners;
    for (const int32_t pair : pairs) {
      const int32_t row = rows_[pair];
      const Slot partner = others_[pair];
      if (semi()) {
        // Each left row once: a new one at its first match, a remembered one at its
        // first.
        if (from_left ? outputs_of_[row] > 0 : other.matched(partner)) continue;
        if (!from_left) {
          other.SetMatched(partner);
          matched_left_.push_back(partner);
        }
      } else {
        other.SetMatched(partner);
      }
      rows.push_back(row);
      partners.push_back(pair);
      ++outputs_of_[row];
    }
    for (const Slot slot : matched_left_) other.Remove(slot);
    removed_ += static_cast<int64_t>(matched_left_.size());
    matched_left_.clear();
    rows_.clear();
    others_.clear();
    if (rows.empty()) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(Batch joined,
                              from_left ? JoinRows(join_, batch, rows, others, partners)
                                        : JoinRows(join_, others, partners, batch, rows));
    return out.Emit(std::move(joined));
  }

  // Per row of `keyed_`: when it goes.
  std::vector<int64_t> Times(int side, const Batch& batch) const {
    const JoinEviction& eviction = options_.eviction[side];
    if (eviction.key >= 0) return EventTimesOf(*keyed_.values[eviction.key]);
    if (eviction.column < 0) return std::vector<int64_t>(keyed_.rows.size(), kNullTime);
    const std::vector<int64_t> all = EventTimesOf(*batch->column(eviction.column));
    std::vector<int64_t> times;
    times.reserve(keyed_.rows.size());
    for (const int32_t row : keyed_.rows) times.push_back(all[row]);
    return times;
  }

  // Remembers what a row yet to come may match. Returns how many.
  int64_t Store(int side, const Batch& batch) {
    is_stored_.assign(batch->num_rows(), false);
    const bool second = side != first_input();
    const Watermark gone =
        options_.eviction[side].evicts()
            ? options_.eviction[side].StateWatermark(epoch().evict_watermark)
            : kNoWatermark;
    const std::vector<int64_t> times = Times(side, batch);
    int64_t stored = 0;
    for (size_t i = 0; i < keyed_.rows.size(); ++i) {
      const int32_t row = keyed_.rows[i];
      const bool matched = outputs_of_[row] > 0;
      if (semi() && side == kLeft && matched) continue;
      // The second side has met all there is: what this epoch would forget is not
      // remembered, unless it is to be emitted without a match.
      const bool emits_unmatched = join_.keeps_unmatched(side) && !matched;
      if (second && times[i] <= gone && !emits_unmatched) continue;
      encoded_row_.clear();
      codecs_[side].Append(batch, row, &encoded_row_);
      states_[side].Add(keyed_.keys[static_cast<int64_t>(i)], encoded_row_, times[i],
                        matched);
      is_stored_[row] = true;
      ++stored;
    }
    updated_ += stored;
    return stored;
  }

  // Forgets one side's rows that no row to come can match; emits those that had no match.
  Status Evict(int side, Emitter& out) {
    JoinState& state = states_[side];
    const bool keeps = join_.keeps_unmatched(side);
    const std::vector<Slot> expired =
        state.Expired(options_.eviction[side].StateWatermark(epoch().evict_watermark));
    for (size_t begin = 0; keeps && begin < expired.size(); begin += kPiece) {
      const size_t end = std::min(begin + kPiece, expired.size());
      std::vector<std::string_view> encoded;
      for (size_t i = begin; i < end; ++i) {
        if (!state.matched(expired[i])) encoded.push_back(state.row(expired[i]));
      }
      MILLRACE_ASSIGN_OR_RETURN(const Batch rows, codecs_[side].Decode(encoded));
      std::vector<int32_t> all(encoded.size());
      std::iota(all.begin(), all.end(), 0);
      MILLRACE_RETURN_IF_ERROR(EmitWithNulls(side, rows, all, out));
    }
    for (const Slot slot : expired) state.Remove(slot);
    // As Spark counts: not those it looked at for rows without a match.
    if (!keeps) removed_ += static_cast<int64_t>(expired.size());
    return Status::OK();
  }

  const StreamJoinOptions options_;
  const JoinOptions& join_;
  const RowCodec codecs_[2];
  JoinState states_[2];

  // Of the current epoch.
  int64_t updated_ = 0;
  int64_t removed_ = 0;
  int64_t late_ = 0;

  // Of the current batch; kept for their storage.
  KeyedRows keyed_;
  std::vector<int32_t> outputs_of_;  // per row
  std::vector<bool> is_stored_;      // per row
  std::vector<int32_t> rows_;        // pairs: a row of the batch …
  std::vector<Slot> others_;         // … and a remembered row
  std::vector<Slot> matched_left_;
  std::string encoded_row_;
};

}  // namespace

std::unique_ptr<Operator> MakeStreamJoin(StreamJoinOptions options) {
  return std::make_unique<StreamJoin>(std::move(options));
}

}  // namespace millrace::exec
