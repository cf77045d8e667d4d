#include "expr/functions/rounding.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace millrace::expr {
namespace {

using arrow::Decimal128;

constexpr int kMaxDigits = 38;

// Whether a magnitude whose cut-off part stands so to a half is rounded away from zero.
bool RoundsAway(Rounding rounding, bool negative, bool rest, int to_half, bool odd) {
  switch (rounding) {
    case Rounding::kHalfUp:
      return to_half >= 0;
    case Rounding::kHalfEven:
      return to_half > 0 || (to_half == 0 && odd);
    case Rounding::kUp:
      return rest && !negative;
    case Rounding::kDown:
      return rest && negative;
  }
  return false;
}

// Digits d1 d2 d3 … of 0.d1d2d3… * 10^exponent.
struct Digits {
  std::array<char, 24> digits;
  int count = 0;
  int exponent = 0;
};

// The shortest digits that give the number back.
Digits ShortestDigits(double magnitude) {
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof(text), magnitude, std::chars_format::scientific)
          .ptr;
  Digits out;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at != '.')
      out.digits[static_cast<size_t>(out.count++)] = static_cast<char>(*at - '0');
  }
  if (at != end && at + 1 != end && at[1] == '+') ++at;
  std::from_chars(at + 1, end, out.exponent);
  ++out.exponent;
  return out;
}

double RoundShortest(double value, int digits, Rounding rounding) {
  Digits decimal = ShortestDigits(std::abs(value));
  const int kept = decimal.exponent + digits;  // digits that stay
  if (kept >= decimal.count) return value;
  if (kept < 0) return 0;

  const auto first_cut = static_cast<size_t>(kept);
  int to_half =
      decimal.digits[first_cut] < 5 ? -1 : (decimal.digits[first_cut] > 5 ? 1 : 0);
  if (to_half == 0 && kept + 1 < decimal.count) to_half = 1;
  const bool odd = kept > 0 && decimal.digits[first_cut - 1] % 2 == 1;
  std::string text(1, '0');
  for (int i = 0; i < kept; ++i) {
    text.push_back(static_cast<char>('0' + decimal.digits[static_cast<size_t>(i)]));
  }
  if (RoundsAway(rounding, value < 0, true, to_half, odd)) {
    size_t at = text.size() - 1;
    while (text[at] == '9') text[at--] = '0';
    ++text[at];
  }
  text += 'e';
  text += std::to_string(-digits);
  double rounded = 0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  if (rounded == 0) return 0;
  return value < 0 ? -rounded : rounded;
}

}  // namespace

std::optional<Decimal128> RoundDecimal(const Decimal128& value, int from, int digits,
                                       DecimalShape to, Rounding rounding) {
  Decimal128 unscaled = value;
  const int cut = from - digits;
  if (cut > 0) {
    const bool negative = value < Decimal128(0);
    Decimal128 rest = value;
    if (cut > kMaxDigits) {
      unscaled = Decimal128(0);
    } else {
      const Decimal128 unit = Decimal128::GetScaleMultiplier(cut);
      unscaled = value / unit;
      rest = value - unscaled * unit;
    }
    const bool inexact = rest != Decimal128(0);
    int to_half = -1;
    if (cut <= kMaxDigits) {
      const Decimal128 half = Decimal128::GetHalfScaleMultiplier(cut);
      const Decimal128 size = Decimal128::Abs(rest);
      to_half = size < half ? -1 : (size == half ? 0 : 1);
    }
    const bool odd = (unscaled.low_bits() & 1) != 0;
    if (RoundsAway(rounding, negative, inexact, to_half, odd)) {
      unscaled += Decimal128(negative ? -1 : 1);
    }
  }
  // Now of scale `digits`, or of scale `from` if nothing was cut.
  return Rescale(arrow::Decimal256(unscaled), cut > 0 ? digits : from, to);
}

std::optional<int64_t> RoundInteger(int64_t value, int digits, Rounding rounding) {
  constexpr int kLongDigits = 19;
  const int cut = -digits;
  if (cut > kLongDigits) return 0;
  __int128 unit = 1;
  for (int i = 0; i < cut; ++i) unit *= 10;
  __int128 quotient = value / unit;
  const __int128 rest = value % unit;
  const __int128 twice = (rest < 0 ? -rest : rest) * 2;
  const int to_half = twice < unit ? -1 : (twice == unit ? 0 : 1);
  if (RoundsAway(rounding, value < 0, rest != 0, to_half, quotient % 2 != 0)) {
    quotient += value < 0 ? -1 : 1;
  }
  const __int128 result = quotient * unit;
  if (result != static_cast<int64_t>(result)) return std::nullopt;
  return static_cast<int64_t>(result);
}

double RoundDouble(double value, int digits, Rounding rounding) {
  if (!std::isfinite(value)) return value;
  // Far from a tie, and with few digits, one multiplication and one exact division do.
  constexpr std::array<double, 10> kPowers = {1e0, 1e1, 1e2, 1e3, 1e4,
                                              1e5, 1e6, 1e7, 1e8, 1e9};
  constexpr double kExact = 1e12;
  if (digits >= 0 && digits < static_cast<int>(kPowers.size())) {
    const double power = kPowers[static_cast<size_t>(digits)];
    const double scaled = std::abs(value) * power;
    if (scaled < kExact) {
      const double whole = std::floor(scaled);
      const double fraction = scaled - whole;
      if (std::abs(fraction - 0.5) > 1e-3) {
        const double rounded = (fraction > 0.5 ? whole + 1 : whole) / power;
        return rounded == 0 ? 0.0 : (value < 0 ? -rounded : rounded);
      }
    }
  }
  return RoundShortest(value, digits, rounding);
}

ShortestDecimal::ShortestDecimal(double magnitude) {
  if (magnitude == 0) return;
  const Digits found = ShortestDigits(magnitude);
  for (int i = 0; i < found.count; ++i) {
    digits.push_back(static_cast<char>('0' + found.digits[static_cast<size_t>(i)]));
  }
  exponent = found.exponent;
}

void ShortestDecimal::KeepDigits(int count) {
  if (count >= static_cast<int>(digits.size())) return;
  if (count < 0) {
    digits.clear();
    return;
  }
  const auto kept = static_cast<size_t>(count);
  const bool up = digits[kept] >= '5';
  digits.resize(kept);
  if (!up) return;
  size_t at = kept;
  while (at > 0 && digits[at - 1] == '9') digits[--at] = '0';
  if (at > 0) {
    ++digits[at - 1];
  } else {
    digits.insert(0, 1, '1');
    ++exponent;
  }
}

float RoundFloat(float value, int digits, Rounding rounding) {
  // Spark rounds the shortest decimal of the double: 1.15 as float is 1.1499…
  return static_cast<float>(RoundDouble(double{value}, digits, rounding));
}

}  // namespace millrace::expr
