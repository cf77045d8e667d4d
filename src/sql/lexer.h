// SQL text cut into tokens, by the rules of Spark's SqlBaseLexer.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "millrace/status.h"

namespace millrace::sql {

enum class TokenKind {
  kWord,          // an identifier or a keyword: no word is reserved
  kQuotedName,    // `a b`
  kString,        // 'text', "text", r'text', with quotes
  kInteger,       // 12
  kNumber,        // 1.5, 1e3, 12L, 1.5BD: with its suffix
  kSymbol,        // an operator or a bracket
  kUnrecognized,  // a character that begins nothing, such as a quote that is not closed
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // as written
  size_t begin = 0;       // offset of `text` in the whole

  size_t end() const { return begin + text.size(); }
};

/// All tokens of a text; the last is kEnd. Blanks, comments and hints are left out. The
/// tokens point into `text`. Errors: UNCLOSED_BRACKETED_COMMENT / 42601.
Result<std::vector<Token>> Tokenize(std::string_view text);

}  // namespace millrace::sql
