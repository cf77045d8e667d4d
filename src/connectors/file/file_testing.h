// What the tests of the file connector share: rows as JSON, files on a disk in memory.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mem_file_system.h"
#include "connector/sink.h"
#include "connector/source.h"
#include "connectors/file/file_provider.h"
#include "data/batch.h"
#include "data/types.h"

namespace millrace::connectors::file {

using OptionMap = std::map<std::string, std::string>;

/// The value, or a failure of the test with the error and an end of the program.
template <typename T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) std::abort();
  return std::move(result).value();
}
inline void Must(const Status& status) {
  EXPECT_TRUE(status.ok()) << status.ToString();
  if (!status.ok()) std::abort();
}

/// A schema from DDL; rows of it from JSON.
data::SchemaPtr Ddl(std::string_view ddl);
data::Batch Rows(std::string_view ddl, std::string_view json);

/// The rows as text, one a row: "[1, a, null]".
std::vector<std::string> RowTexts(const data::Batch& batch);

/// Writes a text file, with its folders, and returns its path.
std::string WriteText(FileSystem& fs, const std::string& path, std::string_view text);
/// Writes a Parquet file as the sink does.
std::string WriteParquet(FileSystem& fs, const std::string& path,
                         const data::Batch& batch,
                         const std::map<std::string, std::string>& options = {});

/// The paths of all files below a folder, hidden ones too, relative and sorted.
std::vector<std::string> FilesBelow(FileSystem& fs, const std::string& folder);

/// All rows of splits, or of a path read in batch; an error where there is one.
Result<std::vector<std::string>> ReadSplits(
    std::vector<std::unique_ptr<connector::Split>> splits);
struct ReadRequest {
  std::map<std::string, std::string> options = {};
  std::string schema = {};  // DDL; empty: inferred
  std::optional<std::vector<std::string>> columns = {};
  std::string time_zone = "UTC";
};
Result<std::vector<std::string>> ReadBatch(const connector::SourceProvider& provider,
                                           FileSystem& fs, const std::string& path,
                                           const ReadRequest& request = {});
/// The rows of a lake of Parquet files, sorted.
std::vector<std::string> LakeRows(FileSystem& fs, const std::string& lake);

/// Writes and commits one batch of a sink, one part for each text.
Status RunBatch(connector::Sink& sink, connector::BatchId batch, std::string_view ddl,
                const std::vector<std::string>& parts);

}  // namespace millrace::connectors::file
