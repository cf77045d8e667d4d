#include "connectors/file/text_writer.h"

#include <cmath>
#include <memory>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/file/text_column.h"
#include "data/show.h"
#include "data/time_text.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;

/// How dates and times are written.
struct TimeFormats {
  const data::TimeZone* zone = nullptr;
  std::shared_ptr<const data::TimePattern> timestamp;
  std::shared_ptr<const data::TimePattern> timestamp_ntz;
  std::shared_ptr<const data::TimePattern> date;

  static Result<TimeFormats> Make(const Options& options,
                                  const std::string& session_zone) {
    TimeFormats formats;
    MILLRACE_ASSIGN_OR_RETURN(
        formats.zone, data::TimeZone::Find(options.GetOr("timeZone", session_zone)));
    MILLRACE_ASSIGN_OR_RETURN(formats.timestamp,
                              data::TimePattern::Compile(options.GetOr(
                                  "timestampFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")));
    MILLRACE_ASSIGN_OR_RETURN(formats.timestamp_ntz,
                              data::TimePattern::Compile(options.GetOr(
                                  "timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss.SSS")));
    MILLRACE_ASSIGN_OR_RETURN(formats.date, data::TimePattern::Compile(options.GetOr(
                                                "dateFormat", "yyyy-MM-dd")));
    return formats;
  }

  /// Whether the value is a date or time; it is appended then.
  bool Append(const arrow::Array& array, int64_t row, std::string* out) const {
    const arrow::DataType& type = *array.type();
    if (type.id() == arrow::Type::DATE32) {
      const int64_t days = static_cast<const arrow::Date32Array&>(array).Value(row);
      date->Format(days * 86'400'000'000, *data::TimeZone::Utc(), out);
      return true;
    }
    if (type.id() != arrow::Type::TIMESTAMP) return false;
    const int64_t micros = static_cast<const arrow::TimestampArray&>(array).Value(row);
    if (data::IsTimestampNtz(type)) {
      timestamp_ntz->Format(micros, *data::TimeZone::Utc(), out);
    } else {
      timestamp->Format(micros, *zone, out);
    }
    return true;
  }
};

void AppendQuoted(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\t':
        *out += "\\t";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\f':
        *out += "\\f";
        break;
      case '\r':
        *out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          *out += c;
        }
    }
  }
  *out += '"';
}

void AppendBase64(std::string_view bytes, std::string* out) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      *out += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
}

class JsonText {
 public:
  JsonText(TimeFormats formats, bool skip_nulls)
      : formats_(std::move(formats)), skip_nulls_(skip_nulls) {}

  /// One object of a row of `columns`.
  void AppendObject(const arrow::FieldVector& fields,
                    const std::vector<std::shared_ptr<arrow::Array>>& columns,
                    int64_t row, std::string* out) const {
    *out += '{';
    const size_t begin = out->size();
    for (size_t i = 0; i < columns.size(); ++i) {
      if (skip_nulls_ && columns[i]->IsNull(row)) continue;
      if (out->size() > begin) *out += ',';
      AppendQuoted(fields[i]->name(), out);
      *out += ':';
      AppendValue(*columns[i], row, out);
    }
    *out += '}';
  }

