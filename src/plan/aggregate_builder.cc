// groupBy(…).agg(…) and window(): the part of PlanBuilder that makes Aggregate and
// TimeWindow.
#include <arrow/array.h>
#include <arrow/type.h>

#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "base/interval.h"
#include "expr/cast.h"
#include "expr/function.h"
#include "plan/aggregation.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

Result<std::chrono::microseconds> WindowPart(const UnresolvedExpr& call, size_t index,
                                             std::string_view name) {
  const UnresolvedExpr& part = call.children[index];
  if (part.kind == Kind::kLiteral && data::IsString(*part.literal->type()) &&
      part.literal->IsValid(0)) {
    return ParseDuration(PrettySql(part));
  }
  return AnalysisError(
      "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
      "Cannot resolve \"{}\" due to data type mismatch: the {} must be an "
      "interval text such as '1 minute'.",
      PrettySql(call), name);
}

// The call as Spark shows it once it knows the lengths, in microseconds.
std::string WindowText(const UnresolvedExpr& call, const TimeWindow& window) {
  return fmt::format("window({}, {}, {}, {})", PrettySql(call.children[0]),
                     window.width.count(), window.slide.count(), window.start.count());
}

Error WrongWindowTime(const UnresolvedExpr& call, const TimeWindow& window,
                      const arrow::DataType& type) {
  return AnalysisError(
      "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
      "Cannot resolve \"{}\" due to data type mismatch: The first parameter requires the "
      "(\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\" or \"STRUCT<start: TIMESTAMP, "
      "end: "
      "TIMESTAMP>\" or \"STRUCT<start: TIMESTAMP_NTZ, end: TIMESTAMP_NTZ>\") type, "
      "however "
      "\"{}\" has the type \"{}\".",
      WindowText(call, window), PrettySql(call.children[0]), data::SqlTypeName(type));
}

// The lengths are right in themselves, and in relation to each other.
Status CheckWindow(const UnresolvedExpr& call, const TimeWindow& window) {
  const std::string text = WindowText(call, window);
  const std::pair<std::string_view, std::chrono::microseconds> widths[] = {
      {"window_duration", window.width}, {"slide_duration", window.slide}};
  for (const auto& [name, width] : widths) {
    if (width.count() > 0) continue;
    return AnalysisError(
               "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
               "Cannot resolve \"{}\" due to data type mismatch: The `{}` must be "
               "between (0, 9223372036854775807] (current value = {}L).",
               text, name, width.count())
        .Param("sqlExpr", "\"" + text + "\"")
        .Param("exprName", fmt::format("`{}`", name))
        .Param("valueRange", "(0, 9223372036854775807]")
        .Param("currentValue", fmt::format("{}L", width.count()));
  }
  const auto constraint = [&](std::string_view words) {
    return AnalysisError("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "42K09",
                         "Cannot resolve \"{}\" due to data type mismatch: {}", text,
                         words);
  };
  if (window.slide > window.width) {
    return constraint(
        fmt::format("The `slide_duration`({}L) must be <= the `window_duration`({}L).",
                    window.slide.count(), window.width.count()));
  }
  if (std::abs(window.start.count()) >= window.slide.count()) {
    return constraint(
        fmt::format("The `abs(start_time)`({}L) must be < the `slide_duration`({}L).",
                    std::abs(window.start.count()), window.slide.count()));
  }
  return Status::OK();
}

// What a window is made of.
struct WindowedTime {
  ExprPtr expr;
  std::optional<std::chrono::microseconds> watermark_delay;
};

Result<WindowedTime> ResolveTime(const UnresolvedExpr& call, const ExprResolver& resolver,
                                 const PlanPtr& input) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr time, resolver.Resolve(call.children[0]));
  const Attribute origin = ToAttribute(time, "time", input->output);
  if (origin.is_window) {
    // A window of windows is made of the time a window stands for: Spark's window_time.
    MILLRACE_ASSIGN_OR_RETURN(
        time, expr::MakeCall("window_time", {time}, resolver.bind_context()));
  }
  return WindowedTime{std::move(time), origin.watermark_delay};
}

// False where the type is no time and cannot be read as one.
bool CastToTime(WindowedTime* time) {
  const data::TypePtr& type = time->expr->type();
  if (data::IsTimestamp(*type) || data::IsTimestampNtz(*type)) return true;
  std::optional<ExprPtr> cast = expr::ImplicitCast(time->expr, data::TimestampType());
  if (cast) time->expr = *std::move(cast);
  return cast.has_value();
}

