// Inside the cast_*.cc files: the kernels of casts, by what they read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/cast.h"
#include "expr/kernel.h"

namespace millrace::expr {

/// The kernel of a cast Spark allows; what it gives is exactly of type `to`.
Kernel CastKernel(const data::TypePtr& from, const data::TypePtr& to, CastMode mode);

/// From booleans, integers and floating point to each other.
Kernel NumberCast(const arrow::DataType& from, const arrow::DataType& to, CastMode mode);
/// From or to a decimal, the other one being a number or a boolean.
Kernel DecimalCast(const arrow::DataType& from, const arrow::DataType& to, CastMode mode);
/// From or to a date or timestamp, the other one being such a one or a number.
Kernel TimeCast(const arrow::DataType& from, const arrow::DataType& to, CastMode mode);
/// From a string to anything atomic.
Kernel ParseCast(const arrow::DataType& to, CastMode mode);
/// From anything to string.
Kernel TextCast(const arrow::DataType& from);
/// Between arrays, maps, structs.
Kernel NestedCast(const data::TypePtr& from, const data::TypePtr& to, CastMode mode);

/// CAST_OVERFLOW; `value` as SqlValue shows it.
Status CastOverflow(std::string_view value, std::string_view from, std::string_view to);
/// CAST_INVALID_INPUT.
Status CastInvalidInput(std::string_view value, std::string_view from,
                        std::string_view to);

/// A kernel of `convert(In, Out*) -> bool`. Where that says no, TRY gives null and ANSI
/// the error `fail(In)`.
template <typename Out, typename In, typename F, typename E>
Kernel FallibleCast(CastMode mode, F convert, E fail) {
  if (mode == CastMode::kAnsi) {
    return CheckedKernel<Out, In>(std::move(convert), std::move(fail));
  }
  return UnaryKernel<In, Out>(
      [convert = std::move(convert)](const In& value) -> std::optional<Out> {
        Out result{};
        if (!convert(value, &result)) return std::nullopt;
        return result;
      });
}

}  // namespace millrace::expr
