// Timestamps and dates as text and back. Spark: DateFormatClass, ParseToTimestamp,
// UnixTimestamp.
#include <arrow/type.h>

#include "base/error.h"
#include "expr/cast.h"
#include "expr/functions/bind.h"
#include "expr/functions/compiled_patterns.h"
#include "expr/functions/local_clock.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;
using PatternPtr = std::shared_ptr<const data::TimePattern>;
using Patterns = CompiledPatterns<PatternPtr>;

constexpr Text kDefaultPattern = "yyyy-MM-dd HH:mm:ss";

enum class OnFailure { kError, kNull };

Result<PatternPtr> ForFormat(Text pattern) {
  return data::TimePattern::Compile(pattern, data::PatternUse::kFormat);
}
Result<PatternPtr> ForParse(Text pattern) {
  return data::TimePattern::Compile(pattern, data::PatternUse::kParse);
}

Status CannotParse(Text text, Text alternative) {
  const std::string message = fmt::format("Text '{}' could not be parsed", text);
  return Error(Fault::kData,
               "{}. Use `{}` to tolerate invalid input string and return NULL instead.",
               message, alternative)
      .Class("CANNOT_PARSE_TIMESTAMP", "22007")
      .Java("org.apache.spark.SparkDateTimeException")
      .Param("message", message)
      .Param("func", fmt::format("`{}`", alternative));
}

bool IsText(const ExprPtr& arg) { return data::IsString(*arg->type()); }

// --- formatting

Bound BindDateFormat(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr time,
                            CastTo("date_format", args, 0, data::TimestampType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr pattern,
                            CastTo("date_format", args, 1, data::StringType()));
  const Patterns patterns(pattern, ForFormat);
  Kernel kernel = [patterns](const KernelInput& in) {
    Patterns::Cursor cursor(patterns);
    return MapText<int64_t, Text>(
        in, [&](int64_t micros, Text text, std::string* out) -> Status {
          MILLRACE_ASSIGN_OR_RETURN(const PatternPtr* compiled, cursor.Get(text));
          (*compiled)->Format(micros, *in.context.zone, out);
          return Status::OK();
        });
  };
  return MakeBound({std::move(time), std::move(pattern)}, data::StringType(),
                   std::move(kernel), {.can_fail = !patterns.fixed(), .foldable = false});
}

Bound BindFromUnixtime(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr seconds,
                            CastTo("from_unixtime", args, 0, data::LongType()));
  ExprPtr pattern = MakeString(kDefaultPattern);
  if (args.size() > 1) {
    MILLRACE_ASSIGN_OR_RETURN(pattern,
                              CastTo("from_unixtime", args, 1, data::StringType()));
  }
  const Patterns patterns(pattern, ForFormat);
  Kernel kernel = [patterns](const KernelInput& in) {
    Patterns::Cursor cursor(patterns);
    return MapText<int64_t, Text>(
        in, [&](int64_t value, Text text, std::string* out) -> Status {
          MILLRACE_ASSIGN_OR_RETURN(const PatternPtr* compiled, cursor.Get(text));
          // Java's long multiplication, which wraps.
          const auto micros = static_cast<int64_t>(
              static_cast<uint64_t>(value) * static_cast<uint64_t>(kMicrosPerSecond));
          (*compiled)->Format(micros, *in.context.zone, out);
          return Status::OK();
        });
  };
  return MakeBound(
      {std::move(seconds), std::move(pattern)}, data::StringType(), std::move(kernel),
      {.makes_nulls = true, .can_fail = !patterns.fixed(), .foldable = false});
}

// --- parsing

// A call that parses args[0], a string, by args[1] and gives Out. `convert` takes UTC
// (or, for kLocal, local) microseconds and the zone.
template <typename Out, bool kLocal = false, typename F>
Bound BindParse(Args args, data::TypePtr type, Text alternative, OnFailure on_failure,
                F convert) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr pattern,
                            CastTo(alternative, args, 1, data::StringType()));
  const Patterns patterns(pattern, ForParse);
  Kernel kernel = [patterns, alternative, on_failure, convert](const KernelInput& in) {
    Patterns::Cursor cursor(patterns);
    const data::TimeZone& zone = *in.context.zone;
    return MapRows<Out, Text, Text>(
        in, [&](Text text, Text format) -> Result<std::optional<Out>> {
          const Result<const PatternPtr*> compiled = cursor.Get(format);
          if (!compiled.ok()) return compiled.status();
          const data::TimePattern& parser = ***compiled;
          const std::optional<int64_t> micros =
              kLocal ? parser.ParseLocal(text) : parser.Parse(text, zone);
          if (micros.has_value()) return std::optional<Out>(convert(*micros, zone));
          if (on_failure == OnFailure::kError) return CannotParse(text, alternative);
          return std::optional<Out>();
        });
  };
  const bool null = on_failure == OnFailure::kNull;
  return MakeBound(
      {args[0], std::move(pattern)}, std::move(type), std::move(kernel),
      {.makes_nulls = null, .can_fail = !null || !patterns.fixed(), .foldable = false});
}

int64_t SameMicros(int64_t micros, const data::TimeZone&) { return micros; }

// Conversion by casting, for what is no string or comes without pattern.
Bound BindCast(Text name, Args args, const data::TypePtr& type, OnFailure on_failure) {
  const CastMode mode = on_failure == OnFailure::kNull ? CastMode::kTry : CastMode::kAnsi;
  Result<ExprPtr> cast = MakeCast(args[0], type, mode);
  if (cast.ok()) return Replace(std::move(cast));
  return CastTo(name, args, 0, type).status();
}

