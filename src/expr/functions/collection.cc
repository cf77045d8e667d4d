// Functions of arrays. What equals what is as in compare.h: NaN equals NaN, 0.0 equals
// -0.0.
#include <algorithm>
#include <numeric>

#include <absl/container/flat_hash_set.h>

#include "base/error.h"
#include "expr/aggregates/value_codec.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/compare.h"
#include "expr/functions/collection.h"
#include "expr/functions/comparator_sort.h"
#include "expr/functions/lambda_call.h"
#include "expr/functions/lists.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;
using arrow::Type;

bool IsVoid(const ExprPtr& arg) { return arg->type()->id() == Type::NA; }
bool IsList(const ExprPtr& arg) { return arg->type()->id() == Type::LIST; }

const arrow::ListType& ListOf(const ExprPtr& arg) {
  return static_cast<const arrow::ListType&>(*arg->type());
}
const data::TypePtr& ElementType(const ExprPtr& arg) { return ListOf(arg).value_type(); }
bool HasNulls(const ExprPtr& arg) { return ListOf(arg).value_field()->nullable(); }

// A call that is null whatever comes.
BoundFunction AlwaysNull(data::TypePtr type) {
  return MakeBound({}, std::move(type),
                   [](const KernelInput& in) { return NullConstant(in.type); },
                   {.makes_nulls = true});
}

Status NotAnArray(Text name, Args args, int index = 0) {
  return UnexpectedInputType(name, args, index, "\"ARRAY\"");
}

Status NoNullType(Text name, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  return AnalysisError(
             "DATATYPE_MISMATCH.NULL_TYPE", "42K09",
             "Cannot resolve {} due to data type mismatch: Null typed values cannot "
             "be used as arguments of `{}`.",
             sql, name)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("sqlExpr", sql);
}

Status ElementsDiffer(Text name, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  const std::string left = fmt::format("\"{}\"", data::SqlTypeName(*args[0]->type()));
  const std::string right = fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type()));
  return AnalysisError(
             "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES", "42K09",
             "Cannot resolve {} due to data type mismatch: Input to `{}` should have "
             "been \"ARRAY\" followed by a value with same element type, but it's "
             "[{}, {}].",
             sql, name, left, right)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("dataType", "\"ARRAY\"")
      .Param("leftType", left)
      .Param("rightType", right)
      .Param("sqlExpr", sql);
}

Status BinaryArraysDiffer(Text name, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  const std::string left = fmt::format("\"{}\"", data::SqlTypeName(*args[0]->type()));
  const std::string right = fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type()));
  return AnalysisError(
             "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES", "42K09",
             "Cannot resolve {} due to data type mismatch: Input to function `{}` "
             "should have been two \"ARRAY\" with same element type, but it's [{}, "
             "{}].",
             sql, name, left, right)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("arrayType", "\"ARRAY\"")
      .Param("leftType", left)
      .Param("rightType", right)
      .Param("sqlExpr", sql);
}

// The type two elements share without turning numbers into text or digits into decimals:
// Spark's findTightestCommonType.
std::optional<data::TypePtr> TightestType(const data::TypePtr& a,
                                          const data::TypePtr& b) {
  const auto kind = [](const arrow::DataType& type) {
    if (data::IsString(type)) return 1;
    return type.id() == Type::DECIMAL128 ? 2 : 0;
  };
  if (a->id() == Type::NA) return b;
  if (b->id() == Type::NA || SameType(*a, *b)) return a;
  if (a->id() == Type::LIST && b->id() == Type::LIST) {
    const auto element =
        TightestType(static_cast<const arrow::ListType&>(*a).value_type(),
                     static_cast<const arrow::ListType&>(*b).value_type());
    if (!element.has_value()) return std::nullopt;
  } else if (kind(*a) != kind(*b) || kind(*a) == 2) {
    const auto wider = WidestType(a, b);
    const bool one_holds_both = kind(*a) != 1 && kind(*b) != 1 && wider.has_value() &&
                                (SameType(**wider, *a) || SameType(**wider, *b));
    return one_holds_both ? wider : std::nullopt;
  }
  return WidestType(a, b);
}

