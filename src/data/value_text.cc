// One value as text: Spark's ToStringBase, behind CAST(x AS STRING) and show().
#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include "data/interval_type.h"
#include "data/show.h"
#include "data/time_text.h"
#include "data/zone_offset.h"

namespace millrace::data {
namespace {

void AppendInteger(int64_t value, std::string* out) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out->append(text.data(), end - text.data());
}

// The shortest digits that give the number back, laid out as Java does.
template <typename Float>
void AppendFloating(Float value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::signbit(value)) *out += '-';
  value = std::abs(value);
  if (std::isinf(value)) {
    *out += "Infinity";
    return;
  }
  if (value == 0) {
    *out += "0.0";
    return;
  }
  std::array<char, 32> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                           std::chars_format::scientific)
                 .ptr;
  if (value < std::numeric_limits<Float>::min() && text[1] == 'e') {
    // Java shows at least two digits, which for the smallest numbers are not "d.0".
    end = std::to_chars(text.data(), text.data() + text.size(), value,
                        std::chars_format::scientific, 1)
              .ptr;
  }
  // "d.ddde[+-]dd" into digits and exponent.
  std::array<char, 24> digits;
  int count = 0;
  const char* at = text.data();
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  int exponent = 0;
  std::from_chars(at, end, exponent);

  if (exponent < -3 || exponent >= 7) {
    *out += digits[0];
    *out += '.';
    if (count == 1) *out += '0';
    out->append(digits.data() + 1, count - 1);
    *out += 'E';
    AppendInteger(exponent, out);
    return;
  }
  if (exponent < 0) {
    *out += "0.";
    out->append(-exponent - 1, '0');
    out->append(digits.data(), count);
    return;
  }
  const int whole = exponent + 1;
  out->append(digits.data(), std::min(whole, count));
  if (whole >= count) {
    out->append(whole - count, '0');
    *out += ".0";
  } else {
    *out += '.';
    out->append(digits.data() + whole, count - whole);
  }
}

std::string UpperFields(const arrow::DataType& type) {
  std::string text = IntervalFieldsText(type);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// INTERVAL '1 02:03:04.5' DAY TO SECOND; the first field has all that is greater than it.
void AppendDayTime(int64_t micros, const arrow::DataType& type, std::string* out) {
  constexpr std::array<uint64_t, 4> kMicros = {86'400'000'000, 3'600'000'000, 60'000'000,
                                               1'000'000};
  const IntervalFields fields = FieldsOf(type);
  uint64_t rest =
      micros < 0 ? -static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  fmt::format_to(std::back_inserter(*out), "INTERVAL '{}", micros < 0 ? "-" : "");
  for (int field = fields.first; field <= fields.last; ++field) {
    const uint64_t unit = kMicros[static_cast<size_t>(field)];
    if (field > fields.first) *out += field == 1 ? ' ' : ':';
    fmt::format_to(std::back_inserter(*out), fmt::runtime(field == 0 ? "{}" : "{:02}"),
                   rest / unit);
    rest %= unit;
  }
  if (fields.last == 3 && rest != 0) {
    std::string digits = fmt::format(".{:06}", rest);
    digits.erase(digits.find_last_not_of('0') + 1);
    *out += digits;
  }
  *out += "' " + UpperFields(type);
}

// INTERVAL '1-2' YEAR TO MONTH
void AppendYearMonth(int32_t months, const arrow::DataType& type, std::string* out) {
  const IntervalFields fields = FieldsOf(type);
  const int64_t all = months < 0 ? -static_cast<int64_t>(months) : months;
  fmt::format_to(std::back_inserter(*out), "INTERVAL '{}", months < 0 ? "-" : "");
  if (fields == kYearToMonth) {
    fmt::format_to(std::back_inserter(*out), "{}-{}", all / 12, all % 12);
  } else {
    *out += std::to_string(fields.first == 0 ? all / 12 : all);
  }
  *out += "' " + UpperFields(type);
}

void AppendBytes(std::string_view bytes, NullText style, std::string* out) {
  if (style == NullText::kCast) {
    *out += bytes;
    return;
  }
  constexpr std::string_view kHex = "0123456789ABCDEF";
  *out += '[';
  bool first = true;
  for (const char c : bytes) {
    if (!first) *out += ' ';
    first = false;
    *out += kHex[static_cast<unsigned char>(c) >> 4];
    *out += kHex[static_cast<unsigned char>(c) & 15];
  }
  *out += ']';
}

// A value inside another, which may be null.
void AppendInner(const arrow::Array& array, int64_t row, std::string_view time_zone,
                 NullText null_text, std::string* out) {
  if (array.IsNull(row)) {
    *out += null_text == NullText::kPretty ? "NULL" : "null";
  } else {
    AppendValue(array, row, time_zone, null_text, out);
  }
}

void AppendList(const arrow::ListArray& list, int64_t row, std::string_view time_zone,
                NullText null_text, std::string* out) {
  *out += '[';
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    if (i > list.value_offset(row)) *out += ", ";
    AppendInner(*list.values(), i, time_zone, null_text, out);
  }
  *out += ']';
}

