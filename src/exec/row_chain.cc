#include "exec/row_chain.h"

#include <arrow/record_batch.h>

#include <algorithm>

#include "exec/operator_builder.h"

namespace millrace::exec {

// An operator in its place; without one, what comes out of the chain.
class RowChain::Step final : public Emitter {
 public:
  explicit Step(std::unique_ptr<Operator> op) : op_(std::move(op)) {}

  Operator* op() { return op_.get(); }
  void set_next(Step* next) { next_ = next; }
  std::vector<Batch>& batches() { return batches_; }

  Status Push(Batch batch) {
    if (op_ == nullptr) {
      batches_.push_back(std::move(batch));
      return Status::OK();
    }
    op_->account().rows_in += batch->num_rows();
    return op_->Process(0, batch, 0, *this);
  }
  Status Emit(Batch batch) override {
    op_->account().rows_out += batch->num_rows();
    return next_->Push(std::move(batch));
  }

 private:
  const std::unique_ptr<Operator> op_;
  Step* next_ = nullptr;
  std::vector<Batch> batches_;
};

RowChain::RowChain() = default;
RowChain::~RowChain() = default;

plan::PlanPtr RowChain::ScanBelow(const plan::PlanPtr& plan) {
  plan::PlanPtr at = plan;
  while (IsRowOperator(*at)) at = at->children[0];
  return std::holds_alternative<plan::Scan>(at->node) ? at : nullptr;
}

Result<std::unique_ptr<RowChain>> RowChain::Make(const plan::PlanPtr& plan) {
  std::unique_ptr<RowChain> chain(new RowChain());
  chain->steps_.push_back(std::make_unique<Step>(nullptr));
  for (plan::PlanPtr at = plan; IsRowOperator(*at); at = at->children[0]) {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                              MakeOperator(*at, PipelineOptions()));
    chain->steps_.push_back(std::make_unique<Step>(std::move(op)));
  }
  std::reverse(chain->steps_.begin(), chain->steps_.end());
  for (size_t i = 0; i + 1 < chain->steps_.size(); ++i) {
    chain->steps_[i]->set_next(chain->steps_[i + 1].get());
  }
  return chain;
}

Status RowChain::BeginEpoch(const Epoch& epoch) {
  for (const auto& step : steps_) {
    if (step->op() == nullptr) continue;
    step->op()->account() = RowAccount();
    MILLRACE_RETURN_IF_ERROR(step->op()->BeginEpoch(epoch));
  }
  return Status::OK();
}

Result<std::vector<Batch>> RowChain::Run(Batch batch) {
  std::vector<Batch>& batches = steps_.back()->batches();
  batches.clear();
  MILLRACE_RETURN_IF_ERROR(steps_.front()->Push(std::move(batch)));
  return std::move(batches);
}

Result<RowAccount> RowChain::Account() const {
  RowAccount total;
  for (const auto& step : steps_) {
    if (step->op() == nullptr) continue;
    MILLRACE_RETURN_IF_ERROR(total.Add(step->op()->account()));
  }
  return total;
}

}  // namespace millrace::exec
