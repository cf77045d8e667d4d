#include "exec/pipeline.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"
#include "exec/operators.h"

namespace millrace::exec {

// One operator in its place: counts what enters and leaves it, hands rows to its parent,
// and ends its epoch when all its inputs have ended theirs.
class Pipeline::Node final : public Emitter {
 public:
  Node(std::unique_ptr<Operator> op, std::vector<Node*> children)
      : op_(std::move(op)), children_(std::move(children)) {
    for (size_t i = 0; i < children_.size(); ++i) {
      children_[i]->parent_ = this;
      children_[i]->parent_input_ = static_cast<int>(i);
    }
  }

  Operator& op() { return *op_; }
  const Operator& op() const { return *op_; }
  const std::vector<Node*>& children() const { return children_; }
  void set_out(Emitter* out) { out_ = out; }

  // The watermark of the operator's input where the query's is `origin`: the least of
  // what its children promise. Spark: PropagateWatermarkSimulator.
  Watermark InputWatermark(Watermark origin) const {
    if (origin <= 0) return origin;
    std::optional<Watermark> least = LeastOfChildren(origin);
    return least ? std::max<Watermark>(*least, 0) : 0;
  }

  Status BeginEpoch(const Epoch& epoch) {
    open_inputs_ = children_.size();
    epoch_ = epoch;
    epoch_.late_watermark = InputWatermark(epoch.late_watermark);
    epoch_.evict_watermark = InputWatermark(epoch.evict_watermark);
    op_->account() = RowAccount();
    return op_->BeginEpoch(epoch_);
  }

  Status Push(int input, const Batch& batch, PartitionIndex partition) {
    partition_ = partition;
    op_->account().rows_in += batch->num_rows();
    return op_->Process(input, batch, partition, *this);
  }

  // No more rows will be pushed.
  Status End() {
    MILLRACE_RETURN_IF_ERROR(op_->EndEpoch(*this));
    return parent_ == nullptr ? Status::OK() : parent_->EndInput(parent_input_);
  }

  Status Emit(Batch batch) override {
    op_->account().rows_out += batch->num_rows();
    if (parent_ != nullptr) return parent_->Push(parent_input_, batch, partition_);
    return out_->Emit(std::move(batch));
  }

  EventTimeStats* watermark = nullptr;  // where the operator is one

 private:
  Status EndInput(int input) {
    MILLRACE_RETURN_IF_ERROR(op_->EndInput(input, *this));
    return --open_inputs_ == 0 ? End() : Status::OK();
  }

  // Nothing where no watermark is defined below.
  std::optional<Watermark> LeastOfChildren(Watermark origin) const {
    std::optional<Watermark> least;
    for (const Node* child : children_) {
      const std::optional<Watermark> given = child->OutputWatermark(origin);
      if (given && (!least || *given < *least)) least = given;
    }
    return least;
  }
  std::optional<Watermark> OutputWatermark(Watermark origin) const {
    if (watermark != nullptr) return origin;
    const std::optional<Watermark> input = LeastOfChildren(origin);
    return input ? std::optional(op_->OutputWatermark(*input)) : std::nullopt;
  }

  const std::unique_ptr<Operator> op_;
  const std::vector<Node*> children_;
  Node* parent_ = nullptr;
  int parent_input_ = 0;
  Emitter* out_ = nullptr;  // of the root
  Epoch epoch_;
  size_t open_inputs_ = 0;
  PartitionIndex partition_ = 0;
};

namespace {

// A scan's place in the pipeline: passes on what the runtime pushes.
class Entry final : public Operator {
 public:
  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    account().passed += batch->num_rows();
    return out.Emit(batch);
  }
};

}  // namespace

Pipeline::~Pipeline() = default;

Pipeline::Node* Pipeline::AddNode(std::unique_ptr<Operator> op,
                                  std::vector<Node*> children) {
  nodes_.push_back(std::make_unique<Node>(std::move(op), std::move(children)));
  return nodes_.back().get();
}

