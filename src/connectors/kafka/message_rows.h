// Rows of a DataFrame as messages: which column is the key, the value, the topic and so
// on. Spark counterpart: KafkaWriter, KafkaRowWriter.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "connectors/kafka/producer.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// The columns of a schema that messages are made of, as positions; -1 where there is
/// none.
struct MessageLayout {
  int key = -1;
  int value = -1;
  int topic = -1;  // only where no topic was given
  int partition = -1;
  int headers = -1;
  std::string fixed_topic;
};

/// Finds them by name. `topic` is the option, which wins over a column. Errors, with
/// Spark's texts
/// (_LEGACY_ERROR_TEMP_3080): no value, no topic at all, a column of another type than
/// Spark takes.
Result<MessageLayout> FindMessageColumns(const arrow::Schema& schema,
                                         const std::optional<std::string>& topic);

/// Sends a message for each row. Errors: KAFKA_NULL_TOPIC_IN_DATA and those of
/// Producer::Send.
Status SendRows(const data::Batch& batch, const MessageLayout& layout, Producer* producer,
                std::stop_token stop);

}  // namespace millrace::connectors::kafka
