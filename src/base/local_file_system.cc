// The machine's disk, through POSIX calls.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file_system.h"

namespace millrace {
namespace {

std::string_view Advice(int code) {
  switch (code) {
    case ENOENT:
      return " Check that the path exists.";
    case EACCES:
    case EPERM:
    case EROFS:
      return " Check the permissions of the path and its parents.";
    case ENOSPC:
    case EDQUOT:
      return " Free some space and start again.";
    case EMFILE:
    case ENFILE:
      return " Raise the limit of open files (ulimit -n).";
    default:
      return "";
  }
}

Error IoError(std::string_view operation, std::string_view path, int code) {
  return ExternalError("Cannot {} '{}': {}.{}", operation, path,
                       std::error_code(code, std::generic_category()).message(),
                       Advice(code));
}

/// Closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Descriptor OpenDescriptor(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  return Descriptor(fd);
}

class LocalWritableFile final : public WritableFile {
 public:
  LocalWritableFile(std::string path, Descriptor fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return IoError("write", path_, errno);
      }
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return Status::OK();
  }

  Status Sync() override {
    if (::fdatasync(fd_.get()) != 0) return IoError("sync", path_, errno);
    return Status::OK();
  }

  Status Close() override {
    const int fd = fd_.Release();
    if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) {
      return IoError("close", path_, errno);
    }
    return Status::OK();
  }

 private:
  const std::string path_;
  Descriptor fd_;
};

class LocalReadableFile final : public ReadableFile {
 public:
  LocalReadableFile(std::string path, Descriptor fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<int64_t> Size() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return IoError("stat", path_, errno);
    return int64_t{info.st_size};
  }

  Result<int64_t> ReadAt(int64_t position, int64_t length, void* out) const override {
    int64_t done = 0;
    while (done < length) {
      const ssize_t read = ::pread(fd_.get(), static_cast<char*>(out) + done,
                                   static_cast<size_t>(length - done), position + done);
      if (read < 0) {
        if (errno == EINTR) continue;
        return IoError("read", path_, errno);
      }
      if (read == 0) break;
      done += read;
    }
    return done;
  }

 private:
  const std::string path_;
  Descriptor fd_;
};

/// The locks of this process. flock() alone would do on a local disk; on a network file
/// system it may be emulated with locks that belong to the process, not to the open file.
class HeldLocks {
 public:
  using Id = std::pair<dev_t, ino_t>;

  static HeldLocks& Instance() {
    static HeldLocks instance;
    return instance;
  }
  bool Add(const Id& id) {
    std::lock_guard lock(mutex_);
    return held_.insert(id).second;
  }
  void Remove(const Id& id) {
    std::lock_guard lock(mutex_);
    held_.erase(id);
  }

 private:
  std::mutex mutex_;
  std::set<Id> held_;  // guarded by mutex_
};

class LocalFileLock final : public FileLock {
 public:
  LocalFileLock(Descriptor fd, HeldLocks::Id id) : fd_(std::move(fd)), id_(id) {}
  ~LocalFileLock() override {
    // The file stays: removing it would let two others lock two files of the same name.
    ::flock(fd_.get(), LOCK_UN);
    HeldLocks::Instance().Remove(id_);
  }

  // Through the locked descriptor: where flock() is emulated, closing another one
  // unlocks.
  Status WriteOwner(const std::string& path, std::string_view owner) {
    const auto size = static_cast<ssize_t>(owner.size());
    if (::ftruncate(fd_.get(), 0) != 0 ||
        ::pwrite(fd_.get(), owner.data(), owner.size(), 0) != size) {
      return IoError("write", path, errno);
    }
    return Status::OK();
  }

 private:
  Descriptor fd_;
  const HeldLocks::Id id_;
};

