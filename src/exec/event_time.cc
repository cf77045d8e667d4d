#include "exec/event_time.h"

#include <arrow/array.h>

namespace millrace::exec {

std::vector<int64_t> EventTimesOf(const arrow::Array& column) {
  const data::ArrayPtr end = column.type_id() == arrow::Type::STRUCT
                                 ? static_cast<const arrow::StructArray&>(column).field(1)
                                 : nullptr;
  const auto& values =
      static_cast<const arrow::TimestampArray&>(end == nullptr ? column : *end);
  std::vector<int64_t> times(column.length());
  for (int64_t i = 0; i < column.length(); ++i) {
    times[i] = column.IsNull(i) || values.IsNull(i) ? kNullTime : values.Value(i);
  }
  return times;
}

std::vector<int32_t> RowsAfter(const std::vector<int64_t>& times, Watermark watermark) {
  std::vector<int32_t> rows;
  rows.reserve(times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] > watermark) rows.push_back(static_cast<int32_t>(i));
  }
  return rows;
}

}  // namespace millrace::exec
