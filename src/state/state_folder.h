// Which deltas and snapshots there are, and which of them make up the state after a
// batch. Rules: docs/formats/state.md.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/file_system.h"
#include "millrace/status.h"
#include "state/state_file.h"
#include "state/state_merge.h"

namespace millrace::state {

/// Threading: any thread. Who reads files while another removes some must see to it that
/// they are not the same.
class StateFolder {
 public:
  StateFolder(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  /// First call: makes the folder, finds its files and sweeps what a crash left.
  Status Open();
  /// Second call.
  void set_key_groups(uint32_t key_groups) { key_groups_ = key_groups; }
  uint32_t key_groups() const { return key_groups_; }

  FileSystem* fs() const { return fs_; }
  const std::string& path() const { return path_; }
  std::string DeltaPath(int64_t batch) const;
  std::string SnapshotPath(int64_t batch) const;
  std::string TemporarySnapshotPath(int64_t batch) const;
  StateFileHeader Header(StateFileKind kind, int64_t batch, uint64_t link = 0) const;

  bool empty() const;
  /// -1 where there is none.
  int64_t last_snapshot() const;
  /// To be called when the file is durable.
  void AddDelta(int64_t batch);
  void AddSnapshot(int64_t batch);

  /// The newest usable snapshot up to `batch` and the deltas after it.
  Result<StateFiles> FilesOf(int64_t batch) const;
  /// The digest of a batch's delta.
  Result<uint64_t> DigestOf(int64_t batch) const;

  /// Removes, durably, what an earlier run of `batch` led to: a snapshot that holds it
  /// would outlive its delta, and later deltas would follow a batch that is no more. The
  /// delta of `batch` itself stays until it is replaced, in one step.
  Status ForgetFrom(int64_t batch);
  /// Removes what is not needed to load `oldest` or a later batch.
  Status PurgeBelow(int64_t oldest);

 private:
  Result<std::unique_ptr<StateFileReader>> OpenDelta(int64_t batch) const;
  Result<std::unique_ptr<StateFileReader>> OpenSnapshot(int64_t batch) const;
  Result<std::unique_ptr<StateFileReader>> UsableSnapshot(int64_t snapshot,
                                                          int64_t batch) const;
  Status AddDeltasTo(StateFiles* files, int64_t batch) const;
  Error MissingDelta(int64_t delta, int64_t batch) const;
  bool HasDelta(int64_t batch) const;

  FileSystem* const fs_;
  const std::string path_;
  uint32_t key_groups_ = 0;

  mutable std::mutex mutex_;
  std::set<int64_t> deltas_;     // guarded by mutex_
  std::set<int64_t> snapshots_;  // guarded by mutex_
};

}  // namespace millrace::state
