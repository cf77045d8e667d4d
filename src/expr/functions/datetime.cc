// Dates and timestamps: now, arithmetic, truncation, epochs and time zones. Spark:
// DateTimeUtils.
#include <cmath>
#include <limits>

#include <arrow/array/array_nested.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/calendar.h"
#include "expr/functions/compiled_patterns.h"
#include "expr/functions/local_clock.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;
using ZonePtr = const data::TimeZone*;

bool IsLocal(const ExprPtr& arg) { return data::IsTimestampNtz(*arg->type()); }
bool IsTime(const ExprPtr& arg) { return arg->type()->id() == arrow::Type::TIMESTAMP; }

Status JavaOverflow(Text message) {
  return Error(Fault::kData, "{}", message).Java("java.lang.ArithmeticException");
}

// --- now

// A constant out of the context of a batch.
template <typename T, typename F>
Bound BindNow(data::TypePtr type, F now) {
  return MakeBound({}, std::move(type),
                   [now](const KernelInput& in) -> Result<Value> {
                     FixedOutput<T> out;
                     MILLRACE_RETURN_IF_ERROR(out.Allocate(1));
                     out.Set(0, now(in.context));
                     return MakeValue(in.type, 1, /*constant=*/true, nullptr,
                                      out.Finish());
                   },
                   {.foldable = false});
}

Bound BindCurrentTimestamp(Args, const BindContext&) {
  return BindNow<int64_t>(data::TimestampType(),
                          [](const EvalContext& context) { return context.now_micros; });
}

Bound BindCurrentDate(Args, const BindContext&) {
  return BindNow<int32_t>(data::DateType(), [](const EvalContext& context) {
    return static_cast<int32_t>(
        FloorDiv(context.zone->ToLocal(context.now_micros), kMicrosPerDay));
  });
}

Bound BindLocalTimestamp(Args, const BindContext&) {
  return BindNow<int64_t>(data::TimestampNtzType(), [](const EvalContext& context) {
    return context.zone->ToLocal(context.now_micros);
  });
}

Bound BindCurrentTimezone(Args, const BindContext& context) {
  return MakeBound({}, data::StringType(),
                   TextKernel<>([id = context.session_time_zone](std::string* out) {
                     out->append(id);
                   }));
}

// --- days and months

template <int kSign>
Bound BindAddDays(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr date, CastTo(name, args, 0, data::DateType()));
  const arrow::Type::type id = args[1]->type()->id();
  const bool small = id == arrow::Type::INT8 || id == arrow::Type::INT16 ||
                     id == arrow::Type::INT32 || id == arrow::Type::NA ||
                     id == arrow::Type::STRING_VIEW;
  if (!small) {
    return UnexpectedInputType(name, args, 1, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")");
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr days, CastTo(name, args, 1, data::IntType()));
  // Java's int arithmetic: what is too much wraps around.
  return MakeBound(
      {std::move(date), std::move(days)}, data::DateType(),
      BinaryKernel<int32_t, int32_t, int32_t>([](int32_t start, int32_t count) {
        const auto a = static_cast<uint32_t>(start);
        const auto b = static_cast<uint32_t>(count);
        return static_cast<int32_t>(kSign > 0 ? a + b : a - b);
      }));
}

Bound BindDateDiff(Text name, Args args) {
  return BindWith(name, args, {data::DateType()}, data::IntType(),
                  BinaryKernel<int32_t, int32_t, int32_t>(
                      [](int32_t end, int32_t start) { return end - start; }));
}

Bound BindAddMonths(Args args, const BindContext&) {
  return BindWith(
      "add_months", args, {data::DateType(), data::IntType()}, data::DateType(),
      BinaryKernel<int32_t, int32_t, int32_t>([](int32_t days, int32_t months) {
        return static_cast<int32_t>(AddMonths(days, months));
      }));
}

