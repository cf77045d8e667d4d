// + - * / % div mod pmod negative positive abs, and their try_ forms.
#include <cmath>
#include <cstdlib>
#include <limits>

#include <arrow/array/array_base.h>
#include <arrow/type.h>

#include "expr/argument_errors.h"
#include "expr/arithmetic.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/functions/time_sum.h"

namespace millrace::expr {
namespace {

using arrow::Decimal128;
using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

constexpr std::string_view kNumbersOrIntervals =
    "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or "
    "\"INTERVAL\")";
constexpr std::string_view kNumbers = "\"NUMERIC\"";

bool IsDecimal(const data::TypePtr& type) { return type->id() == Type::DECIMAL128; }
bool IsDuration(const ExprPtr& arg) { return arg->type()->id() == Type::DURATION; }

// What an operator is called, and what Spark says it takes.
struct Operator {
  std::string_view name;
  Arithmetic operation;
  OnFailure on_failure = OnFailure::kError;

  std::string_view wanted() const {
    switch (operation) {
      case Arithmetic::kAdd:
      case Arithmetic::kSubtract:
        return kNumbersOrIntervals;
      case Arithmetic::kDivide:
        return "(\"DOUBLE\" or \"DECIMAL\")";
      case Arithmetic::kIntegralDivide:
        return "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL YEAR TO MONTH\" or "
               "\"INTERVAL DAY TO SECOND\")";
      default:
        return kNumbers;
    }
  }
};

// An integer that meets a decimal: a literal counts by its digits, as Spark's
// DecimalType.fromLiteral.
DecimalShape ShapeOf(const ExprPtr& arg) {
  const std::optional<int64_t> literal = IntegerLiteral(arg);
  if (!literal.has_value() || arg->type()->id() == Type::INT8) {
    return DecimalShape::OfNumber(*arg->type());
  }
  int digits = 1;
  for (int64_t rest = *literal / 10; rest != 0; rest /= 10) ++digits;
  return {digits, 0};
}

DecimalShape ResultShape(Arithmetic operation, DecimalShape a, DecimalShape b) {
  switch (operation) {
    case Arithmetic::kAdd:
    case Arithmetic::kSubtract:
      return SumShape(a, b);
    case Arithmetic::kMultiply:
      return ProductShape(a, b);
    case Arithmetic::kDivide:
      return QuotientShape(a, b);
    default:
      return RemainderShape(a, b);
  }
}

// Spark takes these for nullable, under ANSI too; schemas show it.
bool Divides(Arithmetic operation) {
  return operation != Arithmetic::kAdd && operation != Arithmetic::kSubtract &&
         operation != Arithmetic::kMultiply;
}

Bound BindDecimals(const Operator& op, Args args) {
  // Void takes the other's type.
  const data::TypePtr& known =
      IsDecimal(args[0]->type()) ? args[0]->type() : args[1]->type();
  std::vector<ExprPtr> operands;
  DecimalShape shapes[2];
  for (size_t i = 0; i < 2; ++i) {
    const bool null = args[i]->type()->id() == Type::NA;
    shapes[i] = null ? DecimalShape::Of(*known) : ShapeOf(args[i]);
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, MakeCast(args[i], shapes[i].type()));
    operands.push_back(std::move(operand));
  }
  const DecimalShape result = ResultShape(op.operation, shapes[0], shapes[1]);
  BoundFunction function;
  function.type =
      op.operation == Arithmetic::kIntegralDivide ? data::LongType() : result.type();
  function.nullable =
      AnyNullable(operands) || op.on_failure == OnFailure::kNull || Divides(op.operation);
  function.can_fail = op.on_failure == OnFailure::kError;
  function.kernel =
      DecimalArithmeticKernel(op.operation, shapes[0], shapes[1], result, op.on_failure);
  function.args = std::move(operands);
  return function;
}

// Whether operands of this type may overflow, or be a divisor of zero.
bool CanFail(Arithmetic operation, const arrow::DataType& type) {
  return data::IsInteger(type) || Divides(operation);
}

Bound BindNumbers(const Operator& op, Args args, const data::TypePtr& type) {
  std::vector<ExprPtr> operands;
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, MakeCast(arg, type));
    operands.push_back(std::move(operand));
  }
  BoundFunction function;
  function.type = type;
  const bool fails = CanFail(op.operation, *type);
  function.nullable = AnyNullable(operands) || Divides(op.operation) ||
                      (fails && op.on_failure == OnFailure::kNull);
  function.can_fail = fails && op.on_failure == OnFailure::kError;
  function.kernel = ArithmeticKernel(op.operation, *type, op.on_failure);
  function.args = std::move(operands);
  return function;
}

// Whether an operand belongs to a decimal operation.
bool IsExact(const ExprPtr& arg) {
  return data::IsInteger(*arg->type()) || IsDecimal(arg->type()) ||
         arg->type()->id() == Type::NA;
}

