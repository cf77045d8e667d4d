#include "expr/arithmetic.h"

#include <cmath>
#include <limits>

#include <arrow/type.h>

#include "base/error.h"

namespace millrace::expr {
namespace {

using arrow::Decimal128;
using arrow::Decimal256;

std::string_view Symbol(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::kAdd:
      return "+";
    case Arithmetic::kSubtract:
      return "-";
    default:
      return "*";
  }
}

std::string_view TolerantName(Arithmetic operation) {
  switch (operation) {
    case Arithmetic::kAdd:
      return "try_add";
    case Arithmetic::kSubtract:
      return "try_subtract";
    case Arithmetic::kMultiply:
      return "try_multiply";
    default:
      return "try_divide";
  }
}

// Tinyint and smallint have an error of their own, which shows the operands.
template <typename T>
Status IntegerOverflow(Arithmetic operation, T left, T right) {
  if constexpr (sizeof(T) <= 2) {
    return Error(Fault::kData,
                 "{}S {} {}S caused overflow. Use `{}` to ignore overflow problem and "
                 "return "
                 "NULL.",
                 static_cast<int>(left), Symbol(operation), static_cast<int>(right),
                 TolerantName(operation))
        .Class("BINARY_ARITHMETIC_OVERFLOW", "22003")
        .Java(kArithmeticException)
        .Param("value1", fmt::format("{}S", static_cast<int>(left)))
        .Param("symbol", std::string(Symbol(operation)))
        .Param("value2", fmt::format("{}S", static_cast<int>(right)))
        .Param("functionName", fmt::format("`{}`", TolerantName(operation)));
  }
  return ArithmeticOverflow("overflow", TolerantName(operation));
}

// A kernel of `f(a, b, Out*) -> bool`; where it says no, null or `fail(a, b)`.
template <typename Out, typename T, typename F, typename E>
Kernel Tolerant(OnFailure on_failure, F f, E fail) {
  if (on_failure == OnFailure::kError) return CheckedKernel<Out, T, T>(f, fail);
  return BinaryKernel<T, T, Out>([f](const T& a, const T& b) -> std::optional<Out> {
    Out result{};
    if (!f(a, b, &result)) return std::nullopt;
    return result;
  });
}

// Java's remainder, and Spark's pmod, of a divisor that is not zero.
template <typename T>
T Modulo(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    if (b == T{-1}) return 0;  // the least number overflows otherwise
    return static_cast<T>(a % b);
  }
}

template <typename T>
T PositiveModulo(T a, T b) {
  const T remainder = Modulo(a, b);
  if (remainder >= T{0}) return remainder;
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(remainder + b, b);
  } else {
    // The sum of a remainder below zero and a divisor below zero wraps, as in Java.
    using Unsigned = std::make_unsigned_t<T>;
    const auto sum =
        static_cast<T>(static_cast<Unsigned>(remainder) + static_cast<Unsigned>(b));
    return Modulo(sum, b);
  }
}

template <typename T>
Kernel ModuloKernel(bool positive, OnFailure on_failure) {
  return Tolerant<T, T>(
      on_failure,
      [positive](T a, T b, T* out) {
        if (b == T{0}) return false;
        *out = positive ? PositiveModulo(a, b) : Modulo(a, b);
        return true;
      },
      [](T, T) { return RemainderByZero(); });
}

template <typename T>
Kernel IntegerKernel(Arithmetic operation, OnFailure on_failure) {
  const auto fail = [operation](T a, T b) { return IntegerOverflow(operation, a, b); };
  switch (operation) {
    case Arithmetic::kAdd:
      return Tolerant<T, T>(
          on_failure, [](T a, T b, T* out) { return !__builtin_add_overflow(a, b, out); },
          fail);
    case Arithmetic::kSubtract:
      return Tolerant<T, T>(
          on_failure, [](T a, T b, T* out) { return !__builtin_sub_overflow(a, b, out); },
          fail);
    case Arithmetic::kMultiply:
      return Tolerant<T, T>(
          on_failure, [](T a, T b, T* out) { return !__builtin_mul_overflow(a, b, out); },
          fail);
    case Arithmetic::kModulo:
      return ModuloKernel<T>(false, on_failure);
    case Arithmetic::kPositiveModulo:
      return ModuloKernel<T>(true, on_failure);
    default:
      break;
  }
  // Integral division is done on bigints only.
  return Tolerant<int64_t, int64_t>(
      on_failure,
      [](int64_t a, int64_t b, int64_t* out) {
        if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min())) return false;
        *out = a / b;
        return true;
      },
      [](int64_t, int64_t b) {
        if (b == 0) return DivideByZero();
        return ArithmeticOverflow("Overflow in integral divide", "try_divide");
      });
}

