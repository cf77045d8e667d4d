#include "expr/expr.h"

#include <algorithm>
#include <numeric>

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "base/error.h"
#include "data/arrow_status.h"
#include "expr/kernel.h"
#include "expr/lambda.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

// One fixed-width value.
template <typename T>
ExprPtr MakeNumber(const data::TypePtr& type, T value) {
  return std::make_shared<Literal>(arrow::MakeArray(arrow::ArrayData::Make(
      type, 1, {nullptr, arrow::Buffer::FromVector(std::vector<T>{value})}, 0)));
}

}  // namespace

Expr::Expr(data::TypePtr type, bool nullable, std::vector<ExprPtr> children)
    : type_(std::move(type)), nullable_(nullable), children_(std::move(children)) {}

bool Expr::can_fail() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const ExprPtr& child) { return child->can_fail(); });
}

bool Expr::deterministic() const {
  return std::all_of(children_.begin(), children_.end(),
                     [](const ExprPtr& child) { return child->deterministic(); });
}

Column::Column(AttributeId id, std::string name, data::TypePtr type, bool nullable,
               int ordinal)
    : Expr(std::move(type), nullable, {}),
      id_(id),
      name_(std::move(name)),
      ordinal_(ordinal) {}

Result<Value> Column::Evaluate(const data::Batch& input, const EvalContext&) const {
  if (ordinal_ < 0 || ordinal_ >= input->num_columns()) {
    return InternalError("Column {}#{} was not bound to one of {} input columns.", name_,
                         id_, input->num_columns());
  }
  return Value{input->column(ordinal_)};
}

ExprPtr Column::WithChildren(std::vector<ExprPtr>) const {
  return std::make_shared<Column>(id_, name_, type(), nullable(), ordinal_);
}

std::string Column::ToString() const { return SqlText(*this, ColumnText::kWithId); }

// A value with a validity bitmap may be null for all that schemas say: such a one was
// folded out of an expression that Spark takes for nullable.
Literal::Literal(data::ArrayPtr value)
    : Expr(value->type(),
           value->type_id() == arrow::Type::NA || value->null_bitmap() != nullptr, {}),
      value_(std::move(value)) {}

bool Literal::is_null() const {
  return type()->id() == arrow::Type::NA || value_->IsNull(0);
}

Result<Value> Literal::Evaluate(const data::Batch&, const EvalContext&) const {
  return Value{value_, /*constant=*/true};
}

ExprPtr Literal::WithChildren(std::vector<ExprPtr>) const {
  return std::make_shared<Literal>(value_);
}

std::string Literal::ToString() const { return SqlText(*this, ColumnText::kWithId); }

ExprPtr MakeNull(const data::TypePtr& type) {
  auto array = data::Nulls(type, 1);
  // Every engine type has nulls: what fails here is memory.
  return std::make_shared<Literal>(std::move(array).value());
}

ExprPtr MakeBoolean(bool value) {
  return std::make_shared<Literal>(arrow::MakeArray(arrow::ArrayData::Make(
      data::BooleanType(), 1,
      {nullptr, arrow::Buffer::FromVector(std::vector<uint8_t>{value})}, 0)));
}

ExprPtr MakeInt(int32_t value) { return MakeNumber(data::IntType(), value); }
ExprPtr MakeLong(int64_t value) { return MakeNumber(data::LongType(), value); }
ExprPtr MakeDouble(double value) { return MakeNumber(data::DoubleType(), value); }

ExprPtr MakeString(std::string_view value) {
  ViewBuilder builder(1);
  // Memory for one string.
  if (!builder.Allocate().ok()) return MakeNull(data::StringType());
  builder.Append(value);
  return std::make_shared<Literal>(std::move(builder.Finish(data::StringType())).value());
}

std::optional<std::string> StringLiteral(const ExprPtr& expr) {
  const auto* literal = dynamic_cast<const Literal*>(expr.get());
  if (literal == nullptr || !data::IsString(*literal->type()) || literal->is_null()) {
    return std::nullopt;
  }
  return std::string(Reader<std::string_view>(*literal->value())[0]);
}

std::optional<int64_t> IntegerLiteral(const ExprPtr& expr) {
  const auto* literal = dynamic_cast<const Literal*>(expr.get());
  if (literal == nullptr || !data::IsInteger(*literal->type()) || literal->is_null()) {
    return std::nullopt;
  }
  std::optional<int64_t> value;
  VisitNumber(*literal->type(), [&]<typename T>(std::type_identity<T>) {
    value = static_cast<int64_t>(Reader<T>(*literal->value())[0]);
  });
  return value;
}

Result<ExprPtr> BindColumns(const ExprPtr& expr, std::span<const AttributeId> input) {
  if (const auto* column = dynamic_cast<const Column*>(expr.get())) {
    const auto found = std::find(input.begin(), input.end(), column->id());
    if (found == input.end()) {
      return InternalError("Column {} is not among the {} columns of its input.",
                           column->ToString(), input.size());
    }
    return ExprPtr(std::make_shared<Column>(column->id(), column->name(), column->type(),
                                            column->nullable(),
                                            static_cast<int>(found - input.begin())));
  }
  if (expr->children().empty()) return expr;
  // A lambda's parameters come behind the columns around it.
  std::vector<AttributeId> with_parameters;
  if (const Lambda* lambda = AsLambda(expr)) {
    with_parameters.assign(input.begin(), input.end());
    for (const auto& parameter : lambda->parameters())
      with_parameters.push_back(parameter->id());
    input = with_parameters;
  }
  std::vector<ExprPtr> children;
  children.reserve(expr->children().size());
  for (const ExprPtr& child : expr->children()) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr bound, BindColumns(child, input));
    children.push_back(std::move(bound));
  }
  return expr->WithChildren(std::move(children));
}

void CollectColumns(const ExprPtr& expr, std::vector<AttributeId>* ids) {
  if (const auto* column = dynamic_cast<const Column*>(expr.get())) {
    ids->push_back(column->id());
  }
  const size_t before = ids->size();
  for (const ExprPtr& child : expr->children()) CollectColumns(child, ids);
  if (const Lambda* lambda = AsLambda(expr)) {
    const auto begin = ids->begin() + static_cast<std::ptrdiff_t>(before);
    for (const auto& parameter : lambda->parameters())
      ids->erase(std::remove(begin, ids->end(), parameter->id()), ids->end());
  }
}

Result<data::ArrayPtr> Materialize(const Value& value, int64_t rows) {
  if (!value.constant) return value.array;
  if (rows == 1) return value.array;
  if (value.array->type_id() == arrow::Type::NA || value.array->IsNull(0)) {
    return data::Nulls(value.array->type(), rows);
  }
  const std::vector<int32_t> firsts(static_cast<size_t>(rows), 0);
  return data::Take(*value.array, firsts);
}

Result<data::ArrayPtr> EvaluateToArray(const Expr& expr, const data::Batch& batch,
                                       const EvalContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(const Value value, expr.Evaluate(batch, context));
  return Materialize(value, batch->num_rows());
}

Result<std::vector<int32_t>> EvaluatePredicate(const Expr& predicate,
                                               const data::Batch& batch,
                                               const EvalContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(const Value value, predicate.Evaluate(batch, context));
  if (!value.constant) return data::TrueIndices(*value.array);
  std::vector<int32_t> rows;
  const Reader<bool> constant(value);
  if (!constant.IsNull(0) && constant[0]) {
    rows.resize(static_cast<size_t>(batch->num_rows()));
    std::iota(rows.begin(), rows.end(), 0);
  }
  return rows;
}

}  // namespace millrace::expr