// Spark counts a month of 31 days for what is left over after whole months.
double MonthsApart(int64_t end, int64_t start, bool round, LocalClock& clock) {
  const int64_t end_days = clock.LocalDays(end);
  const int64_t start_days = clock.LocalDays(start);
  const data::CivilDate a = data::CivilFromDays(end_days);
  const data::CivilDate b = data::CivilFromDays(start_days);
  const auto months =
      static_cast<double>((a.year * 12 + a.month) - (b.year * 12 + b.month));
  const bool last_days =
      LastDayOfMonth(end_days) == end_days && LastDayOfMonth(start_days) == start_days;
  if (a.day == b.day || last_days) return months;
  // Time that has really passed since midnight: a day may have 23 hours.
  const auto seconds_of_day = [&](int64_t utc, int64_t days) {
    return (utc - clock.zone().ToUtc(days * kMicrosPerDay)) / kMicrosPerSecond;
  };
  constexpr int64_t kSecondsPerDay = 86'400;
  const int64_t seconds = (a.day - b.day) * kSecondsPerDay +
                          seconds_of_day(end, end_days) -
                          seconds_of_day(start, start_days);
  const double apart =
      months + static_cast<double>(seconds) / static_cast<double>(31 * kSecondsPerDay);
  return round ? std::floor(apart * 1e8 + 0.5) / 1e8 : apart;
}

Bound BindMonthsBetween(Args args, const BindContext&) {
  std::vector<ExprPtr> all(args.begin(), args.end());
  if (all.size() == 2) all.push_back(MakeBoolean(true));
  Kernel kernel = [](const KernelInput& in) {
    LocalClock clock(*in.context.zone);
    return MapRows<double, int64_t, int64_t, bool>(
        in, [&](int64_t end, int64_t start, bool round) {
          return MonthsApart(end, start, round, clock);
        });
  };
  return BindWith("months_between", all,
                  {data::TimestampType(), data::TimestampType(), data::BooleanType()},
                  data::DoubleType(), std::move(kernel), {.foldable = false});
}

Bound BindLastDay(Args args, const BindContext&) {
  return BindWith("last_day", args, {data::DateType()}, data::DateType(),
                  UnaryKernel<int32_t, int32_t>([](int32_t days) {
                    return static_cast<int32_t>(LastDayOfMonth(days));
                  }));
}

Bound BindNextDay(Args args, const BindContext&) {
  return BindWith(
      "next_day", args, {data::DateType(), data::StringType()}, data::DateType(),
      BinaryKernel<int32_t, Text, int32_t>([](int32_t days,
                                              Text name) -> Result<int32_t> {
        const std::optional<int> wanted = ParseWeekday(name);
        if (!wanted.has_value()) {
          return Error(Fault::kData, "Illegal input for day of week: {}.", name)
              .Class("ILLEGAL_DAY_OF_WEEK", "22009")
              .Java("org.apache.spark.SparkIllegalArgumentException")
              .Param("string", std::string(name));
        }
        return static_cast<int32_t>(days + 1 +
                                    FloorMod(*wanted - Weekday(int64_t{days} + 1), 7));
      }),
      {.can_fail = true});
}

// --- making

Bound BindMakeDate(Args args, const BindContext&) {
  return BindWith("make_date", args, {data::IntType()}, data::DateType(),
                  TernaryKernel<int32_t, int32_t, int32_t, int32_t>(
                      [](int32_t year, int32_t month, int32_t day) -> Result<int32_t> {
                        MILLRACE_ASSIGN_OR_RETURN(const int64_t days,
                                                  MakeDate(year, month, day));
                        return static_cast<int32_t>(days);
                      }),
                  {.can_fail = true});
}

Status CheckRange(Text field, int64_t value, int64_t highest) {
  if (value >= 0 && value <= highest) return Status::OK();
  return FieldOutOfBounds(fmt::format("Invalid value for {} (valid values 0 - {}): {}",
                                      field, highest, value));
}

Result<int64_t> LocalMicros(int32_t year, int32_t month, int32_t day, int32_t hour,
                            int32_t minute, const arrow::Decimal128& seconds) {
  const auto micros = static_cast<int64_t>(seconds.low_bits());
  MILLRACE_ASSIGN_OR_RETURN(const int64_t days, MakeDate(year, month, day));
  MILLRACE_RETURN_IF_ERROR(CheckRange("HourOfDay", hour, 23));
  MILLRACE_RETURN_IF_ERROR(CheckRange("MinuteOfHour", minute, 59));
  // 60 seconds, and nothing more, are those of the next minute.
  if (micros > kMicrosPerMinute && micros < kMicrosPerMinute + kMicrosPerSecond) {
    std::string text = seconds.ToString(6);
    text.erase(text.find_last_not_of('0') + 1);
    return Error(
               Fault::kData,
               "Valid range for seconds is [0, 60] (inclusive), but the provided value "
               "is "
               "{}. To avoid this error, use `try_make_timestamp`, which returns NULL on "
               "error.\nIf you do not want to use the session default timestamp version "
               "of "
               "this function, use `try_make_timestamp_ntz` or `try_make_timestamp_ltz`.",
               text)
        .Class("INVALID_FRACTION_OF_SECOND", "22023")
        .Java("org.apache.spark.SparkDateTimeException")
        .Param("secAndMicros", text);
  }
  if (micros != kMicrosPerMinute) {
    MILLRACE_RETURN_IF_ERROR(
        CheckRange("SecondOfMinute", FloorDiv(micros, kMicrosPerSecond), 59));
  }
  return days * kMicrosPerDay + hour * kMicrosPerHour + minute * kMicrosPerMinute +
         micros;
}

