#include "connectors/file/partition_path.h"

#include <algorithm>
#include <charconv>

#include <arrow/array.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/file/text_column.h"
#include "connectors/file/utf8_text.h"
#include "data/show.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

bool NeedsEscape(unsigned char c) {
  return c < 0x20 || c == 0x7F ||
         std::string_view("\"#%'*/:=?\\{[]^").find(static_cast<char>(c)) !=
             std::string_view::npos;
}

enum class Kind { kNone, kInt, kLong, kDecimal, kDouble, kTimestamp, kDate, kString };

Kind KindOf(const std::string& text, int* digits) {
  int64_t number = 0;
  if (ParseTextLong(text, &number)) {
    *digits = std::max(*digits, static_cast<int>(text.size()));
    return number >= INT32_MIN && number <= INT32_MAX ? Kind::kInt : Kind::kLong;
  }
  const std::string_view unsigned_text = std::string_view(text).substr(
      text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  if (!unsigned_text.empty() && unsigned_text.size() <= 38 &&
      unsigned_text.find_first_not_of("0123456789") == std::string_view::npos) {
    *digits = std::max(*digits, static_cast<int>(unsigned_text.size()));
    return Kind::kDecimal;
  }
  double real = 0;
  if (ParseTextDouble(text, {}, &real)) return Kind::kDouble;
  // Spark's patterns here: yyyy-MM-dd, and yyyy-MM-dd HH:mm:ss[.S].
  const bool day_first = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                         data::ParseDate(std::string_view(text).substr(0, 10));
  if (day_first && text.size() == 10) return Kind::kDate;
  if (day_first && text.size() >= 19 && text[10] == ' ' &&
      data::ParseTimestampNtz(text, /*allow_zone=*/false)) {
    return Kind::kTimestamp;
  }
  return Kind::kString;
}

Kind Wider(Kind a, Kind b) {
  if (a == b || b == Kind::kNone) return a;
  if (a == Kind::kNone) return b;
  if (a > b) std::swap(a, b);
  if (b <= Kind::kDecimal) return b;
  if (a == Kind::kTimestamp && b == Kind::kDate) return Kind::kTimestamp;
  return a == Kind::kInt && b == Kind::kDouble ? Kind::kDouble : Kind::kString;
}

}  // namespace

std::string EscapePathName(std::string_view text) {
  const std::string valid = ToUtf8(text);
  std::string name;
  for (const char c : valid) {
    if (NeedsEscape(static_cast<unsigned char>(c))) {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      name += c;
    }
  }
  return name;
}

std::string UnescapePathName(std::string_view name) {
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    unsigned char byte = 0;
    if (name[i] == '%' && i + 2 < name.size()) {
      const char* const begin = name.data() + i + 1;
      const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
      if (error == std::errc() && end == begin + 2) {
        text += static_cast<char>(byte);
        i += 2;
        continue;
      }
    }
    text += name[i];
  }
  return text;
}

std::string PartitionFolder(std::string_view column, const arrow::Array& values,
                            int64_t row, std::string_view time_zone) {
  std::string text;
  if (!values.IsNull(row)) {
    data::AppendValue(values, row, time_zone, data::NullText::kCast, &text);
  }
  return fmt::format(
      "{}={}", EscapePathName(column),
      text.empty() ? std::string(kHiveDefaultPartition) : EscapePathName(text));
}

std::optional<PartitionValue> ParsePartitionFolder(std::string_view name) {
  const size_t equals = name.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  PartitionValue parsed{.column = UnescapePathName(name.substr(0, equals)), .value = {}};
  const std::string_view value = name.substr(equals + 1);
  if (value != kHiveDefaultPartition) parsed.value = UnescapePathName(value);
  return parsed;
}

data::TypePtr InferPartitionType(std::span<const std::optional<std::string>> values) {
  Kind kind = Kind::kNone;
  int digits = 1;
  for (const std::optional<std::string>& value : values) {
    if (value)
      kind = Wider(kind, value->empty() ? Kind::kString : KindOf(*value, &digits));
  }
  switch (kind) {
    case Kind::kInt:
      return data::IntType();
    case Kind::kLong:
      return data::LongType();
    case Kind::kDecimal:
      return data::DecimalOf(std::min(digits, 38), 0);
    case Kind::kDouble:
      return data::DoubleType();
    case Kind::kTimestamp:
      return data::TimestampType();
    case Kind::kDate:
      return data::DateType();
    case Kind::kNone:
      return data::NullType();
    case Kind::kString:
      break;
  }
  return data::StringType();
}

Result<data::ArrayPtr> RepeatPartitionValue(const data::TypePtr& type,
                                            const std::optional<std::string>& value,
                                            int64_t length, std::string_view time_zone) {
  if (!value || type->id() == arrow::Type::NA) return data::Nulls(type, length);
  TextFormats formats;
  MILLRACE_ASSIGN_OR_RETURN(formats.zone, data::TimeZone::Find(time_zone));
  const Cell cell = *value;
  std::vector<bool> bad(1);
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr one,
                            ParseTextColumn(type, {&cell, 1}, formats, &bad));
  if (bad[0]) {
    return Error(Fault::kData,
                 "The value '{}' of the type \"STRING\" cannot be cast to \"{}\" because "
                 "it is "
                 "malformed. It is the name of a partition folder; give the column a "
                 "type that "
                 "all folders fit.",
                 *value, data::SqlTypeName(*type))
        .Class("CAST_INVALID_INPUT", "22018")
        .Java("org.apache.spark.SparkNumberFormatException");
  }
  const std::vector<int32_t> zeros(static_cast<size_t>(length), 0);
  return data::Take(*one, zeros);
}

}  // namespace millrace::connectors::file