 private:
  void AppendValue(const arrow::Array& array, int64_t row, std::string* out) const {
    if (array.IsNull(row)) {
      *out += "null";
      return;
    }
    switch (array.type_id()) {
      case arrow::Type::STRING_VIEW:
        AppendQuoted(static_cast<const arrow::StringViewArray&>(array).GetView(row), out);
        return;
      case arrow::Type::BINARY_VIEW:
        *out += '"';
        AppendBase64(static_cast<const arrow::BinaryViewArray&>(array).GetView(row), out);
        *out += '"';
        return;
      case arrow::Type::DATE32:
      case arrow::Type::TIMESTAMP:
        *out += '"';
        formats_.Append(array, row, out);
        *out += '"';
        return;
      case arrow::Type::STRUCT: {
        const auto& rows = static_cast<const arrow::StructArray&>(array);
        std::vector<std::shared_ptr<arrow::Array>> columns;
        for (int i = 0; i < rows.num_fields(); ++i) columns.push_back(rows.field(i));
        AppendObject(array.type()->fields(), columns, row, out);
        return;
      }
      case arrow::Type::MAP: {
        const auto& maps = static_cast<const arrow::MapArray&>(array);
        *out += '{';
        for (int64_t i = maps.value_offset(row); i < maps.value_offset(row + 1); ++i) {
          if (i > maps.value_offset(row)) *out += ',';
          std::string key;
          data::AppendValue(*maps.keys(), i, formats_.zone->id(), data::NullText::kCast,
                            &key);
          AppendQuoted(key, out);
          *out += ':';
          AppendValue(*maps.items(), i, out);
        }
        *out += '}';
        return;
      }
      case arrow::Type::LIST: {
        const auto& lists = static_cast<const arrow::ListArray&>(array);
        *out += '[';
        for (int64_t i = lists.value_offset(row); i < lists.value_offset(row + 1); ++i) {
          if (i > lists.value_offset(row)) *out += ',';
          AppendValue(*lists.values(), i, out);
        }
        *out += ']';
        return;
      }
      default: {
        const size_t begin = out->size();
        data::AppendValue(array, row, formats_.zone->id(), data::NullText::kCast, out);
        // NaN, Infinity and intervals are no JSON numbers.
        const std::string_view text = std::string_view(*out).substr(begin);
        if (array.type_id() != arrow::Type::BOOL &&
            text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
          std::string quoted;
          AppendQuoted(text, &quoted);
          out->replace(begin, std::string::npos, quoted);
        }
        return;
      }
    }
  }

  const TimeFormats formats_;
  const bool skip_nulls_;
};

/// Appends rows as text lines to a file.
class LineWriter : public RowFileWriter {
 public:
  explicit LineWriter(WritableFile& file) : file_(file) {}

  Status Write(const data::Batch& batch) final {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      AppendRow(*batch, row, &text_);
      if (text_.size() >= kFlushBytes) MILLRACE_RETURN_IF_ERROR(Flush());
    }
    return Status::OK();
  }

  Status Close() final { return Flush(); }

 protected:
  virtual void AppendRow(const arrow::RecordBatch& batch, int64_t row,
                         std::string* out) = 0;
  std::string text_;

 private:
  Status Flush() {
    if (text_.empty()) return Status::OK();
    const Status status = file_.Append(text_);
    text_.clear();
    return status;
  }

  WritableFile& file_;
};

class JsonWriter final : public LineWriter {
 public:
  JsonWriter(WritableFile& file, data::SchemaPtr schema,
             std::shared_ptr<const JsonText> text, std::string line_end)
      : LineWriter(file),
        schema_(std::move(schema)),
        json_(std::move(text)),
        line_end_(std::move(line_end)) {}

 protected:
  void AppendRow(const arrow::RecordBatch& batch, int64_t row,
                 std::string* out) override {
    json_->AppendObject(schema_->fields(), batch.columns(), row, out);
    *out += line_end_;
  }

 private:
  const data::SchemaPtr schema_;
  const std::shared_ptr<const JsonText> json_;
  const std::string line_end_;
};

struct CsvText {
  TimeFormats formats;
  std::string separator = ",";
  std::string quote = "\"";
  std::string escape = "\\";
  std::string null_text;
  std::string empty_text = "\"\"";
  std::string line_end = "\n";
  bool quote_all = false;
  bool header = false;

  void AppendCell(std::string_view text, std::string* out) const {
    // As univocity: blanks around are dropped, quotes only where they are needed.
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') {
      text.remove_prefix(1);
    }
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') {
      text.remove_suffix(1);
    }
    if (text.empty()) {
      *out += empty_text;
      return;
    }
    const bool quoted =
        !quote.empty() &&
        (quote_all || text.find(separator) != text.npos ||
         text.find(quote) != text.npos || text.find_first_of("\r\n") != text.npos);
    if (!quoted) {
      *out += text;
      return;
    }
    *out += quote;
    for (const char c : text) {
      if (quote[0] == c || (!escape.empty() && escape[0] == c)) *out += escape;
      *out += c;
    }
    *out += quote;
  }
};

