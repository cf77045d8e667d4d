#include "expr/cast.h"

#include <arrow/type.h>

#include "base/error.h"
#include "expr/cast_kernels.h"
#include "expr/decimal.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using arrow::DataType;
using arrow::Type;

bool IsFloating(const DataType& type) {
  return type.id() == Type::FLOAT || type.id() == Type::DOUBLE;
}
bool IsDecimal(const DataType& type) { return type.id() == Type::DECIMAL128; }
bool IsNested(const DataType& type) {
  return type.id() == Type::LIST || type.id() == Type::MAP || type.id() == Type::STRUCT;
}
bool IsDate(const DataType& type) { return type.id() == Type::DATE32; }
bool IsBoolean(const DataType& type) { return type.id() == Type::BOOL; }
bool IsBinary(const DataType& type) { return type.id() == Type::BINARY_VIEW; }

// Whether some value of type `from` is an error in `to`.
bool CanFail(const DataType& from, const DataType& to) {
  if (from.id() == Type::NA || from.Equals(to) || data::IsString(to)) return false;
  if (IsNested(from)) {
    for (int i = 0; i < from.num_fields(); ++i) {
      if (CanFail(*from.field(i)->type(), *to.field(i)->type())) return true;
    }
    return false;
  }
  if (data::IsString(from)) return !IsBinary(to);
  if (IsBoolean(to)) return false;
  if (to.id() == Type::DATE32 || IsFloating(to)) return false;
  if (to.id() == Type::TIMESTAMP) return IsFloating(from);
  if (IsDecimal(to)) {
    if (IsBoolean(from)) return DecimalShape::Of(to).integral_digits() < 1;
    if (data::IsInteger(from) || IsDecimal(from)) {
      const DecimalShape source = DecimalShape::OfNumber(from);
      const DecimalShape target = DecimalShape::Of(to);
      // Cutting digits behind the point may carry into one more before it.
      const int carry = source.scale > target.scale ? 1 : 0;
      return source.integral_digits() + carry > target.integral_digits();
    }
    return true;
  }
  // To an integer.
  if (IsBoolean(from)) return false;
  if (data::IsInteger(from)) return from.bit_width() > to.bit_width();
  if (data::IsTimestamp(from)) return to.id() != Type::INT64;
  if (IsDecimal(from)) {
    const int digits = to.id() == Type::INT8    ? 2
                       : to.id() == Type::INT16 ? 4
                       : to.id() == Type::INT32 ? 9
                                                : 18;
    return DecimalShape::Of(from).integral_digits() > digits;
  }
  return true;
}

// What Spark says about a pair of types; Cast.canAnsiCast and
// Cast.typeCheckFailureMessage.
enum class Verdict { kAllowed, kForbidden, kWithoutAnsi, kWithFunction };

Verdict Judge(const DataType& from, const DataType& to, CastMode mode) {
  if (from.id() == Type::NA || from.Equals(to)) return Verdict::kAllowed;
  if (to.id() == Type::NA) return Verdict::kForbidden;
  if (data::IsString(to)) return Verdict::kAllowed;
  const auto allowed_if = [](bool allowed) {
    return allowed ? Verdict::kAllowed : Verdict::kForbidden;
  };
  if (IsNested(from) || IsNested(to)) {
    if (from.id() != to.id() || from.num_fields() != to.num_fields()) {
      return Verdict::kForbidden;
    }
    // Keys that TRY might make null.
    if (from.id() == Type::MAP && mode == CastMode::kTry &&
        CanFail(*static_cast<const arrow::MapType&>(from).key_type(),
                *static_cast<const arrow::MapType&>(to).key_type())) {
      return Verdict::kForbidden;
    }
    for (int i = 0; i < from.num_fields(); ++i) {
      const arrow::Field& source = *from.field(i);
      const arrow::Field& target = *to.field(i);
      if (source.nullable() && !target.nullable() && from.id() == Type::STRUCT) {
        return Verdict::kForbidden;
      }
      const Verdict verdict = Judge(*source.type(), *target.type(), mode);
      if (verdict != Verdict::kAllowed) return verdict;
    }
    return Verdict::kAllowed;
  }
  if (data::IsString(from)) {
    return allowed_if(to.id() != Type::DURATION && to.id() != Type::INTERVAL_MONTHS);
  }
  if (IsBinary(from)) return Verdict::kForbidden;

  const bool number_or_boolean = data::IsNumeric(to) || IsBoolean(to);
  if (IsBoolean(from)) {
    if (data::IsTimestamp(to)) return Verdict::kWithoutAnsi;
    return allowed_if(number_or_boolean);
  }
  if (data::IsNumeric(from)) {
    if (IsDate(to)) return Verdict::kWithFunction;
    if (IsBinary(to) && data::IsInteger(from)) return Verdict::kWithoutAnsi;
    return allowed_if(number_or_boolean || data::IsTimestamp(to));
  }
  if (IsDate(from)) {
    if (IsBoolean(to)) return Verdict::kWithoutAnsi;
    if (data::IsNumeric(to)) return Verdict::kWithFunction;
    return allowed_if(to.id() == Type::TIMESTAMP);
  }
  if (data::IsTimestamp(from)) {
    if (IsBoolean(to)) return Verdict::kWithoutAnsi;
    return allowed_if(data::IsNumeric(to) || IsDate(to) || to.id() == Type::TIMESTAMP);
  }
  if (data::IsTimestampNtz(from))
    return allowed_if(IsDate(to) || to.id() == Type::TIMESTAMP);
  return Verdict::kForbidden;
}

