// struct named_struct array map, and what takes elements out again: element_at get.
#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/compare.h"
#include "expr/extract.h"
#include "expr/functions/bind.h"
#include "expr/functions/map_builder.h"
#include "expr/functions/tables.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

// Structs
// ---------------------------------------------------------------------------------------

// Puts columns side by side.
Result<Value> MakeStruct(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (const Value& arg : in.args) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column, Materialize(arg, rows));
    columns.push_back(column->data());
  }
  return Value{arrow::MakeArray(arrow::ArrayData::Make(in.type, rows, {nullptr},
                                                       std::move(columns), 0)),
               constant};
}

Bound StructOf(arrow::FieldVector fields, std::vector<ExprPtr> values) {
  BoundFunction function;
  function.args = std::move(values);
  function.type = arrow::struct_(std::move(fields));
  function.nullable = false;
  function.kernel = MakeStruct;
  return function;
}

// Spark's NamePlaceholder: columns and fields keep their names, others are col1, col2 …
std::string FieldName(const Expr& value, size_t index) {
  if (const auto* column = dynamic_cast<const Column*>(&value)) return column->name();
  const std::string_view name = CallName(value);
  if (name.starts_with('.')) return std::string(name.substr(1));
  return fmt::format("col{}", index + 1);
}

Bound BindStruct(Args args, const BindContext&) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < args.size(); ++i) {
    fields.push_back(
        arrow::field(FieldName(*args[i], i), args[i]->type(), args[i]->nullable()));
  }
  return StructOf(std::move(fields), std::vector<ExprPtr>(args.begin(), args.end()));
}

Bound BindNamedStruct(Args args, const BindContext&) {
  if (args.empty() || args.size() % 2 != 0) {
    return WrongArgumentCount("named_struct", "2n (n > 0)",
                              static_cast<int>(args.size()));
  }
  arrow::FieldVector fields;
  std::vector<ExprPtr> values;
  for (size_t i = 0; i < args.size(); i += 2) {
    const std::optional<std::string> name = StringLiteral(args[i]);
    if (!name.has_value()) {
      const std::string sql = SqlCallText("named_struct", args);
      return AnalysisError(
                 "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", "42K09",
                 "Cannot resolve \"{}\" due to data type mismatch: Only foldable "
                 "`STRING` expressions are allowed to appear at odd position, but "
                 "they are [\"{}\"].",
                 sql, SqlText(*args[i]))
          .Param("sqlExpr", fmt::format("\"{}\"", sql))
          .Param("inputExprs", fmt::format("[\"{}\"]", SqlText(*args[i])));
    }
    values.push_back(args[i + 1]);
    fields.push_back(
        arrow::field(*name, values.back()->type(), values.back()->nullable()));
  }
  return StructOf(std::move(fields), std::move(values));
}

// Arrays and maps
// -------------------------------------------------------------------------------

// The values of some columns row by row: a0 b0 a1 b1 …
Result<data::ArrayPtr> Interleave(std::span<const Value> args, size_t first, size_t step,
                                  int64_t rows) {
  std::vector<data::ArrayPtr> arrays;
  std::vector<const Value*> columns;
  std::vector<int64_t> begins;
  int64_t total = 0;
  for (size_t i = first; i < args.size(); i += step) {
    begins.push_back(total);
    total += args[i].array->length();
    arrays.push_back(args[i].array);
    columns.push_back(&args[i]);
  }
  std::vector<int32_t> positions;
  positions.reserve(columns.size() * static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      positions.push_back(static_cast<int32_t>(begins[i] + columns[i]->index(row)));
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr all, data::Concat(arrays));
  return data::Take(*all, positions);
}

// Offsets of lists of one length.
Result<std::shared_ptr<arrow::Buffer>> EvenOffsets(int64_t rows, int64_t length) {
  FixedOutput<int32_t> offsets;
  MILLRACE_RETURN_IF_ERROR(offsets.Allocate(rows + 1));
  offsets.Generate(rows + 1,
                   [&](int64_t row) { return static_cast<int32_t>(row * length); });
  return offsets.Finish();
}

