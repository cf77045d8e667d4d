#include "connectors/kafka/offset_finder.h"

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "connector/source.h"

namespace millrace::connectors::kafka {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kKafkaState =
    "org.apache.spark.sql.kafka010.KafkaIllegalStateException";

// KafkaOffsetReaderAdmin's and KafkaExceptions' texts for options that name other
// partitions.
Status WrongPartitions(const OffsetLimit& limit, const PartitionSet& assigned,
                       bool is_start, bool streaming) {
  const std::string sets = fmt::format("Specified: {} Assigned: {}",
                                       ToString(Keys(limit.values)), ToString(assigned));
  if (limit.kind == OffsetLimit::Kind::kTimestamps) {
    return Error(Fault::kUser,
                 "Partitions specified for Kafka timestamp based {} offsets don't match "
                 "what "
                 "are assigned. Maybe topic partitions are created \nor deleted while "
                 "the query "
                 "is running, or you didn't specify all the partitions.\n{}",
                 is_start ? "start" : "end", sets)
        .Class("KAFKA_TIMESTAMP_OFFSET_DOES_NOT_MATCH_ASSIGNED")
        .Java(kKafkaState);
  }
  if (streaming) {
    return Error(
               Fault::kUser,
               "assertion failed: If startingOffsets contains specific offsets, you must "
               "specify all TopicPartitions.\nUse -1 for latest, -2 for earliest, if you "
               "don't care.\n{}",
               sets)
        .Java("java.lang.AssertionError");
  }
  return Error(Fault::kUser,
               "Partitions specified for Kafka start offsets don't match what are "
               "assigned. "
               "Maybe topic partitions are created \nor deleted while the query is "
               "running. Use "
               "-1 for latest, -2 for earliest.\n{}",
               sets)
      .Class("KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED")
      .Java(kKafkaState);
}

}  // namespace

template <typename Question>
Result<PartitionOffsets> OffsetFinder::Retry(std::stop_token stop, Question question) {
  for (int attempt = 1;; ++attempt) {
    Result<PartitionOffsets> answer = question();
    if (answer.ok() || connector::IsCancelled(answer.status())) return answer;
    partitions_.reset();
    // Finding a broker was tried for long enough already, and wrong options stay wrong.
    const ErrorInfo& error = answer.status().error();
    const bool worthwhile = error.java_class == "java.util.concurrent.ExecutionException";
    if (!worthwhile || attempt >= options_.fetch_attempts) return answer;
    spdlog::warn("Kafka: attempt {} of {} to get offsets failed: {}", attempt,
                 options_.fetch_attempts, error.message);
    if (!PauseFor(options_.fetch_retry_interval, stop)) return connector::Cancelled();
  }
}

Result<PartitionSet> OffsetFinder::Partitions(std::stop_token stop) {
  if (!partitions_ || Clock::now() >= next_discovery_) {
    MILLRACE_ASSIGN_OR_RETURN(partitions_,
                              broker_->Partitions(options_.subscription, timeout_, stop));
    next_discovery_ = Clock::now() + kDiscoveryInterval;
  }
  return *partitions_;
}

Result<PartitionOffsets> OffsetFinder::Latest(const PartitionOffsets& known,
                                              std::stop_token stop) {
  for (int attempt = 1;; ++attempt) {
    MILLRACE_ASSIGN_OR_RETURN(
        PartitionOffsets latest, Retry(stop, [&]() -> Result<PartitionOffsets> {
          MILLRACE_ASSIGN_OR_RETURN(const PartitionSet partitions, Partitions(stop));
          return At(partitions, kLatestOffset, stop);
        }));
    bool backwards = false;
    for (const auto& [partition, offset] : latest) {
      const auto before = known.find(partition);
      if (before == known.end() || before->second <= offset) continue;
      backwards = true;
      spdlog::warn("Kafka: the end of {} went back from {} to {} (attempt {} of {})",
                   ToString(partition), before->second, offset, attempt,
                   options_.fetch_attempts);
    }
    if (!backwards || attempt >= options_.fetch_attempts) return latest;
    if (!PauseFor(options_.fetch_retry_interval, stop)) return connector::Cancelled();
  }
}

Result<PartitionOffsets> OffsetFinder::Earliest(const PartitionSet& partitions,
                                                std::stop_token stop) {
  if (partitions.empty()) return PartitionOffsets();
  return Retry(stop, [&]() -> Result<PartitionOffsets> {
    partitions_.reset();  // some may have been deleted just now
    MILLRACE_ASSIGN_OR_RETURN(PartitionSet existing, Partitions(stop));
    std::erase_if(existing,
                  [&](const TopicPartition& p) { return !partitions.contains(p); });
    return At(existing, kEarliestOffset, stop);
  });
}

Result<PartitionOffsets> OffsetFinder::ResolveOnce(const OffsetLimit& limit,
                                                   bool is_start, bool streaming,
                                                   std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(const PartitionSet partitions, Partitions(stop));
  PartitionOffsets points;
  switch (limit.kind) {
    case OffsetLimit::Kind::kEarliest:
      return At(partitions, kEarliestOffset, stop);
    case OffsetLimit::Kind::kLatest:
      return At(partitions, kLatestOffset, stop);
    case OffsetLimit::Kind::kOffsets:
    case OffsetLimit::Kind::kTimestamps:
      if (Keys(limit.values) != partitions) {
        return WrongPartitions(limit, partitions, is_start, streaming);
      }
      points = limit.values;
      break;
    case OffsetLimit::Kind::kTimestamp:
      for (const TopicPartition& partition : partitions)
        points[partition] = limit.timestamp_ms;
      break;
  }
  PartitionOffsets found = points;
  if (limit.kind != OffsetLimit::Kind::kOffsets) {
    MILLRACE_ASSIGN_OR_RETURN(found, broker_->Offsets(points, timeout_, stop));
    for (const auto& [partition, offset] : found) {
      if (offset != kLatestOffset || !is_start || limit.latest_if_no_match) continue;
      return ArgumentError(
          "No offset matched from request of topic-partition {} and timestamp {}.",
          ToString(partition), points[partition]);
    }
  }
  PartitionOffsets open;
  for (const auto& [partition, offset] : found) {
    if (offset == kLatestOffset || offset == kEarliestOffset) open[partition] = offset;
  }
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets resolved,
                            broker_->Offsets(open, timeout_, stop));
  for (const auto& [partition, offset] : resolved) found[partition] = offset;
  return found;
}

Result<PartitionOffsets> OffsetFinder::Resolve(const OffsetLimit& limit, bool is_start,
                                               bool streaming, std::stop_token stop) {
  return Retry(stop, [&] { return ResolveOnce(limit, is_start, streaming, stop); });
}

}  // namespace millrace::connectors::kafka