FileInfo ToFileInfo(std::string name, const struct stat& info) {
  const auto since_epoch = std::chrono::seconds(info.st_mtim.tv_sec) +
                           std::chrono::nanoseconds(info.st_mtim.tv_nsec);
  return FileInfo{.name = std::move(name),
                  .is_directory = S_ISDIR(info.st_mode),
                  .size = S_ISDIR(info.st_mode) ? 0 : int64_t{info.st_size},
                  .modified = EpochMillis(
                      std::chrono::floor<std::chrono::milliseconds>(since_epoch))};
}

class LocalFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd.valid()) return IoError("create", path, errno);
    return std::make_unique<LocalWritableFile>(path, std::move(fd));
  }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_RDONLY);
    if (!fd.valid()) return IoError("open", path, errno);
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return IoError("open", path, errno);
    if (S_ISDIR(info.st_mode)) return IoError("open", path, EISDIR);
    return std::make_unique<LocalReadableFile>(path, std::move(fd));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return IoError(fmt::format("rename '{}' to", from), to, errno);
    }
    return Status::OK();
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return IoError("remove", path, errno);
    }
    return Status::OK();
  }

  Status MakeDirs(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return Status::OK();
      return IoError("make folder", path, ENOTDIR);
    }
    if (errno != ENOENT) return IoError("make folder", path, errno);
    const std::string parent = DirName(path);
    if (parent != path) MILLRACE_RETURN_IF_ERROR(MakeDirs(parent));
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
      return IoError("make folder", path, errno);
    }
    return SyncDir(parent);
  }

  Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return IoError("remove folder", path, error.value());
    return Status::OK();
  }

  Result<std::vector<FileInfo>> List(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
    if (folder == nullptr) return IoError("list", path, errno);
    std::vector<FileInfo> infos;
    for (;;) {
      errno = 0;
      const struct dirent* entry = ::readdir(folder.get());
      if (entry == nullptr) {
        if (errno != 0) return IoError("list", path, errno);
        return infos;
      }
      std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info;
      if (::fstatat(::dirfd(folder.get()), entry->d_name, &info, 0) != 0) {
        if (errno == ENOENT) continue;  // removed meanwhile, or a link to nothing
        return IoError("stat", JoinPath(path, name), errno);
      }
      infos.push_back(ToFileInfo(std::move(name), info));
    }
  }

  Result<std::optional<FileInfo>> Stat(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::optional<FileInfo>();
      return IoError("stat", path, errno);
    }
    return std::optional<FileInfo>(ToFileInfo(BaseName(path), info));
  }

  Status SyncDir(const std::string& path) override {
    const Descriptor fd = OpenDescriptor(path, O_RDONLY | O_DIRECTORY);
    if (!fd.valid() || ::fsync(fd.get()) != 0) return IoError("sync folder", path, errno);
    return Status::OK();
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                         std::string_view owner) override {
    Descriptor fd = OpenDescriptor(path, O_RDWR | O_CREAT);
    if (!fd.valid()) return IoError("lock", path, errno);
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return IoError("lock", path, errno);
    const HeldLocks::Id id(info.st_dev, info.st_ino);
    if (!HeldLocks::Instance().Add(id)) return AlreadyLocked(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      const int code = errno;
      HeldLocks::Instance().Remove(id);
      if (code == EWOULDBLOCK) return AlreadyLocked(path);
      return IoError("lock", path, code);
    }
    auto lock = std::make_unique<LocalFileLock>(std::move(fd), id);
    MILLRACE_RETURN_IF_ERROR(lock->WriteOwner(path, owner));
    return lock;
  }

 private:
  Error AlreadyLocked(const std::string& path) {
    const Result<std::string> owner = ReadFile(path);
    return ExternalError(
        "Wanted to lock '{}', but it is locked already, by: {}. Stop that one first, or "
        "use "
        "another location.",
        path, owner.ok() && !owner->empty() ? *owner : "unknown");
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakeLocalFileSystem() {
  return std::make_unique<LocalFileSystem>();
}

}  // namespace millrace
