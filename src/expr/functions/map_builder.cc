#include "expr/functions/map_builder.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>

#include "data/batch.h"
#include "data/show.h"

namespace millrace::expr {
namespace {

// Spark shows what it keeps inside: times as their numbers.
std::string KeyText(const arrow::Array& keys, int64_t index) {
  if (keys.type_id() == arrow::Type::DATE32)
    return std::to_string(static_cast<const arrow::Date32Array&>(keys).Value(index));
  if (keys.type_id() == arrow::Type::TIMESTAMP)
    return std::to_string(static_cast<const arrow::TimestampArray&>(keys).Value(index));
  std::string text;
  data::AppendValue(keys, index, "UTC", data::NullText::kCast, &text);
  return text;
}

}  // namespace

Error DuplicateMapKey(const arrow::Array& keys, int64_t index) {
  const std::string key = KeyText(keys, index);
  return Error(
             Fault::kData,
             "Duplicate map key {} was found, please check the input data.\nIf you want "
             "to remove the duplicated keys, you can set "
             "\"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the key inserted "
             "at last takes precedence.",
             key)
      .Class("DUPLICATED_MAP_KEY", "23505")
      .Java(kSparkRuntimeException)
      .Param("key", key)
      .Param("mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"");
}

Error NullMapKey() {
  return Error(Fault::kData, "Cannot use null as map key.")
      .Class("NULL_MAP_KEY", "2200E")
      .Java(kSparkRuntimeException);
}

Status MapBuilder::Append(int32_t key, int32_t value) {
  if (keys_->IsNull(key)) return NullMapKey();
  scratch_.clear();
  codec_.Append(*keys_, key, &scratch_);
  if (!seen_.insert(scratch_).second) {
    return DuplicateMapKey(*keys_, key);
  }
  key_indices_.push_back(key);
  value_indices_.push_back(value);
  return Status::OK();
}

Result<data::ArrayPtr> MapBuilder::Finish(const data::TypePtr& type) {
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr keys, data::Take(*keys_, key_indices_));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values, data::Take(*values_, value_indices_));
  const auto rows = static_cast<int64_t>(offsets_.size()) - 1;
  const Validity all;
  NullOutput nulls(all, rows);
  for (const int64_t row : nulls_) MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
  auto bits = nulls.Finish();
  const auto null_count = static_cast<int64_t>(nulls_.size());
  return data::ArrayPtr(std::make_shared<arrow::MapArray>(
      type, rows, arrow::Buffer::FromVector(std::move(offsets_)), std::move(keys),
      std::move(values), std::move(bits), null_count));
}

}  // namespace millrace::expr
