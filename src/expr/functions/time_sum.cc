#include "expr/functions/time_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <arrow/type.h>

#include "base/error.h"
#include "data/interval_type.h"
#include "expr/argument_errors.h"
#include "expr/arithmetic.h"
#include "expr/functions/bind.h"
#include "expr/functions/calendar.h"
#include "expr/functions/local_clock.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

bool IsDate(const ExprPtr& arg) { return arg->type()->id() == Type::DATE32; }
bool IsTime(const ExprPtr& arg) { return arg->type()->id() == Type::TIMESTAMP; }
bool IsDuration(const ExprPtr& arg) { return arg->type()->id() == Type::DURATION; }
bool IsMonths(const ExprPtr& arg) { return arg->type()->id() == Type::INTERVAL_MONTHS; }

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
  function.type =
      data::DayTimeInterval(dates ? data::IntervalFields{0, 0} : data::kDayToSecond);
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

// A time plus months: the day of the month stays, or becomes the last one there is.
Bound BindMonthsPlus(const ExprPtr& time, const ExprPtr& months, bool subtract) {
  BoundFunction function;
  function.args = {time, months};
  function.type = time->type();
  function.nullable = AnyNullable(function.args);
  function.can_fail = true;
  if (IsDate(time)) {
    function.kernel = BinaryKernel<int32_t, int32_t, int32_t>(
        [subtract](int32_t days, int32_t count) -> Result<int32_t> {
          const int64_t moved = AddMonths(days, subtract ? -int64_t{count} : count);
          if (moved != static_cast<int32_t>(moved)) return TimeOverflow();
          return static_cast<int32_t>(moved);
        });
    return function;
  }
  const bool zoned = data::IsTimestamp(*time->type());
  function.foldable = !zoned;
  function.kernel = [zoned, subtract](const KernelInput& in) {
    const data::TimeZone& zone = zoned ? *in.context.zone : *data::TimeZone::Utc();
    return MapRows<int64_t, int64_t, int32_t>(
        in, [&](int64_t micros, int32_t count) -> Result<int64_t> {
          const int64_t local = zone.ToLocal(micros);
          const int64_t day = AddMonths(FloorDiv(local, kMicrosPerDay),
                                        subtract ? -int64_t{count} : count);
          int64_t moved = 0;
          if (__builtin_mul_overflow(day, kMicrosPerDay, &moved) ||
              __builtin_add_overflow(moved, FloorMod(local, kMicrosPerDay), &moved)) {
            return TimeOverflow();
          }
          return zone.ToUtc(moved);
        });
  };
  return function;
}

// A date plus an interval of days stays a date.
Bound BindDaysPlus(const ExprPtr& date, const ExprPtr& days, bool subtract) {
  BoundFunction function;
  function.args = {date, days};
  function.type = data::DateType();
  function.nullable = AnyNullable(function.args);
  function.kernel =
      BinaryKernel<int32_t, int64_t, int32_t>([subtract](int32_t a, int64_t micros) {
        const auto x = static_cast<uint32_t>(a);
        const auto y = static_cast<uint32_t>(micros / kMicrosPerDay);
        return static_cast<int32_t>(subtract ? x - y : x + y);
      });
  return function;
}

bool IsOfDays(const ExprPtr& interval) {
  return data::FieldsOf(*interval->type()) == data::IntervalFields{0, 0};
}

// The fields of both.
data::TypePtr WiderInterval(const ExprPtr& a, const ExprPtr& b) {
  if (a->type()->id() == Type::NA) return b->type();
  if (b->type()->id() == Type::NA) return a->type();
  const data::IntervalFields x = data::FieldsOf(*a->type());
  const data::IntervalFields y = data::FieldsOf(*b->type());
  const data::IntervalFields both{std::min(x.first, y.first), std::max(x.last, y.last)};
  return IsDuration(a) ? data::DayTimeInterval(both) : data::YearMonthInterval(both);
}

Bound BindIntervals(Args args, bool subtract) {
  BoundFunction function;
  function.type = WiderInterval(args[0], args[1]);
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand, MakeCast(arg, function.type));
    function.args.push_back(std::move(operand));
  }
  function.nullable = AnyNullable(function.args);
  function.can_fail = true;
  const bool months = function.type->id() == Type::INTERVAL_MONTHS;
  function.kernel =
      ArithmeticKernel(subtract ? Arithmetic::kSubtract : Arithmetic::kAdd,
                       months ? *data::IntType() : *data::LongType(), OnFailure::kError);
  return function;
}

