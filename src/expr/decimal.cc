#include "expr/decimal.h"

#include <algorithm>
#include <charconv>

#include <arrow/type.h>

#include "base/error.h"

namespace millrace::expr {
namespace {

constexpr int kMaxDigits = 38;
constexpr int kMinAdjustedScale = 6;

// Beyond 38 digits Spark keeps the integral digits, and at least 6 of the scale.
DecimalShape Adjusted(int precision, int scale) {
  if (precision <= kMaxDigits) return {precision, scale};
  const int integral = precision - scale;
  const int kept = std::min(scale, kMinAdjustedScale);
  return {kMaxDigits, std::max(kMaxDigits - integral, kept)};
}

template <typename Decimal>
void AppendUnscaled(const Decimal& value, int scale, std::string* out) {
  const std::string text = value.ToIntegerString();
  std::string_view digits = text;
  if (digits.starts_with('-')) {
    out->push_back('-');
    digits.remove_prefix(1);
  }
  if (scale <= 0) {
    out->append(digits);
    return;
  }
  const auto places = static_cast<size_t>(scale);
  if (digits.size() <= places) {
    out->append("0.");
    out->append(places - digits.size(), '0');
    out->append(digits);
  } else {
    out->append(digits.substr(0, digits.size() - places));
    out->push_back('.');
    out->append(digits.substr(digits.size() - places));
  }
}

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

DecimalShape DecimalShape::Of(const arrow::DataType& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return {decimal.precision(), decimal.scale()};
}

DecimalShape DecimalShape::OfInteger(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
      return {3, 0};
    case arrow::Type::INT16:
      return {5, 0};
    case arrow::Type::INT32:
      return {10, 0};
    default:
      return {20, 0};
  }
}

DecimalShape DecimalShape::OfNumber(const arrow::DataType& type) {
  return type.id() == arrow::Type::DECIMAL128 ? Of(type) : OfInteger(type);
}

DecimalShape WiderDecimal(DecimalShape a, DecimalShape b) {
  const int scale = std::max(a.scale, b.scale);
  const int integral = std::max(a.integral_digits(), b.integral_digits());
  if (integral + scale <= kMaxDigits) return {integral + scale, scale};
  return {kMaxDigits, std::max(0, kMaxDigits - integral)};
}

DecimalShape SumShape(DecimalShape a, DecimalShape b) {
  const int scale = std::max(a.scale, b.scale);
  return Adjusted(std::max(a.integral_digits(), b.integral_digits()) + scale + 1, scale);
}

DecimalShape ProductShape(DecimalShape a, DecimalShape b) {
  return Adjusted(a.precision + b.precision + 1, a.scale + b.scale);
}

DecimalShape QuotientShape(DecimalShape a, DecimalShape b) {
  const int integral = a.integral_digits() + b.scale;
  const int scale = std::max(kMinAdjustedScale, a.scale + b.precision + 1);
  return Adjusted(integral + scale, scale);
}

DecimalShape RemainderShape(DecimalShape a, DecimalShape b) {
  const int scale = std::max(a.scale, b.scale);
  return Adjusted(std::min(a.integral_digits(), b.integral_digits()) + scale, scale);
}

std::optional<arrow::Decimal128> Rescale(const arrow::Decimal128& value, int from,
                                         DecimalShape to) {
  arrow::Decimal128 result = value;
  if (to.scale > from) {
    const int more = to.scale - from;
    if (value == 0) return result;
    // Others would have more than 38 digits, and might not even fit into 128 bits.
    if (more >= kMaxDigits || !value.FitsInPrecision(kMaxDigits - more))
      return std::nullopt;
    result = arrow::Decimal128(value.IncreaseScaleBy(more));
  } else if (to.scale < from) {
    result = arrow::Decimal128(value.ReduceScaleBy(from - to.scale, /*round=*/true));
  }
  if (!result.FitsInPrecision(to.precision)) return std::nullopt;
  return result;
}

std::optional<arrow::Decimal128> Rescale(const arrow::Decimal256& value, int from,
                                         DecimalShape to) {
  arrow::Decimal256 result = value;
  if (to.scale > from) {
    const int more = to.scale - from;
    if (value == 0) return arrow::Decimal128(0);
    if (more >= 2 * kMaxDigits || !value.FitsInPrecision(2 * kMaxDigits - more)) {
      return std::nullopt;
    }
    result = arrow::Decimal256(value.IncreaseScaleBy(more));
  } else if (to.scale < from) {
    result = arrow::Decimal256(value.ReduceScaleBy(from - to.scale, /*round=*/true));
  }
  if (!result.FitsInPrecision(to.precision)) return std::nullopt;
  const auto words = result.little_endian_array();
  return arrow::Decimal128(static_cast<int64_t>(words[1]), words[0]);
}

std::optional<DecimalText> ParseDecimalText(std::string_view text) {
  DecimalText parsed;
  if (text.starts_with('+') || text.starts_with('-')) {
    parsed.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    text = text.substr(0, e);
    const bool negative = exponent.starts_with('-');
    if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (exponent.empty() || !AllDigits(exponent)) return std::nullopt;
    int32_t magnitude = 0;
    const auto [end, error] =
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), magnitude);
    if (error != std::errc()) return std::nullopt;
    parsed.exponent = negative ? -int64_t{magnitude} : magnitude;
  }
  parsed.integral = text;
  if (const size_t point = text.find('.'); point != std::string_view::npos) {
    parsed.integral = text.substr(0, point);
    parsed.fraction = text.substr(point + 1);
  }
  if (parsed.integral.empty() && parsed.fraction.empty()) return std::nullopt;
  if (!AllDigits(parsed.integral) || !AllDigits(parsed.fraction)) return std::nullopt;
  return parsed;
}

