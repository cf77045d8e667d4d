#include "expr/functions/element_calls.h"

#include <arrow/array/array_primitive.h>

#include "data/batch.h"
#include "expr/functions/lambda_call.h"

namespace millrace::expr {

BoundFunction LambdaCall(std::span<const ExprPtr> args, data::TypePtr type, bool nullable,
                         LazyKernel kernel) {
  BoundFunction bound;
  bound.args.assign(args.begin(), args.end());
  bound.type = std::move(type);
  bound.nullable = nullable;
  bound.foldable = false;
  bound.lazy_kernel = std::move(kernel);
  return bound;
}

ElementCalls::ElementCalls(const ListRows& lists, int64_t rows)
    : lists_(lists), row_count_(rows) {
  for (int64_t row = 0; row < rows; ++row) {
    if (lists.IsNull(row)) continue;
    for (int32_t place = 0; place < lists.size(row); ++place) Add(row, place);
  }
}

void ElementCalls::Add(int64_t row, int32_t place) {
  rows_.push_back(static_cast<int32_t>(row));
  elements_.push_back(lists_.begin(row) + place);
  places_.push_back(place);
}

Result<data::ArrayPtr> ElementCalls::Call(const Lambda& lambda, const LazyInput& in) {
  std::vector<data::ArrayPtr> arguments;
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr elements,
                            data::Take(lists_.elements(), elements_));
  arguments.push_back(std::move(elements));
  if (lambda.parameters().size() > 1) {
    arguments.push_back(std::make_shared<arrow::Int32Array>(
        static_cast<int64_t>(rows_.size()),
        arrow::Buffer::FromVector(std::move(places_))));
  }
  return CallLambda(lambda, in, rows_, arguments);
}

Result<data::ArrayPtr> ElementCalls::MakeLists(const data::TypePtr& type,
                                               const data::ArrayPtr& results) const {
  std::vector<int32_t> offsets{0};
  const Validity all;
  NullOutput nulls(all, row_count_);
  int64_t null_count = 0;
  for (int64_t row = 0; row < row_count_; ++row) {
    const bool null = lists_.IsNull(row);
    offsets.push_back(offsets.back() + (null ? 0 : lists_.size(row)));
    if (!null) continue;
    ++null_count;
    MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
  }
  return data::ArrayPtr(std::make_shared<arrow::ListArray>(
      type, row_count_, arrow::Buffer::FromVector(std::move(offsets)), results,
      nulls.Finish(), null_count));
}

}  // namespace millrace::expr