Status Refuse(Verdict verdict, const Expr& input, const DataType& to, CastMode mode) {
  const std::string source = data::SqlTypeName(*input.type());
  const std::string target = data::SqlTypeName(to);
  const std::string sql =
      IsNested(to)
          ? SqlText(input)
          : fmt::format("{}({} AS {})", mode == CastMode::kTry ? "TRY_CAST" : "CAST",
                        SqlText(input), target);
  const auto make = [&](std::string_view kind, std::string_view hint) {
    return AnalysisError(
               fmt::format("DATATYPE_MISMATCH.{}", kind), "42K09",
               "Cannot resolve \"{}\" due to data type mismatch: cannot cast \"{}\" "
               "to \"{}\"{}",
               sql, source, target, hint)
        .Param("sqlExpr", fmt::format("\"{}\"", sql))
        .Param("srcType", fmt::format("\"{}\"", source))
        .Param("targetType", fmt::format("\"{}\"", target));
  };
  if (verdict == Verdict::kWithoutAnsi) {
    return make("CAST_WITH_CONF_SUGGESTION",
                fmt::format(
                    " with ANSI mode on.\nIf you have to cast \"{}\" to \"{}\", you can "
                    "set \"spark.sql.ansi.enabled\" as 'false'.",
                    source, target))
        .Param("config", "\"spark.sql.ansi.enabled\"")
        .Param("configVal", "'false'");
  }
  if (verdict == Verdict::kWithFunction) {
    const std::string_view function =
        IsDate(to) ? "`DATE_FROM_UNIX_DATE`" : "`UNIX_DATE`";
    return make("CAST_WITH_FUNC_SUGGESTION",
                fmt::format(".\nTo convert values from \"{}\" to \"{}\", you can use the "
                            "functions {} instead.",
                            source, target, function))
        .Param("functionNames", std::string(function));
  }
  return make("CAST_WITHOUT_SUGGESTION", ".");
}

// Whether Spark takes the result for nullable though the input is not, ANSI or not;
// Cast.forceNullable. Schemas show it. Only NaN as a decimal really becomes null.
bool MayGiveNull(const DataType& from, const DataType& to) {
  if (from.id() == Type::NA || data::IsString(to)) return false;
  if (data::IsString(from)) return !IsBinary(to);
  if (IsDate(to)) return !data::IsTimestamp(from);
  if (data::IsTimestamp(from) && data::IsInteger(to)) return to.id() != Type::INT64;
  if (IsFloating(from) && to.id() == Type::TIMESTAMP) return true;
  if (IsDecimal(to) && !IsNested(from)) return IsFloating(from) || CanFail(from, to);
  return (IsFloating(from) || IsDecimal(from)) && data::IsInteger(to);
}

