#include "expr/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <vector>

#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "expr/cast.h"
#include "expr/decimal.h"
#include "expr/names.h"

namespace millrace::expr {
namespace {

enum class TokenKind { kWord, kNumber, kString, kSymbol, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;     // words in lower case; strings without quotes and escapes
  size_t begin = 0;     // in the input
  bool spaced = false;  // blanks before it
};

bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  std::vector<Token> Run() {
    std::vector<Token> tokens;
    while (true) {
      const size_t before = at_;
      while (at_ < sql_.size() && sql_[at_] == ' ') ++at_;
      Token token;
      token.begin = at_;
      token.spaced = at_ > before;
      if (at_ == sql_.size()) {
        tokens.push_back(token);
        return tokens;
      }
      Read(&token);
      tokens.push_back(std::move(token));
    }
  }

 private:
  void Read(Token* token) {
    const char c = sql_[at_];
    if (c == '\'') return ReadString(token);
    if (IsDigit(c) || (c == '.' && at_ + 1 < sql_.size() && IsDigit(sql_[at_ + 1]))) {
      return ReadNumber(token);
    }
    if (IsWordStart(c)) {
      token->kind = TokenKind::kWord;
      while (at_ < sql_.size() && (IsWordStart(sql_[at_]) || IsDigit(sql_[at_]))) {
        token->text += LowerCase(sql_[at_++]);
      }
      return;
    }
    token->kind = TokenKind::kSymbol;
    static constexpr auto kLong = std::to_array<std::string_view>(
        {"<=>", ">>>", "<=", ">=", "!=", "<>", "==", "<<", ">>", "||"});
    for (const std::string_view symbol : kLong) {
      if (sql_.substr(at_).starts_with(symbol)) {
        token->text = symbol;
        at_ += symbol.size();
        return;
      }
    }
    token->text = c;
    ++at_;
  }

  void ReadString(Token* token) {
    token->kind = TokenKind::kString;
    for (++at_; at_ < sql_.size() && sql_[at_] != '\''; ++at_) {
      char c = sql_[at_];
      if (c == '\\' && at_ + 1 < sql_.size()) {
        c = sql_[++at_];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
      token->text += c;
    }
    ++at_;
  }

  // Digits, point, exponent and suffix.
  void ReadNumber(Token* token) {
    token->kind = TokenKind::kNumber;
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      const char previous = token->text.empty() ? ' ' : token->text.back();
      const bool exponent_sign =
          (c == '-' || c == '+') && (previous == 'e' || previous == 'E');
      if (!IsDigit(c) && !IsWordStart(c) && c != '.' && !exponent_sign) break;
      token->text += c;
      ++at_;
    }
  }

  std::string_view sql_;
  size_t at_ = 0;
};

ExprPtr NumberOf(const data::TypePtr& type, int64_t value) {
  return *MakeCast(MakeLong(value), type);
}

// 1, 1L, 1S, 1Y, 1.5, 1.5BD, 1.5D, 1e3.
Result<ExprPtr> ParseNumber(std::string text, bool negative) {
  const auto suffix = [&](std::string_view wanted) {
    if (text.size() <= wanted.size() ||
        !EqualsIgnoreCase(std::string_view(text).substr(text.size() - wanted.size()),
                          wanted)) {
      return false;
    }
    text.resize(text.size() - wanted.size());
    return true;
  };
  const bool decimal = suffix("BD");
  const bool floating = !decimal && suffix("D");
  const bool has_exponent = text.find_first_of("eE") != std::string::npos;
  if (floating || (has_exponent && !decimal)) {
    const double value = std::strtod(text.c_str(), nullptr);
    return MakeDouble(negative ? -value : value);
  }
  if (!decimal && text.find('.') == std::string::npos) {
    const bool is_long = suffix("L");
    const bool is_short = !is_long && suffix("S");
    const bool is_byte = !is_long && !is_short && suffix("Y");
    const std::string digits = (negative ? "-" : "") + text;
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc()) {
      if (is_byte) return NumberOf(arrow::int8(), value);
      if (is_short) return NumberOf(arrow::int16(), value);
      if (!is_long && value == static_cast<int32_t>(value)) {
        return MakeInt(static_cast<int32_t>(value));
      }
      return MakeLong(value);
    }
  }
  // A decimal of just its digits.
  const std::optional<DecimalText> number = ParseDecimalText(text);
  if (!number.has_value()) return InternalError("Not a number: {}", text);
  std::string_view integral = number->integral;
  integral.remove_prefix(std::min(integral.find_first_not_of('0'), integral.size()));
  const int scale = static_cast<int>(number->fraction.size());
  const int precision = std::max({static_cast<int>(integral.size()) + scale, scale, 1});
  return MakeCast(MakeString((negative ? "-" : "") + text),
                  data::DecimalOf(precision, scale));
}

class Parser {
 public:
  Parser(std::string_view sql, const BindContext& context, const LiteralHook& literal)
      : sql_(sql), tokens_(Lexer(sql).Run()), context_(context), literal_(literal) {}

