#include "exec/join.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace millrace::exec {

namespace {

// Per row, whether some key that null does not equal is null; empty where none is.
std::vector<bool> NullKeys(const JoinOptions& options,
                           const std::vector<data::ArrayPtr>& keys) {
  std::vector<bool> null_key;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (options.null_safe[i] || keys[i]->null_count() == 0) continue;
    null_key.resize(keys[i]->length(), false);
    for (int64_t row = 0; row < keys[i]->length(); ++row) {
      if (keys[i]->IsNull(row)) null_key[row] = true;
    }
  }
  return null_key;
}

}  // namespace

Status FindKeyedRows(const JoinOptions& options, int side, const Batch& batch,
                     const expr::EvalContext& context, KeyedRows* out) {
  const JoinSide& from = options.sides[side];
  Batch candidates = batch;
  if (from.condition != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(out->rows,
                              expr::EvaluatePredicate(*from.condition, batch, context));
    if (static_cast<int64_t>(out->rows.size()) < batch->num_rows()) {
      MILLRACE_ASSIGN_OR_RETURN(candidates, data::Take(batch, out->rows));
    }
  } else {
    out->rows.resize(batch->num_rows());
    std::iota(out->rows.begin(), out->rows.end(), 0);
  }
  std::vector<data::ArrayPtr>& keys = out->values;
  keys.clear();
  for (const expr::ExprPtr& expression : from.keys) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr key,
                              expr::EvaluateToArray(*expression, candidates, context));
    keys.push_back(std::move(key));
  }
  const std::vector<bool> null_key = NullKeys(options, keys);
  if (!null_key.empty()) {
    std::vector<int32_t> kept;  // of the candidates
    for (size_t i = 0; i < out->rows.size(); ++i) {
      if (!null_key[i]) kept.push_back(static_cast<int32_t>(i));
    }
    for (data::ArrayPtr& key : keys) {
      MILLRACE_ASSIGN_OR_RETURN(key, data::Take(*key, kept));
    }
    for (int32_t& row : kept) row = out->rows[row];
    out->rows = std::move(kept);
  }
  if (!keys.empty()) return data::EncodeKeys(keys, &out->keys);
  // Every row meets every row, as far as keys go.
  out->keys.bytes.clear();
  out->keys.offsets.assign(out->rows.size() + 1, 0);
  return Status::OK();
}

Result<std::vector<int32_t>> MatchingPairs(const PairCondition& condition,
                                           const Batch& left,
                                           std::span<const int32_t> left_rows,
                                           const Batch& right,
                                           std::span<const int32_t> right_rows,
                                           const expr::EvalContext& context) {
  std::vector<data::ArrayPtr> columns;
  arrow::FieldVector fields;
  const auto add = [&](const Batch& from, const std::vector<int>& wanted,
                       std::span<const int32_t> rows) -> Status {
    for (int index : wanted) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                                data::Take(*from->column(index), rows));
      columns.push_back(std::move(column));
      fields.push_back(from->schema()->field(index));
    }
    return Status::OK();
  };
  MILLRACE_RETURN_IF_ERROR(add(left, condition.left_columns, left_rows));
  MILLRACE_RETURN_IF_ERROR(add(right, condition.right_columns, right_rows));
  const Batch pairs = arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                               static_cast<int64_t>(left_rows.size()),
                                               std::move(columns));
  return expr::EvaluatePredicate(*condition.expr, pairs, context);
}

Result<Batch> JoinRows(const JoinOptions& options, const Batch& left,
                       std::span<const int32_t> left_rows, const Batch& right,
                       std::span<const int32_t> right_rows) {
  std::vector<data::ArrayPtr> columns;
  const auto add = [&](const Batch& from, std::span<const int32_t> rows) -> Status {
    for (const data::ArrayPtr& column : from->columns()) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr taken, data::Take(*column, rows));
      columns.push_back(std::move(taken));
    }
    return Status::OK();
  };
  MILLRACE_RETURN_IF_ERROR(add(left, left_rows));
  if (!options.left_only()) MILLRACE_RETURN_IF_ERROR(add(right, right_rows));
  return arrow::RecordBatch::Make(options.schema, static_cast<int64_t>(left_rows.size()),
                                  std::move(columns));
}

Watermark JoinEviction::StateWatermark(Watermark watermark) const {
  if (key >= 0) return watermark;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const Bound& bound : bounds) {
    const int64_t millis = (watermark + bound.offset_micros) / 1000;
    least = std::min(least, millis - (bound.inclusive ? 1 : 0));
  }
  return least * 1000;
}

}  // namespace millrace::exec
