#include "connectors/kafka/message_columns.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

using Messages = std::span<rd_kafka_message_t* const>;

int64_t Size(Messages messages) { return static_cast<int64_t>(messages.size()); }

// A column of copies of `get(message)`.
template <typename Get>
Result<ColumnData> ViewColumn(const data::TypePtr& type, Messages messages, Get get) {
  std::vector<Piece> pieces;
  pieces.reserve(messages.size());
  for (const rd_kafka_message_t* message : messages) pieces.push_back(get(message));
  return CopiedViews(type, pieces);
}

// A column of numbers without nulls; `get(message)` gives each.
template <typename T, typename Get>
Result<ColumnData> NumberColumn(const data::TypePtr& type, Messages messages, Get get) {
  const int64_t length = Size(messages);
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> values,
                            AllocateBytes(length * static_cast<int64_t>(sizeof(T))));
  T* out = reinterpret_cast<T*>(values->mutable_data());
  for (const rd_kafka_message_t* message : messages) *out++ = get(message);
  return arrow::ArrayData::Make(type, length, {nullptr, std::move(values)}, 0);
}

int64_t TimestampMillis(const rd_kafka_message_t* message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  return rd_kafka_message_timestamp(message, &type);
}

// Java's numbers: -1 none, 0 when it was created, 1 when it was appended to the log.
int32_t TimestampType(const rd_kafka_message_t* message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  rd_kafka_message_timestamp(message, &type);
  return static_cast<int32_t>(type) - 1;
}

Result<ColumnData> TimestampColumn(const data::TypePtr& type,
                                   const TopicPartition& partition, Messages messages) {
  for (const rd_kafka_message_t* message : messages) {
    const int64_t millis = TimestampMillis(message);
    if (!FitsMicroseconds(millis)) {
      return MalformedTimestamp(partition, message->offset, millis);
    }
  }
  return NumberColumn<int64_t>(type, messages, [](const rd_kafka_message_t* message) {
    return TimestampMillis(message) * 1000;
  });
}

MessageHeaders HeadersOf(Messages messages) {
  MessageHeaders headers;
  for (const rd_kafka_message_t* message : messages) {
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Piece value;
      const char* name = nullptr;
      for (size_t i = 0;
           rd_kafka_header_get_all(list, i, &name, &value.data, &value.size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
           ++i) {
        headers.keys.push_back({name, std::strlen(name)});
        headers.values.push_back(value);
      }
    }
    headers.ends.push_back(static_cast<int32_t>(headers.keys.size()));
  }
  return headers;
}

Result<ColumnData> Column(const arrow::Field& field, const TopicPartition& partition,
                          Messages messages) {
  const std::string& name = field.name();
  const data::TypePtr& type = field.type();
  if (name == "value") {
    return ViewColumn(type, messages, [](const rd_kafka_message_t* message) {
      return Piece{message->payload, message->len};
    });
  }
  if (name == "key") {
    return ViewColumn(type, messages, [](const rd_kafka_message_t* message) {
      return Piece{message->key, message->key_len};
    });
  }
  if (name == "topic") return ConstantText(type, Size(messages), partition.topic);
  if (name == "partition") {
    return NumberColumn<int32_t>(
        type, messages, [&](const rd_kafka_message_t*) { return partition.partition; });
  }
  if (name == "offset") {
    return NumberColumn<int64_t>(type, messages, [](const rd_kafka_message_t* message) {
      return message->offset;
    });
  }
  if (name == "timestamp") return TimestampColumn(type, partition, messages);
  if (name == "timestampType")
    return NumberColumn<int32_t>(type, messages, &TimestampType);
  if (name == "headers") return HeaderColumn(type, HeadersOf(messages));
  return InternalError("A Kafka source has no column '{}'", name);
}

}  // namespace

Result<data::Batch> MessageColumns(const data::SchemaPtr& schema,
                                   const TopicPartition& partition, Messages messages) {
  std::vector<ColumnData> columns;
  for (const data::FieldPtr& field : schema->fields()) {
    MILLRACE_ASSIGN_OR_RETURN(ColumnData column, Column(*field, partition, messages));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, Size(messages), std::move(columns));
}

}  // namespace millrace::connectors::kafka
