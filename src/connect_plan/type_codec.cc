#include "connect_plan/type_codec.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include "base/error.h"
#include "data/interval_type.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;

void EncodeField(const arrow::Field& field, proto::DataType::StructField* out) {
  out->set_name(field.name());
  out->set_nullable(field.nullable());
  EncodeType(*field.type(), out->mutable_data_type());
  if (field.metadata() == nullptr) return;
  if (auto metadata = field.metadata()->Get("spark.metadata"); metadata.ok()) {
    out->set_metadata(*metadata);
  }
}

// A client may say nothing of the fields, or name those that there are.
data::IntervalFields Checked(data::IntervalFields fields, data::IntervalFields all) {
  const bool known =
      fields.first >= all.first && fields.first <= fields.last && fields.last <= all.last;
  return known ? fields : all;
}

data::IntervalFields DayTimeFields(const proto::DataType::DayTimeInterval& type) {
  if (!type.has_start_field()) return data::kDayToSecond;
  return Checked(
      {type.start_field(), type.has_end_field() ? type.end_field() : type.start_field()},
      data::kDayToSecond);
}

data::IntervalFields YearMonthFields(const proto::DataType::YearMonthInterval& type) {
  if (!type.has_start_field()) return data::kYearToMonth;
  return Checked(
      {type.start_field(), type.has_end_field() ? type.end_field() : type.start_field()},
      data::kYearToMonth);
}

}  // namespace

Result<data::TypePtr> DecodeType(const proto::DataType& type) {
  switch (type.kind_case()) {
    case proto::DataType::kNull:
      return data::NullType();
    case proto::DataType::kBinary:
      return data::BinaryType();
    case proto::DataType::kBoolean:
      return data::BooleanType();
    case proto::DataType::kByte:
      return data::TypePtr(arrow::int8());
    case proto::DataType::kShort:
      return data::TypePtr(arrow::int16());
    case proto::DataType::kInteger:
      return data::IntType();
    case proto::DataType::kLong:
      return data::LongType();
    case proto::DataType::kFloat:
      return data::TypePtr(arrow::float32());
    case proto::DataType::kDouble:
      return data::DoubleType();
    case proto::DataType::kDecimal:
      return data::DecimalOf(
          type.decimal().has_precision() ? type.decimal().precision() : 10,
          type.decimal().has_scale() ? type.decimal().scale() : 0);
    case proto::DataType::kString:
    case proto::DataType::kChar:
    case proto::DataType::kVarChar:
      return data::StringType();
    case proto::DataType::kDate:
      return data::DateType();
    case proto::DataType::kTimestamp:
      return data::TimestampType();
    case proto::DataType::kTimestampNtz:
      return data::TimestampNtzType();
    case proto::DataType::kDayTimeInterval:
      return data::DayTimeInterval(DayTimeFields(type.day_time_interval()));
    case proto::DataType::kYearMonthInterval:
      return data::YearMonthInterval(YearMonthFields(type.year_month_interval()));
    case proto::DataType::kArray: {
      MILLRACE_ASSIGN_OR_RETURN(data::TypePtr element,
                                DecodeType(type.array().element_type()));
      return data::ArrayOf(std::move(element), type.array().contains_null());
    }
    case proto::DataType::kMap: {
      MILLRACE_ASSIGN_OR_RETURN(data::TypePtr key, DecodeType(type.map().key_type()));
      MILLRACE_ASSIGN_OR_RETURN(data::TypePtr value, DecodeType(type.map().value_type()));
      return data::MapOf(std::move(key), std::move(value),
                         type.map().value_contains_null());
    }
    case proto::DataType::kStruct: {
      arrow::FieldVector fields;
      for (const auto& field : type.struct_().fields()) {
        MILLRACE_ASSIGN_OR_RETURN(data::TypePtr field_type,
                                  DecodeType(field.data_type()));
        fields.push_back(arrow::field(
            field.name(), std::move(field_type), field.nullable(),
            field.has_metadata()
                ? arrow::key_value_metadata({"spark.metadata"}, {field.metadata()})
                : nullptr));
      }
      return data::TypePtr(arrow::struct_(std::move(fields)));
    }
    case proto::DataType::kUnparsed:
      return data::ParseType(type.unparsed().data_type_string());
    default:
      return AnalysisError("UNSUPPORTED_DATATYPE", "0A000", "Unsupported data type {}.",
                           type.ShortDebugString());
  }
}

void EncodeType(const arrow::DataType& type, proto::DataType* out) {
  switch (type.id()) {
    case arrow::Type::NA:
      out->mutable_null();
      return;
    case arrow::Type::BOOL:
      out->mutable_boolean();
      return;
    case arrow::Type::INT8:
      out->mutable_byte();
      return;
    case arrow::Type::INT16:
      out->mutable_short_();
      return;
    case arrow::Type::INT32:
      out->mutable_integer();
      return;
    case arrow::Type::INT64:
      out->mutable_long_();
      return;
    case arrow::Type::FLOAT:
      out->mutable_float_();
      return;
    case arrow::Type::DOUBLE:
      out->mutable_double_();
      return;
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      out->mutable_decimal()->set_precision(decimal.precision());
      out->mutable_decimal()->set_scale(decimal.scale());
      return;
    }
    case arrow::Type::STRING_VIEW:
      out->mutable_string();
      return;
    case arrow::Type::BINARY_VIEW:
      out->mutable_binary();
      return;
    case arrow::Type::DATE32:
      out->mutable_date();
      return;
    case arrow::Type::TIMESTAMP:
      if (data::IsTimestamp(type)) {
        out->mutable_timestamp();
      } else {
        out->mutable_timestamp_ntz();
      }
      return;
    case arrow::Type::DURATION:
      out->mutable_day_time_interval()->set_start_field(data::FieldsOf(type).first);
      out->mutable_day_time_interval()->set_end_field(data::FieldsOf(type).last);
      return;
    case arrow::Type::INTERVAL_MONTHS:
      out->mutable_year_month_interval()->set_start_field(data::FieldsOf(type).first);
      out->mutable_year_month_interval()->set_end_field(data::FieldsOf(type).last);
      return;
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListType&>(type);
      EncodeType(*list.value_type(), out->mutable_array()->mutable_element_type());
      out->mutable_array()->set_contains_null(list.value_field()->nullable());
      return;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      EncodeType(*map.key_type(), out->mutable_map()->mutable_key_type());
      EncodeType(*map.item_type(), out->mutable_map()->mutable_value_type());
      out->mutable_map()->set_value_contains_null(map.item_field()->nullable());
      return;
    }
    case arrow::Type::STRUCT:
      for (const auto& field : type.fields()) {
        EncodeField(*field, out->mutable_struct_()->add_fields());
      }
      out->mutable_struct_();  // a struct without fields is a struct too
      return;
    default:
      out->mutable_unparsed()->set_data_type_string(data::SimpleTypeName(type));
  }
}

void EncodeSchema(const arrow::Schema& schema, proto::DataType* out) {
  auto* fields = out->mutable_struct_();
  for (const auto& field : schema.fields()) EncodeField(*field, fields->add_fields());
}

}  // namespace millrace::connect_plan
