#include "connectors/file/text_column.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/file/arrow_io.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

template <typename T>
bool ParseInteger(std::string_view text, T* out) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ')
    text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
    text.remove_suffix(1);
  return text;
}

/// java.lang.Double.parseDouble, without its hexadecimal form.
template <typename T>
bool ParseJavaFloating(std::string_view text, T* out) {
  text = Trim(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "NaN") {
    *out = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  if (text == "Infinity") {
    *out = std::numeric_limits<T>::infinity();
  } else {
    if (text.empty() ||
        !(text.front() == '.' || (text.front() >= '0' && text.front() <= '9'))) {
      return false;
    }
    if (text.size() > 1 && std::string_view("dDfF").find(text.back()) != text.npos) {
      text.remove_suffix(1);
    }
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), *out);
    if (end != text.data() + text.size()) return false;
    if (error == std::errc::result_out_of_range) {
      // from_chars does not say whether it was too large or too small: a negative
      // exponent or a text of many zeros is too small.
      const size_t exponent = text.find_first_of("eE");
      const bool small = exponent != text.npos
                             ? text.substr(exponent + 1).starts_with('-')
                             : text.starts_with("0.") || text.starts_with('.');
      *out = small ? T{0} : std::numeric_limits<T>::infinity();
    } else if (error != std::errc()) {
      return false;
    }
  }
  if (negative) *out = -*out;
  return true;
}

template <typename T>
bool ParseFloating(std::string_view text, const TextFormats& formats, T* out) {
  if (text == formats.nan) {
    *out = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  if (text == formats.positive_infinity || text == formats.negative_infinity) {
    const T infinity = std::numeric_limits<T>::infinity();
    *out = text == formats.positive_infinity ? infinity : -infinity;
    return true;
  }
  return ParseJavaFloating(text, out);
}

bool ParseBoolean(std::string_view text, bool* out) {
  *out = EqualsIgnoreCase(text, "true");
  return *out || EqualsIgnoreCase(text, "false");
}

bool ParseDecimal(std::string_view text, const arrow::Decimal128Type& type,
                  arrow::Decimal128* out) {
  std::string digits;
  if (text.find(',') != text.npos) {  // Spark drops grouping commas
    digits = text;
    std::erase(digits, ',');
    text = digits;
  }
  int32_t precision = 0;
  int32_t scale = 0;
  arrow::Decimal128 value;
  if (!arrow::Decimal128::FromString(text, &value, &precision, &scale).ok()) return false;
  if (scale > type.scale()) {
    value = value.ReduceScaleBy(scale - type.scale(), /*round=*/true);
  } else {
    auto scaled = value.Rescale(scale, type.scale());
    if (!scaled.ok()) return false;
    value = *scaled;
  }
  *out = value;
  return value.FitsInPrecision(type.precision());
}

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Appends each cell with `parse(cell, &value)`, which says whether it is of the type.
template <typename Value, typename Builder, typename Parse>
Result<data::ArrayPtr> Fill(Builder& builder, std::span<const Cell> cells,
                            std::vector<bool>* bad, Parse parse) {
  auto fill = [&]() -> arrow::Result<data::ArrayPtr> {
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(cells.size())));
    for (size_t row = 0; row < cells.size(); ++row) {
      Value value{};
      if (cells[row].data() == nullptr) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
      } else if (parse(cells[row], &value)) {
        ARROW_RETURN_NOT_OK(builder.Append(value));
      } else {
        (*bad)[row] = true;
        ARROW_RETURN_NOT_OK(builder.AppendNull());
      }
    }
    data::ArrayPtr array;
    ARROW_RETURN_NOT_OK(builder.Finish(&array));
    return array;
  };
  auto filled = fill();
  if (!filled.ok()) return FromArrow(filled.status(), "convert text to a column");
  return std::move(filled).ValueUnsafe();
}

template <typename Builder>
Result<data::ArrayPtr> FillIntegers(std::span<const Cell> cells, std::vector<bool>* bad) {
  using Value = typename Builder::value_type;
  Builder builder;
  return Fill<Value>(builder, cells, bad, ParseInteger<Value>);
}

template <typename Builder>
Result<data::ArrayPtr> FillFloating(std::span<const Cell> cells,
                                    const TextFormats& formats, std::vector<bool>* bad) {
  using Value = typename Builder::value_type;
  Builder builder;
  return Fill<Value>(builder, cells, bad, [&](std::string_view text, Value* out) {
    return ParseFloating(text, formats, out);
  });
}

