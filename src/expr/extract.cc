#include "expr/extract.h"

#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "data/arrow_status.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/compare.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using arrow::Type;

Status IndexOutOfBounds(Indexing indexing, int64_t index, int64_t size) {
  const bool subscript = indexing == Indexing::kSubscript;
  return Error(Fault::kData,
               "The index {} is out of bounds. The array has {} elements. Use {} to "
               "tolerate "
               "accessing element at invalid index and return NULL instead.",
               index, size, subscript ? "the SQL function `get()`" : "`try_element_at`")
      .Class(subscript ? "INVALID_ARRAY_INDEX" : "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
             "22003")
      .Java("org.apache.spark.SparkArrayIndexOutOfBoundsException")
      .Param("indexValue", fmt::format("{}", index))
      .Param("arraySize", fmt::format("{}", size));
}

Status IndexIsZero() {
  return Error(Fault::kData,
               "The index 0 is invalid. An index shall be either < 0 or > 0 (the first "
               "element "
               "has index 1).")
      .Class("INVALID_INDEX_OF_ZERO", "22003")
      .Java(kSparkRuntimeException);
}

// The position in the array, below zero where there is none.
Result<int64_t> Position(Indexing indexing, int64_t index, int64_t size) {
  const bool from_one =
      indexing == Indexing::kElementAt || indexing == Indexing::kTryElementAt;
  if (from_one && index == 0) return IndexIsZero();
  const int64_t position = !from_one ? index : index > 0 ? index - 1 : size + index;
  if (position >= 0 && position < size) return position;
  if (indexing == Indexing::kGet || indexing == Indexing::kTryElementAt) return -1;
  return IndexOutOfBounds(indexing, index, size);
}

// Field number `index` of struct columns.
Kernel FieldKernel(int index) {
  return [index](const KernelInput& in) -> Result<Value> {
    const auto& record = static_cast<const arrow::StructArray&>(*in.args[0].array);
    if (record.null_count() == 0) return Value{record.field(index), in.args[0].constant};
    MILLRACE_ASSIGN_OR_RETURN_ARROW(
        data::ArrayPtr field,
        record.GetFlattenedField(index, arrow::default_memory_pool()));
    return Value{std::move(field), in.args[0].constant};
  };
}

// The same field of every struct in arrays of structs.
Kernel ArrayFieldKernel(int index) {
  return [index](const KernelInput& in) -> Result<Value> {
    const auto& list = static_cast<const arrow::ListArray&>(*in.args[0].array);
    const auto& record = static_cast<const arrow::StructArray&>(*list.values());
    MILLRACE_ASSIGN_OR_RETURN_ARROW(
        const data::ArrayPtr field,
        record.GetFlattenedField(index, arrow::default_memory_pool()));
    std::shared_ptr<arrow::ArrayData> data = list.data()->Copy();
    data->type = in.type;
    data->child_data = {field->data()};
    return Value{arrow::MakeArray(std::move(data)), in.args[0].constant};
  };
}

// The only field of that name, without case.
Result<int> FindField(const arrow::DataType& record, std::string_view name) {
  int found = -1;
  int count = 0;
  for (int i = 0; i < record.num_fields(); ++i) {
    if (!EqualsIgnoreCase(record.field(i)->name(), name)) continue;
    found = i;
    ++count;
  }
  if (count == 1) return found;
  if (count > 1) {
    return AnalysisError(
               "AMBIGUOUS_REFERENCE_TO_FIELDS", "42000",
               "Ambiguous reference to the field `{}`. It appears {} times in the "
               "schema.",
               name, count)
        .Param("field", fmt::format("`{}`", name))
        .Param("count", fmt::format("{}", count));
  }
  std::string names;
  for (const auto& field : record.fields()) {
    names += fmt::format("{}`{}`", names.empty() ? "" : ", ", field->name());
  }
  return AnalysisError("FIELD_NOT_FOUND", "42704", "No such struct field `{}` in {}.",
                       name, names)
      .Param("fieldName", fmt::format("`{}`", name))
      .Param("fields", names);
}

Result<ExprPtr> ExtractFromArray(const ExprPtr& base, const ExprPtr& path) {
  const arrow::Field& element = *base->type()->field(0);
  const std::optional<std::string> name = StringLiteral(path);
  BoundFunction function;
  function.args = {base};
  if (element.type()->id() == Type::STRUCT && name.has_value()) {
    MILLRACE_ASSIGN_OR_RETURN(const int index, FindField(*element.type(), *name));
    const arrow::Field& field = *element.type()->field(index);
    function.type = data::ArrayOf(field.type(), field.nullable() || element.nullable());
    function.nullable = base->nullable();
    function.kernel = ArrayFieldKernel(index);
    return MakeCall("." + field.name(), std::move(function));
  }
  if (!data::IsInteger(*path->type()) && path->type()->id() != Type::NA) {
    const ExprPtr args[] = {base, path};
    return UnexpectedInputType("[]", args, 1, "\"INTEGRAL\"");
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr index, MakeCast(path, data::LongType()));
  function.args.push_back(std::move(index));
  function.type = element.type();
  function.nullable = base->nullable() || path->nullable() || element.nullable();
  function.can_fail = true;
  function.kernel = ArrayElementKernel(Indexing::kSubscript);
  return MakeCall("[]", std::move(function));
}

