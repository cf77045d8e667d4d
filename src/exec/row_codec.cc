#include "exec/row_codec.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"

namespace millrace::exec {

RowCodec::RowCodec(data::SchemaPtr schema) : schema_(std::move(schema)) {
  for (const data::FieldPtr& field : schema_->fields())
    columns_.emplace_back(field->type());
}

void RowCodec::Append(const data::Batch& batch, int64_t row, std::string* out) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].Append(*batch->column(static_cast<int>(i)), row, out);
  }
}

Result<data::Batch> RowCodec::Decode(std::span<const std::string_view> rows) const {
  std::vector<std::string_view> rest(rows.begin(), rows.end());
  std::vector<std::string_view> values(rows.size());
  std::vector<data::ArrayPtr> arrays;
  for (const expr::ValueCodec& column : columns_) {
    for (size_t row = 0; row < rest.size(); ++row) {
      std::string_view after = rest[row];
      if (!column.Skip(&after)) {
        return InternalError("a remembered row of {} bytes ends early", rows[row].size());
      }
      values[row] = rest[row].substr(0, rest[row].size() - after.size());
      rest[row] = after;
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, column.Decode(values));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows.size()),
                                  std::move(arrays));
}

}  // namespace millrace::exec