template <typename Builder>
Result<data::ArrayPtr> FillBytes(std::span<const Cell> cells, std::vector<bool>* bad) {
  Builder builder;
  return Fill<std::string_view>(builder, cells, bad,
                                [](std::string_view text, std::string_view* out) {
                                  *out = text;
                                  return true;
                                });
}

/// Adapts a parser that returns an optional.
template <typename T>
bool Assign(const std::optional<T>& parsed, T* out) {
  if (parsed) *out = *parsed;
  return parsed.has_value();
}

}  // namespace

Result<TextFormats> TextFormats::Make(const Options& options,
                                      const std::string& session_time_zone) {
  TextFormats formats;
  MILLRACE_ASSIGN_OR_RETURN(
      formats.zone, data::TimeZone::Find(options.GetOr("timeZone", session_time_zone)));
  if (const auto pattern = options.Get("timestampFormat")) {
    MILLRACE_ASSIGN_OR_RETURN(formats.timestamp, data::TimePattern::Compile(*pattern));
  }
  if (const auto pattern = options.Get("dateFormat")) {
    MILLRACE_ASSIGN_OR_RETURN(formats.date, data::TimePattern::Compile(*pattern));
  }
  formats.nan = options.GetOr("nanValue", formats.nan);
  formats.positive_infinity = options.GetOr("positiveInf", formats.positive_infinity);
  formats.negative_infinity = options.GetOr("negativeInf", formats.negative_infinity);
  return formats;
}

bool IsTextType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return true;
    default:
      return false;
  }
}

Result<data::ArrayPtr> ParseTextColumn(const data::TypePtr& type,
                                       std::span<const Cell> cells,
                                       const TextFormats& formats,
                                       std::vector<bool>* bad) {
  switch (type->id()) {
    case arrow::Type::BOOL: {
      arrow::BooleanBuilder builder;
      return Fill<bool>(builder, cells, bad, ParseBoolean);
    }
    case arrow::Type::INT8:
      return FillIntegers<arrow::Int8Builder>(cells, bad);
    case arrow::Type::INT16:
      return FillIntegers<arrow::Int16Builder>(cells, bad);
    case arrow::Type::INT32:
      return FillIntegers<arrow::Int32Builder>(cells, bad);
    case arrow::Type::INT64:
      return FillIntegers<arrow::Int64Builder>(cells, bad);
    case arrow::Type::FLOAT:
      return FillFloating<arrow::FloatBuilder>(cells, formats, bad);
    case arrow::Type::DOUBLE:
      return FillFloating<arrow::DoubleBuilder>(cells, formats, bad);
    case arrow::Type::STRING_VIEW:
      return FillBytes<arrow::StringViewBuilder>(cells, bad);
    case arrow::Type::BINARY_VIEW:
      return FillBytes<arrow::BinaryViewBuilder>(cells, bad);
    case arrow::Type::DECIMAL128: {
      arrow::Decimal128Builder builder(type);
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
      return Fill<arrow::Decimal128>(builder, cells, bad,
                                     [&](std::string_view text, arrow::Decimal128* out) {
                                       return ParseDecimal(text, decimal, out);
                                     });
    }
    case arrow::Type::DATE32: {
      arrow::Date32Builder builder;
      return Fill<int32_t>(builder, cells, bad, [&](std::string_view text, int32_t* out) {
        if (formats.date == nullptr) return Assign(data::ParseDate(text), out);
        const std::optional<int64_t> local = formats.date->ParseLocal(text);
        constexpr int64_t kDay = 86'400'000'000;
        if (local)
          *out = static_cast<int32_t>((*local - (*local < 0 ? kDay - 1 : 0)) / kDay);
        return local.has_value();
      });
    }
    case arrow::Type::TIMESTAMP: {
      arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
      const bool ntz = data::IsTimestampNtz(*type);
      const int64_t now = NowMicros();
      return Fill<int64_t>(builder, cells, bad, [&](std::string_view text, int64_t* out) {
        if (formats.timestamp != nullptr) {
          return Assign(ntz ? formats.timestamp->ParseLocal(text)
                            : formats.timestamp->Parse(text, *formats.zone),
                        out);
        }
        return Assign(ntz ? data::ParseTimestampNtz(text, /*allow_zone=*/false)
                          : data::ParseTimestamp(text, *formats.zone, now),
                      out);
      });
    }
    default:
      return AnalysisError("UNSUPPORTED_DATATYPE", "0A000",
                           "Unsupported data type \"{}\".", data::SqlTypeName(*type));
  }
}

bool ParseTextLong(std::string_view text, int64_t* out) {
  return ParseInteger(text, out);
}

bool ParseTextDouble(std::string_view text, const TextFormats& formats, double* out) {
  return ParseFloating(text, formats, out);
}

}  // namespace millrace::connectors::file
