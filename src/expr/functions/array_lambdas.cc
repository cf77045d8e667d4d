// Higher-order functions of arrays. A lambda is called once for the elements of all rows;
// where a call depends on the one before, once for the next elements of all rows.
#include <algorithm>
#include <numeric>

#include <arrow/record_batch.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/element_calls.h"
#include "expr/functions/lambda_call.h"
#include "expr/functions/lists.h"
#include "expr/functions/tables.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

Status NoBoolean(Text name, Args args) {
  return UnexpectedInputType(name, args, 1, "\"BOOLEAN\"");
}

bool IsBoolean(const ExprPtr& arg) { return arg->type()->id() == arrow::Type::BOOL; }

// transform

Result<Value> EvaluateTransform(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value input,
                            in.args[0]->Evaluate(in.batch, in.context));
  const ListRows lists(input);
  const bool constant = input.constant && LambdasAreClosed(in.args);
  ElementCalls calls(lists, constant ? 1 : in.batch->num_rows());
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results,
                            calls.Call(*AsLambda(in.args[1]), in));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, calls.MakeLists(in.type, results));
  return Value{std::move(array), constant};
}

Bound BindTransform(Args args, const BindContext&) {
  return LambdaCall(args, data::ArrayOf(args[1]->type(), args[1]->nullable()),
                    args[0]->nullable(), EvaluateTransform);
}

// filter

Result<Value> EvaluateFilter(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value input,
                            in.args[0]->Evaluate(in.batch, in.context));
  const ListRows lists(input);
  const bool constant = input.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  ElementCalls calls(lists, rows);
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results,
                            calls.Call(*AsLambda(in.args[1]), in));
  const Reader<bool> keep(*results);
  ListBuilder out;
  int64_t call = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (lists.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    for (int32_t i = lists.begin(row); i < lists.end(row); ++i, ++call) {
      if (!keep.IsNull(call) && keep[call]) out.Append(i);
    }
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, lists.elements()));
  return Value{std::move(array), constant};
}

Bound BindFilter(Args args, const BindContext&) {
  if (!IsBoolean(args[1])) return NoBoolean("filter", args);
  return LambdaCall(args, args[0]->type(), args[0]->nullable(), EvaluateFilter);
}

// exists and forall: whether some element decides the answer, `decisive`.

// What is known of a row's answer.
enum class Answer : uint8_t { kOpen, kUnknown, kDecided };

Result<Value> EvaluateQuantifier(const LazyInput& in, bool decisive) {
  MILLRACE_ASSIGN_OR_RETURN(const Value input,
                            in.args[0]->Evaluate(in.batch, in.context));
  const Lambda& lambda = *AsLambda(in.args[1]);
  const ListRows lists(input);
  const bool constant = input.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  std::vector<Answer> answers(static_cast<size_t>(rows), Answer::kOpen);
  const auto note = [&](const arrow::Array& results, std::span<const int32_t> of) {
    const Reader<bool> values(results);
    for (size_t i = 0; i < of.size(); ++i) {
      Answer& answer = answers[static_cast<size_t>(of[i])];
      const auto call = static_cast<int64_t>(i);
      if (answer == Answer::kDecided) continue;
      if (values.IsNull(call)) {
        answer = Answer::kUnknown;
      } else if (values[call] == decisive) {
        answer = Answer::kDecided;
      }
    }
  };
  if (!lambda.can_fail()) {
    ElementCalls calls(lists, rows);
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results, calls.Call(lambda, in));
    note(*results, calls.rows());
  } else {
    // An element behind the one that decides must not be looked at.
    for (int32_t place = 0;; ++place) {
      ElementCalls calls(lists);
      for (int64_t row = 0; row < rows; ++row) {
        const bool open = answers[static_cast<size_t>(row)] != Answer::kDecided;
        if (open && !lists.IsNull(row) && place < lists.size(row)) calls.Add(row, place);
      }
      if (calls.rows().empty()) break;
      MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results, calls.Call(lambda, in));
      note(*results, calls.rows());
    }
  }
  FixedOutput<bool> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  const Validity all;
  NullOutput nulls(all, rows);
  for (int64_t row = 0; row < rows; ++row) {
    const Answer answer = answers[static_cast<size_t>(row)];
    if (lists.IsNull(row) || answer == Answer::kUnknown) {
      MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
    } else {
      out.Set(row, (answer == Answer::kDecided) == decisive);
    }
  }
  return MakeValue(in.type, rows, constant, nulls.Finish(), out.Finish());
}

