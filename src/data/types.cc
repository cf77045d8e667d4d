#include "data/types.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

#include <iterator>

#include "data/interval_type.h"
#include "data/type_metadata.h"

namespace millrace::data {
namespace {

// Spark's spark.sql.debug.maxToStringFields: simpleString shows no more fields of a
// struct.
constexpr int kMaxSimpleFields = 25;

const arrow::TimestampType& AsTimestamp(const arrow::DataType& type) {
  return static_cast<const arrow::TimestampType&>(type);
}

std::string DecimalText(const arrow::DataType& type, std::string_view name) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return fmt::format("{}({},{})", name, decimal.precision(), decimal.scale());
}

// Spark's QuotingUtils.quoteIfNeeded.
std::string QuoteIfNeeded(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  bool plain = !name.empty() && is_letter(name[0]);
  for (const char c : name) plain = plain && (is_letter(c) || (c >= '0' && c <= '9'));
  if (plain) return std::string(name);
  std::string quoted = "`";
  for (const char c : name) quoted.append(c == '`' ? 2 : 1, c);
  return quoted + "`";
}

std::string SqlField(const arrow::Field& field) {
  std::string text =
      fmt::format("{}: {}", QuoteIfNeeded(field.name()), SqlTypeName(*field.type()));
  if (!field.nullable()) text += " NOT NULL";
  if (const std::optional<std::string> comment = FieldComment(field)) {
    text += " COMMENT '";
    for (const char c : *comment) {
      if (c == '\'') text += '\\';
      text += c;
    }
    text += '\'';
  }
  return text;
}

// Names with characters that would break the layout are escaped, as Spark's
// SparkSchemaUtils.escapeMetaCharacters does.
std::string EscapeName(std::string_view name) {
  std::string text;
  for (const char c : name) {
    switch (c) {
      case '\n':
        text += "\\n";
        break;
      case '\r':
        text += "\\r";
        break;
      case '\t':
        text += "\\t";
        break;
      case '\f':
        text += "\\f";
        break;
      case '\b':
        text += "\\b";
        break;
      case '\v':
        text += "\\v";
        break;
      case '\a':
        text += "\\a";
        break;
      default:
        text += c;
    }
  }
  return text;
}

void AppendTree(const arrow::DataType& type, const std::string& prefix, std::string* out);

void AppendTreeLine(const std::string& prefix, std::string_view name,
                    const arrow::DataType& type, std::string_view null_word,
                    bool nullable, std::string* out) {
  *out += prefix;
  fmt::format_to(std::back_inserter(*out), "-- {}: {}", name, JsonTypeName(type));
  if (!null_word.empty())
    fmt::format_to(std::back_inserter(*out), " ({} = {})", null_word, nullable);
  *out += '\n';
  AppendTree(type, prefix + "    |", out);
}

void AppendTree(const arrow::DataType& type, const std::string& prefix,
                std::string* out) {
  switch (type.id()) {
    case arrow::Type::STRUCT:
      for (const FieldPtr& field : type.fields()) {
        AppendTreeLine(prefix, EscapeName(field->name()), *field->type(), "nullable",
                       field->nullable(), out);
      }
      break;
    case arrow::Type::LIST: {
      const arrow::Field& element = *type.field(0);
      AppendTreeLine(prefix, "element", *element.type(), "containsNull",
                     element.nullable(), out);
      break;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      AppendTreeLine(prefix, "key", *map.key_type(), "", false, out);
      AppendTreeLine(prefix, "value", *map.item_type(), "valueContainsNull",
                     map.item_field()->nullable(), out);
      break;
    }
    default:
      break;
  }
}

}  // namespace

TypePtr BooleanType() { return arrow::boolean(); }
TypePtr IntType() { return arrow::int32(); }
TypePtr LongType() { return arrow::int64(); }
TypePtr DoubleType() { return arrow::float64(); }
TypePtr StringType() { return arrow::utf8_view(); }
TypePtr BinaryType() { return arrow::binary_view(); }
TypePtr DateType() { return arrow::date32(); }
TypePtr NullType() { return arrow::null(); }

TypePtr TimestampType() {
  static const TypePtr type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return type;
}