template <typename T>
Kernel FloatingKernel(Arithmetic operation, OnFailure on_failure) {
  switch (operation) {
    case Arithmetic::kAdd:
      return BinaryKernel<T, T, T>([](T a, T b) { return a + b; });
    case Arithmetic::kSubtract:
      return BinaryKernel<T, T, T>([](T a, T b) { return a - b; });
    case Arithmetic::kMultiply:
      return BinaryKernel<T, T, T>([](T a, T b) { return a * b; });
    case Arithmetic::kModulo:
      return ModuloKernel<T>(false, on_failure);
    case Arithmetic::kPositiveModulo:
      return ModuloKernel<T>(true, on_failure);
    default:
      break;
  }
  return Tolerant<T, T>(
      on_failure,
      [](T a, T b, T* out) {
        *out = a / b;
        return b != T{0};
      },
      [](T, T) { return DivideByZero(); });
}

Decimal256 ScaledUp(const Decimal128& value, int by) {
  return Decimal256(Decimal256(value).IncreaseScaleBy(by));
}

// Half away from zero.
Decimal256 RoundedQuotient(const Decimal256& dividend, const Decimal256& divisor) {
  const Decimal256 quotient = dividend / divisor;
  const Decimal256 remainder = dividend % divisor;
  const Decimal256 twice(Decimal256::Abs(remainder) + Decimal256::Abs(remainder));
  if (twice < Decimal256::Abs(divisor)) return quotient;
  const bool negative = dividend.IsNegative() != divisor.IsNegative();
  return quotient + Decimal256(negative ? -1 : 1);
}

// a / b at scale `result.scale`; nothing where it has too many digits.
std::optional<Decimal128> Quotient(const Decimal128& a, DecimalShape left,
                                   const Decimal128& b, DecimalShape right,
                                   DecimalShape result) {
  int shift = result.scale - left.scale + right.scale;
  const Decimal256 dividend(a);
  Decimal256 divisor(b);
  if (shift < 0) {
    divisor = Decimal256(divisor.IncreaseScaleBy(-shift));
    shift = 0;
  }
  Decimal256 whole = dividend / divisor;
  Decimal256 rest = dividend % divisor;
  // In steps that keep the rest, which is below the divisor's 38 digits, inside 76.
  while (true) {
    if (!whole.FitsInPrecision(38)) return std::nullopt;
    const int step = std::min(shift, 37);
    shift -= step;
    whole = Decimal256(whole.IncreaseScaleBy(step));
    rest = Decimal256(rest.IncreaseScaleBy(step));
    if (shift == 0) break;
    whole = Decimal256(whole + rest / divisor);
    rest = rest % divisor;
  }
  return Rescale(Decimal256(whole + RoundedQuotient(rest, divisor)), result.scale,
                 result);
}

// a / b with the 39 digits behind the point that Spark computes, for errors.
std::string QuotientText(const Decimal128& a, DecimalShape left, const Decimal128& b,
                         DecimalShape right) {
  const int scale = std::max(left.scale, right.scale);
  Decimal256 dividend = ScaledUp(a, scale - left.scale);
  Decimal256 divisor = ScaledUp(b, scale - right.scale);
  std::string text = dividend.IsNegative() != divisor.IsNegative() ? "-" : "";
  dividend = Decimal256(Decimal256::Abs(dividend));
  divisor = Decimal256(Decimal256::Abs(divisor));
  AppendDecimal(Decimal256(dividend / divisor), 0, &text);
  text += '.';
  Decimal256 rest = dividend % divisor;
  for (int digit = 0; digit < 39; ++digit) {
    rest = Decimal256(rest * Decimal256(10));
    AppendDecimal(Decimal256(rest / divisor), 0, &text);
    rest = rest % divisor;
  }
  return text;
}