Result<Pipeline::Node*> Pipeline::Build(const plan::PlanPtr& plan,
                                        const PipelineOptions& options) {
  if (plan::PlanPtr scan = RowChain::ScanBelow(plan)) {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<RowChain> chain, RowChain::Make(plan));
    Node* node = AddNode(std::make_unique<Entry>(), {});
    leaves_.push_back(
        {node, static_cast<int>(scans_.size()), {}, plan, std::move(chain)});
    scans_.push_back(std::move(scan));
    return node;
  }
  std::vector<Node*> children;
  for (const plan::PlanPtr& child : plan->children) {
    MILLRACE_ASSIGN_OR_RETURN(Node * node, Build(child, options));
    children.push_back(node);
  }
  if (const auto* local = std::get_if<plan::LocalRelation>(&plan->node)) {
    Node* node = AddNode(std::make_unique<Entry>(), {});
    leaves_.push_back({node, -1, local->batches, nullptr, nullptr});
    return node;
  }
  if (const auto* watermark = std::get_if<plan::EventTimeWatermark>(&plan->node)) {
    EventTimeStats* stats = nullptr;
    const int column = plan->children[0]->IndexOf(watermark->event_time);
    Node* node =
        AddNode(MakeEventTimeWatermark(column, watermark->delay, &stats), children);
    node->watermark = stats;
    return node;
  }
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op, MakeOperator(*plan, options));
  return AddNode(std::move(op), children);
}

// Leaves in the order in which their rows are wanted.
void Pipeline::OrderLeaves(Node* node) {
  const std::vector<Node*>& children = node->children();
  if (children.empty()) {
    const auto leaf =
        std::find_if(leaves_.begin(), leaves_.end(),
                     [&](const Leaf& candidate) { return candidate.node == node; });
    leaf_order_.push_back(static_cast<size_t>(leaf - leaves_.begin()));
    if (leaf->scan >= 0) read_order_.push_back(static_cast<size_t>(leaf->scan));
    return;
  }
  const auto first = static_cast<size_t>(node->op().first_input());
  OrderLeaves(children[first]);
  for (size_t i = 0; i < children.size(); ++i) {
    if (i != first) OrderLeaves(children[i]);
  }
}

Result<std::unique_ptr<Pipeline>> Pipeline::Make(const plan::PlanPtr& plan,
                                                 const PipelineOptions& options) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline());
  MILLRACE_ASSIGN_OR_RETURN(Node * root, pipeline->Build(plan, options));
  pipeline->OrderLeaves(root);
  pipeline->output_schema_ = plan->schema();
  return pipeline;
}

Status Pipeline::BeginEpoch(const Epoch& epoch, Emitter* out) {
  nodes_.back()->set_out(out);
  next_leaf_ = 0;
  chains_account_ = RowAccount();
  for (const Leaf& leaf : leaves_) {
    if (leaf.chain != nullptr) MILLRACE_RETURN_IF_ERROR(leaf.chain->BeginEpoch(epoch));
  }
  for (const auto& node : nodes_) MILLRACE_RETURN_IF_ERROR(node->BeginEpoch(epoch));
  return PushLocalRows();
}

// Up to the next leaf that is a scan.
Status Pipeline::PushLocalRows() {
  for (; next_leaf_ < leaf_order_.size(); ++next_leaf_) {
    const Leaf& leaf = leaves_[leaf_order_[next_leaf_]];
    if (leaf.scan >= 0) return Status::OK();
    for (const Batch& batch : leaf.rows)
      MILLRACE_RETURN_IF_ERROR(leaf.node->Push(0, batch, 0));
    MILLRACE_RETURN_IF_ERROR(leaf.node->End());
  }
  return Status::OK();
}

Status Pipeline::CheckDue(size_t scan, std::string_view what) const {
  const Leaf& leaf = leaves_[leaf_order_[next_leaf_]];
  if (leaf.scan == static_cast<int>(scan)) return Status::OK();
  return InternalError("{} of scan {} came when scan {} was due", what, scan, leaf.scan);
}

Status Pipeline::Push(size_t scan, const Batch& batch, PartitionIndex partition) {
  MILLRACE_RETURN_IF_ERROR(CheckDue(scan, "rows"));
  RowChain& chain = *leaves_[leaf_order_[next_leaf_]].chain;
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<Batch> batches, chain.Run(batch));
  return PushFromChain(scan, batches, partition);
}

Result<std::unique_ptr<RowChain>> Pipeline::MakeChain(size_t scan) const {
  for (const Leaf& leaf : leaves_) {
    if (leaf.scan == static_cast<int>(scan)) return RowChain::Make(leaf.top);
  }
  return InternalError("there is no scan {}", scan);
}

