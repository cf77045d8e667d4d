// VALUES, INTERSECT, EXCEPT and LIMIT expressions: what PlanBuilder has for SQL text
// besides SELECT.
#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "expr/cast.h"
#include "expr/function.h"
#include "plan/analysis_errors.h"
#include "plan/expr_resolver.h"
#include "plan/plan_builder.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

// An expression of no columns.
Result<ExprPtr> Constant(const UnresolvedExpr& expression, const SessionConf& conf) {
  const std::vector<Attribute> no_columns;
  return ExprResolver(no_columns, conf).Resolve(expression);
}

}  // namespace

Result<PlanPtr> PlanBuilder::OneRow() const {
  auto schema = arrow::schema(arrow::FieldVector{});
  return Local(schema,
               {arrow::RecordBatch::Make(schema, 1, std::vector<data::ArrayPtr>{})});
}

Result<int64_t> PlanBuilder::LimitCount(const UnresolvedExpr& expression) const {
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr value, Constant(expression, conf_));
  const std::optional<int64_t> count = expr::IntegerLiteral(value);
  if (count) return *count;
  if (value->type()->id() != arrow::Type::INT32) {
    return AnalysisError(
        "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE", "42K0E",
        "The limit like expression \"{}\" is invalid. The limit expression must "
        "be integer type, but got \"{}\".",
        PrettySql(expression), data::SqlTypeName(*value->type()));
  }
  return AnalysisError("INVALID_LIMIT_LIKE_EXPRESSION.IS_NULL", "42K0E",
                       "The limit like expression \"{}\" is invalid. The evaluated limit "
                       "expression must not be null.",
                       PrettySql(expression));
}

Result<PlanPtr> PlanBuilder::Values(
    std::span<const std::vector<UnresolvedExpr>> rows) const {
  const size_t width = rows[0].size();
  std::vector<std::vector<ExprPtr>> columns(width);
  for (const std::vector<UnresolvedExpr>& row : rows) {
    for (size_t i = 0; i < width; ++i) {
      const UnresolvedExpr& bare =
          row[i].kind == Kind::kAlias ? row[i].children[0] : row[i];
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, Constant(bare, conf_));
      columns[i].push_back(std::move(value));
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(const PlanPtr one_row, OneRow());
  const data::Batch& row = std::get<LocalRelation>(one_row->node).batches[0];
  expr::EvalContext context;
  context.now_micros =
      std::chrono::microseconds(clock_->Now().time_since_epoch()).count();
  if (auto zone = data::TimeZone::Find(conf_.time_zone()); zone.ok())
    context.zone = *zone;
  arrow::FieldVector fields;
  std::vector<data::ArrayPtr> arrays;
  for (size_t i = 0; i < width; ++i) {
    data::TypePtr type = columns[i][0]->type();
    bool nullable = false;
    for (const ExprPtr& value : columns[i]) {
      nullable = nullable || value->nullable();
      const std::optional<data::TypePtr> wider = expr::WidestType(type, value->type());
      if (!wider) {
        return AnalysisError(
            "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", "42000",
            "Invalid inline table. Found incompatible types in the column `col{}` "
            "for inline table.",
            i + 1);
      }
      type = *wider;
    }
    std::vector<data::ArrayPtr> parts;
    for (const ExprPtr& value : columns[i]) {
      MILLRACE_ASSIGN_OR_RETURN(const ExprPtr cast, expr::MakeCast(value, type));
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr part,
                                expr::EvaluateToArray(*cast, row, context));
      parts.push_back(std::move(part));
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, data::Concat(parts));
    fields.push_back(arrow::field(fmt::format("col{}", i + 1), type, nullable));
    arrays.push_back(std::move(array));
  }
  auto schema = arrow::schema(std::move(fields));
  return Local(schema,
               {arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows.size()),
                                         std::move(arrays))});
}

// Marks each side's rows, groups by all columns, and keeps the groups with the right
// marks.
Result<PlanPtr> PlanBuilder::SetOperation(SetOperator what, PlanPtr left,
                                          PlanPtr right) const {
  constexpr int32_t kLeft = 1;
  constexpr int32_t kBoth = 3;
  const auto marked = [&](const PlanPtr& input, int32_t mark) {
    std::vector<NamedExpr> columns;
    std::vector<Attribute> output;
    for (const Attribute& attribute : input->output)
      columns.push_back({attribute.ref(), attribute});
    ExprPtr value = expr::MakeInt(mark);
    Attribute attribute = ToAttribute(value, "mark", {});
    columns.push_back({std::move(value), std::move(attribute)});
    for (const NamedExpr& column : columns) output.push_back(column.attribute);
    return MakePlan(plan::Project{std::move(columns)}, {input}, std::move(output));
  };
  if (left->output.size() != right->output.size()) {
    return ColumnCountsDiffer(what == SetOperator::kIntersect ? "INTERSECT" : "EXCEPT",
                              *left, *right);
  }
  if (left->streaming || right->streaming) {
    return AnalysisError("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
                         "{} of streaming DataFrames/Datasets is not supported.",
                         what == SetOperator::kIntersect ? "Intersect" : "Except");
  }
  MILLRACE_ASSIGN_OR_RETURN(
      const PlanPtr both,
      Union(marked(left, kLeft), marked(right, kBoth - kLeft), false, false));
  plan::Aggregate aggregate;
  std::vector<Attribute> output;
  for (size_t i = 0; i + 1 < both->output.size(); ++i) {
    const Attribute& attribute = both->output[i];
    aggregate.keys.push_back({attribute.ref(), attribute});
    output.push_back(attribute);
  }
  std::vector<Attribute> kept_output = output;
  const ExprResolver resolver(both->output, conf_);
  MILLRACE_ASSIGN_OR_RETURN(expr::BoundAggregate marks,
                            expr::BindAggregate("bit_or", {both->output.back().ref()},
                                                resolver.bind_context()));
  Attribute found;
  found.id = NewAttributeId();
  found.name = "marks";
  found.type = marks.type;
  found.nullable = marks.nullable;
  aggregate.calls.push_back({std::move(marks), found, false});
  output.push_back(found);
  PlanPtr grouped = MakePlan(std::move(aggregate), {both}, output);
  MILLRACE_ASSIGN_OR_RETURN(
      ExprPtr wanted,
      expr::MakeCall(
          "==",
          {found.ref(), expr::MakeInt(what == SetOperator::kIntersect ? kBoth : kLeft)},
          resolver.bind_context()));
  PlanPtr filtered =
      MakePlan(plan::Filter{std::move(wanted)}, {std::move(grouped)}, output);
  std::vector<NamedExpr> columns;
  for (const Attribute& attribute : kept_output)
    columns.push_back({attribute.ref(), attribute});
  return MakePlan(plan::Project{std::move(columns)}, {std::move(filtered)},
                  std::move(kept_output));
}

}  // namespace millrace::plan