class CsvWriter final : public LineWriter {
 public:
  CsvWriter(WritableFile& file, const arrow::Schema& schema,
            std::shared_ptr<const CsvText> text)
      : LineWriter(file), csv_(std::move(text)) {
    if (!csv_->header) return;
    for (int i = 0; i < schema.num_fields(); ++i) {
      if (i > 0) text_ += csv_->separator;
      csv_->AppendCell(schema.field(i)->name(), &text_);
    }
    text_ += csv_->line_end;
  }

 protected:
  void AppendRow(const arrow::RecordBatch& batch, int64_t row,
                 std::string* out) override {
    for (int i = 0; i < batch.num_columns(); ++i) {
      if (i > 0) *out += csv_->separator;
      const arrow::Array& column = *batch.column(i);
      if (column.IsNull(row)) {
        *out += csv_->null_text;
        continue;
      }
      cell_.clear();
      if (!csv_->formats.Append(column, row, &cell_)) {
        data::AppendValue(column, row, csv_->formats.zone->id(), data::NullText::kCast,
                          &cell_);
      }
      csv_->AppendCell(cell_, out);
    }
    *out += csv_->line_end;
  }

 private:
  const std::shared_ptr<const CsvText> csv_;
  std::string cell_;
};

}  // namespace

Result<RowFileFormat> JsonLinesFormat(const Options& options,
                                      const std::string& session_time_zone) {
  MILLRACE_ASSIGN_OR_RETURN(TimeFormats formats,
                            TimeFormats::Make(options, session_time_zone));
  MILLRACE_ASSIGN_OR_RETURN(const bool skip_nulls,
                            options.GetBool("ignoreNullFields", true));
  auto text = std::make_shared<const JsonText>(std::move(formats), skip_nulls);
  return RowFileFormat{.extension = ".json",
                       .open = [text, end = options.GetOr("lineSep", "\n")](
                                   WritableFile& file, const data::SchemaPtr& schema)
                           -> Result<std::unique_ptr<RowFileWriter>> {
                         return std::unique_ptr<RowFileWriter>(
                             std::make_unique<JsonWriter>(file, schema, text, end));
                       }};
}

Status CheckJsonSchema(const data::SchemaPtr&) { return Status::OK(); }

Result<RowFileFormat> CsvLinesFormat(const Options& options,
                                     const std::string& session_time_zone) {
  auto text = std::make_shared<CsvText>();
  MILLRACE_ASSIGN_OR_RETURN(text->formats, TimeFormats::Make(options, session_time_zone));
  text->separator = options.GetOr("sep", options.GetOr("delimiter", text->separator));
  text->quote = options.GetOr("quote", text->quote);
  text->escape = options.GetOr("escape", text->escape);
  text->null_text = options.GetOr("nullValue", text->null_text);
  text->empty_text = options.GetOr("emptyValue", text->empty_text);
  text->line_end = options.GetOr("lineSep", text->line_end);
  MILLRACE_ASSIGN_OR_RETURN(text->quote_all, options.GetBool("quoteAll", false));
  MILLRACE_ASSIGN_OR_RETURN(text->header, options.GetBool("header", false));
  return RowFileFormat{.extension = ".csv",
                       .open = [text = std::shared_ptr<const CsvText>(std::move(text))](
                                   WritableFile& file, const data::SchemaPtr& schema)
                           -> Result<std::unique_ptr<RowFileWriter>> {
                         return std::unique_ptr<RowFileWriter>(
                             std::make_unique<CsvWriter>(file, *schema, text));
                       }};
}

Status CheckCsvSchema(const data::SchemaPtr& schema) {
  for (const data::FieldPtr& field : schema->fields()) {
    const bool single = IsTextType(*field->type()) ||
                        field->type()->id() == arrow::Type::DURATION ||
                        field->type()->id() == arrow::Type::INTERVAL_MONTHS;
    if (single && field->type()->id() != arrow::Type::BINARY_VIEW) continue;
    return AnalysisError("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
                         "The CSV datasource doesn't support the column `{}` of the type "
                         "\"{}\".",
                         field->name(), data::SqlTypeName(*field->type()))
        .Param("columnName", fmt::format("`{}`", field->name()))
        .Param("columnType", fmt::format("\"{}\"", data::SqlTypeName(*field->type())))
        .Param("format", "CSV");
  }
  return Status::OK();
}

}  // namespace millrace::connectors::file
