#include "expr/json_path.h"

#include <charconv>

#include "expr/json_chars.h"
#include "expr/json_converter.h"

namespace millrace::expr {
namespace {

// Paths nest as deep as their steps, each of which takes a frame.
constexpr size_t kMaxSteps = 2000;

// Scala's RegexParsers: blanks before words, names and numbers do not count.
class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text) {}

  std::optional<JsonPath> Parse() {
    if (!Take('$')) return std::nullopt;
    while (ReadNode()) {
    }
    SkipBlanks();
    if (!text_.empty() || path_.size() > kMaxSteps) return std::nullopt;
    return std::move(path_);
  }

 private:
  bool Take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() {
    const size_t begin = text_.find_first_not_of(" \t\n\f\r\v");
    text_.remove_prefix(begin == std::string_view::npos ? text_.size() : begin);
  }
  bool TakeWord(std::string_view word) {
    const std::string_view before = text_;
    SkipBlanks();
    if (text_.starts_with(word)) {
      text_.remove_prefix(word.size());
      return true;
    }
    text_ = before;
    return false;
  }
  std::string_view TakeUntil(std::string_view stops) {
    SkipBlanks();
    const std::string_view taken = text_.substr(0, text_.find_first_of(stops));
    text_.remove_prefix(taken.size());
    return taken;
  }
  void Add(JsonPathStep::Kind kind, std::string_view name = "", int64_t index = 0) {
    path_.push_back({kind, index, std::string(name)});
  }

  bool ReadNode() {
    const std::string_view before = text_;
    if (TakeWord(".*") || TakeWord("['*']")) {
      Add(JsonPathStep::kWildcard);
      return true;
    }
    if (Take('.')) {
      const std::string_view name = TakeUntil(".[");
      if (!name.empty()) {
        Add(JsonPathStep::kKey);
        Add(JsonPathStep::kName, name);
        return true;
      }
    } else if (TakeWord("['")) {
      const std::string_view name = TakeUntil("'");
      if (!name.empty() && TakeWord("']")) {
        Add(JsonPathStep::kKey);
        Add(JsonPathStep::kName, name);
        return true;
      }
    }
    text_ = before;
    if (Take('[')) {
      if (Take('*')) {
        if (Take(']')) {
          Add(JsonPathStep::kSubscript);
          Add(JsonPathStep::kWildcard);
          return true;
        }
      } else {
        SkipBlanks();
        int64_t index = 0;
        const char* const end = text_.data() + text_.size();
        const auto [stop, error] = std::from_chars(text_.data(), end, index);
        const bool is_number = error == std::errc() && !text_.starts_with('-');
        if (is_number) text_.remove_prefix(static_cast<size_t>(stop - text_.data()));
        if (is_number && Take(']')) {
          Add(JsonPathStep::kSubscript);
          Add(JsonPathStep::kIndex, "", index);
          return true;
        }
      }
    }
    text_ = before;
    return false;
  }

  std::string_view text_;
  JsonPath path_;
};

// Between the values of an array that is being written.
void Separate(std::string* out) {
  if (!out->empty() && out->back() != '[' && out->back() != '{' && out->back() != ':') {
    out->push_back(',');
  }
}

JsonSyntax HiveSyntax() {
  JsonSyntax syntax;
  syntax.control_chars = true;
  syntax.non_numeric_numbers = false;
  return syntax;
}

}  // namespace

std::optional<JsonPath> ParseJsonPath(std::string_view text) {
  return PathParser(text).Parse();
}

JsonPathReader::JsonPathReader() : tokens_(HiveSyntax()) {}

bool JsonPathReader::Find(std::string_view document, const JsonPath& path,
                          std::string* out) {
  tokens_.Reset(document);
  if (tokens_.Next() == JsonToken::kError) return false;
  std::string found;
  if (Walk({&found, /*escape_pairs=*/true}, Style::kRaw, path, 0) != Found::kYes) {
    return false;
  }
  out->append(found);
  return true;
}

JsonPathReader::Found JsonPathReader::Walk(const Output& out, Style style,
                                           const JsonPath& path, size_t at) {
  const JsonToken token = tokens_.current();
  if (at == path.size()) {
    if (token == JsonToken::kString && style == Style::kRaw) {
      if (!tokens_.FinishString()) return Found::kError;
      std::string text(tokens_.text());
      ReplaceLoneSurrogates(&text);
      if (text.size() != tokens_.text().size()) return Found::kError;
      out.text->append(text);
      return Found::kYes;
    }
    if (token == JsonToken::kStartArray && style == Style::kFlatten) {
      return CopyElements(out, style, path, at);
    }
    Separate(out.text);
    return CopyJsonValue(tokens_, out.escape_pairs, out.text) ? Found::kYes
                                                              : Found::kError;
  }
  const JsonPathStep& step = path[at];
  if (token == JsonToken::kStartObject && step.kind == JsonPathStep::kKey) {
    bool found = false;
    while (true) {
      const JsonToken next = tokens_.Next();
      if (next == JsonToken::kError || next == JsonToken::kNone) return Found::kError;
      if (next == JsonToken::kEndObject) return found ? Found::kYes : Found::kNo;
      if (found) {
        if (!tokens_.SkipChildren()) return Found::kError;
        continue;
      }
      const Found inside = Walk(out, style, path, at + 1);
      if (inside == Found::kError) return inside;
      found = inside == Found::kYes;
    }
  }
  if (token == JsonToken::kStartArray && step.kind == JsonPathStep::kSubscript) {
    return WalkArray(out, style, path, at + 1);
  }
  if (token == JsonToken::kName && step.kind == JsonPathStep::kName &&
      tokens_.name() == step.name) {
    const JsonToken value = tokens_.Next();
    if (value == JsonToken::kError) return Found::kError;
    return value == JsonToken::kNull ? Found::kNo : Walk(out, style, path, at + 1);
  }
  if (token == JsonToken::kName && step.kind == JsonPathStep::kWildcard) {
    if (tokens_.Next() == JsonToken::kError) return Found::kError;
    return Walk(out, style, path, at + 1);
  }
  return tokens_.SkipChildren() ? Found::kNo : Found::kError;
}