// Whether the result depends on the session's time zone (or on today).
bool NeedsZone(const DataType& from, const DataType& to) {
  if (from.Equals(to)) return false;
  if (IsNested(from) && IsNested(to)) {
    for (int i = 0; i < from.num_fields(); ++i) {
      if (NeedsZone(*from.field(i)->type(), *to.field(i)->type())) return true;
    }
    return false;
  }
  if (IsNested(from)) {  // to string
    for (const auto& field : from.fields()) {
      if (NeedsZone(*field->type(), to)) return true;
    }
    return false;
  }
  if (data::IsNumeric(from) || data::IsNumeric(to)) return false;
  return data::IsTimestamp(from) || data::IsTimestamp(to) ||
         (data::IsString(from) && IsDate(to));
}

}  // namespace

Kernel CastKernel(const data::TypePtr& from, const data::TypePtr& to, CastMode mode) {
  if (from->id() == Type::NA) {
    return [](const KernelInput& in) { return NullConstant(in.type); };
  }
  if (from->Equals(*to)) {
    return [](const KernelInput& in) -> Result<Value> { return in.args[0]; };
  }
  if (data::IsString(*to)) return TextCast(*from);
  if (IsNested(*from)) return NestedCast(from, to, mode);
  if (data::IsString(*from)) return ParseCast(*to, mode);
  if (from->id() == Type::TIMESTAMP || IsDate(*from) || to->id() == Type::TIMESTAMP) {
    return TimeCast(*from, *to, mode);
  }
  if (IsDecimal(*from) || IsDecimal(*to)) return DecimalCast(*from, *to, mode);
  return NumberCast(*from, *to, mode);
}

Result<ExprPtr> MakeCast(const ExprPtr& input, const data::TypePtr& to, CastMode mode) {
  const data::TypePtr& from = input->type();
  if (from->Equals(*to)) return input;
  const Verdict verdict = Judge(*from, *to, mode);
  if (verdict != Verdict::kAllowed) return Refuse(verdict, *input, *to, mode);

  const bool fails = CanFail(*from, *to);
  BoundFunction function;
  function.args = {input};
  function.type = to;
  function.nullable =
      input->nullable() || MayGiveNull(*from, *to) || (mode == CastMode::kTry && fails);
  function.can_fail = mode == CastMode::kAnsi && fails;
  function.foldable = !NeedsZone(*from, *to);
  function.kernel = CastKernel(from, to, mode);
  return MakeCall(mode == CastMode::kTry ? "try_cast" : "cast", std::move(function));
}

Status CastOverflow(std::string_view value, std::string_view from, std::string_view to) {
  return Error(Fault::kData,
               "The value {} of the type \"{}\" cannot be cast to \"{}\" due to an "
               "overflow. "
               "Use `try_cast` to tolerate overflow and return NULL instead.",
               value, from, to)
      .Class("CAST_OVERFLOW", "22003")
      .Java(kArithmeticException)
      .Param("value", std::string(value))
      .Param("ansiConfig", "\"spark.sql.ansi.enabled\"")
      .Param("sourceType", fmt::format("\"{}\"", from))
      .Param("targetType", fmt::format("\"{}\"", to));
}

Status CastInvalidInput(std::string_view value, std::string_view from,
                        std::string_view to) {
  // Spark throws a different class for each target.
  const std::string_view java = to == "DATE" || to.starts_with("TIMESTAMP")
                                    ? "org.apache.spark.SparkDateTimeException"
                                : to == "BOOLEAN"
                                    ? kSparkRuntimeException
                                    : "org.apache.spark.SparkNumberFormatException";
  return Error(Fault::kData,
               "The value {} of the type \"{}\" cannot be cast to \"{}\" because it is "
               "malformed. Correct the value as per the syntax, or change its target "
               "type. Use "
               "`try_cast` to tolerate malformed input and return NULL instead.",
               value, from, to)
      .Class("CAST_INVALID_INPUT", "22018")
      .Java(java)
      .Param("expression", std::string(value))
      .Param("ansiConfig", "\"spark.sql.ansi.enabled\"")
      .Param("sourceType", fmt::format("\"{}\"", from))
      .Param("targetType", fmt::format("\"{}\"", to));
}

}  // namespace millrace::expr
