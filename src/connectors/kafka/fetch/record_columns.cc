#include "connectors/kafka/fetch/record_columns.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace millrace::connectors::kafka::fetch {

Status ViewBuilder::Reserve(int64_t rows) {
  MILLRACE_ASSIGN_OR_RETURN(buffer_,
                            AllocateBytes(rows * static_cast<int64_t>(sizeof(View))));
  views_ = reinterpret_cast<View*>(buffer_->mutable_data());
  capacity_ = rows;
  return Status::OK();
}

Status ViewBuilder::AppendNull(int64_t row) {
  if (bits_ == nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(validity_,
                              AllocateBytes(arrow::bit_util::BytesForBits(capacity_)));
    bits_ = validity_->mutable_data();
    std::memset(bits_, 0, static_cast<size_t>(validity_->size()));
    arrow::bit_util::SetBitsTo(bits_, 0, row, true);
  }
  ++nulls_;
  return Status::OK();
}

std::shared_ptr<arrow::ArrayData> ViewBuilder::Finish(
    const data::TypePtr& type, int64_t rows,
    const std::vector<std::shared_ptr<arrow::Buffer>>& buffers) && {
  std::vector<std::shared_ptr<arrow::Buffer>> all = {std::move(validity_),
                                                     std::move(buffer_)};
  all.insert(all.end(), buffers.begin(), buffers.end());
  return arrow::ArrayData::Make(type, rows, std::move(all), nulls_);
}

template <typename T>
Status RecordColumns::MakeNumbers(size_t column, T** out) {
  MILLRACE_ASSIGN_OR_RETURN(numbers_[column],
                            AllocateBytes(most_rows_ * static_cast<int64_t>(sizeof(T))));
  *out = reinterpret_cast<T*>(numbers_[column]->mutable_data());
  return Status::OK();
}

Result<RecordColumns> RecordColumns::Make(data::SchemaPtr schema,
                                          TopicPartition partition, int64_t most_rows) {
  RecordColumns columns;
  columns.most_rows_ = most_rows;
  columns.numbers_.resize(static_cast<size_t>(schema->num_fields()));
  for (int i = 0; i < schema->num_fields(); ++i) {
    const std::string& name = schema->field(i)->name();
    const auto column = static_cast<size_t>(i);
    if (name == "key") MILLRACE_RETURN_IF_ERROR(columns.keys_.Reserve(most_rows));
    if (name == "value") MILLRACE_RETURN_IF_ERROR(columns.values_.Reserve(most_rows));
    if (name == "offset") {
      MILLRACE_RETURN_IF_ERROR(columns.MakeNumbers(column, &columns.offsets_));
    }
    if (name == "timestamp") {
      MILLRACE_RETURN_IF_ERROR(columns.MakeNumbers(column, &columns.timestamps_));
    }
    if (name == "timestampType") {
      MILLRACE_RETURN_IF_ERROR(columns.MakeNumbers(column, &columns.timestamp_types_));
    }
    if (name == "partition") {
      int32_t* numbers = nullptr;
      MILLRACE_RETURN_IF_ERROR(columns.MakeNumbers(column, &numbers));
      std::fill_n(numbers, most_rows, partition.partition);
    }
    if (name == "headers") columns.with_headers_ = true;
  }
  columns.schema_ = std::move(schema);
  columns.partition_ = std::move(partition);
  return columns;
}

void RecordColumns::Begin(const std::shared_ptr<arrow::Buffer>& buffer,
                          const BatchHeader& header) {
  header_ = header;
  if (buffers_.empty() || buffers_.back() != buffer) {
    buffers_.push_back(buffer);
    index_ = static_cast<int32_t>(buffers_.size()) - 1;
    base_ = buffer->data();
  }
}

Status RecordColumns::AppendTimestamp(const Record& record) {
  const int64_t millis =
      header_.log_append_time()
          ? header_.max_timestamp
          : static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp) +
                                 static_cast<uint64_t>(record.timestamp_delta));
  if (!FitsMicroseconds(millis)) [[unlikely]] {
    return MalformedTimestamp(partition_, header_.base_offset + record.offset_delta,
                              millis);
  }
  timestamps_[rows_] = millis * 1000;
  return Status::OK();
}

Status RecordColumns::AppendHeaders(Bytes headers) {
  const uint8_t* at = headers.data();
  const uint8_t* const end = at + headers.size();
  const auto piece = [&](Piece* out) {
    int32_t size = 0;
    if (at >= end || !ReadVarint(at, &size) || size > end - at) return false;
    *out = {size < 0 ? nullptr : at, static_cast<size_t>(std::max(size, 0))};
    at += out->size;
    return true;
  };
  int32_t count = 0;
  bool well = at < end && ReadVarint(at, &count) && count >= 0;
  for (; well && count > 0; --count) {
    Piece key;
    Piece value;
    well = piece(&key) && key.data != nullptr && piece(&value);
    headers_.keys.push_back(key);
    headers_.values.push_back(value);
  }
  headers_.ends.push_back(static_cast<int32_t>(headers_.keys.size()));
  return well ? Status::OK() : ExternalError("a record has malformed headers");
}

Result<data::Batch> RecordColumns::Finish() && {
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (int i = 0; i < schema_->num_fields(); ++i) {
    const std::string& name = schema_->field(i)->name();
    const data::TypePtr& type = schema_->field(i)->type();
    std::shared_ptr<arrow::ArrayData> column;
    if (name == "key") {
      column = std::move(keys_).Finish(type, rows_, buffers_);
    } else if (name == "value") {
      column = std::move(values_).Finish(type, rows_, buffers_);
    } else if (name == "topic") {
      MILLRACE_ASSIGN_OR_RETURN(column, ConstantText(type, rows_, partition_.topic));
    } else if (name == "headers") {
      MILLRACE_ASSIGN_OR_RETURN(column, HeaderColumn(type, headers_));
    } else {
      auto& numbers = numbers_[static_cast<size_t>(i)];
      if (numbers == nullptr) {
        return InternalError("A Kafka source has no column '{}'", name);
      }
      column = arrow::ArrayData::Make(type, rows_, {nullptr, std::move(numbers)}, 0);
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema_, rows_, std::move(columns));
}

}  // namespace millrace::connectors::kafka::fetch
