#include "expr/number_text.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/ascii.h"

namespace millrace::expr {
namespace {

bool IsBlank(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <typename T>
T OutOfRange(
    const std::string& text) {  // infinity, or a number too small to tell from zero
  if constexpr (std::is_same_v<T, float>) return std::strtof(text.c_str(), nullptr);
  return static_cast<T>(std::strtod(text.c_str(), nullptr));
}

template <typename T>
std::optional<T> ParseFloating(std::string_view text) {
  // Java trims what is not above a space.
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) {
    text.remove_prefix(1);
  }
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) {
    text.remove_suffix(1);
  }
  T sign = 1;
  std::string_view body = text;
  if (body.starts_with('+') || body.starts_with('-')) {
    sign = body[0] == '-' ? T{-1} : T{1};
    body.remove_prefix(1);
  }
  if (body.empty()) return std::nullopt;
  if (!IsDigit(body[0]) && body[0] != '.') {
    if (body == "NaN") return std::numeric_limits<T>::quiet_NaN();
    if (EqualsIgnoreCase(text, "nan")) return std::numeric_limits<T>::quiet_NaN();
    if (EqualsIgnoreCase(body, "inf") || EqualsIgnoreCase(body, "infinity")) {
      return sign * std::numeric_limits<T>::infinity();
    }
    return std::nullopt;
  }
  const bool hex = body.starts_with("0x") || body.starts_with("0X");
  if (hex) {
    // Java wants the binary exponent.
    if (body.find_first_of("pP") == std::string_view::npos) return std::nullopt;
    body.remove_prefix(2);
  }
  const char* const end = body.data() + body.size();
  T value = 0;
  const auto [stop, error] = std::from_chars(
      body.data(), end, value, hex ? std::chars_format::hex : std::chars_format::general);
  if (error == std::errc::invalid_argument) return std::nullopt;
  const std::string_view rest(stop, static_cast<size_t>(end - stop));
  const bool suffix = rest.size() == 1 &&
                      std::string_view("dDfF").find(rest[0]) != std::string_view::npos;
  if (!rest.empty() && !suffix) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const std::string digits(body.data(), stop);
    value = OutOfRange<T>(hex ? "0x" + digits : digits);
  }
  return sign * value;
}

}  // namespace

std::string_view TrimText(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> ParseLong(std::string_view text) {
  text = TrimText(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;  // from_chars would take it
  }
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloating<double>(text);
}
std::optional<float> ParseFloat(std::string_view text) {
  return ParseFloating<float>(text);
}

std::optional<bool> ParseBoolean(std::string_view text) {
  text = TrimText(text);
  for (const std::string_view word : {"true", "t", "yes", "y", "1"}) {
    if (EqualsIgnoreCase(text, word)) return true;
  }
  for (const std::string_view word : {"false", "f", "no", "n", "0"}) {
    if (EqualsIgnoreCase(text, word)) return false;
  }
  return std::nullopt;
}

}  // namespace millrace::expr
