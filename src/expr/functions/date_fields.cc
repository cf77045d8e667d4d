// Fields of dates and timestamps: year, hour, extract and their kin.
#include <array>

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/functions/calendar.h"
#include "expr/functions/local_clock.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Bound = Result<BoundFunction>;

using DateField = int32_t (*)(int64_t days);
using TimeField = int32_t (*)(int64_t micros_of_day);

int32_t Year(int64_t days) {
  return static_cast<int32_t>(data::CivilFromDays(days).year);
}
int32_t YearOfWeek(int64_t days) { return static_cast<int32_t>(WeekYear(days)); }
int32_t Quarter(int64_t days) { return (data::CivilFromDays(days).month - 1) / 3 + 1; }
int32_t Month(int64_t days) { return data::CivilFromDays(days).month; }
int32_t Week(int64_t days) { return WeekOfYear(days); }
int32_t Day(int64_t days) { return data::CivilFromDays(days).day; }
int32_t DayInYear(int64_t days) { return DayOfYear(days); }
int32_t DayFromSunday(int64_t days) { return (Weekday(days) + 1) % 7 + 1; }
int32_t DayFromMonday(int64_t days) { return Weekday(days); }
int32_t IsoDay(int64_t days) { return Weekday(days) + 1; }

int32_t Hour(int64_t micros) { return static_cast<int32_t>(micros / kMicrosPerHour); }
int32_t Minute(int64_t micros) {
  return static_cast<int32_t>(micros / kMicrosPerMinute % 60);
}
int32_t Second(int64_t micros) {
  return static_cast<int32_t>(micros / kMicrosPerSecond % 60);
}

// A timestamp in the session's zone, or a local one, which needs none.
bool IsLocal(const ExprPtr& arg) { return data::IsTimestampNtz(*arg->type()); }

template <DateField kField>
BoundFunction OfDate(ExprPtr arg) {
  if (arg->type()->id() == arrow::Type::TIMESTAMP) {
    const bool local = IsLocal(arg);
    Kernel kernel = [local](const KernelInput& in) {
      LocalClock clock(local ? *data::TimeZone::Utc() : *in.context.zone);
      return MapRows<int32_t, int64_t>(
          in, [&](int64_t micros) { return kField(clock.LocalDays(micros)); });
    };
    return MakeBound({std::move(arg)}, data::IntType(), std::move(kernel),
                     {.foldable = local});
  }
  return MakeBound(
      {std::move(arg)}, data::IntType(),
      UnaryKernel<int32_t, int32_t>([](int32_t days) { return kField(days); }));
}

template <TimeField kField>
BoundFunction OfTime(ExprPtr arg) {
  const bool local = IsLocal(arg);
  Kernel kernel = [local](const KernelInput& in) {
    LocalClock clock(local ? *data::TimeZone::Utc() : *in.context.zone);
    return MapRows<int32_t, int64_t>(in, [&](int64_t micros) {
      return kField(FloorMod(clock.ToLocal(micros), kMicrosPerDay));
    });
  };
  return MakeBound({std::move(arg)}, data::IntType(), std::move(kernel),
                   {.foldable = local});
}

// The second with its fraction, as decimal(8,6).
BoundFunction SecondWithFraction(ExprPtr arg) {
  const bool local = IsLocal(arg);
  Kernel kernel = [local](const KernelInput& in) {
    LocalClock clock(local ? *data::TimeZone::Utc() : *in.context.zone);
    return MapRows<arrow::Decimal128, int64_t>(in, [&](int64_t micros) {
      return arrow::Decimal128(FloorMod(clock.ToLocal(micros), kMicrosPerMinute));
    });
  };
  return MakeBound({std::move(arg)}, data::DecimalOf(8, 6), std::move(kernel),
                   {.foldable = local});
}

Result<ExprPtr> DateArgument(std::string_view name, Args args, size_t index) {
  if (args[index]->type()->id() == arrow::Type::TIMESTAMP) return args[index];
  return CastTo(name, args, index, data::DateType());
}

Result<ExprPtr> TimeArgument(std::string_view name, Args args, size_t index) {
  if (args[index]->type()->id() == arrow::Type::TIMESTAMP) return args[index];
  return CastTo(name, args, index,
                Wanted(data::TimestampType(), "(\"TIMESTAMP_NTZ\" or \"TIMESTAMP\")"));
}

template <DateField kField>
Bound BindDate(std::string_view name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, DateArgument(name, args, 0));
  return OfDate<kField>(std::move(arg));
}

template <TimeField kField>
Bound BindTime(std::string_view name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, TimeArgument(name, args, 0));
  return OfTime<kField>(std::move(arg));
}

// --- extract

struct ExtractField {
  std::string_view names;  // in words with blanks between
  BoundFunction (*bind)(ExprPtr arg);
  bool of_time;
};

constexpr ExtractField kFields[] = {
    {"year y years yr yrs", OfDate<Year>, false},
    {"yearofweek", OfDate<YearOfWeek>, false},
    {"quarter qtr", OfDate<Quarter>, false},
    {"month mon mons months", OfDate<Month>, false},
    {"week w weeks", OfDate<Week>, false},
    {"day d days", OfDate<Day>, false},
    {"dayofweek dow", OfDate<DayFromSunday>, false},
    {"dayofweek_iso dow_iso", OfDate<IsoDay>, false},
    {"doy", OfDate<DayInYear>, false},
    {"hour h hours hr hrs", OfTime<Hour>, true},
    {"minute m min mins minutes", OfTime<Minute>, true},
    {"second s sec seconds secs", SecondWithFraction, true},
};

