// The file sinks: rows are staged as files beside the lake's folder and renamed into it
// when their batch is committed, so that any reader sees each row exactly once. Spark
// counterpart: FileStreamSink with ManifestFileCommitProtocol; unlike it, readers need no
// log. Format: docs/formats/lake.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connector/sink.h"
#include "connectors/file/row_file_writer.h"

namespace millrace::connectors::file {

struct FileSinkOptions {
  RowFileFormat format;
  data::SchemaPtr schema;
  std::string lake;     // absolute folder
  std::string staging;  // absolute folder, on the same file system, of this query alone
  int64_t max_records_per_file = 0;  // 0: no limit
};

/// An option of our own: where to stage instead.
inline constexpr std::string_view kStagingPathOption = "millrace.stagingPath";

/// The folder that holds the staging folders of a lake's queries:
/// "/data/.lake.millrace-staging" for "/data/lake".
std::string StagingRoot(const std::string& lake);

/// Publishes batches exactly once. Finishes a commit that a crash interrupted and removes
/// what was staged for others.
///
/// Failure: an error of Commit leaves the batch published in part at the worst; making
/// the sink again publishes the rest.
Result<std::unique_ptr<connector::Sink>> MakeStreamingFileSink(
    FileSinkOptions options, const connector::SinkContext& context);

/// Writes once, as batch 0, and ends with a _SUCCESS file. A crash may leave a part of
/// the files behind, as in Spark.
Result<std::unique_ptr<connector::Sink>> MakeBatchFileSink(
    FileSinkOptions options, const connector::SinkContext& context,
    connector::SaveMode mode);

}  // namespace millrace::connectors::file
