#pragma once

#include <cstddef>
#include <string_view>

namespace millrace {

/// Levenshtein's distance: the fewest insertions, deletions and replacements of bytes
/// that turn `a` into `b`. For "did you mean" in errors.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace millrace
