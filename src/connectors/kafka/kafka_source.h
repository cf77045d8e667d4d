// A Kafka source of a streaming query: what to read in each batch, and where a query
// begins. Spark counterpart: KafkaMicroBatchStream.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "connector/source.h"
#include "connectors/kafka/offset_finder.h"
#include "connectors/kafka/partition_split.h"

namespace millrace::connectors::kafka {

/// Threading: as StreamSource: the query's thread; readers may run on others.
/// Failure: a broker that is not there at the start is an error after
/// kafka.default.api.timeout.ms (10 s). Later, Latest says that there is nothing new and
/// description() what is wrong, until the broker is back; readers wait for
/// kafkaConsumer.pollTimeoutMs.
class KafkaSource final : public connector::StreamSource {
 public:
  KafkaSource(ReadOptions options, std::shared_ptr<const ReadContext> context,
              connector::DurableLog* log, Clock* clock);

  std::string description() const override;
  Result<std::optional<connector::Offset>> Initial(std::stop_token stop) override;
  Result<std::optional<connector::Offset>> Latest(
      const std::optional<connector::Offset>& start, const connector::ReadLimit& limit,
      std::stop_token stop) override;
  Status PrepareAvailableNow(std::stop_token stop) override;
  Result<std::vector<std::unique_ptr<connector::Split>>> Plan(
      const std::optional<connector::Offset>& start, const connector::Offset& end,
      std::stop_token stop) override;
  std::map<std::string, std::string> Metrics(
      const std::optional<connector::Offset>& consumed) override;
  std::optional<connector::Offset> ReportLatest() override;
  bool AwaitData(Clock& clock, EpochMillis deadline, std::stop_token stop) override;
  std::vector<std::string> LaggingPartitions(const connector::Offset& end) override;

 private:
  Result<PartitionOffsets> Start(const std::optional<connector::Offset>& start,
                                 std::stop_token stop);
  /// The end of a batch under the options' limits; `from` itself where it is to be
  /// delayed.
  Result<PartitionOffsets> Limit(const PartitionOffsets& from, std::stop_token stop);
  bool DelayBatch(const PartitionOffsets& from);
  /// finder_.Earliest, waiting while no broker answers.
  Result<PartitionOffsets> AwaitEarliest(const PartitionSet& partitions,
                                         std::stop_token stop);
  /// Begins to fetch, so that messages arrive while a batch is planned or awaited.
  Status Prefetch(const PartitionOffsets& from);
  /// Whether messages came in that no batch had yet.
  bool AnyNew();

  const ReadOptions options_;
  const std::shared_ptr<const ReadContext> context_;
  connector::DurableLog* const log_;
  Clock* const clock_;
  OffsetFinder finder_;
  std::optional<PartitionOffsets> latest_;
  std::optional<PartitionOffsets> available_now_;
  PartitionSet followed_;  // what Prefetch began to fetch
  EpochMillis last_trigger_;
  bool delayed_ = false;  // minOffsetsPerTrigger: there is data, but not enough
  std::string trouble_;   // why the broker does not answer; empty if it does
};

/// Spark's KafkaSourceInitialOffsetWriter: a zero byte, "v1", a line break, the offsets.
std::string EncodeInitialOffsets(const PartitionOffsets& offsets);
Result<PartitionOffsets> DecodeInitialOffsets(std::string_view content);

/// The splits from `from` to `until`. Partitions that only `until` has begin at
/// `from_new`. Spark: KafkaOffsetReaderBase.getOffsetRangesFromResolvedOffsets.
Result<std::vector<std::unique_ptr<connector::Split>>> PlanSplits(
    const std::shared_ptr<const ReadContext>& context, const PartitionOffsets& from,
    const PartitionOffsets& from_new, const PartitionOffsets& until);

}  // namespace millrace::connectors::kafka
