// The operators right above a scan that look at one batch at a time. They have no state
// between batches, so copies of a chain may work on different batches at once.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

/// Threading: one thread at a time; another chain of the same scan on another thread.
class RowChain {
 public:
  /// The scan below `plan` if `plan` is one, or there are only operators between them
  /// that look at one batch at a time; else null.
  static plan::PlanPtr ScanBelow(const plan::PlanPtr& plan);
  /// `plan` is one for which ScanBelow finds a scan.
  static Result<std::unique_ptr<RowChain>> Make(const plan::PlanPtr& plan);
  ~RowChain();

  /// `epoch` must live until the next call.
  Status BeginEpoch(const Epoch& epoch);
  /// What becomes of a batch of the scan's rows.
  Result<std::vector<Batch>> Run(Batch batch);

  /// Of all operators since BeginEpoch; an internal error where one does not balance.
  Result<RowAccount> Account() const;

 private:
  class Step;

  RowChain();

  std::vector<std::unique_ptr<Step>> steps_;  // the last one keeps what comes out
};

}  // namespace millrace::exec