Result<Value> MakeArrays(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr values, Interleave(in.args, 0, 1, rows));
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets,
                            EvenOffsets(rows, static_cast<int64_t>(in.args.size())));
  return Value{arrow::MakeArray(arrow::ArrayData::Make(
                   in.type, rows, {nullptr, std::move(offsets)}, {values->data()}, 0)),
               constant};
}

Bound EmptyOf(const data::TypePtr& type) {
  BoundFunction function;
  function.type = type;
  function.nullable = false;
  function.kernel = [](const KernelInput& in) -> Result<Value> {
    std::vector<std::shared_ptr<arrow::ArrayData>> children;
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr none,
                              data::Nulls(in.type->field(0)->type(), 0));
    MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets, EvenOffsets(1, 0));
    return Value{arrow::MakeArray(arrow::ArrayData::Make(
                     in.type, 1, {nullptr, std::move(offsets)}, {none->data()}, 0)),
                 true};
  };
  return function;
}

Bound BindArray(Args args, const BindContext&) {
  if (args.empty()) return EmptyOf(data::ArrayOf(data::NullType(), false));
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> values,
                            CastToCommonType("array", args, args));
  BoundFunction function;
  function.type = data::ArrayOf(values[0]->type(), AnyNullable(values));
  function.nullable = false;
  function.kernel = MakeArrays;
  function.args = std::move(values);
  return function;
}

Result<Value> MakeMaps(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const auto entries = static_cast<int64_t>(in.args.size() / 2);
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr keys, Interleave(in.args, 0, 2, rows));
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr items, Interleave(in.args, 1, 2, rows));
  const NullReader key_nulls(*keys);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = row * entries; i < (row + 1) * entries; ++i) {
      if (key_nulls.IsNull(i)) return NullMapKey();
      for (int64_t earlier = row * entries; earlier < i; ++earlier) {
        if (CompareValues(*keys, earlier, *keys, i) == 0) {
          return DuplicateMapKey(*keys, i);
        }
      }
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets,
                            EvenOffsets(rows, entries));
  auto pairs = arrow::ArrayData::Make(in.type->field(0)->type(), rows * entries,
                                      {nullptr}, {keys->data(), items->data()}, 0);
  return Value{arrow::MakeArray(arrow::ArrayData::Make(
                   in.type, rows, {nullptr, std::move(offsets)}, {std::move(pairs)}, 0)),
               constant};
}

bool HoldsMap(const arrow::DataType& type) { return !IsOrderable(type); }

Bound BindMap(Args args, const BindContext&) {
  if (args.size() % 2 != 0) {
    return WrongArgumentCount("map", "2n (n > 0)", static_cast<int>(args.size()));
  }
  if (args.empty())
    return EmptyOf(data::MapOf(data::NullType(), data::NullType(), false));
  std::vector<ExprPtr> keys;
  std::vector<ExprPtr> items;
  for (size_t i = 0; i < args.size(); i += 2) {
    keys.push_back(args[i]);
    items.push_back(args[i + 1]);
  }
  MILLRACE_ASSIGN_OR_RETURN(keys, CastToCommonType("map", keys, args));
  MILLRACE_ASSIGN_OR_RETURN(items, CastToCommonType("map", items, args));
  const data::TypePtr key_type = keys[0]->type();
  if (HoldsMap(*key_type)) {
    const std::string sql = SqlCallText("map", args);
    return AnalysisError(
               "DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE", "42K09",
               "Cannot resolve \"{}\" due to data type mismatch: The key of map "
               "cannot be/contain \"{}\".",
               sql, data::SqlTypeName(*key_type))
        .Param("sqlExpr", fmt::format("\"{}\"", sql))
        .Param("keyType", fmt::format("\"{}\"", data::SqlTypeName(*key_type)));
  }
  BoundFunction function;
  function.type = data::MapOf(key_type, items[0]->type(), AnyNullable(items));
  function.nullable = false;
  function.can_fail = true;
  function.kernel = MakeMaps;
  for (size_t i = 0; i < keys.size(); ++i) {
    function.args.push_back(std::move(keys[i]));
    function.args.push_back(std::move(items[i]));
  }
  return function;
}