// An array and a value, both cast to the element type they share.
Result<std::vector<ExprPtr>> ArrayAndElement(Text name, Args args) {
  if (IsVoid(args[0]) || IsVoid(args[1])) return NoNullType(name, args);
  if (!IsList(args[0])) return NotAnArray(name, args);
  const auto element = TightestType(ElementType(args[0]), args[1]->type());
  if (!element.has_value()) return ElementsDiffer(name, args);
  MILLRACE_ASSIGN_OR_RETURN(
      ExprPtr array, MakeCast(args[0], data::ArrayOf(*element, HasNulls(args[0]))));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, MakeCast(args[1], *element));
  return std::vector<ExprPtr>{std::move(array), std::move(value)};
}

// Two arrays cast to the element type they share.
Result<std::vector<ExprPtr>> TwoArrays(Text name, Args args) {
  for (int i = 0; i < 2; ++i) {
    if (!IsList(args[static_cast<size_t>(i)])) return BinaryArraysDiffer(name, args);
  }
  const auto element = TightestType(ElementType(args[0]), ElementType(args[1]));
  if (!element.has_value()) return BinaryArraysDiffer(name, args);
  std::vector<ExprPtr> cast;
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr one,
                              MakeCast(arg, data::ArrayOf(*element, HasNulls(arg))));
    cast.push_back(std::move(one));
  }
  if (!IsOrderable(**element)) return NotOrderable(name, args, *args[0]->type());
  return cast;
}

// --- measures and searches

Bound BindSize(Text name, Args args) {
  const Type::type id = args[0]->type()->id();
  if (id == Type::NA) return AlwaysNull(data::IntType());
  if (id != Type::LIST && (id != Type::MAP || name == "array_size")) {
    return UnexpectedInputType(
        name, args, 0, name == "array_size" ? "\"ARRAY\"" : "(\"ARRAY\" or \"MAP\")");
  }
  return MakeBound(
      {args[0]}, data::IntType(), [](const KernelInput& in) -> Result<Value> {
        const bool constant = in.args[0].constant;
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows lists(in.args[0]);
        MILLRACE_ASSIGN_OR_RETURN(const Validity validity,
                                  IntersectValidity(in.args, rows));
        if (validity.all_null) return NullConstant(in.type);
        FixedOutput<int32_t> out;
        MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
        out.Generate(rows, [&](int64_t row) { return lists.size(row); });
        return MakeValue(in.type, rows, constant, validity.bits, out.Finish());
      });
}

// Runs f(lists, row) -> std::optional<T> for rows where no argument is null.
template <typename T, typename F>
Result<Value> MapLists(const KernelInput& in, F&& f) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(in.args, rows));
  if (validity.all_null) return NullConstant(in.type);
  const ListRows lists(in.args[0]);
  FixedOutput<T> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  NullOutput nulls(validity, rows);
  Status error;
  validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const std::optional<T> result = f(lists, row);
      if (result.has_value()) {
        out.Set(row, *result);
      } else if (error = nulls.Clear(row); !error.ok()) {
        return false;
      }
    }
    return true;
  });
  MILLRACE_RETURN_IF_ERROR(error);
  return MakeValue(in.type, rows, constant, nulls.Finish(), out.Finish());
}

// The index of an element that equals the value of that row, or -1.
int32_t FindElement(const ListRows& lists, int64_t row, const Value& value) {
  for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
    if (!lists.elements().IsNull(i) &&
        CompareValues(lists.elements(), i, *value.array, value.index(row)) == 0) {
      return i;
    }
  }
  return -1;
}

bool AnyNull(const ListRows& lists, int64_t row) {
  for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
    if (lists.elements().IsNull(i)) return true;
  }
  return false;
}

Bound BindArrayContains(Args args, const BindContext&) {
  // Alone of its kind it widens numbers until they meet: Spark's ImplicitTypeCasts.
  std::vector<ExprPtr> widened(args.begin(), args.end());
  if (IsList(args[0]) && data::IsNumeric(*ElementType(args[0])) &&
      data::IsNumeric(*args[1]->type())) {
    if (const auto element = WidestType(ElementType(args[0]), args[1]->type())) {
      MILLRACE_ASSIGN_OR_RETURN(
          widened[0], MakeCast(args[0], data::ArrayOf(*element, HasNulls(args[0]))));
      MILLRACE_ASSIGN_OR_RETURN(widened[1], MakeCast(args[1], *element));
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            ArrayAndElement("array_contains", widened));
  if (!IsOrderable(*cast[1]->type())) {
    return NotOrderable("array_contains", args, *cast[1]->type());
  }
  const bool nulls = HasNulls(cast[0]);
  return MakeBound(std::move(cast), data::BooleanType(),
                   [](const KernelInput& in) {
                     return MapLists<bool>(
                         in,
                         [&](const ListRows& lists, int64_t row) -> std::optional<bool> {
                           if (FindElement(lists, row, in.args[1]) >= 0) return true;
                           if (AnyNull(lists, row)) return std::nullopt;
                           return false;
                         });
                   },
                   {.makes_nulls = nulls});
}

Bound BindArrayPosition(Args args, const BindContext&) {
  if (IsVoid(args[0]) || IsVoid(args[1])) return AlwaysNull(data::LongType());
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            ArrayAndElement("array_position", args));
  if (!IsOrderable(*cast[1]->type())) {
    return NotOrderable("array_position", args, *cast[1]->type());
  }
  return MakeBound(std::move(cast), data::LongType(), [](const KernelInput& in) {
    return MapLists<int64_t>(in, [&](const ListRows& lists, int64_t row) {
      const int32_t found = FindElement(lists, row, in.args[1]);
      return std::optional<int64_t>(found < 0 ? 0 : found - lists.begin(row) + 1);
    });
  });
}