Bound BindExists(Args args, const BindContext&) {
  if (!IsBoolean(args[1])) return NoBoolean("exists", args);
  return LambdaCall(args, data::BooleanType(), AnyNullable(args),
                    [](const LazyInput& in) { return EvaluateQuantifier(in, true); });
}

Bound BindForall(Args args, const BindContext&) {
  if (!IsBoolean(args[1])) return NoBoolean("forall", args);
  return LambdaCall(args, data::BooleanType(), AnyNullable(args),
                    [](const LazyInput& in) { return EvaluateQuantifier(in, false); });
}

// aggregate

// The merge for the arrays of all rows: step k merges the k-th elements of those that
// have one. The rows with the longest arrays come first, so that these are the first
// rows.
Result<data::ArrayPtr> Merge(const LazyInput& in, const ListRows& lists,
                             const data::ArrayPtr& zero, int64_t rows) {
  std::vector<int32_t> order;
  for (int64_t row = 0; row < rows; ++row) {
    if (!lists.IsNull(row)) order.push_back(static_cast<int32_t>(row));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return lists.size(a) > lists.size(b); });
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr merged, data::Take(*zero, order));
  std::vector<data::ArrayPtr> parts;
  std::vector<int32_t> positions(static_cast<size_t>(rows), -1);
  int32_t done = 0;
  size_t active = order.size();
  for (int32_t place = 0; active > 0; ++place) {
    size_t more = active;
    while (more > 0 && lists.size(order[more - 1]) <= place) --more;
    if (more < active) {  // these have no more elements
      parts.push_back(merged->Slice(static_cast<int64_t>(more)));
      for (size_t i = more; i < active; ++i) {
        positions[static_cast<size_t>(order[i])] = done++;
      }
      merged = merged->Slice(0, static_cast<int64_t>(more));
      active = more;
    }
    if (active == 0) break;
    std::vector<int32_t> elements(active);
    for (size_t i = 0; i < active; ++i) elements[i] = lists.begin(order[i]) + place;
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr next,
                              data::Take(lists.elements(), elements));
    const data::ArrayPtr arguments[] = {std::move(merged), std::move(next)};
    MILLRACE_ASSIGN_OR_RETURN(
        merged, CallLambda(*AsLambda(in.args[2]), in,
                           std::span<const int32_t>(order).first(active), arguments));
  }
  if (parts.empty()) return data::Nulls(zero->type(), rows);
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr all, data::Concat(parts));
  return data::Take(*all, positions);
}

Result<Value> EvaluateAggregate(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value input,
                            in.args[0]->Evaluate(in.batch, in.context));
  MILLRACE_ASSIGN_OR_RETURN(const Value zero, in.args[1]->Evaluate(in.batch, in.context));
  const ListRows lists(input);
  const bool constant = input.constant && zero.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr zeros, Materialize(zero, rows));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr merged, Merge(in, lists, zeros, rows));
  if (in.args.size() < 4) return Value{std::move(merged), constant};
  // A row without array has no result, whatever the lambda makes of null.
  std::vector<int32_t> present;
  std::vector<int32_t> positions(static_cast<size_t>(rows), -1);
  for (int64_t row = 0; row < rows; ++row) {
    if (lists.IsNull(row)) continue;
    positions[static_cast<size_t>(row)] = static_cast<int32_t>(present.size());
    present.push_back(static_cast<int32_t>(row));
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr of_present, data::Take(*merged, present));
  const data::ArrayPtr arguments[] = {std::move(of_present)};
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr finished,
                            CallLambda(*AsLambda(in.args[3]), in, present, arguments));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr all, data::Take(*finished, positions));
  return Value{std::move(all), constant};
}

