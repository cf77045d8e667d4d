#include "connectors/kafka/fetch/fetcher.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "connector/source.h"
#include "connectors/kafka/fetch/native_feed.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMetadataTimeout(2000);
constexpr milliseconds kNoLeaderPause(50);
constexpr milliseconds kNoAnswerPause(100);

}  // namespace

Result<std::unique_ptr<FeedSet>> Fetcher::Make(FetchSettings settings,
                                               std::shared_ptr<Broker> broker) {
  std::unique_ptr<const TlsContext> tls;
  if (settings.tls) {
    MILLRACE_ASSIGN_OR_RETURN(tls, TlsContext::Make(*settings.tls));
  }
  return std::unique_ptr<FeedSet>(
      new Fetcher(std::move(settings), std::move(tls), std::move(broker)));
}

Fetcher::Fetcher(FetchSettings settings, std::unique_ptr<const TlsContext> tls,
                 std::shared_ptr<Broker> broker)
    : settings_(std::move(settings)),
      tls_(std::move(tls)),
      broker_(std::move(broker)),
      board_(settings_.max_partition_bytes),
      finder_([this](std::stop_token stop) { FindLeaders(std::move(stop)); }) {}

Fetcher::~Fetcher() {
  finder_.request_stop();
  finder_.join();
  fetchers_.clear();
}

Feed& Fetcher::FeedOf(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Feed>& feed = feeds_[partition];
  if (feed == nullptr) {
    feed =
        std::make_unique<NativeFeed>(partition, board_,
                                     ReadRules{.read_committed = settings_.read_committed,
                                               .check_crcs = settings_.check_crcs});
  }
  return *feed;
}

void Fetcher::AwaitArrival(milliseconds wait, std::stop_token stop) {
  board_.AwaitAny(wait, std::move(stop));
}

std::string Fetcher::last_error() { return board_.trouble(); }

void Fetcher::FindLeaders(std::stop_token stop) {
  while (true) {
    const PartitionSet homeless = board_.AwaitHomeless(stop);
    if (homeless.empty()) return;
    std::set<std::string> topics;
    for (const TopicPartition& partition : homeless) topics.insert(partition.topic);
    const Result<Broker::Leaders> leaders =
        broker_->LeadersOf(topics, kMetadataTimeout, stop);
    if (leaders.ok()) {
      Settle(homeless, *leaders);
    } else if (!connector::IsCancelled(leaders.status())) {
      board_.SetTrouble(leaders.status().error().message);
      board_.Postpone(homeless, kNoAnswerPause);
    }
  }
}

void Fetcher::Settle(const PartitionSet& homeless, const Broker::Leaders& leaders) {
  PartitionSet leaderless;
  for (const TopicPartition& partition : homeless) {
    const auto leader = leaders.leaders.find(partition);
    const bool listed = leader != leaders.leaders.end();
    if (!listed && !leaders.unclear.contains(partition.topic)) {
      board_.MarkGone(partition);
      continue;
    }
    if (!listed || leader->second.id < 0) {
      leaderless.insert(partition);
      continue;
    }
    const auto& [id, host, port] = leader->second;
    std::unique_ptr<BrokerFetcher>& fetcher = fetchers_[id];
    if (fetcher == nullptr) {
      fetcher = std::make_unique<BrokerFetcher>(id, Endpoint{host, port}, settings_,
                                                tls_.get(), board_);
    } else {
      fetcher->SetEndpoint({host, port});
    }
    board_.Assign(partition, id);
  }
  board_.Postpone(leaderless, kNoLeaderPause);
}

}  // namespace millrace::connectors::kafka::fetch
