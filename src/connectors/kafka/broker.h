// Asks the Kafka cluster which partitions there are and which offsets they hold.
//
// Has a connection of its own: a broker answers the requests of one connection in turn,
// and a fetch that waits for messages would hold up these questions.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "connectors/kafka/client.h"
#include "connectors/kafka/partition_offsets.h"
#include "connectors/kafka/read_options.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Threading: all methods may be called from any thread.
/// Failure: no answer within the time is Fault::kExternal; every wait ends soon after
/// `stop` is requested (Cancelled).
class Broker {
 public:
  static Result<std::shared_ptr<Broker>> Make(const ClientConfig& config);

  /// The partitions that exist now. Errors: a topic of kTopics or kAssign that does not
  /// exist.
  Result<PartitionSet> Partitions(const Subscription& subscription,
                                  std::chrono::milliseconds timeout,
                                  std::stop_token stop);

  /// For each partition the offset at a point: kLatestOffset, kEarliestOffset, or a
  /// timestamp in ms (the first message at or after it; kLatestOffset where there is
  /// none).
  Result<PartitionOffsets> Offsets(const PartitionOffsets& points,
                                   std::chrono::milliseconds timeout,
                                   std::stop_token stop);
  /// The same point for all.
  Result<PartitionOffsets> Offsets(const PartitionSet& partitions, int64_t point,
                                   std::chrono::milliseconds timeout,
                                   std::stop_token stop);

  struct Leader {
    int32_t id = -1;  // of the broker
    std::string host;
    int port = 0;
  };
  struct Leaders {
    std::map<TopicPartition, Leader> leaders;  // of all partitions there are; id -1: none
    std::set<std::string> unknown;             // topics that do not exist
    std::set<std::string> unclear;             // topics the broker cannot tell of now
  };
  /// Which brokers to read the partitions of `topics` from.
  Result<Leaders> LeadersOf(const std::set<std::string>& topics,
                            std::chrono::milliseconds timeout, std::stop_token stop);

  const std::string& servers() const { return client_->servers(); }

 private:
  class Attempts;

  Broker(std::unique_ptr<Client> client, std::string login_defect)
      : client_(std::move(client)), login_defect_(std::move(login_defect)) {}

  struct MetadataDeleter {
    void operator()(const struct rd_kafka_metadata* metadata) const {
      rd_kafka_metadata_destroy(metadata);
    }
  };
  using MetadataHandle = std::unique_ptr<const struct rd_kafka_metadata, MetadataDeleter>;
  /// Of these topics at least, or of `all` there are.
  Result<MetadataHandle> Metadata(bool all, const std::set<std::string>& topics,
                                  std::chrono::milliseconds timeout,
                                  std::stop_token stop);
  /// Makes a topic one that metadata requests ask for.
  rd_kafka_topic_t* Know(const std::string& topic);
  Status NoAnswer(std::chrono::milliseconds timeout, rd_kafka_resp_err_t error) const;
  /// Takes note of an answer.
  void Answered();
  /// Whether to give up before the time is over: a login or certificate that was refused.
  /// Once there was an answer a broker that restarts may be behind it.
  bool Hopeless() const { return !answered_ && client_->refused(); }

  const std::unique_ptr<Client> client_;
  const std::string login_defect_;  // see KnownLoginDefect
  std::atomic<bool> answered_ = false;
  std::mutex mutex_;
  std::map<std::string, TopicHandle> topics_;  // guarded by mutex_
};

/// The error for a topic that is not there, with Spark's text.
Status UnknownTopic(std::string_view topic);
bool IsUnknownTopic(const Status& status);

}  // namespace millrace::connectors::kafka
