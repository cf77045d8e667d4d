#include "expr/functions/time_sum.h"

#include <arrow/type.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/arithmetic.h"
#include "expr/functions/bind.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

constexpr int64_t kMicrosPerDay = 86'400'000'000;

bool IsDate(const ExprPtr& arg) { return arg->type()->id() == Type::DATE32; }
bool IsTime(const ExprPtr& arg) { return arg->type()->id() == Type::TIMESTAMP; }
bool IsDuration(const ExprPtr& arg) { return arg->type()->id() == Type::DURATION; }

Status TimeOverflow() { return ArithmeticOverflow("overflow", ""); }

// date ± int.
Bound BindDatePlus(const ExprPtr& date, const ExprPtr& days, bool subtract,
                   std::string_view name, Args args) {
  const Type::type id = days->type()->id();
  if (id != Type::INT8 && id != Type::INT16 && id != Type::INT32) {
    return UnexpectedInputType(name, args, 1, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")");
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr count, MakeCast(days, data::IntType()));
  BoundFunction function;
  function.args = {date, std::move(count)};
  function.type = data::DateType();
  function.nullable = AnyNullable(function.args);
  // Java's int arithmetic wraps here, ANSI or not.
  function.kernel =
      BinaryKernel<int32_t, int32_t, int32_t>([subtract](int32_t a, int32_t b) {
        const auto x = static_cast<uint32_t>(a);
        const auto y = static_cast<uint32_t>(b);
        return static_cast<int32_t>(subtract ? x - y : x + y);
      });
  return function;
}

// date - date, and timestamps in any mix with dates and strings.
Bound BindTimeDifference(Args args) {
  const bool dates = !IsTime(args[0]) && !IsTime(args[1]);
  data::TypePtr type = data::DateType();
  if (!dates) {
    const bool zoned =
        data::IsTimestamp(*args[0]->type()) || data::IsTimestamp(*args[1]->type());
    type = zoned ? data::TimestampType() : data::TimestampNtzType();
  }
  BoundFunction function;
  for (int i = 0; i < 2; ++i) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, CastArgument("-", args, i, type));
    function.args.push_back(std::move(operand));
  }
  function.type = arrow::duration(arrow::TimeUnit::MICRO);
  function.nullable = AnyNullable(function.args);
  if (dates) {
    function.kernel = BinaryKernel<int32_t, int32_t, int64_t>(
        [](int32_t a, int32_t b) { return (int64_t{a} - b) * kMicrosPerDay; });
    return function;
  }
  function.can_fail = true;
  function.kernel = CheckedKernel<int64_t, int64_t, int64_t>(
      [](int64_t a, int64_t b, int64_t* out) {
        return !__builtin_sub_overflow(a, b, out);
      },
      [](int64_t, int64_t) { return TimeOverflow(); });
  return function;
}

// A time plus a duration: whole days on the local calendar, the rest on the clock.
Bound BindTimePlus(const ExprPtr& time, const ExprPtr& duration, bool subtract) {
  BoundFunction function;
  const bool zoned = data::IsTimestamp(*time->type()) || IsDate(time);
  const data::TypePtr type = zoned ? data::TimestampType() : data::TimestampNtzType();
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr start, MakeCast(time, type));
  function.args = {std::move(start), duration};
  function.type = type;
  function.nullable = AnyNullable(function.args);
  function.can_fail = true;
  function.foldable = !zoned;
  function.kernel = [zoned, subtract](const KernelInput& in) {
    const data::TimeZone& zone = zoned ? *in.context.zone : *data::TimeZone::Utc();
    return MapRows<int64_t, int64_t, int64_t>(
        in, [&](int64_t start_micros, int64_t length) -> Result<int64_t> {
          if (subtract && __builtin_sub_overflow(int64_t{0}, length, &length)) {
            return TimeOverflow();
          }
          int64_t local = 0;
          int64_t end = 0;
          if (__builtin_add_overflow(zone.ToLocal(start_micros),
                                     length / kMicrosPerDay * kMicrosPerDay, &local) ||
              __builtin_add_overflow(zone.ToUtc(local), length % kMicrosPerDay, &end)) {
            return TimeOverflow();
          }
          return end;
        });
  };
  return function;
}

Bound BindDurations(Args args, bool subtract) {
  BoundFunction function;
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand,
                              MakeCast(arg, arrow::duration(arrow::TimeUnit::MICRO)));
    function.args.push_back(std::move(operand));
  }
  function.type = arrow::duration(arrow::TimeUnit::MICRO);
  function.nullable = AnyNullable(function.args);
  function.can_fail = true;
  function.kernel = ArithmeticKernel(subtract ? Arithmetic::kSubtract : Arithmetic::kAdd,
                                     *data::LongType(), OnFailure::kError);
  return function;
}

bool IsIntervalOfMonths(const ExprPtr& arg) {
  return arg->type()->id() == Type::INTERVAL_MONTHS;
}

}  // namespace

std::optional<Result<BoundFunction>> BindTimeSum(std::span<const ExprPtr> args,
                                                 bool subtract) {
  const ExprPtr& a = args[0];
  const ExprPtr& b = args[1];
  if (IsIntervalOfMonths(a) || IsIntervalOfMonths(b)) {
    return UnsupportedError("Arithmetic with intervals of months is not supported.");
  }
  const auto is_null = [](const ExprPtr& arg) { return arg->type()->id() == Type::NA; };
  if (!subtract && (is_null(a) || is_null(b)) &&
      (IsTime(a) || IsTime(b) || IsDate(a) || IsDate(b))) {
    // Spark takes the null for an interval.
    const ExprPtr none = MakeNull(arrow::duration(arrow::TimeUnit::MICRO));
    return BindTimePlus(is_null(a) ? b : a, none, false);
  }
  if (IsDuration(b) && (IsTime(a) || IsDate(a))) return BindTimePlus(a, b, subtract);
  if (!subtract && IsDuration(a) && (IsTime(b) || IsDate(b)))
    return BindTimePlus(b, a, false);
  const auto duration_or_null = [](const ExprPtr& arg) {
    return IsDuration(arg) || arg->type()->id() == Type::NA;
  };
  if ((IsDuration(a) || IsDuration(b)) && duration_or_null(a) && duration_or_null(b)) {
    return BindDurations(args, subtract);
  }
  const auto time_like = [](const ExprPtr& arg) {
    return IsDate(arg) || IsTime(arg) || data::IsString(*arg->type()) ||
           arg->type()->id() == Type::NA;
  };
  if (subtract && (IsTime(a) || IsTime(b) || IsDate(b) || (IsDate(a) && time_like(b)))) {
    const bool times = IsTime(a) || IsTime(b);
    for (int i = 0; i < 2; ++i) {
      if (time_like(args[static_cast<size_t>(i)])) continue;
      return UnexpectedInputType(
          "-", args, i,
          times ? "\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\"" : "\"DATE\"");
    }
    return BindTimeDifference(args);
  }
  if (IsDate(a))
    return BindDatePlus(a, b, subtract, subtract ? "date_sub" : "date_add", args);
  if (IsDate(b) && !subtract) {
    const ExprPtr swapped[] = {b, a};
    return BindDatePlus(b, a, false, "date_add", swapped);
  }
  return std::nullopt;
}

}  // namespace millrace::expr
