#include "expr/json_number.h"

#include <charconv>
#include <limits>

namespace millrace::expr {
namespace {

bool IsDigit(char c) { return static_cast<uint8_t>(c - '0') < 10; }

constexpr double kPowersOf10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Whether a number is at least 1, by where its first digit other than 0 stands.
bool IsLarge(std::string_view text) {
  const size_t exponent_at = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, exponent_at);
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  const size_t point = std::min(digits.find('.'), digits.size());
  const int64_t place = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  if (exponent_at == std::string_view::npos) return place > 0;
  std::string_view exponent = text.substr(exponent_at + 1);
  const bool negative = exponent.starts_with('-');
  if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
  int64_t value = 0;
  for (const char c : exponent) {
    value = std::min<int64_t>(10 * value + (c - '0'), 1'000'000'000'000);
  }
  return place + (negative ? -value : value) > 0;
}

template <typename T>
T Parse(std::string_view text) {
  T value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  value = IsLarge(text) ? std::numeric_limits<T>::infinity() : T{0};
  return text.starts_with('-') ? -value : value;
}

}  // namespace

const char* ScanJsonNumber(const char* p, const char* end, JsonNumber* number) {
  if (p == end) return nullptr;
  if (*p == '-') {
    number->negative = true;
    ++p;
  }
  const char* const first = p;
  uint64_t mantissa = 0;
  while (p < end && IsDigit(*p))
    mantissa = 10 * mantissa + static_cast<uint64_t>(*p++ - '0');
  if (p == first || (*first == '0' && p - first > 1)) return nullptr;
  number->digits = static_cast<int>(p - first);
  if (p < end && *p == '.') {
    const char* const fraction = ++p;
    while (p < end && IsDigit(*p)) {
      mantissa = 10 * mantissa + static_cast<uint64_t>(*p++ - '0');
    }
    if (p == fraction) return nullptr;
    number->fraction_digits = static_cast<int>(p - fraction);
    number->digits += number->fraction_digits;
  }
  if (p < end && (*p | 0x20) == 'e') {
    number->has_exponent = true;
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    const char* const exponent = p;
    while (p < end && IsDigit(*p)) ++p;
    if (p == exponent) return nullptr;
  }
  number->mantissa = mantissa;
  return p == end ? nullptr : p;
}

double JsonNumberToDouble(const JsonNumber& number, std::string_view text) {
  // Both exact, so their quotient is rounded once (Clinger).
  if (!number.has_exponent && number.digits <= 19 && number.mantissa <= 1ULL << 53 &&
      number.fraction_digits <= 22) {
    const double value =
        static_cast<double>(number.mantissa) / kPowersOf10[number.fraction_digits];
    return number.negative ? -value : value;
  }
  return Parse<double>(text);
}

double ParseJsonDouble(std::string_view text) { return Parse<double>(text); }
float ParseJsonFloat(std::string_view text) { return Parse<float>(text); }

std::optional<int64_t> ParseJsonLong(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace millrace::expr
