#include "connectors/file/utf8_text.h"

#include <algorithm>

#include <arrow/util/utf8.h>

namespace millrace::connectors::file {

bool IsUtf8(std::string_view text) {
  static const bool ready = [] {
    arrow::util::InitializeUTF8();
    return true;
  }();
  return ready && arrow::util::ValidateUTF8(text);
}

std::string ToUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string valid;
  while (!text.empty()) {
    const size_t longest = std::min<size_t>(4, text.size());
    size_t length = 1;
    while (length <= longest && !IsUtf8(text.substr(0, length))) ++length;
    if (length <= longest) {
      valid += text.substr(0, length);
    } else {
      valid += "\xEF\xBF\xBD";
      length = 1;
    }
    text.remove_prefix(length);
  }
  return valid;
}

}  // namespace millrace::connectors::file
