#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <numeric>

#include "exec/operators.h"
#include "exec/row_order.h"

namespace millrace::exec {
namespace {

class Sort final : public Operator {
 public:
  explicit Sort(std::vector<SortColumn> columns) : columns_(std::move(columns)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter&) override {
    account().absorbed += batch->num_rows();
    if (batch->num_rows() > 0) rows_.push_back(batch);
    return Status::OK();
  }

  Status EndEpoch(Emitter& out) override {
    if (rows_.empty()) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const Batch all, data::Concat(rows_));
    rows_.clear();
    struct Key {
      data::ArrayPtr values;
      RowComparison compare;
      bool descending;
      bool nulls_first;
    };
    std::vector<Key> keys;
    for (const SortColumn& column : columns_) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values,
                                expr::EvaluateToArray(*column.expr, all, epoch().eval));
      MILLRACE_ASSIGN_OR_RETURN(RowComparison compare, MakeRowComparison(*values));
      keys.push_back(
          {std::move(values), std::move(compare), column.descending, column.nulls_first});
    }
    std::vector<int32_t> order(all->num_rows());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      for (const Key& key : keys) {
        const bool a_null = key.values->IsNull(a);
        const bool b_null = key.values->IsNull(b);
        if (a_null || b_null) {
          if (a_null == b_null) continue;
          return a_null == key.nulls_first;
        }
        const int compared = key.compare(a, b);
        if (compared != 0) return key.descending ? compared > 0 : compared < 0;
      }
      return false;
    });
    MILLRACE_ASSIGN_OR_RETURN(Batch sorted, data::Take(all, order));
    return out.Emit(std::move(sorted));
  }

 private:
  const std::vector<SortColumn> columns_;
  std::vector<Batch> rows_;
};

}  // namespace

std::unique_ptr<Operator> MakeSort(std::vector<SortColumn> columns) {
  return std::make_unique<Sort>(std::move(columns));
}

}  // namespace millrace::exec
