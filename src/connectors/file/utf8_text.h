// Whether bytes are UTF-8, and text that is.
#pragma once

#include <string>
#include <string_view>

namespace millrace::connectors::file {

bool IsUtf8(std::string_view text);

/// The text with bytes that are not UTF-8 replaced by U+FFFD, as the JVM's decoder does.
std::string ToUtf8(std::string_view text);

}  // namespace millrace::connectors::file