Result<ExprPtr> ExtractFromMap(const ExprPtr& base, const ExprPtr& path) {
  const auto& map = static_cast<const arrow::MapType&>(*base->type());
  const std::optional<ExprPtr> key = ImplicitCast(path, map.key_type());
  if (!key.has_value()) {
    const ExprPtr args[] = {base, path};
    return UnexpectedInputType("[]", args, 1,
                               fmt::format("\"{}\"", data::SqlTypeName(*map.key_type())));
  }
  BoundFunction function;
  function.args = {base, *key};
  function.type = map.item_type();
  function.kernel = MapValueKernel();
  return MakeCall("[]", std::move(function));
}

}  // namespace

Kernel ArrayElementKernel(Indexing indexing) {
  return [indexing](const KernelInput& in) -> Result<Value> {
    const Value& base = in.args[0];
    const auto& list = static_cast<const arrow::ListArray&>(*base.array);
    const Reader<int64_t> index(in.args[1]);
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    std::vector<int32_t> positions(static_cast<size_t>(rows), -1);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = base.index(row);
      if (list.IsNull(at) || index.IsNull(row)) continue;
      MILLRACE_ASSIGN_OR_RETURN(const int64_t position,
                                Position(indexing, index[row], list.value_length(at)));
      if (position < 0) continue;
      positions[static_cast<size_t>(row)] =
          static_cast<int32_t>(list.value_offset(at) + position);
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr elements,
                              data::Take(*list.values(), positions));
    return Value{std::move(elements), constant};
  };
}

Kernel MapValueKernel() {
  return [](const KernelInput& in) -> Result<Value> {
    const Value& base = in.args[0];
    const Value& key = in.args[1];
    const auto& map = static_cast<const arrow::MapArray&>(*base.array);
    const arrow::Array& keys = *map.keys();
    const NullReader key_nulls(key);
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    std::vector<int32_t> positions(static_cast<size_t>(rows), -1);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = base.index(row);
      if (map.IsNull(at) || key_nulls.IsNull(row)) continue;
      const int64_t end = map.value_offset(at) + map.value_length(at);
      for (int64_t entry = map.value_offset(at); entry < end; ++entry) {
        if (CompareValues(keys, entry, *key.array, key.index(row)) != 0) continue;
        positions[static_cast<size_t>(row)] = static_cast<int32_t>(entry);
        break;
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values, data::Take(*map.items(), positions));
    return Value{std::move(values), constant};
  };
}

ExprPtr MakeField(const ExprPtr& base, int index) {
  const arrow::Field& field = *base->type()->field(index);
  BoundFunction function;
  function.args = {base};
  function.type = field.type();
  function.nullable = base->nullable() || field.nullable();
  function.kernel = FieldKernel(index);
  return MakeCall("." + field.name(), std::move(function));
}

Result<ExprPtr> MakeExtract(const ExprPtr& base, const ExprPtr& path) {
  switch (base->type()->id()) {
    case Type::STRUCT: {
      const std::optional<std::string> name = StringLiteral(path);
      if (!name.has_value()) {
        return AnalysisError(
                   "INVALID_EXTRACT_FIELD_TYPE", "42000",
                   "Field name should be a non-null string literal, but it's \"{}\".",
                   SqlText(*path))
            .Param("extraction", fmt::format("\"{}\"", SqlText(*path)));
      }
      MILLRACE_ASSIGN_OR_RETURN(const int index, FindField(*base->type(), *name));
      return MakeField(base, index);
    }
    case Type::LIST:
      return ExtractFromArray(base, path);
    case Type::MAP:
      return ExtractFromMap(base, path);
    default:
      return AnalysisError(
                 "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000",
                 "Can't extract a value from \"{}\". Need a complex type [STRUCT, "
                 "ARRAY, MAP] but got \"{}\".",
                 SqlText(*base), data::SqlTypeName(*base->type()))
          .Param("base", fmt::format("\"{}\"", SqlText(*base)))
          .Param("other", fmt::format("\"{}\"", data::SqlTypeName(*base->type())));
  }
}

}  // namespace millrace::expr
