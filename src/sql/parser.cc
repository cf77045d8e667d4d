#include "sql/parser.h"

#include <algorithm>

#include "base/ascii.h"
#include "sql/string_literal.h"

namespace millrace::sql {
namespace {

// Brackets, queries, NOT and signs inside each other. Deeper texts come from a program
// gone wrong, and would overflow the stack.
constexpr int kMaxDepth = 150;

}  // namespace

Parser::Parser(std::string_view text, std::vector<Token> tokens,
               const ParseOptions& options)
    : text_(text), tokens_(std::move(tokens)), options_(options) {}

bool Parser::TooDeep() const { return depth_ > kMaxDepth; }

Result<Expression> Parser::SingleExpression() {
  if (IsEnd()) return EmptyStatement(text_);
  MILLRACE_ASSIGN_OR_RETURN(Tree tree, NamedExpression());
  MILLRACE_RETURN_IF_ERROR(ExpectEnd());
  return std::move(tree.message);
}

Result<Statement> Parser::SingleStatement() {
  if (IsEnd()) return EmptyStatement(text_);
  MILLRACE_ASSIGN_OR_RETURN(Statement statement, ParseStatementHere());
  MILLRACE_RETURN_IF_ERROR(ExpectEnd());
  return statement;
}

// Tokens
// ------------------------------------------------------------------------------------------

const Token& Parser::Peek(size_t ahead) const {
  return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
}

const Token& Parser::Previous() const { return tokens_[next_ - 1]; }

bool Parser::IsWord(std::string_view word, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == TokenKind::kWord && EqualsIgnoreCase(token.text, word);
}

bool Parser::IsAnyWord(std::initializer_list<std::string_view> words,
                       size_t ahead) const {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return IsWord(word, ahead); });
}

bool Parser::IsSymbol(std::string_view symbol, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == TokenKind::kSymbol && token.text == symbol;
}

bool Parser::IsName(size_t ahead) const {
  const TokenKind kind = Peek(ahead).kind;
  return kind == TokenKind::kWord || kind == TokenKind::kQuotedName;
}

bool Parser::TakeWord(std::string_view word) {
  if (!IsWord(word)) return false;
  ++next_;
  return true;
}

bool Parser::TakeWords(std::initializer_list<std::string_view> words) {
  size_t ahead = 0;
  for (const std::string_view word : words) {
    if (!IsWord(word, ahead++)) return false;
  }
  next_ += words.size();
  return true;
}

bool Parser::TakeSymbol(std::string_view symbol) {
  if (!IsSymbol(symbol)) return false;
  ++next_;
  return true;
}

Status Parser::ExpectWord(std::string_view word) {
  if (TakeWord(word)) return Status::OK();
  return Unexpected();
}

Status Parser::ExpectSymbol(std::string_view symbol) {
  if (TakeSymbol(symbol)) return Status::OK();
  return Unexpected();
}

Status Parser::ExpectEnd() {
  bool semicolon = false;
  while (TakeSymbol(";")) semicolon = true;
  if (IsEnd()) return Status::OK();
  // ANTLR says "extra input" where the text would do without this one token.
  const Token& token = Peek();
  if (semicolon || IsEnd(1) || IsSymbol(";", 1)) {
    return SyntaxError({text_, token.begin, token.end()},
                       fmt::format(": extra input '{}'", token.text));
  }
  return Unexpected();
}

Error Parser::Unexpected() const {
  return SyntaxError({text_, Peek().begin, Peek().end()});
}

Fragment Parser::FragmentFrom(size_t first_token) const {
  const size_t last = std::max(next_, first_token + 1) - 1;
  return {text_, tokens_[first_token].begin, tokens_[last].end()};
}

Error Parser::Unsupported(size_t first_token, std::string_view what) const {
  return UnsupportedSyntax(FragmentFrom(first_token), what);
}

// Names
// -------------------------------------------------------------------------------------------

Result<std::string> Parser::Name() {
  if (!IsName()) return Unexpected();
  return Unquoted(tokens_[next_++]);
}

Result<std::vector<std::string>> Parser::QualifiedName() {
  std::vector<std::string> parts;
  do {
    MILLRACE_ASSIGN_OR_RETURN(std::string part, Name());
    parts.push_back(std::move(part));
  } while (IsSymbol(".") && IsName(1) && TakeSymbol("."));
  return parts;
}

Result<std::vector<std::string>> Parser::NameList() {
  std::vector<std::string> names;
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
  do {
    MILLRACE_ASSIGN_OR_RETURN(std::string name, Name());
    names.push_back(std::move(name));
  } while (TakeSymbol(","));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return names;
}

bool Parser::AtImplicitAlias() const {
  if (!IsName()) return false;
  if (Peek().kind == TokenKind::kQuotedName) return true;
  const bool goes_on = IsAnyWord(
      {"FROM",    "WHERE",      "GROUP",       "HAVING", "ORDER",    "LIMIT",  "OFFSET",
       "UNION",   "INTERSECT",  "EXCEPT",      "MINUS",  "SETMINUS", "WINDOW", "LATERAL",
       "CLUSTER", "DISTRIBUTE", "SORT",        "PIVOT",  "UNPIVOT",  "ON",     "USING",
       "JOIN",    "INNER",      "CROSS",       "LEFT",   "RIGHT",    "FULL",   "SEMI",
       "ANTI",    "NATURAL",    "TABLESAMPLE", "SELECT", "AS"});
  if (!goes_on) return true;
  // Keywords of joins and set operations are never names here; the others are where the
  // query could not go on: SELECT 1 FROM
  const bool strict = IsAnyWord({"ANTI", "CROSS", "EXCEPT", "FULL", "INNER", "INTERSECT",
                                 "JOIN", "LATERAL", "LEFT", "NATURAL", "ON", "RIGHT",
                                 "SEMI", "SETMINUS", "MINUS", "UNION", "USING"});
  return !strict &&
         (IsEnd(1) || IsSymbol(")", 1) || IsSymbol(",", 1) || IsSymbol(";", 1));
}

Result<std::string> Parser::Strings() {
  if (Peek().kind != TokenKind::kString) return Unexpected();
  std::string text;
  while (Peek().kind == TokenKind::kString) text += Unquoted(tokens_[next_++]);
  return text;
}

Result<std::string> Parser::OneString() {
  if (Peek().kind != TokenKind::kString) return Unexpected();
  return Unquoted(tokens_[next_++]);
}

std::string Parser::Unquoted(const Token& token) const {
  switch (token.kind) {
    case TokenKind::kString:
      return UnescapeString(token.text);
    case TokenKind::kQuotedName:
      return UnescapeName(token.text);
    default:
      return std::string(token.text);
  }
}

// Entry points
// ------------------------------------------------------------------------------------

Result<Expression> ParseExpression(std::string_view text, const ParseOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  return Parser(text, std::move(tokens), options).SingleExpression();
}

Result<Statement> ParseStatement(std::string_view text, const ParseOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  return Parser(text, std::move(tokens), options).SingleStatement();
}

}  // namespace millrace::sql
