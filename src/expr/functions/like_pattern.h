// Patterns of LIKE: '%' is any text, '_' any character.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/status.h"

namespace millrace::expr {

/// A compiled pattern. Immutable.
/// Threading: all methods may be called from any thread.
class LikePattern {
 public:
  /// `escape` is one character of UTF-8. Errors: INVALID_FORMAT.ESC_AT_THE_END and
  /// .ESC_IN_THE_MIDDLE / 42601.
  static Result<std::shared_ptr<const LikePattern>> Compile(std::string_view pattern,
                                                            std::string_view escape);
  bool Matches(std::string_view text) const;

 private:
  // A stretch of the pattern between two '%': literal text, and characters that may be
  // any.
  struct Piece {
    std::string text;
    bool any_character = false;  // then `text` is empty
  };
  using Segment = std::vector<Piece>;

  static bool MatchAt(const Segment& segment, std::string_view text, size_t at,
                      size_t* end);

  std::vector<Segment> segments_;  // with a '%' between each two
};

}  // namespace millrace::expr
