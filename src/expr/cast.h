// Conversions between types: CAST, and the ones Spark inserts by itself.
#pragma once

#include "expr/expr.h"

namespace millrace::expr {

enum class CastMode {
  kAnsi,  // CAST: a value that does not fit is an error (CAST_INVALID_INPUT,
          // CAST_OVERFLOW, …)
  kTry,   // TRY_CAST: it gives null
};

/// Spark's Cast under ANSI. Returns `input` itself where the type is the same. Errors:
/// DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION / 42K09 for a pair Spark forbids.
Result<ExprPtr> MakeCast(const ExprPtr& input, const data::TypePtr& to,
                         CastMode mode = CastMode::kAnsi);

/// Spark's AnsiTypeCoercion for arguments that must have one type (coalesce, CASE, array
/// …): the type all are cast to, or nothing where there is none. Null takes the other's
/// type, a string is read as the other's type.
std::optional<data::TypePtr> WidestType(const data::TypePtr& a, const data::TypePtr& b);
/// The same for the two operands of an operator: there strings inside arrays, maps and
/// structs meet only strings.
std::optional<data::TypePtr> CommonType(const ExprPtr& a, const ExprPtr& b);

/// Casts where Spark's implicit casts allow it (int to bigint, a string literal to
/// timestamp …); nothing where not.
std::optional<ExprPtr> ImplicitCast(const ExprPtr& input, const data::TypePtr& to);

}  // namespace millrace::expr
