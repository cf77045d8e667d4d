#include "expr/conditional.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include "data/arrow_status.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Rows = std::vector<int32_t>;

Rows AllRows(int64_t count) {
  Rows rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

void MarkUsedColumns(const Expr& expr, std::vector<bool>* used) {
  if (const auto* column = dynamic_cast<const Column*>(&expr)) {
    const auto ordinal = static_cast<size_t>(column->ordinal());
    if (ordinal < used->size()) (*used)[ordinal] = true;
  }
  for (const ExprPtr& child : expr.children()) MarkUsedColumns(*child, used);
}

// An argument's values for rows of the batch: of all of them, or only of those asked for.
struct PartialValue {
  Value value;
  bool picked = false;  // value i belongs to the i-th of the rows, else to the row itself

  int64_t index(size_t i, int32_t row) const {
    return value.index(picked ? static_cast<int64_t>(i) : row);
  }
};

Result<PartialValue> EvaluatePart(const Expr& expr, const LazyInput& in,
                                  const Rows& rows) {
  const bool all = static_cast<int64_t>(rows.size()) == in.batch->num_rows();
  if (all || !expr.can_fail()) {
    MILLRACE_ASSIGN_OR_RETURN(Value value, expr.Evaluate(in.batch, in.context));
    return PartialValue{std::move(value), false};
  }
  MILLRACE_ASSIGN_OR_RETURN(Value value, EvaluateRows(expr, in.batch, rows, in.context));
  return PartialValue{std::move(value), true};
}

// Puts a column together out of parts that each give some of its rows; other rows are
// null.
class Merger {
 public:
  explicit Merger(const LazyInput& in)
      : type_(in.type), positions_(static_cast<size_t>(in.batch->num_rows()), -1) {}

  void Add(PartialValue part, const Rows& rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      positions_[static_cast<size_t>(rows[i])] =
          static_cast<int32_t>(total_ + part.index(i, rows[i]));
    }
    total_ += part.value.array->length();
    covered_ += rows.size();
    parts_.push_back(std::move(part));
  }

  Result<Value> Finish() {
    if (parts_.empty()) return NullConstant(type_);
    // The common case copies nothing.
    if (parts_.size() == 1 && covered_ == positions_.size() && !parts_[0].picked) {
      return std::move(parts_[0].value);
    }
    std::vector<data::ArrayPtr> arrays;
    for (const PartialValue& part : parts_) arrays.push_back(part.value.array);
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr all, data::Concat(arrays));
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr merged, data::Take(*all, positions_));
    return Value{std::move(merged)};
  }

 private:
  const data::TypePtr& type_;
  Rows positions_;  // in the concatenation of the parts
  std::vector<PartialValue> parts_;
  int64_t total_ = 0;
  size_t covered_ = 0;
};

// A boolean column as bitmaps without offset.
struct Booleans {
  std::shared_ptr<arrow::Buffer> bits;
  std::shared_ptr<arrow::Buffer> valid;  // none: all

  uint64_t Bits(int64_t word) const { return Word(*bits, word); }
  uint64_t Valid(int64_t word) const {
    return valid == nullptr ? ~uint64_t{0} : Word(*valid, word);
  }

  static uint64_t Word(const arrow::Buffer& buffer, int64_t word) {
    uint64_t bits64 = 0;
    const int64_t begin = word * 8;
    std::memcpy(&bits64, buffer.data() + begin,
                static_cast<size_t>(std::min<int64_t>(8, buffer.size() - begin)));
    return bits64;
  }
};

Result<std::shared_ptr<arrow::Buffer>> WithoutOffset(
    const std::shared_ptr<arrow::Buffer>& bits, int64_t offset, int64_t length) {
  if (offset == 0) return bits;
  MILLRACE_ASSIGN_OR_RETURN_ARROW(
      std::shared_ptr<arrow::Buffer> copy,
      arrow::internal::CopyBitmap(arrow::default_memory_pool(), bits->data(), offset,
                                  length));
  return copy;
}

