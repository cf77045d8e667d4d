// = == <=> < <= > >= != between in
#include <arrow/type.h>

#include <unordered_set>

#include "expr/argument_errors.h"
#include "expr/compare.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

// Casts the operands to their common orderable type. Structs meet by position: field
// names may differ.
Result<std::vector<ExprPtr>> ComparedOperands(std::string_view name, Args args) {
  std::vector<ExprPtr> operands(args.begin(), args.end());
  if (!SameStructure(*args[0]->type(), *args[1]->type())) {
    MILLRACE_ASSIGN_OR_RETURN(operands, CastOperands(name, args));
  }
  if (!IsOrderable(*operands[0]->type())) {
    return NotOrderable(name, args, *operands[0]->type());
  }
  return operands;
}

Bound BindComparison(std::string_view name, Comparison comparison, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, ComparedOperands(name, args));
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = AnyNullable(operands);
  function.kernel = ComparisonKernel(comparison, *operands[0]->type());
  function.args = std::move(operands);
  return function;
}

Bound BindEqual(Args args, const BindContext&) {
  return BindComparison("=", Comparison::kEqual, args);
}
Bound BindNotEqual(Args args, const BindContext&) {
  return BindComparison("!=", Comparison::kNotEqual, args);
}
Bound BindLess(Args args, const BindContext&) {
  return BindComparison("<", Comparison::kLess, args);
}
Bound BindLessEqual(Args args, const BindContext&) {
  return BindComparison("<=", Comparison::kLessEqual, args);
}
Bound BindGreater(Args args, const BindContext&) {
  return BindComparison(">", Comparison::kGreater, args);
}
Bound BindGreaterEqual(Args args, const BindContext&) {
  return BindComparison(">=", Comparison::kGreaterEqual, args);
}

Bound BindNullSafeEqual(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> operands, ComparedOperands("<=>", args));
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = false;
  function.kernel = NullSafeEqualKernel(*operands[0]->type());
  function.args = std::move(operands);
  return function;
}

Bound BindBetween(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr low, MakeCall(">=", {args[0], args[1]}, context));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr high, MakeCall("<=", {args[0], args[2]}, context));
  return Replace(MakeCall("and", {std::move(low), std::move(high)}, context));
}

// From this many values on, constants are looked up rather than compared one by one.
constexpr size_t kLookupThreshold = 8;

// Constants of one type that hash; the lookup of `x IN (…)`.
template <typename T>
class ConstantSet {
 public:
  explicit ConstantSet(std::span<const Value> values) {
    for (const Value& value : values) {
      const Reader<T> reader(value);
      if (reader.IsNull(0)) {
        has_null_ = true;
      } else {
        values_.insert(reader[0]);
      }
    }
  }

  Result<Value> Find(const KernelInput& in) const {
    const KernelInput first{in.args.first(1), in.rows, in.context, in.type};
    if (!has_null_) {
      return MapRows<bool, T>(first,
                              [this](const T& value) { return values_.contains(value); });
    }
    return MapRows<bool, T>(first, [this](const T& value) {
      return values_.contains(value) ? std::optional<bool>(true) : std::nullopt;
    });
  }

 private:
  std::unordered_set<T> values_;
  bool has_null_ = false;
};

bool CanHash(const arrow::DataType& type) {
  return type.id() != arrow::Type::FLOAT && type.id() != arrow::Type::DOUBLE;
}

// True where a value is equal, null where none is but one of them (or the first argument)
// is null, else false.
Result<Value> CompareOneByOne(const KernelInput& in, const Kernel& equal) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  std::vector<uint8_t> found(static_cast<size_t>(rows), 0);
  std::vector<uint8_t> unknown(static_cast<size_t>(rows), 0);
  for (const Value& item : in.args.subspan(1)) {
    const Value pair[] = {in.args[0], item};
    MILLRACE_ASSIGN_OR_RETURN(const Value equals,
                              equal(KernelInput{pair, rows, in.context, in.type}));
    const Reader<bool> reader(equals);
    for (int64_t row = 0; row < rows; ++row) {
      const auto at = static_cast<size_t>(row);
      const bool null = reader.IsNull(row);
      unknown[at] |= static_cast<uint8_t>(null);
      found[at] |= static_cast<uint8_t>(!null && reader[row]);
    }
  }
  FixedOutput<bool> bits;
  FixedOutput<bool> valid;
  MILLRACE_RETURN_IF_ERROR(bits.Allocate(rows));
  MILLRACE_RETURN_IF_ERROR(valid.Allocate(rows));
  bits.Generate(rows, [&](int64_t row) { return found[static_cast<size_t>(row)] != 0; });
  valid.Generate(rows, [&](int64_t row) {
    const auto at = static_cast<size_t>(row);
    return found[at] != 0 || unknown[at] == 0;
  });
  return MakeValue(in.type, rows, constant, valid.Finish(), bits.Finish());
}

Kernel InKernel(const data::TypePtr& type) {
  return [type, equal = ComparisonKernel(Comparison::kEqual, *type)](
             const KernelInput& in) -> Result<Value> {
    const std::span<const Value> items = in.args.subspan(1);
    if (items.size() < kLookupThreshold || !AllConstant(items)) {
      return CompareOneByOne(in, equal);
    }
    if (data::IsString(*type)) return ConstantSet<std::string_view>(items).Find(in);
    Result<Value> result = Value{};
    const bool number =
        CanHash(*type) && VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
          result = ConstantSet<T>(items).Find(in);
        });
    return number ? result : CompareOneByOne(in, equal);
  };
}

Bound BindIn(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            CastToCommonType("in", args, args));
  if (!IsOrderable(*cast[0]->type())) return NotOrderable("in", args, *cast[0]->type());
  BoundFunction function;
  function.type = data::BooleanType();
  function.nullable = AnyNullable(cast);
  function.kernel = InKernel(cast[0]->type());
  function.args = std::move(cast);
  return function;
}

constexpr FunctionSpec kFunctions[] = {
    {"=", 2, 2, BindEqual, "Whether two values are equal.", "1 = 2 → false"},
    {"==", 2, 2, BindEqual, "Whether two values are equal.", "'a' == 'a' → true"},
    {"!=", 2, 2, BindNotEqual, "Whether two values differ.", "1 != 2 → true"},
    {"<=>", 2, 2, BindNullSafeEqual, "Whether two values are equal; null equals null.",
     "NULL <=> NULL → true"},
    {"equal_null", 2, 2, BindNullSafeEqual, "The same as <=>.",
     "equal_null(NULL, 3) → false"},
    {"<", 2, 2, BindLess, "Whether the first value is less.", "1 < 2 → true"},
    {"<=", 2, 2, BindLessEqual, "Whether the first value is less or equal.",
     "'b' <= 'a' → false"},
    {">", 2, 2, BindGreater, "Whether the first value is greater.", "2 > 1 → true"},
    {">=", 2, 2, BindGreaterEqual, "Whether the first value is greater or equal.",
     "1 >= 1 → true"},
    {"between", 3, 3, BindBetween,
     "Whether a value lies between two others or equals one.", "between(2, 1, 3) → true"},
    {"in", 1, -1, BindIn, "Whether a value equals one of several.",
     "in(3, 1, 2, 3) → true"},
};

}  // namespace

std::span<const FunctionSpec> ComparisonFunctions() { return kFunctions; }

}  // namespace millrace::expr
