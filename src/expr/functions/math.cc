// Mathematical functions of doubles, rounding, and numbers in other bases.
//
// Spark computes with Java's StrictMath (fdlibm), this with the C library: results of
// exp, sin and the like may differ in the last digit.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/arithmetic.h"
#include "expr/cast.h"
#include "expr/decimal.h"
#include "expr/functions/rounding.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using arrow::Decimal128;
using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

// --- doubles to doubles

template <typename F>
Bound OfDouble(Text name, Args args, F f) {
  return BindWith(name, args, {data::DoubleType()}, data::DoubleType(),
                  UnaryKernel<double, double>(f));
}

template <typename F>
Bound OfDoubles(Text name, Args args, F f) {
  return BindWith(name, args, {data::DoubleType()}, data::DoubleType(),
                  BinaryKernel<double, double, double>(f));
}

// Logarithms are null up to `limit`, where Java's would be NaN or infinite.
template <typename F>
Bound Logarithm(Text name, Args args, F log, double limit = 0) {
  return BindWith(
      name, args, {data::DoubleType()}, data::DoubleType(),
      UnaryKernel<double, double>([log, limit](double x) -> std::optional<double> {
        if (x <= limit) return std::nullopt;
        return log(x);
      }),
      {.makes_nulls = true});
}

double NaturalLog(double x) { return std::log(x); }

Bound BindLog(Args args, const BindContext&) {
  if (args.size() == 1) return Logarithm("log", args, NaturalLog);
  return BindWith("log", args, {data::DoubleType()}, data::DoubleType(),
                  BinaryKernel<double, double, double>(
                      [](double base, double x) -> std::optional<double> {
                        if (base <= 0 || x <= 0) return std::nullopt;
                        return std::log(x) / std::log(base);
                      }),
                  {.makes_nulls = true});
}

double Signum(double x) {
  if (std::isnan(x) || x == 0) return x;
  return x > 0 ? 1 : -1;
}

Bound BindSignum(Text name, Args args) {
  const arrow::Type::type id = args[0]->type()->id();
  if (id == arrow::Type::DURATION) {
    return MakeBound({args[0]}, data::DoubleType(),
                     UnaryKernel<int64_t, double>(
                         [](int64_t x) { return Signum(static_cast<double>(x)); }));
  }
  if (id == arrow::Type::INTERVAL_MONTHS) {
    return MakeBound({args[0]}, data::DoubleType(),
                     UnaryKernel<int32_t, double>(
                         [](int32_t x) { return Signum(static_cast<double>(x)); }));
  }
  return OfDouble(name, args, Signum);
}

Bound Constant(double value) {
  return MakeBound(
      {}, data::DoubleType(), [value](const KernelInput& in) -> Result<Value> {
        FixedOutput<double> out;
        MILLRACE_RETURN_IF_ERROR(out.Allocate(1));
        out.Set(0, value);
        return MakeValue(in.type, 1, /*constant=*/true, nullptr, out.Finish());
      });
}

// --- rounding

// The digits to keep: a literal, or null.
Result<std::optional<int>> ScaleArgument(Text name, Args args) {
  if (args.size() < 2) return std::optional<int>(0);
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr scale, CastTo(name, args, 1, data::IntType()));
  if (const auto literal = IntegerLiteral(scale); literal.has_value()) {
    return std::optional<int>(static_cast<int>(std::clamp<int64_t>(*literal, -400, 400)));
  }
  if (dynamic_cast<const Literal*>(scale.get()) != nullptr) return std::optional<int>();
  return Status(AnalysisError("NON_FOLDABLE_ARGUMENT", "42K08",
                              "The function `{}` requires the parameter `scale` to be a "
                              "foldable expression of the type \"INT\", but the actual "
                              "argument is a non-foldable.",
                              name)
                    .Param("funcName", fmt::format("`{}`", name))
                    .Param("paramName", "`scale`")
                    .Param("paramType", "\"INT\""));
}

// Spark's RoundBase.dataType: one more digit before the point, which rounding may need.
DecimalShape RoundedShape(DecimalShape from, int scale) {
  const int integral = from.integral_digits() + 1;
  if (scale < 0) return {std::min(38, std::max(integral, 1 - scale)), 0};
  const int kept = std::min(from.scale, scale);
  return {std::min(38, integral + kept), kept};
}

