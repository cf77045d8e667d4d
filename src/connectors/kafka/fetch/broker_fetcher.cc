#include "connectors/kafka/fetch/broker_fetcher.h"

#include <arrow/buffer.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/error.h"
#include "connector/source.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using std::chrono::milliseconds;

// How long the broker may wait for messages while another request waits too: the two are
// to become one.
constexpr milliseconds kShortWait(10);
// The pause after an answer that came at once, and empty.
constexpr milliseconds kEmptyPause(10);
// Before a leader that moved is looked for again.
constexpr milliseconds kMovedPause(20);
constexpr milliseconds kMostBackoff(500);

milliseconds Backoff(int failures) {
  return std::min(kMostBackoff, milliseconds(20) * (1 << std::min(failures, 10)));
}

bool HasMoved(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:  // unless the metadata says so as well
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kOffsetNotAvailable:
      return true;
    default:
      return false;
  }
}

}  // namespace

BrokerFetcher::BrokerFetcher(int32_t id, Endpoint endpoint, const FetchSettings& settings,
                             const TlsContext* tls, FetchBoard& board)
    : id_(id),
      settings_(settings),
      tls_(tls),
      board_(board),
      wake_(board.WakeOf(id)),
      endpoint_(std::move(endpoint)),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

BrokerFetcher::~BrokerFetcher() {
  thread_.request_stop();
  wake_.Wake();
}

void BrokerFetcher::SetEndpoint(Endpoint endpoint) {
  const std::lock_guard lock(mutex_);
  endpoint_ = std::move(endpoint);
}

void BrokerFetcher::Run(std::stop_token stop) {
  // Signals are for other threads; OpenSSL may raise SIGPIPE here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stop.stop_requested()) {
    Ask(lanes_[0], lanes_[1], stop);
    Ask(lanes_[1], lanes_[0], stop);
    Await();
    for (Lane& lane : lanes_) {
      if (!lane.busy()) continue;
      pollfd answer = {.fd = lane.connection->fd(), .events = POLLIN, .revents = 0};
      if (lane.connection->HasPending() || poll(&answer, 1, 0) > 0) {
        Receive(lane, stop);
      } else if (Clock::now() >= lane.deadline) {
        Lose(lane, ExternalError("Kafka broker {}: it did not answer a fetch in time",
                                 ToString(lane.connection->endpoint())));
      }
    }
  }
}