// array_min and array_max: one element of each array.
template <int kSign>
Bound BindExtreme(Text name, Args args) {
  if (!IsList(args[0])) return NotAnArray(name, args);
  const data::TypePtr element = ElementType(args[0]);
  if (!IsOrderable(*element)) return NotOrderable(name, args, *element);
  return MakeBound(
      {args[0]}, element,
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = in.args[0].constant;
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows lists(in.args[0]);
        const arrow::Array& elements = lists.elements();
        std::vector<int32_t> chosen(static_cast<size_t>(rows), -1);
        for (int64_t row = 0; row < rows; ++row) {
          if (lists.IsNull(row)) continue;
          int32_t& best = chosen[static_cast<size_t>(row)];
          for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
            if (elements.IsNull(i)) continue;
            if (best < 0 || kSign * CompareValues(elements, i, elements, best) > 0) {
              best = i;
            }
          }
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, data::Take(elements, chosen));
        return Value{std::move(array), constant};
      },
      {.makes_nulls = true});
}

// --- sorting

enum class NullsGo { kFirst, kLast };

void AppendSorted(const ListRows& lists, int64_t row, bool ascending, NullsGo nulls,
                  ListBuilder* out) {
  const arrow::Array& elements = lists.elements();
  std::vector<int32_t>& all = *out->elements();
  const auto begin = static_cast<std::ptrdiff_t>(all.size());
  all.resize(all.size() + static_cast<size_t>(lists.size(row)));
  std::iota(all.begin() + begin, all.end(), lists.begin(row));
  std::stable_sort(all.begin() + begin, all.end(), [&](int32_t a, int32_t b) {
    const bool null_a = elements.IsNull(a);
    const bool null_b = elements.IsNull(b);
    if (null_a || null_b)
      return nulls == NullsGo::kFirst ? null_a && !null_b : null_b && !null_a;
    const int order = CompareValues(elements, a, elements, b);
    return ascending ? order < 0 : order > 0;
  });
}

Bound BindSortArray(Args args, const BindContext&) {
  std::vector<ExprPtr> all(args.begin(), args.end());
  if (all.size() == 1) all.push_back(MakeBoolean(true));
  if (IsVoid(all[0])) return AlwaysNull(data::ArrayOf(data::NullType()));
  if (!IsList(all[0])) return NotAnArray("sort_array", all);
  if (!IsOrderable(*ElementType(all[0]))) {
    return NotOrderable("sort_array", all, *all[0]->type());
  }
  MILLRACE_ASSIGN_OR_RETURN(all[1], CastTo("sort_array", all, 1, data::BooleanType()));
  const data::TypePtr type = all[0]->type();
  return MakeBound(std::move(all), type,
                   ListKernel([](const KernelInput& in, const ListRows& lists,
                                 int64_t row, ListBuilder* out) -> Result<bool> {
                     const bool ascending = Reader<bool>(in.args[1])[row];
                     AppendSorted(lists, row, ascending,
                                  ascending ? NullsGo::kFirst : NullsGo::kLast, out);
                     return true;
                   }));
}

Bound BindComparatorSort(Args args) {
  if (args[1]->type()->id() != Type::INT32) {
    const std::string sql = fmt::format("\"{}\"", SqlCallText("array_sort", args));
    const std::string found = fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type()));
    return AnalysisError("DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE", "42K09",
                         "Cannot resolve {} due to data type mismatch: The "
                         "`lambdafunction` requires return \"INT\" type, but the actual "
                         "is {} type.",
                         sql, found)
        .Param("functionName", "`lambdafunction`")
        .Param("expectedType", "\"INT\"")
        .Param("actualType", found)
        .Param("sqlExpr", sql);
  }
  BoundFunction bound =
      LambdaCall(args, args[0]->type(), args[0]->nullable(), SortByComparator);
  bound.can_fail = true;
  return bound;
}

