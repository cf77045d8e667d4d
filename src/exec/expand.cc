#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "exec/operators.h"

namespace millrace::exec {
namespace {

// Spark: ExpandExec.
class Expand final : public Operator {
 public:
  explicit Expand(ExpandOptions options) : options_(std::move(options)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    const int64_t rows = batch->num_rows();
    std::vector<data::ArrayPtr> keys;
    std::vector<data::ArrayPtr> nulls;
    for (const expr::ExprPtr& key : options_.keys) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values,
                                expr::EvaluateToArray(*key, batch, epoch().eval));
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr none, data::Nulls(values->type(), rows));
      keys.push_back(std::move(values));
      nulls.push_back(std::move(none));
    }
    const auto sets = static_cast<int64_t>(options_.left_out.size());
    account().passed += rows * sets;
    account().expanded += rows * (sets - 1);
    for (const uint64_t left_out : options_.left_out) {
      std::vector<data::ArrayPtr> columns = batch->columns();
      for (size_t i = 0; i < keys.size(); ++i) {
        const bool is_out = ((left_out >> (keys.size() - 1 - i)) & 1) != 0;
        columns.push_back(is_out ? nulls[i] : keys[i]);
      }
      columns.push_back(std::make_shared<arrow::Int64Array>(
          rows, arrow::Buffer::FromVector(
                    std::vector<int64_t>(rows, static_cast<int64_t>(left_out)))));
      MILLRACE_RETURN_IF_ERROR(
          out.Emit(arrow::RecordBatch::Make(options_.schema, rows, std::move(columns))));
    }
    return Status::OK();
  }

 private:
  const ExpandOptions options_;
};

}  // namespace

std::unique_ptr<Operator> MakeExpand(ExpandOptions options) {
  return std::make_unique<Expand>(std::move(options));
}

}  // namespace millrace::exec