TypePtr TimestampNtzType() {
  static const TypePtr type = arrow::timestamp(arrow::TimeUnit::MICRO);
  return type;
}

TypePtr ArrayOf(TypePtr element, bool contains_null) {
  return arrow::list(arrow::field("element", std::move(element), contains_null));
}

TypePtr MapOf(TypePtr key, TypePtr value, bool value_contains_null) {
  return std::make_shared<arrow::MapType>(
      arrow::field("key", std::move(key), false),
      arrow::field("value", std::move(value), value_contains_null));
}

TypePtr DecimalOf(int precision, int scale) {
  return arrow::decimal128(precision, scale);
}

bool IsTimestamp(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP && !AsTimestamp(type).timezone().empty();
}

bool IsTimestampNtz(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP && AsTimestamp(type).timezone().empty();
}

bool IsString(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING_VIEW || type.id() == arrow::Type::STRING ||
         type.id() == arrow::Type::LARGE_STRING;
}

bool IsInteger(const arrow::DataType& type) {
  return type.id() == arrow::Type::INT8 || type.id() == arrow::Type::INT16 ||
         type.id() == arrow::Type::INT32 || type.id() == arrow::Type::INT64;
}

bool IsNumeric(const arrow::DataType& type) {
  return IsInteger(type) || type.id() == arrow::Type::FLOAT ||
         type.id() == arrow::Type::DOUBLE || type.id() == arrow::Type::DECIMAL128;
}

std::string SimpleTypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
      return "tinyint";
    case arrow::Type::INT16:
      return "smallint";
    case arrow::Type::INT32:
      return "int";
    case arrow::Type::INT64:
      return "bigint";
    case arrow::Type::LIST:
      return fmt::format("array<{}>", SimpleTypeName(*type.field(0)->type()));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return fmt::format("map<{},{}>", SimpleTypeName(*map.key_type()),
                         SimpleTypeName(*map.item_type()));
    }
    case arrow::Type::STRUCT: {
      std::string text = "struct<";
      for (int i = 0; i < type.num_fields(); ++i) {
        if (i > 0) text += ',';
        if (i == kMaxSimpleFields) {
          text += fmt::format("... {} more fields", type.num_fields() - i);
          break;
        }
        const arrow::Field& field = *type.field(i);
        text += fmt::format("{}:{}", field.name(), SimpleTypeName(*field.type()));
      }
      return text + ">";
    }
    default:
      return JsonTypeName(type);
  }
}

std::string SqlTypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
      return fmt::format("ARRAY<{}>", SqlTypeName(*type.field(0)->type()));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return fmt::format("MAP<{}, {}>", SqlTypeName(*map.key_type()),
                         SqlTypeName(*map.item_type()));
    }
    case arrow::Type::STRUCT: {
      std::string text = "STRUCT<";
      for (int i = 0; i < type.num_fields(); ++i) {
        if (i > 0) text += ", ";
        text += SqlField(*type.field(i));
      }
      return text + ">";
    }
    default: {
      std::string text = SimpleTypeName(type);
      for (char& c : text)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      return text;
    }
  }
}

std::string JsonTypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return "void";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT8:
      return "byte";
    case arrow::Type::INT16:
      return "short";
    case arrow::Type::INT32:
      return "integer";
    case arrow::Type::INT64:
      return "long";
    case arrow::Type::FLOAT:
      return "float";
    case arrow::Type::DOUBLE:
      return "double";
    case arrow::Type::DECIMAL128:
      return DecimalText(type, "decimal");
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return "string";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return "binary";
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIMESTAMP:
      return IsTimestamp(type) ? "timestamp" : "timestamp_ntz";
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTHS:
      return "interval " + IntervalFieldsText(type);
    case arrow::Type::LIST:
      return "array";
    case arrow::Type::MAP:
      return "map";
    case arrow::Type::STRUCT:
      return "struct";
    default:
      return type.ToString();  // not a type of the engine; only error messages get here
  }
}

std::string TreeString(const arrow::Schema& schema) {
  std::string text = "root\n";
  AppendTree(*arrow::struct_(schema.fields()), " |", &text);
  return text;
}

}  // namespace millrace::data
