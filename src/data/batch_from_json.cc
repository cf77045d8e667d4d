// Rows written as JSON, for tests.
#include <arrow/array/array_base.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "data/arrow_status.h"
#include "data/batch.h"
#include "data/time_text.h"

namespace millrace::data {
namespace {

// Keeps the order of a map's entries as written.
using Json = nlohmann::ordered_json;

Error Mismatch(const Json& value, const arrow::DataType& type) {
  return ArgumentError("A JSON value of type {} was expected, found: {}",
                       SimpleTypeName(type), value.dump());
}

Status AppendJson(const Json& value, arrow::ArrayBuilder* builder);

template <typename Builder>
Status AppendTo(arrow::ArrayBuilder* builder, auto value) {
  return FromArrow(static_cast<Builder*>(builder)->Append(value));
}

template <typename Builder>
Status AppendInteger(const Json& value, arrow::ArrayBuilder* builder) {
  if (!value.is_number_integer()) return Mismatch(value, *builder->type());
  return AppendTo<Builder>(builder, value.get<typename Builder::value_type>());
}

template <typename Builder>
Status AppendFloating(const Json& value, arrow::ArrayBuilder* builder) {
  using Float = typename Builder::value_type;
  if (value.is_number()) return AppendTo<Builder>(builder, value.get<Float>());
  constexpr Float kInfinity = std::numeric_limits<Float>::infinity();
  if (value == "NaN") {
    return AppendTo<Builder>(builder, std::numeric_limits<Float>::quiet_NaN());
  }
  if (value == "Infinity") return AppendTo<Builder>(builder, kInfinity);
  if (value == "-Infinity") return AppendTo<Builder>(builder, -kInfinity);
  return Mismatch(value, *builder->type());
}

// An integer is taken as it is (microseconds, days); a text is parsed.
template <typename Builder, typename Parse>
Status AppendTime(const Json& value, arrow::ArrayBuilder* builder, Parse&& parse) {
  if (value.is_number_integer()) return AppendInteger<Builder>(value, builder);
  if (!value.is_string()) return Mismatch(value, *builder->type());
  const auto parsed = parse(value.get_ref<const std::string&>());
  if (!parsed) return Mismatch(value, *builder->type());
  return AppendTo<Builder>(builder, *parsed);
}

Status AppendDecimal(const Json& value, arrow::ArrayBuilder* builder) {
  const auto& type = static_cast<const arrow::DecimalType&>(*builder->type());
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  arrow::Decimal128 decimal;
  int32_t precision = 0;
  int32_t scale = 0;
  if (!arrow::Decimal128::FromString(text, &decimal, &precision, &scale).ok()) {
    return Mismatch(value, type);
  }
  const auto rescaled = decimal.Rescale(scale, type.scale());
  if (!rescaled.ok()) return Mismatch(value, type);
  return AppendTo<arrow::Decimal128Builder>(builder, *rescaled);
}

Status AppendList(const Json& value, arrow::ArrayBuilder* builder) {
  if (!value.is_array()) return Mismatch(value, *builder->type());
  auto* const list = static_cast<arrow::ListBuilder*>(builder);
  MILLRACE_RETURN_IF_ARROW_ERROR(list->Append());
  for (const Json& element : value) {
    MILLRACE_RETURN_IF_ERROR(AppendJson(element, list->value_builder()));
  }
  return Status::OK();
}

// An object, or an array of [key, value] pairs.
Status AppendMap(const Json& value, arrow::ArrayBuilder* builder) {
  auto* const map = static_cast<arrow::MapBuilder*>(builder);
  if (!value.is_array() && !value.is_object()) return Mismatch(value, *builder->type());
  MILLRACE_RETURN_IF_ARROW_ERROR(map->Append());
  for (const auto& [key, item] : value.items()) {
    if (value.is_array() && (!item.is_array() || item.size() != 2)) {
      return Mismatch(item, *builder->type());
    }
    MILLRACE_RETURN_IF_ERROR(
        AppendJson(value.is_array() ? item[0] : Json(key), map->key_builder()));
    MILLRACE_RETURN_IF_ERROR(
        AppendJson(value.is_array() ? item[1] : item, map->item_builder()));
  }
  return Status::OK();
}

Status AppendStruct(const Json& value, arrow::ArrayBuilder* builder) {
  auto* const row = static_cast<arrow::StructBuilder*>(builder);
  const TypePtr type = builder->type();
  const auto fields = static_cast<size_t>(type->num_fields());
  if (!value.is_object() && !(value.is_array() && value.size() == fields)) {
    return Mismatch(value, *type);
  }
  MILLRACE_RETURN_IF_ARROW_ERROR(row->Append());
  for (int i = 0; i < type->num_fields(); ++i) {
    const std::string& name = type->field(i)->name();
    const Json field = value.is_array() ? value[i] : value.value(name, Json());
    MILLRACE_RETURN_IF_ERROR(AppendJson(field, row->field_builder(i)));
  }
  return Status::OK();
}

Status AppendJson(const Json& value, arrow::ArrayBuilder* builder) {
  if (value.is_null()) return FromArrow(builder->AppendNull());
  const TypePtr type = builder->type();
  switch (type->id()) {
    case arrow::Type::BOOL:
      if (!value.is_boolean()) return Mismatch(value, *type);
      return AppendTo<arrow::BooleanBuilder>(builder, value.get<bool>());
    case arrow::Type::INT8:
      return AppendInteger<arrow::Int8Builder>(value, builder);
    case arrow::Type::INT16:
      return AppendInteger<arrow::Int16Builder>(value, builder);
    case arrow::Type::INT32:
      return AppendInteger<arrow::Int32Builder>(value, builder);
    case arrow::Type::INT64:
      return AppendInteger<arrow::Int64Builder>(value, builder);
    case arrow::Type::FLOAT:
      return AppendFloating<arrow::FloatBuilder>(value, builder);
    case arrow::Type::DOUBLE:
      return AppendFloating<arrow::DoubleBuilder>(value, builder);
    case arrow::Type::DECIMAL128:
      return AppendDecimal(value, builder);
    case arrow::Type::DURATION:
      return AppendInteger<arrow::DurationBuilder>(value, builder);
    case arrow::Type::INTERVAL_MONTHS:
      return AppendInteger<arrow::MonthIntervalBuilder>(value, builder);
    case arrow::Type::DATE32:
      return AppendTime<arrow::Date32Builder>(value, builder, ParseDate);
    case arrow::Type::TIMESTAMP:
      return AppendTime<arrow::TimestampBuilder>(
          value, builder, [&](const std::string& text) -> std::optional<int64_t> {
            if (IsTimestamp(*type)) return ParseTimestamp(text, *TimeZone::Utc(), 0);
            return ParseTimestampNtz(text, /*allow_zone=*/false);
          });
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      if (!value.is_string()) return Mismatch(value, *type);
      return FromArrow(static_cast<arrow::BinaryViewBuilder*>(builder)->Append(
          std::string_view(value.get_ref<const std::string&>())));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      if (!value.is_string()) return Mismatch(value, *type);
      return FromArrow(static_cast<arrow::BinaryBuilder*>(builder)->Append(
          std::string_view(value.get_ref<const std::string&>())));
    case arrow::Type::LIST:
      return AppendList(value, builder);
    case arrow::Type::MAP:
      return AppendMap(value, builder);
    case arrow::Type::STRUCT:
      return AppendStruct(value, builder);
    default:
      return Mismatch(value, *type);
  }
}

}  // namespace

Result<Batch> BatchFromJson(const SchemaPtr& schema, std::string_view json) {
  const Json rows = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!rows.is_array())
    return ArgumentError("A JSON array of rows was expected, found: {}", json);
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const FieldPtr& field : schema->fields()) {
    MILLRACE_ASSIGN_OR_RETURN_ARROW(auto builder, arrow::MakeBuilder(field->type()));
    builders.push_back(std::move(builder));
  }
  for (const Json& row : rows) {
    if (!row.is_array() || row.size() != builders.size()) {
      return ArgumentError("A row of {} values was expected, found: {}", builders.size(),
                           row.dump());
    }
    for (size_t i = 0; i < builders.size(); ++i) {
      MILLRACE_RETURN_IF_ERROR(AppendJson(row[i], builders[i].get()));
    }
  }
  arrow::ArrayVector columns;
  for (const auto& builder : builders) {
    MILLRACE_ASSIGN_OR_RETURN_ARROW(ArrayPtr column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows.size()),
                                  std::move(columns));
}

}  // namespace millrace::data
