// Which files a file stream has read, one log entry per batch, in Spark's format:
// `<batch>` or `<batch>.compact`, "v1" and a JSON object a line.
// Spark: FileStreamSourceLog.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// A file that belongs to a batch of the source.
struct SeenFile {
  std::string path;  // absolute, local
  int64_t timestamp_ms = 0;
};

/// Threading: one thread.
class SeenFilesLog {
 public:
  /// Opens or creates the log in `folder` (sources/<i> of the checkpoint).
  static Result<SeenFilesLog> Open(FileSystem& fs, std::string folder);

  /// -1 where there is none.
  int64_t last_batch() const { return last_batch_; }

  /// All files, oldest batch first.
  std::vector<SeenFile> All() const;

  /// The files of batches `first` to `last`.
  std::vector<SeenFile> Range(int64_t first, int64_t last) const;

  /// Adds batch last_batch() + 1. Durable when it returns. Every tenth entry holds all
  /// before it, whose files are removed.
  Status Add(std::vector<SeenFile> files);

 private:
  SeenFilesLog(FileSystem& fs, std::string folder)
      : fs_(&fs), folder_(std::move(folder)) {}
  Status Read(const std::string& name, int64_t batch);

  FileSystem* fs_;
  std::string folder_;
  int64_t last_batch_ = -1;
  int64_t compact_interval_ = 10;
  std::map<int64_t, std::vector<SeenFile>> files_;  // by batch
  std::vector<std::string> names_;                  // of the log's files
};

}  // namespace millrace::connectors::file
