#include "exec/operator_builder.h"

#include <algorithm>

#include "base/error.h"
#include "base/overloaded.h"
#include "exec/join_builder.h"

namespace millrace::exec {
namespace {

using Made = Result<std::unique_ptr<Operator>>;

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

Status NoOperator() {
  return InternalError("a leaf or a watermark has no operator here");
}

}  // namespace

bool IsRowOperator(const plan::LogicalPlan& plan) {
  return std::holds_alternative<plan::Project>(plan.node) ||
         std::holds_alternative<plan::Filter>(plan.node) ||
         std::holds_alternative<plan::TimeWindow>(plan.node) ||
         std::holds_alternative<plan::Generate>(plan.node);
}

Result<std::unique_ptr<Operator>> MakeOperator(const plan::LogicalPlan& plan,
                                               const PipelineOptions& options) {
  const std::vector<plan::AttributeId> input = plan.children.empty()
                                                   ? std::vector<plan::AttributeId>()
                                                   : Ids(plan.children[0]->output);
  return std::visit(
      Overloaded{
          [&](const plan::Project& project) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::vector<expr::ExprPtr> bound,
                                      Bind(project.columns, input));
            return MakeProject(plan.schema(), std::move(bound));
          },
          [&](const plan::Filter& filter) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound,
                                      expr::BindColumns(filter.condition, input));
            return MakeFilter(std::move(bound));
          },
          [&](const plan::TimeWindow& window) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr time,
                                      expr::BindColumns(window.time, input));
            return MakeWindow({plan.schema(), std::move(time), window.width, window.slide,
                               window.start});
          },
          [&](const plan::SessionWindow& session) -> Made {
            return BuildSessionWindow(plan, session);
          },
          [&](const plan::Aggregate& aggregate) -> Made {
            return BuildAggregate(plan, aggregate, options);
          },
          [&](const plan::Deduplicate& dedup) -> Made {
            return BuildDeduplicate(plan, dedup, options);
          },
          [&](const plan::Join&) -> Made { return MakeJoin(plan, options.streaming); },
          [&](const plan::Union&) -> Made { return MakeUnion(plan.schema()); },
          [&](const plan::Limit& limit) -> Made {
            const bool across = options.streaming && plan.streaming &&
                                options.mode == OutputMode::kAppend;
            return MakeLimit(limit.count, across);
          },
          [&](const plan::Offset& offset) -> Made { return MakeOffset(offset.count); },
          [&](const plan::MultisetOperation& operation) -> Made {
            return operation.intersects ? MakeIntersectAll() : MakeExceptAll();
          },
          [&](const plan::Expand& expand) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(std::vector<expr::ExprPtr> keys,
                                      Bind(expand.keys, input));
            return MakeExpand({plan.schema(), std::move(keys), expand.left_out});
          },
          [&](const plan::Generate& generate) -> Made {
            MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr elements,
                                      expr::BindColumns(generate.elements, input));
            return MakeGenerate({plan.schema(), std::move(elements),
                                 generate.with_position, generate.fields,
                                 generate.outer});
          },
          [&](const plan::Tail& tail) -> Made { return MakeTail(tail.count); },
          [&](const plan::WindowFunctions& window) -> Made {
            return BuildWindowFunctions(plan, window);
          },
          [&](const plan::Sort& sort) -> Made {
            std::vector<SortColumn> columns;
            for (const plan::SortKey& key : sort.keys) {
              MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound,
                                        expr::BindColumns(key.expr, input));
              columns.push_back({std::move(bound), key.descending, key.nulls_first});
            }
            return MakeSort(std::move(columns));
          },
          [&](const plan::Scan&) -> Made { return NoOperator(); },
          [&](const plan::LocalRelation&) -> Made { return NoOperator(); },
          [&](const plan::EventTimeWatermark&) -> Made { return NoOperator(); },
      },
      plan.node);
}

}  // namespace millrace::exec