// Of bigints only: integers are cast to that first.
Bound BindIntegralDivision(const Operator& op, Args args) {
  std::vector<ExprPtr> operands(args.begin(), args.end());
  const bool string =
      data::IsString(*args[0]->type()) || data::IsString(*args[1]->type());
  for (ExprPtr& operand : operands) {
    const bool null = operand->type()->id() == Type::NA;
    if (!data::IsInteger(*operand->type()) && (!null || string)) continue;
    MILLRACE_ASSIGN_OR_RETURN(operand, MakeCast(operand, data::LongType()));
  }
  const std::optional<data::TypePtr> type = CommonType(operands[0], operands[1]);
  if (type.has_value() && (*type)->id() == Type::INT64) {
    return BindNumbers(op, operands, *type);
  }
  const auto floating = [](const ExprPtr& arg) {
    return arg->type()->id() == Type::FLOAT || arg->type()->id() == Type::DOUBLE;
  };
  // A decimal becomes a double where it meets one, but a bigint does not.
  const bool same = operands[0]->type()->Equals(*operands[1]->type());
  const bool met = type.has_value() && (*type)->id() == Type::DOUBLE &&
                   (IsDecimal(operands[0]->type()) || IsDecimal(operands[1]->type())) &&
                   (floating(operands[0]) || floating(operands[1])) &&
                   (operands[0]->type()->id() == Type::DOUBLE ||
                    operands[1]->type()->id() == Type::DOUBLE);
  if (type.has_value() && (same || string || met)) {
    return WrongOperandType(op.name, operands, op.wanted(), **type);
  }
  return OperandsDiffer(op.name, operands[0], operands[1]);
}

Bound BindArithmetic(const Operator& op, Args args) {
  const data::TypePtr& left = args[0]->type();
  const data::TypePtr& right = args[1]->type();
  if (IsExact(args[0]) && IsExact(args[1]) && (IsDecimal(left) || IsDecimal(right))) {
    const bool null = left->id() == Type::NA || right->id() == Type::NA;
    if (!null || op.operation != Arithmetic::kDivide || IsDecimal(left)) {
      return BindDecimals(op, args);
    }
  }
  if (op.operation == Arithmetic::kIntegralDivide) return BindIntegralDivision(op, args);
  std::optional<data::TypePtr> type = CommonType(args[0], args[1]);
  if (!type.has_value()) return OperandsDiffer(op.name, args[0], args[1]);
  if ((*type)->id() == Type::NA) type = data::DoubleType();
  if (!data::IsNumeric(**type)) {
    if (left->Equals(*right) || data::IsString(*left) || data::IsString(*right)) {
      return WrongOperandType(op.name, args, op.wanted(), **type);
    }
    return OperandsDiffer(op.name, args[0], args[1]);
  }
  if (op.operation == Arithmetic::kDivide) type = data::DoubleType();
  return BindNumbers(op, args, *type);
}

template <Arithmetic operation, OnFailure on_failure = OnFailure::kError>
Bound BindOperator(std::string_view name, Args args) {
  if constexpr (operation == Arithmetic::kMultiply || operation == Arithmetic::kDivide) {
    std::optional<Bound> scaled =
        BindScaledInterval(args, operation == Arithmetic::kDivide);
    if (scaled.has_value() && on_failure == OnFailure::kError) {
      return *std::move(scaled);
    }
  }
  if constexpr (operation == Arithmetic::kAdd || operation == Arithmetic::kSubtract) {
    std::optional<Bound> time = BindTimeSum(args, operation == Arithmetic::kSubtract);
    if (time.has_value()) return *std::move(time);
  }
  return BindArithmetic(Operator{name, operation, on_failure}, args);
}

Bound BindAdd(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kAdd>("+", args);
}
Bound BindMultiply(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kMultiply>("*", args);
}
Bound BindDivide(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kDivide>("/", args);
}
Bound BindIntegralDivide(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kIntegralDivide>("div", args);
}
Bound BindModulo(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kModulo>("%", args);
}
Bound BindPositiveModulo(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kPositiveModulo>("pmod", args);
}
Bound BindTryAdd(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kAdd, OnFailure::kNull>("try_add", args);
}
Bound BindTrySubtract(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kSubtract, OnFailure::kNull>("try_subtract", args);
}
Bound BindTryMultiply(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kMultiply, OnFailure::kNull>("try_multiply", args);
}
Bound BindTryDivide(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kDivide, OnFailure::kNull>("try_divide", args);
}
Bound BindTryModulo(Args args, const BindContext&) {
  return BindOperator<Arithmetic::kModulo, OnFailure::kNull>("try_mod", args);
}

