#include "client/row_decoder.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"

namespace millrace::detail {
namespace {

using Names = std::shared_ptr<const std::vector<std::string>>;

Names FieldNames(const arrow::FieldVector& fields) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (const auto& field : fields) names->push_back(field->name());
  return names;
}

template <typename ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

Result<Value> DecodeValue(const arrow::Array& array, int64_t row);

Result<Value> DecodeList(const arrow::ListArray& list, int64_t row) {
  auto values = std::make_shared<ArrayValue>();
  const auto& elements = *list.values();
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(Value value, DecodeValue(elements, i));
    values->push_back(std::move(value));
  }
  return Value(std::shared_ptr<const ArrayValue>(std::move(values)));
}

Result<Value> DecodeMap(const arrow::MapArray& map, int64_t row) {
  auto entries = std::make_shared<MapValue>();
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(Value key, DecodeValue(*map.keys(), i));
    MILLRACE_ASSIGN_OR_RETURN(Value value, DecodeValue(*map.items(), i));
    entries->emplace_back(std::move(key), std::move(value));
  }
  return Value(std::shared_ptr<const MapValue>(std::move(entries)));
}

Result<Value> DecodeStruct(const arrow::StructArray& structs, int64_t row) {
  std::vector<Value> values;
  for (int i = 0; i < structs.num_fields(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(Value value, DecodeValue(*structs.field(i), row));
    values.push_back(std::move(value));
  }
  return Value(std::shared_ptr<const Row>(
      std::make_shared<Row>(FieldNames(structs.type()->fields()), std::move(values))));
}

Result<Value> DecodeValue(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return Value();
  switch (array.type_id()) {
    case arrow::Type::NA:
      return Value();
    case arrow::Type::BOOL:
      return Value(As<arrow::BooleanArray>(array).Value(row));
    case arrow::Type::INT8:
      return Value(int64_t{As<arrow::Int8Array>(array).Value(row)});
    case arrow::Type::INT16:
      return Value(int64_t{As<arrow::Int16Array>(array).Value(row)});
    case arrow::Type::INT32:
      return Value(int64_t{As<arrow::Int32Array>(array).Value(row)});
    case arrow::Type::INT64:
      return Value(As<arrow::Int64Array>(array).Value(row));
    case arrow::Type::FLOAT:
      return Value(double{As<arrow::FloatArray>(array).Value(row)});
    case arrow::Type::DOUBLE:
      return Value(As<arrow::DoubleArray>(array).Value(row));
    case arrow::Type::DECIMAL128:
      return Value(Decimal{As<arrow::Decimal128Array>(array).FormatValue(row)});
    case arrow::Type::STRING_VIEW:
      return Value(std::string(As<arrow::StringViewArray>(array).GetView(row)));
    case arrow::Type::BINARY_VIEW:
      return Value(Binary{std::string(As<arrow::BinaryViewArray>(array).GetView(row))});
    case arrow::Type::DATE32:
      return Value(Date{As<arrow::Date32Array>(array).Value(row)});
    case arrow::Type::TIMESTAMP:
      return Value(Timestamp{As<arrow::TimestampArray>(array).Value(row)});
    case arrow::Type::DURATION:
      return Value(Duration{As<arrow::DurationArray>(array).Value(row)});
    case arrow::Type::LIST:
      return DecodeList(As<arrow::ListArray>(array), row);
    case arrow::Type::MAP:
      return DecodeMap(As<arrow::MapArray>(array), row);
    case arrow::Type::STRUCT:
      return DecodeStruct(As<arrow::StructArray>(array), row);
    default:
      return UnsupportedError("Collecting values of type {} is not supported yet.",
                              data::SimpleTypeName(*array.type()));
  }
}

}  // namespace

Result<std::vector<Row>> DecodeRows(std::span<const data::Batch> batches) {
  std::vector<Row> rows;
  for (const data::Batch& batch : batches) {
    const Names names = FieldNames(batch->schema()->fields());
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::vector<Value> values;
      values.reserve(static_cast<size_t>(batch->num_columns()));
      for (const data::ArrayPtr& column : batch->columns()) {
        MILLRACE_ASSIGN_OR_RETURN(Value value, DecodeValue(*column, row));
        values.push_back(std::move(value));
      }
      rows.emplace_back(names, std::move(values));
    }
  }
  return rows;
}

}  // namespace millrace::detail

namespace millrace {

const Value* Row::Find(const std::string& name) const {
  for (size_t i = 0; i < names_->size(); ++i) {
    if ((*names_)[i] == name) return &values_[i];
  }
  return nullptr;
}

}  // namespace millrace