Bound BindArraySort(Args args, const BindContext&) {
  if (!IsList(args[0])) return NotAnArray("array_sort", args);
  if (args.size() == 2) return BindComparatorSort(args);
  if (!IsOrderable(*ElementType(args[0]))) {
    return NotOrderable("array_sort", args, *args[0]->type());
  }
  return MakeBound({args[0]}, args[0]->type(),
                   ListKernel([](const KernelInput&, const ListRows& lists, int64_t row,
                                 ListBuilder* out) -> Result<bool> {
                     AppendSorted(lists, row, true, NullsGo::kLast, out);
                     return true;
                   }));
}

// --- sets

// Bytes that are equal exactly if two elements are; null is an element.
class ElementSet {
 public:
  explicit ElementSet(const data::TypePtr& type)
      : codec_(type, /*normalize_floats=*/true) {}

  void Clear() { seen_.clear(); }
  bool Add(const arrow::Array& elements, int64_t index) {
    return seen_.insert(Bytes(elements, index)).second;
  }
  bool Contains(const arrow::Array& elements, int64_t index) {
    return seen_.contains(Bytes(elements, index));
  }

 private:
  const std::string& Bytes(const arrow::Array& elements, int64_t index) {
    scratch_.clear();
    codec_.Append(elements, index, &scratch_);
    return scratch_;
  }

  const ValueCodec codec_;
  absl::flat_hash_set<std::string> seen_;
  std::string scratch_;
};

Bound BindArrayDistinct(Args args, const BindContext&) {
  if (IsVoid(args[0])) return AlwaysNull(data::ArrayOf(data::NullType()));
  if (!IsList(args[0])) return NotAnArray("array_distinct", args);
  if (!IsOrderable(*ElementType(args[0]))) {
    return NotOrderable("array_distinct", args, *ElementType(args[0]));
  }
  return MakeBound({args[0]}, args[0]->type(),
                   ListKernel([](const KernelInput&, const ListRows& lists, int64_t row,
                                 ListBuilder* out) -> Result<bool> {
                     ElementSet seen(lists.elements().type());
                     for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
                       if (seen.Add(lists.elements(), i)) out->Append(i);
                     }
                     return true;
                   }));
}

enum class SetOperation { kUnion, kExcept, kIntersect };

Result<Value> CombineSets(const KernelInput& in, SetOperation operation) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const ListRows left(in.args[0]);
  const ListRows right(in.args[1]);
  // Elements of both sides lie in one array: the left ones, then the right ones.
  const data::ArrayPtr both[] = {left.shared_elements(), right.shared_elements()};
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, data::Concat(both));
  const auto shift = static_cast<int32_t>(both[0]->length());
  ElementSet other(elements->type());
  ElementSet seen(elements->type());
  ListBuilder out;
  for (int64_t row = 0; row < rows; ++row) {
    if (left.IsNull(row) || right.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    seen.Clear();
    other.Clear();
    if (operation != SetOperation::kUnion) {
      for (int32_t i = right.begin(row); i < right.end(row); ++i) {
        other.Add(right.elements(), i);
      }
    }
    for (int32_t i = left.begin(row); i < left.end(row); ++i) {
      const bool wanted =
          operation == SetOperation::kUnion ||
          other.Contains(left.elements(), i) == (operation == SetOperation::kIntersect);
      if (wanted && seen.Add(left.elements(), i)) out.Append(i);
    }
    if (operation == SetOperation::kUnion) {
      for (int32_t i = right.begin(row); i < right.end(row); ++i) {
        if (seen.Add(right.elements(), i)) out.Append(i + shift);
      }
    }
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, *elements));
  return Value{std::move(array), constant};
}

Bound BindSets(Text name, Args args, SetOperation operation) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, TwoArrays(name, args));
  const bool left = HasNulls(cast[0]);
  const bool right = HasNulls(cast[1]);
  const bool nulls = operation == SetOperation::kUnion    ? left || right
                     : operation == SetOperation::kExcept ? left
                                                          : left && right;
  const data::TypePtr type = data::ArrayOf(ElementType(cast[0]), nulls);
  return MakeBound(std::move(cast), type, [operation](const KernelInput& in) {
    return CombineSets(in, operation);
  });
}

