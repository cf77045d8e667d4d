// & | ^ ~ and shifts, bit_count, bit_get
#include <bit>

#include <arrow/type.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

// Calls f(std::type_identity<T>) with an integer type.
template <typename F>
void VisitInteger(const arrow::DataType& type, F&& f) {
  VisitNumber(type, [&]<typename T>(std::type_identity<T> identity) {
    if constexpr (std::is_integral_v<T>) f(identity);
  });
}

// The result of one operation on operands of one type.
template <typename F>
Bound BindBinary(std::string_view name, Args args, F operation) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, CastOperands(name, args));
  if (operands[0]->type()->id() == Type::NA) {
    operands = {MakeNull(data::IntType()), MakeNull(data::IntType())};
  }
  const data::TypePtr type = operands[0]->type();
  if (!data::IsInteger(*type)) {
    if (!args[0]->type()->Equals(*args[1]->type()) && data::IsNumeric(*type)) {
      return OperandsDiffer(name, args[0], args[1]);
    }
    return WrongOperandType(name, args, "\"INTEGRAL\"", *type);
  }
  BoundFunction function;
  function.type = type;
  function.nullable = AnyNullable(operands);
  VisitInteger(*type, [&]<typename T>(std::type_identity<T>) {
    function.kernel = BinaryKernel<T, T, T>(
        [operation](T a, T b) { return static_cast<T>(operation(a, b)); });
  });
  function.args = std::move(operands);
  return function;
}

Bound BindAnd(Args args, const BindContext&) {
  return BindBinary("&", args, [](auto a, auto b) { return a & b; });
}
Bound BindOr(Args args, const BindContext&) {
  return BindBinary("|", args, [](auto a, auto b) { return a | b; });
}
Bound BindXor(Args args, const BindContext&) {
  return BindBinary("^", args, [](auto a, auto b) { return a ^ b; });
}

// An integer argument as it is; strings are read as bigint.
Result<ExprPtr> IntegerArgument(std::string_view name, Args args, int index) {
  const ExprPtr& arg = args[static_cast<size_t>(index)];
  if (data::IsInteger(*arg->type())) return arg;
  if (arg->type()->id() == Type::NA) return MakeCast(arg, data::IntType());
  if (data::IsString(*arg->type())) return MakeCast(arg, data::LongType());
  return UnexpectedInputType(name, args, index, "\"INTEGRAL\"");
}

Bound BindNot(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, IntegerArgument("~", args, 0));
  BoundFunction function;
  function.type = operand->type();
  function.nullable = operand->nullable();
  VisitInteger(*operand->type(), [&]<typename T>(std::type_identity<T>) {
    function.kernel = UnaryKernel<T, T>([](T value) { return static_cast<T>(~value); });
  });
  function.args = {std::move(operand)};
  return function;
}

enum class Shift { kLeft, kRight, kRightUnsigned };

// As Java shifts: the count is taken modulo the width.
template <typename T>
T Shifted(Shift shift, T value, int32_t count) {
  using Unsigned = std::make_unsigned_t<T>;
  const unsigned by = static_cast<unsigned>(count) & (8 * sizeof(T) - 1);
  switch (shift) {
    case Shift::kLeft:
      return static_cast<T>(static_cast<Unsigned>(value) << by);
    case Shift::kRight:
      return value >> by;
    default:
      return static_cast<T>(static_cast<Unsigned>(value) >> by);
  }
}

template <Shift shift>
Bound BindShift(std::string_view name, Args args) {
  // Bigints stay, everything else becomes int.
  const bool is_long = args[0]->type()->id() == Type::INT64;
  const data::TypePtr type = is_long ? data::LongType() : data::IntType();
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value,
                            CastArgument(name, args, 0, type, "(\"INT\" or \"BIGINT\")"));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr count, CastArgument(name, args, 1, data::IntType()));
  BoundFunction function;
  function.type = type;
  function.args = {std::move(value), std::move(count)};
  function.nullable = AnyNullable(function.args);
  if (is_long) {
    function.kernel = BinaryKernel<int64_t, int32_t, int64_t>(
        [](int64_t a, int32_t by) { return Shifted(shift, a, by); });
  } else {
    function.kernel = BinaryKernel<int32_t, int32_t, int32_t>(
        [](int32_t a, int32_t by) { return Shifted(shift, a, by); });
  }
  return function;
}