bool ExceedsDecimal(const DecimalText& text) {
  std::string digits(text.integral);
  digits += text.fraction;
  const size_t first = digits.find_first_not_of('0');
  // BigDecimal counts a zero as one digit, and keeps its exponent.
  const int64_t significant =
      first == std::string::npos ? 1 : static_cast<int64_t>(digits.size() - first);
  const int64_t scale = static_cast<int64_t>(text.fraction.size()) - text.exponent;
  return significant - scale > kMaxDigits;
}

std::string PlainText(const DecimalText& text) {
  std::string digits(text.integral);
  int64_t point =
      static_cast<int64_t>(digits.size()) + text.exponent;  // before this digit
  digits += text.fraction;
  if (point < 0) {
    digits.insert(0, static_cast<size_t>(-point), '0');
    point = 0;
  }
  if (point > static_cast<int64_t>(digits.size()))
    digits.resize(static_cast<size_t>(point), '0');
  std::string integral = digits.substr(0, static_cast<size_t>(point));
  const std::string fraction = digits.substr(static_cast<size_t>(point));
  integral.erase(0, std::min(integral.find_first_not_of('0'), integral.size()));
  if (integral.empty()) integral += '0';
  std::string plain;
  if (text.negative) plain += '-';
  plain += integral;
  if (!fraction.empty()) {
    plain += '.';
    plain += fraction;
  }
  return plain;
}

std::optional<arrow::Decimal128> RoundDecimalText(const DecimalText& text,
                                                  DecimalShape to) {
  std::string digits(text.integral);
  digits += text.fraction;
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) return arrow::Decimal128(0);
  // How many of the digits are kept at the wanted scale.
  const int64_t kept = static_cast<int64_t>(digits.size()) -
                       static_cast<int64_t>(text.fraction.size()) + text.exponent +
                       to.scale;
  if (kept < 0) return arrow::Decimal128(0);
  if (kept > kMaxDigits) return std::nullopt;
  const bool up = kept < static_cast<int64_t>(digits.size()) &&
                  digits[static_cast<size_t>(kept)] >= '5';
  digits.resize(static_cast<size_t>(kept), '0');

  __extension__ unsigned __int128 value = 0;  // 38 digits fit
  for (const char digit : digits) value = value * 10 + static_cast<unsigned>(digit - '0');
  if (up) ++value;
  arrow::Decimal128 result(static_cast<int64_t>(value >> 64),
                           static_cast<uint64_t>(value));
  if (text.negative) result.Negate();
  if (!result.FitsInPrecision(to.precision)) return std::nullopt;
  return result;
}

Result<arrow::Decimal128> DecimalFromDouble(double value, DecimalShape to) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value,
                                          std::chars_format::scientific);
  const std::optional<DecimalText> text =
      ParseDecimalText(std::string_view(buffer, static_cast<size_t>(end - buffer)));
  if (!text.has_value()) return InternalError("{} has no digits.", value);
  const std::optional<arrow::Decimal128> rounded = RoundDecimalText(*text, to);
  if (rounded.has_value()) return *rounded;
  return DecimalOverflow(PlainText(*text), to);
}

void AppendDecimal(const arrow::Decimal128& value, int scale, std::string* out) {
  AppendUnscaled(value, scale, out);
}

void AppendDecimal(const arrow::Decimal256& value, int scale, std::string* out) {
  AppendUnscaled(value, scale, out);
}

Status DecimalOverflow(std::string_view value, DecimalShape shape) {
  return Error(Fault::kData,
               " {} cannot be represented as Decimal({}, {}). If necessary set "
               "\"spark.sql.ansi.enabled\" to \"false\" to bypass this error, and return "
               "NULL "
               "instead.",
               value, shape.precision, shape.scale)
      .Class("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003")
      .Java(kArithmeticException)
      .Param("value", std::string(value))
      .Param("precision", fmt::format("{}", shape.precision))
      .Param("scale", fmt::format("{}", shape.scale))
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

}  // namespace millrace::expr
