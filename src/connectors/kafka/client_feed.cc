#include "connectors/kafka/client_feed.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "connector/source.h"
#include "connectors/kafka/message_columns.h"

namespace millrace::connectors::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Messages taken out of librdkafka's queue at once.
constexpr size_t kTakeAtOnce = 16 * 1024;
constexpr milliseconds kSlice(100);

// What a write to the arrival descriptor adds.
constexpr uint64_t kOne = 1;

bool IsFatal(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR__BAD_MSG ||
         error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
}

}  // namespace

ClientFeed::ClientFeed(ClientFeedSet& set, const TopicPartition& partition)
    : Feed(partition),
      set_(set),
      topic_(rd_kafka_topic_new(set.client().handle(), partition.topic.c_str(), nullptr)),
      queue_(rd_kafka_queue_new(set.client().handle())) {
  rd_kafka_queue_io_event_enable(queue_.get(), set.arrival_fd(), &kOne, sizeof kOne);
}

ClientFeed::~ClientFeed() { Halt(); }

void ClientFeed::Halt() {
  for (size_t i = first_; i < pending_.size(); ++i) rd_kafka_message_destroy(pending_[i]);
  pending_.clear();
  first_ = 0;
  if (started_) rd_kafka_consume_stop(topic_.get(), partition().partition);
  started_ = false;
  out_of_range_ = false;
}

Status ClientFeed::Seek(int64_t offset, int64_t /*until*/) {
  if (started_ && !out_of_range_) {
    if (offset == position_) return Status::OK();
    if (offset > position_ && offset <= fetched_) {
      Drop(Messages(offset).size());
      SkipTo(offset);
      return Status::OK();
    }
  }
  Halt();
  position_ = offset;
  fetched_ = offset;
  if (rd_kafka_consume_start_queue(topic_.get(), partition().partition, offset,
                                   queue_.get()) != 0) {
    return ExternalError("Reading {} from offset {} could not begin: {}",
                         ToString(partition()), offset,
                         rd_kafka_err2str(rd_kafka_last_error()));
  }
  started_ = true;
  return Status::OK();
}

