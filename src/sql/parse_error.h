// Errors about SQL text, in the words and the form of Spark's ParseException.
#pragma once

#include <string_view>

#include "base/error.h"

namespace millrace::sql {

inline constexpr std::string_view kParseException =
    "org.apache.spark.sql.catalyst.parser.ParseException";

/// A piece of a SQL text.
struct Fragment {
  std::string_view sql;  // the whole text
  size_t begin = 0;
  size_t end = 0;
};

/// PARSE_SYNTAX_ERROR / 42601 at a token; empty at the end of the text. `hint` is empty
/// or begins with ": ".
Error SyntaxError(const Fragment& at, std::string_view hint = "");

/// PARSE_EMPTY_STATEMENT / 42617.
Error EmptyStatement(std::string_view sql);

/// UNCLOSED_BRACKETED_COMMENT / 42601.
Error UnclosedComment(std::string_view sql);

/// FAILED_TO_PARSE_TOO_COMPLEX / 54001: nested so deeply that the stack would not do.
Error TooComplex();

/// A ParseException about what a piece of the text means: the message with the SQLSTATE
/// (none where it is empty), and behind it the text with the piece underlined.
Error PieceError(const Fragment& at, std::string_view error_class,
                 std::string_view sql_state, std::string_view message);

template <typename... Args>
Error ParseError(const Fragment& at, std::string_view error_class,
                 std::string_view sql_state, fmt::format_string<Args...> format,
                 Args&&... args) {
  return PieceError(at, error_class, sql_state,
                    fmt::format(format, std::forward<Args>(args)...));
}

/// Something Spark's grammar has and Millrace does not.
Error UnsupportedSyntax(const Fragment& at, std::string_view what);

}  // namespace millrace::sql
