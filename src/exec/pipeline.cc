#include "exec/pipeline.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"
#include "base/overloaded.h"
#include "exec/join_builder.h"
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

std::vector<plan::AttributeId> Ids(const std::vector<plan::Attribute>& attributes) {
  std::vector<plan::AttributeId> ids;
  for (const plan::Attribute& attribute : attributes) ids.push_back(attribute.id);
  return ids;
}

Result<std::vector<expr::ExprPtr>> Bind(const std::vector<plan::NamedExpr>& columns,
                                        const std::vector<plan::AttributeId>& input) {
  std::vector<expr::ExprPtr> bound;
  for (const plan::NamedExpr& column : columns) {
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr expression,
                              expr::BindColumns(column.expr, input));
    bound.push_back(std::move(expression));
  }
  return bound;
}

Result<std::unique_ptr<Operator>> BuildWindowFunctions(
    const plan::LogicalPlan& plan, const plan::WindowFunctions& window) {
  const std::vector<plan::AttributeId> input = Ids(plan.children[0]->output);
  WindowFunctionsOptions made;
  made.schema = plan.schema();
  for (const expr::ExprPtr& key : window.partition) {
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound, expr::BindColumns(key, input));
    made.partition.push_back(std::move(bound));
  }
  for (const plan::SortKey& key : window.order) {
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound, expr::BindColumns(key.expr, input));
    made.order.push_back({std::move(bound), key.descending, key.nulls_first});
  }
  for (plan::WindowCall call : window.calls) {
    for (auto* args : {&call.args, &call.aggregate.args}) {
      for (expr::ExprPtr& arg : *args) {
        MILLRACE_ASSIGN_OR_RETURN(arg, expr::BindColumns(arg, input));
      }
    }
    made.calls.push_back(std::move(call));
  }
  return MakeWindowFunctions(std::move(made));
}

Result<std::unique_ptr<Operator>> BuildSessionWindow(const plan::LogicalPlan& plan,
                                                     const plan::SessionWindow& session) {
  const std::vector<plan::AttributeId> input = Ids(plan.children[0]->output);
  SessionWindowOptions made;
  made.schema = plan.schema();
  MILLRACE_ASSIGN_OR_RETURN(made.time, expr::BindColumns(session.time, input));
  MILLRACE_ASSIGN_OR_RETURN(made.gap, expr::BindColumns(session.gap, input));
  return MakeSessionWindow(std::move(made));
}

Result<std::unique_ptr<Operator>> BuildAggregate(const plan::LogicalPlan& plan,
                                                 const plan::Aggregate& aggregate,
                                                 const PipelineOptions& options) {
  const std::vector<plan::AttributeId> input = Ids(plan.children[0]->output);
  AggregateOptions made;
  made.schema = plan.schema();
  made.streaming = options.streaming && plan.streaming;
  made.mode = options.mode;
  MILLRACE_ASSIGN_OR_RETURN(made.keys, Bind(aggregate.keys, input));
  for (size_t i = 0; i < aggregate.keys.size(); ++i) {
    const plan::Attribute& key = aggregate.keys[i].attribute;
    if (key.watermark_delay && made.event_time.index < 0) {
      made.event_time = {static_cast<int>(i), key.is_window};
    }
  }
  for (const plan::AggregateCall& call : aggregate.calls) {
    expr::BoundAggregate bound = call.aggregate;
    for (expr::ExprPtr& arg : bound.args) {
      MILLRACE_ASSIGN_OR_RETURN(arg, expr::BindColumns(arg, input));
    }
    made.calls.push_back(std::move(bound));
    made.distinct.push_back(call.distinct);
  }
  if (aggregate.session_key >= 0) {
    return MakeSessionAggregate(std::move(made), aggregate.session_key);
  }
  return MakeAggregate(std::move(made));
}

std::unique_ptr<Operator> BuildDeduplicate(const plan::LogicalPlan& plan,
                                           const plan::Deduplicate& dedup,
                                           const PipelineOptions& options) {
  const plan::LogicalPlan& child = *plan.children[0];
  DeduplicateOptions made;
  made.schema = plan.schema();
  made.streaming = options.streaming && plan.streaming;
  made.within_watermark = dedup.within_watermark;
  for (plan::AttributeId id : dedup.keys) made.keys.push_back(child.IndexOf(id));
  for (size_t i = 0; i < child.output.size(); ++i) {
    const plan::Attribute& attribute = child.output[i];
    if (!attribute.watermark_delay || made.event_time.index >= 0) continue;
    made.event_time = {static_cast<int>(i), attribute.is_window};
    made.delay = *attribute.watermark_delay;
    made.event_time_in_keys =
        std::find(dedup.keys.begin(), dedup.keys.end(), attribute.id) != dedup.keys.end();
  }
  return MakeDeduplicate(std::move(made));
}

}  // namespace

Pipeline::~Pipeline() = default;

Pipeline::Node* Pipeline::AddNode(std::unique_ptr<Operator> op,
                                  std::vector<Node*> children) {
  nodes_.push_back(std::make_unique<Node>(std::move(op), std::move(children)));
  return nodes_.back().get();
}

