#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

#include "exec/operators.h"
#include "exec/row_order.h"

namespace millrace::exec {
namespace {

using plan::WindowCall;
using plan::WindowFrame;

constexpr int32_t kNull = -1;  // as an index of a row

// The rows of one partition, [begin, end) of the sorted rows.
struct Partition {
  int32_t begin = 0;
  int32_t end = 0;
};

template <typename ArrayType, typename T>
data::ArrayPtr ArrayOf(std::vector<T> values, const data::TypePtr& type) {
  const auto length = static_cast<int64_t>(values.size());
  return std::make_shared<ArrayType>(type, length,
                                     arrow::Buffer::FromVector(std::move(values)));
}

// Spark: WindowExec. Holds the rows of an epoch, and emits them by partition, each in its
// order.
class WindowFunctions final : public Operator {
 public:
  explicit WindowFunctions(WindowFunctionsOptions options)
      : options_(std::move(options)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter&) override {
    account().absorbed += batch->num_rows();
    if (batch->num_rows() > 0) batches_.push_back(batch);
    return Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    if (batches_.empty()) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const Batch all, data::Concat(batches_));
    batches_.clear();
    MILLRACE_RETURN_IF_ERROR(Arrange(all));
    std::vector<data::ArrayPtr> columns = sorted_->columns();
    for (const WindowCall& call : options_.calls) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column, Compute(call));
      columns.push_back(std::move(column));
    }
    return out.Emit(arrow::RecordBatch::Make(options_.schema, sorted_->num_rows(),
                                             std::move(columns)));
  }

 private:
  // Sorts the rows, and finds partitions and the rows that no order tells apart (peers).
  Status Arrange(const Batch& all) {
    const auto rows = static_cast<int32_t>(all->num_rows());
    // As Spark gives them: partitions in the order of their keys, nulls first.
    std::vector<SortColumn> keys;
    for (const expr::ExprPtr& key : options_.partition)
      keys.push_back({key, false, true});
    MILLRACE_ASSIGN_OR_RETURN(const RowOrder partition,
                              RowOrder::Make(keys, all, epoch().eval));
    MILLRACE_ASSIGN_OR_RETURN(const RowOrder order,
                              RowOrder::Make(options_.order, all, epoch().eval));
    std::vector<int32_t> places(rows);
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(), [&](int32_t a, int32_t b) {
      const int compared = partition.Compare(a, b);
      return compared != 0 ? compared < 0 : order.Compare(a, b) < 0;
    });
    partitions_.clear();
    peers_begin_.resize(rows);
    peers_end_.resize(rows);
    int32_t peers = 0;
    for (int32_t i = 0; i < rows; ++i) {
      const bool same_partition =
          i > 0 && partition.Compare(places[i - 1], places[i]) == 0;
      if (!same_partition) partitions_.push_back({i, i});
      partitions_.back().end = i + 1;
      if (!same_partition || order.Compare(places[i - 1], places[i]) != 0) peers = i;
      peers_begin_[i] = peers;
    }
    for (int32_t i = rows; i-- > 0;) {
      const bool last = i + 1 == rows || peers_begin_[i + 1] != peers_begin_[i];
      peers_end_[i] = last ? i + 1 : peers_end_[i + 1];
    }
    MILLRACE_ASSIGN_OR_RETURN(sorted_, data::Take(all, places));
    return Status::OK();
  }

  Result<data::ArrayPtr> Compute(const WindowCall& call) const {
    switch (call.kind) {
      case WindowCall::Kind::kRowNumber:
        return Numbers(call,
                       [](const Partition& p, int32_t i) { return i - p.begin + 1; });
      case WindowCall::Kind::kRank:
        return Numbers(call, [&](const Partition& p, int32_t i) {
          return peers_begin_[i] - p.begin + 1;
        });
      case WindowCall::Kind::kDenseRank: {
        int32_t rank = 0;
        return Numbers(call, [&, rank](const Partition& p, int32_t i) mutable {
          if (i == p.begin) rank = 0;
          if (peers_begin_[i] == i) ++rank;
          return rank;
        });
      }
      case WindowCall::Kind::kNtile:
        return Numbers(call, [&](const Partition& p, int32_t i) {
          // The first buckets have one row more where the rows do not divide evenly.
          const int64_t rows = p.end - p.begin;
          const int64_t size = rows / call.number;
          const int64_t larger = rows % call.number;
          const int64_t at = i - p.begin;
          const int64_t in_larger = larger * (size + 1);
          return static_cast<int32_t>(at < in_larger
                                          ? at / (size + 1) + 1
                                          : larger + (at - in_larger) / size + 1);
        });
      case WindowCall::Kind::kPercentRank:
        return Fractions(call, [&](const Partition& p, int32_t i) {
          const int32_t others = p.end - p.begin - 1;
          return others == 0 ? 0.0
                             : static_cast<double>(peers_begin_[i] - p.begin) / others;
        });
      case WindowCall::Kind::kCumeDist:
        return Fractions(call, [&](const Partition& p, int32_t i) {
          return static_cast<double>(peers_end_[i] - p.begin) / (p.end - p.begin);
        });
      case WindowCall::Kind::kOffset:
        return Offset(call);
      case WindowCall::Kind::kNthValue:
        return NthValue(call);
      case WindowCall::Kind::kAggregate:
        return Aggregate(call);
    }
    return data::ArrayPtr();
  }

  template <typename F>
  Result<data::ArrayPtr> Numbers(const WindowCall& call, F&& number) const {
    std::vector<int32_t> values(sorted_->num_rows());
    for (const Partition& p : partitions_) {
      for (int32_t i = p.begin; i < p.end; ++i) values[i] = number(p, i);
    }
    return ArrayOf<arrow::Int32Array>(std::move(values), call.attribute.type);
  }

  template <typename F>
  Result<data::ArrayPtr> Fractions(const WindowCall& call, F&& fraction) const {
    std::vector<double> values(sorted_->num_rows());
    for (const Partition& p : partitions_) {
      for (int32_t i = p.begin; i < p.end; ++i) values[i] = fraction(p, i);
    }
    return ArrayOf<arrow::DoubleArray>(std::move(values), call.attribute.type);
  }

  // lag and lead: the value some rows before (below 0) or after, else the default.
  Result<data::ArrayPtr> Offset(const WindowCall& call) const {
    MILLRACE_ASSIGN_OR_RETURN(
        data::ArrayPtr values,
        expr::EvaluateToArray(*call.args[0], sorted_, epoch().eval));
    const auto rows = static_cast<int32_t>(sorted_->num_rows());
    const bool has_default = call.args.size() > 1;
    if (has_default) {
      MILLRACE_ASSIGN_OR_RETURN(
          data::ArrayPtr defaults,
          expr::EvaluateToArray(*call.args[1], sorted_, epoch().eval));
      const data::ArrayPtr both[] = {values, defaults};
      MILLRACE_ASSIGN_OR_RETURN(values, data::Concat(both));
    }
    std::vector<int32_t> from(rows);
    for (const Partition& p : partitions_) {
      for (int32_t i = p.begin; i < p.end; ++i) {
        const int64_t at = i + call.number;
        const bool inside = at >= p.begin && at < p.end;
        from[i] = inside ? static_cast<int32_t>(at) : (has_default ? rows + i : kNull);
      }
    }
    return data::Take(*values, from);
  }

  // The rows a call looks at from row i: [first, last].
  std::pair<int64_t, int64_t> Frame(const WindowFrame& frame, const Partition& p,
                                    int32_t i) const {
    int64_t first = p.begin;
    int64_t last = p.end - 1;
    if (frame.lower)
      first = frame.rows ? std::max(first, i + *frame.lower) : peers_begin_[i];
    if (frame.upper)
      last = frame.rows ? std::min(last, i + *frame.upper) : peers_end_[i] - 1;
    return {first, last};
  }

  // With a second argument only the values that are not null count.
  Result<data::ArrayPtr> NthValue(const WindowCall& call) const {
    const bool skips_nulls = call.args.size() > 1;
    MILLRACE_ASSIGN_OR_RETURN(
        const data::ArrayPtr values,
        expr::EvaluateToArray(*call.args[0], sorted_, epoch().eval));
    std::vector<int32_t> from(sorted_->num_rows(), kNull);
    for (const Partition& p : partitions_) {
      for (int32_t i = p.begin; i < p.end; ++i) {
        const auto [first, last] = Frame(call.frame, p, i);
        int64_t at = first + call.number - 1;
        if (skips_nulls) {
          int64_t left = call.number;
          for (at = first; at <= last; ++at) {
            if (values->IsValid(at) && --left == 0) break;
          }
        }
        if (at <= last) from[i] = static_cast<int32_t>(at);
      }
    }
    return data::Take(*values, from);
  }

  // Each row is folded by itself; frames are merged out of rows. A frame that begins with
  // its partition is that of the row before and what came in since.
  Result<data::ArrayPtr> Aggregate(const WindowCall& call) const {
    const auto rows = static_cast<uint32_t>(sorted_->num_rows());
    const std::unique_ptr<expr::Accumulators> accumulators = call.aggregate.make();
    std::vector<uint32_t> slots(rows);
    std::iota(slots.begin(), slots.end(), 0);
    uint32_t used = rows;
    accumulators->Resize(2 * rows);
    std::vector<expr::Value> args;
    for (const expr::ExprPtr& arg : call.aggregate.args) {
      MILLRACE_ASSIGN_OR_RETURN(expr::Value value, arg->Evaluate(sorted_, epoch().eval));
      args.push_back(std::move(value));
    }
    MILLRACE_RETURN_IF_ERROR(accumulators->Update(args, slots, rows));
    std::vector<uint32_t> results(rows);
    const auto merge = [&](int64_t first, int64_t last, uint32_t into) -> Status {
      for (int64_t row = first; row <= last; ++row) {
        MILLRACE_RETURN_IF_ERROR(accumulators->Merge(static_cast<uint32_t>(row), into));
      }
      return Status::OK();
    };
    for (const Partition& p : partitions_) {
      int64_t merged = p.begin;  // rows before it are in the result of the row before
      for (int32_t i = p.begin; i < p.end; ++i) {
        const auto [first, last] = Frame(call.frame, p, i);
        if (call.frame.lower) {
          MILLRACE_RETURN_IF_ERROR(merge(first, last, used));
          results[i] = used++;
        } else if (i > p.begin && last < merged) {
          results[i] = results[i - 1];
        } else {
          if (i > p.begin)
            MILLRACE_RETURN_IF_ERROR(accumulators->Merge(results[i - 1], used));
          MILLRACE_RETURN_IF_ERROR(merge(merged, last, used));
          merged = std::max(merged, last + 1);
          results[i] = used++;
        }
      }
    }
    return accumulators->Finish(results);
  }

  const WindowFunctionsOptions options_;
  std::vector<Batch> batches_;

  // Of the current epoch.
  Batch sorted_;
  std::vector<Partition> partitions_;
  std::vector<int32_t> peers_begin_;  // per sorted row
  std::vector<int32_t> peers_end_;
};

}  // namespace

std::unique_ptr<Operator> MakeWindowFunctions(WindowFunctionsOptions options) {
  return std::make_unique<WindowFunctions>(std::move(options));
}

}  // namespace millrace::exec
