#include "exec/pipeline.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"
#include "exec/operators.h"

namespace millrace::exec {

// One operator in its place: counts what enters and leaves it, and hands rows to its parent.
class Pipeline::Node final : public Emitter {
 public:
  explicit Node(std::unique_ptr<Operator> op) : op_(std::move(op)) {}

  Operator& op() { return *op_; }
  const Operator& op() const { return *op_; }

  void SetParent(Node* parent, int input) {
    parent_ = parent;
    parent_input_ = input;
  }
  void set_out(Emitter* out) { out_ = out; }

  Status Push(int input, const Batch& batch, PartitionIndex partition) {
    partition_ = partition;
    op_->account().rows_in += batch->num_rows();
    return op_->Process(input, batch, partition, *this);
  }

  Status Emit(Batch batch) override {
    op_->account().rows_out += batch->num_rows();
    if (parent_ != nullptr) return parent_->Push(parent_input_, batch, partition_);
    return out_->Emit(std::move(batch));
  }

  EventTimeStats* watermark = nullptr;  // where the operator is one

 private:
  const std::unique_ptr<Operator> op_;
  Node* parent_ = nullptr;
  int parent_input_ = 0;
  Emitter* out_ = nullptr;  // of the root
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
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr expression, expr::BindColumns(column.expr, input));
    bound.push_back(std::move(expression));
  }
  return bound;
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

Pipeline::Node* Pipeline::AddNode(std::unique_ptr<Operator> op, std::vector<Node*> children) {
  nodes_.push_back(std::make_unique<Node>(std::move(op)));
  Node* node = nodes_.back().get();
  for (size_t i = 0; i < children.size(); ++i) children[i]->SetParent(node, static_cast<int>(i));
  return node;
}

Result<Pipeline::Node*> Pipeline::Build(const plan::PlanPtr& plan,
                                        const PipelineOptions& options) {
  std::vector<Node*> children;
  for (const plan::PlanPtr& child : plan->children) {
    MILLRACE_ASSIGN_OR_RETURN(Node * node, Build(child, options));
    children.push_back(node);
  }
  const std::vector<plan::AttributeId> input =
      plan->children.empty() ? std::vector<plan::AttributeId>()
                             : Ids(plan->children[0]->output);
  using Made = Result<Node*>;
  return std::visit(
      plan::Overloaded{
          [&](const plan::Scan&) -> Made {
            Node* node = AddNode(std::make_unique<Entry>(), {});
            scan_nodes_.push_back(node);
            scans_.push_back(plan);
            return node;
          },
          [&](const plan::LocalRelation& local) -> Made {
            Node* node = AddNode(std::make_unique<Entry>(), {});
            local_rows_.emplace_back(node, local.batches);
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
          [&](const plan::Aggregate& aggregate) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Operator> op,
                                      BuildAggregate(*plan, aggregate, options));
            return AddNode(std::move(op), children);
          },
          [&](const plan::Deduplicate& dedup) -> Made {
            return AddNode(BuildDeduplicate(*plan, dedup, options), children);
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
          [&](const plan::Sort& sort) -> Made {
            std::vector<SortColumn> columns;
            for (const plan::SortKey& key : sort.keys) {
              MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound, expr::BindColumns(key.expr, input));
              columns.push_back({std::move(bound), key.descending, key.nulls_first});
            }
            return AddNode(MakeSort(std::move(columns)), children);
          },
      },
      plan->node);
}

Result<std::unique_ptr<Pipeline>> Pipeline::Make(const plan::PlanPtr& plan,
                                                 const PipelineOptions& options) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline());
  MILLRACE_ASSIGN_OR_RETURN([[maybe_unused]] Node * root, pipeline->Build(plan, options));
  pipeline->output_schema_ = plan->schema();
  return pipeline;
}

Status Pipeline::BeginEpoch(const Epoch& epoch, Emitter* out) {
  nodes_.back()->set_out(out);
  for (const auto& node : nodes_) {
    node->op().account() = RowAccount();
    MILLRACE_RETURN_IF_ERROR(node->op().BeginEpoch(epoch));
  }
  return Status::OK();
}

Status Pipeline::Push(size_t scan, const Batch& batch, PartitionIndex partition) {
  return scan_nodes_[scan]->Push(0, batch, partition);
}

Status Pipeline::EndEpoch() {
  for (const auto& [node, batches] : local_rows_) {
    for (const Batch& batch : batches) MILLRACE_RETURN_IF_ERROR(node->Push(0, batch, 0));
  }
  // Children stand before their parents, so a parent ends after all its inputs have.
  for (const auto& node : nodes_) MILLRACE_RETURN_IF_ERROR(node->op().EndEpoch(*node));
  return Status::OK();
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

Status Pipeline::Restore(state::StoreId store, std::string_view key, std::string_view value) {
  uint32_t id = 0;
  for (const auto& node : nodes_) {
    if (!node->op().state_info(id)) continue;
    if (id == store.operator_id) return node->op().Restore(key, value);
    ++id;
  }
  return InternalError("the checkpoint has state of operator {}, the query has {} such operators",
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
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const auto& node) { return node->op().WantsEpoch(last, next); });
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
