#include "base/mem_file_system.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"

namespace millrace {
namespace {

/// A file or folder. What is on the disk for good is kept beside what programs see.
struct Node {
  bool is_directory = false;
  EpochMillis modified;

  // of files
  std::string content;
  std::string durable_content;

  // of folders
  using Entries = std::map<std::string, std::shared_ptr<Node>, std::less<>>;
  Entries entries;
  Entries durable_entries;
};
using NodePtr = std::shared_ptr<Node>;

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    if (!component.empty() && component != ".") components.push_back(component);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return components;
}

Error DiskError(std::string_view operation, std::string_view path,
                std::string_view reason) {
  return ExternalError("Cannot {} '{}': {}.", operation, path, reason);
}

void ApplyCrash(const NodePtr& node, Unsynced unsynced, std::set<const Node*>& visited) {
  if (!visited.insert(node.get()).second) return;  // durable under two names
  if (node->is_directory) {
    if (unsynced == Unsynced::kLost) node->entries = node->durable_entries;
    node->durable_entries = node->entries;
    for (const auto& [name, child] : node->entries) ApplyCrash(child, unsynced, visited);
    return;
  }
  if (unsynced != Unsynced::kKept) node->content = node->durable_content;
  node->durable_content = node->content;
}

}  // namespace

/// The state of the disk; outlives the file system in files and locks that are still
/// open.
///
/// Threading: `mutex` guards everything; the methods want it held.
class MemDisk {
 public:
  std::mutex mutex;
  NodePtr root = MakeNode(/*is_directory=*/true);
  int crash_at = 0;
  int operations = 0;
  bool crashed = false;
  bool full = false;
  int64_t boot = 0;  // how many reboots; handles of earlier boots are dead
  std::set<const Node*> locked;

  NodePtr MakeNode(bool is_directory) {
    auto node = std::make_shared<Node>();
    node->is_directory = is_directory;
    Touch(*node);
    return node;
  }

  // Time passes by one millisecond with each change, so that runs are alike.
  void Touch(Node& node) {
    node.modified = EpochMillis(std::chrono::milliseconds(++ticks_));
  }

  Status CheckRunning(std::string_view operation, std::string_view path) const {
    if (crashed) return DiskError(operation, path, "the disk has crashed");
    return Status::OK();
  }

  Status CheckBoot(int64_t handle_boot, std::string_view operation,
                   std::string_view path) const {
    if (handle_boot != boot) {
      return DiskError(operation, path, "it was opened before the disk crashed");
    }
    return CheckRunning(operation, path);
  }

  // Counts a changing operation; an error at the crash point and on a full disk.
  Status BeginChange(std::string_view operation, std::string_view path) {
    MILLRACE_RETURN_IF_ERROR(CheckRunning(operation, path));
    ++operations;
    if (crash_at != 0 && operations >= crash_at) crashed = true;
    MILLRACE_RETURN_IF_ERROR(CheckRunning(operation, path));
    if (full) return DiskError(operation, path, "No space left on device");
    return Status::OK();
  }

  NodePtr Find(std::string_view path) const {
    NodePtr node = root;
    for (const std::string_view name : Components(path)) {
      const auto entry = node->entries.find(name);
      if (entry == node->entries.end()) return nullptr;
      node = entry->second;
    }
    return node;
  }

  // The folder an entry of name BaseName(path) lies in or would lie in.
  Result<NodePtr> FindParent(std::string_view operation, std::string_view path) const {
    NodePtr parent = Find(DirName(path));
    if (parent == nullptr || !parent->is_directory) {
      return DiskError(operation, path, "No such file or directory");
    }
    return parent;
  }

  // The file at `path`, made where there is none. Not counted.
  Result<NodePtr> FindOrMakeFile(std::string_view operation, std::string_view path) {
    MILLRACE_ASSIGN_OR_RETURN(const NodePtr parent, FindParent(operation, path));
    NodePtr& node = parent->entries[BaseName(path)];
    if (node == nullptr) {
      node = MakeNode(/*is_directory=*/false);
      Touch(*parent);
    } else if (node->is_directory) {
      return DiskError(operation, path, "Is a directory");
    }
    return node;
  }

  // Removes what is in `folder`, one operation an entry.
  Status RemoveEntries(Node& folder, std::string_view path) {
    while (!folder.entries.empty()) {
      const auto entry = folder.entries.begin();
      const std::string child = JoinPath(path, entry->first);
      if (entry->second->is_directory) {
        MILLRACE_RETURN_IF_ERROR(RemoveEntries(*entry->second, child));
      }
      MILLRACE_RETURN_IF_ERROR(BeginChange("remove", child));
      folder.entries.erase(entry);
      Touch(folder);
    }
    return Status::OK();
  }

 private:
  int64_t ticks_ = 0;
};

