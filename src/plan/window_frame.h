// Which rows around a row a window function looks at: ROWS or RANGE BETWEEN … AND ….
#pragma once

#include <cstdint>
#include <optional>

namespace millrace::plan {

/// Offsets count rows from the current one, below 0 for those before it; without one the
/// frame goes to the end of the partition. A range frame has no offset but 0: the rows
/// that the order does not tell from the current one.
struct WindowFrame {
  bool rows = false;
  std::optional<int64_t> lower;
  std::optional<int64_t> upper;
};

}  // namespace millrace::plan