Bound BindToTimestamp(Text name, Args args, OnFailure on_failure) {
  if (args.size() == 1 || !IsText(args[0])) {
    return BindCast(name, args, data::TimestampType(), on_failure);
  }
  return BindParse<int64_t>(args, data::TimestampType(), "try_to_timestamp", on_failure,
                            SameMicros);
}

Bound BindToTimestampNtz(Args args, const BindContext&) {
  if (args.size() == 1 || !IsText(args[0])) {
    return BindCast("to_timestamp_ntz", args, data::TimestampNtzType(),
                    OnFailure::kError);
  }
  return BindParse<int64_t, /*kLocal=*/true>(
      args, data::TimestampNtzType(), "try_to_timestamp", OnFailure::kError, SameMicros);
}

Bound BindToDate(Text name, Args args, OnFailure on_failure) {
  if (args.size() == 1 || !IsText(args[0])) {
    return BindCast(name, args, data::DateType(), on_failure);
  }
  return BindParse<int32_t>(
      args, data::DateType(), "try_to_date", on_failure,
      [](int64_t micros, const data::TimeZone& zone) {
        return static_cast<int32_t>(FloorDiv(zone.ToLocal(micros), kMicrosPerDay));
      });
}

Bound BindUnixTimestamp(Text name, Args args) {
  if (args.empty()) {
    return MakeBound({}, data::LongType(),
                     [](const KernelInput& in) -> Result<Value> {
                       FixedOutput<int64_t> out;
                       MILLRACE_RETURN_IF_ERROR(out.Allocate(1));
                       out.Set(0, in.context.now_micros / kMicrosPerSecond);
                       return MakeValue(in.type, 1, true, nullptr, out.Finish());
                     },
                     {.foldable = false});
  }
  // Spark cuts the fraction here, which before 1970 rounds up.
  const auto seconds = [](int64_t micros, const data::TimeZone&) {
    return micros / kMicrosPerSecond;
  };
  if (IsText(args[0])) {
    const ExprPtr all[] = {args[0],
                           args.size() > 1 ? args[1] : MakeString(kDefaultPattern)};
    return BindParse<int64_t>(all, data::LongType(), "try_to_timestamp",
                              OnFailure::kError, seconds);
  }
  ExprPtr time = args[0];
  if (!data::IsTimestampNtz(*time->type())) {
    MILLRACE_ASSIGN_OR_RETURN(
        time,
        CastTo(name, args, 0,
               Wanted(data::TimestampType(),
                      "(\"STRING\" or \"DATE\" or \"TIMESTAMP\" or \"TIMESTAMP_NTZ\")")));
  }
  return MakeBound({std::move(time)}, data::LongType(),
                   UnaryKernel<int64_t, int64_t>(
                       [](int64_t micros) { return micros / kMicrosPerSecond; }));
}

const FunctionSpec kFunctions[] = {
    {"date_format", 2, 2, BindDateFormat,
     "A timestamp as text by a pattern of java.time, in the session's time zone.",
     "date_format(TIMESTAMP'2024-02-29 13:14:15.123456', 'yyyy-MM-dd HH:mm:ss.SSS') → "
     "2024-02-29 13:14:15.123"},
    {"from_unixtime", 1, 2, BindFromUnixtime,
     "Seconds since 1970-01-01 00:00:00 UTC as text, by a pattern.",
     "from_unixtime(1709168523, 'yyyy/MM/dd') → 2024/02/29"},
    {"to_date", 1, 2,
     [](Args args, const BindContext&) {
       return BindToDate("to_date", args, OnFailure::kError);
     },
     "A date out of text, by a pattern or as CAST does.",
     "to_date('29/02/2024', 'dd/MM/yyyy') → 2024-02-29"},
    {"to_timestamp", 1, 2,
     [](Args args, const BindContext&) {
       return BindToTimestamp("to_timestamp", args, OnFailure::kError);
     },
     "A timestamp out of text, by a pattern or as CAST does.",
     "to_timestamp('29/02/2024 10:11', 'dd/MM/yyyy HH:mm') → 2024-02-29 10:11:00"},
    {"to_timestamp_ltz", 1, 2,
     [](Args args, const BindContext&) {
       return BindToTimestamp("to_timestamp_ltz", args, OnFailure::kError);
     },
     "The same as to_timestamp.",
     "to_timestamp_ltz('2024-02-29 01:02:03') → 2024-02-29 01:02:03"},
    {"to_timestamp_ntz", 1, 2, BindToTimestampNtz,
     "A timestamp without time zone out of text.",
     "to_timestamp_ntz('2024-02-29 01:02:03') → 2024-02-29 01:02:03"},
    {"to_unix_timestamp", 1, 2,
     [](Args args, const BindContext&) {
       return BindUnixTimestamp("to_unix_timestamp", args);
     },
     "The same as unix_timestamp.",
     "to_unix_timestamp('2024-02-29', 'yyyy-MM-dd') → 1709164800"},
    {"try_to_date", 1, 2,
     [](Args args, const BindContext&) {
       return BindToDate("try_to_date", args, OnFailure::kNull);
     },
     "As to_date, but null where the text is no date.", "try_to_date('x') → NULL"},
    {"try_to_timestamp", 1, 2,
     [](Args args, const BindContext&) {
       return BindToTimestamp("try_to_timestamp", args, OnFailure::kNull);
     },
     "As to_timestamp, but null where the text is no timestamp.",
     "try_to_timestamp('bad') → NULL"},
    {"unix_timestamp", 0, 2,
     [](Args args, const BindContext&) {
       return BindUnixTimestamp("unix_timestamp", args);
     },
     "The seconds since 1970-01-01 00:00:00 UTC, of a timestamp or of text by a pattern.",
     "unix_timestamp('2024-02-29 01:02:03') → 1709168523"},
};

}  // namespace

std::span<const FunctionSpec> TimeTextFunctions() { return kFunctions; }

}  // namespace millrace::expr
