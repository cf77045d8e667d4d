// Numbers in JSON text as binary values, equal to Java's parseDouble, parseFloat and
// parseLong.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::expr {

/// What a look at a number's characters gives.
struct JsonNumber {
  uint64_t mantissa = 0;  // all digits, if there are at most 19
  int digits = 0;
  int fraction_digits = 0;
  bool negative = false;
  bool has_exponent = false;
};

/// Reads a number by JSON's grammar. Returns its end, or null where there is none or it
/// reaches `end`, so that more of it may follow.
const char* ScanJsonNumber(const char* p, const char* end, JsonNumber* number);

/// The double of a number that ScanJsonNumber read from `text`.
double JsonNumberToDouble(const JsonNumber& number, std::string_view text);

/// The values of a number's text ("-12.5e3"); what is too large becomes infinite.
double ParseJsonDouble(std::string_view text);
float ParseJsonFloat(std::string_view text);

/// The value of an integer's text ("-12"); nothing where it does not fit.
std::optional<int64_t> ParseJsonLong(std::string_view text);

}  // namespace millrace::expr
