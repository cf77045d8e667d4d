#include "connectors/file/file_provider.h"

#include <functional>
#include <utility>

#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/uuid.h"
#include "connectors/file/absolute_path.h"
#include "connectors/file/file_format.h"
#include "connectors/file/file_options.h"
#include "connectors/file/file_sink.h"
#include "connectors/file/file_source.h"
#include "connectors/file/parquet_writer.h"
#include "connectors/file/text_format.h"
#include "connectors/file/text_writer.h"

namespace millrace::connectors::file {
namespace {

/// load(path…), or the options path and paths. At least one.
Result<std::vector<std::string>> PathsOf(const Options& options,
                                         const std::vector<std::string>& paths) {
  if (!paths.empty()) return paths;
  if (const auto path = options.Get("path")) return std::vector<std::string>{*path};
  if (const auto list = options.Get("paths")) {
    try {
      return nlohmann::json::parse(*list).get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception&) {
      return ArgumentError(
          "The option 'paths' must be a JSON array of strings, found: {}", *list);
    }
  }
  return ArgumentError("'path' is not specified.").Class("_LEGACY_ERROR_TEMP_2047");
}

class FileSourceProvider final : public connector::SourceProvider {
 public:
  explicit FileSourceProvider(std::shared_ptr<const FileFormat> format)
      : format_(std::move(format)) {}

  std::string_view name() const override { return format_->name(); }
  std::span<const OptionSpec> options() const override { return format_->options(); }

  Result<data::SchemaPtr> Schema(const Options& options,
                                 const std::vector<std::string>& paths,
                                 const data::SchemaPtr& user_schema, bool streaming,
                                 const connector::SourceContext& context) const override {
    MILLRACE_RETURN_IF_ERROR(CheckOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                              PathsOf(options, paths));
    const data::SchemaPtr given =
        user_schema != nullptr ? user_schema : format_->FixedSchema();
    if (streaming) {
      for (const std::string& root : roots) {
        MILLRACE_RETURN_IF_ERROR(CheckStreamPath(*context.fs, root));
      }
    }
    if (streaming && given == nullptr) {
      return ArgumentError(
                 "Schema must be specified when creating a streaming source DataFrame. "
                 "If some "
                 "files already exist in the directory, then depending on the file "
                 "format you "
                 "may be able to create a static DataFrame on that directory with "
                 "'spark.read.load(directory)' and infer schema from it.")
          .Class("_LEGACY_ERROR_TEMP_2048");
    }
    MILLRACE_ASSIGN_OR_RETURN(const Listing listing, List(options, roots, context));
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<data::FieldPtr> partitions,
                              PartitionColumns(listing, user_schema));
    data::SchemaPtr schema;
    if (given != nullptr) {
      schema = AsNullable(*given);
    } else if (listing.files.empty()) {
      return AnalysisError(
                 "UNABLE_TO_INFER_SCHEMA", "42KD9",
                 "Unable to infer schema for {}. It must be specified manually.",
                 DisplayName())
          .Param("format", DisplayName());
    } else {
      const ReadContext read{
          .fs = context.fs, .options = options, .time_zone = context.session_time_zone};
      MILLRACE_ASSIGN_OR_RETURN(schema, format_->InferSchema(listing.files, read));
    }
    MILLRACE_RETURN_IF_ERROR(format_->CheckSchema(schema));
    // Partition columns come last, as in Spark.
    arrow::FieldVector fields;
    for (const data::FieldPtr& field : schema->fields()) {
      const bool partition =
          std::any_of(partitions.begin(), partitions.end(), [&](const data::FieldPtr& p) {
            return EqualsIgnoreCase(p->name(), field->name());
          });
      if (!partition) fields.push_back(field);
    }
    fields.insert(fields.end(), partitions.begin(), partitions.end());
    return arrow::schema(std::move(fields));
  }

  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>& paths,
      const data::SchemaPtr& schema,
      const connector::SourceContext& context) const override {
    MILLRACE_RETURN_IF_ERROR(CheckOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                              PathsOf(options, paths));
    return MakeFileStream(format_, options, roots, schema, context);
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options& options, const std::vector<std::string>& paths,
      const data::SchemaPtr& schema, const connector::SourceContext& context,
      std::stop_token stop) const override {
    if (stop.stop_requested()) return connector::Cancelled();
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                              PathsOf(options, paths));
    MILLRACE_ASSIGN_OR_RETURN(Listing listing, List(options, roots, context));
    const std::shared_ptr<const ReadPlan> plan =
        PlanRead(format_, options, schema, listing.partition_columns, context);
    std::vector<std::unique_ptr<connector::Split>> splits;
    splits.reserve(listing.files.size());
    for (DataFile& file : listing.files)
      splits.push_back(MakeFileSplit(plan, std::move(file)));
    return splits;
  }

  Result<std::vector<std::string>> InputFiles(
      const Options& options, const std::vector<std::string>& paths,
      const connector::SourceContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> roots,
                              PathsOf(options, paths));
    MILLRACE_ASSIGN_OR_RETURN(const Listing listing, List(options, roots, context));
    std::vector<std::string> files;
    for (const DataFile& file : listing.files) files.push_back(file.path);
    return files;
  }

 private:
  Status CheckOptions(const Options& options) const {
    return options.Check(fmt::format("{} source", name()), format_->options());
  }

  /// "Parquet", "JSON", "CSV", "Text": as Spark's messages call them.
  std::string DisplayName() const {
    if (name() == "parquet") return "Parquet";
    if (name() == "text") return "Text";
    return name() == "json" ? "JSON" : "CSV";
  }

  /// Spark quotes a stream's missing path as it was given.
  static Status CheckStreamPath(FileSystem& fs, const std::string& given) {
    if (IsGlob(given)) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(given));
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs.Stat(path));
    if (info) return Status::OK();
    return AnalysisError("PATH_NOT_FOUND", "42K03", "Path does not exist: {}.", given)
        .Param("path", given);
  }

  static Result<Listing> List(const Options& options,
                              const std::vector<std::string>& roots,
                              const connector::SourceContext& context) {
    MILLRACE_ASSIGN_OR_RETURN(const ListingOptions listing,
                              ListingOptions::Make(options));
    return ListDataFiles(*context.fs, roots, listing);
  }

  static Result<std::vector<data::FieldPtr>> PartitionColumns(
      const Listing& listing, const data::SchemaPtr& user_schema) {
    return PartitionFields(listing, user_schema, /*infer_types=*/true);
  }

  const std::shared_ptr<const FileFormat> format_;
};