Bound BindShiftLeft(Args args, const BindContext&) {
  return BindShift<Shift::kLeft>("shiftleft", args);
}
Bound BindShiftRight(Args args, const BindContext&) {
  return BindShift<Shift::kRight>("shiftright", args);
}
Bound BindShiftRightUnsigned(Args args, const BindContext&) {
  return BindShift<Shift::kRightUnsigned>("shiftrightunsigned", args);
}

// Counts after widening to 64 bits, as Spark does: bit_count(-1) is 64.
Bound BindBitCount(Args args, const BindContext&) {
  BoundFunction function;
  function.type = data::IntType();
  if (args[0]->type()->id() == Type::BOOL) {
    function.args = {args[0]};
    function.kernel = UnaryKernel<bool, int32_t>(
        [](bool value) { return static_cast<int32_t>(value); });
  } else {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, IntegerArgument("bit_count", args, 0));
    MILLRACE_ASSIGN_OR_RETURN(operand, MakeCast(operand, data::LongType()));
    function.args = {std::move(operand)};
    function.kernel = UnaryKernel<int64_t, int32_t>(
        [](int64_t value) { return std::popcount(static_cast<uint64_t>(value)); });
  }
  function.nullable = AnyNullable(function.args);
  return function;
}

Bound BindBitGet(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, IntegerArgument("bit_get", args, 0));
  const int width = value->type()->bit_width();
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr wide, MakeCast(value, data::LongType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr position,
                            CastArgument("bit_get", args, 1, data::IntType()));
  BoundFunction function;
  function.type = arrow::int8();
  function.can_fail = true;
  function.args = {std::move(wide), std::move(position)};
  function.nullable = AnyNullable(function.args);
  function.kernel = BinaryKernel<int64_t, int32_t, int8_t>(
      [width](int64_t bits, int32_t at) -> Result<int8_t> {
        if (at >= 0 && at < width) return static_cast<int8_t>((bits >> at) & 1);
        return Error(
                   Fault::kData,
                   "The value of parameter(s) `pos` in `bit_get` is invalid: expects an "
                   "integer value in [0, {}), but got {}.",
                   width, at)
            .Class("INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", "22023")
            .Java("org.apache.spark.SparkIllegalArgumentException")
            .Param("functionName", "`bit_get`")
            .Param("parameter", "`pos`")
            .Param("upper", fmt::format("{}", width))
            .Param("invalidValue", fmt::format("{}", at));
      });
  return function;
}

constexpr FunctionSpec kFunctions[] = {
    {"&", 2, 2, BindAnd, "The bits set in both integers.", "3 & 5 → 1"},
    {"|", 2, 2, BindOr, "The bits set in one of two integers.", "3 | 5 → 7"},
    {"^", 2, 2, BindXor, "The bits set in exactly one of two integers.", "3 ^ 5 → 6"},
    {"~", 1, 1, BindNot, "All bits flipped.", "~5 → -6"},
    {"shiftleft", 2, 2, BindShiftLeft, "The bits moved left.", "shiftleft(1, 4) → 16"},
    {"<<", 2, 2, BindShiftLeft, "The bits moved left.", "1 << 3 → 8"},
    {"shiftright", 2, 2, BindShiftRight, "The bits moved right, keeping the sign.",
     "shiftright(-16, 2) → -4"},
    {">>", 2, 2, BindShiftRight, "The bits moved right, keeping the sign.",
     "-16 >> 2 → -4"},
    {"shiftrightunsigned", 2, 2, BindShiftRightUnsigned,
     "The bits moved right, zeros coming in.", "shiftrightunsigned(-1, 28) → 15"},
    {">>>", 2, 2, BindShiftRightUnsigned, "The bits moved right, zeros coming in.",
     "-1 >>> 28 → 15"},
    {"bit_count", 1, 1, BindBitCount, "The number of bits set.", "bit_count(5) → 2"},
    {"bit_get", 2, 2, BindBitGet, "One bit, counted from the lowest.",
     "bit_get(5, 0) → 1"},
    {"getbit", 2, 2, BindBitGet, "One bit, counted from the lowest.", "getbit(5, 2) → 1"},
};

}  // namespace

std::span<const FunctionSpec> BitwiseFunctions() { return kFunctions; }

}  // namespace millrace::expr
