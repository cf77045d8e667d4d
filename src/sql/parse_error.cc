#include "sql/parse_error.h"

#include <algorithm>
#include <string>

namespace millrace::sql {
namespace {

// Characters, not bytes.
size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

struct Place {
  size_t line = 1;    // from 1
  size_t column = 0;  // characters before it in its line
};

Place PlaceOf(std::string_view sql, size_t offset) {
  const std::string_view before = sql.substr(0, offset);
  const size_t last_break = before.rfind('\n');
  const size_t line_begin = last_break == std::string_view::npos ? 0 : last_break + 1;
  return {static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          CountCharacters(before.substr(line_begin))};
}

template <typename LineWriter>
void ForEachLine(std::string_view sql, LineWriter write) {
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(sql.find('\n', begin), sql.size());
    write(sql.substr(begin, end - begin), begin);
    if (end == sql.size()) return;
    begin = end + 1;
  }
}

// Spark: ParseException.getMessage where the place is one token.
std::string SyntaxContext(const Fragment& at) {
  const Place place = PlaceOf(at.sql, at.begin);
  std::string text =
      fmt::format(" (line {}, pos {})\n\n== SQL ==\n", place.line, place.column);
  size_t line = 1;
  ForEachLine(at.sql, [&](std::string_view content, size_t) {
    text += content;
    text += '\n';
    if (line++ == place.line) text += std::string(place.column, '-') + "^^^\n";
  });
  return text;
}

// " == SQL (line 1, position 8) ==" and the text, with the fragment underlined.
std::string QueryContext(const Fragment& at) {
  const Place place = PlaceOf(at.sql, at.begin);
  std::string text =
      fmt::format("\n== SQL (line {}, position {}) ==\n", place.line, place.column + 1);
  ForEachLine(at.sql, [&](std::string_view content, size_t line_begin) {
    const size_t line_end = line_begin + content.size();
    text += content;
    text += '\n';
    const size_t begin = std::max(at.begin, line_begin);
    const size_t end = std::min(at.end, line_end);
    if (begin >= end) return;
    text +=
        std::string(CountCharacters(at.sql.substr(line_begin, begin - line_begin)), ' ');
    text += std::string(CountCharacters(at.sql.substr(begin, end - begin)), '^') + '\n';
  });
  return text;
}

std::string WithState(std::string_view message, std::string_view sql_state) {
  return sql_state.empty() ? std::string(message)
                           : fmt::format("{} SQLSTATE: {}", message, sql_state);
}

}  // namespace

Error SyntaxError(const Fragment& at, std::string_view hint) {
  const std::string near =
      at.begin == at.end
          ? "end of input"
          : fmt::format("'{}'", at.sql.substr(at.begin, at.end - at.begin));
  return Error(Fault::kUser, "Syntax error at or near {}{}. SQLSTATE: 42601{}", near,
               hint, SyntaxContext(at))
      .Class("PARSE_SYNTAX_ERROR", "42601")
      .Java(kParseException)
      .Param("error", near)
      .Param("hint", std::string(hint));
}

Error EmptyStatement(std::string_view sql) {
  return Error(Fault::kUser,
               "Syntax error, unexpected empty statement. SQLSTATE: 42617{}",
               SyntaxContext({sql, sql.size(), sql.size()}))
      .Class("PARSE_EMPTY_STATEMENT", "42617")
      .Java(kParseException);
}

Error UnclosedComment(std::string_view sql) {
  return Error(Fault::kUser,
               "Found an unclosed bracketed comment. Please, append */ at the end of the "
               "comment. SQLSTATE: 42601\n== SQL ==\n{}",
               sql)
      .Class("UNCLOSED_BRACKETED_COMMENT", "42601")
      .Java(kParseException);
}

Error TooComplex() {
  return Error(Fault::kUser,
               "The statement, including potential SQL functions and referenced views, "
               "was too "
               "complex to parse. To mitigate this error divide the statement into "
               "multiple, "
               "less complex chunks.")
      .Class("FAILED_TO_PARSE_TOO_COMPLEX", "54001")
      .Java(kParseException);
}

Error PieceError(const Fragment& at, std::string_view error_class,
                 std::string_view sql_state, std::string_view message) {
  return Error(Fault::kUser, "{}{}", WithState(message, sql_state), QueryContext(at))
      .Class(error_class, sql_state)
      .Java(kParseException);
}

Error UnsupportedSyntax(const Fragment& at, std::string_view what) {
  return ParseError(at, "UNSUPPORTED_FEATURE", "0A000", "{} is not supported yet.", what);
}

}  // namespace millrace::sql