Bound BindArraysOverlap(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, TwoArrays("arrays_overlap", args));
  const bool nulls = HasNulls(cast[0]) || HasNulls(cast[1]);
  return MakeBound(
      std::move(cast), data::BooleanType(),
      [](const KernelInput& in) {
        const ListRows right(in.args[1]);
        return MapLists<bool>(
            in, [&](const ListRows& left, int64_t row) -> std::optional<bool> {
              ElementSet seen(left.elements().type());
              for (int32_t i = left.begin(row); i < left.end(row); ++i) {
                if (!left.elements().IsNull(i)) seen.Add(left.elements(), i);
              }
              for (int32_t i = right.begin(row); i < right.end(row); ++i) {
                if (!right.elements().IsNull(i) && seen.Contains(right.elements(), i)) {
                  return true;
                }
              }
              const bool unknown = left.size(row) > 0 && right.size(row) > 0 &&
                                   (AnyNull(left, row) || AnyNull(right, row));
              if (unknown) return std::nullopt;
              return false;
            });
      },
      {.makes_nulls = nulls});
}

// --- parts

Error BadSlice(Text parameter, Text kind, std::string message) {
  return Error(Fault::kData, "The value of parameter(s) `{}` in `slice` is invalid: {}",
               parameter, message)
      .Class(fmt::format("INVALID_PARAMETER_VALUE.{}", kind), "22023")
      .Java(kSparkRuntimeException)
      .Param("parameter", fmt::format("`{}`", parameter))
      .Param("functionName", "`slice`");
}

Bound BindSlice(Args args, const BindContext&) {
  if (IsVoid(args[0])) return AlwaysNull(data::ArrayOf(data::NullType()));
  if (!IsList(args[0])) return NotAnArray("slice", args);
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr start, CastTo("slice", args, 1, data::IntType()));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr length, CastTo("slice", args, 2, data::IntType()));
  return MakeBound(
      {args[0], std::move(start), std::move(length)}, args[0]->type(),
      ListKernel([](const KernelInput& in, const ListRows& lists, int64_t row,
                    ListBuilder* out) -> Result<bool> {
        const int32_t first = Reader<int32_t>(in.args[1])[row];
        const int32_t count = Reader<int32_t>(in.args[2])[row];
        if (first == 0) {
          return BadSlice(
              "start", "START",
              "Expects a positive or a negative value for `start`, but got 0.");
        }
        if (count < 0) {
          return BadSlice(
                     "length", "LENGTH",
                     fmt::format("Expects `length` greater than or equal to 0, but got "
                                 "{}.",
                                 count))
              .Param("length", fmt::to_string(count));
        }
        const int64_t size = lists.size(row);
        const int64_t begin = first > 0 ? first - 1 : size + first;
        if (begin < 0 || begin >= size) return true;
        for (int64_t i = begin; i < std::min<int64_t>(size, begin + count); ++i) {
          out->Append(static_cast<int32_t>(lists.begin(row) + i));
        }
        return true;
      }),
      {.can_fail = true});
}

Bound BindFlatten(Args args, const BindContext&) {
  if (!IsList(args[0]) || ElementType(args[0])->id() != Type::LIST) {
    return UnexpectedInputType("flatten", args, 0, "\"ARRAY\" of \"ARRAY\"");
  }
  const data::TypePtr type = ElementType(args[0]);
  const bool nulls = HasNulls(args[0]);
  return MakeBound(
      {args[0]}, type,
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = in.args[0].constant;
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows outer(in.args[0]);
        const auto& inner = static_cast<const arrow::ListArray&>(outer.elements());
        ListBuilder out;
        for (int64_t row = 0; row < rows; ++row) {
          if (outer.IsNull(row) || AnyNull(outer, row)) {
            out.AppendNull();
            continue;
          }
          for (int32_t list = outer.begin(row); list < outer.end(row); ++list) {
            for (int32_t i = inner.value_offset(list); i < inner.value_offset(list + 1);
                 ++i) {
              out.Append(i);
            }
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array,
                                  out.Finish(in.type, *inner.values()));
        return Value{std::move(array), constant};
      },
      {.makes_nulls = nulls});
}

