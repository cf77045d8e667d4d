#include "sql/lexer.h"

#include <algorithm>
#include <array>

#include "sql/parse_error.h"

namespace millrace::sql {
namespace {

// Longest first.
constexpr auto kSymbols = std::to_array<std::string_view>(
    {">>>", "<=>", "<=", ">=", "<>", "!=", "==", "!>", "!<", "<<", ">>", "||", "|>", "::",
     "->",  "=>",  "<",  ">",  "=",  "!",  "+",  "-",  "*",  "/",  "%",  "~",  "&",  "|",
     "^",   ":",   "?",  ";",  "(",  ")",  ",",  ".",  "[",  "]",  "{",  "}"});

// Spaces of Unicode that Spark skips, as UTF-8.
constexpr auto kWideBlanks = std::to_array<std::string_view>(
    {"\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
     "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
     "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
     "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"});

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNonAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' ||
         IsNonAscii(c);
}
char UpperCase(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      MILLRACE_RETURN_IF_ERROR(SkipBlanksAndComments());
      const size_t begin = at_;
      if (at_ == text_.size()) {
        tokens.push_back({TokenKind::kEnd, text_.substr(begin), begin});
        return tokens;
      }
      const TokenKind kind = Next();
      tokens.push_back({kind, text_.substr(begin, at_ - begin), begin});
    }
  }

 private:
  char At(size_t position) const {
    return position < text_.size() ? text_[position] : '\0';
  }

  // The bytes of the blank at a position; 0 where there is none.
  size_t BlankAt(size_t position) const {
    const char c = At(position);
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (!IsNonAscii(c)) return 0;
    for (const std::string_view blank : kWideBlanks) {
      if (text_.substr(position).starts_with(blank)) return blank.size();
    }
    return 0;
  }
  bool IsWordAt(size_t position) const {
    return IsWordCharacter(At(position)) && BlankAt(position) == 0;
  }

  Status SkipBlanksAndComments() {
    while (at_ < text_.size()) {
      if (const size_t blank = BlankAt(at_); blank > 0) {
        at_ += blank;
      } else if (text_.substr(at_).starts_with("--")) {
        SkipLine();
      } else if (text_.substr(at_).starts_with("/*")) {
        MILLRACE_RETURN_IF_ERROR(SkipComment());
      } else {
        return Status::OK();
      }
    }
    return Status::OK();
  }

  // A backslash at the end of the line makes the next one part of the comment.
  void SkipLine() {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
      at_ += text_.substr(at_).starts_with("\\\n") ? 2 : 1;
    }
  }

  // Comments nest. A hint looks like one and is not followed here.
  Status SkipComment() {
    int depth = 0;
    do {
      if (text_.substr(at_).starts_with("/*")) {
        ++depth;
        at_ += 2;
      } else if (text_.substr(at_).starts_with("*/")) {
        --depth;
        at_ += 2;
      } else if (at_ < text_.size()) {
        ++at_;
      } else {
        return UnclosedComment(text_);
      }
    } while (depth > 0);
    return Status::OK();
  }

  TokenKind Next() {
    const char c = text_[at_];
    const bool raw =
        (c == 'r' || c == 'R') && (At(at_ + 1) == '\'' || At(at_ + 1) == '"');
    if (c == '\'' || c == '"' || raw) {
      if (Quoted(at_ + (raw ? 1 : 0), /*escapes=*/!raw, /*doubled=*/!raw)) {
        return TokenKind::kString;
      }
      if (!raw) return Unrecognized();
    }
    if (c == '`') {
      return Quoted(at_, /*escapes=*/false, /*doubled=*/true) ? TokenKind::kQuotedName
                                                              : Unrecognized();
    }
    if (IsDigit(c) || (c == '.' && IsDigit(At(at_ + 1)))) {
      const size_t end = NumberEnd();
      if (end > at_) {
        const std::string_view number = text_.substr(at_, end - at_);
        at_ = end;
        return std::all_of(number.begin(), number.end(), IsDigit) ? TokenKind::kInteger
                                                                  : TokenKind::kNumber;
      }
    }
    if (IsWordCharacter(c)) {
      while (IsWordAt(at_)) ++at_;
      return TokenKind::kWord;
    }
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(at_).starts_with(symbol)) {
        at_ += symbol.size();
        return TokenKind::kSymbol;
      }
    }
    return Unrecognized();
  }

  TokenKind Unrecognized() {
    ++at_;
    return TokenKind::kUnrecognized;
  }

  // Moves behind the closing quote; false, and nothing moved, where there is none.
  bool Quoted(size_t open, bool escapes, bool doubled) {
    const char quote = text_[open];
    for (size_t i = open + 1; i < text_.size(); ++i) {
      if (escapes && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        if (doubled && At(i + 1) == quote) {
          ++i;
          continue;
        }
        at_ = i + 1;
        return true;
      }
    }
    return false;
  }

  // The end of the number that begins here; here, where it is the beginning of a word
  // ("1a").
  size_t NumberEnd() const {
    size_t end = at_;
    while (IsDigit(At(end))) ++end;
    const size_t digits_end = end;
    bool whole = true;
    if (At(end) == '.') {
      whole = false;
      ++end;
      while (IsDigit(At(end))) ++end;
    }
    if (UpperCase(At(end)) == 'E') {
      size_t exponent = end + 1;
      if (At(exponent) == '+' || At(exponent) == '-') ++exponent;
      if (IsDigit(At(exponent))) {
        while (IsDigit(At(exponent))) ++exponent;
        end = exponent;
        whole = false;
      }
    }
    const char suffix = UpperCase(At(end));
    const bool integral = suffix == 'L' || suffix == 'S' || suffix == 'Y';
    size_t with_suffix = end;
    if (suffix == 'B' && UpperCase(At(end + 1)) == 'D') {
      with_suffix = end + 2;
    } else if (suffix == 'D' || suffix == 'F' || (integral && whole)) {
      with_suffix = end + 1;
    }
    if (!IsWordAt(with_suffix)) return with_suffix;
    // Letters follow: "1.b" is an integer, a dot and a name, "1b" a name.
    return IsWordAt(digits_end) ? at_ : digits_end;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view text) { return Lexer(text).Run(); }

}  // namespace millrace::sql
