#include "connectors/kafka/message_columns.h"

#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

using Messages = std::span<rd_kafka_message_t* const>;
using View = arrow::BinaryViewType::c_type;
using ArrayData = std::shared_ptr<arrow::ArrayData>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;

// A piece of bytes; null where `data` is null.
struct Bytes {
  const void* data = nullptr;
  size_t size = 0;
};

Result<BufferPtr> Allocate(int64_t size) {
  auto buffer = arrow::AllocateBuffer(size);
  if (!buffer.ok()) {
    return ExternalError("There is no memory for {} bytes of Kafka messages: {}", size,
                         buffer.status().message());
  }
  return BufferPtr(std::move(buffer).ValueUnsafe());
}

int64_t Size(Messages messages) { return static_cast<int64_t>(messages.size()); }

// A column of views of `get(i)`, in buffers of their own.
template <typename Get>
Result<ArrayData> ViewColumn(const data::TypePtr& type, int64_t length, Get get) {
  // A view addresses its bytes with 32 bits, so a column may need several buffers.
  constexpr int64_t kMostBytes = std::numeric_limits<int32_t>::max() - kReadAhead;
  std::vector<int64_t> sizes = {0};
  int64_t nulls = 0;
  for (int64_t i = 0; i < length; ++i) {
    const Bytes bytes = get(i);
    if (bytes.data == nullptr) {
      ++nulls;
    } else if (bytes.size > arrow::BinaryViewType::kInlineSize) {
      const auto size = static_cast<int64_t>(bytes.size);
      if (sizes.back() + size > kMostBytes) sizes.push_back(0);
      sizes.back() += size;
    }
  }
  std::vector<BufferPtr> buffers(2);
  if (sizes.back() > 0) {
    for (const int64_t size : sizes) {
      MILLRACE_ASSIGN_OR_RETURN(BufferPtr buffer, Allocate(size + kReadAhead));
      std::memset(buffer->mutable_data() + size, 0, kReadAhead);
      buffers.push_back(std::move(buffer));
    }
  }
  if (nulls > 0) {
    MILLRACE_ASSIGN_OR_RETURN(buffers[0],
                              Allocate(arrow::bit_util::BytesForBits(length)));
    std::memset(buffers[0]->mutable_data(), 0, static_cast<size_t>(buffers[0]->size()));
  }
  MILLRACE_ASSIGN_OR_RETURN(buffers[1],
                            Allocate(length * static_cast<int64_t>(sizeof(View))));
  View* views = reinterpret_cast<View*>(buffers[1]->mutable_data());
  size_t buffer = 0;
  int64_t offset = 0;
  for (int64_t i = 0; i < length; ++i) {
    const Bytes bytes = get(i);
    View view{};
    if (bytes.data != nullptr) {
      if (nulls > 0) arrow::bit_util::SetBit(buffers[0]->mutable_data(), i);
      const auto size = static_cast<int32_t>(bytes.size);
      if (size <= arrow::BinaryViewType::kInlineSize) {
        view.inlined = {size, {}};
        if (size > 0) std::memcpy(view.inlined.data.data(), bytes.data, bytes.size);
      } else {
        if (offset + size > sizes[buffer]) {
          ++buffer;
          offset = 0;
        }
        std::memcpy(buffers[2 + buffer]->mutable_data() + offset, bytes.data, bytes.size);
        view.ref = {size, {}, static_cast<int32_t>(buffer), static_cast<int32_t>(offset)};
        std::memcpy(view.ref.prefix.data(), bytes.data, view.ref.prefix.size());
        offset += size;
      }
    }
    views[i] = view;
  }
  return arrow::ArrayData::Make(type, length, std::move(buffers), nulls);
}

// All rows show the same bytes.
Result<ArrayData> ConstantView(const data::TypePtr& type, int64_t length,
                               const std::string& text) {
  std::vector<BufferPtr> buffers(2);
  View view{};
  const auto size = static_cast<int32_t>(text.size());
  if (size <= arrow::BinaryViewType::kInlineSize) {
    view.inlined = {size, {}};
    std::memcpy(view.inlined.data.data(), text.data(), text.size());
  } else {
    MILLRACE_ASSIGN_OR_RETURN(BufferPtr buffer, Allocate(size + kReadAhead));
    std::memset(buffer->mutable_data(), 0, static_cast<size_t>(buffer->size()));
    std::memcpy(buffer->mutable_data(), text.data(), text.size());
    buffers.push_back(std::move(buffer));
    view.ref = {size, {}, 0, 0};
    std::memcpy(view.ref.prefix.data(), text.data(), view.ref.prefix.size());
  }
  MILLRACE_ASSIGN_OR_RETURN(buffers[1],
                            Allocate(length * static_cast<int64_t>(sizeof(View))));
  std::fill_n(reinterpret_cast<View*>(buffers[1]->mutable_data()), length, view);
  return arrow::ArrayData::Make(type, length, std::move(buffers), 0);
}

// A column of numbers without nulls; `get(message)` gives each.
template <typename T, typename Get>
Result<ArrayData> NumberColumn(const data::TypePtr& type, Messages messages, Get get) {
  const int64_t length = Size(messages);
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr values,
                            Allocate(length * static_cast<int64_t>(sizeof(T))));
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