// The operand of negative, positive and abs: a number; strings are read as doubles.
Result<ExprPtr> UnaryOperand(std::string_view name, Args args, std::string_view wanted) {
  const data::TypePtr& type = args[0]->type();
  if (data::IsNumeric(*type) || IsDuration(args[0]) ||
      type->id() == Type::INTERVAL_MONTHS) {
    return args[0];
  }
  if (data::IsString(*type) || type->id() == Type::NA) {
    return MakeCast(args[0], data::DoubleType());
  }
  return UnexpectedInputType(name, args, 0, wanted);
}

// The kernel of an operation on one number: `f(value, out) -> bool` fails on the least
// integer.
template <typename F>
Bound BindUnary(ExprPtr operand, F f) {
  BoundFunction function;
  function.type = operand->type();
  function.nullable = operand->nullable();
  function.args = {std::move(operand)};
  if (IsDecimal(function.type)) {
    function.kernel = UnaryKernel<Decimal128, Decimal128>([f](const Decimal128& value) {
      Decimal128 result = value;
      f(value, &result);
      return result;
    });
    return function;
  }
  VisitNumber(*function.type, [&]<typename T>(std::type_identity<T>) {
    function.can_fail = std::is_integral_v<T>;
    function.kernel =
        CheckedKernel<T, T>([f](T value, T* out) { return f(value, out); },
                            [](T) { return ArithmeticOverflow("overflow", ""); });
  });
  return function;
}

bool Negate(const Decimal128& value, Decimal128* out) {
  *out = value;
  out->Negate();
  return true;
}

template <typename T>
bool Negate(T value, T* out) {
  if constexpr (std::is_floating_point_v<T>) {
    *out = -value;
    return true;
  } else {
    return !__builtin_sub_overflow(T{0}, value, out);
  }
}

struct Negation {
  template <typename T>
  bool operator()(const T& value, T* out) const {
    return Negate(value, out);
  }
};

struct Magnitude {
  template <typename T>
  bool operator()(const T& value, T* out) const {
    if constexpr (std::is_floating_point_v<T>) {
      *out = std::fabs(value);
      return true;
    } else {
      *out = value;
      return value < T{0} ? Negate(value, out) : true;
    }
  }
};

Bound BindNegative(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand,
                            UnaryOperand("negative", args, kNumbersOrIntervals));
  return BindUnary(std::move(operand), Negation());
}

Bound BindSubtract(Args args, const BindContext& context) {
  if (args.size() == 1) return BindNegative(args, context);
  return BindOperator<Arithmetic::kSubtract>("-", args);
}

Bound BindPositive(Args args, const BindContext&) {
  return Replace(UnaryOperand("positive", args, kNumbersOrIntervals));
}

Bound BindAbs(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(
      ExprPtr operand,
      UnaryOperand(
          "abs", args,
          "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\")"));
  return BindUnary(std::move(operand), Magnitude());
}

constexpr FunctionSpec kFunctions[] = {
    {"+", 2, 2, BindAdd, "The sum of two numbers, or a time moved by an interval.",
     "1 + 2 → 3"},
    {"-", 1, 2, BindSubtract,
     "The difference of two numbers or times; alone, the negation.", "1 - 2 → -1"},
    {"*", 2, 2, BindMultiply, "The product of two numbers.", "6 * 7 → 42"},
    {"/", 2, 2, BindDivide, "The quotient of two numbers, as double or decimal.",
     "3 / 2 → 1.5"},
    {"div", 2, 2, BindIntegralDivide, "The quotient without its fraction, as bigint.",
     "div(7, 2) → 3"},
    {"%", 2, 2, BindModulo, "The remainder, with the sign of the dividend.",
     "-5 % 3 → -2"},
    {"mod", 2, 2, BindModulo, "The remainder, with the sign of the dividend.",
     "mod(5, 3) → 2"},
    {"pmod", 2, 2, BindPositiveModulo, "The remainder made positive.", "pmod(-5, 3) → 1"},
    {"negative", 1, 1, BindNegative, "The number with the other sign.",
     "negative(1) → -1"},
    {"positive", 1, 1, BindPositive, "The number itself.", "positive('5') → 5.0"},
    {"abs", 1, 1, BindAbs, "The number without its sign.", "abs(-1.5) → 1.5"},
    {"try_add", 2, 2, BindTryAdd, "As +, but null where that overflows.",
     "try_add(2147483647, 1) → NULL"},
    {"try_subtract", 2, 2, BindTrySubtract, "As -, but null where that overflows.",
     "try_subtract(1, 2) → -1"},
    {"try_multiply", 2, 2, BindTryMultiply, "As *, but null where that overflows.",
     "try_multiply(2147483647, 2) → NULL"},
    {"try_divide", 2, 2, BindTryDivide, "As /, but null where the divisor is zero.",
     "try_divide(1, 0) → NULL"},
    {"try_mod", 2, 2, BindTryModulo, "As %, but null where the divisor is zero.",
     "try_mod(1, 0) → NULL"},
};

}  // namespace

std::span<const FunctionSpec> ArithmeticFunctions() { return kFunctions; }

}  // namespace millrace::expr