Status ClientFeed::Accept(size_t from) {
  size_t kept = from;
  Status status;
  for (size_t i = from; i < pending_.size(); ++i) {
    rd_kafka_message_t* message = pending_[i];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      fetched_ = message->offset + 1;
      pending_[kept++] = message;
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // Comes after the partition's last message; offsets up to here that brought none
      // are transaction markers, aborted or compacted away.
      fetched_ = std::max(fetched_, message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
               message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
               message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
               message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      out_of_range_ = true;
    } else if (IsFatal(message->err)) {
      status = ExternalError("Reading {} failed: {}", ToString(partition()),
                             rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
  pending_.resize(kept);
  return status;
}

Result<Feed::State> ClientFeed::Fill(int64_t end, size_t enough, milliseconds wait,
                                     std::stop_token stop) {
  // Ends a wait inside librdkafka at once.
  const std::stop_callback wake(stop, [this] { rd_kafka_queue_yield(queue_.get()); });
  const Clock::time_point deadline = Clock::now() + wait;
  while (true) {
    if (stop.stop_requested()) return connector::Cancelled();
    const size_t before = pending_.size();
    if (before - first_ < enough && fetched_ < end && !out_of_range_) {
      if (first_ > 0) {
        pending_.erase(pending_.begin(),
                       pending_.begin() + static_cast<ptrdiff_t>(first_));
        first_ = 0;
      }
      const size_t held = pending_.size();
      pending_.resize(held + kTakeAtOnce);
      ssize_t taken = rd_kafka_consume_batch_queue(queue_.get(), 0,
                                                   pending_.data() + held, kTakeAtOnce);
      if (taken <= 0) {
        taken = 0;
        const auto left =
            std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
        if (left > milliseconds(0)) {
          const int slice = static_cast<int>(std::min(left, kSlice).count());
          set_.client().Poll();
          if (rd_kafka_message_t* one = rd_kafka_consume_queue(queue_.get(), slice)) {
            pending_[held] = one;
            taken = 1;
          }
        }
      }
      pending_.resize(held + static_cast<size_t>(taken));
      MILLRACE_RETURN_IF_ERROR(Accept(held));
      const bool complete = fetched_ >= end || pending_.size() >= enough;
      if (!complete && !out_of_range_ && (taken > 0 || Clock::now() < deadline)) continue;
    }
    if (!Messages(end).empty()) return State::kMessages;
    if (fetched_ >= end) return State::kEnd;
    return out_of_range_ ? State::kOutOfRange : State::kWaiting;
  }
}

std::span<rd_kafka_message_t* const> ClientFeed::Messages(int64_t end) const {
  const std::span<rd_kafka_message_t* const> all =
      std::span<rd_kafka_message_t* const>(pending_).subspan(first_);
  const auto last = std::ranges::partition_point(
      all, [end](const rd_kafka_message_t* message) { return message->offset < end; });
  return all.first(static_cast<size_t>(last - all.begin()));
}

void ClientFeed::Drop(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    position_ = pending_[first_ + i]->offset + 1;
    rd_kafka_message_destroy(pending_[first_ + i]);
  }
  first_ += count;
  if (first_ == pending_.size()) {
    pending_.clear();
    first_ = 0;
  }
}

Result<Feed::Taken> ClientFeed::Take(int64_t end, size_t most_rows, int64_t most_bytes,
                                     const data::SchemaPtr& schema) {
  const std::span<rd_kafka_message_t* const> messages = Messages(end);
  size_t count = 0;
  Taken taken;
  while (count < messages.size() && count < most_rows && taken.bytes < most_bytes) {
    taken.bytes += static_cast<int64_t>(messages[count]->len + messages[count]->key_len);
    ++count;
  }
  if (count == 0) return taken;
  MILLRACE_ASSIGN_OR_RETURN(taken.batch,
                            MessageColumns(schema, partition(), messages.first(count)));
  Drop(count);
  return taken;
}

void ClientFeed::SkipTo(int64_t end) {
  position_ = std::max(position_, end);
  fetched_ = std::max(fetched_, end);
}

bool ClientFeed::HasNew() {
  if (started_ && first_ == pending_.size()) {
    constexpr int64_t kAnywhere = std::numeric_limits<int64_t>::max();
    // What goes wrong here shows when the messages are read.
    static_cast<void>(Fill(kAnywhere, 1, milliseconds(0), {}));
  }
  return first_ < pending_.size();
}

Result<std::unique_ptr<FeedSet>> ClientFeedSet::Make(const ClientConfig& config) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return ExternalError("eventfd failed with errno {}", errno);
  auto client = Client::MakeConsumer(
      config,
      {
          {"auto.offset.reset", "error"},
          {"enable.auto.commit", "false"},
          {"enable.partition.eof", "true"},
          // A reader that begins waits for the fetch under way, so this is also the
          // longest a seek takes.
          {"fetch.wait.max.ms", "50"},
          {"fetch.error.backoff.ms", "20"},
          // Read-ahead of each partition: more costs memory and caches, not less time.
          {"queued.min.messages", "50000"},
          {"queued.max.messages.kbytes", "16384"},
          {"check.crcs", "true"},
          {"reconnect.backoff.max.ms", "1000"},
          {"socket.nagle.disable", "true"},
      });
  if (!client.ok()) {
    close(fd);
    return client.status();
  }
  return std::unique_ptr<FeedSet>(new ClientFeedSet(std::move(client).value(), fd));
}

ClientFeedSet::ClientFeedSet(std::unique_ptr<Client> client, int arrival_fd)
    : client_(std::move(client)), arrival_fd_(arrival_fd) {}

ClientFeedSet::~ClientFeedSet() {
  feeds_.clear();
  client_.reset();  // its threads write to the descriptor
  close(arrival_fd_);
}

Feed& ClientFeedSet::FeedOf(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Feed>& feed = feeds_[partition];
  if (feed == nullptr) feed = std::make_unique<ClientFeed>(*this, partition);
  return *feed;
}

std::string ClientFeedSet::last_error() {
  client_->Poll();
  return client_->last_error();
}

void ClientFeedSet::AwaitArrival(milliseconds wait, std::stop_token stop) {
  client_->Poll();
  const std::stop_callback wake(stop, [this] {
    [[maybe_unused]] const ssize_t written = write(arrival_fd_, &kOne, sizeof kOne);
  });
  pollfd descriptor = {.fd = arrival_fd_, .events = POLLIN, .revents = 0};
  if (poll(&descriptor, 1, static_cast<int>(wait.count())) > 0) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t bytes = read(arrival_fd_, &count, sizeof count);
  }
}

}  // namespace millrace::connectors::kafka