Bound RoundDecimals(ExprPtr arg, int scale, Rounding rounding) {
  const DecimalShape from = DecimalShape::Of(*arg->type());
  const DecimalShape to = RoundedShape(from, scale);
  return MakeBound(
      {std::move(arg)}, to.type(),
      UnaryKernel<Decimal128, Decimal128>(
          [from, to, scale, rounding](const Decimal128& value) -> Result<Decimal128> {
            const std::optional<Decimal128> rounded =
                RoundDecimal(value, from.scale, scale, to, rounding);
            if (rounded.has_value()) return *rounded;
            return DecimalOverflow(value.ToString(from.scale), to);
          }),
      {.can_fail = true});
}

Bound RoundIntegers(ExprPtr arg, int scale, Rounding rounding) {
  const data::TypePtr type = arg->type();
  BoundFunction bound;
  VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      bound = MakeBound(
          {std::move(arg)}, type,
          UnaryKernel<T, T>([scale, rounding](T value) -> Result<T> {
            const std::optional<int64_t> rounded = RoundInteger(value, scale, rounding);
            if (rounded.has_value() && *rounded >= std::numeric_limits<T>::min() &&
                *rounded <= std::numeric_limits<T>::max()) {
              return static_cast<T>(*rounded);
            }
            return ArithmeticOverflow("Overflow", "");
          }),
          {.can_fail = true});
    }
  });
  return bound;
}

Bound RoundAnything(Text name, Args given, Rounding rounding) {
  std::vector<ExprPtr> args(given.begin(), given.end());
  if (args.size() == 1) args.push_back(MakeInt(0));
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<int> scale, ScaleArgument(name, args));
  ExprPtr arg = args[0];
  if (!data::IsNumeric(*arg->type())) {
    MILLRACE_ASSIGN_OR_RETURN(
        arg, CastTo(name, args, 0, Wanted(data::DoubleType(), "\"NUMERIC\"")));
  }
  const data::TypePtr type = arg->type();
  if (!scale.has_value()) {
    return MakeBound({std::move(arg)}, type,
                     [](const KernelInput& in) { return NullConstant(in.type); },
                     {.makes_nulls = true});
  }
  if (type->id() == arrow::Type::DECIMAL128) {
    return RoundDecimals(std::move(arg), *scale, rounding);
  }
  if (data::IsInteger(*type)) {
    if (*scale >= 0) {
      return MakeBound({std::move(arg)}, type,
                       [](const KernelInput& in) -> Result<Value> { return in.args[0]; });
    }
    return RoundIntegers(std::move(arg), *scale, rounding);
  }
  const int digits = *scale;
  if (type->id() == arrow::Type::FLOAT) {
    return MakeBound({std::move(arg)}, type,
                     UnaryKernel<float, float>([digits, rounding](float value) {
                       return RoundFloat(value, digits, rounding);
                     }));
  }
  return MakeBound({std::move(arg)}, type,
                   UnaryKernel<double, double>([digits, rounding](double value) {
                     return RoundDouble(value, digits, rounding);
                   }));
}

// Spark's RoundBase is always nullable.
Bound BindRound(Text name, Args args, Rounding rounding) {
  MILLRACE_ASSIGN_OR_RETURN(BoundFunction bound, RoundAnything(name, args, rounding));
  bound.nullable = true;
  return bound;
}

