// Messages of topic partitions, read ahead by librdkafka and kept in place between
// batches.
//
// A Feed is the cursor of one partition: a batch takes what lies before its end, and the
// rest stays for the next one, so that consecutive batches seek and fetch nothing twice.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/partition_offsets.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

class Consumer;

/// Threading: used by one thread at a time; see TryAcquire.
class Feed {
 public:
  enum class State {
    kMessages,    // there are some before the end
    kEnd,         // nothing more lies before the end
    kOutOfRange,  // the broker has no position(): messages or the topic are gone
    kWaiting,     // none yet
  };

  Feed(Consumer& consumer, TopicPartition partition);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const TopicPartition& partition() const { return partition_; }

  /// A feed belongs to one reader at a time. False while another has it.
  bool TryAcquire() { return !in_use_.exchange(true, std::memory_order_acquire); }
  void Release() { in_use_.store(false, std::memory_order_release); }

  /// Reads on from `offset`. Costs nothing where the feed stands there already.
  Status Seek(int64_t offset);

  /// The next offset to be given out.
  int64_t position() const { return position_; }

  /// Takes in what has arrived, waiting up to `wait` for more while there are fewer than
  /// `enough` messages and the offsets before `end` are not all there. Errors: Cancelled
  /// on `stop`; what the broker refused.
  Result<State> Fill(int64_t end, size_t enough, std::chrono::milliseconds wait,
                     std::stop_token stop);

  /// The messages taken in that lie before `end`. Valid until Drop or Seek.
  std::span<rd_kafka_message_t* const> Messages(int64_t end) const;
  /// Frees the first `count` messages of Messages(); position() moves past them.
  void Drop(size_t count);
  /// Moves position() to `end` where no message lies before it any more.
  void SkipTo(int64_t end);

  /// Whether there are messages nobody has had yet. Never blocks.
  bool HasNew();

  /// Stops to fetch and drops what was taken in. Seek begins again.
  void Halt();

 private:
  /// Looks at what Fill took out of the queue from index `from` on: drops events, keeps
  /// messages.
  Status Accept(size_t from);

  Consumer& consumer_;
  const TopicPartition partition_;
  TopicHandle topic_;
  QueueHandle queue_;
  bool started_ = false;
  bool out_of_range_ = false;
  std::vector<rd_kafka_message_t*> pending_;  // from first_ on: taken in, not given out
  size_t first_ = 0;
  int64_t position_ = 0;
  int64_t fetched_ = 0;  // all offsets before this one were taken in or do not exist
  std::atomic<bool> in_use_ = false;
};

/// One librdkafka consumer with the feeds of a query's source.
/// Threading: all methods may be called from any thread, except AwaitArrival: one thread.
class Consumer {
 public:
  static Result<std::shared_ptr<Consumer>> Make(const ClientConfig& config);
  ~Consumer();

  /// The feed of a partition, made on first use. Lives as long as the consumer.
  Feed& FeedOf(const TopicPartition& partition);

  /// Blocks until messages arrive in any feed, but at most for `wait`; returns soon after
  /// `stop` is requested. May return early.
  void AwaitArrival(std::chrono::milliseconds wait, std::stop_token stop);

  Client& client() { return *client_; }
  /// Becomes readable when messages arrive in a queue that was empty.
  int arrival_fd() const { return arrival_fd_; }

 private:
  Consumer(std::unique_ptr<Client> client, int arrival_fd);

  std::unique_ptr<Client> client_;
  const int arrival_fd_;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<Feed>> feeds_;  // guarded by mutex_
};

}  // namespace millrace::connectors::kafka
