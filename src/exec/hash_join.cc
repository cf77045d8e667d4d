#include <arrow/record_batch.h>

#include "base/error.h"
#include "exec/join.h"
#include "state/key_table.h"

namespace millrace::exec {
namespace {

using plan::JoinType;
using state::Slot;

// Pairs are put together in pieces of about this many.
constexpr size_t kPiece = 8192;
constexpr int32_t kNone = -1;    // nulls; the end of a chain
constexpr int32_t kRowEnd = -2;  // in a list of pairs: all pairs of a probe row came

// Spark: BroadcastHashJoinExec, and BroadcastNestedLoopJoinExec where there is no key.
class HashJoin final : public Operator {
 public:
  HashJoin(JoinOptions options, int build_side)
      : options_(std::move(options)),
        build_side_(build_side),
        probe_side_(1 - build_side),
        keeps_probe_(options_.keeps_unmatched(probe_side_)),
        keeps_build_(options_.keeps_unmatched(build_side_)),
        anti_(options_.type == JoinType::kLeftAnti),
        once_(options_.left_only()) {}

  int first_input() const override { return build_side_; }

  Status BeginEpoch(const Epoch& epoch) override {
    batches_.clear();
    build_.reset();
    table_ = std::make_unique<state::KeyTable>();
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int input, const Batch& batch, PartitionIndex, Emitter& out) override {
    if (input == probe_side_) return Probe(batch, out);
    account().absorbed += batch->num_rows();
    // Its buffers are the reader's: what is kept for the epoch owns its bytes.
    MILLRACE_ASSIGN_OR_RETURN(Batch kept, data::Compact(batch));
    batches_.push_back(std::move(kept));
    return Status::OK();
  }

  Status EndInput(int input, Emitter&) override {
    return input == build_side_ ? Build() : Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    if (!keeps_build_) return Status::OK();
    std::vector<int32_t> rows;
    for (int32_t row = 0; row < static_cast<int32_t>(build_->num_rows()); ++row) {
      if (matched_[row]) continue;
      rows.push_back(row);
      if (rows.size() == kPiece) MILLRACE_RETURN_IF_ERROR(EmitUnmatchedBuild(&rows, out));
    }
    return EmitUnmatchedBuild(&rows, out);
  }

 private:
  Status Build() {
    if (batches_.empty()) {
      build_ = data::EmptyBatch(options_.sides[build_side_].schema);
    } else {
      MILLRACE_ASSIGN_OR_RETURN(build_, data::Concat(batches_));
    }
    batches_.clear();
    MILLRACE_RETURN_IF_ERROR(
        FindKeyedRows(options_, build_side_, build_, epoch().eval, &keyed_));
    std::vector<Slot> slots;
    std::vector<Slot> added;
    table_->FindOrAdd(keyed_.keys, &slots, &added);
    first_.assign(table_->slot_count(), kNone);
    next_.assign(build_->num_rows(), kNone);
    // Last row first, so that chains are in the order of rows.
    for (size_t i = slots.size(); i-- > 0;) {
      next_[keyed_.rows[i]] = first_[slots[i]];
      first_[slots[i]] = keyed_.rows[i];
    }
    if (keeps_build_) matched_.assign(build_->num_rows(), false);
    return Status::OK();
  }

  Status Probe(const Batch& batch, Emitter& out) {
    if (build_ == nullptr)
      return InternalError("a join was probed before its other side ended");
    MILLRACE_RETURN_IF_ERROR(
        FindKeyedRows(options_, probe_side_, batch, epoch().eval, &keyed_));
    const bool needs_ends = keeps_probe_ || once_;
    // Without a further condition the first pair decides a semi or anti join.
    const bool first_only = once_ && options_.condition.expr == nullptr;
    rows_with_output_ = 0;
    outputs_ = 0;
    last_output_ = kNone;
    row_matched_ = false;
    size_t next_keyed = 0;
    for (int32_t row = 0; row < static_cast<int32_t>(batch->num_rows()); ++row) {
      if (next_keyed < keyed_.rows.size() && keyed_.rows[next_keyed] == row) {
        const Slot slot = table_->Find(keyed_.keys[static_cast<int64_t>(next_keyed++)]);
        int32_t build = slot == state::kNoSlot ? kNone : first_[slot];
        for (; build != kNone; build = first_only ? kNone : next_[build]) {
          probe_rows_.push_back(row);
          build_rows_.push_back(build);
          if (probe_rows_.size() >= kPiece) MILLRACE_RETURN_IF_ERROR(Flush(batch, out));
        }
      }
      if (needs_ends) {
        probe_rows_.push_back(row);
        build_rows_.push_back(kRowEnd);
      }
    }
    MILLRACE_RETURN_IF_ERROR(Flush(batch, out));
    account().passed += outputs_;
    account().expanded += outputs_ - rows_with_output_;
    account().dropped_filter += batch->num_rows() - rows_with_output_;
    return Status::OK();
  }

