// What happens when messages a query was to read are gone: with failOnDataLoss an error,
// without a warning. Texts and classes are those of Spark's KafkaExceptions.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/kafka/partition_offsets.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Threading: all methods may be called from any thread.
class DataLossPolicy {
 public:
  /// `group` is named in messages; `own_group` says that the user chose it.
  DataLossPolicy(bool fail, std::string group, bool own_group)
      : fail_(fail), group_(std::move(group)), own_group_(own_group) {}

  bool fail() const { return fail_; }

  // Each reports one kind of loss: OK means that reading goes on behind the gap.
  Status NoInitialOffset(const PartitionSet& partitions) const;
  Status AddedPartitionNotFromZero(const TopicPartition& partition, int64_t start) const;
  Status PartitionsDeleted(const PartitionSet& partitions) const;
  Status OffsetChanged(const TopicPartition& partition, int64_t before,
                       int64_t now) const;
  Status RangeUnreadable(const TopicPartition& partition, int64_t start,
                         int64_t end) const;

 private:
  Status Report(std::string_view error_class, const std::string& reason) const;

  const bool fail_;
  const std::string group_;
  const bool own_group_;
};

}  // namespace millrace::connectors::kafka
