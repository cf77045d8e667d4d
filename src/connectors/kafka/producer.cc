#include "connectors/kafka/producer.h"

#include <utility>

#include "base/error.h"
#include "connector/source.h"

namespace millrace::connectors::kafka {
namespace {

constexpr int kPollMs = 50;

// What Kafka's Java producer throws, as Spark shows it.
template <typename... Args>
Error KafkaError(std::string_view exception, fmt::format_string<Args...> format,
                 Args&&... args) {
  return ExternalError("org.apache.kafka.common.errors.{}: {}", exception,
                       fmt::format(format, std::forward<Args>(args)...));
}

// Settings of the user after which librdkafka refuses to promise each message once.
bool AllowsIdempotence(const std::map<std::string, std::string>& settings) {
  for (const char* name :
       {"acks", "request.required.acks", "retries", "message.send.max.retries",
        "max.in.flight", "max.in.flight.requests.per.connection"}) {
    if (settings.contains(name)) return false;
  }
  return true;
}

Status NotDelivered(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return KafkaError(
          "RecordTooLargeException",
          "A message is larger than kafka.max.request.size or than what the topic "
          "takes (max.message.bytes).");
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      return KafkaError(
          "TimeoutException",
          "A message was not taken by a broker within kafka.delivery.timeout.ms.");
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return KafkaError("TopicAuthorizationException",
                        "Writing to the topic is not allowed.");
    default:
      return KafkaError("KafkaException", "A message could not be delivered: {}.",
                        rd_kafka_err2str(error));
  }
}

// librdkafka calls it for each message; what Enqueue gave as opaque is where the error
// goes.
void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* const failure = static_cast<rd_kafka_resp_err_t*>(message->_private);
  if (*failure == RD_KAFKA_RESP_ERR_NO_ERROR) *failure = message->err;
}

}  // namespace

Result<std::unique_ptr<Producer>> Producer::Make(const ClientConfig& config) {
  // Defaults of the Java client where librdkafka has others.
  std::map<std::string, std::string> defaults = {{"partitioner", "murmur2_random"},
                                                 {"delivery.timeout.ms", "120000"}};
  if (AllowsIdempotence(config.settings)) defaults["enable.idempotence"] = "true";
  std::unique_ptr<Producer> producer(new Producer(config.max_block));
  MILLRACE_ASSIGN_OR_RETURN(producer->client_,
                            Client::MakeProducer(config, defaults, &OnDelivery));
  return producer;
}

Producer::~Producer() {
  if (client_ != nullptr) Purge();
}

// How many partitions there are; no error while nobody knows.
Status Producer::Refresh(const std::string& name, Topic* topic) {
  const struct rd_kafka_metadata* metadata = nullptr;
  if (rd_kafka_metadata(client_->handle(), 0, topic->handle.get(), &metadata,
                        10 * kPollMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::OK();
  }
  const rd_kafka_resp_err_t error = metadata->topics[0].err;
  topic->partitions =
      error == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  if (error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
    return KafkaError("InvalidTopicException", "Invalid topics: [{}]", name);
  }
  if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
    return KafkaError("TopicAuthorizationException",
                      "Not authorized to access topics: [{}]", name);
  }
  return Status::OK();
}

// The topic, once it has the partition. A broker may make it when it is asked for.
Result<Producer::Topic*> Producer::Find(std::string_view name,
                                        std::optional<int32_t> partition,
                                        std::stop_token stop) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    Topic topic;
    topic.handle.reset(
        rd_kafka_topic_new(client_->handle(), std::string(name).c_str(), nullptr));
    if (topic.handle == nullptr) {
      return KafkaError("InvalidTopicException", "Invalid topics: [{}]", name);
    }
    found = topics_.emplace(name, std::move(topic)).first;
  }
  Topic& topic = found->second;
  const int32_t wanted = partition.value_or(0);
  if (wanted < 0) {
    return ArgumentError(
        "Invalid partition: {}. Partition number should always be non-negative "
        "or null.",
        wanted);
  }
  if (wanted < topic.partitions) return &topic;  // all but the first message
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  while (true) {
    MILLRACE_RETURN_IF_ERROR(Refresh(found->first, &topic));
    if (wanted < topic.partitions) return &topic;
    client_->Poll();
    if (client_->refused() || std::chrono::steady_clock::now() >= deadline) {
      const std::string reason = client_->last_error();
      const std::string why = reason.empty() ? "" : " " + reason;
      if (topic.partitions > 0) {
        return KafkaError(
            "TimeoutException",
            "Partition {} of topic {} with partition count {} is not present in "
            "metadata after {} ms.{}",
            wanted, name, topic.partitions, patience_.count(), why);
      }
      return KafkaError("TimeoutException",
                        "Topic {} not present in metadata after {} ms.{}", name,
                        patience_.count(), why);
    }
    if (!PauseFor(std::chrono::milliseconds(kPollMs), stop))
      return connector::Cancelled();
  }
}

rd_kafka_resp_err_t Producer::Enqueue(rd_kafka_topic_t* topic, OutgoingMessage* message) {
  const int32_t partition = message->partition.value_or(RD_KAFKA_PARTITION_UA);
  // librdkafka does not change what it copies.
  auto* const value = const_cast<char*>(message->value.data());
  auto* const key = const_cast<char*>(message->key.data());
  const size_t value_size = message->value.size();
  const size_t key_size = message->key.size();
  if (message->headers == nullptr) {
    const int failed = rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, value,
                                        value_size, key, key_size, &failure_);
    return failed == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      client_->handle(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value, value_size),
      RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_HEADERS(message->headers.get()),
      RD_KAFKA_V_OPAQUE(&failure_), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) (void)message->headers.release();
  return error;
}

Status Producer::Send(std::string_view topic, OutgoingMessage message,
                      std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(Topic* const to, Find(topic, message.partition, stop));
  while (true) {
    if (failure_ != RD_KAFKA_RESP_ERR_NO_ERROR) return NotDelivered(failure_);
    const rd_kafka_resp_err_t error = Enqueue(to->handle.get(), &message);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::OK();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return NotDelivered(error);
    if (stop.stop_requested()) return connector::Cancelled();
    rd_kafka_poll(client_->handle(), kPollMs);
  }
}

Status Producer::Flush(std::stop_token stop) {
  while (rd_kafka_flush(client_->handle(), kPollMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (stop.stop_requested()) return connector::Cancelled();
    if (failure_ != RD_KAFKA_RESP_ERR_NO_ERROR) break;
  }
  return failure_ == RD_KAFKA_RESP_ERR_NO_ERROR ? Status::OK() : NotDelivered(failure_);
}

void Producer::Purge() {
  rd_kafka_purge(client_->handle(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  client_->Poll();
}

}  // namespace millrace::connectors::kafka