Result<ZonePtr> FindZone(Text id) { return data::TimeZone::Find(id); }
using Zones = CompiledPatterns<ZonePtr>;

template <bool kLocal>
Bound BindMakeTimestamp(Text name, Args args) {
  const bool zone_given = args.size() == 7;
  const Zones zones(zone_given ? args[6] : MakeString("UTC"), FindZone);
  Kernel kernel = [zones, zone_given](const KernelInput& in) {
    Zones::Cursor cursor(zones);
    const ZonePtr session = kLocal ? data::TimeZone::Utc() : in.context.zone;
    const auto make = [&](int32_t year, int32_t month, int32_t day, int32_t hour,
                          int32_t minute, const arrow::Decimal128& seconds,
                          ZonePtr zone) -> Result<int64_t> {
      MILLRACE_ASSIGN_OR_RETURN(const int64_t local,
                                LocalMicros(year, month, day, hour, minute, seconds));
      return zone->ToUtc(local);
    };
    if (!zone_given) {
      return MapRows<int64_t, int32_t, int32_t, int32_t, int32_t, int32_t,
                     arrow::Decimal128>(
          in, [&](int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                  const arrow::Decimal128& seconds) {
            return make(year, month, day, hour, minute, seconds, session);
          });
    }
    return MapRows<int64_t, int32_t, int32_t, int32_t, int32_t, int32_t,
                   arrow::Decimal128, Text>(
        in,
        [&](int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
            const arrow::Decimal128& seconds, Text id) -> Result<int64_t> {
          MILLRACE_ASSIGN_OR_RETURN(const ZonePtr* zone, cursor.Get(id));
          return make(year, month, day, hour, minute, seconds, *zone);
        });
  };
  const Wanted number = data::IntType();
  return BindWith(name, args,
                  {number, number, number, number, number, data::DecimalOf(16, 6),
                   data::StringType()},
                  kLocal ? data::TimestampNtzType() : data::TimestampType(),
                  std::move(kernel), {.can_fail = true, .foldable = kLocal});
}

// --- truncation

int64_t TruncateTime(int64_t utc, TruncateTo to, LocalClock& clock) {
  switch (to) {
    case TruncateTo::kMicrosecond:
      return utc;
    case TruncateTo::kMillisecond:
      return utc - FloorMod(utc, 1000);
    case TruncateTo::kSecond:
      return utc - FloorMod(utc, kMicrosPerSecond);
    default:
      break;
  }
  const int64_t offset = clock.Offset(utc);
  const int64_t local = utc + offset;
  int64_t start = 0;
  if (to == TruncateTo::kMinute) {
    start = local - FloorMod(local, kMicrosPerMinute);
  } else if (to == TruncateTo::kHour) {
    start = local - FloorMod(local, kMicrosPerHour);
  } else {
    start = TruncateDate(FloorDiv(local, kMicrosPerDay), to) * kMicrosPerDay;
  }
  // Usually the offset was the same then; in an hour that comes twice it stays so.
  if (to <= TruncateTo::kHour && clock.Offset(start - offset) == offset)
    return start - offset;
  return clock.zone().ToUtc(start);
}

Result<std::optional<TruncateTo>> FindUnit(Text text) { return ParseTruncateTo(text); }
using Units = CompiledPatterns<std::optional<TruncateTo>>;

Bound BindDateTrunc(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr unit,
                            CastTo("date_trunc", args, 0, data::StringType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr time,
                            CastTo("date_trunc", args, 1, data::TimestampType()));
  const Units units(unit, FindUnit);
  Kernel kernel = [units](const KernelInput& in) {
    Units::Cursor cursor(units);
    LocalClock clock(*in.context.zone);
    return MapRows<int64_t, Text, int64_t>(
        in, [&](Text name, int64_t micros) -> Result<std::optional<int64_t>> {
          MILLRACE_ASSIGN_OR_RETURN(const auto* to, cursor.Get(name));
          if (!to->has_value()) return std::optional<int64_t>();
          return std::optional(TruncateTime(micros, **to, clock));
        });
  };
  return MakeBound({std::move(unit), std::move(time)}, data::TimestampType(),
                   std::move(kernel), {.makes_nulls = true, .foldable = false});
}

