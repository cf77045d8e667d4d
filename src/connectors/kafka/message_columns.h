// Turns messages of one topic partition into the columns of a Kafka source.
// Spark counterpart: KafkaRecordToRowConverter.
#pragma once

#include <librdkafka/rdkafka.h>

#include <span>

#include "connectors/kafka/partition_offsets.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// key, value, topic, partition, offset, timestamp, timestampType, and headers if wanted.
data::SchemaPtr KafkaSchema(bool include_headers);

/// Bytes that may be read after the last byte of any key or value, for parsers that read
/// ahead.
inline constexpr int64_t kReadAhead = 64;

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
