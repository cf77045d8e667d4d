// An in-memory disk that forgets unsynced bytes and names when it crashes, and crashes at
// a chosen operation. For crash tests: run, crash at operation n, reboot, run again,
// compare.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace millrace {

class MemDisk;  // mem_file_system.cc

/// What a crash leaves of the changes that were not synced.
enum class Unsynced {
  kLost,       // nothing, neither bytes nor names: the power failed
  kNamesKept,  // names but not bytes: what disks do to those who rename without syncing
  kKept,       // everything: only the process died
};

/// Relative paths begin at the root. A rename between two folders is durable in each of
/// them by its own SyncDir: sync the target's first.
///
/// Threading: as FileSystem.
class MemFileSystem final : public FileSystem {
 public:
  MemFileSystem();
  ~MemFileSystem() override;

  /// Operation number `n` from now (1 is the next one that changes the disk) and all
  /// later ones fail as if the machine had stopped; an append that fails so leaves half
  /// of its bytes. 0 switches it off.
  void CrashAt(int n);
  /// How many changing operations were tried since the last CrashAt/Reboot.
  int operations() const;
  /// Whether the crash point was reached.
  bool crashed() const;
  /// The machine comes back: unsynced file bytes and unsynced directory changes are gone,
  /// locks are free, no crash is planned. Files opened before are dead.
  void Reboot(Unsynced unsynced = Unsynced::kLost);
  /// Makes every later operation that changes the disk fail with "No space left on
  /// device".
  void SetFull(bool full);

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirs(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Result<std::vector<FileInfo>> List(const std::string& path) override;
  Result<std::optional<FileInfo>> Stat(const std::string& path) override;
  Status SyncDir(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                         std::string_view owner) override;

 private:
  const std::shared_ptr<MemDisk> disk_;
};

}  // namespace millrace
