// Inside `data` only: DDL cut into words, names, numbers and signs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::data {

inline constexpr std::string_view kParseException =
    "org.apache.spark.sql.catalyst.parser.ParseException";

enum class TokenKind { kWord, kQuotedName, kNumber, kString, kSymbol, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;      // what the token means: without quotes, escapes undone
  std::string_view raw;  // as written
  size_t position = 0;
};

/// All tokens of a text; the last is kEnd. Blanks and comments are left out.
/// Errors: PARSE_SYNTAX_ERROR / 42601 for a quote that does not end.
Result<std::vector<Token>> Tokenize(std::string_view text);

/// Spark's PARSE_SYNTAX_ERROR at `near`, which is empty at the end of `text`.
Error SyntaxError(std::string_view text, std::string_view near, size_t position);

}  // namespace millrace::data
