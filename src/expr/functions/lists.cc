#include "expr/functions/lists.h"

#include "data/batch.h"

namespace millrace::expr {

Result<data::ArrayPtr> ListBuilder::Finish(const data::TypePtr& type,
                                           const arrow::Array& elements) {
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr taken, data::Take(elements, elements_));
  const auto rows = static_cast<int64_t>(offsets_.size()) - 1;
  const Validity all;
  NullOutput nulls(all, rows);
  for (const int64_t row : nulls_) MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
  return data::ArrayPtr(std::make_shared<arrow::ListArray>(
      type, rows, arrow::Buffer::FromVector(std::move(offsets_)), std::move(taken),
      nulls.Finish(), static_cast<int64_t>(nulls_.size())));
}

}  // namespace millrace::expr