Bound BindArrayCompact(Args args, const BindContext&) {
  if (IsVoid(args[0])) return AlwaysNull(data::ArrayOf(data::NullType()));
  if (!IsList(args[0])) return NotAnArray("array_compact", args);
  return MakeBound({args[0]}, data::ArrayOf(ElementType(args[0]), false),
                   ListKernel([](const KernelInput&, const ListRows& lists, int64_t row,
                                 ListBuilder* out) -> Result<bool> {
                     for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
                       if (!lists.elements().IsNull(i)) out->Append(i);
                     }
                     return true;
                   }));
}

Bound BindArrayRemove(Args args, const BindContext&) {
  if (IsList(args[0]) && IsVoid(args[1])) return AlwaysNull(args[0]->type());
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            ArrayAndElement("array_remove", args));
  if (!IsOrderable(*cast[1]->type())) {
    return NotOrderable("array_remove", args, *cast[1]->type());
  }
  const data::TypePtr type = cast[0]->type();
  return MakeBound(
      std::move(cast), type,
      ListKernel([](const KernelInput& in, const ListRows& lists, int64_t row,
                    ListBuilder* out) -> Result<bool> {
        const arrow::Array& elements = lists.elements();
        const Value& removed = in.args[1];
        for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
          if (elements.IsNull(i) ||
              CompareValues(elements, i, *removed.array, removed.index(row)) != 0) {
            out->Append(i);
          }
        }
        return true;
      }));
}

Bound BindReverse(Args args, const BindContext&) {
  if (!IsList(args[0])) return BindReverseText(args);
  return MakeBound({args[0]}, args[0]->type(),
                   ListKernel([](const KernelInput&, const ListRows& lists, int64_t row,
                                 ListBuilder* out) -> Result<bool> {
                     for (int32_t i = lists.end(row); i > lists.begin(row);)
                       out->Append(--i);
                     return true;
                   }));
}

// --- joining

Result<Value> ConcatLists(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  std::vector<ListRows> lists(in.args.begin(), in.args.end());
  std::vector<data::ArrayPtr> parts;
  std::vector<int32_t> shifts;
  int32_t shift = 0;
  for (const ListRows& list : lists) {
    parts.push_back(list.shared_elements());
    shifts.push_back(shift);
    shift += static_cast<int32_t>(list.elements().length());
  }
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, data::Concat(parts));
  ListBuilder out;
  for (int64_t row = 0; row < rows; ++row) {
    if (std::any_of(lists.begin(), lists.end(),
                    [row](const ListRows& list) { return list.IsNull(row); })) {
      out.AppendNull();
      continue;
    }
    for (size_t part = 0; part < lists.size(); ++part) {
      for (int32_t i = lists[part].begin(row); i < lists[part].end(row); ++i) {
        out.Append(i + shifts[part]);
      }
    }
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, *elements));
  return Value{std::move(array), constant};
}

// What is no array counts as string.
Status ConcatTypesDiffer(Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText("concat", args));
  std::string types;
  for (const ExprPtr& arg : args) {
    types += types.empty() ? "(" : " or ";
    types += fmt::format(
        "\"{}\"", IsList(arg) ? data::SqlTypeName(*arg->type()) : std::string("STRING"));
  }
  types += ")";
  return AnalysisError(
             "DATATYPE_MISMATCH.DATA_DIFF_TYPES", "42K09",
             "Cannot resolve {} due to data type mismatch: Input to `concat` should "
             "all be the same type, but it's {}.",
             sql, types)
      .Param("functionName", "`concat`")
      .Param("dataType", types)
      .Param("sqlExpr", sql);
}

Bound BindConcat(Args args, const BindContext&) {
  const bool lists = std::any_of(args.begin(), args.end(), IsList);
  if (!lists) return BindConcatText(args);
  data::TypePtr type = args[0]->type();
  for (const ExprPtr& arg : args) {
    const auto wider =
        IsList(arg) && IsList(args[0]) ? WidestType(type, arg->type()) : std::nullopt;
    if (!wider.has_value()) return ConcatTypesDiffer(args);
    type = *wider;
  }
  std::vector<ExprPtr> cast;
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr one, MakeCast(arg, type));
    cast.push_back(std::move(one));
  }
  return MakeBound(std::move(cast), type, ConcatLists);
}

