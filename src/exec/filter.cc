#include <arrow/record_batch.h>

#include "exec/operators.h"

namespace millrace::exec {
namespace {

class Filter final : public Operator {
 public:
  explicit Filter(expr::ExprPtr predicate) : predicate_(std::move(predicate)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<int32_t> kept,
                              expr::EvaluatePredicate(*predicate_, batch, epoch().eval));
    const auto passed = static_cast<int64_t>(kept.size());
    account().passed += passed;
    account().dropped_filter += batch->num_rows() - passed;
    if (passed == 0) return Status::OK();
    if (passed == batch->num_rows())
      return out.Emit(batch);  // the common case copies nothing
    MILLRACE_ASSIGN_OR_RETURN(Batch selected, data::Take(batch, kept));
    return out.Emit(std::move(selected));
  }

 private:
  const expr::ExprPtr predicate_;
};

}  // namespace

std::unique_ptr<Operator> MakeFilter(expr::ExprPtr predicate) {
  return std::make_unique<Filter>(std::move(predicate));
}

}  // namespace millrace::exec
