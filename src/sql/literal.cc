// Numbers, strings, DATE '…', INTERVAL …, parameters.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "data/time_text.h"
#include "sql/interval_literal.h"
#include "sql/parser.h"

namespace millrace::sql {
namespace {

constexpr int kMaxPrecision = 38;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

// "12.50" of "1.250e1": digits and point without an exponent; nothing where it would be
// long.
struct PlainDecimal {
  std::string digits;  // without sign and point; no zeros in front of the point
  int scale = 0;
};

std::optional<PlainDecimal> ToPlain(std::string_view number) {
  PlainDecimal plain;
  const size_t e = std::min(number.find_first_of("eE"), number.size());
  int exponent = 0;
  if (e < number.size()) {
    std::string_view text = number.substr(e + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc() || std::abs(exponent) > 1000) return std::nullopt;
  }
  bool fraction = false;
  for (const char c : number.substr(0, e)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    plain.digits += c;
    plain.scale += fraction ? 1 : 0;
  }
  plain.scale -= exponent;
  if (plain.scale < 0) {
    plain.digits.append(static_cast<size_t>(-plain.scale), '0');
    plain.scale = 0;
  }
  plain.digits.erase(0,
                     std::min(plain.digits.find_first_not_of('0'), plain.digits.size()));
  return plain;
}

std::string Trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const size_t end = text.find_last_not_of(" \t\r\n") + 1;
  return std::string(text.substr(begin, end - begin));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// X'1AF' is three digits: a zero is put in front.
std::optional<std::string> FromHex(std::string_view text) {
  std::string digits(text);
  if (digits.size() % 2 == 1) digits.insert(0, 1, '0');
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = HexDigit(digits[i]);
    const int low = HexDigit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

bool Parser::AtLiteral() const {
  switch (Peek().kind) {
    case TokenKind::kInteger:
    case TokenKind::kNumber:
    case TokenKind::kString:
      return true;
    case TokenKind::kSymbol:
      // Unary sends a minus here only before a number.
      return IsSymbol("-") || IsSymbol("?") || (IsSymbol(":") && IsName(1));
    case TokenKind::kWord:
      if (Peek(1).kind == TokenKind::kString) return true;  // DATE '…'
      if (IsAnyWord({"NULL", "TRUE", "FALSE"}))
        return !IsSymbol(".", 1) && !IsSymbol("(", 1);
      if (IsWord("INTERVAL")) {
        const bool sign = IsSymbol("-", 1) || IsSymbol("+", 1);
        const TokenKind value = Peek(sign ? 2 : 1).kind;
        const bool number = value == TokenKind::kInteger || value == TokenKind::kNumber ||
                            value == TokenKind::kString;
        return number && Peek(sign ? 3 : 2).kind == TokenKind::kWord;
      }
      return false;
    default:
      return false;
  }
}

Result<Tree> Parser::Literal() {
  Tree tree;
  switch (Peek().kind) {
    case TokenKind::kInteger:
    case TokenKind::kNumber:
      return Number(/*negative=*/false);
    case TokenKind::kString: {
      MILLRACE_ASSIGN_OR_RETURN(const std::string text, Strings());
      return Text(text);
    }
    case TokenKind::kSymbol:
      if (!TakeSymbol("-")) return Parameter();
      return Number(/*negative=*/true);
    default:
      break;
  }
  if (IsWord("INTERVAL")) return Interval();
  if (Peek(1).kind == TokenKind::kString && !IsAnyWord({"NULL", "TRUE", "FALSE"})) {
    return TypedLiteral();
  }
  if (TakeWord("NULL")) {
    tree.message.mutable_literal()->mutable_null()->mutable_null();
    return tree;
  }
  const bool value = IsWord("TRUE");
  ++next_;
  return Boolean(value);
}

Result<Tree> Parser::Number(bool negative) {
  const size_t first = negative ? next_ - 1 : next_;
  const Token& token = tokens_[next_++];
  std::string_view number = token.text;
  const auto take_suffix = [&](std::string_view suffix) {
    if (number.size() <= suffix.size()) return false;
    if (Upper(number.substr(number.size() - suffix.size())) != suffix) return false;
    number.remove_suffix(suffix.size());
    return true;
  };
  const std::string sign = negative ? "-" : "";
  const auto out_of_range = [&](std::string_view type, std::string_view low,
                                std::string_view high) -> Error {
    return ParseError(
        FragmentFrom(first), "INVALID_NUMERIC_LITERAL_RANGE", "22003",
        "Numeric literal {}{} is outside the valid range for {} with minimum value "
        "of {} and maximum value of {}. Please adjust the value accordingly.",
        sign, number, type, low, high);
  };
  Tree tree;
  Expression::Literal* literal = tree.message.mutable_literal();
  const bool decimal = take_suffix("BD");
  const bool plain = number.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool is_float = !decimal && take_suffix("F");
  if (!decimal && !is_float &&
      (take_suffix("D") ||
       (!plain && number.find_first_of("eE") != std::string_view::npos))) {
    const double value = std::strtod((sign + std::string(number)).c_str(), nullptr);
    if (std::isinf(value)) {
      return out_of_range("double", "-1.7976931348623157E+308",
                          "1.7976931348623157E+308");
    }
    literal->set_double_(value);
    return tree;
  }
  if (is_float) {
    const float value = std::strtof((sign + std::string(number)).c_str(), nullptr);
    if (std::isinf(value))
      return out_of_range("float", "-3.4028234663852886E+38", "3.4028234663852886E+38");
    literal->set_float_(value);
    return tree;
  }
  const bool is_long = !decimal && take_suffix("L");
  const bool is_short = !decimal && !is_long && take_suffix("S");
  const bool is_byte = !decimal && !is_long && !is_short && take_suffix("Y");
  if (!decimal && number.find('.') == std::string_view::npos) {
    const std::string digits = sign + std::string(number);
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool fits = error == std::errc();
    if (is_byte) {
      if (!fits || value != static_cast<int8_t>(value)) {
        return out_of_range("tinyint", "-128", "127");
      }
      literal->set_byte(static_cast<int32_t>(value));
      return tree;
    }
    if (is_short) {
      if (!fits || value != static_cast<int16_t>(value)) {
        return out_of_range("smallint", "-32768", "32767");
      }
      literal->set_short_(static_cast<int32_t>(value));
      return tree;
    }
    if (is_long && !fits) {
      return out_of_range("bigint", "-9223372036854775808", "9223372036854775807");
    }
    if (fits && !is_long && value == static_cast<int32_t>(value)) {
      literal->set_integer(static_cast<int32_t>(value));
      return tree;
    }
    if (fits) {
      literal->set_long_(value);
      return tree;
    }
  }
  const std::optional<PlainDecimal> value = ToPlain(number);
  const int digits = value ? static_cast<int>(value->digits.size()) : 1000;
  const int precision = value ? std::max({digits, value->scale, 1}) : digits;
  if (precision > kMaxPrecision) {
    return ParseError(FragmentFrom(first), "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                      "22003", "Decimal precision {} exceeds max precision {}.",
                      precision, kMaxPrecision);
  }
  std::string text = value->digits;
  text.insert(0, static_cast<size_t>(std::max(0, value->scale + 1 - digits)), '0');
  if (value->scale > 0)
    text.insert(text.size() - static_cast<size_t>(value->scale), 1, '.');
  auto* message = literal->mutable_decimal();
  message->set_value(sign + text);
  message->set_precision(precision);
  message->set_scale(value->scale);
  return tree;
}

// DATE '2024-01-01'
Result<Tree> Parser::TypedLiteral() {
  const size_t first = next_;
  const std::string type = Upper(tokens_[next_++].text);
  if (type == "R") return Unexpected();
  MILLRACE_ASSIGN_OR_RETURN(const std::string text, OneString());
  const auto invalid = [&]() -> Error {
    return ParseError(FragmentFrom(first), "INVALID_TYPED_LITERAL", "42604",
                      "The value of the typed literal \"{}\" is invalid: '{}'.", type,
                      text);
  };
  Tree tree;
  Expression::Literal* literal = tree.message.mutable_literal();
  if (type == "DATE") {
    const std::optional<int32_t> days = data::ParseDate(text);
    if (!days) return invalid();
    literal->set_date(*days);
    return tree;
  }
  if (type == "TIMESTAMP" || type == "TIMESTAMP_LTZ") {
    const std::optional<int64_t> micros =
        data::ParseTimestamp(text, *options_.zone, options_.now_micros);
    if (!micros) return invalid();
    literal->set_timestamp(*micros);
    return tree;
  }
  if (type == "TIMESTAMP_NTZ") {
    const std::optional<int64_t> micros =
        data::ParseTimestampNtz(text, /*allow_zone=*/true);
    if (!micros) return invalid();
    literal->set_timestamp_ntz(*micros);
    return tree;
  }
  if (type == "X") {
    std::optional<std::string> bytes = FromHex(text);
    if (!bytes) return invalid();
    literal->set_binary(*std::move(bytes));
    return tree;
  }
  if (type == "TIME") return Unsupported(first, "A literal of type TIME");
  return ParseError(
      FragmentFrom(first), "UNSUPPORTED_TYPED_LITERAL", "0A000",
      "Literals of the type \"{}\" are not supported. Supported types are \"DATE\", "
      "\"TIMESTAMP_NTZ\", \"TIMESTAMP_LTZ\", \"TIMESTAMP\", \"INTERVAL\", \"X\", "
      "\"TIME\".",
      type);
}

// :name and ?
Result<Tree> Parser::Parameter() {
  const size_t first = next_++;
  const bool positional = tokens_[first].text == "?";
  const Expression* value = nullptr;
  std::string name;
  if (positional) {
    if (!options_.named_arguments.empty()) {
      return AnalysisError("INVALID_QUERY_MIXED_QUERY_PARAMETERS", "42613",
                           "Parameterized query must either use positional, or named "
                           "parameters, but not both.");
    }
    const size_t index = parameters_++;
    // Spark names a parameter without value after where it stands.
    name = fmt::format("_{}", tokens_[first].begin);
    if (index < options_.positional_arguments.size()) {
      value = &options_.positional_arguments[index];
    }
  } else {
    MILLRACE_ASSIGN_OR_RETURN(name, Name());
    const auto found = options_.named_arguments.find(name);
    if (found != options_.named_arguments.end()) value = &found->second;
  }
  if (value == nullptr) {
    return AnalysisError(
               "UNBOUND_SQL_PARAMETER", "42P02",
               "Found the unbound parameter: {}. Please, fix `args` and provide a "
               "mapping of the parameter to either a SQL literal or collection "
               "constructor functions such as `map()`, `array()`, `struct()`.",
               name)
        .Param("name", name);
  }
  return Copy(Tree{*value, 1});
}

// Intervals
// ---------------------------------------------------------------------------------------

namespace {

// The type of an interval literal has the fields from its first unit to its last.
void SetIntervalFields(std::span<const std::string_view> units,
                       Expression::Literal* literal) {
  if (units.empty()) return;
  int first = 3;
  int last = 0;
  for (const std::string_view unit : units) {
    first = std::min(first, IntervalField(unit));
    last = std::max(last, IntervalField(unit));
  }
  const auto set = [&](auto* type) {
    type->set_start_field(first);
    type->set_end_field(last);
  };
  if (literal->has_year_month_interval()) {
    set(literal->mutable_data_type()->mutable_year_month_interval());
  } else {
    set(literal->mutable_data_type()->mutable_day_time_interval());
  }
}

}  // namespace

Result<Tree> Parser::Interval() {
  const size_t first = next_++;
  if (Peek().kind == TokenKind::kString && !IsIntervalUnit(Peek(1).text)) {
    // INTERVAL '1 day 2 hours'
    MILLRACE_ASSIGN_OR_RETURN(const std::string text, OneString());
    MILLRACE_ASSIGN_OR_RETURN(const CalendarInterval value, ParseInterval(text));
    return IntervalTree(first, value, {});
  }
  const bool sign = IsSymbol("-") || IsSymbol("+");
  if (IsWord("TO", sign ? 3 : 2)) return IntervalFromTo(first);
  return IntervalOfUnits(first);
}

Result<Tree> Parser::IntervalTree(size_t first_token, const CalendarInterval& value,
                                  std::span<const std::string_view> units) {
  Tree tree;
  Expression::Literal* literal = tree.message.mutable_literal();
  if (value.months != 0 && (value.days != 0 || value.micros != 0)) {
    return ParseError(FragmentFrom(first_token), "_LEGACY_ERROR_TEMP_0029", "",
                      "Cannot mix year-month and day-time fields: {}.",
                      text_.substr(tokens_[first_token].begin,
                                   Previous().end() - tokens_[first_token].begin));
  }
  if (value.months != 0) {
    literal->set_year_month_interval(value.months);
    SetIntervalFields(units, literal);
    return tree;
  }
  int64_t micros = 0;
  if (__builtin_mul_overflow(int64_t{value.days}, int64_t{86'400'000'000}, &micros) ||
      __builtin_add_overflow(micros, value.micros, &micros)) {
    return ParseError(FragmentFrom(first_token),
                      "INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION", "22006",
                      "Error parsing '{}' to interval. The interval is too large.",
                      text_.substr(tokens_[first_token].begin,
                                   Previous().end() - tokens_[first_token].begin));
  }
  literal->set_day_time_interval(micros);
  SetIntervalFields(units, literal);
  return tree;
}

// INTERVAL 1 DAY 2 HOURS
Result<Tree> Parser::IntervalOfUnits(size_t first_token) {
  std::string text;
  std::vector<std::string_view> units;
  bool year_month = false;
  bool day_time = false;
  while (true) {
    const size_t value_at = next_ + (IsSymbol("-") || IsSymbol("+") ? 1 : 0);
    const Token& token = tokens_[std::min(value_at, tokens_.size() - 1)];
    const bool number = token.kind == TokenKind::kInteger ||
                        token.kind == TokenKind::kNumber ||
                        token.kind == TokenKind::kString;
    if (!number || tokens_[value_at + 1].kind != TokenKind::kWord ||
        !IsIntervalUnit(tokens_[value_at + 1].text)) {
      if (text.empty()) {
        next_ = value_at + 1;
        return Unexpected();
      }
      break;
    }
    const std::string value = Trimmed(Unquoted(token));
    if (token.kind == TokenKind::kString && !IsIntervalNumber(value)) {
      return ParseError(
          {text_, token.begin, token.end()}, "_LEGACY_ERROR_TEMP_0026", "",
          "Can only use numbers in the interval value part for multiple unit "
          "value pairs "
          "interval form, but got invalid value: {}.",
          value);
    }
    const std::string_view unit = tokens_[value_at + 1].text;
    const bool twice = IsSymbol("-") && value.starts_with('-');
    text += fmt::format("{}{} {} ", IsSymbol("-") && !twice ? "-" : "",
                        std::string_view(value).substr(twice ? 1 : 0), unit);
    (IsYearMonthUnit(unit) ? year_month : day_time) = true;
    units.push_back(unit);
    next_ = value_at + 2;
  }
  if (year_month && day_time)
    return IntervalTree(first_token, {1, 1, 0}, units);  // the error of both
  Result<CalendarInterval> value = ParseInterval(text);
  if (!value.ok()) {
    return ParseError(FragmentFrom(first_token), value.status().error().error_class,
                      value.status().error().sql_state, "{}",
                      value.status().error().message);
  }
  if (year_month) {
    Tree tree;
    tree.message.mutable_literal()->set_year_month_interval(value->months);
    SetIntervalFields(units, tree.message.mutable_literal());
    return tree;
  }
  return IntervalTree(first_token, *value, units);
}

// INTERVAL '1 02:03' DAY TO MINUTE
Result<Tree> Parser::IntervalFromTo(size_t first_token) {
  const bool negative = IsSymbol("-");
  if (negative || IsSymbol("+")) ++next_;
  const Token& value = tokens_[next_++];
  const std::string text = Unquoted(value);
  MILLRACE_ASSIGN_OR_RETURN(const std::string from, Name());
  ++next_;  // TO
  MILLRACE_ASSIGN_OR_RETURN(const std::string to, Name());
  if (value.kind != TokenKind::kString) {
    return ParseError({text_, value.begin, value.end()}, "", "",
                      "The value of from-to unit must be a string.");
  }
  std::optional<FromToInterval> interval = ParseFromTo(text, from, to);
  if (!interval) {
    return ParseError(
        FragmentFrom(first_token), "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING",
        "22006",
        "Error parsing '{}' to interval. Interval string does not match {} format "
        "when cast to {}: '{}'. Please ensure that the interval value is in the "
        "correct format.",
        text, IntervalShape(from, to), IntervalTypeText(from, to), text);
  }
  Tree tree;
  Expression::Literal* literal = tree.message.mutable_literal();
  const int64_t amount = negative ? -interval->amount : interval->amount;
  if (interval->year_month) {
    literal->set_year_month_interval(static_cast<int32_t>(amount));
  } else {
    literal->set_day_time_interval(amount);
  }
  const std::string_view units[] = {from, to};
  SetIntervalFields(units, literal);
  return tree;
}

}  // namespace millrace::sql
