#include "expr/sql_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "data/show.h"
#include "expr/function.h"
#include "expr/lambda.h"

namespace millrace::expr {
namespace {

// Operators that stand between their operands.
constexpr auto kInfix = std::to_array<std::string_view>(
    {"+", "-", "*",  "/",  "%",   "=",   "<=>", "<",   "<=",   ">",     ">=",   "&",
     "|", "^", "<<", ">>", ">>>", "and", "or",  "div", "like", "rlike", "ilike"});

bool IsInfix(std::string_view name) {
  return std::find(kInfix.begin(), kInfix.end(), name) != kInfix.end();
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return upper;
}

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(hex), "{:02X}", static_cast<unsigned char>(byte));
  }
  return hex;
}

std::string LiteralText(const arrow::Array& value, int64_t row);

// Nested values as the calls that make them: array(1, 2), map(a, 1), named_struct(x, 1).
std::string ListText(const arrow::ListArray& list, int64_t row) {
  std::vector<std::string> parts;
  const int64_t end = list.value_offset(row) + list.value_length(row);
  for (int64_t i = list.value_offset(row); i < end; ++i) {
    if (list.type_id() == arrow::Type::MAP) {
      const auto& map = static_cast<const arrow::MapArray&>(list);
      parts.push_back(LiteralText(*map.keys(), i));
      parts.push_back(LiteralText(*map.items(), i));
    } else {
      parts.push_back(LiteralText(*list.values(), i));
    }
  }
  const std::string_view name = list.type_id() == arrow::Type::MAP ? "map" : "array";
  return fmt::format("{}({})", name, fmt::join(parts, ", "));
}

std::string StructText(const arrow::StructArray& record, int64_t row) {
  std::vector<std::string> values;
  std::vector<std::string> pairs;
  bool numbered = true;  // struct(…) names its fields col1, col2 …
  for (int i = 0; i < record.num_fields(); ++i) {
    const std::string& name = record.struct_type()->field(i)->name();
    numbered = numbered && name == fmt::format("col{}", i + 1);
    values.push_back(LiteralText(*record.field(i), row));
    pairs.push_back(name);
    pairs.push_back(values.back());
  }
  if (numbered) return fmt::format("struct({})", fmt::join(values, ", "));
  return fmt::format("named_struct({})", fmt::join(pairs, ", "));
}

std::string LiteralText(const arrow::Array& value, int64_t row) {
  if (value.type_id() == arrow::Type::NA || value.IsNull(row)) return "NULL";
  std::string text;
  switch (value.type_id()) {
    case arrow::Type::BINARY_VIEW:
      return "X'" + Hex(static_cast<const arrow::BinaryViewArray&>(value).GetView(row)) +
             "'";
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return ListText(static_cast<const arrow::ListArray&>(value), row);
    case arrow::Type::STRUCT:
      return StructText(static_cast<const arrow::StructArray&>(value), row);
    case arrow::Type::DATE32:
      text = "DATE '";
      break;
    case arrow::Type::TIMESTAMP:
      text = data::IsTimestamp(*value.type()) ? "TIMESTAMP '" : "TIMESTAMP_NTZ '";
      break;
    default:
      data::AppendValue(value, row, "UTC", data::NullText::kCast, &text);
      return text;
  }
  data::AppendValue(value, row, "UTC", data::NullText::kCast, &text);
  return text + "'";
}

}  // namespace

std::string SqlText(const Expr& expr, ColumnText columns) {
  if (const auto* column = dynamic_cast<const Column*>(&expr)) {
    if (columns == ColumnText::kName) return column->name();
    return fmt::format("{}#{}", column->name(), column->id());
  }
  if (const auto* literal = dynamic_cast<const Literal*>(&expr)) {
    return LiteralText(*literal->value(), 0);
  }
  if (const auto* lambda = dynamic_cast<const Lambda*>(&expr)) {
    std::string text = SqlText(lambda->body(), columns);
    for (const auto& parameter : lambda->parameters()) {
      text += ", " + SqlText(*parameter, columns);
    }
    return fmt::format("lambdafunction({})", text);
  }
  const std::string_view name = CallName(expr);
  if (name.empty()) return expr.ToString();
  if ((name == "cast" || name == "try_cast") && expr.children().size() == 1) {
    return fmt::format("{}({} AS {})", Upper(name), SqlText(*expr.children()[0], columns),
                       data::SqlTypeName(*expr.type()));
  }
  return SqlCallText(name, expr.children(), columns);
}

std::string SqlCallText(std::string_view name, std::span<const ExprPtr> arg_exprs,
                        ColumnText columns) {
  std::vector<std::string> args;
  for (const ExprPtr& arg : arg_exprs) args.push_back(SqlText(*arg, columns));

  if (args.size() == 2 && IsInfix(name)) {
    return fmt::format("({} {} {})", args[0], name == "div" ? "div" : Upper(name),
                       args[1]);
  }
  if (name == "not" && args.size() == 1) return fmt::format("(NOT {})", args[0]);
  if (name == "isnull" && args.size() == 1) return fmt::format("({} IS NULL)", args[0]);
  if (name == "isnotnull" && args.size() == 1) {
    return fmt::format("({} IS NOT NULL)", args[0]);
  }
  if (name == "in" && !args.empty()) {
    return fmt::format("({} IN ({}))", args[0],
                       fmt::join(args.begin() + 1, args.end(), ", "));
  }
  if (name == "if") return fmt::format("(IF({}))", fmt::join(args, ", "));
  if (name == "when") {
    std::string text = "CASE";
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
      text += fmt::format(" WHEN {} THEN {}", args[i], args[i + 1]);
    }
    if (args.size() % 2 == 1) text += " ELSE " + args.back();
    return text + " END";
  }
  if (name == "[]" && args.size() == 2) return fmt::format("{}[{}]", args[0], args[1]);
  if (name.starts_with(".") && args.size() == 1) return args[0] + std::string(name);
  return fmt::format("{}({})", name, fmt::join(args, ", "));
}

std::string SqlValue(const arrow::Array& array, int64_t row, const data::TimeZone& zone) {
  if (array.type_id() == arrow::Type::NA || array.IsNull(row)) return "NULL";
  std::string text;
  data::AppendValue(array, row, zone.id(), data::NullText::kCast, &text);
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return text + "Y";
    case arrow::Type::INT16:
      return text + "S";
    case arrow::Type::INT64:
      return text + "L";
    case arrow::Type::DECIMAL128:
      return text + "BD";
    case arrow::Type::DOUBLE:
      return text == "NaN" || text.ends_with("Infinity") ? text : text + "D";
    case arrow::Type::DATE32:
      return "DATE '" + text + "'";
    case arrow::Type::TIMESTAMP:
      return (data::IsTimestamp(*array.type()) ? "TIMESTAMP '" : "TIMESTAMP_NTZ '") +
             text + "'";
    case arrow::Type::BINARY_VIEW:
      return "X'" + Hex(static_cast<const arrow::BinaryViewArray&>(array).GetView(row)) +
             "'";
    case arrow::Type::STRING_VIEW: {
      std::string quoted = "'";
      for (const char c : text) {
        if (c == '\\' || c == '\'') quoted += '\\';
        quoted += c;
      }
      return quoted + "'";
    }
    default:
      return text;
  }
}

}  // namespace millrace::expr
