// A query's operators wired together: rows of each scan go in, the result's rows come
// out. Built once per run of a query from its logical plan; used for every epoch.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "exec/operator_builder.h"
#include "exec/row_chain.h"
#include "exec/watermark.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

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
  /// Instead of Push: a chain of MakeChain, which another thread may use, has run
  /// already.
  Status PushFromChain(size_t scan, std::span<const Batch> batches,
                       PartitionIndex partition);
  Status EndScan(size_t scan);
  Status EndEpoch();

  /// The first operators that the rows of a scan meet, another copy with each call.
  Result<std::unique_ptr<RowChain>> MakeChain(size_t scan) const;
  /// What such a copy did in the current epoch.
  void AddChainAccount(const RowAccount& account) { chains_account_ += account; }
  /// Whether the order of the result's rows is the order in which rows were pushed.
  bool keeps_row_order() const;

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
  Status CheckDue(size_t scan, std::string_view what) const;

  // Where rows enter: a scan, or rows given with the plan.
  struct Leaf {
    Node* node = nullptr;
    int scan = -1;  // -1: local
    std::vector<Batch> rows;
    plan::PlanPtr top;  // of a scan: the last of the operators in its chain
    std::unique_ptr<RowChain> chain;
  };

  std::vector<std::unique_ptr<Node>> nodes_;  // children before parents
  std::vector<Leaf> leaves_;                  // in plan order
  std::vector<size_t> leaf_order_;            // of leaves_
  std::vector<size_t> read_order_;
  size_t next_leaf_ = 0;  // in leaf_order_
  std::vector<plan::PlanPtr> scans_;
  RowAccount chains_account_;
  data::SchemaPtr output_schema_;
  Emitter* out_ = nullptr;
};

}  // namespace millrace::exec
