// Spark's own record of a lake, `<lake>/_spark_metadata`: which data files count. Spark
// believes it over what lies in the folder, so a lake that changes hands needs it read or
// written. Spark: FileStreamSinkLog, CompactibleFileStreamLog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "connector/sink.h"
#include "connectors/file/lake_log.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

inline constexpr std::string_view kSparkMetadataFolder = "_spark_metadata";

/// One data file as Spark lists it.
struct SparkSinkFile {
  std::string path;  // absolute, local
  int64_t size = 0;
  int64_t modified_ms = 0;
  connector::BatchId batch = 0;  // batch of the log file it was found in
};

struct SparkMetadata {
  std::vector<SparkSinkFile> files;  // live ones, oldest first
  connector::BatchId last_batch = -1;
};

/// "/a b/c" -> "file:///a%20b/c", as java.net.URI writes it.
std::string FileUri(std::string_view path);

/// Nothing where the lake has no `_spark_metadata`. Errors: a version or line that is not
/// Spark's; a log file that is missing.
Result<std::optional<SparkMetadata>> ReadSparkMetadata(FileSystem& fs,
                                                       const std::string& lake);

/// Hands a lake over to Spark: writes `_spark_metadata` that lists `history` as batches
/// up to `last_batch`, the last one the query committed (a batch without files counts
/// too; Spark goes on with the next). Files that are no longer in the lake are left out.
/// Errors: the folder exists already.
Status WriteSparkMetadata(FileSystem& fs, const std::string& lake,
                          const LakeHistory& history, connector::BatchId last_batch);

/// Takes a lake over from Spark, for the query whose millrace/sink folder is
/// `state_folder`: records Spark's batches as published, then moves data files that
/// Spark's log does not list (left by failed attempts; Spark never showed them) and
/// `_spark_metadata` itself into
/// `<staging>/spark-<uuid>`, where nobody reads them. May be repeated after a crash.
Status TakeOverFromSpark(FileSystem& fs, const std::string& lake,
                         const std::string& state_folder, const std::string& staging);

}  // namespace millrace::connectors::file
