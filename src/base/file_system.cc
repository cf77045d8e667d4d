#include "base/file_system.h"

#include "base/error.h"
#include "base/uuid.h"

namespace millrace {

Result<std::string> FileSystem::ReadFile(const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const auto file, OpenForRead(path));
  MILLRACE_ASSIGN_OR_RETURN(const int64_t size, file->Size());
  std::string content(static_cast<size_t>(size), '\0');
  MILLRACE_ASSIGN_OR_RETURN(const int64_t read, file->ReadAt(0, size, content.data()));
  content.resize(static_cast<size_t>(read));
  return content;
}

Status FileSystem::WriteFileAtomically(const std::string& path,
                                       std::string_view content) {
  const std::string folder = DirName(path);
  const std::string temporary =
      JoinPath(folder, fmt::format(".{}.{}.tmp", BaseName(path), MakeUuid()));
  auto write = [&]() -> Status {
    MILLRACE_ASSIGN_OR_RETURN(const auto file, OpenForWrite(temporary));
    MILLRACE_RETURN_IF_ERROR(file->Append(content));
    MILLRACE_RETURN_IF_ERROR(file->Sync());
    return file->Close();
  };
  Status status = write();
  if (status.ok()) status = Rename(temporary, path);
  if (!status.ok()) {
    // Whether this works does not matter: left-overs are ignored and swept later.
    (void)Remove(temporary);
    return status;
  }
  return SyncDir(folder);
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path(folder);
  if (path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string DirName(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return std::string(path);
  return std::string(path.substr(slash + 1));
}

Result<std::string> LocalPath(std::string_view uri) {
  const size_t end = uri.find_first_of(":/");
  // As Hadoop's Path: a colon before the first slash ends a scheme; nothing is unescaped.
  if (end == std::string_view::npos || end == 0 || uri[end] == '/')
    return std::string(uri);
  const std::string_view scheme = uri.substr(0, end);
  const std::string_view rest = uri.substr(end + 1);
  if (scheme != "file") {
    return UnsupportedError(
        "Only local files can be used, found a path with scheme '{}': '{}'. Give a path "
        "without scheme or one that begins with 'file:/'.",
        scheme, uri);
  }
  if (rest.starts_with("///") || (rest.starts_with("/") && !rest.starts_with("//"))) {
    return std::string(rest.substr(rest.starts_with("///") ? 2 : 0));
  }
  return ArgumentError(
      "A file URI needs an absolute path and no host, found: '{}'. Write it as "
      "'file:///…'.",
      uri);
}

}  // namespace millrace
