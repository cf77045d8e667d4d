#include <arrow/record_batch.h>

#include "exec/operators.h"

namespace millrace::exec {
namespace {

class Project final : public Operator {
 public:
  Project(data::SchemaPtr schema, std::vector<expr::ExprPtr> expressions)
      : schema_(std::move(schema)), expressions_(std::move(expressions)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    std::vector<data::ArrayPtr> columns;
    columns.reserve(expressions_.size());
    for (const expr::ExprPtr& expression : expressions_) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                                expr::EvaluateToArray(*expression, batch, epoch().eval));
      columns.push_back(std::move(column));
    }
    account().passed += batch->num_rows();
    return out.Emit(
        arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns)));
  }

 private:
  const data::SchemaPtr schema_;
  const std::vector<expr::ExprPtr> expressions_;
};

}  // namespace

std::unique_ptr<Operator> MakeProject(data::SchemaPtr schema,
                                      std::vector<expr::ExprPtr> expressions) {
  return std::make_unique<Project>(std::move(schema), std::move(expressions));
}

}  // namespace millrace::exec
