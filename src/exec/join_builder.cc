#include "exec/join_builder.h"

#include <arrow/type.h>

#include <algorithm>

#include "exec/join.h"
#include "plan/join_watermark.h"

namespace millrace::exec {
namespace {

using Ids = std::vector<plan::AttributeId>;

Ids IdsOf(const plan::LogicalPlan& plan) {
  Ids ids;
  for (const plan::Attribute& attribute : plan.output) ids.push_back(attribute.id);
  return ids;
}

Result<JoinSide> BindSide(const plan::LogicalPlan& input,
                          const std::vector<expr::ExprPtr>& keys,
                          const expr::ExprPtr& condition) {
  const Ids ids = IdsOf(input);
  JoinSide side;
  side.schema = input.schema();
  for (const expr::ExprPtr& key : keys) {
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr bound, expr::BindColumns(key, ids));
    side.keys.push_back(std::move(bound));
  }
  if (condition != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(side.condition, expr::BindColumns(condition, ids));
  }
  return side;
}

Result<PairCondition> BindPairs(const plan::LogicalPlan& left,
                                const plan::LogicalPlan& right,
                                const expr::ExprPtr& condition) {
  PairCondition pairs;
  if (condition == nullptr) return pairs;
  Ids used;
  expr::CollectColumns(condition, &used);
  Ids input;
  const auto add = [&](const plan::LogicalPlan& side, std::vector<int>* columns) {
    for (size_t i = 0; i < side.output.size(); ++i) {
      const plan::AttributeId id = side.output[i].id;
      if (std::find(used.begin(), used.end(), id) == used.end()) continue;
      input.push_back(id);
      columns->push_back(static_cast<int>(i));
    }
  };
  add(left, &pairs.left_columns);
  add(right, &pairs.right_columns);
  MILLRACE_ASSIGN_OR_RETURN(pairs.expr, expr::BindColumns(condition, input));
  return pairs;
}

std::unique_ptr<Operator> MakeStreaming(const plan::LogicalPlan& plan, JoinOptions join) {
  StreamJoinOptions options;
  options.join = std::move(join);
  options.join.null_safe.assign(options.join.null_safe.size(), true);
  const int key = plan::EventTimeKey(plan);
  for (const int side : {kLeft, kRight}) {
    const plan::JoinTimeBounds bounds = plan::BoundsOfSide(plan, side == kLeft);
    JoinEviction& eviction = options.eviction[side];
    if (bounds.event_time) {
      options.event_time[side] = plan.children[side]->IndexOf(*bounds.event_time);
    }
    if (key >= 0) {
      eviction.key = key;
    } else if (bounds.event_time && !bounds.bounds.empty()) {
      eviction.column = options.event_time[side];
      for (const plan::TimeBound& bound : bounds.bounds) {
        eviction.bounds.push_back({bound.offset_micros, bound.inclusive});
      }
    }
  }
  return MakeStreamJoin(std::move(options));
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeJoin(const plan::LogicalPlan& plan,
                                           bool streaming) {
  const auto& join = std::get<plan::Join>(plan.node);
  const plan::LogicalPlan& left = *plan.children[0];
  const plan::LogicalPlan& right = *plan.children[1];
  JoinOptions options;
  options.type = join.type;
  options.schema = plan.schema();
  options.null_safe = join.null_safe;
  MILLRACE_ASSIGN_OR_RETURN(options.sides[kLeft],
                            BindSide(left, join.left_keys, join.left_condition));
  MILLRACE_ASSIGN_OR_RETURN(options.sides[kRight],
                            BindSide(right, join.right_keys, join.right_condition));
  MILLRACE_ASSIGN_OR_RETURN(options.condition, BindPairs(left, right, join.condition));
  if (streaming && left.streaming && right.streaming) {
    return MakeStreaming(plan, std::move(options));
  }
  // The side that a right outer join keeps streams past the other; a stream always does.
  const bool build_left = (join.type == plan::JoinType::kRightOuter && !left.streaming) ||
                          (streaming && right.streaming);
  return MakeHashJoin(std::move(options), build_left ? kLeft : kRight);
}

}  // namespace millrace::exec
