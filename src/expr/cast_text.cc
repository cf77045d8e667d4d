// Casts from and to strings.
#include <charconv>
#include <limits>

#include <arrow/type.h>
#include <fmt/format.h>

#include "base/error.h"
#include "data/show.h"
#include "expr/cast_kernels.h"
#include "expr/decimal.h"
#include "expr/number_text.h"

namespace millrace::expr {
namespace {

using arrow::DataType;
using arrow::Decimal128;
using arrow::Type;

std::string QuotedText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// The values of a string or binary column under the other of the two types.
Result<Value> Relabel(const KernelInput& in) {
  std::shared_ptr<arrow::ArrayData> data = in.args[0].array->data()->Copy();
  data->type = in.type;
  return Value{arrow::MakeArray(std::move(data)), in.args[0].constant};
}

// A kernel of `parse(text, context) -> std::optional<Out>`.
template <typename Out, typename F>
Kernel Parse(const DataType& to, CastMode mode, F parse) {
  return [parse = std::move(parse), mode,
          target = data::SqlTypeName(to)](const KernelInput& in) -> Result<Value> {
    if (mode == CastMode::kTry) {
      return MapRows<Out, std::string_view>(in, [&](std::string_view text) {
        return std::optional<Out>(parse(text, in.context));
      });
    }
    return MapRows<Out, std::string_view>(in, [&](std::string_view text) -> Result<Out> {
      const std::optional<Out> value = parse(text, in.context);
      if (value.has_value()) return *value;
      return CastInvalidInput(QuotedText(text), "STRING", target);
    });
  };
}

template <typename Out>
Kernel ParseInteger(const DataType& to, CastMode mode) {
  return Parse<Out>(to, mode,
                    [](std::string_view text, const EvalContext&) -> std::optional<Out> {
                      const std::optional<int64_t> value = ParseLong(text);
                      if (!value.has_value()) return std::nullopt;
                      if (*value < std::numeric_limits<Out>::min() ||
                          *value > std::numeric_limits<Out>::max()) {
                        return std::nullopt;
                      }
                      return static_cast<Out>(*value);
                    });
}

Kernel ParseDecimal(const DataType& to, CastMode mode) {
  const DecimalShape shape = DecimalShape::Of(to);
  using Parsed = Result<std::optional<Decimal128>>;
  return UnaryKernel<std::string_view, Decimal128>([shape, mode,
                                                    target = data::SqlTypeName(to)](
                                                       std::string_view text) -> Parsed {
    const std::optional<DecimalText> number = ParseDecimalText(TrimText(text));
    std::optional<Decimal128> result;
    const bool exceeds = number.has_value() && ExceedsDecimal(*number);
    if (number.has_value() && !exceeds) result = RoundDecimalText(*number, shape);
    if (result.has_value() || mode == CastMode::kTry) return result;
    if (!number.has_value()) return CastInvalidInput(QuotedText(text), "STRING", target);
    if (exceeds) {
      return Error(
                 Fault::kData,
                 "The value {} cannot be interpreted as a numeric since it has more than "
                 "38 digits.",
                 text)
          .Class("NUMERIC_OUT_OF_SUPPORTED_RANGE", "22003")
          .Java(kArithmeticException)
          .Param("value", std::string(text));
    }
    return DecimalOverflow(PlainText(*number), shape);
  });
}

template <typename In>
Kernel IntegerText() {
  return TextKernel<In>([](In value, std::string* out) {
    char digits[24];
    const auto [end, error] =
        std::to_chars(digits, digits + sizeof(digits), static_cast<int64_t>(value));
    out->append(digits, end);
  });
}

// Whatever AppendValue can write.
Result<Value> AnyText(const KernelInput& in) {
  const Value& arg = in.args[0];
  const int64_t rows = arg.constant ? 1 : in.rows;
  ViewBuilder out(rows);
  MILLRACE_RETURN_IF_ERROR(out.Allocate());
  const NullReader nulls(*arg.array);
  for (int64_t row = 0; row < rows; ++row) {
    if (nulls.IsNull(row)) {
      MILLRACE_RETURN_IF_ERROR(out.AppendNull());
      continue;
    }
    data::AppendValue(*arg.array, row, in.context.zone->id(), data::NullText::kCast,
                      out.bytes());
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), arg.constant};
}

}  // namespace

Kernel ParseCast(const DataType& to, CastMode mode) {
  switch (to.id()) {
    case Type::BINARY_VIEW:
      return Relabel;
    case Type::BOOL:
      return Parse<bool>(to, mode, [](std::string_view text, const EvalContext&) {
        return ParseBoolean(text);
      });
    case Type::INT8:
      return ParseInteger<int8_t>(to, mode);
    case Type::INT16:
      return ParseInteger<int16_t>(to, mode);
    case Type::INT32:
      return ParseInteger<int32_t>(to, mode);
    case Type::INT64:
      return ParseInteger<int64_t>(to, mode);
    case Type::FLOAT:
      return Parse<float>(to, mode, [](std::string_view text, const EvalContext&) {
        return ParseFloat(text);
      });
    case Type::DOUBLE:
      return Parse<double>(to, mode, [](std::string_view text, const EvalContext&) {
        return ParseDouble(text);
      });
    case Type::DECIMAL128:
      return ParseDecimal(to, mode);
    case Type::DATE32:
      return Parse<int32_t>(to, mode, [](std::string_view text, const EvalContext&) {
        return data::ParseDate(text);
      });
    default:
      break;
  }
  if (data::IsTimestampNtz(to)) {
    return Parse<int64_t>(to, mode, [](std::string_view text, const EvalContext&) {
      return data::ParseTimestampNtz(text, /*allow_zone=*/true);
    });
  }
  return Parse<int64_t>(to, mode, [](std::string_view text, const EvalContext& context) {
    return data::ParseTimestamp(text, *context.zone, context.now_micros);
  });
}

Kernel TextCast(const DataType& from) {
  switch (from.id()) {
    case Type::BINARY_VIEW:
      return Relabel;
    case Type::BOOL:
      return TextKernel<bool>(
          [](bool value, std::string* out) { out->append(value ? "true" : "false"); });
    case Type::INT8:
      return IntegerText<int8_t>();
    case Type::INT16:
      return IntegerText<int16_t>();
    case Type::INT32:
      return IntegerText<int32_t>();
    case Type::INT64:
      return IntegerText<int64_t>();
    case Type::FLOAT:
      return TextKernel<float>(
          [](float value, std::string* out) { data::AppendFloat(value, out); });
    case Type::DOUBLE:
      return TextKernel<double>(
          [](double value, std::string* out) { data::AppendDouble(value, out); });
    case Type::DECIMAL128:
      return TextKernel<Decimal128>([scale = DecimalShape::Of(from).scale](
                                        const Decimal128& value, std::string* out) {
        AppendDecimal(value, scale, out);
      });
    case Type::DATE32:
      return TextKernel<int32_t>(
          [](int32_t days, std::string* out) { data::AppendDate(days, out); });
    case Type::TIMESTAMP:
      if (data::IsTimestampNtz(from)) {
        return TextKernel<int64_t>(
            [](int64_t local, std::string* out) { data::AppendTimestamp(local, out); });
      }
      return [](const KernelInput& in) {
        return MapText<int64_t>(in, [&](int64_t micros, std::string* out) {
          data::AppendTimestamp(in.context.zone->ToLocal(micros), out);
        });
      };
    default:
      return AnyText;
  }
}

}  // namespace millrace::expr
