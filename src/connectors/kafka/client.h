// A librdkafka client as an owned object: made from settings, its log lines and errors
// taken in.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "connectors/kafka/client_config.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

struct TopicDeleter {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, TopicDeleter>;

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const {
    rd_kafka_message_destroy(message);
  }
};
using MessageHandle = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

/// Threading: all methods may be called from any thread.
class Client {
 public:
  /// Reports what became of a message that was sent; called within Poll and librdkafka's
  /// flush.
  using DeliveryReport = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

  /// A consumer that joins no group. The user's settings win over `defaults`.
  static Result<std::unique_ptr<Client>> MakeConsumer(
      const ClientConfig& config, const std::map<std::string, std::string>& defaults);
  static Result<std::unique_ptr<Client>> MakeProducer(
      const ClientConfig& config, const std::map<std::string, std::string>& defaults,
      DeliveryReport report);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_; }
  const std::string& servers() const { return servers_; }

  /// Takes in the errors librdkafka has to report. Never blocks.
  void Poll();
  /// The last one, e.g. why no broker could be reached; empty if there was none.
  std::string last_error() const;
  /// Whether that was about a login or a certificate, which trying again does not mend.
  bool refused() const;
  void ForgetError();

 private:
  static Result<std::unique_ptr<Client>> Make(rd_kafka_type_t type,
                                              const ClientConfig& config,
                                              std::map<std::string, std::string> defaults,
                                              DeliveryReport report);
  explicit Client(std::string servers) : servers_(std::move(servers)) {}
  static void OnError(rd_kafka_t* handle, int code, const char* reason, void* self);

  const std::string servers_;
  rd_kafka_t* handle_ = nullptr;
  mutable std::mutex mutex_;
  std::string last_error_;  // guarded by mutex_
  bool refused_ = false;    // guarded by mutex_
};

/// Waits, unless `stop` is or gets requested. False when it was.
bool PauseFor(std::chrono::milliseconds time, std::stop_token stop);

}  // namespace millrace::connectors::kafka
