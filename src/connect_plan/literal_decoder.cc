// Literals of Spark Connect plans as arrays of length one.
#include <arrow/array.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>

#include "base/error.h"
#include "connect_plan/expression_decoder.h"
#include "connect_plan/type_codec.h"
#include "data/interval_type.h"

// Older clients still fill in the fields that newer definitions call deprecated.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using Literal = proto::Expression::Literal;

Result<data::ArrayPtr> Finish(arrow::ArrayBuilder& builder,
                              const arrow::Status& appended) {
  data::ArrayPtr array;
  arrow::Status status = appended;
  if (status.ok()) status = builder.Finish(&array);
  if (!status.ok()) return InternalError("making a literal: {}", status.ToString());
  return array;
}

template <typename Builder, typename Value>
Result<data::ArrayPtr> One(const data::TypePtr& type, const Value& value) {
  Builder builder(type, arrow::default_memory_pool());
  return Finish(builder, builder.Append(value));
}

// The type that a literal names, if it is one like `usual`.
Result<data::TypePtr> TypeOf(const Literal& literal, const data::TypePtr& usual) {
  if (!literal.has_data_type()) return usual;
  MILLRACE_ASSIGN_OR_RETURN(data::TypePtr type, DecodeType(literal.data_type()));
  return type->id() == usual->id() ? type : usual;
}

Result<data::ArrayPtr> Decimal(const Literal::Decimal& literal) {
  arrow::Decimal128 value;
  int32_t precision = 0;
  int32_t scale = 0;
  if (!arrow::Decimal128::FromString(literal.value(), &value, &precision, &scale).ok()) {
    return AnalysisError("INVALID_LITERAL", "42601", "'{}' is not a decimal number.",
                         literal.value());
  }
  // Clients send the type of any decimal; the number may need a wider one.
  const int wanted_scale = std::max(literal.scale(), scale);
  const int wanted_precision = std::max({literal.precision(), precision, wanted_scale});
  auto rescaled = value.Rescale(scale, wanted_scale);
  if (!rescaled.ok() || wanted_precision > 38) {
    return AnalysisError("INVALID_LITERAL", "42601",
                         "The decimal number '{}' does not fit into decimal({},{}).",
                         literal.value(), wanted_precision, wanted_scale);
  }
  return One<arrow::Decimal128Builder>(data::DecimalOf(wanted_precision, wanted_scale),
                                       *rescaled);
}

// The elements one after the other, in one array of `type`.
Result<data::ArrayPtr> Elements(
    const google::protobuf::RepeatedPtrField<Literal>& literals,
    const data::TypePtr& type) {
  if (literals.empty()) return data::Nulls(type, 0);
  std::vector<data::ArrayPtr> parts;
  for (const Literal& literal : literals) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr part, DecodeLiteral(literal));
    if (part->type_id() == arrow::Type::NA) {
      MILLRACE_ASSIGN_OR_RETURN(part, data::Nulls(type, 1));
    }
    parts.push_back(std::move(part));
  }
  return data::Concat(parts);
}

Result<data::ArrayPtr> Array(const Literal& literal) {
  const auto& elements = literal.array().elements();
  data::TypePtr type = data::NullType();
  if (literal.array().has_element_type()) {
    MILLRACE_ASSIGN_OR_RETURN(type, DecodeType(literal.array().element_type()));
  } else if (literal.has_data_type()) {
    MILLRACE_ASSIGN_OR_RETURN(type,
                              DecodeType(literal.data_type().array().element_type()));
  } else if (!elements.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr first, DecodeLiteral(elements[0]));
    type = first->type();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values, Elements(elements, type));
  auto offsets = arrow::Buffer::FromVector(
      std::vector<int32_t>{0, static_cast<int32_t>(values->length())});
  return data::ArrayPtr(std::make_shared<arrow::ListArray>(data::ArrayOf(type), 1,
                                                           std::move(offsets), values));
}

}  // namespace

Result<data::ArrayPtr> DecodeLiteral(const Literal& literal) {
  switch (literal.literal_type_case()) {
    case Literal::kNull: {
      MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, DecodeType(literal.null()));
      return data::Nulls(type, 1);
    }
    case Literal::kBinary:
      return One<arrow::BinaryViewBuilder>(data::BinaryType(), literal.binary());
    case Literal::kBoolean:
      return One<arrow::BooleanBuilder>(data::BooleanType(), literal.boolean());
    case Literal::kByte:
      return One<arrow::Int8Builder>(arrow::int8(), static_cast<int8_t>(literal.byte()));
    case Literal::kShort:
      return One<arrow::Int16Builder>(arrow::int16(),
                                      static_cast<int16_t>(literal.short_()));
    case Literal::kInteger:
      return One<arrow::Int32Builder>(data::IntType(), literal.integer());
    case Literal::kLong:
      return One<arrow::Int64Builder>(data::LongType(), literal.long_());
    case Literal::kFloat:
      return One<arrow::FloatBuilder>(arrow::float32(), literal.float_());
    case Literal::kDouble:
      return One<arrow::DoubleBuilder>(data::DoubleType(), literal.double_());
    case Literal::kDecimal:
      return Decimal(literal.decimal());
    case Literal::kString:
      return One<arrow::StringViewBuilder>(data::StringType(), literal.string());
    case Literal::kDate:
      return One<arrow::Date32Builder>(data::DateType(), literal.date());
    case Literal::kTimestamp:
      return One<arrow::TimestampBuilder>(data::TimestampType(), literal.timestamp());
    case Literal::kTimestampNtz:
      return One<arrow::TimestampBuilder>(data::TimestampNtzType(),
                                          literal.timestamp_ntz());
    case Literal::kDayTimeInterval: {
      MILLRACE_ASSIGN_OR_RETURN(
          const data::TypePtr type,
          TypeOf(literal, data::DayTimeInterval(data::kDayToSecond)));
      return One<arrow::DurationBuilder>(type, literal.day_time_interval());
    }
    case Literal::kYearMonthInterval: {
      MILLRACE_ASSIGN_OR_RETURN(
          const data::TypePtr type,
          TypeOf(literal, data::YearMonthInterval(data::kYearToMonth)));
      return One<arrow::MonthIntervalBuilder>(type, literal.year_month_interval());
    }
    case Literal::kArray:
      return Array(literal);
    default: {
      const auto* field = Literal::descriptor()->FindFieldByNumber(
          static_cast<int>(literal.literal_type_case()));
      return UnsupportedError("A literal of kind {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

}  // namespace millrace::connect_plan