Bound BindArrayJoin(Args args, const BindContext&) {
  std::vector<ExprPtr> cast;
  MILLRACE_ASSIGN_OR_RETURN(
      ExprPtr array, CastTo("array_join", args, 0, data::ArrayOf(data::StringType())));
  cast.push_back(std::move(array));
  for (size_t i = 1; i < args.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr text,
                              CastTo("array_join", args, i, data::StringType()));
    cast.push_back(std::move(text));
  }
  return MakeBound(
      std::move(cast), data::StringType(), [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        MILLRACE_ASSIGN_OR_RETURN(const Validity validity,
                                  IntersectValidity(in.args, rows));
        if (validity.all_null) return NullConstant(in.type);
        const ListRows lists(in.args[0]);
        const Reader<Text> strings(lists.elements());
        const Reader<Text> separators(in.args[1]);
        ViewBuilder out(rows);
        MILLRACE_RETURN_IF_ERROR(out.Allocate());
        for (int64_t row = 0; row < rows; ++row) {
          if (validity.bits != nullptr &&
              !arrow::bit_util::GetBit(validity.bits->data(), row)) {
            MILLRACE_RETURN_IF_ERROR(out.AppendNull());
            continue;
          }
          bool first = true;
          for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
            const bool null = strings.IsNull(i);
            if (null && in.args.size() < 3) continue;
            if (!first) out.bytes()->append(separators[row]);
            first = false;
            out.bytes()->append(null ? Reader<Text>(in.args[2])[row] : strings[i]);
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr joined, out.Finish(in.type));
        return Value{std::move(joined), constant};
      });
}

// --- making

Bound BindArrayRepeat(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr count,
                            CastTo("array_repeat", args, 1, data::IntType()));
  const data::TypePtr type = data::ArrayOf(args[0]->type(), args[0]->nullable());
  const bool nullable = count->nullable();
  BoundFunction bound = MakeBound(
      {args[0], std::move(count)}, type, [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        const Reader<int32_t> counts(in.args[1]);
        ListBuilder out;
        for (int64_t row = 0; row < rows; ++row) {
          if (counts.IsNull(row)) {
            out.AppendNull();
            continue;
          }
          for (int32_t i = 0; i < counts[row]; ++i) {
            out.Append(static_cast<int32_t>(in.args[0].index(row)));
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array,
                                  out.Finish(in.type, *in.args[0].array));
        return Value{std::move(array), constant};
      });
  bound.nullable = nullable;
  return bound;
}

// array_append and array_prepend: the elements and one more, which may be null.
template <bool kFront>
Bound BindArrayAdd(Text name, Args args) {
  if (!IsList(args[0])) return NotAnArray(name, args);
  const auto element = TightestType(ElementType(args[0]), args[1]->type());
  if (!element.has_value()) return ElementsDiffer(name, args);
  const bool nulls = HasNulls(args[0]) || args[1]->nullable();
  const data::TypePtr type = data::ArrayOf(*element, nulls);
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr array, MakeCast(args[0], type));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, MakeCast(args[1], *element));
  const bool nullable = array->nullable();
  BoundFunction bound = MakeBound(
      {std::move(array), std::move(value)}, type,
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows lists(in.args[0]);
        const data::ArrayPtr both[] = {lists.shared_elements(), in.args[1].array};
        MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, data::Concat(both));
        const auto shift = static_cast<int32_t>(both[0]->length());
        ListBuilder out;
        for (int64_t row = 0; row < rows; ++row) {
          if (lists.IsNull(row)) {
            out.AppendNull();
            continue;
          }
          const auto added = static_cast<int32_t>(shift + in.args[1].index(row));
          if (kFront) out.Append(added);
          for (int32_t i = lists.begin(row); i < lists.end(row); ++i) out.Append(i);
          if (!kFront) out.Append(added);
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr result, out.Finish(in.type, *elements));
        return Value{std::move(result), constant};
      });
  bound.nullable = nullable;
  return bound;
}

