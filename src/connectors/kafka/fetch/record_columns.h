// The columns of a Kafka source out of records in fetch buffers: keys and values become
// views into those buffers. Spark counterpart: KafkaRecordToRowConverter.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "connectors/kafka/column_parts.h"
#include "connectors/kafka/fetch/record_batch.h"
#include "connectors/kafka/partition_offsets.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

/// Views in the making, for a fixed number of rows at most.
class ViewBuilder {
 public:
  using View = arrow::BinaryViewType::c_type;

  Status Reserve(int64_t rows);
  bool wanted() const { return views_ != nullptr; }

  /// `data` lies in buffer `index`, which begins at `base`. Null where `data` is.
  Status Append(int64_t row, const uint8_t* data, int32_t size, int32_t index,
                const uint8_t* base) {
    View& view = views_[row];
    if (data == nullptr) [[unlikely]] {
      view = {};
      return AppendNull(row);
    }
    if (bits_ != nullptr) arrow::bit_util::SetBit(bits_, row);
    if (size > arrow::BinaryViewType::kInlineSize) {
      view.ref = {size, {}, index, static_cast<int32_t>(data - base)};
      std::memcpy(view.ref.prefix.data(), data, sizeof view.ref.prefix);
    } else {
      view.inlined = {size, {}};
      std::memcpy(view.inlined.data.data(), data, static_cast<size_t>(size));
    }
    return Status::OK();
  }

  std::shared_ptr<arrow::ArrayData> Finish(
      const data::TypePtr& type, int64_t rows,
      const std::vector<std::shared_ptr<arrow::Buffer>>& buffers) &&;

 private:
  Status AppendNull(int64_t row);

  std::shared_ptr<arrow::Buffer> validity_;  // from the first null on
  std::shared_ptr<arrow::Buffer> buffer_;
  View* views_ = nullptr;
  uint8_t* bits_ = nullptr;
  int64_t capacity_ = 0;
  int64_t nulls_ = 0;
};

/// Collects rows with the columns of `schema`, a part of KafkaSchema in any order.
/// Threading: one thread.
class RecordColumns {
 public:
  static Result<RecordColumns> Make(data::SchemaPtr schema, TopicPartition partition,
                                    int64_t most_rows);

  int64_t rows() const { return rows_; }
  bool full() const { return rows_ == most_rows_; }
  /// Of keys and values.
  int64_t bytes() const { return bytes_; }

  /// What the rows that follow have in common: where they lie, and their batch.
  void Begin(const std::shared_ptr<arrow::Buffer>& buffer, const BatchHeader& header);

  /// Only if not full(). Errors: malformed headers; KAFKA_MALFORMED_RECORD_TIMESTAMP.
  Status Append(const Record& record) {
    if (keys_.wanted()) {
      MILLRACE_RETURN_IF_ERROR(
          keys_.Append(rows_, record.key, record.key_size, index_, base_));
    }
    if (values_.wanted()) {
      MILLRACE_RETURN_IF_ERROR(
          values_.Append(rows_, record.value, record.value_size, index_, base_));
    }
    if (offsets_ != nullptr) offsets_[rows_] = header_.base_offset + record.offset_delta;
    if (timestamps_ != nullptr) {
      MILLRACE_RETURN_IF_ERROR(AppendTimestamp(record));
    }
    if (timestamp_types_ != nullptr) timestamp_types_[rows_] = header_.log_append_time();
    if (with_headers_) MILLRACE_RETURN_IF_ERROR(AppendHeaders(record.headers));
    bytes_ += std::max(record.key_size, 0) + std::max(record.value_size, 0);
    ++rows_;
    return Status::OK();
  }

  /// Last call.
  Result<data::Batch> Finish() &&;

 private:
  RecordColumns() = default;
  template <typename T>
  Status MakeNumbers(size_t column, T** out);
  Status AppendTimestamp(const Record& record);
  Status AppendHeaders(Bytes headers);

  data::SchemaPtr schema_;
  TopicPartition partition_;
  int64_t most_rows_ = 0;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;

  BatchHeader header_;
  std::vector<std::shared_ptr<arrow::Buffer>> buffers_;  // that views point into
  int32_t index_ = -1;                                   // the last of them
  const uint8_t* base_ = nullptr;

  ViewBuilder keys_;
  ViewBuilder values_;
  std::vector<std::shared_ptr<arrow::Buffer>> numbers_;  // by column; null for others
  int64_t* offsets_ = nullptr;
  int64_t* timestamps_ = nullptr;
  int32_t* timestamp_types_ = nullptr;
  bool with_headers_ = false;
  MessageHeaders headers_;
};

}  // namespace millrace::connectors::kafka::fetch
