// if when (CASE) greatest least
#include <arrow/type.h>

#include "expr/argument_errors.h"
#include "expr/compare.h"
#include "expr/conditional.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using arrow::Type;
using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

bool IsTrue(const ExprPtr& condition) {
  const auto* literal = dynamic_cast<const Literal*>(condition.get());
  return literal != nullptr && literal->type()->id() == Type::BOOL &&
         !literal->is_null() && Reader<bool>(Value{literal->value(), true})[0];
}

// CASE over conditions that are boolean and values that have a common type.
Bound MakeCase(std::string_view name, std::vector<ExprPtr> args, Args original) {
  std::vector<ExprPtr> values;
  for (size_t i = 1; i < args.size(); i += 2) values.push_back(args[i]);
  const bool has_else = args.size() % 2 == 1;
  if (has_else) values.push_back(args.back());
  MILLRACE_ASSIGN_OR_RETURN(values, CastToCommonType(name, values, original));
  for (size_t i = 1; i < args.size(); i += 2) args[i] = values[i / 2];
  if (has_else) args.back() = values.back();

  BoundFunction function;
  function.type = values[0]->type();
  // What stands behind a condition that is always true is never looked at.
  size_t reached = values.size();
  bool ends = has_else;
  for (size_t i = 0; i + 1 < args.size() && reached == values.size(); i += 2) {
    if (!IsTrue(args[i])) continue;
    reached = i / 2 + 1;
    ends = true;
  }
  function.nullable = !ends || AnyNullable(std::span(values).first(reached));
  function.lazy_kernel = EvaluateCase;
  function.args = std::move(args);
  return function;
}

Bound BindIf(Args args, const BindContext&) {
  const Type::type condition = args[0]->type()->id();
  if (condition != Type::BOOL && condition != Type::NA) {
    return UnexpectedInputType("if", args, 0, "\"BOOLEAN\"");
  }
  std::vector<ExprPtr> parts(args.begin(), args.end());
  MILLRACE_ASSIGN_OR_RETURN(parts[0], MakeCast(args[0], data::BooleanType()));
  return MakeCase("if", std::move(parts), args);
}

Bound BindWhen(Args args, const BindContext&) {
  for (size_t i = 0; i + 1 < args.size(); i += 2) {
    if (args[i]->type()->id() != Type::BOOL) {
      return UnexpectedInputType("when", args, static_cast<int>(i), "\"BOOLEAN\"",
                                 static_cast<int>(i / 2));
    }
  }
  return MakeCase("when", std::vector<ExprPtr>(args.begin(), args.end()), args);
}

// For each row the greatest (or least) argument that is not null.
Kernel ExtremeKernel(bool greatest) {
  return [greatest](const KernelInput& in) -> Result<Value> {
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    std::vector<data::ArrayPtr> arrays;
    std::vector<int64_t> begins;
    int64_t total = 0;
    for (const Value& arg : in.args) {
      begins.push_back(total);
      total += arg.array->length();
      arrays.push_back(arg.array);
    }
    std::vector<NullReader> nulls(in.args.begin(), in.args.end());
    std::vector<int32_t> chosen(static_cast<size_t>(rows), -1);
    for (int64_t row = 0; row < rows; ++row) {
      int best = -1;
      for (int i = 0; i < static_cast<int>(in.args.size()); ++i) {
        if (nulls[i].IsNull(row)) continue;
        if (best >= 0) {
          const int order = CompareValues(*arrays[i], in.args[i].index(row),
                                          *arrays[best], in.args[best].index(row));
          if (greatest ? order <= 0 : order >= 0) continue;
        }
        best = i;
      }
      if (best >= 0) {
        chosen[static_cast<size_t>(row)] =
            static_cast<int32_t>(begins[best] + in.args[best].index(row));
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr all, data::Concat(arrays));
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr result, data::Take(*all, chosen));
    return Value{std::move(result), constant};
  };
}

// Two numbers, without picking rows.
template <typename T>
Kernel NumberExtremeKernel(bool greatest) {
  return [greatest](const KernelInput& in) -> Result<Value> {
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    std::vector<Reader<T>> readers(in.args.begin(), in.args.end());
    FixedOutput<T> out;
    FixedOutput<bool> valid;
    MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
    MILLRACE_RETURN_IF_ERROR(valid.Allocate(rows));
    for (int64_t row = 0; row < rows; ++row) {
      bool found = false;
      T best{};
      for (const Reader<T>& reader : readers) {
        if (reader.IsNull(row)) continue;
        const T value = reader[row];
        // NaN is above all numbers.
        const bool above = value > best || (value != value && best == best);
        const bool below = value < best || (best != best && value == value);
        if (!found || (greatest ? above : below)) best = value;
        found = true;
      }
      out.Set(row, best);
      valid.Set(row, found);
    }
    return MakeValue(in.type, rows, constant, valid.Finish(), out.Finish());
  };
}

Bound BindExtreme(std::string_view name, bool greatest, Args args) {
  // Unlike coalesce these do not read strings as other types.
  bool string = false;
  bool other = false;
  for (const ExprPtr& arg : args) {
    const bool is_string = data::IsString(*arg->type());
    string = string || is_string;
    other = other || (!is_string && arg->type()->id() != Type::NA);
  }
  if (string && other) return ArgumentsDiffer(name, args, args);
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            CastToCommonType(name, args, args));
  const arrow::DataType& type = *cast[0]->type();
  if (!IsOrderable(type)) return NotOrderable(name, args, type);
  BoundFunction function;
  function.type = cast[0]->type();
  function.nullable = std::all_of(cast.begin(), cast.end(),
                                  [](const ExprPtr& arg) { return arg->nullable(); });
  function.kernel = ExtremeKernel(greatest);
  VisitNumber(type, [&]<typename T>(std::type_identity<T>) {
    function.kernel = NumberExtremeKernel<T>(greatest);
  });
  function.args = std::move(cast);
  return function;
}

Bound BindGreatest(Args args, const BindContext&) {
  return BindExtreme("greatest", true, args);
}
Bound BindLeast(Args args, const BindContext&) {
  return BindExtreme("least", false, args);
}

constexpr FunctionSpec kFunctions[] = {
    {"if", 3, 3, BindIf, "The second value where the first is true, else the third.",
     "if(true, 1, 2) → 1"},
    {"when", 2, -1, BindWhen,
     "CASE: the value after the first condition that is true, else the last value.",
     "when(false, 1, true, 2, 3) → 2"},
    {"greatest", 2, -1, BindGreatest, "The greatest value; nulls are skipped.",
     "greatest(1, NULL, 3) → 3"},
    {"least", 2, -1, BindLeast, "The least value; nulls are skipped.", "least(1, 2) → 1"},
};

}  // namespace

std::span<const FunctionSpec> ConditionalFunctions() { return kFunctions; }

}  // namespace millrace::expr
