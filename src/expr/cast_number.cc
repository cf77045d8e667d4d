// Casts among booleans, integers, floating point and decimals; Spark's Cast and its
// "exact numeric" rules.
#include <cmath>
#include <limits>
#include <type_traits>

#include <arrow/type.h>
#include <fmt/format.h>

#include "data/show.h"
#include "expr/cast_kernels.h"
#include "expr/decimal.h"

namespace millrace::expr {
namespace {

using arrow::DataType;
using arrow::Decimal128;
using arrow::Type;

// As SqlValue shows a number.
template <typename T>
std::string NumberText(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    std::string text;
    if constexpr (std::is_same_v<T, float>) {
      data::AppendFloat(value, &text);
    } else {
      data::AppendDouble(value, &text);
      if (std::isfinite(value)) text += 'D';
    }
    return text;
  } else {
    constexpr std::string_view kSuffix = sizeof(T) == 1   ? "Y"
                                         : sizeof(T) == 2 ? "S"
                                         : sizeof(T) == 8 ? "L"
                                                          : "";
    return fmt::format("{}{}", static_cast<int64_t>(value), kSuffix);
  }
}

template <typename Out, typename In>
bool Narrow(In value, Out* out) {
  if constexpr (std::is_floating_point_v<In>) {
    // Java compares with the bounds as floating point, and saturates: 2^63 becomes 2^63
    // - 1.
    constexpr In kLow = static_cast<In>(std::numeric_limits<Out>::min());
    constexpr In kHigh = static_cast<In>(std::numeric_limits<Out>::max());
    if (!(std::floor(value) <= kHigh && std::ceil(value) >= kLow)) return false;
    constexpr In kBound = static_cast<In>(uint64_t{1} << (8 * sizeof(Out) - 1));
    *out = value >= kBound ? std::numeric_limits<Out>::max() : static_cast<Out>(value);
    return true;
  } else {
    *out = static_cast<Out>(value);
    return static_cast<In>(*out) == value;
  }
}

template <typename In, typename Out>
Kernel NumberToNumber(const DataType& from, const DataType& to, CastMode mode) {
  constexpr bool kWidens = std::is_floating_point_v<Out> ||
                           (std::is_integral_v<In> && sizeof(In) <= sizeof(Out));
  if constexpr (kWidens) {
    return UnaryKernel<In, Out>([](In value) { return static_cast<Out>(value); });
  } else {
    return FallibleCast<Out, In>(
        mode, [](In value, Out* out) { return Narrow(value, out); },
        [source = data::SqlTypeName(from), target = data::SqlTypeName(to)](In value) {
          return CastOverflow(NumberText(value), source, target);
        });
  }
}

Kernel BooleanToNumber(const DataType& to) {
  Kernel kernel;
  VisitNumber(to, [&]<typename Out>(std::type_identity<Out>) {
    kernel = UnaryKernel<bool, Out>([](bool value) { return static_cast<Out>(value); });
  });
  return kernel;
}

std::string PlainText(const Decimal128& value, int scale) {
  std::string text;
  AppendDecimal(value, scale, &text);
  return text;
}

template <typename In>
Kernel IntegerToDecimal(DecimalShape to, CastMode mode) {
  return FallibleCast<Decimal128, In>(
      mode,
      [to](In value, Decimal128* out) {
        const auto result = Rescale(Decimal128(static_cast<int64_t>(value)), 0, to);
        *out = result.value_or(Decimal128(0));
        return result.has_value();
      },
      [to](In value) {
        return DecimalOverflow(fmt::format("{}", static_cast<int64_t>(value)), to);
      });
}

// NaN and infinities are null, in ANSI mode too.
template <typename In>
Kernel FloatingToDecimal(DecimalShape to, CastMode mode) {
  return UnaryKernel<In, Decimal128>(
      [to, mode](In value) -> Result<std::optional<Decimal128>> {
        const double number = value;
        if (!std::isfinite(number)) return std::optional<Decimal128>();
        const Result<Decimal128> result = DecimalFromDouble(number, to);
        if (result.ok()) return std::optional<Decimal128>(*result);
        if (mode == CastMode::kTry) return std::optional<Decimal128>();
        return result.status();
      });
}

template <typename Out>
Kernel DecimalToInteger(const DataType& from, const DataType& to, CastMode mode) {
  const int scale = DecimalShape::Of(from).scale;
  return FallibleCast<Out, Decimal128>(
      mode,
      [scale](const Decimal128& value, Out* out) {
        const Decimal128 whole(value.ReduceScaleBy(scale, /*round=*/false));
        const auto low = static_cast<int64_t>(whole.low_bits());
        if (whole.high_bits() != (low < 0 ? -1 : 0)) return false;
        return Narrow(low, out);
      },
      [scale, source = data::SqlTypeName(from),
       target = data::SqlTypeName(to)](const Decimal128& value) {
        return CastOverflow(PlainText(value, scale) + "BD", source, target);
      });
}

Kernel DecimalToDecimal(DecimalShape from, DecimalShape to, CastMode mode) {
  return FallibleCast<Decimal128, Decimal128>(
      mode,
      [from, to](const Decimal128& value, Decimal128* out) {
        const auto result = Rescale(value, from.scale, to);
        *out = result.value_or(Decimal128(0));
        return result.has_value();
      },
      [from, to](const Decimal128& value) {
        return DecimalOverflow(PlainText(value, from.scale), to);
      });
}

// Through text where arithmetic on doubles would round twice.
template <typename Out>
Out DecimalToFloating(const Decimal128& value, int scale) {
  if constexpr (std::is_same_v<Out, double>) {
    constexpr int64_t kExact = int64_t{1} << 53;
    const auto low = static_cast<int64_t>(value.low_bits());
    if (scale <= 22 && value.high_bits() == (low < 0 ? -1 : 0) && low <= kExact &&
        low >= -kExact) {
      static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
      return static_cast<double>(low) / kPowers[scale];  // both exact: rounds once
    }
  }
  const std::string text = PlainText(value, scale);
  if constexpr (std::is_same_v<Out, float>) return std::strtof(text.c_str(), nullptr);
  return static_cast<Out>(std::strtod(text.c_str(), nullptr));
}

}  // namespace