Bound BindTrunc(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr date, CastTo("trunc", args, 0, data::DateType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr unit, CastTo("trunc", args, 1, data::StringType()));
  const Units units(unit, FindUnit);
  Kernel kernel = [units](const KernelInput& in) {
    Units::Cursor cursor(units);
    return MapRows<int32_t, int32_t, Text>(
        in, [&](int32_t days, Text name) -> Result<std::optional<int32_t>> {
          MILLRACE_ASSIGN_OR_RETURN(const auto* to, cursor.Get(name));
          // A date has no units below the week.
          if (!to->has_value() || **to < TruncateTo::kWeek)
            return std::optional<int32_t>();
          return std::optional(static_cast<int32_t>(TruncateDate(days, **to)));
        });
  };
  return MakeBound({std::move(date), std::move(unit)}, data::DateType(),
                   std::move(kernel), {.makes_nulls = true});
}

// --- epochs

Result<int64_t> Scaled(int64_t value, int64_t factor) {
  int64_t micros = 0;
  if (__builtin_mul_overflow(value, factor, &micros))
    return JavaOverflow("long overflow");
  return micros;
}

std::optional<int64_t> MicrosOfSeconds(double seconds) {
  if (!std::isfinite(seconds)) return std::nullopt;
  const double micros = seconds * static_cast<double>(kMicrosPerSecond);
  constexpr double kLimit = 9.223372036854775807e18;
  if (micros >= kLimit) return std::numeric_limits<int64_t>::max();
  if (micros < -kLimit) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(micros);
}

Bound BindTimestampSeconds(Args args, const BindContext&) {
  ExprPtr arg = args[0];
  if (arg->type()->id() == arrow::Type::NA) {
    MILLRACE_ASSIGN_OR_RETURN(arg, MakeCast(arg, data::LongType()));
  }
  const arrow::DataType& type = *arg->type();
  if (!data::IsNumeric(type)) {
    return UnexpectedInputType("timestamp_seconds", args, 0, "\"NUMERIC\"");
  }
  if (type.id() == arrow::Type::DECIMAL128) {
    const int scale = static_cast<const arrow::Decimal128Type&>(type).scale();
    return MakeBound({arg}, data::TimestampType(),
                     UnaryKernel<arrow::Decimal128, int64_t>(
                         [scale](const arrow::Decimal128& seconds) -> Result<int64_t> {
                           const auto micros = seconds.Rescale(scale, 6);
                           if (!micros.ok()) return JavaOverflow("Rounding necessary");
                           int64_t value = 0;
                           if (!micros->ToInteger(&value).ok())
                             return JavaOverflow("Overflow");
                           return value;
                         }),
                     {.can_fail = true});
  }
  if (data::IsInteger(type)) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr seconds, MakeCast(arg, data::LongType()));
    return MakeBound({std::move(seconds)}, data::TimestampType(),
                     UnaryKernel<int64_t, int64_t>(
                         [](int64_t value) { return Scaled(value, kMicrosPerSecond); }),
                     {.can_fail = true});
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr seconds, MakeCast(arg, data::DoubleType()));
  return MakeBound({std::move(seconds)}, data::TimestampType(),
                   UnaryKernel<double, int64_t>(MicrosOfSeconds), {.makes_nulls = true});
}

template <int64_t kFactor>
Bound BindFromEpoch(Text name, Args args) {
  if (!data::IsInteger(*args[0]->type()) && args[0]->type()->id() != arrow::Type::NA) {
    return UnexpectedInputType(name, args, 0, "\"INTEGRAL\"");
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, MakeCast(args[0], data::LongType()));
  return MakeBound(
      {std::move(value)}, data::TimestampType(),
      UnaryKernel<int64_t, int64_t>([](int64_t count) { return Scaled(count, kFactor); }),
      {.can_fail = kFactor > 1});
}

template <int64_t kDivisor>
Bound BindToEpoch(Text name, Args args) {
  return BindWith(name, args, {data::TimestampType()}, data::LongType(),
                  UnaryKernel<int64_t, int64_t>(
                      [](int64_t micros) { return FloorDiv(micros, kDivisor); }));
}

