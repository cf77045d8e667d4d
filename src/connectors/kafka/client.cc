#include "connectors/kafka/client.h"

#include <spdlog/spdlog.h>

#include <array>
#include <condition_variable>
#include <string_view>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

// Called from librdkafka's threads.
void OnLog(const rd_kafka_t* handle, int level, std::string_view facility,
           const char* text) {
  // Lost connections come as errors too, and are told once with what they mean.
  const bool told = facility == "FAIL" || facility == "ERROR";
  const auto severity = told         ? spdlog::level::debug
                        : level <= 3 ? spdlog::level::err
                        : level <= 4 ? spdlog::level::warn
                        : level <= 6 ? spdlog::level::info
                                     : spdlog::level::debug;
  spdlog::log(severity, "librdkafka {} {}: {}", rd_kafka_name(handle), facility, text);
}

}  // namespace

Result<std::unique_ptr<Client>> Client::MakeConsumer(
    const ClientConfig& config, const std::map<std::string, std::string>& defaults) {
  std::map<std::string, std::string> all = defaults;
  // The Java client's default; librdkafka's is read_committed.
  all.try_emplace("isolation.level", "read_uncommitted");
  return Make(RD_KAFKA_CONSUMER, config, std::move(all), nullptr);
}

Result<std::unique_ptr<Client>> Client::MakeProducer(
    const ClientConfig& config, const std::map<std::string, std::string>& defaults,
    DeliveryReport report) {
  return Make(RD_KAFKA_PRODUCER, config, defaults, report);
}

Result<std::unique_ptr<Client>> Client::Make(rd_kafka_type_t type,
                                             const ClientConfig& config,
                                             std::map<std::string, std::string> defaults,
                                             DeliveryReport report) {
  std::map<std::string, std::string> settings = config.settings;
  settings.merge(defaults);
  settings["bootstrap.servers"] = config.servers;

  std::array<char, 512> reason{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(),
                          reason.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return ArgumentError("Kafka option 'kafka.{}' has a value it cannot take.", name);
    }
  }
  std::unique_ptr<Client> client(new Client(config.servers));
  rd_kafka_conf_set_opaque(conf, client.get());
  rd_kafka_conf_set_error_cb(conf, &Client::OnError);
  rd_kafka_conf_set_log_cb(
      conf, [](const rd_kafka_t* handle, int level, const char* facility,
               const char* text) { OnLog(handle, level, facility, text); });
  if (report != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, report);
  client->handle_ = rd_kafka_new(type, conf, reason.data(), reason.size());
  if (client->handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return ArgumentError("A Kafka client cannot be made from the kafka.* options: {}",
                         reason.data());
  }
  return client;
}

Client::~Client() {
  if (handle_ != nullptr) rd_kafka_destroy(handle_);
}

void Client::OnError(rd_kafka_t*, int code, const char* reason, void* self) {
  auto* client = static_cast<Client*>(self);
  const std::lock_guard lock(client->mutex_);
  // "All brokers down" follows the reason and says less.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !client->last_error_.empty()) return;
  client->last_error_ = reason;
  client->refused_ =
      code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

void Client::Poll() { rd_kafka_poll(handle_, 0); }

std::string Client::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

bool Client::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

void Client::ForgetError() {
  const std::lock_guard lock(mutex_);
  last_error_.clear();
  refused_ = false;
}

bool PauseFor(std::chrono::milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace millrace::connectors::kafka