const FunctionSpec kFunctions[] = {
    {"array_append", 2, 2,
     [](Args args, const BindContext&) {
       return BindArrayAdd<false>("array_append", args);
     },
     "The array and one more element at its end.",
     "array_append(array(1, 2), 3) → [1, 2, 3]"},
    {"array_compact", 1, 1, BindArrayCompact, "The elements that are not null.",
     "array_compact(array(1, NULL, 2)) → [1, 2]"},
    {"array_contains", 2, 2, BindArrayContains,
     "Whether an element equals the value; null if none does and there are nulls.",
     "array_contains(array(1, 2, 3), 2) → true"},
    {"array_distinct", 1, 1, BindArrayDistinct, "Each element once.",
     "array_distinct(array(1, 2, 3, NULL, 3)) → [1, 2, 3, null]"},
    {"array_except", 2, 2,
     [](Args args, const BindContext&) {
       return BindSets("array_except", args, SetOperation::kExcept);
     },
     "The elements of the first array that are not in the second, each once.",
     "array_except(array(1, 2, 3, 3), array(1)) → [2, 3]"},
    {"array_intersect", 2, 2,
     [](Args args, const BindContext&) {
       return BindSets("array_intersect", args, SetOperation::kIntersect);
     },
     "The elements of the first array that are in the second, each once.",
     "array_intersect(array(1, 2, 3, 3), array(3, 1)) → [1, 3]"},
    {"array_join", 2, 3, BindArrayJoin,
     "The elements as text with a separator; nulls are left out, or replaced by the "
     "third "
     "argument.",
     "array_join(array('hello', NULL, 'world'), ' ', ',') → hello , world"},
    {"array_max", 1, 1,
     [](Args args, const BindContext&) { return BindExtreme<1>("array_max", args); },
     "The greatest element.", "array_max(array(1, 20, NULL, 3)) → 20"},
    {"array_min", 1, 1,
     [](Args args, const BindContext&) { return BindExtreme<-1>("array_min", args); },
     "The least element.", "array_min(array(1, 20, NULL, 3)) → 1"},
    {"array_position", 2, 2, BindArrayPosition,
     "The place, from 1, of the first element that equals the value; 0 where none does.",
     "array_position(array(3, 2, 1), 1) → 3"},
    {"array_prepend", 2, 2,
     [](Args args, const BindContext&) {
       return BindArrayAdd<true>("array_prepend", args);
     },
     "The array and one more element in front.",
     "array_prepend(array(1, 2), 3) → [3, 1, 2]"},
    {"array_remove", 2, 2, BindArrayRemove, "The elements that do not equal the value.",
     "array_remove(array(1, 2, 3, NULL, 3), 3) → [1, 2, null]"},
    {"array_repeat", 2, 2, BindArrayRepeat, "An array of a value so many times.",
     "array_repeat('123', 2) → [123, 123]"},
    {"array_size", 1, 1,
     [](Args args, const BindContext&) { return BindSize("array_size", args); },
     "The number of elements.", "array_size(array('b', 'd', 'c', 'a')) → 4"},
    {"array_sort", 1, 2, BindArraySort,
     "The elements in ascending order, nulls last; or as a lambda compares two.",
     "array_sort(array('b', 'd', NULL, 'c', 'a')) → [a, b, c, d, null]"},
    {"array_union", 2, 2,
     [](Args args, const BindContext&) {
       return BindSets("array_union", args, SetOperation::kUnion);
     },
     "The elements of both arrays, each once.",
     "array_union(array(1, 2, 3), array(1, 3, 5)) → [1, 2, 3, 5]"},
    {"arrays_overlap", 2, 2, BindArraysOverlap,
     "Whether the arrays share an element; null if none, and a null might be one.",
     "arrays_overlap(array(1, 2, 3), array(3, 4, 5)) → true"},
    {"cardinality", 1, 1,
     [](Args args, const BindContext&) { return BindSize("cardinality", args); },
     "The same as size.", "cardinality(map('a', 1, 'b', 2)) → 2"},
    {"concat", 0, -1, BindConcat, "Strings, binaries or arrays one after the other.",
     "concat('Spark', 'SQL') → SparkSQL"},
    {"flatten", 1, 1, BindFlatten, "The elements of the arrays in an array.",
     "flatten(array(array(1, 2), array(3, 4))) → [1, 2, 3, 4]"},
    {"reverse", 1, 1, BindReverse, "A string or an array backwards.",
     "reverse(array(2, 1, 4, 3)) → [3, 4, 1, 2]"},
    {"size", 1, 1, [](Args args, const BindContext&) { return BindSize("size", args); },
     "The number of elements of an array, or of entries of a map.",
     "size(array('b', 'd', 'c', 'a')) → 4"},
    {"slice", 3, 3, BindSlice,
     "So many elements from a place on, counted from 1, or from the end with -1.",
     "slice(array(1, 2, 3, 4), 2, 2) → [2, 3]"},
    {"sort_array", 1, 2, BindSortArray,
     "The elements in ascending order, nulls first; or descending, nulls last.",
     "sort_array(array('b', 'd', NULL, 'c', 'a'), true) → [null, a, b, c, d]"},
};

}  // namespace

std::span<const FunctionSpec> CollectionFunctions() { return kFunctions; }

}  // namespace millrace::expr