  Result<ExprPtr> Run() {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr expr, Expression());
    if (Peek().kind != TokenKind::kEnd) return Unexpected();
    return expr;
  }

 private:
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  bool Is(std::string_view text, size_t ahead = 0) const {
    const Token& token = Peek(ahead);
    return (token.kind == TokenKind::kWord || token.kind == TokenKind::kSymbol) &&
           token.text == text;
  }
  bool Accept(std::string_view text) {
    if (!Is(text)) return false;
    ++next_;
    return true;
  }
  Status Expect(std::string_view text) {
    if (Accept(text)) return Status::OK();
    return Unexpected();
  }
  Status Unexpected() const {
    return InternalError("Cannot read \"{}\" from position {}.", sql_, Peek().begin);
  }

  Result<ExprPtr> Call(std::string_view name, std::vector<ExprPtr> args) {
    return MakeCall(name, std::move(args), context_);
  }
  ExprPtr Constant(ExprPtr value) {
    return literal_ ? literal_(std::move(value)) : value;
  }

  Result<ExprPtr> Expression() { return Or(); }

  Result<ExprPtr> Or() {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr left, And());
    while (Accept("or")) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr right, And());
      MILLRACE_ASSIGN_OR_RETURN(left, Call("or", {left, right}));
    }
    return left;
  }

  Result<ExprPtr> And() {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr left, Not());
    while (Accept("and")) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr right, Not());
      MILLRACE_ASSIGN_OR_RETURN(left, Call("and", {left, right}));
    }
    return left;
  }

  Result<ExprPtr> Not() {
    if ((Is("not") || Is("!")) && !Is("(", 1)) {
      ++next_;
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, Not());
      return Call("not", {operand});
    }
    return Predicate();
  }

  Result<ExprPtr> Predicate() {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr left, Binary(0));
    while (true) {
      const bool negated =
          Is("not") && (Is("in", 1) || Is("between", 1) || Is("like", 1));
      if (negated) ++next_;
      if (Accept("in")) {
        MILLRACE_RETURN_IF_ERROR(Expect("("));
        MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> args, Arguments());
        args.insert(args.begin(), left);
        MILLRACE_ASSIGN_OR_RETURN(left, Call("in", std::move(args)));
      } else if (Accept("between")) {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr low, Binary(0));
        MILLRACE_RETURN_IF_ERROR(Expect("and"));
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr high, Binary(0));
        MILLRACE_ASSIGN_OR_RETURN(left, Call("between", {left, low, high}));
      } else if (Accept("like")) {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr pattern, Binary(0));
        MILLRACE_ASSIGN_OR_RETURN(left, Call("like", {left, pattern}));
      } else if (Accept("is")) {
        MILLRACE_ASSIGN_OR_RETURN(left, Is(std::move(left)));
      } else {
        return left;
      }
      if (negated) {
        MILLRACE_ASSIGN_OR_RETURN(left, Call("not", {left}));
      }
    }
  }

  // IS [NOT] NULL, UNKNOWN, TRUE, FALSE.
  Result<ExprPtr> Is(ExprPtr operand) {
    const bool negated = Accept("not");
    const bool is_true = Is("true");
    if (is_true || Is("false")) {
      ++next_;
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr same,
                                Call("<=>", {operand, MakeBoolean(is_true)}));
      return negated ? Call("not", {same}) : Result<ExprPtr>(same);
    }
    if (!Accept("null") && !Accept("unknown")) return Unexpected();
    return Call(negated ? "isnotnull" : "isnull", {operand});
  }

  // The infix operators by precedence, lowest first.
  Result<ExprPtr> Binary(size_t level) {
    using Names = std::vector<std::string_view>;
    static const std::vector<Names> kLevels = {
        {"=", "==", "<=>", "<", "<=", ">", ">=", "!=", "<>"},
        {"|"},
        {"^"},
        {"&"},
        {"<<", ">>", ">>>"},
        {"+", "-", "||"},
        {"*", "/", "%", "div"}};
    if (level == kLevels.size()) return Unary();
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr left, Binary(level + 1));
    while (true) {
      const Names& names = kLevels[level];
      const auto name =
          std::find_if(names.begin(), names.end(), [&](auto text) { return Is(text); });
      if (name == names.end()) return left;
      ++next_;
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr right, Binary(level + 1));
      if (*name == "<>") {
        MILLRACE_ASSIGN_OR_RETURN(left, Call("!=", {left, right}));
      } else {
        MILLRACE_ASSIGN_OR_RETURN(left, Call(*name == "==" ? "=" : *name, {left, right}));
      }
    }
  }

  Result<ExprPtr> Unary() {
    if (Is("-") && !Is("(", 1)) {
      ++next_;
      if (Peek().kind == TokenKind::kNumber) {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr number,
                                  ParseNumber(tokens_[next_++].text, true));
        return Postfix(Constant(std::move(number)));
      }
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, Unary());
      return Call("negative", {operand});
    }
    if (Is("~") && !Is("(", 1)) {
      ++next_;
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, Unary());
      return Call("~", {operand});
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr primary, Primary());
    return Postfix(std::move(primary));
  }

  Result<ExprPtr> Postfix(ExprPtr base) {
    while (true) {
      if (Accept("[")) {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr index, Expression());
        MILLRACE_RETURN_IF_ERROR(Expect("]"));
        MILLRACE_ASSIGN_OR_RETURN(base, MakeExtract(base, index));
      } else if (Is(".") && Peek(1).kind == TokenKind::kWord) {
        const size_t begin = Peek(1).begin;
        const std::string_view name = sql_.substr(begin, Peek(1).text.size());
        next_ += 2;
        MILLRACE_ASSIGN_OR_RETURN(base, MakeExtract(base, MakeString(name)));
      } else {
        return base;
      }
    }
  }

  // What stands between parentheses whose first one is read.
  Result<std::vector<ExprPtr>> Arguments() {
    std::vector<ExprPtr> args;
    if (Accept(")")) return args;
    while (true) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, Expression());
      args.push_back(std::move(arg));
      if (Accept(")")) return args;
      MILLRACE_RETURN_IF_ERROR(Expect(","));
    }
  }

  Result<ExprPtr> Primary() {
    const Token token = Peek();
    switch (token.kind) {
      case TokenKind::kNumber: {
        ++next_;
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr number, ParseNumber(token.text, false));
        return Constant(std::move(number));
      }
      case TokenKind::kString:
        ++next_;
        return Constant(MakeString(token.text));
      case TokenKind::kEnd:
        return Unexpected();
      default:
        break;
    }
    if (Accept("(")) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr inner, Expression());
      MILLRACE_RETURN_IF_ERROR(Expect(")"));
      return inner;
    }
    if (Is("(", 1)) {
      if (token.text == "cast" || token.text == "try_cast") return Cast();
      next_ += 2;
      MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> args, Arguments());
      if (token.text == "-" && args.size() == 1) return Call("negative", std::move(args));
      return Call(token.text, std::move(args));
    }
    if (token.kind != TokenKind::kWord) return Unexpected();
    ++next_;
    if (token.text == "null") return MakeNull(data::NullType());
    if (token.text == "true" || token.text == "false") {
      return Constant(MakeBoolean(token.text == "true"));
    }
    if (token.text == "case") return Case();
    if (Peek().kind == TokenKind::kString) return TypedLiteral(token.text);
    return Unexpected();
  }

  // DATE'…', TIMESTAMP'…', X'…'.
  Result<ExprPtr> TypedLiteral(std::string_view kind) {
    const std::string text = tokens_[next_++].text;
    if (kind == "x") {
      std::string bytes;
      for (size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
      }
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr value,
                                MakeCast(MakeString(bytes), data::BinaryType()));
      return Constant(std::move(value));
    }
    MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, data::ParseType(kind));
    MILLRACE_ASSIGN_OR_RETURN(const ExprPtr value, MakeCast(MakeString(text), type));
    // Casts that need a time zone are not folded by themselves; this one is a literal.
    const data::Batch row = arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}),
                                                     1, std::vector<data::ArrayPtr>{});
    const EvalContext eval{.zone = context_.zone};
    MILLRACE_ASSIGN_OR_RETURN(const Value constant, value->Evaluate(row, eval));
    return Constant(std::make_shared<Literal>(constant.array));
  }

  Result<ExprPtr> Cast() {
    const bool is_try = tokens_[next_].text == "try_cast";
    next_ += 2;
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, Expression());
    MILLRACE_RETURN_IF_ERROR(Expect("as"));
    const size_t begin = Peek().begin;
    for (int depth = 0; depth > 0 || !Is(")"); ++next_) {
      if (Peek().kind == TokenKind::kEnd) return Unexpected();
      depth += Is("(") ? 1 : Is(")") ? -1 : 0;
    }
    const std::string_view type_text = sql_.substr(begin, Peek().begin - begin);
    ++next_;
    MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, data::ParseType(type_text));
    return MakeCast(operand, type, is_try ? CastMode::kTry : CastMode::kAnsi);
  }

  Result<ExprPtr> Case() {
    ExprPtr subject;
    if (!Is("when")) {
      MILLRACE_ASSIGN_OR_RETURN(subject, Expression());
    }
    std::vector<ExprPtr> args;
    while (Accept("when")) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr condition, Expression());
      if (subject != nullptr) {
        MILLRACE_ASSIGN_OR_RETURN(condition, Call("=", {subject, condition}));
      }
      MILLRACE_RETURN_IF_ERROR(Expect("then"));
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, Expression());
      args.push_back(std::move(condition));
      args.push_back(std::move(value));
    }
    if (Accept("else")) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, Expression());
      args.push_back(std::move(value));
    }
    MILLRACE_RETURN_IF_ERROR(Expect("end"));
    return Call("when", std::move(args));
  }

  const std::string_view sql_;
  const std::vector<Token> tokens_;
  const BindContext& context_;
  const LiteralHook& literal_;
  size_t next_ = 0;
};

}  // namespace

Result<ExprPtr> ParseExpression(std::string_view sql, const BindContext& context,
                                const LiteralHook& literal) {
  return Parser(sql, context, literal).Run();
}

}  // namespace millrace::expr
