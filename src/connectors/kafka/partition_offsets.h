// Topic partitions and offsets, and the JSON texts Spark writes them in. A Kafka source's
// position is such a text: in the offset log, in progress reports and in the options of a
// query. Spark counterparts: JsonUtils, KafkaSourceOffset.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Stand for "the end" and "the beginning" where an offset is wanted.
inline constexpr int64_t kLatestOffset = -1;
inline constexpr int64_t kEarliestOffset = -2;

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// "orders-0", as Kafka's Java client prints it.
std::string ToString(const TopicPartition& partition);

/// An offset for each partition: the next one to read.
using PartitionOffsets = std::map<TopicPartition, int64_t>;
using PartitionSet = std::set<TopicPartition>;

/// {"orders":{"0":5,"1":5}}, topics and partitions ascending.
std::string ToJson(const PartitionOffsets& offsets);
/// Errors: an ArgumentError with Spark's text.
Result<PartitionOffsets> ParseOffsets(std::string_view json);
/// The same form with timestamps in milliseconds.
Result<PartitionOffsets> ParseTimestamps(std::string_view json);
/// {"orders":[0,1]}
Result<PartitionSet> ParsePartitions(std::string_view json);

/// "Set(orders-0, orders-1)", as Spark's messages list partitions.
std::string ToString(const PartitionSet& partitions);
/// "Map(orders-0 -> 5)", as Spark's messages list offsets.
std::string ToString(const PartitionOffsets& offsets);

PartitionSet Keys(const PartitionOffsets& offsets);

}  // namespace millrace::connectors::kafka