Status DividedByZero() {
  return Error(
             Fault::kData,
             "Division by zero. Use `try_divide` to tolerate divisor being 0 and return "
             "NULL instead.")
      .Class("INTERVAL_DIVIDED_BY_ZERO", "22012")
      .Java(kArithmeticException);
}

// Exact for whole numbers, whatever their size.
template <typename Interval>
Result<Interval> ScaledBy(Interval interval, int64_t number, bool divide) {
  __int128 result = interval;
  if (!divide) {
    result *= number;
  } else {
    if (number == 0) return DividedByZero();
    const __int128 rest = result % number;
    result /= number;
    if (2 * (rest < 0 ? -rest : rest) >= (number < 0 ? -__int128{number} : number)) {
      result += (interval < 0) == (number < 0) ? 1 : -1;
    }
  }
  if (result != static_cast<Interval>(result)) return TimeOverflow();
  return static_cast<Interval>(result);
}

template <typename Interval>
Result<Interval> ScaledBy(Interval interval, double number, bool divide) {
  if (divide && number == 0) return DividedByZero();
  const auto value = static_cast<double>(interval);
  const double result = std::round(divide ? value / number : value * number);
  if (!(std::abs(result) <= static_cast<double>(std::numeric_limits<Interval>::max()))) {
    return TimeOverflow();
  }
  return static_cast<Interval>(result);
}

template <typename Interval, typename Number>
Kernel ScaleKernel(bool divide) {
  return BinaryKernel<Interval, Number, Interval>(
      [divide](Interval interval, Number number) {
        return ScaledBy(interval, number, divide);
      });
}

}  // namespace

std::optional<Result<BoundFunction>> BindScaledInterval(std::span<const ExprPtr> args,
                                                        bool divide) {
  const auto is_interval = [](const ExprPtr& arg) {
    return IsDuration(arg) || IsMonths(arg);
  };
  const bool first = is_interval(args[0]) && data::IsNumeric(*args[1]->type());
  const bool second =
      !divide && is_interval(args[1]) && data::IsNumeric(*args[0]->type());
  if (!first && !second) return std::nullopt;
  const ExprPtr& interval = args[first ? 0 : 1];
  const ExprPtr& number = args[first ? 1 : 0];
  const bool whole = data::IsInteger(*number->type());
  Result<ExprPtr> cast = MakeCast(number, whole ? data::LongType() : data::DoubleType());
  if (!cast.ok()) return Bound(cast.status());
  const bool months = IsMonths(interval);
  BoundFunction function;
  function.type = months ? data::YearMonthInterval(data::kYearToMonth)
                         : data::DayTimeInterval(data::kDayToSecond);
  function.args = {interval, *std::move(cast)};
  function.nullable = AnyNullable(args);
  function.can_fail = true;
  if (months) {
    function.kernel = whole ? ScaleKernel<int32_t, int64_t>(divide)
                            : ScaleKernel<int32_t, double>(divide);
  } else {
    function.kernel = whole ? ScaleKernel<int64_t, int64_t>(divide)
                            : ScaleKernel<int64_t, double>(divide);
  }
  return Bound(std::move(function));
}

std::optional<Result<BoundFunction>> BindTimeSum(std::span<const ExprPtr> args,
                                                 bool subtract) {
  const ExprPtr& a = args[0];
  const ExprPtr& b = args[1];
  const auto is_null = [](const ExprPtr& arg) { return arg->type()->id() == Type::NA; };
  if (!subtract && (is_null(a) || is_null(b)) &&
      (IsTime(a) || IsTime(b) || IsDate(a) || IsDate(b))) {
    // Spark takes the null for an interval.
    const ExprPtr none = MakeNull(arrow::duration(arrow::TimeUnit::MICRO));
    return BindTimePlus(is_null(a) ? b : a, none, false);
  }
  const auto plus = [&](const ExprPtr& time, const ExprPtr& interval) {
    if (IsMonths(interval)) return BindMonthsPlus(time, interval, subtract);
    return IsDate(time) && IsOfDays(interval) ? BindDaysPlus(time, interval, subtract)
                                              : BindTimePlus(time, interval, subtract);
  };
  const auto is_interval = [](const ExprPtr& arg) {
    return IsDuration(arg) || IsMonths(arg);
  };
  if (is_interval(b) && (IsTime(a) || IsDate(a))) return plus(a, b);
  if (!subtract && is_interval(a) && (IsTime(b) || IsDate(b))) return plus(b, a);
  const auto fits = [](const ExprPtr& arg, const ExprPtr& other) {
    return arg->type()->id() == other->type()->id() || arg->type()->id() == Type::NA;
  };
  if ((is_interval(a) && fits(b, a)) || (is_interval(b) && fits(a, b))) {
    return BindIntervals(args, subtract);
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
