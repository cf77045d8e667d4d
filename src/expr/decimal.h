// Spark's arithmetic on decimals: types of results, rounding, text. Spark: Decimal,
// DecimalPrecision (with spark.sql.decimalOperations.allowPrecisionLoss).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/util/decimal.h>

#include "data/types.h"
#include "millrace/status.h"

namespace millrace::expr {

struct DecimalShape {
  int precision = 10;
  int scale = 0;

  int integral_digits() const { return precision - scale; }
  data::TypePtr type() const { return data::DecimalOf(precision, scale); }
  friend bool operator==(const DecimalShape&, const DecimalShape&) = default;

  /// Of a decimal type.
  static DecimalShape Of(const arrow::DataType& type);
  /// The decimal that holds every value of an integer type: int is (10, 0).
  static DecimalShape OfInteger(const arrow::DataType& type);
  /// The decimal that holds every value of a decimal or an integer type.
  static DecimalShape OfNumber(const arrow::DataType& type);
};

/// The smallest shape that holds both; beyond 38 digits the scale gives way.
DecimalShape WiderDecimal(DecimalShape a, DecimalShape b);

DecimalShape SumShape(DecimalShape a, DecimalShape b);
DecimalShape ProductShape(DecimalShape a, DecimalShape b);
DecimalShape QuotientShape(DecimalShape a, DecimalShape b);
DecimalShape RemainderShape(DecimalShape a, DecimalShape b);

/// `value` of scale `from` rounded half up to `to`; nothing where it has too many digits.
std::optional<arrow::Decimal128> Rescale(const arrow::Decimal128& value, int from,
                                         DecimalShape to);
std::optional<arrow::Decimal128> Rescale(const arrow::Decimal256& value, int from,
                                         DecimalShape to);

/// Digits as they stand in a text, without rounding: digits * 10^-scale.
struct DecimalText {
  bool negative = false;
  std::string_view integral;  // digits before the point
  std::string_view fraction;  // and after it
  int64_t exponent = 0;
};

/// Reads "-1.5e3"; nothing where the text is not a number as java.math.BigDecimal reads
/// it.
std::optional<DecimalText> ParseDecimalText(std::string_view text);
/// Whether the number's integral part has more digits than any decimal.
bool ExceedsDecimal(const DecimalText& text);
/// The same number without an exponent.
std::string PlainText(const DecimalText& text);
/// Rounds half up to `to`; nothing where it has too many digits.
std::optional<arrow::Decimal128> RoundDecimalText(const DecimalText& text,
                                                  DecimalShape to);

/// What Spark's Decimal(double) holds, rounded: the digits that Double.toString shows.
/// `value` is finite. Errors: DecimalOverflow.
Result<arrow::Decimal128> DecimalFromDouble(double value, DecimalShape to);

/// "-12.340", never with an exponent.
void AppendDecimal(const arrow::Decimal128& value, int scale, std::string* out);
void AppendDecimal(const arrow::Decimal256& value, int scale, std::string* out);

/// NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION of a value in text form.
Status DecimalOverflow(std::string_view value, DecimalShape shape);

}  // namespace millrace::expr