Bound BindUnixDate(Args args, const BindContext&) {
  return BindWith("unix_date", args, {data::DateType()}, data::IntType(),
                  UnaryKernel<int32_t, int32_t>([](int32_t days) { return days; }));
}

Bound BindDateFromUnixDate(Args args, const BindContext&) {
  return BindWith("date_from_unix_date", args, {data::IntType()}, data::DateType(),
                  UnaryKernel<int32_t, int32_t>([](int32_t days) { return days; }));
}

// --- time zones

template <bool kToUtc>
Bound BindUtc(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr time, CastTo(name, args, 0, data::TimestampType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr id, CastTo(name, args, 1, data::StringType()));
  const Zones zones(id, FindZone);
  Kernel kernel = [zones](const KernelInput& in) {
    Zones::Cursor cursor(zones);
    return MapRows<int64_t, int64_t, Text>(
        in, [&](int64_t micros, Text zone_id) -> Result<int64_t> {
          MILLRACE_ASSIGN_OR_RETURN(const ZonePtr* zone, cursor.Get(zone_id));
          return kToUtc ? (*zone)->ToUtc(micros) : (*zone)->ToLocal(micros);
        });
  };
  return MakeBound({std::move(time), std::move(id)}, data::TimestampType(),
                   std::move(kernel), {.can_fail = !zones.fixed()});
}

Bound BindConvertTimezone(Args args, const BindContext& context) {
  std::vector<ExprPtr> all(args.begin(), args.end());
  if (all.size() == 2) all.insert(all.begin(), MakeString(context.session_time_zone));
  const Zones from(all[0], FindZone);
  const Zones to(all[1], FindZone);
  Kernel kernel = [from, to](const KernelInput& in) {
    Zones::Cursor sources(from);
    Zones::Cursor targets(to);
    return MapRows<int64_t, Text, Text, int64_t>(
        in, [&](Text source_id, Text target_id, int64_t local) -> Result<int64_t> {
          MILLRACE_ASSIGN_OR_RETURN(const ZonePtr* source, sources.Get(source_id));
          MILLRACE_ASSIGN_OR_RETURN(const ZonePtr* target, targets.Get(target_id));
          return (*target)->ToLocal((*source)->ToUtc(local));
        });
  };
  return BindWith("convert_timezone", all,
                  {data::StringType(), data::StringType(), data::TimestampNtzType()},
                  data::TimestampNtzType(), std::move(kernel),
                  {.can_fail = !from.fixed() || !to.fixed()});
}

// --- timestampadd, timestampdiff

enum class Unit { kMicros, kMonths };
struct NamedUnit {
  Text name;
  Unit unit;
  int64_t size;  // in microseconds or months
};

constexpr NamedUnit kUnits[] = {
    {"MICROSECOND", Unit::kMicros, 1},
    {"MILLISECOND", Unit::kMicros, 1000},
    {"SECOND", Unit::kMicros, kMicrosPerSecond},
    {"MINUTE", Unit::kMicros, kMicrosPerMinute},
    {"HOUR", Unit::kMicros, kMicrosPerHour},
    {"DAY", Unit::kMicros, kMicrosPerDay},
    {"DAYOFYEAR", Unit::kMicros, kMicrosPerDay},
    {"WEEK", Unit::kMicros, 7 * kMicrosPerDay},
    {"MONTH", Unit::kMonths, 1},
    {"QUARTER", Unit::kMonths, 3},
    {"YEAR", Unit::kMonths, 12},
};

Result<NamedUnit> UnitArgument(Text function, const ExprPtr& arg) {
  const std::optional<std::string> text = StringLiteral(arg);
  if (text.has_value()) {
    for (const NamedUnit& unit : kUnits) {
      if (EqualsIgnoreCase(unit.name, *text)) return unit;
    }
  }
  const std::string value = text.has_value() ? fmt::format("'{}'", *text) : SqlText(*arg);
  return AnalysisError(
             "INVALID_PARAMETER_VALUE.DATETIME_UNIT", "22023",
             "The value of parameter(s) `unit` in `{}` is invalid: expects one of "
             "the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, "
             "HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string "
             "literal {}.",
             function, value)
      .Param("functionName", fmt::format("`{}`", function))
      .Param("parameter", "`unit`")
      .Param("invalidValue", value);
}