namespace {

using DiskMutexLock = std::lock_guard<std::mutex>;

FileInfo ToFileInfo(std::string name, const Node& node) {
  return FileInfo{.name = std::move(name),
                  .is_directory = node.is_directory,
                  .size = static_cast<int64_t>(node.content.size()),
                  .modified = node.modified};
}

/// What files and locks have in common: a node of one boot of one disk.
struct Handle {
  std::shared_ptr<MemDisk> disk;
  NodePtr node;
  std::string path;
  int64_t boot = 0;
};

class MemWritableFile final : public WritableFile {
 public:
  explicit MemWritableFile(Handle handle) : handle_(std::move(handle)) {}

  Status Append(std::string_view bytes) override {
    DiskMutexLock lock(handle_.disk->mutex);
    const bool had_crashed = handle_.disk->crashed;
    if (Status status = BeginChange("write"); !status.ok()) {
      const bool torn = handle_.disk->crashed && !had_crashed;
      if (torn) handle_.node->content += bytes.substr(0, bytes.size() / 2);
      return status;
    }
    handle_.node->content += bytes;
    handle_.disk->Touch(*handle_.node);
    return Status::OK();
  }

  Status Sync() override {
    DiskMutexLock lock(handle_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(BeginChange("sync"));
    handle_.node->durable_content = handle_.node->content;
    return Status::OK();
  }

  Status Close() override {
    DiskMutexLock lock(handle_.disk->mutex);
    closed_ = true;
    return handle_.disk->CheckBoot(handle_.boot, "close", handle_.path);
  }

 private:
  Status BeginChange(std::string_view operation) {
    if (closed_) return DiskError(operation, handle_.path, "the file was closed");
    MILLRACE_RETURN_IF_ERROR(
        handle_.disk->CheckBoot(handle_.boot, operation, handle_.path));
    return handle_.disk->BeginChange(operation, handle_.path);
  }

  const Handle handle_;
  bool closed_ = false;
};

class MemReadableFile final : public ReadableFile {
 public:
  explicit MemReadableFile(Handle handle) : handle_(std::move(handle)) {}

  Result<int64_t> Size() const override {
    DiskMutexLock lock(handle_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(handle_.disk->CheckBoot(handle_.boot, "stat", handle_.path));
    return static_cast<int64_t>(handle_.node->content.size());
  }

  Result<int64_t> ReadAt(int64_t position, int64_t length, void* out) const override {
    DiskMutexLock lock(handle_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(handle_.disk->CheckBoot(handle_.boot, "read", handle_.path));
    const std::string& content = handle_.node->content;
    if (position < 0 || length < 0) {
      return DiskError("read", handle_.path, "Invalid argument");
    }
    const int64_t size = static_cast<int64_t>(content.size());
    const int64_t count = std::clamp<int64_t>(size - position, 0, length);
    if (count > 0)
      std::memcpy(out, content.data() + position, static_cast<size_t>(count));
    return count;
  }

 private:
  const Handle handle_;
};

class MemFileLock final : public FileLock {
 public:
  explicit MemFileLock(Handle handle) : handle_(std::move(handle)) {}
  ~MemFileLock() override {
    DiskMutexLock lock(handle_.disk->mutex);
    if (handle_.boot == handle_.disk->boot)
      handle_.disk->locked.erase(handle_.node.get());
  }

 private:
  const Handle handle_;
};

}  // namespace

MemFileSystem::MemFileSystem() : disk_(std::make_shared<MemDisk>()) {}
MemFileSystem::~MemFileSystem() = default;

void MemFileSystem::CrashAt(int n) {
  DiskMutexLock lock(disk_->mutex);
  disk_->crash_at = n;
  disk_->operations = 0;
}

int MemFileSystem::operations() const {
  DiskMutexLock lock(disk_->mutex);
  return disk_->operations;
}

bool MemFileSystem::crashed() const {
  DiskMutexLock lock(disk_->mutex);
  return disk_->crashed;
}

void MemFileSystem::Reboot(Unsynced unsynced) {
  DiskMutexLock lock(disk_->mutex);
  std::set<const Node*> visited;
  ApplyCrash(disk_->root, unsynced, visited);
  disk_->locked.clear();
  disk_->crash_at = 0;
  disk_->operations = 0;
  disk_->crashed = false;
  ++disk_->boot;
}

void MemFileSystem::SetFull(bool full) {
  DiskMutexLock lock(disk_->mutex);
  disk_->full = full;
}

Result<std::unique_ptr<WritableFile>> MemFileSystem::OpenForWrite(
    const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("create", path));
  MILLRACE_ASSIGN_OR_RETURN(const NodePtr node, disk_->FindOrMakeFile("create", path));
  node->content.clear();
  disk_->Touch(*node);
  return std::make_unique<MemWritableFile>(Handle{disk_, node, path, disk_->boot});
}

Result<std::unique_ptr<ReadableFile>> MemFileSystem::OpenForRead(
    const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("open", path));
  const NodePtr node = disk_->Find(path);
  if (node == nullptr) return DiskError("open", path, "No such file or directory");
  if (node->is_directory) return DiskError("open", path, "Is a directory");
  return std::make_unique<MemReadableFile>(Handle{disk_, node, path, disk_->boot});
}

Status MemFileSystem::Rename(const std::string& from, const std::string& to) {
  DiskMutexLock lock(disk_->mutex);
  const std::string operation = fmt::format("rename '{}' to", from);
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange(operation, to));
  const NodePtr node = disk_->Find(from);
  const NodePtr target = disk_->Find(to);
  if (node == nullptr || node == disk_->root) {
    return DiskError(operation, to, "No such file or directory");
  }
  if (target == node) return Status::OK();
  if (target != nullptr && target->is_directory != node->is_directory) {
    return DiskError(operation, to,
                     target->is_directory ? "Is a directory" : "Not a directory");
  }
  if (target != nullptr && !target->entries.empty()) {
    return DiskError(operation, to, "Directory not empty");
  }
  MILLRACE_ASSIGN_OR_RETURN(const NodePtr new_parent, disk_->FindParent(operation, to));
  MILLRACE_ASSIGN_OR_RETURN(const NodePtr old_parent, disk_->FindParent(operation, from));
  new_parent->entries.insert_or_assign(BaseName(to), node);
  old_parent->entries.erase(BaseName(from));
  disk_->Touch(*new_parent);
  disk_->Touch(*old_parent);
  return Status::OK();
}

