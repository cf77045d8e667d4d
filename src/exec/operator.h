// The contract of an operator: batches in, batches out, one epoch after the other.
// docs/how-to/add-an-operator.md lists the steps; filter.cc is the one to imitate.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/sink.h"
#include "data/batch.h"
#include "expr/expr.h"
#include "state/state_log.h"

namespace millrace::exec {

using connector::BatchId;
using connector::OutputMode;
using data::Batch;

/// Microseconds since 1970; the smallest value means "no watermark".
using Watermark = int64_t;
inline constexpr Watermark kNoWatermark = std::numeric_limits<int64_t>::min();

/// What is fixed for one micro-batch. A batch query is one epoch.
struct Epoch {
  BatchId id = 0;
  expr::EvalContext eval;
  /// Rows at or below it are late: the watermark of the epoch before. Spark:
  /// eventTimeWatermark ForLateEvents.
  Watermark late_watermark = kNoWatermark;
  /// State up to it is final. Spark: eventTimeWatermarkForEviction.
  Watermark evict_watermark = kNoWatermark;
};

/// Where a batch came from: a partition of a source, numbered by the runtime. Watermarks
/// are tracked by it.
using PartitionIndex = int;

/// Takes what an operator emits.
class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual Status Emit(Batch batch) = 0;
};

/// Every row that enters an operator ends in exactly one place:
/// rows_in + expanded == passed + dropped_* + absorbed.
struct RowAccount {
  int64_t rows_in = 0;
  int64_t expanded = 0;        // copies a sliding window or a join made beyond the first
  int64_t passed = 0;          // handed on
  int64_t dropped_filter = 0;  // condition not true
  int64_t dropped_null_time = 0;  // no event time
  int64_t dropped_late = 0;       // behind the watermark
  int64_t dropped_duplicate = 0;
  int64_t dropped_limit = 0;
  int64_t absorbed = 0;  // folded into state, or held until the end of the epoch
  int64_t rows_out = 0;  // emitted in all, from state as well

  bool balanced() const {
    return rows_in + expanded == passed + dropped_filter + dropped_null_time +
                                     dropped_late + dropped_duplicate + dropped_limit +
                                     absorbed;
  }
  RowAccount& operator+=(const RowAccount& other);
  /// Adds what one operator did; an internal error where it does not balance.
  Status Add(const RowAccount& account);
};

/// Spark's stateOperators entry of the progress, for the epoch just ended.
struct StateProgress {
  std::string operator_name;
  int64_t rows_total = 0;
  int64_t rows_updated = 0;
  int64_t rows_removed = 0;
  int64_t rows_dropped_by_watermark =
      0;  // as Spark counts: distinct late keys for aggregates
  int64_t memory_bytes = 0;
  int64_t commit_millis = 0;
};

/// One step of a query.
///
/// Life of an epoch: BeginEpoch, Process for each batch of its rows, EndInput for each
/// input once it has no more, EndEpoch, SaveState, and TakeAccount. Restore, for each key
/// of the checkpoint, comes before the first epoch. Threading: one thread. Failure: any
/// error ends the query; nothing is undone, the checkpoint still has the state before the
/// epoch.
class Operator {
 public:
  virtual ~Operator() = default;

  virtual Status BeginEpoch(const Epoch& epoch) {
    epoch_ = &epoch;
    return Status::OK();
  }
  /// `input` is 0 except for operators with several inputs. May emit at once or keep the
  /// rows.
  virtual Status Process(int input, const Batch& batch, PartitionIndex partition,
                         Emitter& out) = 0;
  /// No more rows of one input in this epoch. See first_input().
  virtual Status EndInput(int input, Emitter& out) {
    (void)input, (void)out;
    return Status::OK();
  }
  /// No more rows in this epoch: emit what the epoch's end makes final.
  virtual Status EndEpoch(Emitter& out) {
    (void)out;
    return Status::OK();
  }

  /// Of an operator with two inputs: which of them gives all its rows before the other
  /// begins.
  virtual int first_input() const { return 0; }

  /// Whether rows leave it in the order in which they came, so that users see that order.
  virtual bool keeps_row_order() const { return true; }

  // Only operators with state across epochs implement the rest.

  /// What the checkpoint must remember about it; nothing for a stateless one.
  virtual std::optional<state::OperatorStateInfo> state_info(uint32_t operator_id) const {
    (void)operator_id;
    return std::nullopt;
  }
  virtual Status Restore(state::StoreId store, std::string_view key,
                         std::string_view value) {
    (void)store, (void)key, (void)value;
    return Status::OK();
  }
  /// Adds what changed in the epoch just ended.
  virtual Status SaveState(state::StoreId store, state::StateChanges* changes) {
    (void)store, (void)changes;
    return Status::OK();
  }
  virtual std::optional<StateProgress> state_progress() const { return std::nullopt; }
  /// Whether an epoch without rows may emit or forget something when the watermark has
  /// gone from `last` to `next`. Spark: StateStoreWriter.shouldRunAnotherBatch.
  virtual bool WantsEpoch(Watermark last, Watermark next) const {
    (void)last, (void)next;
    return false;
  }
  /// Rows that it emits when its inputs' watermark is `input` are not older than this.
  /// Spark: StateStoreWriter.produceOutputWatermark.
  virtual Watermark OutputWatermark(Watermark input) const { return input; }

  const RowAccount& account() const { return account_; }
  RowAccount& account() { return account_; }

 protected:
  const Epoch& epoch() const { return *epoch_; }

 private:
  const Epoch* epoch_ = nullptr;
  RowAccount account_;  // of the current epoch; reset by the pipeline
};

}  // namespace millrace::exec
