// Messages of topic partitions, read ahead and kept between batches, whichever way they
// come: librdkafka (client_feed.h) or requests of our own (fetch/).
//
// A Feed is the cursor of one partition: a batch takes what lies before its end, and the
// rest stays for the next one, so that consecutive batches seek and fetch nothing twice.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string>

#include "connectors/kafka/partition_offsets.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

/// Threading: used by one thread at a time; see TryAcquire.
class Feed {
 public:
  enum class State {
    kMessages,    // there are some before the end, or offsets that bring none
    kEnd,         // nothing more lies before the end
    kOutOfRange,  // the broker has no position(): messages or the topic are gone
    kWaiting,     // none yet
  };
  static constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

  virtual ~Feed() = default;

  /// A feed belongs to one reader at a time. False while another has it.
  bool TryAcquire() { return !in_use_.exchange(true, std::memory_order_acquire); }
  void Release() { in_use_.store(false, std::memory_order_release); }

  const TopicPartition& partition() const { return partition_; }

  /// Reads on from `offset`; nothing from `until` on will be asked for. Costs nothing
  /// where the feed stands there already.
  virtual Status Seek(int64_t offset, int64_t until = kNoEnd) = 0;

  /// The next offset to be given out.
  virtual int64_t position() const = 0;

  /// Takes in what has arrived, waiting up to `wait` for more while there are fewer than
  /// `enough` messages and the offsets before `end` are not all there. Errors: Cancelled
  /// on `stop`; what the broker refused.
  virtual Result<State> Fill(int64_t end, size_t enough, std::chrono::milliseconds wait,
                             std::stop_token stop) = 0;

  struct Taken {
    data::Batch batch;  // null: no message, but position() may have moved
    int64_t bytes = 0;  // of keys and values
  };
  /// What was taken in and lies before `end`, `most_rows` and about `most_bytes` at most,
  /// with the columns of `schema`. position() moves past it.
  virtual Result<Taken> Take(int64_t end, size_t most_rows, int64_t most_bytes,
                             const data::SchemaPtr& schema) = 0;

  /// Moves position() to `end` where no message lies before it any more.
  virtual void SkipTo(int64_t end) = 0;

  /// Whether there are messages nobody has had yet. Never blocks.
  virtual bool HasNew() = 0;

  /// Stops to fetch and drops what was taken in. Seek begins again.
  virtual void Halt() = 0;

 protected:
  explicit Feed(TopicPartition partition) : partition_(std::move(partition)) {}

 private:
  const TopicPartition partition_;
  std::atomic<bool> in_use_ = false;
};

/// The feeds of a query's source.
/// Threading: all methods may be called from any thread, except AwaitArrival: one thread.
class FeedSet {
 public:
  virtual ~FeedSet() = default;

  /// The feed of a partition, made on first use. Lives as long as the set.
  virtual Feed& FeedOf(const TopicPartition& partition) = 0;

  /// Blocks until messages arrive in any feed, but at most for `wait`; returns soon after
  /// `stop` is requested. May return early.
  virtual void AwaitArrival(std::chrono::milliseconds wait, std::stop_token stop) = 0;

  /// Why messages do not come, as far as it is known; empty if they do.
  virtual std::string last_error() = 0;
};

}  // namespace millrace::connectors::kafka
