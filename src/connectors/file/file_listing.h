// Which files a path means: folders with their partition folders, globs, Spark's sink
// log. Spark: InMemoryFileIndex, MetadataLogFileIndex, PartitioningUtils.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/options.h"
#include "data/types.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// A file to read.
struct DataFile {
  std::string path;  // absolute
  int64_t size = 0;
  int64_t modified_ms = 0;
  /// One value for each of Listing::partition_columns; none for Hive's default partition.
  std::vector<std::optional<std::string>> partition_values;
};

struct Listing {
  std::vector<std::string> partition_columns;
  std::vector<DataFile> files;  // by path
};

struct ListingOptions {
  bool recursive =
      false;  // recursiveFileLookup: every folder below, no partition columns
  std::string name_pattern = {};  // pathGlobFilter; empty: all
  std::string base_path =
      {};  // basePath: where partition folders begin; empty: at each path
  /// A path that is not there is an error (batch) or has no files (a stream that
  /// started).
  bool must_exist = true;

  static Result<ListingOptions> Make(const Options& options);
};

/// Names that begin with '_' or '.' are left out, unless they are partition folders. In a
/// folder with `_spark_metadata`, only what that lists. Errors: PATH_NOT_FOUND,
/// CONFLICTING_PARTITION_COLUMN_NAMES.
Result<Listing> ListDataFiles(FileSystem& fs, const std::vector<std::string>& paths,
                              const ListingOptions& options);

/// Hadoop's globs: * ? [a-c] [^a] {x,y}, and \ before a character that is meant as it is.
bool MatchesGlob(std::string_view pattern, std::string_view name);
bool IsGlob(std::string_view path);

/// The partition columns of `listing` with their types: those of `schema` where it names
/// them (it may be null), else inferred.
std::vector<data::FieldPtr> PartitionFields(const Listing& listing,
                                            const data::SchemaPtr& schema,
                                            bool infer_types);

}  // namespace millrace::connectors::file
