#include "connectors/file/absolute_path.h"

#include <filesystem>

#include "base/error.h"
#include "base/file_system.h"
#include "connectors/file/utf8_text.h"

namespace millrace::connectors::file {

Result<std::string> AbsolutePath(std::string_view path_or_uri) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string local, LocalPath(path_or_uri));
  if (!IsUtf8(local)) {
    return ArgumentError("The path '{}' is not valid UTF-8; rename the folder.", local);
  }
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(local, error).lexically_normal();
  if (error)
    return ArgumentError("Cannot find where '{}' lies: {}", local, error.message());
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path.string();
}

}  // namespace millrace::connectors::file
