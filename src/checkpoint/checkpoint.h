// A query's checkpoint folder: metadata, offsets/, commits/, sources/, and what lies
// where. Opening one takes its lock; reading it back says where the query goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "checkpoint/offset_log.h"
#include "millrace/status.h"

namespace millrace::checkpoint {

/// A log of numbered files in one folder, each written whole (Spark: HDFSMetadataLog).
/// Threading: one thread.
class MetadataLog {
 public:
  MetadataLog(FileSystem* fs, std::string folder);

  /// Writes entry `id`; an error where it exists already.
  Status Add(int64_t id, const std::string& content);
  Result<std::optional<std::string>> Get(int64_t id) const;
  /// The largest id, if any. Names that are not plain numbers (".5.tmp", ".5.crc") do not
  /// count.
  Result<std::optional<int64_t>> LatestId() const;
  Result<std::vector<int64_t>> Ids() const;  // ascending
  /// Removes all entries below `id`, and left-over temporary files.
  Status PurgeBelow(int64_t id);
  const std::string& folder() const { return folder_; }

 private:
  FileSystem* const fs_;
  const std::string folder_;
  std::optional<int64_t> purged_below_;  // nothing below is left
};

/// Where a query stands.
struct RecoveryPoint {
  /// The batch to run next: N+1 where commits/N exists, N where only offsets/N does, 0 at
  /// first.
  int64_t next_batch = 0;
  /// offsets/next_batch where it exists: the batch must be run again with exactly these.
  std::optional<OffsetSeq> planned;
  /// offsets/(next_batch-1): where the next batch's ranges begin.
  std::optional<OffsetSeq> previous;
  /// commits/(next_batch-1).
  std::optional<CommitMetadata> previous_commit;
  /// offsets/(next_batch-2), which fixes the previous batch's late watermark; may be
  /// missing.
  std::optional<OffsetSeq> before_previous;
};

/// Threading: one thread.
/// Failure: errors name the file and say what to do.
class Checkpoint {
 public:
  /// Opens or creates `folder`, and locks it for this process (`millrace/lock` inside it;
  /// the error of a second process says who holds it: pid, host, query). Refuses a folder
  /// whose offsets or commits exist without metadata
  /// (STREAMING_CHECKPOINT_MISSING_METADATA_FILE / 42K03). `fs` must outlive it.
  static Result<std::unique_ptr<Checkpoint>> Open(FileSystem* fs, std::string folder,
                                                  const std::string& query_name);

  /// The query's id, made at the first start, kept in `metadata`.
  const std::string& query_id() const { return query_id_; }
  bool is_new() const { return is_new_; }

  Result<RecoveryPoint> Recover() const;

  MetadataLog& offsets() { return offsets_; }
  MetadataLog& commits() { return commits_; }
  const std::string& folder() const { return folder_; }
  /// sources/<index>
  std::string source_folder(int index) const;
  /// millrace/<name>: files of our own.
  std::string own_folder(const std::string& name) const;
  /// True where Spark wrote keyed state (state/<n> exists): such a checkpoint cannot be
  /// taken over.
  Result<bool> HasSparkState() const;

  /// Removes entries of offsets and commits below `current_batch` - `retain`: as Spark
  /// does, one more than the last `retain` batches stays.
  Status Purge(int64_t current_batch, int retain);

 private:
  Checkpoint(FileSystem* fs, std::string folder);
  Status ReadOrWriteMetadata();

  FileSystem* const fs_;
  const std::string folder_;
  MetadataLog offsets_;
  MetadataLog commits_;
  std::string query_id_;
  bool is_new_ = false;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace millrace::checkpoint