Result<Pipeline::Node*> Pipeline::Build(const plan::PlanPtr& plan,
                                        const PipelineOptions& options) {
  std::vector<Node*> children;
  for (const plan::PlanPtr& child : plan->children) {
    MILLRACE_ASSIGN_OR_RETURN(Node * node, Build(child, options));
    children.push_back(node);
  }
  const std::vector<plan::AttributeId> input = plan->children.empty()
                                                   ? std::vector<plan::AttributeId>()
                                                   : Ids(plan->children[0]->output);
  using Made = Result<Node*>;
  return std::visit(
      Overloaded{
          [&](const plan::Scan&) -> Made {
            Node* node = AddNode(std::make_unique<Entry>(), {});
            leaves_.push_back({node, static_cast<int>(scans_.size()), {}});
            scans_.push_back(plan);
            return node;
          },
          [&](const plan::LocalRelation& local) -> Made {
            Node* node = AddNode(std::make_unique<Entry>(), {});
            leaves_.push_back({node, -1, local.batches});
            return node;
          },
          [&](const plan::Project& project) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::vector<expr::ExprPtr> bound,
                                      Bind(project.columns, input));
            return AddNode(MakeProject(plan->schema(), std::move(bound)), children);
          },
          [&](const plan::Filter& filter) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound,
                                      expr::BindColumns(filter.condition, input));
            return AddNode(MakeFilter(std::move(bound)), children);
          },
          [&](const plan::EventTimeWatermark& watermark) -> Made {
            EventTimeStats* stats = nullptr;
            const int column = plan->children[0]->IndexOf(watermark.event_time);
            std::unique_ptr<Operator> op =
                MakeEventTimeWatermark(column, watermark.delay, &stats);
            Node* node = AddNode(std::move(op), children);
            node->watermark = stats;
            return node;
          },
          [&](const plan::TimeWindow& window) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr time,
                                      expr::BindColumns(window.time, input));
            return AddNode(MakeWindow({plan->schema(), std::move(time), window.width,
                                       window.slide, window.start}),
                           children);
          },
          [&](const plan::SessionWindow& session) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                                      BuildSessionWindow(*plan, session));
            return AddNode(std::move(op), children);
          },
          [&](const plan::Aggregate& aggregate) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                                      BuildAggregate(*plan, aggregate, options));
            return AddNode(std::move(op), children);
          },
          [&](const plan::Deduplicate& dedup) -> Made {
            return AddNode(BuildDeduplicate(*plan, dedup, options), children);
          },
          [&](const plan::Join&) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                                      MakeJoin(*plan, options.streaming));
            return AddNode(std::move(op), children);
          },
          [&](const plan::Union&) -> Made {
            return AddNode(MakeUnion(plan->schema()), children);
          },
          [&](const plan::Limit& limit) -> Made {
            const bool across = options.streaming && plan->streaming &&
                                options.mode == OutputMode::kAppend;
            return AddNode(MakeLimit(limit.count, across), children);
          },
          [&](const plan::Offset& offset) -> Made {
            return AddNode(MakeOffset(offset.count), children);
          },
          [&](const plan::MultisetOperation& operation) -> Made {
            return AddNode(operation.intersects ? MakeIntersectAll() : MakeExceptAll(),
                           children);
          },
          [&](const plan::Expand& expand) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::vector<expr::ExprPtr> keys,
                                      Bind(expand.keys, input));
            return AddNode(MakeExpand({plan->schema(), std::move(keys), expand.left_out}),
                           children);
          },
          [&](const plan::Generate& generate) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr elements,
                                      expr::BindColumns(generate.elements, input));
            return AddNode(
                MakeGenerate({plan->schema(), std::move(elements), generate.with_position,
                              generate.fields, generate.outer}),
                children);
          },
          [&](const plan::Tail& tail) -> Made {
            return AddNode(MakeTail(tail.count), children);
          },
          [&](const plan::WindowFunctions& window) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                                      BuildWindowFunctions(*plan, window));
            return AddNode(std::move(op), children);
          },
          [&](const plan::Sort& sort) -> Made {
            std::vector<SortColumn> columns;
            for (const plan::SortKey& key : sort.keys) {
              MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound,
                                        expr::BindColumns(key.expr, input));
              columns.push_back({std::move(bound), key.descending, key.nulls_first});
            }
            return AddNode(MakeSort(std::move(columns)), children);
          },
      },
      plan->node);
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

Status Pipeline::Push(size_t scan, const Batch& batch, PartitionIndex partition) {
  const Leaf& leaf = leaves_[leaf_order_[next_leaf_]];
  if (leaf.scan != static_cast<int>(scan)) {
    return InternalError("rows of scan {} came when those of scan {} were due", scan,
                         leaf.scan);
  }
  return leaf.node->Push(0, batch, partition);
}

Status Pipeline::EndScan(size_t scan) {
  const Leaf& leaf = leaves_[leaf_order_[next_leaf_]];
  if (leaf.scan != static_cast<int>(scan)) {
    return InternalError("scan {} ended when scan {} was due", scan, leaf.scan);
  }
  ++next_leaf_;
  MILLRACE_RETURN_IF_ERROR(leaf.node->End());
  return PushLocalRows();
}

Status Pipeline::EndEpoch() {
  if (next_leaf_ == leaf_order_.size()) return Status::OK();
  return InternalError("an epoch ended before {} of its {} inputs",
                       leaf_order_.size() - next_leaf_, leaf_order_.size());
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
  std::vector<StateProgress> all;
  for (const auto& node : nodes_) {
    if (auto progress = node->op().state_progress()) all.push_back(*std::move(progress));
  }
  // Spark lists the operator nearest to the sink first.
  std::reverse(all.begin(), all.end());
  return all;
}

bool Pipeline::WantsEpoch(Watermark last, Watermark next) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    return node->op().WantsEpoch(node->InputWatermark(last), node->InputWatermark(next));
  });
}

Result<RowAccount> Pipeline::TakeAccount() {
  RowAccount total;
  for (const auto& node : nodes_) {
    const RowAccount& account = node->op().account();
    if (!account.balanced()) {
      return InternalError("an operator took in {} rows and cannot say where they went",
                           account.rows_in);
    }
    total += account;
  }
  return total;
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