// ceil and floor: without digits double gives bigint, and a decimal loses its fraction;
// with digits everything is a decimal.
Bound BindWhole(Text name, Args args, Rounding rounding) {
  if (args.size() > 1) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<int> scale, ScaleArgument(name, args));
    ExprPtr arg = args[0];
    if (arg->type()->id() != arrow::Type::DECIMAL128) {
      const arrow::DataType& type = *arg->type();
      const data::TypePtr decimal = data::IsInteger(type)
                                        ? DecimalShape::OfInteger(type).type()
                                        : data::DecimalOf(30, 15);
      MILLRACE_ASSIGN_OR_RETURN(arg, CastTo(name, args, 0, decimal));
    }
    return RoundDecimals(std::move(arg), scale.value_or(0), rounding);
  }
  ExprPtr arg = args[0];
  const arrow::Type::type id = arg->type()->id();
  if (id == arrow::Type::DECIMAL128) {
    const DecimalShape from = DecimalShape::Of(*arg->type());
    const DecimalShape to{std::min(38, from.integral_digits() + 1), 0};
    return MakeBound(
        {std::move(arg)}, to.type(),
        UnaryKernel<Decimal128, Decimal128>(
            [from, to, rounding](const Decimal128& value) -> Result<Decimal128> {
              const auto rounded = RoundDecimal(value, from.scale, 0, to, rounding);
              if (rounded.has_value()) return *rounded;
              return DecimalOverflow(value.ToString(from.scale), to);
            }),
        {.can_fail = true});
  }
  if (data::IsInteger(*arg->type())) {
    MILLRACE_ASSIGN_OR_RETURN(arg, MakeCast(arg, data::LongType()));
    return MakeBound({std::move(arg)}, data::LongType(),
                     [](const KernelInput& in) -> Result<Value> { return in.args[0]; });
  }
  MILLRACE_ASSIGN_OR_RETURN(
      arg,
      CastTo(name, args, 0,
             Wanted(data::DoubleType(), "(\"DOUBLE\" or \"DECIMAL\" or \"BIGINT\")")));
  return MakeBound({std::move(arg)}, data::LongType(),
                   UnaryKernel<double, int64_t>([rounding](double value) -> int64_t {
                     const double whole =
                         rounding == Rounding::kUp ? std::ceil(value) : std::floor(value);
                     // Java's (long): NaN is 0, what is too great stops at the ends.
                     constexpr double kLimit = 9.223372036854775807e18;
                     if (std::isnan(whole)) return 0;
                     if (whole >= kLimit) return std::numeric_limits<int64_t>::max();
                     if (whole <= -kLimit) return std::numeric_limits<int64_t>::min();
                     return static_cast<int64_t>(whole);
                   }));
}

// --- integers

std::optional<int64_t> Factorial(int32_t n) {
  if (n < 0 || n > 20) return std::nullopt;
  int64_t product = 1;
  for (int64_t i = 2; i <= n; ++i) product *= i;
  return product;
}

void AppendBinary(int64_t value, std::string* out) {
  auto bits = static_cast<uint64_t>(value);
  char digits[64];
  size_t begin = sizeof(digits);
  do {
    digits[--begin] = static_cast<char>('0' + (bits & 1));
    bits >>= 1;
  } while (bits != 0);
  out->append(digits + begin, sizeof(digits) - begin);
}

// Spark's NumberConverter.convert: unsigned 64-bit arithmetic, digits up to the first
// wrong one.
Result<bool> Convert(Text text, int32_t from, int32_t to, std::string* out) {
  const auto valid = [](int32_t base) { return base >= 2 && base <= 36; };
  if (!valid(from) || !valid(std::abs(to))) return false;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return false;
  bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  uint64_t value = 0;
  for (const char c : text) {
    int digit = 36;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'z') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') digit = c - 'A' + 10;
    if (digit >= from) break;
    if (__builtin_mul_overflow(value, static_cast<uint64_t>(from), &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value)) {
      return ArithmeticOverflow("Overflow in function conv()", "");
    }
  }
  if (negative && to > 0) {
    value =
        static_cast<int64_t>(value) < 0 ? std::numeric_limits<uint64_t>::max() : -value;
  }
  if (to < 0) {
    if (negative) value = -value;
    negative = static_cast<int64_t>(value) < 0;
    if (negative) {
      value = -value;
      out->push_back('-');
    }
  }
  const auto base = static_cast<uint64_t>(std::abs(to));
  char digits[64];
  size_t begin = sizeof(digits);
  do {
    digits[--begin] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % base];
    value /= base;
  } while (value != 0);
  out->append(digits + begin, sizeof(digits) - begin);
  return true;
}

std::optional<int64_t> Bucket(double value, double low, double high, int64_t count) {
  if (count <= 0 || count == std::numeric_limits<int64_t>::max() || std::isnan(value) ||
      low == high || !std::isfinite(low) || !std::isfinite(high)) {
    return std::nullopt;
  }
  const bool ascending = low < high;
  if (ascending ? value < low : value > low) return 0;
  if (ascending ? value >= high : value <= high) return count + 1;
  const double share =
      ascending ? (value - low) / (high - low) : (low - value) / (low - high);
  return static_cast<int64_t>(static_cast<double>(count) * share) + 1;
}

Bound BindBucket(Args args, const BindContext&) {
  const Wanted number = data::DoubleType();
  return BindWith("width_bucket", args, {number, number, number, data::LongType()},
                  data::LongType(),
                  [](const KernelInput& in) {
                    return MapRows<int64_t, double, double, double, int64_t>(in, Bucket);
                  },
                  {.makes_nulls = true});
}