Status MemFileSystem::Remove(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("remove", path));
  const NodePtr node = disk_->Find(path);
  if (node == nullptr) return Status::OK();
  if (node->is_directory) return DiskError("remove", path, "Is a directory");
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("remove", path));
  MILLRACE_ASSIGN_OR_RETURN(const NodePtr parent, disk_->FindParent("remove", path));
  parent->entries.erase(BaseName(path));
  disk_->Touch(*parent);
  return Status::OK();
}

Status MemFileSystem::MakeDirs(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("make folder", path));
  NodePtr folder = disk_->root;
  for (const std::string_view name : Components(path)) {
    const auto entry = folder->entries.find(name);
    NodePtr child = entry == folder->entries.end() ? nullptr : entry->second;
    if (child == nullptr) {
      MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("make folder", path));
      child = disk_->MakeNode(/*is_directory=*/true);
      folder->entries.emplace(name, child);
      folder->durable_entries.insert_or_assign(std::string(name), child);
      disk_->Touch(*folder);
    } else if (!child->is_directory) {
      return DiskError("make folder", path, "Not a directory");
    }
    folder = child;
  }
  return Status::OK();
}

Status MemFileSystem::RemoveAll(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("remove folder", path));
  const NodePtr node = disk_->Find(path);
  if (node == nullptr) return Status::OK();
  MILLRACE_RETURN_IF_ERROR(disk_->RemoveEntries(*node, path));
  if (node == disk_->root) return Status::OK();
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("remove", path));
  MILLRACE_ASSIGN_OR_RETURN(const NodePtr parent, disk_->FindParent("remove", path));
  parent->entries.erase(BaseName(path));
  disk_->Touch(*parent);
  return Status::OK();
}

Result<std::vector<FileInfo>> MemFileSystem::List(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("list", path));
  const NodePtr folder = disk_->Find(path);
  if (folder == nullptr) return DiskError("list", path, "No such file or directory");
  if (!folder->is_directory) return DiskError("list", path, "Not a directory");
  std::vector<FileInfo> infos;
  for (const auto& [name, node] : folder->entries)
    infos.push_back(ToFileInfo(name, *node));
  return infos;
}

Result<std::optional<FileInfo>> MemFileSystem::Stat(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("stat", path));
  const NodePtr node = disk_->Find(path);
  if (node == nullptr) return std::optional<FileInfo>();
  return std::optional<FileInfo>(ToFileInfo(BaseName(path), *node));
}

Status MemFileSystem::SyncDir(const std::string& path) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("sync folder", path));
  const NodePtr folder = disk_->Find(path);
  if (folder == nullptr)
    return DiskError("sync folder", path, "No such file or directory");
  if (!folder->is_directory) return DiskError("sync folder", path, "Not a directory");
  folder->durable_entries = folder->entries;
  return Status::OK();
}

Result<std::unique_ptr<FileLock>> MemFileSystem::Lock(const std::string& path,
                                                      std::string_view owner) {
  DiskMutexLock lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->CheckRunning("lock", path));
  NodePtr node = disk_->Find(path);
  if (node != nullptr && disk_->locked.contains(node.get())) {
    return ExternalError(
        "Wanted to lock '{}', but it is locked already, by: {}. Stop that one first, or "
        "use "
        "another location.",
        path, node->content.empty() ? "unknown" : node->content);
  }
  MILLRACE_RETURN_IF_ERROR(disk_->BeginChange("lock", path));
  MILLRACE_ASSIGN_OR_RETURN(node, disk_->FindOrMakeFile("lock", path));
  node->content = owner;
  disk_->Touch(*node);
  disk_->locked.insert(node.get());
  return std::make_unique<MemFileLock>(Handle{disk_, node, path, disk_->boot});
}

}  // namespace millrace