  // Turns the pairs found so far into rows of the result.
  Status Flush(const Batch& batch, Emitter& out) {
    if (probe_rows_.empty()) return Status::OK();
    MILLRACE_RETURN_IF_ERROR(FindMatches(batch));
    std::vector<int32_t> probe;
    std::vector<int32_t> build;
    const auto add = [&](int32_t probe_row, int32_t build_row) {
      probe.push_back(probe_row);
      build.push_back(build_row);
      if (probe_row != last_output_) ++rows_with_output_;
      last_output_ = probe_row;
    };
    for (size_t i = 0; i < probe_rows_.size(); ++i) {
      if (build_rows_[i] == kRowEnd) {
        if (!row_matched_ && (keeps_probe_ || anti_)) add(probe_rows_[i], kNone);
        row_matched_ = false;
        continue;
      }
      if (!is_match_[i]) continue;
      if (keeps_build_) matched_[build_rows_[i]] = true;
      if (!once_ || (!anti_ && !row_matched_)) add(probe_rows_[i], build_rows_[i]);
      row_matched_ = true;
    }
    probe_rows_.clear();
    build_rows_.clear();
    outputs_ += static_cast<int64_t>(probe.size());
    if (probe.empty()) return Status::OK();
    const bool left_probes = probe_side_ == kLeft;
    MILLRACE_ASSIGN_OR_RETURN(
        Batch rows,
        JoinRows(options_, left_probes ? batch : build_, left_probes ? probe : build,
                 left_probes ? build_ : batch, left_probes ? build : probe));
    return out.Emit(std::move(rows));
  }

  // Fills is_match_: one entry per entry of the list of pairs.
  Status FindMatches(const Batch& batch) {
    if (options_.condition.expr == nullptr) {
      is_match_.assign(probe_rows_.size(), true);
      return Status::OK();
    }
    is_match_.assign(probe_rows_.size(), false);
    std::vector<int32_t> probe;
    std::vector<int32_t> build;
    std::vector<size_t> places;
    for (size_t i = 0; i < probe_rows_.size(); ++i) {
      if (build_rows_[i] == kRowEnd) continue;
      probe.push_back(probe_rows_[i]);
      build.push_back(build_rows_[i]);
      places.push_back(i);
    }
    if (places.empty()) return Status::OK();
    const bool left_probes = probe_side_ == kLeft;
    MILLRACE_ASSIGN_OR_RETURN(
        const std::vector<int32_t> matching,
        MatchingPairs(options_.condition, left_probes ? batch : build_,
                      left_probes ? probe : build, left_probes ? build_ : batch,
                      left_probes ? build : probe, epoch().eval));
    for (int32_t pair : matching) is_match_[places[pair]] = true;
    return Status::OK();
  }

  Status EmitUnmatchedBuild(std::vector<int32_t>* rows, Emitter& out) {
    if (rows->empty()) return Status::OK();
    const std::vector<int32_t> none(rows->size(), kNone);
    const Batch empty = data::EmptyBatch(options_.sides[probe_side_].schema);
    const bool build_left = build_side_ == kLeft;
    MILLRACE_ASSIGN_OR_RETURN(
        Batch unmatched,
        JoinRows(options_, build_left ? build_ : empty, build_left ? *rows : none,
                 build_left ? empty : build_, build_left ? none : *rows));
    rows->clear();
    return out.Emit(std::move(unmatched));
  }

  const JoinOptions options_;
  const int build_side_;
  const int probe_side_;
  const bool keeps_probe_;
  const bool keeps_build_;
  const bool anti_;
  const bool once_;  // a probe row is emitted at most once

  // Of the current epoch.
  std::vector<Batch> batches_;  // until the build side ends
  Batch build_;
  std::unique_ptr<state::KeyTable> table_;
  std::vector<int32_t> first_;  // per slot: the first build row with that key
  std::vector<int32_t> next_;   // per build row: the next one with its key
  std::vector<bool> matched_;   // per build row

  // Of the current batch.
  KeyedRows keyed_;
  std::vector<int32_t> probe_rows_;
  std::vector<int32_t> build_rows_;
  std::vector<bool> is_match_;
  bool row_matched_ = false;
  int32_t last_output_ = kNone;
  int64_t rows_with_output_ = 0;
  int64_t outputs_ = 0;
};

}  // namespace

std::unique_ptr<Operator> MakeHashJoin(JoinOptions options, int build_side) {
  return std::make_unique<HashJoin>(std::move(options), build_side);
}

}  // namespace millrace::exec