const FunctionSpec kFunctions[] = {
    {"acos", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("acos", args, [](double x) { return std::acos(x); });
     },
     "The inverse cosine.", "acos(1) → 0.0"},
    {"acosh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("acosh", args, [](double x) { return std::acosh(x); });
     },
     "The inverse hyperbolic cosine.", "acosh(1) → 0.0"},
    {"asin", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("asin", args, [](double x) { return std::asin(x); });
     },
     "The inverse sine.", "asin(0) → 0.0"},
    {"asinh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("asinh", args, [](double x) { return std::asinh(x); });
     },
     "The inverse hyperbolic sine.", "asinh(0) → 0.0"},
    {"atan", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("atan", args, [](double x) { return std::atan(x); });
     },
     "The inverse tangent.", "atan(1) → 0.7853981633974483"},
    {"atan2", 2, 2,
     [](Args args, const BindContext&) {
       return OfDoubles("atan2", args,
                        // Java adds 0.0 to both, which makes -0.0 positive.
                        [](double y, double x) { return std::atan2(y + 0.0, x + 0.0); });
     },
     "The angle of the point (x, y): atan2(y, x).", "atan2(0, 1) → 0.0"},
    {"atanh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("atanh", args, [](double x) { return std::atanh(x); });
     },
     "The inverse hyperbolic tangent.", "atanh(0) → 0.0"},
    {"bin", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("bin", args, {data::LongType()}, data::StringType(),
                       TextKernel<int64_t>(AppendBinary));
     },
     "The bits of a bigint.", "bin(13) → 1101"},
    {"bround", 1, 2,
     [](Args args, const BindContext&) {
       return BindRound("bround", args, Rounding::kHalfEven);
     },
     "Rounded to so many digits after the point, ties to the even digit.",
     "bround(25, -1) → 20"},
    {"cbrt", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble(
           "cbrt", args,  // The C library's cbrt(double) may miss even 27.
           [](double x) {
             return static_cast<double>(std::cbrt(static_cast<long double>(x)));
           });
     },
     "The cube root.", "cbrt(27.0) → 3.0"},
    {"ceil", 1, 2,
     [](Args args, const BindContext&) { return BindWhole("CEIL", args, Rounding::kUp); },
     "The least integer, or number with so many digits, that is not below.",
     "ceil(3.1411, 3) → 3.142"},
    {"ceiling", 1, 2,
     [](Args args, const BindContext&) { return BindWhole("CEIL", args, Rounding::kUp); },
     "The same as ceil.", "ceiling(-0.1) → 0"},
    {"conv", 3, 3,
     [](Args args, const BindContext&) {
       return BindWith("conv", args,
                       {data::StringType(), data::IntType(), data::IntType()},
                       data::StringType(), TextKernel<Text, int32_t, int32_t>(Convert),
                       {.makes_nulls = true, .can_fail = true});
     },
     "A number from one base to another; a negative target base keeps the sign.",
     "conv('100', 2, 10) → 4"},
    {"cos", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("cos", args, [](double x) { return std::cos(x); });
     },
     "The cosine.", "cos(0) → 1.0"},
    {"cosh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("cosh", args, [](double x) { return std::cosh(x); });
     },
     "The hyperbolic cosine.", "cosh(0) → 1.0"},
    {"cot", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("cot", args, [](double x) { return 1 / std::tan(x); });
     },
     "The cotangent.", "cot(1) → 0.6420926159343306"},
    {"csc", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("csc", args, [](double x) { return 1 / std::sin(x); });
     },
     "The cosecant.", "csc(1) → 1.1883951057781212"},
    {"degrees", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("degrees", args,
                       [](double x) { return x * (180.0 / std::numbers::pi); });
     },
     "Radians in degrees.", "degrees(3.141592653589793) → 180.0"},
    {"e", 0, 0, [](Args, const BindContext&) { return Constant(std::numbers::e); },
     "Euler's number.", "e() → 2.718281828459045"},
    {"exp", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("exp", args, [](double x) { return std::exp(x); });
     },
     "e to the power of the number.", "exp(0) → 1.0"},
    {"expm1", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("expm1", args, [](double x) { return std::expm1(x); });
     },
     "exp(x) - 1, exact near 0.", "expm1(0) → 0.0"},
    {"factorial", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("factorial", args, {data::IntType()}, data::LongType(),
                       UnaryKernel<int32_t, int64_t>(Factorial), {.makes_nulls = true});
     },
     "The factorial of 0 to 20; null for others.", "factorial(5) → 120"},
    {"floor", 1, 2,
     [](Args args, const BindContext&) {
       return BindWhole("FLOOR", args, Rounding::kDown);
     },
     "The greatest integer, or number with so many digits, that is not above.",
     "floor(-0.1) → -1"},
    {"hypot", 2, 2,
     [](Args args, const BindContext&) {
       return OfDoubles("hypot", args,
                        [](double a, double b) { return std::hypot(a, b); });
     },
     "The square root of a² + b².", "hypot(3, 4) → 5.0"},
    {"ln", 1, 1,
     [](Args args, const BindContext&) { return Logarithm("ln", args, NaturalLog); },
     "The natural logarithm; null up to 0.", "ln(1) → 0.0"},
    {"log", 1, 2, BindLog, "The logarithm: log(x), or log(base, x).",
     "log(10, 100) → 2.0"},
    {"log10", 1, 1,
     [](Args args, const BindContext&) {
       return Logarithm("log10", args, [](double x) { return std::log10(x); });
     },
     "The logarithm to base 10.", "log10(10) → 1.0"},
    {"log1p", 1, 1,
     [](Args args, const BindContext&) {
       return Logarithm(
           "log1p", args, [](double x) { return std::log1p(x); }, -1);
     },
     "ln(1 + x), exact near 0.", "log1p(0) → 0.0"},
    {"log2", 1, 1,
     [](Args args, const BindContext&) {
       return Logarithm("log2", args,
                        [](double x) { return std::log(x) / std::log(2.0); });
     },
     "The logarithm to base 2.", "log2(2) → 1.0"},
    {"pi", 0, 0, [](Args, const BindContext&) { return Constant(std::numbers::pi); },
     "The number pi.", "pi() → 3.141592653589793"},
    {"pow", 2, 2,
     [](Args args, const BindContext&) {
       return OfDoubles("pow", args, [](double a, double b) { return std::pow(a, b); });
     },
     "The first number to the power of the second.", "pow(2, 3) → 8.0"},
    {"power", 2, 2,
     [](Args args, const BindContext&) {
       return OfDoubles("power", args, [](double a, double b) { return std::pow(a, b); });
     },
     "The same as pow.", "power(2, 3) → 8.0"},
    {"radians", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("radians", args,
                       [](double x) { return x * (std::numbers::pi / 180.0); });
     },
     "Degrees in radians.", "radians(180) → 3.141592653589793"},
    {"rint", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith(
           "rint", args, {data::DoubleType()}, data::DoubleType(),
           UnaryKernel<double, double>([](double x) { return std::nearbyint(x); }),
           {.makes_nulls = true});
     },
     "The nearest integer as double, ties to the even one.", "rint(12.3456) → 12.0"},
    {"round", 1, 2,
     [](Args args, const BindContext&) {
       return BindRound("round", args, Rounding::kHalfUp);
     },
     "Rounded to so many digits after the point, ties away from zero.",
     "round(2.5, 0) → 3"},
    {"sec", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("sec", args, [](double x) { return 1 / std::cos(x); });
     },
     "The secant.", "sec(0) → 1.0"},
    {"sign", 1, 1, [](Args args, const BindContext&) { return BindSignum("sign", args); },
     "-1.0, 0.0 or 1.0 by the sign.", "sign(40) → 1.0"},
    {"signum", 1, 1,
     [](Args args, const BindContext&) { return BindSignum("signum", args); },
     "-1.0, 0.0 or 1.0 by the sign.", "signum(-2.5) → -1.0"},
    {"sin", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("sin", args, [](double x) { return std::sin(x); });
     },
     "The sine.", "sin(0) → 0.0"},
    {"sinh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("sinh", args, [](double x) { return std::sinh(x); });
     },
     "The hyperbolic sine.", "sinh(0) → 0.0"},
    {"sqrt", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("sqrt", args, [](double x) { return std::sqrt(x); });
     },
     "The square root; NaN below 0.", "sqrt(4) → 2.0"},
    {"tan", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("tan", args, [](double x) { return std::tan(x); });
     },
     "The tangent.", "tan(0) → 0.0"},
    {"tanh", 1, 1,
     [](Args args, const BindContext&) {
       return OfDouble("tanh", args, [](double x) { return std::tanh(x); });
     },
     "The hyperbolic tangent.", "tanh(0) → 0.0"},
    {"width_bucket", 4, 4, BindBucket,
     "The number of the bucket, of so many equal ones between two bounds, a value falls "
     "in.",
     "width_bucket(5.3, 0.2, 10.6, 5) → 3"},
};

}  // namespace

std::span<const FunctionSpec> MathFunctions() { return kFunctions; }

}  // namespace millrace::expr
