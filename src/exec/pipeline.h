// A query's operators wired together: rows of each scan go in, the result's rows come out.
// Built once per run of a query from its logical plan; used for every epoch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exec/operator.h"
#include "exec/watermark.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

struct PipelineOptions {
  /// A stream keeps aggregates across epochs and emits them by `mode`; a batch query has one
  /// epoch and emits all at its end.
  bool streaming = false;
  OutputMode mode = OutputMode::kAppend;
};

/// Threading: one thread.
class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> Make(const plan::PlanPtr& plan,
                                                const PipelineOptions& options);
  ~Pipeline();

  /// The scans, in the order of the plan's leaves: Spark's order of sources.
  const std::vector<plan::PlanPtr>& scans() const { return scans_; }
  const data::SchemaPtr& output_schema() const { return output_schema_; }

  /// `out` takes the result's rows until EndEpoch returns; it and `epoch` must live that long.
  Status BeginEpoch(const Epoch& epoch, Emitter* out);
  Status Push(size_t scan, const Batch& batch, PartitionIndex partition);
  Status EndEpoch();

  /// The watermark operators, in plan order.
  std::vector<EventTimeStats*> watermarks();
  /// What the stateful operators declare, numbered in plan order.
  std::vector<state::OperatorStateInfo> state_infos() const;
  Status Restore(state::StoreId store, std::string_view key, std::string_view value);
  Status SaveState(state::StateChanges* changes);
  std::vector<StateProgress> state_progress() const;
  bool WantsEpoch(Watermark last, Watermark next) const;
  bool stateful() const { return !state_infos().empty(); }

  /// Sums of the epoch just ended over all operators; an internal error where one does not
  /// balance.
  Result<RowAccount> TakeAccount();

 private:
  class Node;

  Pipeline() = default;
  Result<Node*> Build(const plan::PlanPtr& plan, const PipelineOptions& options);
  Node* AddNode(std::unique_ptr<Operator> op, std::vector<Node*> children);

  std::vector<std::unique_ptr<Node>> nodes_;  // children before parents
  std::vector<Node*> scan_nodes_;             // entry of each scan
  std::vector<plan::PlanPtr> scans_;
  std::vector<std::pair<Node*, std::vector<Batch>>> local_rows_;
  data::SchemaPtr output_schema_;
  Emitter* out_ = nullptr;
};

}  // namespace millrace::exec
