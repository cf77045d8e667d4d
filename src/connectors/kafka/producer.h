// A librdkafka producer as an object: topics looked up before they are written to, and
// the first message that could not be delivered remembered.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "connectors/kafka/client.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

struct HeadersDeleter {
  void operator()(rd_kafka_headers_t* headers) const {
    rd_kafka_headers_destroy(headers);
  }
};
using HeadersHandle = std::unique_ptr<rd_kafka_headers_t, HeadersDeleter>;

/// A message to send; its bytes are copied. Where key or value has no data (a null
/// pointer), the message has none.
struct OutgoingMessage {
  std::string_view key = {};
  std::string_view value = {};
  /// Not given: by the hash of the key, as Java's producer chooses it; without a key any.
  std::optional<int32_t> partition = std::nullopt;
  HeadersHandle headers = nullptr;
};

/// Delivers every message once to a broker that stays, in the order of sending within a
/// partition (enable.idempotence), unless the user's settings say otherwise.
///
/// Threading: one thread. Failure: after an error nothing more can be sent.
class Producer {
 public:
  static Result<std::unique_ptr<Producer>> Make(const ClientConfig& config);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Queues a message; waits where the queue is full. Errors: a topic or a partition that
  /// does not appear within kafka.max.block.ms, a message that is too large, and those of
  /// earlier messages.
  Status Send(std::string_view topic, OutgoingMessage message, std::stop_token stop);

  /// Waits until the brokers have all messages. Errors: why one of them could not be
  /// delivered.
  Status Flush(std::stop_token stop);

  /// Forgets what was not sent yet.
  void Purge();

 private:
  struct Topic {
    TopicHandle handle;
    int32_t partitions = 0;
  };

  explicit Producer(std::chrono::milliseconds patience) : patience_(patience) {}

  Result<Topic*> Find(std::string_view topic, std::optional<int32_t> partition,
                      std::stop_token stop);
  Status Refresh(const std::string& name, Topic* topic);
  rd_kafka_resp_err_t Enqueue(rd_kafka_topic_t* topic, OutgoingMessage* message);

  // Of the first message that was not delivered. Written by OnDelivery, which librdkafka
  // calls inside of our own calls only.
  rd_kafka_resp_err_t failure_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  const std::chrono::milliseconds patience_;
  std::unique_ptr<Client> client_;
  std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace millrace::connectors::kafka
