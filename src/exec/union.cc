#include <arrow/record_batch.h>

#include "exec/operators.h"

namespace millrace::exec {
namespace {

class Union final : public Operator {
 public:
  explicit Union(data::SchemaPtr schema) : schema_(std::move(schema)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    account().passed += batch->num_rows();
    return out.Emit(
        arrow::RecordBatch::Make(schema_, batch->num_rows(), batch->columns()));
  }

 private:
  const data::SchemaPtr schema_;
};

}  // namespace

std::unique_ptr<Operator> MakeUnion(data::SchemaPtr schema) {
  return std::make_unique<Union>(std::move(schema));
}

}  // namespace millrace::exec