Kernel NumberCast(const DataType& from, const DataType& to, CastMode mode) {
  Kernel kernel;
  if (from.id() == Type::BOOL) return BooleanToNumber(to);
  VisitNumber(from, [&]<typename In>(std::type_identity<In>) {
    if (to.id() == Type::BOOL) {
      kernel = UnaryKernel<In, bool>([](In value) { return value != In{0}; });
      return;
    }
    VisitNumber(to, [&]<typename Out>(std::type_identity<Out>) {
      kernel = NumberToNumber<In, Out>(from, to, mode);
    });
  });
  return kernel;
}

Kernel DecimalCast(const DataType& from, const DataType& to, CastMode mode) {
  if (from.id() != Type::DECIMAL128) {
    const DecimalShape shape = DecimalShape::Of(to);
    switch (from.id()) {
      case Type::BOOL:
        return UnaryKernel<bool, Decimal128>(
            [shape, mode](bool value) -> Result<std::optional<Decimal128>> {
              const auto result = Rescale(Decimal128(value ? 1 : 0), 0, shape);
              if (result.has_value() || mode == CastMode::kTry) return result;
              return DecimalOverflow("1", shape);
            });
      case Type::INT8:
        return IntegerToDecimal<int8_t>(shape, mode);
      case Type::INT16:
        return IntegerToDecimal<int16_t>(shape, mode);
      case Type::INT32:
        return IntegerToDecimal<int32_t>(shape, mode);
      case Type::INT64:
        return IntegerToDecimal<int64_t>(shape, mode);
      case Type::FLOAT:
        return FloatingToDecimal<float>(shape, mode);
      default:
        return FloatingToDecimal<double>(shape, mode);
    }
  }
  const DecimalShape shape = DecimalShape::Of(from);
  switch (to.id()) {
    case Type::BOOL:
      return UnaryKernel<Decimal128, bool>(
          [](const Decimal128& value) { return value != Decimal128(0); });
    case Type::INT8:
      return DecimalToInteger<int8_t>(from, to, mode);
    case Type::INT16:
      return DecimalToInteger<int16_t>(from, to, mode);
    case Type::INT32:
      return DecimalToInteger<int32_t>(from, to, mode);
    case Type::INT64:
      return DecimalToInteger<int64_t>(from, to, mode);
    case Type::FLOAT:
      return UnaryKernel<Decimal128, float>(
          [scale = shape.scale](const Decimal128& value) {
            return DecimalToFloating<float>(value, scale);
          });
    case Type::DOUBLE:
      return UnaryKernel<Decimal128, double>(
          [scale = shape.scale](const Decimal128& value) {
            return DecimalToFloating<double>(value, scale);
          });
    default:
      return DecimalToDecimal(shape, DecimalShape::Of(to), mode);
  }
}

}  // namespace millrace::expr
