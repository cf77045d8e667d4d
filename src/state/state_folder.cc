#include "state/state_folder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"

namespace millrace::state {
namespace {

constexpr std::string_view kDeltaSuffix = ".delta";
constexpr std::string_view kSnapshotSuffix = ".snapshot";

std::optional<int64_t> ParseBatch(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  int64_t batch = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), batch);
  if (error != std::errc() || end != name.data() + name.size() || batch < 0) {
    return std::nullopt;
  }
  return batch;
}

}  // namespace

Status StateFolder::Open() {
  MILLRACE_RETURN_IF_ERROR(fs_->MakeDirs(path_));
  MILLRACE_ASSIGN_OR_RETURN(const auto files, fs_->List(path_));
  std::lock_guard lock(mutex_);
  for (const FileInfo& file : files) {
    if (const auto delta = ParseBatch(file.name, kDeltaSuffix)) {
      deltas_.insert(*delta);
    } else if (const auto snapshot = ParseBatch(file.name, kSnapshotSuffix)) {
      snapshots_.insert(*snapshot);
    } else if (file.name.starts_with('.') && file.name.ends_with(".tmp")) {
      MILLRACE_RETURN_IF_ERROR(fs_->Remove(JoinPath(path_, file.name)));
    }
  }
  return Status::OK();
}

std::string StateFolder::DeltaPath(int64_t batch) const {
  return JoinPath(path_, fmt::format("{}{}", batch, kDeltaSuffix));
}

std::string StateFolder::SnapshotPath(int64_t batch) const {
  return JoinPath(path_, fmt::format("{}{}", batch, kSnapshotSuffix));
}

std::string StateFolder::TemporarySnapshotPath(int64_t batch) const {
  return JoinPath(path_, fmt::format(".{}{}.{}.tmp", batch, kSnapshotSuffix, MakeUuid()));
}

StateFileHeader StateFolder::Header(StateFileKind kind, int64_t batch,
                                    uint64_t link) const {
  return {.kind = kind, .key_groups = key_groups_, .batch = batch, .link = link};
}

bool StateFolder::empty() const {
  std::lock_guard lock(mutex_);
  return deltas_.empty() && snapshots_.empty();
}

int64_t StateFolder::last_snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshots_.empty() ? -1 : *snapshots_.rbegin();
}

void StateFolder::AddDelta(int64_t batch) {
  std::lock_guard lock(mutex_);
  deltas_.insert(batch);
}

void StateFolder::AddSnapshot(int64_t batch) {
  std::lock_guard lock(mutex_);
  snapshots_.insert(batch);
}

bool StateFolder::HasDelta(int64_t batch) const {
  std::lock_guard lock(mutex_);
  return deltas_.contains(batch);
}

Result<std::unique_ptr<StateFileReader>> StateFolder::OpenDelta(int64_t batch) const {
  return StateFileReader::Open(fs_, DeltaPath(batch),
                               Header(StateFileKind::kDelta, batch));
}

Result<std::unique_ptr<StateFileReader>> StateFolder::OpenSnapshot(int64_t batch) const {
  return StateFileReader::Open(fs_, SnapshotPath(batch),
                               Header(StateFileKind::kSnapshot, batch));
}

Error StateFolder::MissingDelta(int64_t delta, int64_t batch) const {
  return ExternalError(
             "Wanted the state file '{}' to restore the state after batch {}, found "
             "none. "
             "Restore it from a backup, or start with a new checkpoint.",
             DeltaPath(delta), batch)
      .Class("CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS", "58030")
      .Param("fileToRead", DeltaPath(delta))
      .Param("clazz", "StateLog")
      .Retryable(false);
}

Result<StateFiles> StateFolder::FilesOf(int64_t batch) const {
  std::vector<int64_t> candidates;
  {
    std::lock_guard lock(mutex_);
    candidates.assign(snapshots_.begin(), snapshots_.upper_bound(batch));
  }
  std::reverse(candidates.begin(), candidates.end());
  Status first_damage;
  StateFiles files;
  for (const int64_t candidate : candidates) {
    auto snapshot = UsableSnapshot(candidate, batch);
    if (snapshot.ok()) {
      files.snapshot = std::move(snapshot).value();
      break;
    }
    // The one before it, with more deltas, gives the same state.
    spdlog::warn("A snapshot of state cannot be used. {}", snapshot.status().ToString());
    if (first_damage.ok()) first_damage = snapshot.status();
  }
  const Status status = AddDeltasTo(&files, batch);
  // A damaged snapshot explains why deltas that were purged are wanted.
  if (!status.ok()) return first_damage.ok() ? status : first_damage;
  return files;
}

