#include "connectors/kafka/data_loss.h"

#include <spdlog/spdlog.h>

#include "base/error.h"

namespace millrace::connectors::kafka {

Status DataLossPolicy::Report(std::string_view error_class,
                              const std::string& reason) const {
  if (!fail_) {
    spdlog::warn(
        "Kafka: {} Some data may have been lost; the query goes on since failOnDataLoss "
        "is "
        "false.",
        reason);
    return Status::OK();
  }
  return Error(Fault::kExternal,
               "Some data may have been lost because they are not available in Kafka any "
               "more;\n"
               "either the data was aged out by Kafka or the topic may have been deleted "
               "before "
               "all the data in the\ntopic was processed.\nIf you don't want your "
               "streaming "
               "query to fail on such cases, set the source option failOnDataLoss to "
               "false.\n"
               "Reason: {}",
               reason)
      .Class(fmt::format("KAFKA_DATA_LOSS.{}", error_class), "22000")
      .Java("org.apache.spark.sql.kafka010.KafkaIllegalStateException")
      .Retryable(false);
}

Status DataLossPolicy::NoInitialOffset(const PartitionSet& partitions) const {
  return Report(
      "INITIAL_OFFSET_NOT_FOUND_FOR_PARTITIONS",
      fmt::format("Cannot find initial offsets for partitions {}. They may have been "
                  "deleted.",
                  ToString(partitions)));
}

Status DataLossPolicy::AddedPartitionNotFromZero(const TopicPartition& partition,
                                                 int64_t start) const {
  return Report("ADDED_PARTITION_DOES_NOT_START_FROM_OFFSET_ZERO",
                fmt::format("Added partition {} starts from {} instead of 0.",
                            ToString(partition), start));
}

Status DataLossPolicy::PartitionsDeleted(const PartitionSet& partitions) const {
  const std::string reason =
      fmt::format("Partitions {} have been deleted.", ToString(partitions));
  if (!own_group_) return Report("PARTITIONS_DELETED", reason);
  return Report("PARTITIONS_DELETED_AND_GROUP_ID_CONFIG_PRESENT",
                reason +
                    "\nKafka option 'kafka.group.id' has been set on this query, it is\n"
                    "not recommended to set this option. This option is unsafe to use "
                    "since multiple "
                    "concurrent\nqueries or sources using the same group id will "
                    "interfere with each "
                    "other as they are part\nof the same consumer group. Restarted "
                    "queries may also "
                    "suffer interference from the\nprevious run having the same group "
                    "id. The user should "
                    "have only one query per group id,\nand/or set the option "
                    "'kafka.session.timeout.ms' "
                    "to be very small so that the Kafka\nconsumers from the previous "
                    "query are marked "
                    "dead by the Kafka group coordinator before the\nrestarted query "
                    "starts running.");
}

Status DataLossPolicy::OffsetChanged(const TopicPartition& partition, int64_t before,
                                     int64_t now) const {
  return Report(
      "PARTITION_OFFSET_CHANGED",
      fmt::format("Partition {} offset was changed from {} to {}.\nThis could be "
                  "either 1) a user error that the start offset is set beyond "
                  "available offset when starting query, or 2) the kafka "
                  "topic-partition is deleted and re-created.",
                  ToString(partition), before, now));
}

Status DataLossPolicy::RangeUnreadable(const TopicPartition& partition, int64_t start,
                                       int64_t end) const {
  return Report(
      "COULD_NOT_READ_OFFSET_RANGE",
      fmt::format("Could not read records in offset [{}, {}) for topic partition {}\n"
                  "with consumer group {}.",
                  start, end, ToString(partition), group_));
}

}  // namespace millrace::connectors::kafka
