// What the two joins share: hash_join.cc, whose one side is held in memory for an epoch,
// and stream_join.cc, which remembers both sides across epochs.
#pragma once

#include <optional>
#include <vector>

#include "data/keys.h"
#include "exec/operator.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

inline constexpr int kLeft = 0;
inline constexpr int kRight = 1;

/// One input of a join.
struct JoinSide {
  data::SchemaPtr schema;
  std::vector<expr::ExprPtr> keys;
  expr::ExprPtr condition;  // on this side's rows alone; null if none
};

/// A condition on pairs: bound to a batch of some left columns, then some right columns.
struct PairCondition {
  expr::ExprPtr expr;  // null if none
  std::vector<int> left_columns;
  std::vector<int> right_columns;
};

struct JoinOptions {
  plan::JoinType type = plan::JoinType::kInner;
  data::SchemaPtr schema;       // of the result
  JoinSide sides[2];            // kLeft, kRight
  std::vector<bool> null_safe;  // per key
  PairCondition condition;

  /// Whether a row of `side` without a match is in the result, with nulls for the other
  /// side.
  bool keeps_unmatched(int side) const {
    return type == plan::JoinType::kFullOuter ||
           type ==
               (side == kLeft ? plan::JoinType::kLeftOuter : plan::JoinType::kRightOuter);
  }
  /// Whether the result has the left columns only.
  bool left_only() const {
    return type == plan::JoinType::kLeftSemi || type == plan::JoinType::kLeftAnti;
  }
};

/// The rows of a batch that may have a match: those that satisfy their side's condition
/// and have no null in a key that null does not equal.
struct KeyedRows {
  std::vector<int32_t> rows;           // ascending
  std::vector<data::ArrayPtr> values;  // the keys of those rows
  data::EncodedKeys keys;              // one per entry of `rows`
};
Status FindKeyedRows(const JoinOptions& options, int side, const Batch& batch,
                     const expr::EvalContext& context, KeyedRows* out);

/// Which of the pairs (left row, right row) satisfy the condition: positions, ascending.
Result<std::vector<int32_t>> MatchingPairs(const PairCondition& condition,
                                           const Batch& left,
                                           std::span<const int32_t> left_rows,
                                           const Batch& right,
                                           std::span<const int32_t> right_rows,
                                           const expr::EvalContext& context);

/// Rows of the result: left_rows[i] beside right_rows[i]; -1 stands for nulls. The right
/// rows are not looked at where the result has the left columns only.
Result<Batch> JoinRows(const JoinOptions& options, const Batch& left,
                       std::span<const int32_t> left_rows, const Batch& right,
                       std::span<const int32_t> right_rows);

/// Joins within an epoch. One side (`build_side`) is held in memory; the other streams
/// past it. Semi and anti joins must build the right side.
std::unique_ptr<Operator> MakeHashJoin(JoinOptions options, int build_side);

/// Up to which event time one side's rows are of no more use. Spark:
/// JoinStateWatermarkPredicate.
struct JoinEviction {
  int key = -1;  // this key is an event time, and rows go when the watermark passes it;
  int column = -1;  // or else this column of the side is, and rows go when it is at most
  /// the least of these: in milliseconds, (watermark + offset) without its fraction,
  /// minus one where the other side's time may equal it.
  struct Bound {
    int64_t offset_micros = 0;
    bool inclusive = false;
  };
  std::vector<Bound> bounds;

  bool evicts() const { return key >= 0 || column >= 0; }
  /// In microseconds: rows whose time is at or below it go.
  Watermark StateWatermark(Watermark watermark) const;
};

struct StreamJoinOptions {
  JoinOptions join;
  JoinEviction eviction[2];
  int event_time[2] = {-1, -1};  // columns by which late rows are dropped
};
/// Joins two streams: remembers the rows of both as long as a row yet to come may match.
/// A row without a match is emitted when it is forgotten. Keys are compared as rows: null
/// equals null, unless the plan took such rows out. Spark: StreamingSymmetricHashJoinExec.
std::unique_ptr<Operator> MakeStreamJoin(StreamJoinOptions options);

}  // namespace millrace::exec
