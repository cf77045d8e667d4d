// Casts from and to dates and timestamps, without strings.
#include <cmath>
#include <limits>

#include <arrow/type.h>

#include "data/show.h"
#include "expr/cast_kernels.h"
#include "expr/decimal.h"

namespace millrace::expr {
namespace {

using arrow::DataType;
using arrow::Decimal128;
using arrow::Type;

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0 ? 1 : 0);
}

std::string TimestampText(int64_t micros, const data::TimeZone& zone) {
  std::string text = "TIMESTAMP '";
  data::AppendTimestamp(zone.ToLocal(micros), &text);
  return text + "'";
}

// Seconds, rounded down.
template <typename Out>
Kernel TimestampToInteger(const DataType& to, CastMode mode) {
  return [mode, target = data::SqlTypeName(to)](const KernelInput& in) {
    const auto convert = [](int64_t micros, Out* out) {
      const int64_t seconds = FloorDivide(micros, kMicrosPerSecond);
      *out = static_cast<Out>(seconds);
      return *out == seconds;
    };
    const auto fail = [&](int64_t micros) {
      return CastOverflow(TimestampText(micros, *in.context.zone), "TIMESTAMP", target);
    };
    return FallibleCast<Out, int64_t>(mode, convert, fail)(in);
  };
}

Kernel TimestampToNumber(const DataType& to, CastMode mode) {
  switch (to.id()) {
    case Type::INT8:
      return TimestampToInteger<int8_t>(to, mode);
    case Type::INT16:
      return TimestampToInteger<int16_t>(to, mode);
    case Type::INT32:
      return TimestampToInteger<int32_t>(to, mode);
    case Type::INT64:
      return TimestampToInteger<int64_t>(to, mode);
    case Type::FLOAT:
      return UnaryKernel<int64_t, float>([](int64_t micros) {
        return static_cast<float>(static_cast<double>(micros) / kMicrosPerSecond);
      });
    case Type::DOUBLE:
      return UnaryKernel<int64_t, double>(
          [](int64_t micros) { return static_cast<double>(micros) / kMicrosPerSecond; });
    default: {
      const DecimalShape shape = DecimalShape::Of(to);
      return FallibleCast<Decimal128, int64_t>(
          mode,
          [shape](int64_t micros, Decimal128* out) {
            const auto result = Rescale(Decimal128(micros), 6, shape);
            *out = result.value_or(Decimal128(0));
            return result.has_value();
          },
          [shape](int64_t micros) {
            std::string text;
            AppendDecimal(Decimal128(micros), 6, &text);
            return DecimalOverflow(text, shape);
          });
    }
  }
}

template <typename In>
Kernel IntegerToTimestamp() {
  return UnaryKernel<In, int64_t>([](In seconds) {
    int64_t micros = 0;
    if (__builtin_mul_overflow(static_cast<int64_t>(seconds), kMicrosPerSecond,
                               &micros)) {
      // java.util.concurrent.TimeUnit saturates.
      return seconds < 0 ? std::numeric_limits<int64_t>::min()
                         : std::numeric_limits<int64_t>::max();
    }
    return micros;
  });
}

template <typename In>
Kernel FloatingToTimestamp(const DataType& from, CastMode mode) {
  const auto text = [](double value) {
    std::string result;
    data::AppendDouble(value, &result);
    return result;
  };
  return FallibleCast<int64_t, In>(
      mode,
      [](In value, int64_t* out) {
        const double micros = static_cast<double>(value) * kMicrosPerSecond;
        if (!std::isfinite(static_cast<double>(value))) return false;
        constexpr double kBound = 9223372036854775808.0;  // 2^63
        if (!(std::floor(micros) <= kBound && std::ceil(micros) >= -kBound)) return false;
        *out = micros >= kBound ? std::numeric_limits<int64_t>::max()
                                : static_cast<int64_t>(micros);
        return true;
      },
      [text, source = data::SqlTypeName(from)](In value) {
        const auto number = static_cast<double>(value);
        if (!std::isfinite(number)) {
          return CastInvalidInput(text(number), source, "TIMESTAMP");
        }
        return CastOverflow(text(number * kMicrosPerSecond) + "D", "DOUBLE", "BIGINT");
      });
}

Kernel DecimalToTimestamp(const DataType& from) {
  return UnaryKernel<Decimal128, int64_t>(
      [scale = DecimalShape::Of(from).scale](const Decimal128& value) {
        // Fractions of a microsecond are cut; what is too large wraps, as in Java.
        const arrow::Decimal256 micros(arrow::Decimal256(value) *
                                       arrow::Decimal256(kMicrosPerSecond));
        const arrow::Decimal256 whole(micros.ReduceScaleBy(scale, /*round=*/false));
        return static_cast<int64_t>(whole.little_endian_array()[0]);
      });
}

Kernel NumberToTimestamp(const DataType& from, CastMode mode) {
  switch (from.id()) {
    case Type::INT8:
      return IntegerToTimestamp<int8_t>();
    case Type::INT16:
      return IntegerToTimestamp<int16_t>();
    case Type::INT32:
      return IntegerToTimestamp<int32_t>();
    case Type::INT64:
      return IntegerToTimestamp<int64_t>();
    case Type::FLOAT:
      return FloatingToTimestamp<float>(from, mode);
    case Type::DOUBLE:
      return FloatingToTimestamp<double>(from, mode);
    default:
      return DecimalToTimestamp(from);
  }
}

// A kernel that looks at the session's time zone.
template <typename Out, typename In, typename F>
Kernel ZonedKernel(F f) {
  return [f](const KernelInput& in) {
    const data::TimeZone& zone = *in.context.zone;
    return MapRows<Out, In>(in, [&](In value) { return f(value, zone); });
  };
}

Kernel DateToTime(const DataType& to) {
  if (data::IsTimestampNtz(to)) {
    return UnaryKernel<int32_t, int64_t>(
        [](int32_t days) { return days * kMicrosPerDay; });
  }
  return ZonedKernel<int64_t, int32_t>([](int32_t days, const data::TimeZone& zone) {
    return zone.ToUtc(days * kMicrosPerDay);
  });
}

}  // namespace

Kernel TimeCast(const DataType& from, const DataType& to, CastMode mode) {
  if (data::IsNumeric(from)) return NumberToTimestamp(from, mode);
  if (data::IsNumeric(to)) return TimestampToNumber(to, mode);
  if (from.id() == Type::DATE32) return DateToTime(to);
  if (data::IsTimestampNtz(from)) {
    if (to.id() == Type::DATE32) {
      return UnaryKernel<int64_t, int32_t>([](int64_t local) {
        return static_cast<int32_t>(FloorDivide(local, kMicrosPerDay));
      });
    }
    return ZonedKernel<int64_t, int64_t>(
        [](int64_t local, const data::TimeZone& zone) { return zone.ToUtc(local); });
  }
  if (to.id() == Type::DATE32) {
    return ZonedKernel<int32_t, int64_t>([](int64_t micros, const data::TimeZone& zone) {
      return static_cast<int32_t>(FloorDivide(zone.ToLocal(micros), kMicrosPerDay));
    });
  }
  return ZonedKernel<int64_t, int64_t>(
      [](int64_t micros, const data::TimeZone& zone) { return zone.ToLocal(micros); });
}

}  // namespace millrace::expr
