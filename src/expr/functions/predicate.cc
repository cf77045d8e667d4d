// and or not ! isnull isnotnull isnan
#include <cmath>

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

Bound BindLogic(std::string_view name, LazyKernel kernel, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, CastOperands(name, args));
  if (operands[0]->type()->id() == arrow::Type::NA) {
    operands = {MakeNull(data::BooleanType()), MakeNull(data::BooleanType())};
  }
  if (operands[0]->type()->id() != arrow::Type::BOOL) {
    return WrongOperandType(name, args, "\"BOOLEAN\"", *operands[0]->type());
  }
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = AnyNullable(operands);
  function.lazy_kernel = std::move(kernel);
  function.args = std::move(operands);
  return function;
}

Bound BindAnd(Args args, const BindContext&) {
  return BindLogic("and", EvaluateAnd, args);
}
Bound BindOr(Args args, const BindContext&) { return BindLogic("or", EvaluateOr, args); }

Bound BindNot(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr operand,
                            CastArgument("not", args, 0, data::BooleanType()));
  if (data::IsNumeric(*args[0]->type())) {
    return UnexpectedInputType("not", args, 0, "\"BOOLEAN\"");
  }
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = operand->nullable();
  function.kernel = UnaryKernel<bool, bool>([](bool value) { return !value; });
  function.args = {std::move(operand)};
  return function;
}

Bound BindBang(Args args, const BindContext& context) {
  return Replace(MakeCall("not", {args[0]}, context));
}

// Whether values are null, or whether they are not.
Kernel NullKernel(bool wanted) {
  return [wanted](const KernelInput& in) -> Result<Value> {
    const bool constant = in.args[0].constant;
    const int64_t rows = constant ? 1 : in.rows;
    const NullReader nulls(in.args[0]);
    FixedOutput<bool> out;
    MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
    if (!nulls.has_nulls()) {
      out.Generate(rows, [wanted](int64_t) { return !wanted; });
    } else {
      out.Generate(rows, [&](int64_t row) { return nulls.IsNull(row) == wanted; });
    }
    return MakeValue(in.type, rows, constant, nullptr, out.Finish());
  };
}

Bound BindNullTest(bool wanted, Args args) {
  BoundFunction function;
  function.args = {args[0]};
  function.type = data::BooleanType();
  function.nullable = false;
  function.kernel = NullKernel(wanted);
  return function;
}

Bound BindIsNull(Args args, const BindContext&) { return BindNullTest(true, args); }
Bound BindIsNotNull(Args args, const BindContext&) { return BindNullTest(false, args); }

// NaN only; null is not NaN, and the result never null.
template <typename T>
Result<Value> IsNan(const KernelInput& in) {
  const bool constant = in.args[0].constant;
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<T> values(in.args[0]);
  FixedOutput<bool> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  out.Generate(
      rows, [&](int64_t row) { return !values.IsNull(row) && std::isnan(values[row]); });
  return MakeValue(in.type, rows, constant, nullptr, out.Finish());
}

Bound BindIsNan(Args args, const BindContext&) {
  const bool is_float = args[0]->type()->id() == arrow::Type::FLOAT;
  MILLRACE_ASSIGN_OR_RETURN(
      ExprPtr operand,
      CastArgument("isnan", args, 0, is_float ? args[0]->type() : data::DoubleType(),
                   "(\"DOUBLE\" or \"FLOAT\")"));
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = false;
  function.kernel = is_float ? IsNan<float> : IsNan<double>;
  function.args = {std::move(operand)};
  return function;
}

constexpr FunctionSpec kFunctions[] = {
    {"and", 2, 2, BindAnd, "Whether both are true; false wins over null.",
     "and(false, NULL) → false"},
    {"or", 2, 2, BindOr, "Whether one is true; true wins over null.",
     "or(NULL, true) → true"},
    {"not", 1, 1, BindNot, "The opposite.", "not(true) → false"},
    {"!", 1, 1, BindBang, "The opposite.", "!false → true"},
    {"isnull", 1, 1, BindIsNull, "Whether the value is null.", "isnull(NULL) → true"},
    {"isnotnull", 1, 1, BindIsNotNull, "Whether the value is not null.",
     "isnotnull(NULL) → false"},
    {"isnan", 1, 1, BindIsNan, "Whether the value is NaN; false for null.",
     "isnan('NaN') → true"},
};

}  // namespace

std::span<const FunctionSpec> PredicateFunctions() { return kFunctions; }

}  // namespace millrace::expr
