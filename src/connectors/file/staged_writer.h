// Writes one part of one batch as files in the staging folder. Private to the file sinks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connector/sink.h"
#include "connectors/file/file_sink.h"

namespace millrace::connectors::file {

/// Where the partition columns are in the rows, and what is left to write.
struct PartitionLayout {
  std::vector<int> partition_columns;
  std::vector<int> data_columns;
  data::SchemaPtr data_schema;
};

/// Errors: a partition column that is not there, no other column left, a type that cannot
/// be a folder name.
Result<PartitionLayout> LayOut(const data::SchemaPtr& schema,
                               const std::vector<std::string>& partition_columns);

/// Whether a writer that got no rows makes a file all the same, one that holds the
/// columns.
enum class WithoutRows { kNoFile, kEmptyFile };

/// `options` and `layout` outlive the writer. The message is JSON of LakeFiles.
std::unique_ptr<connector::SinkWriter> MakeStagedWriter(
    const FileSinkOptions& options, const PartitionLayout& layout, FileSystem& fs,
    const std::string& time_zone, int part, WithoutRows without_rows);

}  // namespace millrace::connectors::file
