#include "connectors/file/csv_schema.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <arrow/type.h>
#include <fmt/format.h>

#include "base/ascii.h"

namespace millrace::connectors::file {
namespace {

bool IsIsoDate(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && data::ParseDate(text);
}

}  // namespace

Result<CsvSchemaInference> CsvSchemaInference::Make(
    const Options& options, const std::string& session_time_zone) {
  CsvSchemaInference inference;
  MILLRACE_ASSIGN_OR_RETURN(inference.formats_,
                            TextFormats::Make(options, session_time_zone));
  MILLRACE_ASSIGN_OR_RETURN(inference.prefer_date_, options.GetBool("preferDate", true));
  return inference;
}

void CsvSchemaInference::SetHeader(std::span<const Cell> cells, bool is_header) {
  if (has_header()) return;
  std::map<std::string, int> count;
  for (const Cell cell : cells) ++count[LowerCase(cell)];
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!is_header || cells[i].empty()) {
      names_.push_back(fmt::format("_c{}", i));
    } else if (count[LowerCase(cells[i])] > 1) {
      names_.push_back(fmt::format("{}{}", cells[i], i));
    } else {
      names_.emplace_back(cells[i]);
    }
  }
  columns_.resize(names_.size());
}

CsvSchemaInference::Kind CsvSchemaInference::KindOf(std::string_view text,
                                                    int* digits) const {
  int64_t integer = 0;
  if (ParseTextLong(text, &integer)) {
    return integer >= INT32_MIN && integer <= INT32_MAX ? Kind::kInt : Kind::kLong;
  }
  std::string_view plain = text;
  if (plain.starts_with('-') || plain.starts_with('+')) plain.remove_prefix(1);
  if (!plain.empty() && plain.size() <= 38 &&
      plain.find_first_not_of("0123456789") == std::string_view::npos) {
    *digits = static_cast<int>(plain.size());
    return Kind::kDecimal;
  }
  double real = 0;
  if (ParseTextDouble(text, formats_, &real)) return Kind::kDouble;
  if (prefer_date_ &&
      (formats_.date == nullptr ? IsIsoDate(text)
                                : formats_.date->ParseLocal(text).has_value())) {
    return Kind::kDate;
  }
  const bool timestamp =
      formats_.timestamp == nullptr
          ? data::ParseTimestamp(text, *formats_.zone, 0).has_value()
          : formats_.timestamp->Parse(text, *formats_.zone).has_value();
  if (timestamp) return Kind::kTimestamp;
  const std::string lower = LowerCase(text);
  return lower == "true" || lower == "false" ? Kind::kBoolean : Kind::kString;
}

void CsvSchemaInference::Add(std::span<const Cell> cells) {
  const size_t count = std::min(cells.size(), columns_.size());
  for (size_t i = 0; i < count; ++i) {
    Column& column = columns_[i];
    if (cells[i].data() == nullptr || column.kind == Kind::kString) continue;
    int digits = 0;
    const Kind kind = KindOf(cells[i], &digits);
    column.digits = std::max(column.digits, digits);
    if (column.kind == kind) continue;
    if (column.kind == Kind::kNull) {
      column.kind = kind;
    } else if (std::max(column.kind, kind) <= Kind::kDouble) {
      column.kind = std::max(column.kind, kind);
    } else if (std::minmax(column.kind, kind) ==
               std::minmax(Kind::kDate, Kind::kTimestamp)) {
      column.kind = Kind::kTimestamp;
    } else {
      column.kind = Kind::kString;
    }
  }
}

data::SchemaPtr CsvSchemaInference::Finish(bool infer) const {
  arrow::FieldVector fields;
  for (size_t i = 0; i < names_.size(); ++i) {
    data::TypePtr type = data::StringType();
    switch (infer ? columns_[i].kind : Kind::kString) {
      case Kind::kInt:
        type = data::IntType();
        break;
      case Kind::kLong:
        type = data::LongType();
        break;
      case Kind::kDecimal:
        type = data::DecimalOf(std::max(columns_[i].digits, 1), 0);
        break;
      case Kind::kDouble:
        type = data::DoubleType();
        break;
      case Kind::kDate:
        type = data::DateType();
        break;
      case Kind::kTimestamp:
        type = data::TimestampType();
        break;
      case Kind::kBoolean:
        type = data::BooleanType();
        break;
      case Kind::kNull:
      case Kind::kString:
        break;
    }
    fields.push_back(arrow::field(names_[i], std::move(type)));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace millrace::connectors::file
