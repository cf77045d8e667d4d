// Finds the offsets a query begins at and the newest ones there are, with retries.
// Spark counterpart: KafkaOffsetReaderAdmin.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include "connectors/kafka/broker.h"
#include "connectors/kafka/partition_offsets.h"
#include "connectors/kafka/read_options.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Threading: one thread.
/// Failure: as Broker. Other failures are retried fetchOffset.numRetries times.
class OffsetFinder {
 public:
  /// New and deleted partitions are noticed within this time while a query runs.
  static constexpr std::chrono::milliseconds kDiscoveryInterval{1000};

  OffsetFinder(std::shared_ptr<Broker> broker, const ReadOptions& options,
               std::chrono::milliseconds broker_timeout)
      : broker_(std::move(broker)), options_(options), timeout_(broker_timeout) {}

  /// The newest offsets of all partitions. Where one is smaller than in `known`, asks
  /// again before believing it.
  Result<PartitionOffsets> Latest(const PartitionOffsets& known, std::stop_token stop);

  /// The oldest offsets of those among `partitions` that still exist.
  Result<PartitionOffsets> Earliest(const PartitionSet& partitions, std::stop_token stop);

  /// The offsets that `limit` means now, all resolved. `streaming` and `is_start` choose
  /// between Spark's messages.
  Result<PartitionOffsets> Resolve(const OffsetLimit& limit, bool is_start,
                                   bool streaming, std::stop_token stop);

  /// When partitions are looked for again.
  std::chrono::steady_clock::time_point next_discovery() const { return next_discovery_; }

  /// How long later questions wait for a broker.
  void SetTimeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }

 private:
  Result<PartitionSet> Partitions(std::stop_token stop);
  Result<PartitionOffsets> At(const PartitionSet& partitions, int64_t point,
                              std::stop_token stop) {
    return broker_->Offsets(partitions, point, timeout_, std::move(stop));
  }
  /// Runs `question` up to the wanted number of times.
  template <typename Question>
  Result<PartitionOffsets> Retry(std::stop_token stop, Question question);
  Result<PartitionOffsets> ResolveOnce(const OffsetLimit& limit, bool is_start,
                                       bool streaming, std::stop_token stop);

  const std::shared_ptr<Broker> broker_;
  const ReadOptions options_;
  std::chrono::milliseconds timeout_;
  std::optional<PartitionSet> partitions_;
  std::chrono::steady_clock::time_point next_discovery_;
};

}  // namespace millrace::connectors::kafka
