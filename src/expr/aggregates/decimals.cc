#include "expr/aggregates/decimals.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "expr/aggregates/slots.h"

namespace millrace::expr {
namespace {

constexpr int kMaxPrecision = 38;
constexpr int kQuotientDigits = 39;  // what Spark divides to before it rounds

__int128 PowerOfTen(int exponent) {
  __int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

__int128 FromDecimal128(const arrow::Decimal128& value) {
  return static_cast<__int128>((static_cast<unsigned __int128>(value.high_bits()) << 64) |
                               value.low_bits());
}

unsigned __int128 Magnitude(__int128 value) {
  return value < 0 ? -static_cast<unsigned __int128>(value)
                   : static_cast<unsigned __int128>(value);
}

}  // namespace

bool AddDecimals(const Value& column, std::span<const uint32_t> slots, int64_t rows,
                 int precision, DecimalTotal* totals) {
  const auto limit = static_cast<unsigned __int128>(PowerOfTen(precision));
  bool fits = true;
  FoldColumn<arrow::Decimal128>(
      column, slots, rows, totals,
      [&](DecimalTotal& state, const arrow::Decimal128& value) {
        ++state.count;
        state.overflowed |=
            __builtin_add_overflow(state.total, FromDecimal128(value), &state.total) ||
            Magnitude(state.total) >= limit;
        fits &= !state.overflowed && Magnitude(state.total) < limit;
      });
  return fits;
}

bool MergeDecimals(const DecimalTotal& from, int precision, DecimalTotal* into) {
  const auto limit = static_cast<unsigned __int128>(PowerOfTen(precision));
  into->count += from.count;
  into->overflowed |= from.overflowed ||
                      __builtin_add_overflow(into->total, from.total, &into->total) ||
                      Magnitude(into->total) >= limit;
  return !into->overflowed;
}

arrow::Decimal128 ToDecimal128(__int128 unscaled) {
  return arrow::Decimal128(static_cast<int64_t>(unscaled >> 64),
                           static_cast<uint64_t>(unscaled));
}

std::optional<__int128> DivideTotal(__int128 total, int64_t count, int more_digits) {
  const unsigned __int128 magnitude = Magnitude(total);
  const auto divisor = static_cast<unsigned __int128>(count);
  const auto scale = static_cast<unsigned __int128>(PowerOfTen(more_digits));
  // `more_digits` is 4 at the most, so what remains of the division fits in 128 bits.
  const unsigned __int128 fraction = (magnitude % divisor) * scale;
  unsigned __int128 rounded = fraction / divisor;
  if ((fraction % divisor) * 2 >= divisor) ++rounded;
  unsigned __int128 result = 0;
  if (__builtin_mul_overflow(magnitude / divisor, scale, &result) ||
      __builtin_add_overflow(result, rounded, &result) ||
      result >= static_cast<unsigned __int128>(PowerOfTen(kMaxPrecision))) {
    return std::nullopt;
  }
  return total < 0 ? -static_cast<__int128>(result) : static_cast<__int128>(result);
}

std::string QuotientText(__int128 total, int scale, int64_t count) {
  const auto divisor = static_cast<unsigned __int128>(count);
  const unsigned __int128 magnitude = Magnitude(total);
  // The digits of total / count as one integer, `digits` of them after the point.
  std::string digits =
      arrow::Decimal128(ToDecimal128(static_cast<__int128>(magnitude / divisor)))
          .ToIntegerString();
  unsigned __int128 rest = magnitude % divisor;
  for (int i = scale; i < kQuotientDigits; ++i) {
    rest *= 10;
    digits.push_back(static_cast<char>('0' + static_cast<int>(rest / divisor)));
    rest %= divisor;
  }
  if (rest * 2 >= divisor) {
    size_t at = digits.size();
    while (at > 0 && digits[at - 1] == '9') digits[--at] = '0';
    if (at > 0) {
      ++digits[at - 1];
    } else {
      digits.insert(0, 1, '1');
    }
  }
  if (digits.size() <= kQuotientDigits) {
    digits.insert(0, kQuotientDigits + 1 - digits.size(), '0');
  }
  digits.insert(digits.size() - kQuotientDigits, 1, '.');
  return (total < 0 ? "-" : "") + digits;
}

void PutDecimalTotal(const DecimalTotal& total, std::string* out) {
  PutPlain(total.total, out);
  PutPlain(total.count, out);
  PutPlain(total.overflowed, out);
}

bool GetDecimalTotal(std::string_view* in, DecimalTotal* total) {
  return GetPlain(in, &total->total) && GetPlain(in, &total->count) &&
         GetPlain(in, &total->overflowed);
}

Status DecimalSumOverflow(std::string_view alternative) {
  const std::string advice =
      fmt::format(" Use '{}' to tolerate overflow and return NULL instead.", alternative);
  return Error(Fault::kData,
               "Overflow in sum of decimals.{} If necessary set "
               "\"spark.sql.ansi.enabled\" to "
               "\"false\" to bypass this error.",
               advice)
      .Class("ARITHMETIC_OVERFLOW", "22003")
      .Java(kArithmeticException)
      .Param("message", "Overflow in sum of decimals")
      .Param("alternative", advice)
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

}  // namespace millrace::expr
