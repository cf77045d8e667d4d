// Turns librdkafka's messages of one topic partition into the columns of a Kafka source.
#pragma once

#include <librdkafka/rdkafka.h>

#include <span>

#include "connectors/kafka/column_parts.h"

namespace millrace::connectors::kafka {

/// Makes a batch with the columns of `schema`, a part of KafkaSchema in any order.
///
/// Payloads are copied, all keys into one buffer and all values into another: one pass
/// over bytes that the next operator reads anyway, and librdkafka's fetch buffers, many
/// to a batch, are free at once. Views of up to 12 bytes hold them inline. Errors:
/// KAFKA_MALFORMED_RECORD_TIMESTAMP.
Result<data::Batch> MessageColumns(const data::SchemaPtr& schema,
                                   const TopicPartition& partition,
                                   std::span<rd_kafka_message_t* const> messages);

}  // namespace millrace::connectors::kafka
