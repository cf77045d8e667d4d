#include "expr/functions/typed_call.h"

#include <algorithm>

#include <arrow/type.h>

#include "expr/functions/bind.h"

namespace millrace::expr {

Result<ExprPtr> CastTo(std::string_view function, std::span<const ExprPtr> args,
                       size_t index, const Wanted& wanted) {
  if (wanted.type == nullptr) return args[index];
  return CastArgument(function, args, static_cast<int>(index), wanted.type, wanted.text);
}

Result<std::vector<ExprPtr>> CastArguments(std::string_view function,
                                           std::span<const ExprPtr> args,
                                           std::span<const Wanted> wanted) {
  std::vector<ExprPtr> cast;
  cast.reserve(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(
        ExprPtr arg, CastTo(function, args, i, wanted[std::min(i, wanted.size() - 1)]));
    cast.push_back(std::move(arg));
  }
  return cast;
}

BoundFunction MakeBound(std::vector<ExprPtr> args, data::TypePtr type, Kernel kernel,
                        const FunctionTraits& traits) {
  BoundFunction bound;
  bound.nullable = !traits.never_null && (traits.makes_nulls || AnyNullable(args));
  bound.args = std::move(args);
  bound.type = std::move(type);
  bound.can_fail = traits.can_fail;
  bound.deterministic = traits.deterministic;
  bound.foldable = traits.foldable;
  bound.kernel = std::move(kernel);
  return bound;
}

Result<BoundFunction> BindWith(std::string_view function, std::span<const ExprPtr> args,
                               std::initializer_list<Wanted> wanted, data::TypePtr type,
                               Kernel kernel, const FunctionTraits& traits) {
  MILLRACE_ASSIGN_OR_RETURN(
      std::vector<ExprPtr> cast,
      CastArguments(function, args, {wanted.begin(), wanted.size()}));
  return MakeBound(std::move(cast), std::move(type), std::move(kernel), traits);
}

Result<ExprPtr> TextOrBinary(std::string_view function, std::span<const ExprPtr> args,
                             size_t index) {
  if (args[index]->type()->id() == arrow::Type::BINARY_VIEW) return args[index];
  return CastTo(function, args, index,
                Wanted(data::StringType(), "(\"STRING\" or \"BINARY\")"));
}

}  // namespace millrace::expr
