// What the columns of a Kafka source are made of, whichever way its messages come.
// Spark counterpart: KafkaRecordToRowConverter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "connectors/kafka/partition_offsets.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// key, value, topic, partition, offset, timestamp, timestampType, and headers if wanted.
data::SchemaPtr KafkaSchema(bool include_headers);

/// Bytes that may be read after the last byte of any key or value, for parsers that read
/// ahead.
inline constexpr int64_t kReadAhead = 64;

using ColumnData = std::shared_ptr<arrow::ArrayData>;

/// Errors: no memory.
Result<std::shared_ptr<arrow::Buffer>> AllocateBytes(int64_t size);

/// A piece of bytes; null where `data` is null.
struct Piece {
  const void* data = nullptr;
  size_t size = 0;
};

/// A column of copies of `pieces`, all in buffers of its own.
Result<ColumnData> CopiedViews(const data::TypePtr& type,
                               const std::vector<Piece>& pieces);

/// A column whose rows all show the same text.
Result<ColumnData> ConstantText(const data::TypePtr& type, int64_t length,
                                const std::string& text);

/// The headers of a number of messages.
struct MessageHeaders {
  std::vector<Piece> keys;
  std::vector<Piece> values;
  std::vector<int32_t> ends;  // of each message's, in keys and values
};
/// array<struct<key, value>>; null for a message without headers, as Spark has it.
Result<ColumnData> HeaderColumn(const data::TypePtr& type, const MessageHeaders& headers);

/// Whether a time in milliseconds can be one in microseconds.
inline bool FitsMicroseconds(int64_t millis) {
  constexpr int64_t kMostMillis = std::numeric_limits<int64_t>::max() / 1000;
  return millis <= kMostMillis && millis >= -kMostMillis;
}
/// KAFKA_MALFORMED_RECORD_TIMESTAMP
Error MalformedTimestamp(const TopicPartition& partition, int64_t offset, int64_t millis);

}  // namespace millrace::connectors::kafka
