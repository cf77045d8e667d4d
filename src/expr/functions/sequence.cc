// sequence(start, stop, step) of whole numbers.
#include <arrow/array/util.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/bind.h"
#include "expr/functions/lists.h"
#include "expr/functions/tables.h"
#include "expr/functions/time_sequence.h"
#include "expr/functions/typed_call.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Bound = Result<BoundFunction>;

// Spark's MAX_ROUNDED_ARRAY_LENGTH: longer arrays are no arrays of Java.
constexpr int64_t kLongest = 2147483632;

Error IllegalBoundaries(int64_t start, int64_t stop, int64_t step) {
  return Error(Fault::kData,
               "requirement failed: Illegal sequence boundaries: {} to {} by {}", start,
               stop, step)
      .Java(kIllegalArgumentException);
}

// How many numbers lie from start to stop.
Result<int64_t> Length(int64_t start, int64_t stop, int64_t step) {
  if (start == stop) return 1;
  const bool reaches = start < stop ? step > 0 : step < 0;
  if (!reaches) return IllegalBoundaries(start, stop, step);
  const __int128 length = (static_cast<__int128>(stop) - start) / step + 1;
  if (length > kLongest) {
    return Error(Fault::kData, "Too long sequence: {}.", static_cast<int64_t>(length));
  }
  return static_cast<int64_t>(length);
}

template <typename T>
Result<Value> MakeSequences(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<T> starts(in.args[0]);
  const Reader<T> stops(in.args[1]);
  std::vector<T> numbers;
  std::vector<int32_t> offsets{0};
  const Validity all;
  NullOutput nulls(all, rows);
  int64_t null_count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    bool null = starts.IsNull(row) || stops.IsNull(row);
    int64_t step = 0;
    if (!null && in.args.size() > 2) {
      const Reader<T> steps(in.args[2]);
      null = steps.IsNull(row);
      step = null ? 0 : steps[row];
    } else if (!null) {
      step = starts[row] <= stops[row] ? 1 : -1;
    }
    if (null) {
      ++null_count;
      MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
    } else {
      MILLRACE_ASSIGN_OR_RETURN(const int64_t length,
                                Length(starts[row], stops[row], step));
      if (static_cast<int64_t>(numbers.size()) + length > kLongest) {
        return Error(Fault::kData,
                     "The sequences of one batch have more than {} numbers.", kLongest);
      }
      T number = starts[row];
      for (int64_t i = 0; i < length; ++i) {
        numbers.push_back(number);
        if (i + 1 < length) number = static_cast<T>(number + step);
      }
    }
    offsets.push_back(static_cast<int32_t>(numbers.size()));
  }
  const auto& element = static_cast<const arrow::ListType&>(*in.type).value_type();
  const auto count = static_cast<int64_t>(numbers.size());
  const data::ArrayPtr values = arrow::MakeArray(arrow::ArrayData::Make(
      element, count, {nullptr, arrow::Buffer::FromVector(std::move(numbers))}, 0));
  return Value{std::make_shared<arrow::ListArray>(
                   in.type, rows, arrow::Buffer::FromVector(std::move(offsets)), values,
                   nulls.Finish(), null_count),
               constant};
}

Bound BindSequence(Args args, const BindContext& context) {
  const arrow::Type::type id = args[0]->type()->id();
  if (id == arrow::Type::DATE32 || id == arrow::Type::TIMESTAMP) {
    return BindTimeSequence(args, context);
  }
  for (const ExprPtr& arg : args) {
    if (!data::IsInteger(*arg->type())) {
      return UnsupportedError(
          "sequence of {} is not supported yet: of whole numbers, dates and timestamps "
          "only.",
          data::SqlTypeName(*arg->type()));
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast,
                            CastToCommonType("sequence", args, args));
  const data::TypePtr element = cast[0]->type();
  Kernel kernel;
  VisitNumber(*element, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) kernel = MakeSequences<T>;
  });
  return MakeBound(std::move(cast), data::ArrayOf(element, false), std::move(kernel),
                   {.can_fail = true});
}

const FunctionSpec kFunctions[] = {
    {"sequence", 2, 3, BindSequence,
     "The numbers or times from the first to the second, by 1, a day, or the third.",
     "sequence(1, 5) → [1, 2, 3, 4, 5]"},
};

}  // namespace

std::span<const FunctionSpec> SequenceFunctions() { return kFunctions; }

}  // namespace millrace::expr