// Behind a '['; `at` is the index or wildcard.
JsonPathReader::Found JsonPathReader::WalkArray(const Output& out, Style style,
                                                const JsonPath& path, size_t at) {
  const auto is = [&](size_t place, JsonPathStep::Kind kind) {
    return place < path.size() && path[place].kind == kind;
  };
  const bool wildcard_follows =
      is(at + 1, JsonPathStep::kSubscript) && is(at + 2, JsonPathStep::kWildcard);
  if (path[at].kind == JsonPathStep::kIndex) {
    if (tokens_.Next() == JsonToken::kError) return Found::kError;
    return WalkIndex(out, wildcard_follows ? Style::kQuoted : style, path, at + 1,
                     path[at].index);
  }
  if (wildcard_follows) {  // Hive flattens two of them
    Separate(out.text);
    out.text->push_back('[');
    const Found found = CopyElements(out, Style::kFlatten, path, at + 3);
    out.text->push_back(']');
    return found;
  }
  if (style != Style::kQuoted) return WalkWildcard(out, style, path, at + 1);
  Separate(out.text);
  out.text->push_back('[');
  const Found found = CopyElements(out, Style::kQuoted, path, at + 1);
  out.text->push_back(']');
  return found;
}

// What the path finds in each element, up to the end of the array.
JsonPathReader::Found JsonPathReader::CopyElements(const Output& out, Style style,
                                                   const JsonPath& path, size_t at) {
  bool found = false;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError || token == JsonToken::kNone) return Found::kError;
    if (token == JsonToken::kEndArray) return found ? Found::kYes : Found::kNo;
    const Found inside = Walk(out, style, path, at);
    if (inside == Found::kError) return inside;
    found |= inside == Found::kYes;
  }
}

// One match stands without an array around it, as in Hive.
JsonPathReader::Found JsonPathReader::WalkWildcard(const Output& out, Style style,
                                                   const JsonPath& path, size_t at) {
  std::string buffer = "[";
  const Output inner{&buffer, /*escape_pairs=*/false};
  const Style inner_style = style == Style::kRaw ? Style::kQuoted : Style::kFlatten;
  int matches = 0;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError || token == JsonToken::kNone) return Found::kError;
    if (token == JsonToken::kEndArray) break;
    const Found inside = Walk(inner, inner_style, path, at);
    if (inside == Found::kError) return inside;
    if (inside == Found::kYes) ++matches;
  }
  if (matches == 0) return Found::kNo;
  Separate(out.text);
  if (matches > 1) {
    out.text->append(buffer).push_back(']');
  } else {
    out.text->append(buffer, 1);
  }
  return Found::kYes;
}

JsonPathReader::Found JsonPathReader::WalkIndex(const Output& out, Style style,
                                                const JsonPath& path, size_t at,
                                                int64_t index) {
  for (; index > 0; --index) {
    if (tokens_.current() == JsonToken::kEndArray) return Found::kNo;
    if (!tokens_.SkipChildren()) return Found::kError;
    const JsonToken next = tokens_.Next();
    if (next == JsonToken::kError || next == JsonToken::kNone) return Found::kError;
  }
  if (tokens_.current() == JsonToken::kEndArray) return Found::kNo;
  const Found found = Walk(out, style, path, at);
  if (found == Found::kError) return found;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError || token == JsonToken::kNone) return Found::kError;
    if (token == JsonToken::kEndArray) return found;
    if (!tokens_.SkipChildren()) return Found::kError;
  }
}

std::optional<int32_t> JsonPathReader::ArrayLength(std::string_view document) {
  tokens_.Reset(document);
  if (tokens_.Next() != JsonToken::kStartArray) return std::nullopt;
  int32_t length = 0;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError || token == JsonToken::kNone) return std::nullopt;
    if (token == JsonToken::kEndArray) return length;
    ++length;
    if (!tokens_.SkipChildren()) return std::nullopt;
  }
}

std::optional<std::vector<std::string>> JsonPathReader::ObjectKeys(
    std::string_view document) {
  tokens_.Reset(document);
  if (tokens_.Next() != JsonToken::kStartObject) return std::nullopt;
  std::vector<std::string> keys;
  while (true) {
    JsonToken token = tokens_.Next();
    if (token == JsonToken::kEndObject) return keys;
    if (token == JsonToken::kName) token = tokens_.Next();
    if (token == JsonToken::kError || token == JsonToken::kNone) return std::nullopt;
    keys.emplace_back(tokens_.name());
    ReplaceLoneSurrogates(&keys.back());
    if (!tokens_.SkipChildren()) return std::nullopt;
  }
}

}  // namespace millrace::expr
