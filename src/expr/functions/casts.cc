// int, bigint, string …: casts by the name of their type.
#include <arrow/type.h>

#include "expr/functions/bind.h"
#include "expr/functions/tables.h"

namespace millrace::expr {
namespace {

using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

Bound ToBoolean(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::BooleanType()));
}
Bound ToTinyint(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], arrow::int8()));
}
Bound ToSmallint(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], arrow::int16()));
}
Bound ToInt(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::IntType()));
}
Bound ToBigint(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::LongType()));
}
Bound ToFloat(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], arrow::float32()));
}
Bound ToDouble(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::DoubleType()));
}
Bound ToDecimal(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::DecimalOf(10, 0)));
}
Bound ToDate(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::DateType()));
}
Bound ToTimestamp(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::TimestampType()));
}
Bound ToBinary(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::BinaryType()));
}
Bound ToString(Args args, const BindContext&) {
  return Replace(MakeCast(args[0], data::StringType()));
}

constexpr FunctionSpec kFunctions[] = {
    {"boolean", 1, 1, ToBoolean, "The value as boolean.", "boolean('yes') → true"},
    {"tinyint", 1, 1, ToTinyint, "The value as tinyint.", "tinyint('5') → 5"},
    {"smallint", 1, 1, ToSmallint, "The value as smallint.", "smallint(5) → 5"},
    {"int", 1, 1, ToInt, "The value as int.", "int('5') → 5"},
    {"bigint", 1, 1, ToBigint, "The value as bigint.", "bigint(' 5') → 5"},
    {"float", 1, 1, ToFloat, "The value as float.", "float(1) → 1.0"},
    {"double", 1, 1, ToDouble, "The value as double.", "double('1e3') → 1000.0"},
    {"decimal", 1, 1, ToDecimal, "The value as decimal(10,0).", "decimal('1.5') → 2"},
    {"date", 1, 1, ToDate, "The value as date.", "date('2024') → 2024-01-01"},
    {"timestamp", 1, 1, ToTimestamp, "The value as timestamp.",
     "timestamp('2024-01-01') → 2024-01-01 00:00:00"},
    {"binary", 1, 1, ToBinary, "The value as binary.", "binary('a') → a"},
    {"string", 1, 1, ToString, "The value as string.", "string(1.0D) → 1.0"},
};

}  // namespace

std::span<const FunctionSpec> CastFunctions() { return kFunctions; }

}  // namespace millrace::expr