class FileSinkProvider final : public connector::SinkProvider {
 public:
  using FormatMaker =
      std::function<Result<RowFileFormat>(const Options&, const std::string&)>;
  using SchemaCheck = std::function<Status(const data::SchemaPtr&)>;

  FileSinkProvider(std::string_view name, std::span<const OptionSpec> options,
                   FormatMaker make_format, SchemaCheck check_schema)
      : name_(name),
        options_(options),
        make_format_(std::move(make_format)),
        check_schema_(std::move(check_schema)) {}

  std::string_view name() const override { return name_; }
  std::span<const OptionSpec> options() const override { return options_; }
  bool supports(connector::OutputMode mode) const override {
    return mode == connector::OutputMode::kAppend;
  }
  bool needs_checkpoint() const override { return true; }

  Result<std::unique_ptr<connector::Sink>> Make(
      const Options& options, const data::SchemaPtr& schema,
      const connector::SinkContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(FileSinkOptions sink,
                              SinkOptions(options, schema, context));
    sink.staging = JoinPath(sink.staging, context.query_id);
    return MakeStreamingFileSink(std::move(sink), context);
  }

  Result<std::unique_ptr<connector::Sink>> MakeBatch(
      const Options& options, const data::SchemaPtr& schema,
      const connector::SinkContext& context, connector::SaveMode mode) const override {
    MILLRACE_ASSIGN_OR_RETURN(FileSinkOptions sink,
                              SinkOptions(options, schema, context));
    // A folder of its own, which can be removed whole without looking for others.
    sink.staging = fmt::format("{}-{}", sink.staging, MakeUuid());
    return MakeBatchFileSink(std::move(sink), context, mode);
  }

 private:
  Result<FileSinkOptions> SinkOptions(const Options& options,
                                      const data::SchemaPtr& schema,
                                      const connector::SinkContext& context) const {
    MILLRACE_RETURN_IF_ERROR(options.Check(fmt::format("{} sink", name_), options_));
    MILLRACE_RETURN_IF_ERROR(check_schema_(schema));
    const std::string path =
        context.path.empty() ? options.GetOr("path", "") : context.path;
    if (path.empty()) {
      return ArgumentError("'path' is not specified.").Class("_LEGACY_ERROR_TEMP_2047");
    }
    FileSinkOptions sink;
    sink.schema = schema;
    MILLRACE_ASSIGN_OR_RETURN(sink.format,
                              make_format_(options, context.session_time_zone));
    MILLRACE_ASSIGN_OR_RETURN(sink.lake, AbsolutePath(path));
    MILLRACE_ASSIGN_OR_RETURN(
        sink.staging,
        AbsolutePath(options.GetOr(kStagingPathOption, StagingRoot(sink.lake))));
    MILLRACE_ASSIGN_OR_RETURN(sink.max_records_per_file,
                              options.GetInt("maxRecordsPerFile", 0));
    return sink;
  }

  const std::string_view name_;
  const std::span<const OptionSpec> options_;
  const FormatMaker make_format_;
  const SchemaCheck check_schema_;
};

}  // namespace

std::unique_ptr<connector::SourceProvider> MakeParquetProvider() {
  return std::make_unique<FileSourceProvider>(MakeParquetFormat());
}

std::unique_ptr<connector::SourceProvider> MakeJsonProvider(
    connector::RowParserFactory parsers) {
  return std::make_unique<FileSourceProvider>(MakeJsonFormat(std::move(parsers)));
}

std::unique_ptr<connector::SourceProvider> MakeCsvProvider() {
  return std::make_unique<FileSourceProvider>(MakeCsvFormat());
}

std::unique_ptr<connector::SourceProvider> MakeTextProvider() {
  return std::make_unique<FileSourceProvider>(MakeTextFormat());
}

std::unique_ptr<connector::SinkProvider> MakeParquetSinkProvider() {
  return std::make_unique<FileSinkProvider>(
      "parquet", ParquetSinkOptions(),
      [](const Options& options, const std::string&) {
        return ParquetFileFormat(options);
      },
      CheckParquetSchema);
}

std::unique_ptr<connector::SinkProvider> MakeJsonSinkProvider() {
  return std::make_unique<FileSinkProvider>("json", JsonSinkOptions(), JsonLinesFormat,
                                            CheckJsonSchema);
}

std::unique_ptr<connector::SinkProvider> MakeCsvSinkProvider() {
  return std::make_unique<FileSinkProvider>("csv", CsvSinkOptions(), CsvLinesFormat,
                                            CheckCsvSchema);
}

std::unique_ptr<connector::SinkProvider> MakeTextSinkProvider() {
  return std::make_unique<FileSinkProvider>("text", TextSinkOptions(), TextLinesFormat,
                                            CheckTextSchema);
}

}  // namespace millrace::connectors::file
