#include "connectors/kafka/fetch/fetch_settings.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <charconv>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "connectors/kafka/fetch/sasl.h"

namespace millrace::connectors::kafka::fetch {
namespace {

// What the user did not set. A fetch that waits costs nothing: it is not in the way of
// another one.
constexpr std::string_view kMaxWait = "500";
constexpr std::string_view kMaxPartitionBytes = "2097152";
constexpr std::string_view kClientId = "millrace";

// The settings of TLS that tls.cc knows.
const std::set<std::string_view> kTlsSettings = {
    "ssl.ca.location",       "ssl.ca.pem",
    "ssl.certificate.pem",   "ssl.certificate.location",
    "ssl.key.pem",           "ssl.key.location",
    "ssl.key.password",      "ssl.keystore.location",
    "ssl.keystore.password", "ssl.endpoint.identification.algorithm",
};

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

// librdkafka's configuration knows every setting's other names and its default.
class Settings {
 public:
  explicit Settings(const ClientConfig& config) : conf_(rd_kafka_conf_new()) {
    Set("isolation.level", "read_uncommitted");  // as Java's
    Set("check.crcs", "true");
    Set("fetch.wait.max.ms", kMaxWait);
    Set("fetch.message.max.bytes", kMaxPartitionBytes);
    Set("client.id", kClientId);
    for (const auto& [name, value] : config.settings) Set(name, value);
  }

  std::string Get(const char* name) const {
    size_t size = 0;
    if (rd_kafka_conf_get(conf_.get(), name, nullptr, &size) != RD_KAFKA_CONF_OK)
      return "";
    std::string value(size, '\0');
    rd_kafka_conf_get(conf_.get(), name, value.data(), &size);
    value.resize(size - 1);  // the zero behind it
    return value;
  }

  bool IsTrue(const char* name) const { return Get(name) == "true"; }

  int32_t Number(const char* name) const {
    const std::string text = Get(name);
    int32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  std::chrono::milliseconds Millis(const char* name) const {
    return std::chrono::milliseconds(Number(name));
  }

 private:
  void Set(std::string_view name, std::string_view value) {
    rd_kafka_conf_set(conf_.get(), std::string(name).c_str(), std::string(value).c_str(),
                      nullptr, 0);
  }

  std::unique_ptr<rd_kafka_conf_t, ConfDeleter> conf_;
};

TlsSettings MakeTls(const Settings& settings) {
  TlsSettings tls;
  tls.ca_pem = settings.Get("ssl.ca.pem");
  tls.ca_location = settings.Get("ssl.ca.location");
  tls.certificate_pem = settings.Get("ssl.certificate.pem");
  tls.certificate_location = settings.Get("ssl.certificate.location");
  tls.key_pem = settings.Get("ssl.key.pem");
  tls.key_location = settings.Get("ssl.key.location");
  tls.key_password = settings.Get("ssl.key.password");
  tls.keystore_location = settings.Get("ssl.keystore.location");
  tls.keystore_password = settings.Get("ssl.keystore.password");
  tls.verify = settings.IsTrue("enable.ssl.certificate.verification");
  tls.verify_name = settings.Get("ssl.endpoint.identification.algorithm") == "https";
  return tls;
}

AddressFamily FamilyOf(const std::string& name) {
  if (name == "v4") return AddressFamily::kV4;
  return name == "v6" ? AddressFamily::kV6 : AddressFamily::kAny;
}

}  // namespace

std::variant<FetchSettings, Obstacle> MakeFetchSettings(const ClientConfig& config) {
  const Settings given(config);
  FetchSettings settings;
  const std::string protocol = given.Get("security.protocol");
  if (protocol.ends_with("ssl")) {
    for (const auto& [name, value] : config.settings) {
      if (name.starts_with("ssl.") && !kTlsSettings.contains(name)) {
        return Obstacle{fmt::format("the option kafka.{} is set", name)};
      }
    }
    settings.tls = MakeTls(given);
  }
  if (protocol.starts_with("sasl")) {
    const std::string mechanism = given.Get("sasl.mechanisms");
    if (!IsSpoken(mechanism)) {
      return Obstacle{fmt::format("brokers want the SASL mechanism {}", mechanism)};
    }
    settings.sasl = {mechanism, given.Get("sasl.username"), given.Get("sasl.password")};
  }
  if (!given.Get("client.rack").empty()) {
    return Obstacle{"the option kafka.client.rack is set"};
  }
  settings.client_id = given.Get("client.id");
  settings.address_family = FamilyOf(given.Get("broker.address.family"));
  settings.connect_timeout = given.Millis("socket.connection.setup.timeout.ms");
  settings.answer_timeout = given.Millis("socket.timeout.ms");
  settings.read_committed = given.Get("isolation.level") == "read_committed";
  settings.check_crcs = given.IsTrue("check.crcs");
  settings.max_wait = given.Millis("fetch.wait.max.ms");
  settings.min_bytes = given.Number("fetch.min.bytes");
  settings.max_bytes = given.Number("fetch.max.bytes");
  settings.max_partition_bytes = given.Number("fetch.message.max.bytes");
  return settings;
}

}  // namespace millrace::connectors::kafka::fetch