// The third argument as timestamp of either kind; dates and strings are instants.
Result<ExprPtr> TimeArgument(Text name, Args args, size_t index) {
  if (IsTime(args[index])) return args[index];
  return CastTo(name, args, index, data::TimestampType());
}

// Whole days move on the local calendar, what is left of them on the clock.
std::optional<int64_t> AddToTime(int64_t utc, int64_t count, const NamedUnit& unit,
                                 LocalClock& clock) {
  int64_t amount = 0;
  if (__builtin_mul_overflow(count, unit.size, &amount)) return std::nullopt;
  const int64_t local = clock.ToLocal(utc);
  if (unit.unit == Unit::kMonths) {
    const int64_t days = FloorDiv(local, kMicrosPerDay);
    constexpr int64_t kMaxMonths = 12 * int64_t{1'000'000};
    if (amount > kMaxMonths || amount < -kMaxMonths) return std::nullopt;
    int64_t moved = 0;
    if (__builtin_mul_overflow(AddMonths(days, amount), kMicrosPerDay, &moved) ||
        __builtin_add_overflow(moved, local - days * kMicrosPerDay, &moved)) {
      return std::nullopt;
    }
    return clock.zone().ToUtc(moved);
  }
  int64_t moved = utc;
  if (const int64_t whole_days = amount / kMicrosPerDay; whole_days != 0) {
    if (__builtin_add_overflow(local, whole_days * kMicrosPerDay, &moved))
      return std::nullopt;
    moved = clock.zone().ToUtc(moved);
  }
  if (__builtin_add_overflow(moved, amount % kMicrosPerDay, &moved)) return std::nullopt;
  return moved;
}

Bound BindTimestampAdd(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(const NamedUnit unit, UnitArgument(name, args[0]));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr count, CastTo(name, args, 1, data::LongType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr time, TimeArgument(name, args, 2));
  const bool local = IsLocal(time);
  const data::TypePtr type = time->type();
  Kernel kernel = [unit, local](const KernelInput& in) {
    LocalClock clock(local ? *data::TimeZone::Utc() : *in.context.zone);
    return MapRows<int64_t, int64_t, int64_t>(
        in, [&](int64_t amount, int64_t utc) -> Result<int64_t> {
          const std::optional<int64_t> moved = AddToTime(utc, amount, unit, clock);
          if (moved.has_value()) return *moved;
          std::string text;
          data::AppendTimestamp(clock.ToLocal(utc), &text);
          return Error(Fault::kData,
                       "Datetime operation overflow: add {} {} to TIMESTAMP '{}'.",
                       amount, unit.name, text)
              .Class("DATETIME_OVERFLOW", "22008")
              .Java(kArithmeticException)
              .Param("operation",
                     fmt::format("add {} {} to TIMESTAMP '{}'", amount, unit.name, text));
        });
  };
  return MakeBound({std::move(count), std::move(time)}, type, std::move(kernel),
                   {.can_fail = true, .foldable = local});
}

Bound BindTimestampDiff(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(const NamedUnit unit, UnitArgument(name, args[0]));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr start, CastTo(name, args, 1, data::TimestampType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr end, CastTo(name, args, 2, data::TimestampType()));
  Kernel kernel = [unit](const KernelInput& in) {
    LocalClock clock(*in.context.zone);
    return MapRows<int64_t, int64_t, int64_t>(in, [&](int64_t from, int64_t to) {
      const int64_t local_from = clock.ToLocal(from);
      const int64_t local_to = clock.ToLocal(to);
      return unit.unit == Unit::kMonths ? MonthsBetween(local_from, local_to) / unit.size
                                        : (local_to - local_from) / unit.size;
    });
  };
  return MakeBound({std::move(start), std::move(end)}, data::LongType(),
                   std::move(kernel), {.foldable = false});
}

// --- window_time

Bound BindWindowTime(Args args, const BindContext&) {
  const arrow::DataType& type = *args[0]->type();
  if (type.id() != arrow::Type::STRUCT || type.num_fields() != 2 ||
      type.field(1)->type()->id() != arrow::Type::TIMESTAMP) {
    return UnexpectedInputType(
        "window_time", args, 0,
        "(\"STRUCT<start: TIMESTAMP, end: TIMESTAMP>\" or \"STRUCT<start: TIMESTAMP_NTZ, "
        "end: TIMESTAMP_NTZ>\")");
  }
  // The last microsecond that belongs to the window.
  const ExprPtr end = MakeField(args[0], 1);
  return MakeBound({end}, end->type(), UnaryKernel<int64_t, int64_t>([](int64_t micros) {
                     return micros - 1;
                   }));
}