Decimal256 Remainder(const Decimal128& a, DecimalShape left, const Decimal128& b,
                     DecimalShape right, bool positive) {
  const int scale = std::max(left.scale, right.scale);
  const Decimal256 dividend = ScaledUp(a, scale - left.scale);
  const Decimal256 divisor = ScaledUp(b, scale - right.scale);
  Decimal256 remainder = dividend % divisor;
  if (positive && remainder.IsNegative()) {
    remainder = Decimal256(remainder + divisor) % divisor;
  }
  return remainder;
}

Status OverflowOf(const Decimal256& exact, int scale, DecimalShape result) {
  std::string text;
  AppendDecimal(exact, scale, &text);
  return DecimalOverflow(text, result);
}

using MaybeDecimal = std::optional<Decimal128>;

// A kernel of `f(a, b) -> Result<std::optional<Out>>`, whose errors are nulls if
// tolerated.
template <typename Out, typename F>
Kernel DecimalKernel(OnFailure on_failure, F f) {
  return BinaryKernel<Decimal128, Decimal128, Out>(
      [on_failure, f](const Decimal128& a,
                      const Decimal128& b) -> Result<std::optional<Out>> {
        Result<Out> result = f(a, b);
        if (result.ok()) return std::optional<Out>(*result);
        if (on_failure == OnFailure::kNull) return std::optional<Out>();
        return result.status();
      });
}

// Sums and differences: in 128 bits where no sum can leave them.
Kernel DecimalSumKernel(bool subtract, DecimalShape left, DecimalShape right,
                        DecimalShape result, OnFailure on_failure) {
  const int scale = std::max(left.scale, right.scale);
  const int digits =
      std::max(left.integral_digits(), right.integral_digits()) + scale + 1;
  if (digits <= 38) {
    const Decimal128 up_left(Decimal128::GetScaleMultiplier(scale - left.scale));
    const Decimal128 up_right(Decimal128::GetScaleMultiplier(scale - right.scale));
    return BinaryKernel<Decimal128, Decimal128, Decimal128>(
        [=](const Decimal128& a, const Decimal128& b) {
          const Decimal128 x = scale == left.scale ? a : Decimal128(a * up_left);
          const Decimal128 y = scale == right.scale ? b : Decimal128(b * up_right);
          return subtract ? Decimal128(x - y) : Decimal128(x + y);
        });
  }
  return DecimalKernel<Decimal128>(
      on_failure, [=](const Decimal128& a, const Decimal128& b) -> Result<Decimal128> {
        const Decimal256 x = ScaledUp(a, scale - left.scale);
        Decimal256 y = ScaledUp(b, scale - right.scale);
        if (subtract) y.Negate();
        const Decimal256 exact = x + y;
        const MaybeDecimal rounded = Rescale(exact, scale, result);
        if (rounded.has_value()) return *rounded;
        return OverflowOf(exact, scale, result);
      });
}

Kernel DecimalProductKernel(DecimalShape left, DecimalShape right, DecimalShape result,
                            OnFailure on_failure) {
  const int scale = left.scale + right.scale;
  if (left.precision + right.precision <= 38) {
    return BinaryKernel<Decimal128, Decimal128, Decimal128>(
        [](const Decimal128& a, const Decimal128& b) { return Decimal128(a * b); });
  }
  return DecimalKernel<Decimal128>(
      on_failure, [=](const Decimal128& a, const Decimal128& b) -> Result<Decimal128> {
        const Decimal256 exact(Decimal256(a) * Decimal256(b));
        const MaybeDecimal rounded = Rescale(exact, scale, result);
        if (rounded.has_value()) return *rounded;
        return OverflowOf(exact, scale, result);
      });
}

