#include "connectors/kafka/broker.h"

#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "connector/source.h"
#include "millrace/kafka_settings.h"

namespace millrace::connectors::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// What librdkafka's blocking calls get at first, since they do not know a stop token.
constexpr milliseconds kSlice(100);

constexpr std::string_view kUnknownTopic =
    "org.apache.kafka.common.errors.UnknownTopicOrPartitionException";

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using ListHandle = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

bool IsUnknown(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

// The cluster may give another answer in a moment.
bool IsPassing(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      return true;
    default:
      return false;
  }
}

Status Refused(rd_kafka_resp_err_t error, std::string_view topic) {
  if (IsUnknown(error)) return UnknownTopic(topic);
  if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
    return Error(Fault::kUser,
                 "org.apache.kafka.common.errors.TopicAuthorizationException: Not "
                 "authorized to "
                 "access topics: [{}]",
                 topic)
        .Java("java.util.concurrent.ExecutionException");
  }
  return ExternalError("Kafka did not tell about topic '{}': {}", topic,
                       rd_kafka_err2str(error));
}

std::set<std::string> TopicsOf(const PartitionOffsets& points) {
  std::set<std::string> topics;
  for (const auto& [partition, point] : points) topics.insert(partition.topic);
  return topics;
}

std::string TopicNames(const PartitionOffsets& points) {
  return fmt::format("{}", fmt::join(TopicsOf(points), ", "));
}

// Kafka's own topics, which patterns never match. Java's admin client goes by the
// broker's flag, which librdkafka does not pass on.
bool IsInternal(std::string_view topic) {
  return topic == "__consumer_offsets" || topic == "__transaction_state" ||
         topic == "__share_group_state";
}

}  // namespace

Status UnknownTopic(std::string_view topic) {
  return Error(Fault::kUser,
               "{}: This server does not host this topic-partition.\nThe topic '{}' does "
               "not exist: create it, or correct the options subscribe or assign.",
               kUnknownTopic, topic)
      .Java("java.util.concurrent.ExecutionException");
}

bool IsUnknownTopic(const Status& status) {
  return !status.ok() && status.error().message.starts_with(kUnknownTopic);
}

// Deals out the time of one question in slices, so that a stop is noticed. A slice gets
// longer only where a broker was reached but did not answer in time: a shorter one never
// would succeed.
class Broker::Attempts {
 public:
  Attempts(milliseconds timeout, std::stop_token stop)
      : end_(Clock::now() + timeout), stop_(std::move(stop)) {}

  bool stopped() const { return stop_.stop_requested(); }
  int slice() const { return static_cast<int>(std::min(slice_, Left()).count()); }

  // Whether to ask again after a failure.
  bool Again(rd_kafka_resp_err_t error) {
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT) slice_ *= 2;
    if (Left() <= milliseconds(1)) return false;
    return PauseFor(milliseconds(10), stop_);
  }

 private:
  milliseconds Left() const {
    return std::max(milliseconds(1),
                    std::chrono::duration_cast<milliseconds>(end_ - Clock::now()));
  }

  const Clock::time_point end_;
  const std::stop_token stop_;
  milliseconds slice_ = kSlice;
};

Result<std::shared_ptr<Broker>> Broker::Make(const ClientConfig& config) {
  MILLRACE_ASSIGN_OR_RETURN(
      auto client, Client::MakeConsumer(config, {{"socket.nagle.disable", "true"},
                                                 {"reconnect.backoff.max.ms", "1000"}}));
  return std::shared_ptr<Broker>(
      new Broker(std::move(client), KnownLoginDefect(config.settings)));
}

rd_kafka_topic_t* Broker::Know(const std::string& topic) {
  const std::lock_guard lock(mutex_);
  TopicHandle& handle = topics_[topic];
  if (handle == nullptr) {
    handle.reset(rd_kafka_topic_new(client_->handle(), topic.c_str(), nullptr));
  }
  return handle.get();
}

Status Broker::NoAnswer(milliseconds timeout, rd_kafka_resp_err_t error) const {
  client_->Poll();
  const std::string reason = client_->last_error();
  if (Hopeless()) {
    return ExternalError(
        "The Kafka broker at '{}' and this client do not accept each other. Check the "
        "options kafka.security.protocol, kafka.sasl.* and kafka.ssl.*.{} Last error: {}",
        servers(), login_defect_, reason);
  }
  return ExternalError(
      "No Kafka broker at '{}' answered within {} ms. Check the option "
      "kafka.bootstrap.servers "
      "and that the broker runs. Last error: {}",
      servers(), timeout.count(), reason.empty() ? rd_kafka_err2str(error) : reason);
}

void Broker::Answered() {
  answered_ = true;
  client_->ForgetError();
}