// Elements
// --------------------------------------------------------------------------------------

Bound BindElement(std::string_view name, Indexing indexing, Args args) {
  const data::TypePtr& type = args[0]->type();
  BoundFunction function;
  if (type->id() == Type::LIST) {
    if (!data::IsInteger(*args[1]->type())) {
      return UnexpectedInputType(name, args, 1, "\"INT\"");
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr index, MakeCast(args[1], data::LongType()));
    function.args = {args[0], std::move(index)};
    function.type = type->field(0)->type();
    function.nullable = indexing != Indexing::kElementAt || AnyNullable(args) ||
                        type->field(0)->nullable();
    function.can_fail = indexing != Indexing::kGet;  // try_element_at refuses zero
    function.kernel = ArrayElementKernel(indexing);
    return function;
  }
  if (type->id() != Type::MAP || indexing == Indexing::kGet) {
    return UnexpectedInputType(
        name, args, 0,
        indexing == Indexing::kGet ? "\"ARRAY\"" : "(\"ARRAY\" or \"MAP\")");
  }
  const auto& map = static_cast<const arrow::MapType&>(*type);
  const std::optional<data::TypePtr> common = WidestType(map.key_type(), args[1]->type());
  const bool string_mismatch =
      data::IsString(*map.key_type()) != data::IsString(*args[1]->type()) &&
      args[1]->type()->id() != Type::NA;
  if (!common.has_value() || string_mismatch) {
    const std::string sql = SqlCallText(name, args);
    const std::string found = fmt::format("[\"{}\", \"{}\"]", data::SqlTypeName(*type),
                                          data::SqlTypeName(*args[1]->type()));
    return AnalysisError(
               "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES", "42K09",
               "Cannot resolve \"{}\" due to data type mismatch: Input to `{}` should "
               "have been \"MAP\" followed by a value with same key type, but it's "
               "{}.",
               sql, name, found)
        .Param("sqlExpr", fmt::format("\"{}\"", sql))
        .Param("functionName", fmt::format("`{}`", name))
        .Param("dataType", "\"MAP\"")
        .Param("leftType", fmt::format("\"{}\"", data::SqlTypeName(*type)))
        .Param("rightType", fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type())));
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr base,
                            MakeCast(args[0], data::MapOf(*common, map.item_type(),
                                                          map.item_field()->nullable())));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr key, MakeCast(args[1], *common));
  function.args = {std::move(base), std::move(key)};
  function.type = map.item_type();
  function.kernel = MapValueKernel();
  return function;
}

Bound BindElementAt(Args args, const BindContext&) {
  return BindElement("element_at", Indexing::kElementAt, args);
}
Bound BindTryElementAt(Args args, const BindContext&) {
  return BindElement("try_element_at", Indexing::kTryElementAt, args);
}
Bound BindGet(Args args, const BindContext&) {
  return BindElement("get", Indexing::kGet, args);
}

constexpr FunctionSpec kFunctions[] = {
    {"struct", 1, -1, BindStruct, "A struct of the values.", "struct(1, 'a') → {1, a}"},
    {"named_struct", 0, -1, BindNamedStruct, "A struct of names and values.",
     "named_struct('a', 1, 'b', 'x') → {1, x}"},
    {"array", 0, -1, BindArray, "An array of the values.", "array(1, NULL) → [1, null]"},
    {"map", 0, -1, BindMap, "A map of keys and values.", "map('a', 1) → {a -> 1}"},
    {"element_at", 2, 2, BindElementAt, "An array's element from 1 on, or a map's value.",
     "element_at(array(10, 20), -1) → 20"},
    {"try_element_at", 2, 2, BindTryElementAt, "As element_at, but null out of bounds.",
     "try_element_at(array(10, 20), 3) → NULL"},
    {"get", 2, 2, BindGet, "An array's element from 0 on; null out of bounds.",
     "get(array(10, 20), 1) → 20"},
};

}  // namespace

std::span<const FunctionSpec> ConstructorFunctions() { return kFunctions; }

}  // namespace millrace::expr
