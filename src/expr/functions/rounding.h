// Rounding of numbers at a decimal digit, as java.math.BigDecimal does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <arrow/util/decimal.h>

#include "expr/decimal.h"

namespace millrace::expr {

enum class Rounding {
  kHalfUp,    // ties away from zero
  kHalfEven,  // ties to the even digit
  kUp,        // towards positive infinity
  kDown,      // towards negative infinity
};

/// `value` of scale `from`, rounded at `digits` after the point (before it if negative),
/// in the shape `to`; nothing where it has too many digits.
std::optional<arrow::Decimal128> RoundDecimal(const arrow::Decimal128& value, int from,
                                              int digits, DecimalShape to,
                                              Rounding rounding);

/// `digits` is negative; nothing where the result is no bigint.
std::optional<int64_t> RoundInteger(int64_t value, int digits, Rounding rounding);

/// Rounds the shortest decimal that stands for the number: 1.005 to two digits is 1.01.
/// Only kHalfUp and kHalfEven. A result of zero has no sign; NaN and infinities stay.
double RoundDouble(double value, int digits, Rounding rounding);
float RoundFloat(float value, int digits, Rounding rounding);

/// The digits of the shortest decimal of a magnitude: 0.d1d2d3… * 10^exponent. No digits
/// are 0.
struct ShortestDecimal {
  std::string digits;
  int exponent = 0;

  explicit ShortestDecimal(double magnitude);
  /// Keeps so many digits, rounding half up; may come out one longer, with the exponent
  /// grown.
  void KeepDigits(int count);
};

}  // namespace millrace::expr