Result<Broker::MetadataHandle> Broker::Metadata(bool all,
                                                const std::set<std::string>& topics,
                                                milliseconds timeout,
                                                std::stop_token stop) {
  rd_kafka_topic_t* only = nullptr;
  for (const std::string& topic : topics) only = Know(topic);
  if (topics.size() != 1) only = nullptr;  // asks for all known topics at once

  Attempts attempts(timeout, stop);
  while (true) {
    if (attempts.stopped()) return connector::Cancelled();
    const struct rd_kafka_metadata* raw = nullptr;
    const rd_kafka_resp_err_t error =
        rd_kafka_metadata(client_->handle(), all, only, &raw, attempts.slice());
    MetadataHandle metadata(raw);
    client_->Poll();
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Answered();
      return metadata;
    }
    if (Hopeless() || !attempts.Again(error)) {
      if (attempts.stopped()) return connector::Cancelled();
      return NoAnswer(timeout, error);
    }
  }
}

Result<Broker::Leaders> Broker::LeadersOf(const std::set<std::string>& topics,
                                          milliseconds timeout, std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(const MetadataHandle metadata,
                            Metadata(false, topics, timeout, std::move(stop)));
  std::map<int32_t, Leader> brokers;
  for (int i = 0; i < metadata->broker_cnt; ++i) {
    const rd_kafka_metadata_broker& broker = metadata->brokers[i];
    brokers[broker.id] = {broker.id, broker.host, broker.port};
  }
  Leaders result;
  result.unclear = topics;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& topic = metadata->topics[i];
    if (!topics.contains(topic.topic)) continue;
    if (IsUnknown(topic.err)) result.unknown.insert(topic.topic);
    if (IsUnknown(topic.err) || topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      result.unclear.erase(topic.topic);
    }
    for (int p = 0; p < topic.partition_cnt; ++p) {
      const auto leader = brokers.find(topic.partitions[p].leader);
      result.leaders[{topic.topic, topic.partitions[p].id}] =
          leader == brokers.end() ? Leader() : leader->second;
    }
  }
  return result;
}

Result<PartitionSet> Broker::Partitions(const Subscription& subscription,
                                        milliseconds timeout, std::stop_token stop) {
  const bool all = subscription.kind == Subscription::Kind::kPattern;
  std::set<std::string> wanted(subscription.topics.begin(), subscription.topics.end());
  for (const TopicPartition& partition : subscription.partitions)
    wanted.insert(partition.topic);
  MILLRACE_ASSIGN_OR_RETURN(const MetadataHandle metadata,
                            Metadata(all, wanted, timeout, std::move(stop)));

  const RE2 pattern(all ? subscription.pattern : "");
  PartitionSet result;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& topic = metadata->topics[i];
    if (all ? IsInternal(topic.topic) || !RE2::PartialMatch(topic.topic, pattern)
            : wanted.erase(topic.topic) == 0) {
      continue;
    }
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      // A topic that is about to go, or to come, matters only where it was named.
      if (all) continue;
      return Refused(topic.err, topic.topic);
    }
    for (int p = 0; p < topic.partition_cnt; ++p) {
      result.insert({topic.topic, topic.partitions[p].id});
    }
  }
  if (!wanted.empty()) return UnknownTopic(*wanted.begin());
  if (subscription.kind == Subscription::Kind::kAssign) {
    std::erase_if(result, [&](const TopicPartition& partition) {
      return !subscription.partitions.contains(partition);
    });
  }
  return result;
}

Result<PartitionOffsets> Broker::Offsets(const PartitionOffsets& points,
                                         milliseconds timeout, std::stop_token stop) {
  if (points.empty()) return PartitionOffsets();
  Attempts attempts(timeout, stop);
  bool looked_again = false;
  while (true) {
    if (attempts.stopped()) return connector::Cancelled();
    const ListHandle list(
        rd_kafka_topic_partition_list_new(static_cast<int>(points.size())));
    for (const auto& [partition, point] : points) {
      rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(),
                                        partition.partition)
          ->offset = point;
    }
    rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(client_->handle(), list.get(), attempts.slice());
    client_->Poll();
    PartitionOffsets result;
    for (int i = 0; i < list->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      const rd_kafka_topic_partition_t& answer = list->elems[i];
      error = answer.err;
      result[{answer.topic, answer.partition}] = answer.offset;
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Answered();
      return result;
    }
    if (IsUnknown(error) && !looked_again) {
      // librdkafka remembers topics that were gone when it last asked for them.
      looked_again = true;
      MILLRACE_ASSIGN_OR_RETURN(const Leaders now,
                                LeadersOf(TopicsOf(points), timeout, stop));
      if (now.unknown.empty()) continue;
    }
    if (!IsPassing(error)) return Refused(error, TopicNames(points));
    if (!attempts.Again(error)) {
      if (attempts.stopped()) return connector::Cancelled();
      return NoAnswer(timeout, error);
    }
  }
}

Result<PartitionOffsets> Broker::Offsets(const PartitionSet& partitions, int64_t point,
                                         milliseconds timeout, std::stop_token stop) {
  PartitionOffsets points;
  for (const TopicPartition& partition : partitions) points[partition] = point;
  return Offsets(points, timeout, stop);
}

}  // namespace millrace::connectors::kafka
