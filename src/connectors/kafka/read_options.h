// What a Kafka source was asked to read: Spark's source options, checked and typed.
// Spark counterparts: KafkaSourceProvider, KafkaOffsetRangeLimit, ConsumerStrategy.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "connectors/kafka/partition_offsets.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Which partitions are read.
struct Subscription {
  enum class Kind { kTopics, kPattern, kAssign };
  Kind kind = Kind::kTopics;
  std::vector<std::string> topics;  // kTopics, in the user's order
  std::string pattern;              // kPattern; matches anywhere in a topic's name
  PartitionSet partitions;          // kAssign

  /// "Subscribe[orders]", as Spark names it.
  std::string ToString() const;
};

/// Where reading begins or ends.
struct OffsetLimit {
  enum class Kind { kEarliest, kLatest, kOffsets, kTimestamps, kTimestamp };
  Kind kind = Kind::kEarliest;
  PartitionOffsets values;   // kOffsets, kTimestamps (ms)
  int64_t timestamp_ms = 0;  // kTimestamp
  /// What to do where no message is as young as the timestamp: take the end, or fail.
  bool latest_if_no_match = false;
};

struct ReadOptions {
  Subscription subscription;
  OffsetLimit start;
  OffsetLimit end;  // batch reads only
  bool fail_on_data_loss = true;
  bool include_headers = false;
  std::optional<int64_t> max_offsets_per_trigger;
  std::optional<int64_t> min_offsets_per_trigger;
  std::chrono::milliseconds max_trigger_delay = std::chrono::minutes(15);
  /// How long a reader waits for messages that the broker said exist.
  std::chrono::milliseconds poll_timeout = std::chrono::seconds(120);
  int fetch_attempts = 3;
  std::chrono::milliseconds fetch_retry_interval = std::chrono::seconds(1);
  std::optional<std::string> group_id;  // only named in messages: nothing joins a group
  std::string group_id_prefix;
};

/// Every option of the source, for errors and the docs.
std::span<const OptionSpec> KafkaSourceOptions();

/// Checks what Spark checks, in its order and with its texts, then refuses unknown
/// options.
Result<ReadOptions> ParseStreamOptions(const Options& options);
Result<ReadOptions> ParseBatchOptions(const Options& options);

/// Only includeHeaders, which decides the schema.
Result<bool> ParseIncludeHeaders(const Options& options);

}  // namespace millrace::connectors::kafka
