#include "connectors/kafka/partition_split.h"

#include <utility>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Rows of a batch: enough to make its fixed cost small, few enough to stay in the cache.
constexpr size_t kMostRows = 16 * 1024;
constexpr size_t kEnoughRows = 2 * 1024;
constexpr int64_t kMostBytes = 32 << 20;

class PartitionReader final : public connector::Reader {
 public:
  PartitionReader(std::shared_ptr<const ReadContext> context, Feed& feed, int64_t end)
      : context_(std::move(context)), feed_(feed), end_(end) {}
  ~PartitionReader() override { feed_.Release(); }

  Result<data::Batch> Next(std::stop_token stop) override {
    const Clock::time_point deadline = Clock::now() + context_->poll_timeout;
    while (feed_.position() < end_) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
      MILLRACE_ASSIGN_OR_RETURN(const Feed::State state,
                                feed_.Fill(end_, kEnoughRows, left, stop));
      switch (state) {
        case Feed::State::kMessages: {
          MILLRACE_ASSIGN_OR_RETURN(
              const Feed::Taken taken,
              feed_.Take(end_, kMostRows, kMostBytes, context_->schema));
          bytes_ += taken.bytes;
          if (taken.batch != nullptr) return taken.batch;
          break;
        }
        case Feed::State::kEnd:
          feed_.SkipTo(end_);
          break;
        case Feed::State::kOutOfRange:
          MILLRACE_RETURN_IF_ERROR(Recover(stop));
          break;
        case Feed::State::kWaiting:
          return TimedOut();
      }
      if (Clock::now() >= deadline && feed_.position() < end_) return TimedOut();
    }
    return data::Batch();
  }

  int64_t bytes_read() const override { return bytes_; }

  Status Seek(int64_t offset) {
    return feed_.Seek(offset, context_->reads_ahead ? Feed::kNoEnd : end_);
  }

 private:
  // The broker has no message at the feed's position. KafkaDataConsumer does the same:
  // fail, or go on at the oldest message there is.
  Status Recover(std::stop_token stop) {
    const int64_t position = feed_.position();
    const PartitionSet partition = {feed_.partition()};
    const auto oldest = context_->broker->Offsets(partition, kEarliestOffset,
                                                  context_->broker_timeout, stop);
    const auto newest = context_->broker->Offsets(partition, kLatestOffset,
                                                  context_->broker_timeout, stop);
    int64_t first = end_;  // of a topic that is gone
    int64_t last = 0;
    if (oldest.ok() && newest.ok()) {
      first = oldest->at(feed_.partition());
      last = newest->at(feed_.partition());
    } else {
      const Status failure = oldest.ok() ? newest.status() : oldest.status();
      const bool unknown = IsUnknownTopic(failure);
      if (!unknown && failure.error().fault != Fault::kExternal) return failure;
      // Without an answer nothing is known, and the first ones of a broker that has just
      // started may be wrong: Next() asks again.
      if (!unknown || ++unknown_answers_ < context_->fetch_attempts) {
        return PauseFor(context_->fetch_retry_interval, stop) ? Status::OK()
                                                              : connector::Cancelled();
      }
    }
    unknown_answers_ = 0;
    if (first <= position && position < last) {
      // It is there: the broker's state was changing.
      if (!PauseFor(milliseconds(20), stop)) return connector::Cancelled();
      return Seek(position);
    }
    MILLRACE_RETURN_IF_ERROR(
        context_->loss->RangeUnreadable(feed_.partition(), position, end_));
    if (position >= last || first >= end_) {
      feed_.SkipTo(end_);
      return Status::OK();
    }
    return Seek(first);
  }

  Status TimedOut() const {
    const std::string error = context_->feeds->last_error();
    return ExternalError(
        "Cannot fetch record for offset {} of {} in {} milliseconds. Check that the "
        "broker at "
        "'{}' runs; the option kafkaConsumer.pollTimeoutMs sets how long to wait. Last "
        "error: "
        "{}",
        feed_.position(), ToString(feed_.partition()), context_->poll_timeout.count(),
        context_->broker->servers(), error.empty() ? "none" : error);
  }

  const std::shared_ptr<const ReadContext> context_;
  Feed& feed_;
  const int64_t end_;
  int64_t bytes_ = 0;
  int unknown_answers_ = 0;  // in a row: the topic does not exist
};

class PartitionSplit final : public connector::Split {
 public:
  PartitionSplit(std::shared_ptr<const ReadContext> context, TopicPartition partition,
                 int64_t start, int64_t end)
      : context_(std::move(context)),
        partition_(std::move(partition)),
        start_(start),
        end_(end) {}

  std::string partition() const override { return ToString(partition_); }

  Result<std::unique_ptr<connector::Reader>> Open() override {
    Feed& feed = context_->feeds->FeedOf(partition_);
    if (!feed.TryAcquire()) {
      return InternalError("{} already has a reader in this query", partition());
    }
    auto reader = std::make_unique<PartitionReader>(context_, feed, end_);
    MILLRACE_RETURN_IF_ERROR(reader->Seek(start_));
    return std::unique_ptr<connector::Reader>(std::move(reader));
  }

 private:
  const std::shared_ptr<const ReadContext> context_;
  const TopicPartition partition_;
  const int64_t start_;
  const int64_t end_;
};

}  // namespace

std::unique_ptr<connector::Split> MakePartitionSplit(
    std::shared_ptr<const ReadContext> context, TopicPartition partition, int64_t start,
    int64_t end) {
  return std::make_unique<PartitionSplit>(std::move(context), std::move(partition), start,
                                          end);
}

}  // namespace millrace::connectors::kafka
