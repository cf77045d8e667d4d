// Files behind an interface: the local disk, and an in-memory disk that crashes on
// purpose. Everything that must survive a crash (checkpoints, lake commits) is written
// through it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "millrace/status.h"

namespace millrace {

struct FileInfo {
  std::string name;  // last path component
  bool is_directory = false;
  int64_t size = 0;  // bytes
  EpochMillis modified;
};

/// A file being written from its beginning. Closes itself without syncing if dropped.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  /// Makes all appended bytes survive a crash of the machine.
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
};

/// A file being read at given positions.
/// Threading: ReadAt may be called from several threads.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual Result<int64_t> Size() const = 0;
  /// Reads up to `length` bytes at `position`; fewer only at the end of the file.
  virtual Result<int64_t> ReadAt(int64_t position, int64_t length, void* out) const = 0;
};

/// Held as long as the object lives; released by the system when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Threading: all methods may be called from any thread.
/// Failure: errors are Fault::kExternal and name the path and the operation.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Creates or truncates.
  virtual Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) = 0;
  /// Replaces an existing target.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  /// OK also when there is no such file.
  virtual Status Remove(const std::string& path) = 0;
  /// Makes a folder and its parents; what it makes survives a crash.
  virtual Status MakeDirs(const std::string& path) = 0;
  /// Removes a folder and all in it; OK when there is none.
  virtual Status RemoveAll(const std::string& path) = 0;
  /// Entries in no particular order; an error when there is no such folder.
  virtual Result<std::vector<FileInfo>> List(const std::string& path) = 0;
  /// The info of one path, or nothing where there is none.
  virtual Result<std::optional<FileInfo>> Stat(const std::string& path) = 0;
  /// Makes renames, creations and removals in a folder survive a crash.
  virtual Status SyncDir(const std::string& path) = 0;
  /// Takes an exclusive lock on a file, creating it; `owner` is written into it. An error
  /// that quotes the current content of the file where another process holds the lock.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                 std::string_view owner) = 0;

  /// The whole content.
  Result<std::string> ReadFile(const std::string& path);
  /// Writes to a temporary name in the same folder (".<name>.<unique>.tmp"), syncs,
  /// renames over `path`, syncs the folder. After a crash there is the old file, the new
  /// one, or none, never a part.
  Status WriteFileAtomically(const std::string& path, std::string_view content);
};

/// The machine's disk.
std::unique_ptr<FileSystem> MakeLocalFileSystem();

/// "a" + "b" -> "a/b", without doubling the slash.
std::string JoinPath(std::string_view folder, std::string_view name);
/// The folder of a path; "." where it has none.
std::string DirName(std::string_view path);
/// The last component of a path.
std::string BaseName(std::string_view path);
/// Turns "file:///x", "file:/x" and "x" into a local path; an error for another scheme.
Result<std::string> LocalPath(std::string_view uri);

}  // namespace millrace
