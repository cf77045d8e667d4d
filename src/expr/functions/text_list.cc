#include "expr/functions/text_list.h"

#include <arrow/array/array_nested.h>

namespace millrace::expr {

Result<data::ArrayPtr> TextListBuilder::Finish(const data::TypePtr& type) {
  ViewBuilder strings(static_cast<int64_t>(parts_.size()));
  MILLRACE_RETURN_IF_ERROR(strings.Allocate());
  for (const std::string_view part : parts_) strings.Append(part);
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values, strings.Finish(data::StringType()));

  const auto rows = static_cast<int64_t>(offsets_.size()) - 1;
  const Validity all;
  NullOutput nulls(all, rows);
  for (const int64_t row : nulls_) MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
  return data::ArrayPtr(std::make_shared<arrow::ListArray>(
      type, rows, arrow::Buffer::FromVector(std::move(offsets_)), std::move(values),
      nulls.Finish(), static_cast<int64_t>(nulls_.size())));
}

}  // namespace millrace::expr
