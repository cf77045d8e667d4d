// The native read path: feeds that requests of our own fill. Leaders are asked of
// librdkafka's metadata.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "connectors/kafka/broker.h"
#include "connectors/kafka/feed.h"
#include "connectors/kafka/fetch/broker_fetcher.h"

namespace millrace::connectors::kafka::fetch {

/// Threading: as FeedSet; a thread of its own finds leaders.
class Fetcher final : public FeedSet {
 public:
  /// Errors: certificates and keys that cannot be used.
  static Result<std::unique_ptr<FeedSet>> Make(FetchSettings settings,
                                               std::shared_ptr<Broker> broker);
  /// Waits for all threads to end.
  ~Fetcher() override;

  Feed& FeedOf(const TopicPartition& partition) override;
  void AwaitArrival(std::chrono::milliseconds wait, std::stop_token stop) override;
  std::string last_error() override;

 private:
  Fetcher(FetchSettings settings, std::unique_ptr<const TlsContext> tls,
          std::shared_ptr<Broker> broker);
  void FindLeaders(std::stop_token stop);
  void Settle(const PartitionSet& homeless, const Broker::Leaders& leaders);

  const FetchSettings settings_;
  const std::unique_ptr<const TlsContext> tls_;
  const std::shared_ptr<Broker> broker_;
  FetchBoard board_;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<Feed>> feeds_;       // guarded by mutex_
  std::map<int32_t, std::unique_ptr<BrokerFetcher>> fetchers_;  // of the thread below
  std::jthread finder_;
};

}  // namespace millrace::connectors::kafka::fetch
