// What a malformed record does: the option `mode` of text sources.
#pragma once

#include "base/options.h"

namespace millrace::connectors::file {

enum class ReadMode { kPermissive, kDropMalformed, kFailFast };

/// Unknown texts mean PERMISSIVE, as in Spark (ParseMode.fromString).
ReadMode ReadModeOf(const Options& options);

/// Spark's error of a record that is malformed in FAILFAST mode.
Status MalformedRecord(std::string_view path, std::string_view record);

}  // namespace millrace::connectors::file
