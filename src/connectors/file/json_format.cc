// Reads JSON files, a document a line; the documents are parsed by whoever the engine
// gave.
#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/file/file_format.h"
#include "connectors/file/file_options.h"
#include "connectors/file/json_schema.h"
#include "connectors/file/line_reader.h"
#include "connectors/file/read_mode.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

/// So many lines make a batch at the most.
constexpr size_t kBatchLines = 16 * 1024;

class JsonReader final : public connector::Reader {
 public:
  JsonReader(LineReader lines, std::unique_ptr<connector::RowParser> parser,
             bool multi_line)
      : lines_(std::move(lines)), parser_(std::move(parser)), multi_line_(multi_line) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    for (;;) {
      if (stop.stop_requested()) return connector::Cancelled();
      if (pending_.empty()) {
        MILLRACE_ASSIGN_OR_RETURN(const bool more, Fill());
        if (!more) return data::Batch();
      }
      const auto some = pending_.first(std::min(kBatchLines, pending_.size()));
      pending_ = pending_.subspan(some.size());
      MILLRACE_ASSIGN_OR_RETURN(data::Batch batch, parser_->Parse(some));
      if (batch->num_rows() > 0) return batch;
    }
  }

  int64_t bytes_read() const override { return lines_.bytes_read(); }

 private:
  Result<bool> Fill() {
    if (!multi_line_) {
      MILLRACE_ASSIGN_OR_RETURN(pending_, lines_.Next());
      return !pending_.empty();
    }
    MILLRACE_ASSIGN_OR_RETURN(document_, lines_.Rest());
    if (std::exchange(document_given_, true) || document_.empty()) return false;
    pending_ = {&document_, 1};
    return true;
  }

  LineReader lines_;
  const std::unique_ptr<connector::RowParser> parser_;
  const bool multi_line_;
  std::span<const std::string_view> pending_;
  std::string_view document_;
  bool document_given_ = false;
};

class JsonFormat final : public FileFormat {
 public:
  explicit JsonFormat(connector::RowParserFactory parsers)
      : parsers_(std::move(parsers)) {}

  std::string_view name() const override { return "json"; }
  std::span<const OptionSpec> options() const override { return JsonSourceOptions(); }

  Result<data::SchemaPtr> InferSchema(std::span<const DataFile> files,
                                      const ReadContext& context) const override {
    const Options& options = context.options;
    JsonSchemaOptions settings;
    MILLRACE_ASSIGN_OR_RETURN(settings.primitives_as_string,
                              options.GetBool("primitivesAsString", false));
    const ReadMode mode = ReadModeOf(options);
    settings.fail_fast = mode == ReadMode::kFailFast;
    settings.corrupt_column =
        mode == ReadMode::kPermissive
            ? options.GetOr("columnNameOfCorruptRecord", settings.corrupt_column)
            : "";
    MILLRACE_ASSIGN_OR_RETURN(const bool multi_line, options.GetBool("multiLine", false));
    JsonSchemaInference inference(settings);
    for (const DataFile& file : files) {
      MILLRACE_ASSIGN_OR_RETURN(
          LineReader lines,
          LineReader::Open(*context.fs, file.path, options.GetOr("lineSep", "")));
      if (multi_line) {
        MILLRACE_ASSIGN_OR_RETURN(const std::string_view document, lines.Rest());
        MILLRACE_RETURN_IF_ERROR(inference.Add(document));
        continue;
      }
      for (;;) {
        MILLRACE_ASSIGN_OR_RETURN(const std::span<const std::string_view> some,
                                  lines.Next());
        if (some.empty()) break;
        for (const std::string_view line : some)
          MILLRACE_RETURN_IF_ERROR(inference.Add(line));
      }
    }
    return inference.Finish();
  }

  Status CheckSchema(const data::SchemaPtr&) const override { return Status::OK(); }

  Result<std::unique_ptr<connector::Reader>> Open(
      const std::string& path, const data::SchemaPtr&, const data::SchemaPtr& wanted,
      const ReadContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(const bool multi_line,
                              context.options.GetBool("multiLine", false));
    MILLRACE_ASSIGN_OR_RETURN(
        LineReader lines,
        LineReader::Open(*context.fs, path, context.options.GetOr("lineSep", "")));
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<connector::RowParser> parser,
                              parsers_(wanted, context.options, context.time_zone));
    return std::unique_ptr<connector::Reader>(
        std::make_unique<JsonReader>(std::move(lines), std::move(parser), multi_line));
  }

 private:
  const connector::RowParserFactory parsers_;
};

}  // namespace

std::unique_ptr<FileFormat> MakeJsonFormat(connector::RowParserFactory parsers) {
  return std::make_unique<JsonFormat>(std::move(parsers));
}

}  // namespace millrace::connectors::file
