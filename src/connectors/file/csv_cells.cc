#include "connectors/file/csv_cells.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace millrace::connectors::file {
namespace {

/// An option of one character; "" or "\0" is none.
Result<char> CharacterOption(const Options& options, std::string_view key,
                             char fallback) {
  const std::optional<std::string> value = options.Get(key);
  if (!value) return fallback;
  if (value->empty() || *value == "\\0" || *value == std::string(1, '\0')) return '\0';
  if (value->size() > 1) {
    return ArgumentError("{} cannot be more than one character, found: {}", key, *value);
  }
  return value->front();
}

/// Spark lets separators be written as \t and the like (CSVExprUtils.toDelimiterStr).
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    constexpr std::string_view kNames = "tnrbf0";
    constexpr std::string_view kValues("\t\n\r\b\f\0", 6);
    const size_t known = kNames.find(text[++i]);
    out += known == std::string_view::npos ? text[i] : kValues[known];
  }
  return out;
}

std::string_view TrimLeft(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ')
    text.remove_prefix(1);
  return text;
}
std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
    text.remove_suffix(1);
  return text;
}

}  // namespace

Result<CsvDialect> CsvDialect::Make(const Options& options) {
  CsvDialect dialect;
  dialect.separator = Unescape(options.GetOr("sep", options.GetOr("delimiter", ",")));
  if (dialect.separator.empty()) {
    return ArgumentError(
        "Delimiter cannot be empty string; leave the option out for ','.");
  }
  MILLRACE_ASSIGN_OR_RETURN(dialect.quote, CharacterOption(options, "quote", '"'));
  MILLRACE_ASSIGN_OR_RETURN(dialect.escape, CharacterOption(options, "escape", '\\'));
  MILLRACE_ASSIGN_OR_RETURN(dialect.comment, CharacterOption(options, "comment", '\0'));
  MILLRACE_ASSIGN_OR_RETURN(dialect.trim_left,
                            options.GetBool("ignoreLeadingWhiteSpace", false));
  MILLRACE_ASSIGN_OR_RETURN(dialect.trim_right,
                            options.GetBool("ignoreTrailingWhiteSpace", false));
  dialect.null_text = options.GetOr("nullValue", "");
  dialect.empty_text = options.GetOr("emptyValue", "");
  return dialect;
}

bool CsvCells::Skips(std::string_view line) const {
  if (TrimLeft(line).empty()) return true;
  return dialect_.comment != 0 && line.front() == dialect_.comment;
}

Cell CsvCells::Finish(std::string_view text, bool quoted) const {
  if (quoted ? text.empty() && dialect_.empty_text == dialect_.null_text : text.empty()) {
    return {};
  }
  if (text.empty()) return dialect_.empty_text;
  return text == dialect_.null_text ? Cell() : text;
}

Cell CsvCells::QuotedCell(std::string_view* rest, bool* open_quote) {
  const std::string_view separator = dialect_.separator;
  const std::string_view all = *rest;
  std::string* unescaped = nullptr;
  size_t begin = 1;  // of what is not yet in `unescaped`
  auto content = [&](size_t end) {
    const std::string_view tail = all.substr(begin, end - begin);
    if (unescaped == nullptr) return tail;
    *unescaped += tail;
    return std::string_view(*unescaped);
  };
  for (size_t i = 1; i < all.size(); ++i) {
    const char c = all[i];
    if (c == dialect_.escape && i + 1 < all.size() &&
        (all[i + 1] == dialect_.quote ||
         (all[i + 1] == c && dialect_.escape != dialect_.quote))) {
      if (unescaped == nullptr) unescaped = &texts_.emplace_back();
      *unescaped += all.substr(begin, i - begin);
      *unescaped += all[i + 1];
      begin = i + 2;
      ++i;
      continue;
    }
    if (c != dialect_.quote) continue;
    const std::string_view after = all.substr(i + 1);
    const std::string_view blank = TrimLeft(after);
    for (const std::string_view next : {after, blank}) {
      if (next.empty()) {
        *rest = std::string_view();
        return Finish(content(i), /*quoted=*/true);
      }
      if (next.starts_with(separator)) {
        *rest = next;
        return Finish(content(i), /*quoted=*/true);
      }
    }
    // A quote in the middle: the cell is not quoted after all (STOP_AT_DELIMITER).
    const size_t end = std::min(all.find(separator, i), all.size());
    *rest = all.substr(end);
    return Finish(all.substr(0, end), /*quoted=*/false);
  }
  *open_quote = true;
  *rest = std::string_view();
  return Finish(content(all.size()), /*quoted=*/true);
}

void CsvCells::Cut(std::string_view record, std::vector<Cell>* cells, bool* open_quote) {
  cells->clear();
  *open_quote = false;
  const std::string_view separator = dialect_.separator;
  std::string_view rest = record;
  for (;;) {
    const std::string_view trimmed = TrimLeft(rest);
    // Blanks before a quote do not count if they are dropped.
    if (dialect_.trim_left && !trimmed.starts_with(separator)) rest = trimmed;
    if (dialect_.quote != 0 && rest.starts_with(dialect_.quote)) {
      cells->push_back(QuotedCell(&rest, open_quote));
    } else {
      const size_t end = std::min(rest.find(separator), rest.size());
      std::string_view text = rest.substr(0, end);
      rest.remove_prefix(end);
      if (dialect_.trim_left) text = TrimLeft(text);
      if (dialect_.trim_right) text = TrimRight(text);
      cells->push_back(Finish(text, /*quoted=*/false));
    }
    if (rest.empty()) return;
    rest.remove_prefix(separator.size());
    if (rest.empty()) {
      cells->push_back(Finish({}, /*quoted=*/false));
      return;
    }
  }
}

}  // namespace millrace::connectors::file
