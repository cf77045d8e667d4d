// One topic partition's range of offsets in one batch, and the reader that gives its
// rows. Spark counterparts: KafkaBatchInputPartition, KafkaDataConsumer.
#pragma once

#include <chrono>
#include <memory>

#include "connector/source.h"
#include "connectors/kafka/broker.h"
#include "connectors/kafka/data_loss.h"
#include "connectors/kafka/feed.h"

namespace millrace::connectors::kafka {

/// What all readers of one source share.
struct ReadContext {
  std::unique_ptr<FeedSet> feeds;
  std::shared_ptr<Broker> broker;
  std::shared_ptr<const DataLossPolicy> loss;
  data::SchemaPtr schema;  // the columns to give
  // A stream: a partition is read on behind a batch's end, for the next one.
  bool reads_ahead = false;
  std::chrono::milliseconds poll_timeout;
  std::chrono::milliseconds broker_timeout;
  // How often, and after what pause, a broker is asked before it is believed that a topic
  // is gone.
  int fetch_attempts;
  std::chrono::milliseconds fetch_retry_interval;
};

/// The rows of `partition` from offset `start` on, before `end`.
std::unique_ptr<connector::Split> MakePartitionSplit(
    std::shared_ptr<const ReadContext> context, TopicPartition partition, int64_t start,
    int64_t end);

}  // namespace millrace::connectors::kafka
