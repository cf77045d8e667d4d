#include "expr/functions/bind.h"

#include <algorithm>

#include "expr/argument_errors.h"

namespace millrace::expr {

Result<std::vector<ExprPtr>> CastToCommonType(std::string_view function,
                                              std::span<const ExprPtr> args,
                                              std::span<const ExprPtr> all) {
  data::TypePtr type = args[0]->type();
  for (const ExprPtr& arg : args.subspan(1)) {
    std::optional<data::TypePtr> wider = WidestType(type, arg->type());
    if (!wider.has_value()) return ArgumentsDiffer(function, all, args);
    type = *std::move(wider);
  }
  std::vector<ExprPtr> cast;
  cast.reserve(args.size());
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr one, MakeCast(arg, type));
    cast.push_back(std::move(one));
  }
  return cast;
}

Result<std::vector<ExprPtr>> CastOperands(std::string_view function,
                                          std::span<const ExprPtr> args) {
  const std::optional<data::TypePtr> type = CommonType(args[0], args[1]);
  if (!type.has_value()) return OperandsDiffer(function, args[0], args[1]);
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr left, MakeCast(args[0], *type));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr right, MakeCast(args[1], *type));
  return std::vector<ExprPtr>{std::move(left), std::move(right)};
}

Result<ExprPtr> CastArgument(std::string_view function, std::span<const ExprPtr> args,
                             int index, const data::TypePtr& type,
                             std::string_view wanted) {
  std::optional<ExprPtr> cast = ImplicitCast(args[static_cast<size_t>(index)], type);
  if (cast.has_value()) return *std::move(cast);
  const std::string own = fmt::format("\"{}\"", data::SqlTypeName(*type));
  return UnexpectedInputType(function, args, index, wanted.empty() ? own : wanted);
}

Result<BoundFunction> Replace(Result<ExprPtr> expr) {
  if (!expr.ok()) return expr.status();
  BoundFunction function;
  function.replacement = *std::move(expr);
  return function;
}

bool AnyNullable(std::span<const ExprPtr> args) {
  return std::any_of(args.begin(), args.end(),
                     [](const ExprPtr& arg) { return arg->nullable(); });
}

}  // namespace millrace::expr