/// Opens a snapshot; an error where it is damaged or does not belong to the deltas around
/// it.
Result<std::unique_ptr<StateFileReader>> StateFolder::UsableSnapshot(
    int64_t snapshot, int64_t batch) const {
  MILLRACE_ASSIGN_OR_RETURN(auto file, OpenSnapshot(snapshot));
  MILLRACE_RETURN_IF_ERROR(file->CheckSections());
  uint64_t expected = file->header().link;
  if (snapshot < batch && HasDelta(snapshot + 1)) {
    MILLRACE_ASSIGN_OR_RETURN(const auto next, OpenDelta(snapshot + 1));
    expected = next->header().link;
  } else if (HasDelta(snapshot)) {
    MILLRACE_ASSIGN_OR_RETURN(const auto own, OpenDelta(snapshot));
    expected = own->digest();
  }
  if (file->header().link != expected) {
    return DamagedStateFile(file->path(), 0,
                            fmt::format("a snapshot of delta {:016x}", expected),
                            fmt::format("one of {:016x}", file->header().link));
  }
  return file;
}

/// Opens the deltas after the snapshot up to `batch`, and checks that each follows the
/// one before.
Status StateFolder::AddDeltasTo(StateFiles* files, int64_t batch) const {
  int64_t next = 0;
  uint64_t link = 0;
  if (files->snapshot != nullptr) {
    next = files->snapshot->header().batch + 1;
    link = files->snapshot->header().link;
  }
  for (; next <= batch; ++next) {
    if (!HasDelta(next)) return MissingDelta(next, batch);
    MILLRACE_ASSIGN_OR_RETURN(auto delta, OpenDelta(next));
    if (delta->header().link != link) {
      return DamagedStateFile(delta->path(), 0,
                              fmt::format("a delta after {:016x}", link),
                              fmt::format("one after {:016x}", delta->header().link));
    }
    link = delta->digest();
    files->deltas.push_back(std::move(delta));
  }
  return Status::OK();
}

Result<uint64_t> StateFolder::DigestOf(int64_t batch) const {
  if (HasDelta(batch)) {
    MILLRACE_ASSIGN_OR_RETURN(const auto delta, OpenDelta(batch));
    return delta->digest();
  }
  {
    std::lock_guard lock(mutex_);
    if (!snapshots_.contains(batch)) return MissingDelta(batch, batch + 1);
  }
  MILLRACE_ASSIGN_OR_RETURN(const auto snapshot, OpenSnapshot(batch));
  return snapshot->header().link;
}

Status StateFolder::ForgetFrom(int64_t batch) {
  std::vector<std::string> stale;
  {
    std::lock_guard lock(mutex_);
    for (auto it = snapshots_.lower_bound(batch); it != snapshots_.end(); ++it) {
      stale.push_back(SnapshotPath(*it));
    }
    for (auto it = deltas_.upper_bound(batch); it != deltas_.end(); ++it) {
      stale.push_back(DeltaPath(*it));
    }
  }
  if (stale.empty()) return Status::OK();
  for (const std::string& path : stale) MILLRACE_RETURN_IF_ERROR(fs_->Remove(path));
  // They must not come back after the new delta is there.
  MILLRACE_RETURN_IF_ERROR(fs_->SyncDir(path_));
  std::lock_guard lock(mutex_);
  snapshots_.erase(snapshots_.lower_bound(batch), snapshots_.end());
  deltas_.erase(deltas_.upper_bound(batch), deltas_.end());
  return Status::OK();
}

Status StateFolder::PurgeBelow(int64_t oldest) {
  std::vector<std::string> unneeded;
  {
    // Forgotten first: a file that could not be removed is only litter.
    std::lock_guard lock(mutex_);
    const auto after = snapshots_.upper_bound(oldest);
    if (after == snapshots_.begin()) return Status::OK();
    const auto base = std::prev(after);
    for (auto it = snapshots_.begin(); it != base; ++it)
      unneeded.push_back(SnapshotPath(*it));
    const auto first_needed = deltas_.upper_bound(*base);
    for (auto it = deltas_.begin(); it != first_needed; ++it)
      unneeded.push_back(DeltaPath(*it));
    deltas_.erase(deltas_.begin(), first_needed);
    snapshots_.erase(snapshots_.begin(), base);
  }
  for (const std::string& path : unneeded) MILLRACE_RETURN_IF_ERROR(fs_->Remove(path));
  return Status::OK();
}

}  // namespace millrace::state
