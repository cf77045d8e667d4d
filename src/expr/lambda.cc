#include "expr/lambda.h"

#include <algorithm>
#include <array>

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

// Ids from here on are those of parameters: no plan has so many columns.
constexpr AttributeId kFirstParameterId = AttributeId{1} << 63;

using Args = std::span<const ExprPtr>;
using Parameters = std::vector<LambdaParameter>;

// What the functions give their lambdas.
struct HigherOrder {
  std::string_view function;
  Result<Parameters> (*parameters)(std::string_view function, Args args, size_t index,
                                   size_t wanted);
};

Result<LambdaParameter> Element(std::string_view function, Args args, size_t index) {
  const auto* list = dynamic_cast<const arrow::ListType*>(args[index]->type().get());
  if (list == nullptr || list->id() != arrow::Type::LIST) {
    return UnexpectedInputType(function, args, static_cast<int>(index), "\"ARRAY\"");
  }
  return LambdaParameter{list->value_type(), list->value_field()->nullable()};
}

const arrow::MapType* MapOf(const ExprPtr& arg) {
  return dynamic_cast<const arrow::MapType*>(arg->type().get());
}

Result<Parameters> OfElement(std::string_view function, Args args, size_t index, size_t) {
  if (index != 1) return Parameters();
  MILLRACE_ASSIGN_OR_RETURN(LambdaParameter element, Element(function, args, 0));
  return Parameters{std::move(element)};
}

Result<Parameters> OfElementAndIndex(std::string_view function, Args args, size_t index,
                                     size_t wanted) {
  MILLRACE_ASSIGN_OR_RETURN(Parameters given, OfElement(function, args, index, wanted));
  if (wanted == 2 && !given.empty()) given.push_back({data::IntType(), false});
  return given;
}

Result<Parameters> OfTwoElements(std::string_view function, Args args, size_t index,
                                 size_t) {
  if (index != 1) return Parameters();
  MILLRACE_ASSIGN_OR_RETURN(const LambdaParameter element, Element(function, args, 0));
  return Parameters{element, element};
}

Result<Parameters> OfAccumulator(std::string_view function, Args args, size_t index,
                                 size_t) {
  if (index < 2) return Parameters();
  MILLRACE_ASSIGN_OR_RETURN(LambdaParameter element, Element(function, args, 0));
  Parameters given{{args[1]->type(), true}};
  if (index == 2) given.push_back(std::move(element));
  return given;
}

Result<Parameters> OfPairs(std::string_view function, Args args, size_t index, size_t) {
  if (index != 2) return Parameters();
  Parameters given;
  for (size_t i = 0; i < 2; ++i) {
    MILLRACE_ASSIGN_OR_RETURN(LambdaParameter element, Element(function, args, i));
    given.push_back({std::move(element.type), true});
  }
  return given;
}

Result<Parameters> OfEntry(std::string_view function, Args args, size_t index, size_t) {
  if (index != 1) return Parameters();
  const arrow::MapType* map = MapOf(args[0]);
  if (map == nullptr) return UnexpectedInputType(function, args, 0, "\"MAP\"");
  return Parameters{{map->key_type(), false},
                    {map->item_type(), map->item_field()->nullable()}};
}

Status KeysDiffer(Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText("map_zip_with", args));
  const auto name = [&](size_t i) {
    return fmt::format("\"{}\"", data::SqlTypeName(*MapOf(args[i])->key_type()));
  };
  return AnalysisError("DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES", "42K09",
                       "Cannot resolve {} due to data type mismatch: Input to the "
                       "`map_zip_with` should have been two maps with compatible key "
                       "types, but it's [{}, {}].",
                       sql, name(0), name(1))
      .Param("functionName", "`map_zip_with`")
      .Param("leftType", name(0))
      .Param("rightType", name(1))
      .Param("sqlExpr", sql);
}

Result<Parameters> OfEntryPairs(std::string_view function, Args args, size_t index,
                                size_t) {
  if (index != 2) return Parameters();
  for (int i = 0; i < 2; ++i) {
    if (MapOf(args[static_cast<size_t>(i)]) == nullptr) {
      return UnexpectedInputType(function, args, i, "\"MAP\"");
    }
  }
  const arrow::MapType& left = *MapOf(args[0]);
  const arrow::MapType& right = *MapOf(args[1]);
  const auto key = CommonKeyType(left, right);
  if (!key.has_value()) return KeysDiffer(args);
  return Parameters{{*key, false}, {left.item_type(), true}, {right.item_type(), true}};
}

