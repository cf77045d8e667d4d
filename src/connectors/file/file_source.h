// Reads files of a format: splits of a batch read, and the stream of files that appear.
// Spark counterpart: FileStreamSource, FileScanRDD.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connector/source.h"
#include "connectors/file/file_format.h"

namespace millrace::connectors::file {

/// What all files of one read have in common. Immutable, shared by splits.
struct ReadPlan {
  std::shared_ptr<const FileFormat> format;
  ReadContext context;
  data::SchemaPtr data_schema;  // columns in the files
  data::SchemaPtr wanted;       // what readers give: data and partition columns
  std::vector<std::string> partition_columns;
};

/// Plans to read `schema` restricted to context.required_columns.
std::shared_ptr<const ReadPlan> PlanRead(
    std::shared_ptr<const FileFormat> format, const Options& options,
    const data::SchemaPtr& schema, const std::vector<std::string>& partition_columns,
    const connector::SourceContext& context);

/// Reads one file.
std::unique_ptr<connector::Split> MakeFileSplit(std::shared_ptr<const ReadPlan> plan,
                                                DataFile file);

/// Follows `paths`. Each file is read once, by its path; new ones are found by listing.
Result<std::unique_ptr<connector::StreamSource>> MakeFileStream(
    std::shared_ptr<const FileFormat> format, const Options& options,
    const std::vector<std::string>& paths, const data::SchemaPtr& schema,
    const connector::SourceContext& context);

}  // namespace millrace::connectors::file
