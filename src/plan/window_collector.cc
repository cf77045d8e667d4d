// over(): the part of PlanBuilder that makes WindowFunctions.
#include <arrow/type.h>

#include <algorithm>
#include <array>

#include <strings.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/cast.h"
#include "expr/function.h"
#include "plan/pretty_sql.h"
#include "plan/window_collector.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

struct NamedKind {
  std::string_view name;
  WindowCall::Kind kind;
};
constexpr std::array kRanking = {
    NamedKind{"row_number", WindowCall::Kind::kRowNumber},
    NamedKind{"rank", WindowCall::Kind::kRank},
    NamedKind{"dense_rank", WindowCall::Kind::kDenseRank},
    NamedKind{"percent_rank", WindowCall::Kind::kPercentRank},
    NamedKind{"cume_dist", WindowCall::Kind::kCumeDist},
    NamedKind{"ntile", WindowCall::Kind::kNtile},
    NamedKind{"lag", WindowCall::Kind::kOffset},
    NamedKind{"lead", WindowCall::Kind::kOffset},
    NamedKind{"nth_value", WindowCall::Kind::kNthValue},
};

Result<int64_t> WholeNumber(const UnresolvedExpr& call, const ExprPtr& argument) {
  const ExprPtr& value =
      expr::CallName(*argument) == "cast" ? argument->children()[0] : argument;
  if (const auto number = expr::IntegerLiteral(value)) return *number;
  return AnalysisError(
      "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09",
      "Cannot resolve \"{}\" due to data type mismatch: the input {} should be a "
      "foldable \"INT\" expression.",
      PrettySql(call), argument->ToString());
}

}  // namespace

bool IsWindowFunction(std::string_view name) {
  return std::any_of(kRanking.begin(), kRanking.end(), [&](const NamedKind& known) {
    return known.name.size() == name.size() &&
           strncasecmp(known.name.data(), name.data(), name.size()) == 0;
  });
}

Status WindowCollector::Bind(const UnresolvedExpr& call, const ExprResolver& resolver,
                             WindowCall* bound) const {
  const std::string name = LowerCase(call.name);
  const auto ranking =
      std::find_if(kRanking.begin(), kRanking.end(),
                   [&](const NamedKind& known) { return known.name == name; });
  std::vector<ExprPtr> args;
  for (const UnresolvedExpr& child : call.children) {
    if (child.kind == Kind::kStar) {
      args.push_back(expr::MakeInt(1));
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, resolver.Resolve(child));
    args.push_back(std::move(arg));
  }
  if (ranking == kRanking.end()) {
    if (expr::FindAggregate(name) == nullptr) {
      return AnalysisError("UNSUPPORTED_EXPR_FOR_WINDOW", "42P20",
                           "Expression \"{}\" not supported within a window function.",
                           PrettySql(call));
    }
    if (call.distinct) {
      return AnalysisError("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", "0A000",
                           "Distinct window functions are not supported: {}.",
                           PrettySql(call));
    }
    bound->kind = WindowCall::Kind::kAggregate;
    MILLRACE_ASSIGN_OR_RETURN(
        bound->aggregate,
        expr::BindAggregate(name, std::move(args), resolver.bind_context()));
    bound->attribute.type = bound->aggregate.type;
    bound->attribute.nullable = bound->aggregate.nullable;
    return Status::OK();
  }
  bound->kind = ranking->kind;
  bound->attribute.nullable = false;
  switch (bound->kind) {
    case WindowCall::Kind::kPercentRank:
    case WindowCall::Kind::kCumeDist:
      bound->attribute.type = data::DoubleType();
      return Status::OK();
    case WindowCall::Kind::kNtile: {
      bound->attribute.type = data::IntType();
      bound->number = 1;
      if (!args.empty()) {
        MILLRACE_ASSIGN_OR_RETURN(bound->number, WholeNumber(call, args[0]));
      }
      if (bound->number > 0) return Status::OK();
      return AnalysisError(
          "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
          "Cannot resolve \"{}\" due to data type mismatch: The `buckets` must "
          "be between (0, 2147483647] (current value = {}L).",
          PrettySql(call), bound->number);
    }
    case WindowCall::Kind::kOffset: {
      if (args.empty()) break;
      bound->number = 1;
      if (args.size() > 1) {
        MILLRACE_ASSIGN_OR_RETURN(bound->number, WholeNumber(call, args[1]));
      }
      if (name == "lag") bound->number = -bound->number;
      bound->attribute.type = args[0]->type();
      bound->attribute.nullable = true;
      bound->args = {args[0]};
      if (args.size() > 2 && args[2]->type()->id() != arrow::Type::NA) {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr other,
                                  expr::MakeCast(args[2], args[0]->type()));
        bound->attribute.nullable = args[0]->nullable() || other->nullable();
        bound->args.push_back(std::move(other));
      }
      return Status::OK();
    }
    case WindowCall::Kind::kNthValue: {
      if (args.size() < 2) break;
      MILLRACE_ASSIGN_OR_RETURN(bound->number, WholeNumber(call, args[1]));
      bound->attribute.type = args[0]->type();
      bound->attribute.nullable = true;
      bound->args = {args[0]};
      if (args.size() > 2 && PrettySql(call.children[2]) == "true") {
        bound->args.push_back(args[2]);  // IGNORE NULLS
      }
      if (bound->number > 0) return Status::OK();
      return AnalysisError(
          "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
          "Cannot resolve \"{}\" due to data type mismatch: The `offset` must be "
          "between (0, 9223372036854775807] (current value = {}L).",
          PrettySql(call), bound->number);
    }
    default:
      bound->attribute.type = data::IntType();
      return Status::OK();
  }
  return AnalysisError("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
                       "The `{}` requires more parameters than {}.", name, args.size());
}

