// Running totals of decimals, for sum and avg.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <arrow/util/decimal.h>

#include "expr/expr.h"
#include "millrace/status.h"

namespace millrace::expr {

/// A sum of unscaled decimals.
struct DecimalTotal {
  __int128 total = 0;
  int64_t count = 0;        // of values that are not null
  bool overflowed = false;  // has been beyond its precision, and stays so
};

/// Adds a column; false if a total has overflowed `precision` digits.
bool AddDecimals(const Value& column, std::span<const uint32_t> slots, int64_t rows,
                 int precision, DecimalTotal* totals);

/// Adds a total to another; false if that has overflowed `precision` digits.
bool MergeDecimals(const DecimalTotal& from, int precision, DecimalTotal* into);

arrow::Decimal128 ToDecimal128(__int128 unscaled);

/// `total` / `count` with `more_digits` more digits after the point, rounded half up;
/// nothing where it needs more than 38 digits. Spark's DecimalDivideWithOverflowCheck.
std::optional<__int128> DivideTotal(__int128 total, int64_t count, int more_digits);
/// The quotient with 39 digits after the point, as Spark's error shows it.
std::string QuotientText(__int128 total, int scale, int64_t count);

void PutDecimalTotal(const DecimalTotal& total, std::string* out);
bool GetDecimalTotal(std::string_view* in, DecimalTotal* total);

/// ARITHMETIC_OVERFLOW / 22003; `alternative` is the function that gives null.
Status DecimalSumOverflow(std::string_view alternative);

}  // namespace millrace::expr
