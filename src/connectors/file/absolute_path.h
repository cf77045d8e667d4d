// Paths as users write them, made comparable.
#pragma once

#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::connectors::file {

/// Absolute, without ".", ".." and a slash at the end. Errors: not UTF-8 (logs could not
/// name it), a scheme other than file.
Result<std::string> AbsolutePath(std::string_view path_or_uri);

}  // namespace millrace::connectors::file