void AppendMap(const arrow::MapArray& map, int64_t row, std::string_view time_zone,
               NullText null_text, std::string* out) {
  *out += '{';
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    if (i > map.value_offset(row)) *out += ", ";
    AppendInner(*map.keys(), i, time_zone, null_text, out);
    *out += " -> ";
    AppendInner(*map.items(), i, time_zone, null_text, out);
  }
  *out += '}';
}

void AppendStruct(const arrow::StructArray& structs, int64_t row,
                  std::string_view time_zone, NullText null_text, std::string* out) {
  *out += '{';
  for (int i = 0; i < structs.num_fields(); ++i) {
    if (i > 0) *out += ", ";
    AppendInner(*structs.field(i), row, time_zone, null_text, out);
  }
  *out += '}';
}

}  // namespace

void AppendDouble(double value, std::string* out) { AppendFloating(value, out); }
void AppendFloat(float value, std::string* out) { AppendFloating(value, out); }

void AppendValue(const arrow::Array& array, int64_t row, std::string_view time_zone,
                 NullText null_text, std::string* out) {
  const auto value = [&]<typename ArrayType>(std::type_identity<ArrayType>) {
    return static_cast<const ArrayType&>(array).GetView(row);
  };
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      *out += value(std::type_identity<arrow::BooleanArray>()) ? "true" : "false";
      break;
    case arrow::Type::INT8:
      AppendInteger(value(std::type_identity<arrow::Int8Array>()), out);
      break;
    case arrow::Type::INT16:
      AppendInteger(value(std::type_identity<arrow::Int16Array>()), out);
      break;
    case arrow::Type::INT32:
      AppendInteger(value(std::type_identity<arrow::Int32Array>()), out);
      break;
    case arrow::Type::INT64:
      AppendInteger(value(std::type_identity<arrow::Int64Array>()), out);
      break;
    case arrow::Type::FLOAT:
      AppendFloat(value(std::type_identity<arrow::FloatArray>()), out);
      break;
    case arrow::Type::DOUBLE:
      AppendDouble(value(std::type_identity<arrow::DoubleArray>()), out);
      break;
    case arrow::Type::DECIMAL128: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
      const auto& type = static_cast<const arrow::DecimalType&>(*array.type());
      const arrow::Decimal128 decimal(decimals.GetValue(row));
      std::string digits =
          arrow::Decimal128(arrow::Decimal128::Abs(decimal)).ToIntegerString();
      const auto scale = static_cast<size_t>(type.scale());
      if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
      if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
      if (decimal.IsNegative()) *out += '-';
      *out += digits;
      break;
    }
    case arrow::Type::STRING_VIEW:
      *out += value(std::type_identity<arrow::StringViewArray>());
      break;
    case arrow::Type::STRING:
      *out += value(std::type_identity<arrow::StringArray>());
      break;
    case arrow::Type::BINARY_VIEW:
      AppendBytes(value(std::type_identity<arrow::BinaryViewArray>()), null_text, out);
      break;
    case arrow::Type::BINARY:
      AppendBytes(value(std::type_identity<arrow::BinaryArray>()), null_text, out);
      break;
    case arrow::Type::DATE32:
      AppendDate(value(std::type_identity<arrow::Date32Array>()), out);
      break;
    case arrow::Type::TIMESTAMP: {
      int64_t micros = value(std::type_identity<arrow::TimestampArray>());
      if (IsTimestamp(*array.type())) {
        const TimeZone* const zone = FindZone(time_zone);
        if (zone != nullptr) micros = zone->ToLocal(micros);
      }
      AppendTimestamp(micros, out);
      break;
    }
    case arrow::Type::DURATION:
      AppendDayTime(value(std::type_identity<arrow::DurationArray>()), *array.type(),
                    out);
      break;
    case arrow::Type::INTERVAL_MONTHS:
      AppendYearMonth(value(std::type_identity<arrow::MonthIntervalArray>()),
                      *array.type(), out);
      break;
    case arrow::Type::LIST:
      AppendList(static_cast<const arrow::ListArray&>(array), row, time_zone, null_text,
                 out);
      break;
    case arrow::Type::MAP:
      AppendMap(static_cast<const arrow::MapArray&>(array), row, time_zone, null_text,
                out);
      break;
    case arrow::Type::STRUCT:
      AppendStruct(static_cast<const arrow::StructArray&>(array), row, time_zone,
                   null_text, out);
      break;
    default:
      *out += null_text == NullText::kPretty ? "NULL" : "null";  // only void is left
  }
}

}  // namespace millrace::data