Result<Booleans> ReadBooleans(const Value& value, int64_t rows) {
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr array, Materialize(value, rows));
  const arrow::ArrayData& data = *array->data();
  Booleans booleans;
  MILLRACE_ASSIGN_OR_RETURN(booleans.bits,
                            WithoutOffset(data.buffers[1], data.offset, rows));
  if (data.buffers[0] != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(booleans.valid,
                              WithoutOffset(data.buffers[0], data.offset, rows));
  }
  return booleans;
}

// AND where `decisive` is false, OR where it is true: one operand of that value decides.
Result<Value> Combine(const Value& left, const Value& right, bool decisive, int64_t rows,
                      const data::TypePtr& type) {
  if (left.constant && right.constant) rows = 1;
  MILLRACE_ASSIGN_OR_RETURN(const Booleans a, ReadBooleans(left, rows));
  MILLRACE_ASSIGN_OR_RETURN(const Booleans b, ReadBooleans(right, rows));
  const int64_t words = (rows + 63) / 64;
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits,
                            AllocateBytes(words * 8));
  std::shared_ptr<arrow::Buffer> valid;
  if (a.valid != nullptr || b.valid != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(valid, AllocateBytes(words * 8));
  }
  auto* const out = reinterpret_cast<uint64_t*>(bits->mutable_data());
  auto* const out_valid =
      valid == nullptr ? nullptr : reinterpret_cast<uint64_t*>(valid->mutable_data());
  const uint64_t flip = decisive ? 0 : ~uint64_t{0};
  for (int64_t word = 0; word < words; ++word) {
    const uint64_t a_valid = a.Valid(word);
    const uint64_t b_valid = b.Valid(word);
    // Rows decided by one operand alone.
    const uint64_t decided =
        (a_valid & (a.Bits(word) ^ flip)) | (b_valid & (b.Bits(word) ^ flip));
    out[word] = decided ^ flip;
    if (out_valid != nullptr) out_valid[word] = decided | (a_valid & b_valid);
  }
  return MakeValue(type, rows, left.constant && right.constant, std::move(valid),
                   std::move(bits));
}

Result<Value> EvaluateLogic(const LazyInput& in, bool decisive) {
  const int64_t rows = in.batch->num_rows();
  MILLRACE_ASSIGN_OR_RETURN(const Value left, in.args[0]->Evaluate(in.batch, in.context));
  const Reader<bool> decides(left);
  if (left.constant && !decides.IsNull(0)) {
    if (decides[0] == decisive) return left;
    return in.args[1]->Evaluate(in.batch, in.context);
  }
  if (!in.args[1]->can_fail()) {
    MILLRACE_ASSIGN_OR_RETURN(const Value right,
                              in.args[1]->Evaluate(in.batch, in.context));
    return Combine(left, right, decisive, rows, in.type);
  }
  Rows open;
  for (int64_t row = 0; row < rows; ++row) {
    if (decides.IsNull(row) || decides[row] != decisive) {
      open.push_back(static_cast<int32_t>(row));
    }
  }
  if (open.empty()) return left;
  MILLRACE_ASSIGN_OR_RETURN(PartialValue part, EvaluatePart(*in.args[1], in, open));
  // Rows left out are null on the right, and decided by the left.
  Merger merger(in);
  merger.Add(std::move(part), open);
  MILLRACE_ASSIGN_OR_RETURN(const Value right, merger.Finish());
  return Combine(left, right, decisive, rows, in.type);
}

}  // namespace

Result<Value> EvaluateRows(const Expr& expr, const data::Batch& batch,
                           std::span<const int32_t> rows, const EvalContext& context) {
  // Only the columns the expression looks at are picked; the others just have the length.
  std::vector<bool> used(static_cast<size_t>(batch->num_columns()));
  MarkUsedColumns(expr, &used);
  const auto count = static_cast<int64_t>(rows.size());
  std::vector<data::ArrayPtr> columns;
  for (int i = 0; i < batch->num_columns(); ++i) {
    if (used[static_cast<size_t>(i)]) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                                data::Take(*batch->column(i), rows));
      columns.push_back(std::move(column));
    } else {
      columns.push_back(batch->column(i)->Slice(0, count));
    }
  }
  return expr.Evaluate(
      arrow::RecordBatch::Make(batch->schema(), count, std::move(columns)), context);
}

