// A query's operators wired together: rows of each scan go in, the result's rows come
// out. Built once per run of a query from its logical plan; used for every epoch.
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
  /// A stream keeps aggregates across epochs and emits them by `mode`; a batch query has
  /// one epoch and emits all at its end.
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

  /// The order in which the rows of the scans are wanted, by their index: what a join
  /// keeps comes before what it is looked up with.
  const std::vector<size_t>& read_order() const { return read_order_; }

  /// `out` takes the result's rows until EndEpoch returns; it must live that long. Then,
  /// for each scan in read_order(): Push, any number of times, and EndScan.
  Status BeginEpoch(const Epoch& epoch, Emitter* out);
  Status Push(size_t scan, const Batch& batch, PartitionIndex partition);
  Status EndScan(size_t scan);
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

  /// Sums of the epoch just ended over all operators; an internal error where one does
  /// not balance.
  Result<RowAccount> TakeAccount();

 private:
  class Node;

  Pipeline() = default;
  Result<Node*> Build(const plan::PlanPtr& plan, const PipelineOptions& options);
  Node* AddNode(std::unique_ptr<Operator> op, std::vector<Node*> children);
  void OrderLeaves(Node* node);
  Status PushLocalRows();

  // Where rows enter: a scan, or rows given with the plan.
  struct Leaf {
    Node* node = nullptr;
    int scan = -1;  // -1: local
    std::vector<Batch> rows;
  };

  std::vector<std::unique_ptr<Node>> nodes_;  // children before parents
  std::vector<Leaf> leaves_;                  // in plan order
  std::vector<size_t> leaf_order_;            // of leaves_
  std::vector<size_t> read_order_;
  size_t next_leaf_ = 0;  // in leaf_order_
  std::vector<plan::PlanPtr> scans_;
  data::SchemaPtr output_schema_;
  Emitter* out_ = nullptr;
};

}  // namespace millrace::exec