Kernel DecimalQuotientKernel(DecimalShape left, DecimalShape right, DecimalShape result,
                             OnFailure on_failure) {
  return DecimalKernel<Decimal128>(
      on_failure, [=](const Decimal128& a, const Decimal128& b) -> Result<Decimal128> {
        if (b == Decimal128(0)) return DivideByZero();
        const MaybeDecimal quotient = Quotient(a, left, b, right, result);
        if (quotient.has_value()) return *quotient;
        return DecimalOverflow(QuotientText(a, left, b, right), result);
      });
}

Kernel DecimalIntegralKernel(DecimalShape left, DecimalShape right,
                             OnFailure on_failure) {
  return DecimalKernel<int64_t>(
      on_failure, [=](const Decimal128& a, const Decimal128& b) -> Result<int64_t> {
        if (b == Decimal128(0)) return DivideByZero();
        const int scale = std::max(left.scale, right.scale);
        const Decimal256 quotient =
            ScaledUp(a, scale - left.scale) / ScaledUp(b, scale - right.scale);
        // What does not fit wraps, as in Java; ANSI or not.
        return static_cast<int64_t>(quotient.little_endian_array()[0]);
      });
}

Kernel DecimalRemainderKernel(bool positive, DecimalShape left, DecimalShape right,
                              DecimalShape result, OnFailure on_failure) {
  return DecimalKernel<Decimal128>(
      on_failure, [=](const Decimal128& a, const Decimal128& b) -> Result<Decimal128> {
        if (b == Decimal128(0)) return RemainderByZero();
        const Decimal256 exact = Remainder(a, left, b, right, positive);
        const int scale = std::max(left.scale, right.scale);
        const MaybeDecimal rounded = Rescale(exact, scale, result);
        if (rounded.has_value()) return *rounded;
        return OverflowOf(exact, scale, result);
      });
}

}  // namespace

Kernel ArithmeticKernel(Arithmetic operation, const arrow::DataType& type,
                        OnFailure on_failure) {
  Kernel kernel;
  VisitNumber(type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      kernel = FloatingKernel<T>(operation, on_failure);
    } else {
      kernel = IntegerKernel<T>(operation, on_failure);
    }
  });
  return kernel;
}

Kernel DecimalArithmeticKernel(Arithmetic operation, DecimalShape left,
                               DecimalShape right, DecimalShape result,
                               OnFailure on_failure) {
  switch (operation) {
    case Arithmetic::kAdd:
      return DecimalSumKernel(false, left, right, result, on_failure);
    case Arithmetic::kSubtract:
      return DecimalSumKernel(true, left, right, result, on_failure);
    case Arithmetic::kMultiply:
      return DecimalProductKernel(left, right, result, on_failure);
    case Arithmetic::kDivide:
      return DecimalQuotientKernel(left, right, result, on_failure);
    case Arithmetic::kIntegralDivide:
      return DecimalIntegralKernel(left, right, on_failure);
    case Arithmetic::kModulo:
      return DecimalRemainderKernel(false, left, right, result, on_failure);
    default:
      return DecimalRemainderKernel(true, left, right, result, on_failure);
  }
}

Status DivideByZero() {
  return Error(Fault::kData,
               "Division by zero. Use `try_divide` to tolerate divisor being 0 and "
               "return NULL "
               "instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to "
               "bypass "
               "this error.")
      .Class("DIVIDE_BY_ZERO", "22012")
      .Java(kArithmeticException)
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

Status RemainderByZero() {
  return Error(Fault::kData,
               "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return "
               "NULL "
               "instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to "
               "bypass "
               "this error.")
      .Class("REMAINDER_BY_ZERO", "22012")
      .Java(kArithmeticException)
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

Status ArithmeticOverflow(std::string_view message, std::string_view hint) {
  const std::string alternative =
      hint.empty()
          ? ""
          : fmt::format(" Use '{}' to tolerate overflow and return NULL instead.", hint);
  return Error(Fault::kData,
               "{}.{} If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass "
               "this "
               "error.",
               message, alternative)
      .Class("ARITHMETIC_OVERFLOW", "22003")
      .Java(kArithmeticException)
      .Param("message", std::string(message))
      .Param("alternative", alternative)
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

}  // namespace millrace::expr
