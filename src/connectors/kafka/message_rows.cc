#include "connectors/kafka/message_rows.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/kafka/column_parts.h"
#include "data/types.h"

namespace millrace::connectors::kafka {
namespace {

// A text or bytes; both are views of bytes.
const arrow::BinaryViewArray* Bytes(const data::Batch& batch, int column) {
  if (column < 0) return nullptr;
  return static_cast<const arrow::BinaryViewArray*>(batch->column(column).get());
}

// No data where there is none, and some where it is empty: Kafka tells null from nothing.
std::string_view ViewAt(const arrow::BinaryViewArray* column, int64_t row) {
  if (column == nullptr || column->IsNull(row)) return {};
  const std::string_view view = column->GetView(row);
  return view.data() == nullptr ? std::string_view("", 0) : view;
}

HeadersHandle HeadersAt(const arrow::ListArray& column, int64_t row) {
  if (column.IsNull(row) || column.value_length(row) == 0) return nullptr;
  const auto& elements = static_cast<const arrow::StructArray&>(*column.values());
  const std::shared_ptr<arrow::Array> keys = elements.field(0);
  const std::shared_ptr<arrow::Array> values = elements.field(1);
  HeadersHandle headers(
      rd_kafka_headers_new(static_cast<size_t>(column.value_length(row))));
  const int64_t end = column.value_offset(row) + column.value_length(row);
  for (int64_t i = column.value_offset(row); i < end; ++i) {
    const std::string_view key =
        ViewAt(static_cast<arrow::BinaryViewArray*>(keys.get()), i);
    const std::string_view value =
        ViewAt(static_cast<arrow::BinaryViewArray*>(values.get()), i);
    rd_kafka_header_add(headers.get(), key.data(), static_cast<ssize_t>(key.size()),
                        value.data(), static_cast<ssize_t>(value.size()));
  }
  return headers;
}

bool IsBytes(const arrow::DataType& type) {
  return data::IsString(type) || type.Equals(*data::BinaryType());
}

bool IsHeaders(const arrow::DataType& type) {
  return data::SimpleTypeName(type) == "array<struct<key:string,value:binary>>";
}

Status WrongType(std::string_view name, const arrow::DataType& found,
                 std::string_view wanted) {
  return AnalysisError("_LEGACY_ERROR_TEMP_3080", "",
                       "{} attribute unsupported type {}. {} must be a(n) {}", name,
                       data::SimpleTypeName(found), name, wanted);
}

// The position of a column of that name (with case, as Spark looks for it); -1 for none.
template <typename Fits>
Result<int> FindColumn(const arrow::Schema& schema, std::string_view name, Fits fits,
                       std::string_view wanted) {
  const int index = schema.GetFieldIndex(std::string(name));
  if (index >= 0 && !fits(*schema.field(index)->type())) {
    return WrongType(name, *schema.field(index)->type(), wanted);
  }
  return index;
}

}  // namespace

Result<MessageLayout> FindMessageColumns(const arrow::Schema& schema,
                                         const std::optional<std::string>& topic) {
  MessageLayout layout;
  const auto is_string = [](const arrow::DataType& type) { return data::IsString(type); };
  MILLRACE_ASSIGN_OR_RETURN(const int topic_column,
                            FindColumn(schema, "topic", is_string, "string"));
  if (topic) {
    layout.fixed_topic = *topic;
  } else if (topic_column < 0) {
    return AnalysisError(
        "_LEGACY_ERROR_TEMP_3080", "",
        "topic option required when no 'topic' attribute is present. Use the "
        "topic option for setting a topic.");
  } else {
    layout.topic = topic_column;
  }
  MILLRACE_ASSIGN_OR_RETURN(layout.key,
                            FindColumn(schema, "key", IsBytes, "string or binary"));
  MILLRACE_ASSIGN_OR_RETURN(layout.value,
                            FindColumn(schema, "value", IsBytes, "string or binary"));
  if (layout.value < 0) {
    return AnalysisError("_LEGACY_ERROR_TEMP_3080", "",
                         "Required attribute 'value' not found");
  }
  MILLRACE_ASSIGN_OR_RETURN(
      layout.headers,
      FindColumn(schema, "headers", IsHeaders, "array<struct<key:string,value:binary>>"));
  const auto is_int = [](const arrow::DataType& type) {
    return type.id() == arrow::Type::INT32;
  };
  MILLRACE_ASSIGN_OR_RETURN(layout.partition,
                            FindColumn(schema, "partition", is_int, "int"));
  return layout;
}

Status SendRows(const data::Batch& batch, const MessageLayout& layout, Producer* producer,
                std::stop_token stop) {
  const arrow::BinaryViewArray* const keys = Bytes(batch, layout.key);
  const arrow::BinaryViewArray* const values = Bytes(batch, layout.value);
  const arrow::BinaryViewArray* const topics = Bytes(batch, layout.topic);
  const arrow::Int32Array* const partitions =
      layout.partition < 0
          ? nullptr
          : static_cast<const arrow::Int32Array*>(batch->column(layout.partition).get());
  const arrow::ListArray* const headers =
      layout.headers < 0
          ? nullptr
          : static_cast<const arrow::ListArray*>(batch->column(layout.headers).get());
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    std::string_view topic = layout.fixed_topic;
    if (topics != nullptr) {
      if (topics->IsNull(row)) {
        return Error(Fault::kData,
                     "The Kafka message data sent to the producer contains a null topic. "
                     "Use the "
                     "`topic` option for setting a default topic.")
            .Class("KAFKA_NULL_TOPIC_IN_DATA")
            .Java("org.apache.spark.sql.kafka010.KafkaIllegalStateException");
      }
      topic = topics->GetView(row);
    }
    OutgoingMessage message{.key = ViewAt(keys, row), .value = ViewAt(values, row)};
    if (partitions != nullptr && partitions->IsValid(row))
      message.partition = partitions->Value(row);
    if (headers != nullptr) message.headers = HeadersAt(*headers, row);
    MILLRACE_RETURN_IF_ERROR(producer->Send(topic, std::move(message), stop));
  }
  return Status::OK();
}

}  // namespace millrace::connectors::kafka