Attribute WindowColumn(std::string name, const WindowedTime& time) {
  const data::TypePtr& type = time.expr->type();
  Attribute window = NewAttribute(std::move(name),
                                  arrow::struct_({arrow::field("start", type, true),
                                                  arrow::field("end", type, true)}),
                                  false);
  window.is_window = true;
  window.watermark_delay = time.watermark_delay;
  return window;
}

}  // namespace

Result<PlanPtr> PlanBuilder::AddWindow(PlanPtr input, const UnresolvedExpr& call,
                                       const ExprResolver& resolver) const {
  return EqualsIgnoreCase(call.name, "session_window")
             ? AddSessionWindow(std::move(input), call, resolver)
             : AddTimeWindow(std::move(input), call, resolver);
}

Result<PlanPtr> PlanBuilder::AddSessionWindow(PlanPtr input, const UnresolvedExpr& call,
                                              const ExprResolver& resolver) const {
  const std::vector<UnresolvedExpr>& args = call.children;
  if (args.size() != 2) {
    return AnalysisError(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
        "The `session_window` requires 2 parameters but the actual number is "
        "{}.",
        args.size());
  }
  SessionWindow session;
  MILLRACE_ASSIGN_OR_RETURN(WindowedTime time, ResolveTime(call, resolver, input));
  if (!CastToTime(&time)) {
    return AnalysisError(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
        "Cannot resolve \"{}\" due to data type mismatch: The first parameter "
        "requires the \"TIMESTAMP\" type, however \"{}\" has the type \"{}\".",
        PrettySql(call), PrettySql(args[0]), data::SqlTypeName(*time.expr->type()));
  }
  session.time = time.expr;
  MILLRACE_ASSIGN_OR_RETURN(session.gap, resolver.Resolve(args[1]));
  const data::TypePtr& type = session.gap->type();
  if (type->id() != arrow::Type::DURATION && !data::IsString(*type)) {
    return AnalysisError(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
        "Cannot resolve \"{}\" due to data type mismatch: The second parameter "
        "requires the \"INTERVAL\" type, however \"{}\" has the type \"{}\".",
        PrettySql(call), PrettySql(args[1]), data::SqlTypeName(*type));
  }
  if (args[1].kind == Kind::kLiteral && data::IsString(*type)) {
    MILLRACE_RETURN_IF_ERROR(ParseInterval(PrettySql(args[1])).status());
  }
  session.window = WindowColumn("session_window", time);
  std::vector<Attribute> output = input->output;
  output.push_back(session.window);
  return MakePlan(std::move(session), {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::AddTimeWindow(PlanPtr input, const UnresolvedExpr& call,
                                           const ExprResolver& resolver) const {
  const std::vector<UnresolvedExpr>& args = call.children;
  if (args.size() < 2 || args.size() > 4) {
    return AnalysisError(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
        "The `window` requires 2 to 4 parameters but the actual number is {}.",
        args.size());
  }
  MILLRACE_ASSIGN_OR_RETURN(WindowedTime time, ResolveTime(call, resolver, input));
  TimeWindow window;
  MILLRACE_ASSIGN_OR_RETURN(window.width, WindowPart(call, 1, "window_duration"));
  window.slide = window.width;
  if (args.size() > 2) {
    MILLRACE_ASSIGN_OR_RETURN(window.slide, WindowPart(call, 2, "slide_duration"));
  }
  if (args.size() > 3) {
    MILLRACE_ASSIGN_OR_RETURN(window.start, WindowPart(call, 3, "start_time"));
  }
  if (!CastToTime(&time)) return WrongWindowTime(call, window, *time.expr->type());
  MILLRACE_RETURN_IF_ERROR(CheckWindow(call, window));
  window.window = WindowColumn("window", time);
  window.window.nullable = window.slide < window.width;  // as Spark's Expand has it
  window.time = time.expr;
  std::vector<Attribute> output = input->output;
  output.push_back(window.window);
  return MakePlan(std::move(window), {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Aggregate(PlanPtr input,
                                       std::span<const UnresolvedExpr> grouping,
                                       std::span<const UnresolvedExpr> aggregates) const {
  Aggregation aggregation(*this, std::move(input));
  for (const UnresolvedExpr& group : grouping) {
    MILLRACE_RETURN_IF_ERROR(aggregation.AddKey(group));
  }
  // Spark's retainGroupColumns: the keys come first, then what agg() lists.
  std::vector<NamedExpr> results;
  for (const NamedExpr& key : aggregation.keys()) {
    results.push_back({key.attribute.ref(), key.attribute});
  }
  for (const UnresolvedExpr& aggregate : aggregates) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> columns,
                              aggregation.Resolve(aggregate));
    for (ResolvedColumn& column : columns) {
      results.push_back({std::move(column.expr), std::move(column.attribute)});
    }
  }
  return std::move(aggregation).Finish(std::move(results));
}

}  // namespace millrace::plan
