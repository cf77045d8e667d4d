#include "topic_writer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "millrace/kafka_settings.h"

namespace millrace::orders {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Enough to keep the broker busy, and no more to lose at the end than it takes in a
// second or so.
constexpr char kMostQueued[] = "500000";

}  // namespace

struct TopicWriter::Kafka {
  rd_kafka_t* producer = nullptr;
  rd_kafka_topic_t* topic = nullptr;
  std::string trouble;   // the last error of a connection
  bool refused = false;  // whether that was about a login or a certificate
  std::string login_defect;

  ~Kafka() {
    if (topic != nullptr) rd_kafka_topic_destroy(topic);
    if (producer != nullptr) {
      rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_destroy(producer);
    }
  }
};

TopicWriter::TopicWriter(const Options& options) : kafka_(std::make_unique<Kafka>()) {
  std::map<std::string, std::string> wanted = options.kafka;
  wanted["bootstrap.servers"] = options.bootstrap_servers;
  const auto kafka = LibrdkafkaSettings(wanted);
  if (!kafka.ok()) throw std::runtime_error(kafka.status().ToString());
  std::map<std::string, std::string> settings = *kafka;
  kafka_->login_defect = KnownLoginDefect(settings);
  settings["enable.idempotence"] = "true";
  settings["log_level"] = "0";  // errors come by the callback
  settings.insert({{"client.id", "orders_producer"},
                   {"linger.ms", "5"},
                   {"batch.size", "1000000"},
                   {"batch.num.messages", "10000"},
                   {"queue.buffering.max.messages", kMostQueued}});
  std::array<char, 512> reason{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(),
                          reason.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      throw std::runtime_error(
          fmt::format("Kafka's setting '{}' has a value it cannot take.", name));
    }
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(
      conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
        auto* writer = static_cast<TopicWriter*>(self);
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
          ++writer->delivered_;
        } else {
          writer->last_error_ = rd_kafka_err2str(message->err);
        }
      });
  rd_kafka_conf_set_error_cb(
      conf, [](rd_kafka_t*, int code, const char* text, void* self) {
        auto* writer = static_cast<TopicWriter*>(self);
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
        writer->kafka_->trouble = text;
        writer->kafka_->refused =
            code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
      });
  kafka_->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
  if (kafka_->producer == nullptr) {
    rd_kafka_conf_destroy(conf);
    throw std::runtime_error(reason.data());
  }
  Connect(options);
  // Before anything asks about the topic: a question makes many brokers create it, with a
  // number of partitions of their own.
  if (options.create_partitions > 0) CreateTopic(options);
  kafka_->topic = rd_kafka_topic_new(kafka_->producer, options.topic.c_str(), nullptr);
  if (kafka_->topic == nullptr) {
    throw std::runtime_error(fmt::format("Topic '{}' cannot be written to: {}.",
                                         options.topic,
                                         rd_kafka_err2str(rd_kafka_last_error())));
  }
  partitions_ = FindPartitions(options);
}

TopicWriter::~TopicWriter() = default;

void TopicWriter::Connect(const Options& options) {
  const Clock::time_point deadline = Clock::now() + options.timeout;
  // A broker that was reached and is slow gets more time with each attempt.
  milliseconds slice(100);
  do {
    const struct rd_kafka_metadata* metadata = nullptr;
    const rd_kafka_resp_err_t error = rd_kafka_metadata(
        kafka_->producer, 0, nullptr, &metadata, static_cast<int>(slice.count()));
    rd_kafka_poll(kafka_->producer, 0);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
      return;
    }
    if (kafka_->trouble.empty()) kafka_->trouble = rd_kafka_err2str(error);
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT) slice *= 2;
  } while (!kafka_->refused && Clock::now() < deadline);
  if (kafka_->refused) {
    throw std::runtime_error(fmt::format(
        "The Kafka broker at '{}' and this client do not accept each other: {}. Check "
        "the settings in the file of --command-config.{}",
        options.bootstrap_servers, kafka_->trouble, kafka_->login_defect));
  }
  throw std::runtime_error(
      fmt::format("No Kafka broker at '{}' answered within {} ms: {}. Check "
                  "--bootstrap-servers and that the broker runs.",
                  options.bootstrap_servers, options.timeout.count(), kafka_->trouble));
}

int TopicWriter::FindPartitions(const Options& options) {
  const Clock::time_point deadline = Clock::now() + options.timeout;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    error = rd_kafka_metadata(kafka_->producer, 0, kafka_->topic, &metadata,
                              static_cast<int>(std::max(left, milliseconds(1)).count()));
    rd_kafka_poll(kafka_->producer, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    error = metadata->topics[0].err;
    const int partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && partitions > 0) return partitions;
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
        options.create_partitions == 0) {
      throw std::runtime_error(fmt::format(
          "Topic '{}' does not exist on '{}'. Create it, or add --create-topic.",
          options.topic, options.bootstrap_servers));
    }
  } while (Clock::now() < deadline);
  throw std::runtime_error(fmt::format(
      "The Kafka broker at '{}' told nothing about topic '{}' within {} ms: {}.",
      options.bootstrap_servers, options.topic, options.timeout.count(),
      rd_kafka_err2str(error)));
}

void TopicWriter::CreateTopic(const Options& options) {
  std::array<char, 512> reason{};
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(
      options.topic.c_str(), options.create_partitions, -1, reason.data(), reason.size());
  if (topic == nullptr) throw std::runtime_error(reason.data());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(kafka_->producer);
  rd_kafka_CreateTopics(kafka_->producer, &topic, 1, nullptr, queue);
  rd_kafka_event_t* event =
      rd_kafka_queue_poll(queue, static_cast<int>(options.timeout.count()));
  std::string error;
  if (event == nullptr) {
    error = "the broker did not answer";
  } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    error = rd_kafka_event_error_string(event);
  } else {
    size_t count = 0;
    const rd_kafka_topic_result_t** results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event), &count);
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR &&
        code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      const char* text = rd_kafka_topic_result_error_string(results[0]);
      error = text != nullptr ? text : rd_kafka_err2str(code);
    }
  }
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(topic);
  if (!error.empty()) {
    throw std::runtime_error(
        fmt::format("Topic '{}' could not be created: {}.", options.topic, error));
  }
}

bool TopicWriter::Write(std::string_view message) {
  const auto partition = static_cast<int32_t>(written_ % partitions_);
  if (rd_kafka_produce(kafka_->topic, partition, RD_KAFKA_MSG_F_COPY,
                       const_cast<char*>(message.data()), message.size(), nullptr, 0,
                       nullptr) == 0) {
    ++written_;
    return true;
  }
  const rd_kafka_resp_err_t error = rd_kafka_last_error();
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
  throw std::runtime_error(fmt::format("Writing failed: {}.", rd_kafka_err2str(error)));
}

void TopicWriter::Poll(milliseconds wait) {
  rd_kafka_poll(kafka_->producer, static_cast<int>(wait.count()));
}

bool TopicWriter::Flush(milliseconds wait) {
  if (rd_kafka_flush(kafka_->producer, static_cast<int>(wait.count())) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return true;
  }
  if (last_error_.empty()) last_error_ = kafka_->trouble;
  return false;
}

}  // namespace millrace::orders
