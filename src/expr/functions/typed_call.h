// What most binders do: cast the arguments to the types a function wants, and pair them
// with a kernel.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "expr/function.h"

namespace millrace::expr {

/// How a bound function differs from the plain one: null only where an argument is, never
/// failing, deterministic and foldable.
struct FunctionTraits {
  bool makes_nulls = false;
  bool never_null = false;
  bool can_fail = false;
  bool deterministic = true;
  bool foldable = true;
};

/// A type an argument is cast to. Optional arguments that are missing are not looked at.
struct Wanted {
  data::TypePtr type;          // none: the argument stays as it is
  std::string_view text = "";  // as the error names it; empty: the name of `type`

  Wanted(data::TypePtr t, std::string_view in_words = "")  // NOLINT: implicit by design
      : type(std::move(t)), text(in_words) {}
};

/// Spark's implicit cast of args[index], or DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE.
Result<ExprPtr> CastTo(std::string_view function, std::span<const ExprPtr> args,
                       size_t index, const Wanted& wanted);

/// Casts args[i] to wanted[i]; arguments beyond `wanted` to its last.
Result<std::vector<ExprPtr>> CastArguments(std::string_view function,
                                           std::span<const ExprPtr> args,
                                           std::span<const Wanted> wanted);

/// A call with cast arguments.
BoundFunction MakeBound(std::vector<ExprPtr> args, data::TypePtr type, Kernel kernel,
                        const FunctionTraits& traits = {});

/// CastArguments and MakeBound.
Result<BoundFunction> BindWith(std::string_view function, std::span<const ExprPtr> args,
                               std::initializer_list<Wanted> wanted, data::TypePtr type,
                               Kernel kernel, const FunctionTraits& traits = {});

/// args[index] as binary if it is, otherwise as string.
Result<ExprPtr> TextOrBinary(std::string_view function, std::span<const ExprPtr> args,
                             size_t index = 0);

}  // namespace millrace::expr
