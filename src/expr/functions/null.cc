// coalesce ifnull nvl nvl2 nullif nanvl nullifzero zeroifnull
#include <arrow/type.h>

#include "expr/argument_errors.h"
#include "expr/conditional.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

Bound BindCoalesce(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            CastToCommonType("coalesce", args, args));
  BoundFunction function;
  function.type = cast[0]->type();
  function.nullable = std::all_of(cast.begin(), cast.end(),
                                  [](const ExprPtr& arg) { return arg->nullable(); });
  function.lazy_kernel = EvaluateCoalesce;
  function.args = std::move(cast);
  return function;
}

Bound BindNvl(Args args, const BindContext& context) {
  return Replace(MakeCall("coalesce", {args[0], args[1]}, context));
}

Bound BindNvl2(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr present, MakeCall("isnotnull", {args[0]}, context));
  return Replace(MakeCall("if", {std::move(present), args[1], args[2]}, context));
}

// Keeps the first argument's values where the second, a boolean, is not true.
Result<Value> KeepUnless(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<bool> drop(in.args[1]);
  std::vector<int32_t> kept(static_cast<size_t>(rows));
  bool all = true;
  for (int64_t row = 0; row < rows; ++row) {
    const bool dropped = !drop.IsNull(row) && drop[row];
    all = all && !dropped;
    kept[static_cast<size_t>(row)] =
        dropped ? -1 : static_cast<int32_t>(in.args[0].index(row));
  }
  if (all) return in.args[0];
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values, data::Take(*in.args[0].array, kept));
  return Value{std::move(values), constant};
}

Bound BindNullif(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr equal, MakeCall("=", {args[0], args[1]}, context));
  BoundFunction function;
  function.args = {args[0], std::move(equal)};
  function.type = args[0]->type();
  function.kernel = KeepUnless;
  return function;
}

Bound BindNullifzero(Args args, const BindContext& context) {
  return BindNullif(std::vector<ExprPtr>{args[0], MakeInt(0)}, context);
}

Bound BindZeroifnull(Args args, const BindContext& context) {
  return Replace(MakeCall("coalesce", {args[0], MakeInt(0)}, context));
}

Bound BindNanvl(Args args, const BindContext&) {
  const auto is_float = [](const ExprPtr& arg) {
    return arg->type()->id() == arrow::Type::FLOAT;
  };
  const bool floats = is_float(args[0]) && is_float(args[1]);
  BoundFunction function;
  function.type = floats ? args[0]->type() : data::DoubleType();
  for (int i = 0; i < 2; ++i) {
    MILLRACE_ASSIGN_OR_RETURN(
        ExprPtr operand,
        CastArgument("nanvl", args, i, function.type, "(\"DOUBLE\" or \"FLOAT\")"));
    function.args.push_back(std::move(operand));
  }
  function.nullable = AnyNullable(function.args);
  function.lazy_kernel = EvaluateNanvl;
  return function;
}

constexpr FunctionSpec kFunctions[] = {
    {"coalesce", 1, -1, BindCoalesce, "The first value that is not null.",
     "coalesce(NULL, 1) → 1"},
    {"ifnull", 2, 2, BindNvl, "The first value, or the second where that is null.",
     "ifnull(NULL, 2) → 2"},
    {"nvl", 2, 2, BindNvl, "The first value, or the second where that is null.",
     "nvl(NULL, 'x') → x"},
    {"nvl2", 3, 3, BindNvl2,
     "The second value where the first is not null, else the third.",
     "nvl2(NULL, 1, 2) → 2"},
    {"nullif", 2, 2, BindNullif, "The first value, or null where it equals the second.",
     "nullif(1, 1) → NULL"},
    {"nullifzero", 1, 1, BindNullifzero, "The value, or null where it is zero.",
     "nullifzero(0) → NULL"},
    {"zeroifnull", 1, 1, BindZeroifnull, "The value, or zero where it is null.",
     "zeroifnull(NULL) → 0"},
    {"nanvl", 2, 2, BindNanvl, "The first value, or the second where that is NaN.",
     "nanvl('NaN', 2) → 2.0"},
};

}  // namespace

std::span<const FunctionSpec> NullFunctions() { return kFunctions; }

}  // namespace millrace::expr