Result<Value> EvaluateAnd(const LazyInput& in) { return EvaluateLogic(in, false); }

Result<Value> EvaluateOr(const LazyInput& in) { return EvaluateLogic(in, true); }

Result<Value> EvaluateCase(const LazyInput& in) {
  Rows remaining = AllRows(in.batch->num_rows());
  Merger merger(in);
  for (size_t i = 0; i + 1 < in.args.size() && !remaining.empty(); i += 2) {
    MILLRACE_ASSIGN_OR_RETURN(const PartialValue condition,
                              EvaluatePart(*in.args[i], in, remaining));
    const Reader<bool> holds(condition.value);
    Rows taken;
    if (condition.value.constant) {
      if (holds.IsNull(0) || !holds[0]) continue;
      taken.swap(remaining);
    } else {
      Rows rest;
      for (size_t k = 0; k < remaining.size(); ++k) {
        const int64_t index = condition.index(k, remaining[k]);
        (!holds.IsNull(index) && holds[index] ? taken : rest).push_back(remaining[k]);
      }
      remaining.swap(rest);
      if (taken.empty()) continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(PartialValue part,
                              EvaluatePart(*in.args[i + 1], in, taken));
    merger.Add(std::move(part), taken);
  }
  if (in.args.size() % 2 == 1 && !remaining.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(PartialValue part,
                              EvaluatePart(*in.args.back(), in, remaining));
    merger.Add(std::move(part), remaining);
  }
  return merger.Finish();
}

Result<Value> EvaluateCoalesce(const LazyInput& in) {
  Rows remaining = AllRows(in.batch->num_rows());
  Merger merger(in);
  for (const ExprPtr& arg : in.args) {
    if (remaining.empty()) break;
    MILLRACE_ASSIGN_OR_RETURN(PartialValue part, EvaluatePart(*arg, in, remaining));
    const NullReader nulls(part.value);
    Rows taken;
    if (!nulls.has_nulls()) {
      taken.swap(remaining);
    } else {
      Rows rest;
      for (size_t k = 0; k < remaining.size(); ++k) {
        const int64_t index = part.picked ? static_cast<int64_t>(k) : remaining[k];
        (nulls.IsNull(index) ? rest : taken).push_back(remaining[k]);
      }
      // What was evaluated for some rows only is numbered by those rows.
      if (part.picked && !rest.empty() && !part.value.constant) {
        Rows kept;
        for (size_t k = 0; k < remaining.size(); ++k) {
          if (!nulls.IsNull(static_cast<int64_t>(k)))
            kept.push_back(static_cast<int32_t>(k));
        }
        MILLRACE_ASSIGN_OR_RETURN(part.value.array, data::Take(*part.value.array, kept));
      }
      remaining.swap(rest);
      if (taken.empty()) continue;
    }
    merger.Add(std::move(part), taken);
  }
  return merger.Finish();
}

Result<Value> EvaluateNanvl(const LazyInput& in) {
  const int64_t rows = in.batch->num_rows();
  MILLRACE_ASSIGN_OR_RETURN(Value first, in.args[0]->Evaluate(in.batch, in.context));
  Rows numbers;
  Rows nans;
  VisitNumber(*first.array->type(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      const Reader<T> values(first);
      for (int64_t row = 0; row < rows; ++row) {
        const bool nan = !values.IsNull(row) && std::isnan(values[row]);
        (nan ? nans : numbers).push_back(static_cast<int32_t>(row));
      }
    }
  });
  if (nans.empty()) return first;
  Merger merger(in);
  if (!numbers.empty()) merger.Add(PartialValue{std::move(first)}, numbers);
  MILLRACE_ASSIGN_OR_RETURN(PartialValue part, EvaluatePart(*in.args[1], in, nans));
  merger.Add(std::move(part), nans);
  return merger.Finish();
}

}  // namespace millrace::expr
