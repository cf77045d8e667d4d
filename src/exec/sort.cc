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
    MILLRACE_ASSIGN_OR_RETURN(const RowOrder by,
                              RowOrder::Make(columns_, all, epoch().eval));
    std::vector<int32_t> order(all->num_rows());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t x, int32_t y) { return by.Compare(x, y) < 0; });
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