bool IsNamed(const ExtractField& field, std::string_view name) {
  for (size_t begin = 0; begin <= field.names.size();) {
    const size_t end = std::min(field.names.find(' ', begin), field.names.size());
    if (EqualsIgnoreCase(field.names.substr(begin, end - begin), name)) return true;
    begin = end + 1;
  }
  return false;
}

Bound BindExtract(std::string_view name, Args args) {
  const std::optional<std::string> wanted = StringLiteral(args[0]);
  if (!wanted.has_value()) {
    const std::string sql = fmt::format("\"{}\"", SqlText(*args[0]));
    return AnalysisError(
               "NON_FOLDABLE_ARGUMENT", "42K08",
               "The function `{}` requires the parameter `field` to be a foldable "
               "expression of the type \"STRING\", but the actual argument is a "
               "non-foldable.",
               name)
        .Param("funcName", fmt::format("`{}`", name))
        .Param("paramName", "`field`")
        .Param("paramType", "\"STRING\"");
  }
  for (const ExtractField& field : kFields) {
    if (!IsNamed(field, *wanted)) continue;
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, field.of_time ? TimeArgument(name, args, 1)
                                                         : DateArgument(name, args, 1));
    return field.bind(std::move(arg));
  }
  const std::string source = fmt::format("\"{}\"", SqlText(*args[1]));
  return AnalysisError("INVALID_EXTRACT_FIELD", "42601", "Cannot extract `{}` from {}.",
                       *wanted, source)
      .Param("field", fmt::format("`{}`", *wanted))
      .Param("expr", source);
}

// --- names

template <size_t kCount>
Bound BindName(std::string_view name, Args args, DateField field,
               const std::array<std::string_view, kCount>& names) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, CastTo(name, args, 0, data::DateType()));
  return MakeBound({std::move(arg)}, data::StringType(),
                   TextKernel<int32_t>([field, &names](int32_t days, std::string* out) {
                     out->append(names[static_cast<size_t>(field(days))]);
                   }));
}

constexpr auto kDays =
    std::to_array<std::string_view>({"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"});
constexpr auto kMonths =
    std::to_array<std::string_view>({"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
                                     "Aug", "Sep", "Oct", "Nov", "Dec"});

const FunctionSpec kFunctions[] = {
    {"date_part", 2, 2,
     [](Args args, const BindContext&) { return BindExtract("date_part", args); },
     "The same as extract.", "date_part('YEAR', TIMESTAMP'2019-08-12 01:00:00') → 2019"},
    {"datepart", 2, 2,
     [](Args args, const BindContext&) { return BindExtract("datepart", args); },
     "The same as extract.", "datepart('week', DATE'2019-08-12') → 33"},
    {"day", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Day>("day", args); },
     "The day of the month.", "day('2009-07-30') → 30"},
    {"dayname", 1, 1,
     [](Args args, const BindContext&) {
       return BindName("dayname", args, DayFromMonday, kDays);
     },
     "The short English name of the day of the week.", "dayname(DATE'2008-02-20') → Wed"},
    {"dayofmonth", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Day>("dayofmonth", args); },
     "The day of the month.", "dayofmonth('2009-07-30') → 30"},
    {"dayofweek", 1, 1,
     [](Args args, const BindContext&) {
       return BindDate<DayFromSunday>("dayofweek", args);
     },
     "The day of the week, from 1 for Sunday to 7 for Saturday.",
     "dayofweek('2009-07-30') → 5"},
    {"dayofyear", 1, 1,
     [](Args args, const BindContext&) { return BindDate<DayInYear>("dayofyear", args); },
     "The day of the year, from 1.", "dayofyear('2016-04-09') → 100"},
    {"extract", 2, 2,
     [](Args args, const BindContext&) { return BindExtract("extract", args); },
     "One field of a date or timestamp: year, quarter, month, week, day, dow, doy, hour, "
     "minute, second …; a second keeps its fraction.",
     "extract('SECONDS', TIMESTAMP'2019-10-01 00:00:01.000001') → 1.000001"},
    {"hour", 1, 1,
     [](Args args, const BindContext&) { return BindTime<Hour>("hour", args); },
     "The hour in the session's time zone.", "hour('2018-02-14 12:58:59') → 12"},
    {"minute", 1, 1,
     [](Args args, const BindContext&) { return BindTime<Minute>("minute", args); },
     "The minute.", "minute('2009-07-30 12:58:59') → 58"},
    {"month", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Month>("month", args); },
     "The month, from 1.", "month('2016-07-30') → 7"},
    {"monthname", 1, 1,
     [](Args args, const BindContext&) {
       return BindName("monthname", args, Month, kMonths);
     },
     "The short English name of the month.", "monthname('2008-02-20') → Feb"},
    {"quarter", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Quarter>("quarter", args); },
     "The quarter of the year, from 1.", "quarter('2016-08-31') → 3"},
    {"second", 1, 1,
     [](Args args, const BindContext&) { return BindTime<Second>("second", args); },
     "The second, without its fraction.", "second('2009-07-30 12:58:59') → 59"},
    {"weekday", 1, 1,
     [](Args args, const BindContext&) {
       return BindDate<DayFromMonday>("weekday", args);
     },
     "The day of the week, from 0 for Monday to 6 for Sunday.",
     "weekday('2009-07-30') → 3"},
    {"weekofyear", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Week>("weekofyear", args); },
     "The week of the year by ISO 8601.", "weekofyear('2008-02-20') → 8"},
    {"year", 1, 1,
     [](Args args, const BindContext&) { return BindDate<Year>("year", args); },
     "The year.", "year('2016-07-30') → 2016"},
};

}  // namespace

std::span<const FunctionSpec> DateFieldFunctions() { return kFunctions; }

}  // namespace millrace::expr