void BrokerFetcher::Await() {
  std::optional<Clock::time_point> until;
  std::array<pollfd, 3> wanted = {
      pollfd{.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
  size_t count = 1;
  const Clock::time_point now = Clock::now();
  for (const Lane& lane : lanes_) {
    const Clock::time_point next = lane.busy() ? lane.deadline : lane.not_before;
    if (lane.busy() && lane.connection->HasPending()) return;
    if (lane.busy()) {
      wanted[count++] = {.fd = lane.connection->fd(), .events = POLLIN, .revents = 0};
    }
    if (lane.busy() || next > now) until = std::min(until.value_or(next), next);
  }
  // Without a descriptor nothing wakes it: it looks often instead.
  if (wake_.fd() < 0)
    until = std::min(until.value_or(now + kShortWait), now + kShortWait);
  int timeout = -1;
  if (until) {
    const auto left = std::chrono::ceil<milliseconds>(*until - now);
    timeout = static_cast<int>(std::max<int64_t>(left.count(), 0));
  }
  poll(wanted.data(), count, timeout);
  if (wanted[0].revents != 0) wake_.Drain();
}

void BrokerFetcher::Ask(Lane& lane, const Lane& other, std::stop_token stop) {
  if (lane.busy() || stop.stop_requested() || Clock::now() < lane.not_before) return;
  lane.asked = board_.Next(id_, other.busy() && !other.patient ? FetchBoard::Only::kUrgent
                                                               : FetchBoard::Only::kAll);
  if (lane.asked.empty()) return;
  lane.patient = !other.busy();
  Status status;
  if (lane.connection == nullptr) {
    Endpoint endpoint;
    {
      const std::lock_guard lock(mutex_);
      endpoint = endpoint_;
    }
    lane.proven = false;
    auto opened = Connection::Open(endpoint, settings_, tls_, stop);
    if (opened.ok()) {
      lane.connection = std::move(opened).value();
    } else {
      status = opened.status();
    }
  }
  if (status.ok()) status = Send(lane, stop);
  if (!status.ok()) Lose(lane, status);
}

Status BrokerFetcher::Send(Lane& lane, std::stop_token stop) {
  const milliseconds wait =
      lane.patient ? settings_.max_wait : std::min(settings_.max_wait, kShortWait);
  FetchRequest request;
  request.read_committed = settings_.read_committed;
  request.max_wait_ms = static_cast<int32_t>(wait.count());
  request.min_bytes = settings_.min_bytes;
  request.max_bytes = settings_.max_bytes;
  request.max_partition_bytes = settings_.max_partition_bytes;
  for (const FetchBoard::Wanted& wanted : lane.asked) {
    request.partitions.push_back(
        {wanted.partition.topic, wanted.partition.partition, wanted.offset});
  }
  lane.sent = Clock::now();
  lane.deadline = lane.sent + wait + settings_.answer_timeout;
  return lane.connection->Send(request, std::move(stop));
}

void BrokerFetcher::Receive(Lane& lane, std::stop_token stop) {
  const Result<Connection::Received> received = lane.connection->Receive(stop);
  if (!received.ok()) return Lose(lane, received.status());
  if (received->answer.error != ErrorCode::kNone) {
    return Lose(lane, ExternalError("Kafka broker {} refused to be fetched from: {}",
                                    ToString(lane.connection->endpoint()),
                                    NameOf(received->answer.error)));
  }
  lane.proven = true;
  failures_ = 0;
  Accept(lane, *received);
}

void BrokerFetcher::Accept(Lane& lane, const Connection::Received& received) {
  const Clock::time_point now = Clock::now();
  const std::vector<FetchBoard::Wanted> asked = std::exchange(lane.asked, {});
  std::vector<bool> answered(asked.size(), false);
  size_t bytes = 0;
  size_t next = 0;  // answers mostly come in the order of the request
  for (const FetchAnswer::Partition& partition : received.answer.partitions) {
    for (size_t tried = 0; tried < asked.size(); ++tried, ++next) {
      next %= asked.size();
      if (asked[next].partition.partition != partition.partition ||
          asked[next].partition.topic != partition.topic) {
        continue;
      }
      if (!answered[next]) AcceptPartition(asked[next], partition, received.buffer);
      answered[next++] = true;
      break;
    }
    bytes += partition.records.size();
  }
  std::vector<FetchBoard::Wanted> silent;
  for (size_t i = 0; i < asked.size(); ++i) {
    if (!answered[i]) silent.push_back(asked[i]);
  }
  board_.GiveUp(silent);
  // A broker that throttles answers nothing until then, and would not be told.
  lane.not_before = now + milliseconds(std::max(received.answer.throttle_ms, 0));
  if (bytes == 0 && now - lane.sent < kShortWait / 2) {
    lane.not_before = std::max(lane.not_before, now + kEmptyPause);
  }
}

void BrokerFetcher::AcceptPartition(const FetchBoard::Wanted& wanted,
                                    const FetchAnswer::Partition& partition,
                                    const std::shared_ptr<arrow::Buffer>& buffer) {
  if (partition.error == ErrorCode::kOffsetOutOfRange) {
    return board_.DeliverOutOfRange(wanted);
  }
  if (HasMoved(partition.error)) {
    spdlog::debug("Kafka: {} has moved: {}", ToString(wanted.partition),
                  NameOf(partition.error));
    return board_.DeliverMoved(wanted, kMovedPause);
  }
  if (partition.error != ErrorCode::kNone) {
    return board_.DeliverFailure(
        wanted, ExternalError("Reading {} failed: {}", ToString(wanted.partition),
                              NameOf(partition.error)));
  }
  const Result<Extent> extent = Measure(partition.records, wanted.offset);
  if (!extent.ok()) {
    return board_.DeliverFailure(
        wanted, ExternalError("Reading {} failed: {}", ToString(wanted.partition),
                              extent.status().error().message));
  }
  const int64_t end =
      settings_.read_committed ? partition.last_stable_offset : partition.high_watermark;
  Chunk chunk = {buffer, partition.records.first(extent->size), partition.aborted,
                 *extent};
  board_.Deliver(wanted, std::move(chunk), extent->next_offset >= end);
}

void BrokerFetcher::Lose(Lane& lane, const Status& status) {
  const bool proven = lane.proven && lane.connection != nullptr;
  lane.connection.reset();
  board_.GiveUp(std::exchange(lane.asked, {}));
  if (connector::IsCancelled(status)) return;
  spdlog::debug("{}", status.error().message);
  if (proven) {
    board_.SetTrouble(status.error().message);
  } else {
    board_.Abandon(id_, Backoff(failures_++), status.error().message);
  }
}

}  // namespace millrace::connectors::kafka::fetch