Result<ExprPtr> WindowCollector::Add(const UnresolvedExpr& window,
                                     const ExprResolver& resolver) {
  const UnresolvedExpr& function = window.children[0];
  if (function.kind != Kind::kCall) {
    return AnalysisError("UNSUPPORTED_EXPR_FOR_WINDOW", "42P20",
                         "Expression \"{}\" not supported within a window function.",
                         PrettySql(function));
  }
  const std::span<const UnresolvedExpr> specs(window.children.begin() + 1,
                                              window.children.end());
  const auto partition = specs.first(window.partitions);
  const auto order = specs.subspan(window.partitions);

  if (window.frame && window.frame->lower && window.frame->upper &&
      *window.frame->lower > *window.frame->upper) {
    const std::string quoted = fmt::format("\"{}\"", window.name);
    return AnalysisError(
               "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", "42K09",
               "Cannot resolve {} due to data type mismatch: The lower bound of a window "
               "frame must be less than or equal to the upper bound.",
               quoted)
        .Param("comparison", "less than or equal")
        .Param("sqlExpr", quoted);
  }
  WindowCall call;
  MILLRACE_RETURN_IF_ERROR(Bind(function, resolver, &call));
  const bool ranks = call.kind != WindowCall::Kind::kAggregate &&
                     call.kind != WindowCall::Kind::kNthValue;
  if (ranks && order.empty()) {
    return AnalysisError(
               "WINDOW_FUNCTION_FRAME_NOT_ORDERED", "42601",
               "Window function {} requires the window to be ordered. You need to add "
               "an ORDER BY clause. For example: SELECT {} OVER (PARTITION BY "
               "window_partition ORDER BY window_ordering) FROM table.",
               LowerCase(function.name), PrettySql(function))
        .Param("wf_name", LowerCase(function.name))
        .Param("wf_expr", PrettySql(function));
  }
  call.attribute.id = NewAttributeId();
  call.attribute.name = PrettySql(window, resolver);
  // Spark: UnspecifiedFrame is the whole partition, or up to the row's peers where there
  // is order.
  call.frame = window.frame ? *window.frame : WindowFrame();
  if (!window.frame && !order.empty()) call.frame.upper = 0;

  Group wanted;
  for (const UnresolvedExpr& key : partition) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr resolved, resolver.Resolve(key));
    wanted.spec += resolved->ToString() + ";";
    wanted.node.partition.push_back(std::move(resolved));
  }
  for (const UnresolvedExpr& key : order) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr resolved, resolver.Resolve(key));
    const bool has_order = key.kind == Kind::kSortOrder;
    SortKey sort{std::move(resolved), has_order && key.descending,
                 has_order ? key.nulls_first : true};
    wanted.spec += fmt::format("|{} {} {}", sort.expr->ToString(), sort.descending,
                               sort.nulls_first);
    wanted.node.order.push_back(std::move(sort));
  }
  auto group = std::ranges::find(groups_, wanted.spec, &Group::spec);
  if (group == groups_.end()) {
    groups_.push_back(std::move(wanted));
    group = std::prev(groups_.end());
  }
  group->node.calls.push_back(std::move(call));
  return group->node.calls.back().attribute.ref();
}

PlanPtr WindowCollector::Over(PlanPtr input) {
  for (Group& group : groups_) {
    std::vector<Attribute> output = input->output;
    for (const WindowCall& call : group.node.calls) output.push_back(call.attribute);
    input = MakePlan(std::move(group.node), {std::move(input)}, std::move(output));
  }
  groups_.clear();
  return input;
}

}  // namespace millrace::plan
