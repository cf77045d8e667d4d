// What a query published into a lake: one durable manifest per batch, merged into
// segments as they grow many. The manifest decides: a file belongs to the lake exactly if
// a manifest names it. Format: docs/formats/lake.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "connector/sink.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// One data file of a batch: where it was staged, and what it is called in the lake.
struct LakeFile {
  std::string staged;  // name in the staging folder
  std::string path;    // relative to the lake, with partition folders
  int64_t rows = 0;
  int64_t size = 0;         // bytes
  int64_t modified_ms = 0;  // since 1970
};

/// All files of one batch. Published all or none.
struct Manifest {
  connector::BatchId batch = 0;
  std::string lake;     // absolute
  std::string staging;  // absolute
  std::vector<LakeFile> files;
};

/// The files a query published, oldest first, and its last batch that had any.
struct LakeHistory {
  std::vector<Manifest> batches;
  std::optional<connector::BatchId> last_batch;
};

/// Reads the log in `state_folder` (millrace/sink of a checkpoint); empty where there is
/// none. The query must not be running. Errors: a damaged file, by its name.
Result<LakeHistory> ReadLakeLog(FileSystem& fs, const std::string& state_folder);

/// Starts the log of a query that takes over a lake: `batches` count as published by it.
/// Errors: there is a log already.
Status StartLakeLog(FileSystem& fs, const std::string& state_folder,
                    const LakeHistory& history);

/// JSON of files, as manifests and commit messages carry them.
std::string FilesToJson(const std::vector<LakeFile>& files);
Result<std::vector<LakeFile>> FilesFromJson(std::string_view json);

/// The log while a query runs.
///
/// Threading: one thread.
class LakeLog {
 public:
  /// Opens or creates the log. Removes what merges that crashed left behind.
  static Result<LakeLog> Open(FileSystem& fs, const std::string& state_folder);

  std::optional<connector::BatchId> last_batch() const { return last_batch_; }

  /// The newest manifest, if it may be unfinished: its renames must be done again.
  const std::optional<Manifest>& unfinished() const { return unfinished_; }

  /// The newest manifest that was ever added, if any.
  Result<std::optional<Manifest>> Newest() const;

  /// Durable when it returns. `manifest.batch` is above last_batch().
  Status Add(const Manifest& manifest);

  /// All manifests so far are finished. Merges small files where many have gathered.
  Status Finished();

 private:
  struct Segment {
    connector::BatchId first = 0;
    connector::BatchId last = 0;
    int level = 0;
  };

  LakeLog(FileSystem& fs, std::string folder) : fs_(&fs), folder_(std::move(folder)) {}
  std::string PathOf(const Segment& segment) const;
  Status Merge(int level);

  FileSystem* fs_;
  std::string folder_;
  std::vector<Segment> segments_;  // by batch; level 0 is a plain manifest
  std::optional<connector::BatchId> last_batch_;
  std::optional<Manifest> unfinished_;
};

}  // namespace millrace::connectors::file
