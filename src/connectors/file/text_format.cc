#include "connectors/file/text_format.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/file/file_format.h"
#include "connectors/file/file_options.h"
#include "connectors/file/line_reader.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

/// So many lines make a batch at the most.
constexpr size_t kBatchLines = 16 * 1024;
constexpr size_t kFlushBytes = 64 * 1024;

class TextReader final : public connector::Reader {
 public:
  /// `wanted` is the column of the lines, or nothing.
  TextReader(LineReader lines, data::SchemaPtr wanted, bool whole)
      : lines_(std::move(lines)), wanted_(std::move(wanted)), whole_(whole) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    if (stop.stop_requested()) return connector::Cancelled();
    if (pending_.empty()) MILLRACE_RETURN_IF_ERROR(Fill());
    if (pending_.empty()) return data::Batch();
    const auto some = pending_.first(std::min(kBatchLines, pending_.size()));
    pending_ = pending_.subspan(some.size());
    std::vector<data::ArrayPtr> columns;
    if (wanted_->num_fields() > 0) {
      arrow::StringViewBuilder builder;
      data::ArrayPtr column;
      arrow::Status status = builder.Reserve(static_cast<int64_t>(some.size()));
      for (size_t i = 0; status.ok() && i < some.size(); ++i) {
        status = builder.Append(some[i]);
      }
      if (status.ok()) status = builder.Finish(&column);
      if (!status.ok()) return InternalError("reading lines: {}", status.ToString());
      columns.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(wanted_, static_cast<int64_t>(some.size()),
                                    std::move(columns));
  }

  int64_t bytes_read() const override { return lines_.bytes_read(); }

 private:
  Status Fill() {
    if (!whole_) {
      MILLRACE_ASSIGN_OR_RETURN(pending_, lines_.Next());
      return Status::OK();
    }
    if (std::exchange(whole_given_, true)) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(text_, lines_.Rest());
    pending_ = {&text_, 1};
    return Status::OK();
  }

  LineReader lines_;
  const data::SchemaPtr wanted_;
  const bool whole_;
  std::span<const std::string_view> pending_;
  std::string_view text_;
  bool whole_given_ = false;
};

class TextFormat final : public FileFormat {
 public:
  std::string_view name() const override { return "text"; }
  std::span<const OptionSpec> options() const override { return TextSourceOptions(); }

  data::SchemaPtr FixedSchema() const override {
    return arrow::schema({arrow::field("value", data::StringType())});
  }

  Result<data::SchemaPtr> InferSchema(std::span<const DataFile>,
                                      const ReadContext&) const override {
    return FixedSchema();
  }

  Status CheckSchema(const data::SchemaPtr& schema) const override {
    return CheckTextSchema(schema);
  }

  Result<std::unique_ptr<connector::Reader>> Open(
      const std::string& path, const data::SchemaPtr&, const data::SchemaPtr& wanted,
      const ReadContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(const bool whole,
                              context.options.GetBool("wholetext", false));
    MILLRACE_ASSIGN_OR_RETURN(
        LineReader lines,
        LineReader::Open(*context.fs, path, context.options.GetOr("lineSep", "")));
    return std::unique_ptr<connector::Reader>(
        std::make_unique<TextReader>(std::move(lines), wanted, whole));
  }
};

class TextWriter final : public RowFileWriter {
 public:
  TextWriter(WritableFile& file, std::string line_end)
      : file_(file), line_end_(std::move(line_end)) {}

  Status Write(const data::Batch& batch) override {
    const auto& lines = static_cast<const arrow::StringViewArray&>(*batch->column(0));
    for (int64_t row = 0; row < lines.length(); ++row) {
      if (lines.IsValid(row)) text_ += lines.GetView(row);
      text_ += line_end_;
      if (text_.size() >= kFlushBytes) MILLRACE_RETURN_IF_ERROR(Flush());
    }
    return Status::OK();
  }

  Status Close() override { return Flush(); }

 private:
  Status Flush() {
    MILLRACE_RETURN_IF_ERROR(file_.Append(text_));
    text_.clear();
    return Status::OK();
  }

  WritableFile& file_;
  const std::string line_end_;
  std::string text_;
};

}  // namespace

std::unique_ptr<FileFormat> MakeTextFormat() { return std::make_unique<TextFormat>(); }

Result<RowFileFormat> TextLinesFormat(const Options& options, const std::string&) {
  return RowFileFormat{
      .extension = ".txt",
      .open = [end = options.GetOr("lineSep", "\n")](
                  WritableFile& file,
                  const data::SchemaPtr&) -> Result<std::unique_ptr<RowFileWriter>> {
        return std::unique_ptr<RowFileWriter>(std::make_unique<TextWriter>(file, end));
      }};
}

Status CheckTextSchema(const data::SchemaPtr& schema) {
  for (const data::FieldPtr& field : schema->fields()) {
    if (field->type()->id() == arrow::Type::STRING_VIEW) continue;
    const std::string type = data::SqlTypeName(*field->type());
    return AnalysisError(
               "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
               "The Text datasource doesn't support the column `{}` of the type \"{}\".",
               field->name(), type)
        .Param("columnName", fmt::format("`{}`", field->name()))
        .Param("columnType", fmt::format("\"{}\"", type))
        .Param("format", "Text");
  }
  if (schema->num_fields() == 1) return Status::OK();
  return AnalysisError("_LEGACY_ERROR_TEMP_1290", "",
                       "Text data source supports only a single column, and you have {} "
                       "columns.",
                       schema->num_fields())
      .Param("schemaSize", std::to_string(schema->num_fields()));
}

}  // namespace millrace::connectors::file