const FunctionSpec kFunctions[] = {
    {"add_months", 2, 2, BindAddMonths,
     "The same day so many months later, or the last of that month.",
     "add_months('2016-08-31', 1) → 2016-09-30"},
    {"convert_timezone", 2, 3, BindConvertTimezone,
     "A timestamp without zone from one zone (the session's by default) to another.",
     "convert_timezone('Europe/Brussels', 'America/Los_Angeles', "
     "'2021-12-06 00:00:00') → 2021-12-05 15:00:00"},
    {"curdate", 0, 0, BindCurrentDate, "The same as current_date.",
     "curdate() → 1970-01-01"},
    {"current_date", 0, 0, BindCurrentDate,
     "The date at the start of the batch, in the session's time zone.",
     "current_date() → 1970-01-01"},
    {"current_timestamp", 0, 0, BindCurrentTimestamp, "The instant the batch started at.",
     "current_timestamp() → 1970-01-01 00:00:00"},
    {"current_timezone", 0, 0, BindCurrentTimezone, "The session's time zone.",
     "current_timezone() → UTC"},
    {"date_add", 2, 2,
     [](Args args, const BindContext&) { return BindAddDays<1>("date_add", args); },
     "The date so many days later.", "date_add('2016-07-30', 1) → 2016-07-31"},
    {"date_diff", 2, 2,
     [](Args args, const BindContext&) { return BindDateDiff("date_diff", args); },
     "The days from the second date to the first.",
     "date_diff('2009-07-31', '2009-07-30') → 1"},
    {"date_from_unix_date", 1, 1, BindDateFromUnixDate,
     "The date so many days after 1970-01-01.", "date_from_unix_date(1) → 1970-01-02"},
    {"date_sub", 2, 2,
     [](Args args, const BindContext&) { return BindAddDays<-1>("date_sub", args); },
     "The date so many days earlier.", "date_sub('2016-07-30', 1) → 2016-07-29"},
    {"date_trunc", 2, 2, BindDateTrunc,
     "The start of the year, quarter, month, week, day, hour, minute, second, "
     "millisecond or "
     "microsecond, in the session's time zone.",
     "date_trunc('HOUR', TIMESTAMP'2015-03-05 09:32:05.359') → 2015-03-05 09:00:00"},
    {"dateadd", 2, 2,
     [](Args args, const BindContext&) { return BindAddDays<1>("dateadd", args); },
     "The same as date_add.", "dateadd('2016-07-30', 1) → 2016-07-31"},
    {"datediff", 2, 2,
     [](Args args, const BindContext&) { return BindDateDiff("datediff", args); },
     "The same as date_diff.", "datediff('2009-07-30', '2009-07-31') → -1"},
    {"from_utc_timestamp", 2, 2,
     [](Args args, const BindContext&) {
       return BindUtc<false>("from_utc_timestamp", args);
     },
     "What clocks in a zone show when it is that time in UTC.",
     "from_utc_timestamp('2016-08-31', 'Asia/Seoul') → 2016-08-31 09:00:00"},
    {"last_day", 1, 1, BindLastDay, "The last day of the month.",
     "last_day('2009-01-12') → 2009-01-31"},
    {"localtimestamp", 0, 0, BindLocalTimestamp,
     "What clocks in the session's time zone showed when the batch started.",
     "localtimestamp() → 1970-01-01 00:00:00"},
    {"make_date", 3, 3, BindMakeDate, "A date of year, month and day.",
     "make_date(2013, 7, 15) → 2013-07-15"},
    {"make_timestamp", 6, 7,
     [](Args args, const BindContext&) {
       return BindMakeTimestamp<false>("make_timestamp", args);
     },
     "A timestamp of year, month, day, hour, minute, second and perhaps time zone.",
     "make_timestamp(2014, 12, 28, 6, 30, 45.887) → 2014-12-28 06:30:45.887"},
    {"make_timestamp_ltz", 6, 7,
     [](Args args, const BindContext&) {
       return BindMakeTimestamp<false>("make_timestamp_ltz", args);
     },
     "The same as make_timestamp.",
     "make_timestamp_ltz(2014, 12, 28, 6, 30, 45.887, 'CET') → 2014-12-28 05:30:45.887"},
    {"make_timestamp_ntz", 6, 6,
     [](Args args, const BindContext&) {
       return BindMakeTimestamp<true>("make_timestamp_ntz", args);
     },
     "A timestamp without time zone.",
     "make_timestamp_ntz(2019, 6, 30, 23, 59, 60) → 2019-07-01 00:00:00"},
    {"months_between", 2, 3, BindMonthsBetween,
     "The months from the second timestamp to the first, with 8 digits unless the third "
     "argument is false.",
     "months_between('1997-02-28 10:30:00', '1996-10-30') → 3.94959677"},
    {"next_day", 2, 2, BindNextDay, "The next such day of the week after a date.",
     "next_day('2015-01-14', 'TU') → 2015-01-20"},
    {"now", 0, 0, BindCurrentTimestamp, "The same as current_timestamp.",
     "now() → 1970-01-01 00:00:00"},
    {"timestamp_micros", 1, 1,
     [](Args args, const BindContext&) {
       return BindFromEpoch<1>("timestamp_micros", args);
     },
     "The instant so many microseconds after 1970-01-01 00:00:00 UTC.",
     "timestamp_micros(1230219000123123) → 2008-12-25 15:30:00.123123"},
    {"timestamp_millis", 1, 1,
     [](Args args, const BindContext&) {
       return BindFromEpoch<1000>("timestamp_millis", args);
     },
     "The instant so many milliseconds after 1970-01-01 00:00:00 UTC.",
     "timestamp_millis(1230219000123) → 2008-12-25 15:30:00.123"},
    {"timestamp_seconds", 1, 1, BindTimestampSeconds,
     "The instant so many seconds after 1970-01-01 00:00:00 UTC.",
     "timestamp_seconds(1230219000.123) → 2008-12-25 15:30:00.123"},
    {"timestampadd", 3, 3,
     [](Args args, const BindContext&) { return BindTimestampAdd("timestampadd", args); },
     "A timestamp so many units later: timestampadd(unit, count, timestamp).",
     "timestampadd('MONTH', -1, TIMESTAMP'2022-03-31 00:00:00') → 2022-02-28 00:00:00"},
    {"timestampdiff", 3, 3,
     [](Args args, const BindContext&) {
       return BindTimestampDiff("timestampdiff", args);
     },
     "The whole units from one timestamp to another: timestampdiff(unit, start, end).",
     "timestampdiff('MONTH', '2021-02-28 12:00:00', '2021-03-28 11:59:59') → 0"},
    {"to_utc_timestamp", 2, 2,
     [](Args args, const BindContext&) {
       return BindUtc<true>("to_utc_timestamp", args);
     },
     "What it is in UTC when clocks in a zone show that time.",
     "to_utc_timestamp('2016-08-31', 'Asia/Seoul') → 2016-08-30 15:00:00"},
    {"trunc", 2, 2, BindTrunc, "The first day of the year, quarter, month or week.",
     "trunc('2019-08-04', 'quarter') → 2019-07-01"},
    {"unix_date", 1, 1, BindUnixDate, "The days since 1970-01-01.",
     "unix_date(DATE'1970-01-02') → 1"},
    {"unix_micros", 1, 1,
     [](Args args, const BindContext&) { return BindToEpoch<1>("unix_micros", args); },
     "The microseconds since 1970-01-01 00:00:00 UTC.",
     "unix_micros(TIMESTAMP'1970-01-01 00:00:01Z') → 1000000"},
    {"unix_millis", 1, 1,
     [](Args args, const BindContext&) { return BindToEpoch<1000>("unix_millis", args); },
     "The milliseconds since 1970-01-01 00:00:00 UTC, rounded down.",
     "unix_millis(TIMESTAMP'1969-12-31 23:59:59.9999Z') → -1"},
    {"unix_seconds", 1, 1,
     [](Args args, const BindContext&) {
       return BindToEpoch<kMicrosPerSecond>("unix_seconds", args);
     },
     "The seconds since 1970-01-01 00:00:00 UTC, rounded down.",
     "unix_seconds(TIMESTAMP'1970-01-01 00:00:01.9Z') → 1"},
    {"window_time", 1, 1, BindWindowTime,
     "The event time of an aggregated window: its end less one microsecond.",
     "window_time(named_struct('start', TIMESTAMP'2024-01-01 00:00:00', 'end', "
     "TIMESTAMP'2024-01-01 00:01:00')) → 2024-01-01 00:00:59.999999"},
};

}  // namespace

std::span<const FunctionSpec> DateTimeFunctions() { return kFunctions; }

}  // namespace millrace::expr