Status Pipeline::PushFromChain(size_t scan, std::span<const Batch> batches,
                               PartitionIndex partition) {
  MILLRACE_RETURN_IF_ERROR(CheckDue(scan, "rows"));
  Node* const node = leaves_[leaf_order_[next_leaf_]].node;
  for (const Batch& batch : batches) {
    MILLRACE_RETURN_IF_ERROR(node->Push(0, batch, partition));
  }
  return Status::OK();
}

Status Pipeline::EndScan(size_t scan) {
  MILLRACE_RETURN_IF_ERROR(CheckDue(scan, "the end"));
  const Leaf& leaf = leaves_[leaf_order_[next_leaf_]];
  ++next_leaf_;
  MILLRACE_RETURN_IF_ERROR(leaf.node->End());
  return PushLocalRows();
}

Status Pipeline::EndEpoch() {
  if (next_leaf_ == leaf_order_.size()) return Status::OK();
  return InternalError("an epoch ended before {} of its {} inputs",
                       leaf_order_.size() - next_leaf_, leaf_order_.size());
}

bool Pipeline::keeps_row_order() const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [](const auto& node) { return node->op().keeps_row_order(); });
}

std::vector<EventTimeStats*> Pipeline::watermarks() {
  std::vector<EventTimeStats*> found;
  for (const auto& node : nodes_) {
    if (node->watermark != nullptr) found.push_back(node->watermark);
  }
  return found;
}

std::vector<state::OperatorStateInfo> Pipeline::state_infos() const {
  std::vector<state::OperatorStateInfo> infos;
  for (const auto& node : nodes_) {
    const auto id = static_cast<uint32_t>(infos.size());
    if (auto info = node->op().state_info(id)) infos.push_back(*std::move(info));
  }
  return infos;
}

Status Pipeline::Restore(state::StoreId store, std::string_view key,
                         std::string_view value) {
  uint32_t id = 0;
  for (const auto& node : nodes_) {
    if (!node->op().state_info(id)) continue;
    if (id == store.operator_id) return node->op().Restore(store, key, value);
    ++id;
  }
  return InternalError(
      "the checkpoint has state of operator {}, the query has {} such operators",
      store.operator_id, id);
}

Status Pipeline::SaveState(state::StateChanges* changes) {
  uint32_t id = 0;
  for (const auto& node : nodes_) {
    if (!node->op().state_info(id)) continue;
    MILLRACE_RETURN_IF_ERROR(node->op().SaveState({id, 0}, changes));
    ++id;
  }
  return Status::OK();
}

std::vector<StateProgress> Pipeline::state_progress() const {
  // As Spark lists them: each operator before those of its inputs, the first input first.
  std::vector<StateProgress> all;
  std::vector<const Node*> next = {nodes_.back().get()};
  while (!next.empty()) {
    const Node* node = next.back();
    next.pop_back();
    if (auto progress = node->op().state_progress()) all.push_back(*std::move(progress));
    next.insert(next.end(), node->children().rbegin(), node->children().rend());
  }
  return all;
}

bool Pipeline::WantsEpoch(Watermark last, Watermark next) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    return node->op().WantsEpoch(node->InputWatermark(last), node->InputWatermark(next));
  });
}

Result<RowAccount> Pipeline::TakeAccount() {
  RowAccount total = chains_account_;
  for (const Leaf& leaf : leaves_) {
    if (leaf.chain == nullptr) continue;
    MILLRACE_ASSIGN_OR_RETURN(const RowAccount account, leaf.chain->Account());
    total += account;
  }
  for (const auto& node : nodes_) {
    MILLRACE_RETURN_IF_ERROR(total.Add(node->op().account()));
  }
  return total;
}

Status RowAccount::Add(const RowAccount& account) {
  *this += account;
  if (account.balanced()) return Status::OK();
  return InternalError("an operator took in {} rows and cannot say where they went",
                       account.rows_in);
}

RowAccount& RowAccount::operator+=(const RowAccount& other) {
  rows_in += other.rows_in;
  expanded += other.expanded;
  passed += other.passed;
  dropped_filter += other.dropped_filter;
  dropped_null_time += other.dropped_null_time;
  dropped_late += other.dropped_late;
  dropped_duplicate += other.dropped_duplicate;
  dropped_limit += other.dropped_limit;
  absorbed += other.absorbed;
  rows_out += other.rows_out;
  return *this;
}

}  // namespace millrace::exec
