#include "data/type_tokenizer.h"

#include <algorithm>

namespace millrace::data {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run();

 private:
  void SkipBlanksAndComments();
  Result<Token> Next();
  Result<Token> QuotedName();
  Result<Token> StringLiteral();

  Token Make(TokenKind kind, size_t begin, std::string meaning) const {
    return {kind, std::move(meaning), text_.substr(begin, at_ - begin), begin};
  }

  const std::string_view text_;
  size_t at_ = 0;
};

Result<std::vector<Token>> Tokenizer::Run() {
  std::vector<Token> tokens;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Token token, Next());
    tokens.push_back(std::move(token));
  } while (tokens.back().kind != TokenKind::kEnd);
  return tokens;
}

void Tokenizer::SkipBlanksAndComments() {
  while (at_ < text_.size()) {
    if (IsBlank(text_[at_])) {
      ++at_;
    } else if (text_.substr(at_, 2) == "--") {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.substr(at_, 2) == "/*") {
      const size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else {
      return;
    }
  }
}

Result<Token> Tokenizer::Next() {
  SkipBlanksAndComments();
  const size_t begin = at_;
  if (at_ == text_.size()) return Make(TokenKind::kEnd, begin, "");
  const char c = text_[at_];
  if (c == '`') return QuotedName();
  if (c == '\'' || c == '"') return StringLiteral();
  if (!IsWordCharacter(c)) {
    ++at_;
    return Make(TokenKind::kSymbol, begin, std::string(1, c));
  }
  while (at_ < text_.size() && IsWordCharacter(text_[at_])) ++at_;
  const std::string_view word = text_.substr(begin, at_ - begin);
  const bool number =
      std::all_of(word.begin(), word.end(), [](char d) { return d >= '0' && d <= '9'; });
  return Make(number ? TokenKind::kNumber : TokenKind::kWord, begin, std::string(word));
}

Result<Token> Tokenizer::QuotedName() {
  const size_t begin = at_++;
  std::string name;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c != '`') {
      name += c;
    } else if (at_ < text_.size() && text_[at_] == '`') {
      name += text_[at_++];
    } else {
      return Make(TokenKind::kQuotedName, begin, std::move(name));
    }
  }
  return SyntaxError(text_, text_.substr(begin, 1), begin);
}

Result<Token> Tokenizer::StringLiteral() {
  const size_t begin = at_;
  const char quote = text_[at_++];
  std::string value;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '\\' && at_ < text_.size()) {
      const char escaped = text_[at_++];
      switch (escaped) {
        case 'n':
          value += '\n';
          break;
        case 't':
          value += '\t';
          break;
        case 'r':
          value += '\r';
          break;
        case 'b':
          value += '\b';
          break;
        default:
          value += escaped;
      }
    } else if (c != quote) {
      value += c;
    } else if (at_ < text_.size() && text_[at_] == quote) {
      value += text_[at_++];  // a doubled quote is one quote
    } else {
      return Make(TokenKind::kString, begin, std::move(value));
    }
  }
  return SyntaxError(text_, text_.substr(begin, 1), begin);
}

}  // namespace

Error SyntaxError(std::string_view text, std::string_view near, size_t position) {
  const std::string quoted = near.empty() ? "end of input" : fmt::format("'{}'", near);
  return Error(Fault::kUser, "Syntax error at or near {}. (line 1, pos {} of \"{}\")",
               quoted, position, text)
      .Class("PARSE_SYNTAX_ERROR", "42601")
      .Java(kParseException)
      .Param("error", quoted)
      .Param("hint", "");
}

Result<std::vector<Token>> Tokenize(std::string_view text) {
  return Tokenizer(text).Run();
}

}  // namespace millrace::data