Result<ArrayData> TimestampColumn(const data::TypePtr& type,
                                  const TopicPartition& partition, Messages messages) {
  constexpr int64_t kMostMillis = std::numeric_limits<int64_t>::max() / 1000;
  for (const rd_kafka_message_t* message : messages) {
    const int64_t millis = TimestampMillis(message);
    if (millis <= kMostMillis && millis >= -kMostMillis) continue;
    return Error(Fault::kData,
                 "Record at topic {} partition {} offset {} has timestamp value {} that "
                 "overflows when converting to Spark's microsecond-precision "
                 "TimestampType.\n"
                 "Kafka record timestamps must be in milliseconds since epoch per the "
                 "Kafka "
                 "protocol. The provided value suggests the producer may be writing "
                 "timestamps "
                 "in microseconds or nanoseconds instead.\nEnsure the Kafka producer "
                 "sets the "
                 "ProducerRecord timestamp in milliseconds.",
                 partition.topic, partition.partition, message->offset, millis)
        .Class("KAFKA_MALFORMED_RECORD_TIMESTAMP", "22008")
        .Java("org.apache.spark.sql.kafka010.KafkaIllegalStateException");
  }
  return NumberColumn<int64_t>(type, messages, [](const rd_kafka_message_t* message) {
    return TimestampMillis(message) * 1000;
  });
}

// array<struct<key, value>>; null for a message without headers, as Spark has it.
Result<ArrayData> HeaderColumn(const data::TypePtr& type, Messages messages) {
  struct Header {
    Bytes key;
    Bytes value;
  };
  std::vector<Header> headers;
  std::vector<int32_t> offsets = {0};
  std::vector<bool> valid;
  for (const rd_kafka_message_t* message : messages) {
    rd_kafka_headers_t* list = nullptr;
    const size_t before = headers.size();
    if (rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Header header;
      const char* name = nullptr;
      for (size_t i = 0;
           rd_kafka_header_get_all(list, i, &name, &header.value.data,
                                   &header.value.size) == RD_KAFKA_RESP_ERR_NO_ERROR;
           ++i) {
        header.key = {name, std::strlen(name)};
        headers.push_back(header);
      }
    }
    offsets.push_back(static_cast<int32_t>(headers.size()));
    valid.push_back(headers.size() > before);
  }

  const auto& element = static_cast<const arrow::ListType&>(*type).value_type();
  const auto count = static_cast<int64_t>(headers.size());
  MILLRACE_ASSIGN_OR_RETURN(ArrayData keys,
                            ViewColumn(element->field(0)->type(), count,
                                       [&](int64_t i) { return headers[i].key; }));
  MILLRACE_ASSIGN_OR_RETURN(ArrayData values,
                            ViewColumn(element->field(1)->type(), count,
                                       [&](int64_t i) { return headers[i].value; }));
  ArrayData structs = arrow::ArrayData::Make(element, count, {nullptr},
                                             {std::move(keys), std::move(values)}, 0);

  const int64_t length = Size(messages);
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr bits,
                            Allocate(arrow::bit_util::BytesForBits(length)));
  std::memset(bits->mutable_data(), 0, static_cast<size_t>(bits->size()));
  int64_t nulls = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (valid[i]) {
      arrow::bit_util::SetBit(bits->mutable_data(), i);
    } else {
      ++nulls;
    }
  }
  const auto offset_bytes = static_cast<int64_t>(offsets.size() * sizeof(int32_t));
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr starts, Allocate(offset_bytes));
  std::memcpy(starts->mutable_data(), offsets.data(), static_cast<size_t>(offset_bytes));
  return arrow::ArrayData::Make(type, length, {std::move(bits), std::move(starts)},
                                {std::move(structs)}, nulls);
}

Result<ArrayData> Column(const arrow::Field& field, const TopicPartition& partition,
                         Messages messages) {
  const std::string& name = field.name();
  const data::TypePtr& type = field.type();
  if (name == "value") {
    return ViewColumn(type, Size(messages), [&](int64_t i) {
      return Bytes{messages[i]->payload, messages[i]->len};
    });
  }
  if (name == "key") {
    return ViewColumn(type, Size(messages), [&](int64_t i) {
      return Bytes{messages[i]->key, messages[i]->key_len};
    });
  }
  if (name == "topic") return ConstantView(type, Size(messages), partition.topic);
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
  if (name == "headers") return HeaderColumn(type, messages);
  return InternalError("A Kafka source has no column '{}'", name);
}

}  // namespace

data::SchemaPtr KafkaSchema(bool include_headers) {
  arrow::FieldVector fields = {
      arrow::field("key", data::BinaryType()),
      arrow::field("value", data::BinaryType()),
      arrow::field("topic", data::StringType()),
      arrow::field("partition", data::IntType()),
      arrow::field("offset", data::LongType()),
      arrow::field("timestamp", data::TimestampType()),
      arrow::field("timestampType", data::IntType()),
  };
  if (include_headers) {
    fields.push_back(arrow::field(
        "headers",
        data::ArrayOf(arrow::struct_({arrow::field("key", data::StringType()),
                                      arrow::field("value", data::BinaryType())}))));
  }
  return arrow::schema(std::move(fields));
}

Result<data::Batch> MessageColumns(const data::SchemaPtr& schema,
                                   const TopicPartition& partition, Messages messages) {
  std::vector<ArrayData> columns;
  for (const data::FieldPtr& field : schema->fields()) {
    MILLRACE_ASSIGN_OR_RETURN(ArrayData column, Column(*field, partition, messages));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, Size(messages), std::move(columns));
}

}  // namespace millrace::connectors::kafka
