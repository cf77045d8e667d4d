// Feeds that librdkafka reads, for what the native read path does not speak.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/feed.h"

namespace millrace::connectors::kafka {

class ClientFeedSet;

class ClientFeed final : public Feed {
 public:
  ClientFeed(ClientFeedSet& set, const TopicPartition& partition);
  ~ClientFeed() override;

  Status Seek(int64_t offset, int64_t until) override;
  int64_t position() const override { return position_; }
  Result<State> Fill(int64_t end, size_t enough, std::chrono::milliseconds wait,
                     std::stop_token stop) override;
  Result<Taken> Take(int64_t end, size_t most_rows, int64_t most_bytes,
                     const data::SchemaPtr& schema) override;
  void SkipTo(int64_t end) override;
  bool HasNew() override;
  void Halt() override;

 private:
  /// Looks at what Fill took out of the queue from index `from` on: drops events, keeps
  /// messages.
  Status Accept(size_t from);
  /// The messages taken in that lie before `end`.
  std::span<rd_kafka_message_t* const> Messages(int64_t end) const;
  /// Frees the first `count` messages of Messages(); position() moves past them.
  void Drop(size_t count);

  ClientFeedSet& set_;
  TopicHandle topic_;
  QueueHandle queue_;
  bool started_ = false;
  bool out_of_range_ = false;
  std::vector<rd_kafka_message_t*> pending_;  // from first_ on: taken in, not given out
  size_t first_ = 0;
  int64_t position_ = 0;
  int64_t fetched_ = 0;  // all offsets before this one were taken in or do not exist
};

/// One librdkafka consumer for all feeds.
class ClientFeedSet final : public FeedSet {
 public:
  static Result<std::unique_ptr<FeedSet>> Make(const ClientConfig& config);
  ~ClientFeedSet() override;

  Feed& FeedOf(const TopicPartition& partition) override;
  void AwaitArrival(std::chrono::milliseconds wait, std::stop_token stop) override;
  std::string last_error() override;

  Client& client() { return *client_; }
  /// Becomes readable when messages arrive in a queue that was empty.
  int arrival_fd() const { return arrival_fd_; }

 private:
  ClientFeedSet(std::unique_ptr<Client> client, int arrival_fd);

  std::unique_ptr<Client> client_;
  const int arrival_fd_;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<Feed>> feeds_;  // guarded by mutex_
};

}  // namespace millrace::connectors::kafka