constexpr auto kHigherOrder = std::to_array<HigherOrder>({
    {"aggregate", OfAccumulator},
    {"array_sort", OfTwoElements},
    {"exists", OfElement},
    {"filter", OfElementAndIndex},
    {"forall", OfElement},
    {"map_filter", OfEntry},
    {"map_zip_with", OfEntryPairs},
    {"reduce", OfAccumulator},
    {"transform", OfElementAndIndex},
    {"transform_keys", OfEntry},
    {"transform_values", OfEntry},
    {"zip_with", OfPairs},
});

const HigherOrder* Find(std::string_view function) {
  const auto* const found = std::find_if(
      kHigherOrder.begin(), kHigherOrder.end(),
      [&](const HigherOrder& one) { return EqualsIgnoreCase(one.function, function); });
  return found == kHigherOrder.end() ? nullptr : found;
}

void MarkUsedColumns(const Expr& expr, std::vector<bool>* used) {
  if (const auto* column = dynamic_cast<const Column*>(&expr)) {
    const auto ordinal = static_cast<size_t>(column->ordinal());
    if (ordinal < used->size()) (*used)[ordinal] = true;
  }
  for (const ExprPtr& child : expr.children()) MarkUsedColumns(*child, used);
}

}  // namespace

Lambda::Lambda(std::vector<std::shared_ptr<const Column>> parameters, ExprPtr body)
    : Expr(body->type(), body->nullable(), {body}), parameters_(std::move(parameters)) {}

Result<Value> Lambda::Evaluate(const data::Batch&, const EvalContext&) const {
  return InternalError("The lambda {} has no value of its own.", ToString());
}

ExprPtr Lambda::WithChildren(std::vector<ExprPtr> children) const {
  return std::make_shared<Lambda>(parameters_, std::move(children[0]));
}

std::string Lambda::ToString() const { return SqlText(*this, ColumnText::kWithId); }

const Lambda* AsLambda(const ExprPtr& expr) {
  return dynamic_cast<const Lambda*>(expr.get());
}

std::shared_ptr<const Column> MakeLambdaParameter(size_t position,
                                                  const LambdaParameter& what) {
  return std::make_shared<Column>(kFirstParameterId + position, "namedlambdavariable()",
                                  what.type, what.nullable);
}

std::optional<data::TypePtr> CommonKeyType(const arrow::MapType& left,
                                           const arrow::MapType& right) {
  const data::TypePtr& a = left.key_type();
  const data::TypePtr& b = right.key_type();
  if (SameType(*a, *b)) return a;
  if (data::IsString(*a) || data::IsString(*b)) return std::nullopt;
  return WidestType(a, b);
}

bool IsHigherOrder(std::string_view function) { return Find(function) != nullptr; }

Result<std::vector<LambdaParameter>> LambdaParameters(std::string_view function,
                                                      std::span<const ExprPtr> args,
                                                      size_t index, size_t wanted) {
  const HigherOrder* const found = Find(function);
  if (found == nullptr) return Parameters();
  return found->parameters(found->function, args, index, wanted);
}

Result<data::ArrayPtr> CallLambda(const Lambda& lambda, const LazyInput& in,
                                  std::span<const int32_t> rows,
                                  std::span<const data::ArrayPtr> arguments) {
  const auto calls = static_cast<int64_t>(rows.size());
  if (calls == 0) return data::Nulls(lambda.type(), 0);
  // Only the columns that the body looks at are repeated; the others have the length.
  std::vector<bool> used(static_cast<size_t>(in.batch->num_columns()));
  MarkUsedColumns(lambda, &used);
  std::vector<data::ArrayPtr> columns;
  arrow::FieldVector fields;
  for (int i = 0; i < in.batch->num_columns(); ++i) {
    data::ArrayPtr column;
    if (used[static_cast<size_t>(i)]) {
      MILLRACE_ASSIGN_OR_RETURN(column, data::Take(*in.batch->column(i), rows));
    } else {
      MILLRACE_ASSIGN_OR_RETURN(column, data::Nulls(data::NullType(), calls));
    }
    fields.push_back(arrow::field("", column->type()));
    columns.push_back(std::move(column));
  }
  for (size_t i = 0; i < lambda.parameters().size(); ++i) {
    fields.push_back(arrow::field("", arguments[i]->type()));
    columns.push_back(arguments[i]);
  }
  return EvaluateToArray(lambda.body(),
                         arrow::RecordBatch::Make(arrow::schema(std::move(fields)), calls,
                                                  std::move(columns)),
                         in.context);
}

bool LambdasAreClosed(std::span<const ExprPtr> args) {
  return std::all_of(args.begin(), args.end(), [](const ExprPtr& arg) {
    if (AsLambda(arg) == nullptr) return true;
    std::vector<AttributeId> columns;
    CollectColumns(arg, &columns);
    return columns.empty() && arg->deterministic();
  });
}

}  // namespace millrace::expr