Bound BindAggregateOf(Text name, Args args) {
  if (!SameType(*args[1]->type(), *args[2]->type())) {
    std::vector<ExprPtr> all(args.begin(), args.end());
    if (all.size() == 3) {  // shown with the lambda that changes nothing
      const auto same = MakeLambdaParameter(0, {args[1]->type()});
      all.push_back(std::make_shared<Lambda>(std::vector{same}, same));
    }
    return UnexpectedInputType(
        name, all, 2, fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type())));
  }
  const ExprPtr& result = args.back();
  return LambdaCall(args, result->type(), args[0]->nullable() || result->nullable(),
                    EvaluateAggregate);
}

// zip_with

Result<Value> EvaluateZipWith(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value left, in.args[0]->Evaluate(in.batch, in.context));
  MILLRACE_ASSIGN_OR_RETURN(const Value right,
                            in.args[1]->Evaluate(in.batch, in.context));
  const ListRows lefts(left);
  const ListRows rights(right);
  const bool constant = left.constant && right.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  std::vector<int32_t> of;
  std::vector<int32_t> indices[2];
  ListBuilder out;
  for (int64_t row = 0; row < rows; ++row) {
    if (lefts.IsNull(row) || rights.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    const int32_t size = std::max(lefts.size(row), rights.size(row));
    for (int32_t i = 0; i < size; ++i) {
      out.Append(static_cast<int32_t>(of.size()));
      of.push_back(static_cast<int32_t>(row));
      indices[0].push_back(i < lefts.size(row) ? lefts.begin(row) + i : -1);
      indices[1].push_back(i < rights.size(row) ? rights.begin(row) + i : -1);
    }
    out.Commit();
  }
  data::ArrayPtr arguments[2];
  MILLRACE_ASSIGN_OR_RETURN(arguments[0], data::Take(lefts.elements(), indices[0]));
  MILLRACE_ASSIGN_OR_RETURN(arguments[1], data::Take(rights.elements(), indices[1]));
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results,
                            CallLambda(*AsLambda(in.args[2]), in, of, arguments));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, *results));
  return Value{std::move(array), constant};
}

Bound BindZipWith(Args args, const BindContext&) {
  return LambdaCall(args, data::ArrayOf(args[2]->type(), args[2]->nullable()),
                    args[0]->nullable() || args[1]->nullable(), EvaluateZipWith);
}

const FunctionSpec kFunctions[] = {
    {"aggregate", 3, 4,
     [](Args args, const BindContext&) { return BindAggregateOf("aggregate", args); },
     "Merges a value with each element in turn; a last lambda may finish the result.",
     "aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10) → 60"},
    {"exists", 2, 2, BindExists, "Whether a condition holds for some element.",
     "exists(array(1, 2, 3), x -> x % 2 == 0) → true"},
    {"filter", 2, 2, BindFilter,
     "The elements for which a condition on them, and maybe on their index, holds.",
     "filter(array(1, 2, 3), x -> x % 2 == 1) → [1, 3]"},
    {"forall", 2, 2, BindForall, "Whether a condition holds for all elements.",
     "forall(array(1, 2, 3), x -> x % 2 == 0) → false"},
    {"reduce", 3, 4,
     [](Args args, const BindContext&) { return BindAggregateOf("reduce", args); },
     "The same as aggregate.", "reduce(array(1, 2, 3), 0, (acc, x) -> acc + x) → 6"},
    {"transform", 2, 2, BindTransform,
     "An array of what a lambda makes of each element, and maybe of its index.",
     "transform(array(1, 2, 3), (x, i) -> x + i) → [1, 3, 5]"},
    {"zip_with", 3, 3, BindZipWith,
     "What a lambda makes of the elements at the same places of two arrays; null stands "
     "where one is shorter.",
     "zip_with(array(1, 2), array(3, 4), (x, y) -> x + y) → [4, 6]"},
};

}  // namespace

std::span<const FunctionSpec> ArrayLambdaFunctions() { return kFunctions; }

}  // namespace millrace::expr
