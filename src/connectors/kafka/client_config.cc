#include "connectors/kafka/client_config.h"

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/kafka/trust_store.h"
#include "millrace/kafka_settings.h"

namespace millrace::connectors::kafka {
namespace {

constexpr std::string_view kPrefix = "kafka.";

// Java name -> librdkafka name, where only the name differs.
const std::map<std::string_view, std::string_view> kRenamed = {
    {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    {"max.partition.fetch.bytes", "fetch.message.max.bytes"},
    {"max.request.size", "message.max.bytes"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    {"request.timeout.ms", "socket.timeout.ms"},
    {"sasl.mechanism", "sasl.mechanisms"},
    {"send.buffer.bytes", "socket.send.buffer.bytes"},
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem"},
    {"ssl.keystore.key", "ssl.key.pem"},
    {"ssl.truststore.certificates", "ssl.ca.pem"},
};

// Settings of the Java clients without meaning here: how they poll and buffer, and
// groups, which nothing joins.
const std::set<std::string_view> kIgnored = {
    "auto.commit.interval.ms",
    "buffer.memory",
    "client.dns.lookup",
    "enable.metrics.push",
    "exclude.internal.topics",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "max.poll.records",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partition.assignment.strategy",
    "partitioner.adaptive.partitioning.enable",
    "partitioner.availability.timeout.ms",
    "partitioner.ignore.keys",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "session.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
    "ssl.enabled.protocols",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
};

// Decided by the source; a user who sets them would break what a batch promises.
const std::set<std::string_view> kReserved = {
    "auto.offset.reset",        "auto.offset.store",    "enable.auto.commit",
    "enable.auto.offset.store", "enable.partition.eof", "statistics.interval.ms",
};

constexpr std::array<std::string_view, 5> kSecretWords = {
    "password", "secret", "jaas", "key.pem", "oauthbearer.config"};

bool IsSecret(std::string_view name) {
  return std::ranges::any_of(kSecretWords, [name](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Names and values as Java has them, names in lower case.
using JavaSettings = std::map<std::string, std::string>;

std::optional<std::string> TakeOut(JavaSettings& settings, const std::string& name) {
  const auto node = settings.extract(name);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

Status TakeMillis(JavaSettings& settings, const std::string& name,
                  std::chrono::milliseconds* out) {
  const auto text = TakeOut(settings, name);
  if (!text) return Status::OK();
  int64_t millis = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), millis);
  if (error != std::errc() || end != text->data() + text->size() || millis <= 0) {
    return ArgumentError("Option 'kafka.{}' must be a positive number, found: {}", name,
                         *text);
  }
  *out = std::chrono::milliseconds(millis);
  return Status::OK();
}

// What a store is, is found in it: its name and the types Java wants to be told matter
// as little to Java.
Status MapStores(JavaSettings& java, ClientConfig* out) {
  TakeOut(java, "ssl.truststore.type");
  TakeOut(java, "ssl.keystore.type");
  const auto trust_password = TakeOut(java, "ssl.truststore.password");
  if (const auto path = TakeOut(java, "ssl.truststore.location")) {
    MILLRACE_ASSIGN_OR_RETURN(out->settings["ssl.ca.pem"],
                              ReadTrustStore(*path, trust_password));
  }
  const auto key_path = TakeOut(java, "ssl.keystore.location");
  if (!key_path) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(const StoreFormat format,
                            FindStoreFormat(*key_path, "kafka.ssl.keystore.location"));
  switch (format) {
    case StoreFormat::kPem:
      out->settings["ssl.certificate.location"] = *key_path;
      out->settings["ssl.key.location"] = *key_path;
      return Status::OK();
    case StoreFormat::kPkcs12:
      out->settings["ssl.keystore.location"] = *key_path;
      return Status::OK();
    case StoreFormat::kJks:
      break;
  }
  return ArgumentError(
      "Option 'kafka.ssl.keystore.location' must name a PKCS12 or PEM file, found a JKS "
      "store: {}. Convert it with `keytool -importkeystore -srckeystore {} -destkeystore "
      "client.p12 -deststoretype PKCS12`.",
      *key_path, *key_path);
}

// The options as Java settings; the original key of each for error messages.
JavaSettings ReadSettings(const Options& options,
                          std::map<std::string, std::string>* keys) {
  JavaSettings java;
  for (const auto& [key, value] : options.original()) {
    const std::string lower = LowerCase(key);
    if (!lower.starts_with(kPrefix)) continue;
    const std::string name = lower.substr(kPrefix.size());
    java[name] = value;
    (*keys)[name] = key;
  }
  return java;
}

// A name or an address, perhaps behind a protocol: "a.b", "[::1]", "SASL_SSL://a.b".
bool IsHost(std::string_view text) {
  if (const size_t slashes = text.find("://"); slashes != std::string_view::npos) {
    text.remove_prefix(slashes + 3);
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
  }
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-%._:").find(c) != std::string_view::npos;
  });
}

// Java's texts; librdkafka takes port 99999 for 34463.
Status CheckServers(std::string_view servers) {
  const auto wrong = [](std::string_view what, std::string_view server) {
    return Error(Fault::kUser,
                 "Invalid {} in bootstrap.servers: {}\nThe option must list brokers as "
                 "host:port, separated by commas.",
                 what, server)
        .Java("org.apache.kafka.common.config.ConfigException");
  };
  while (true) {
    const size_t comma = servers.find(',');
    const std::string_view server = Trim(servers.substr(0, comma));
    const size_t colon = server.rfind(':');
    if (colon == std::string_view::npos || !IsHost(server.substr(0, colon))) {
      return wrong("url", server);
    }
    const std::string_view digits = server.substr(colon + 1);
    uint64_t port = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
      return wrong("url", server);
    }
    if (error != std::errc() || port == 0 || port > 65535) return wrong("port", server);
    if (comma == std::string_view::npos) return Status::OK();
    servers.remove_prefix(comma + 1);
  }
}

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

Status CheckSetting(rd_kafka_conf_t* conf, std::string_view key, const std::string& name,
                    const std::string& value) {
  std::array<char, 512> reason{};
  switch (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(),
                            reason.size())) {
    case RD_KAFKA_CONF_OK:
      return Status::OK();
    case RD_KAFKA_CONF_UNKNOWN:
      return ArgumentError(
          "Kafka option '{}' is not known. Wanted a setting of Kafka's Java consumer "
          "that "
          "librdkafka {} has too, or one of librdkafka itself.",
          key, rd_kafka_version_str());
    default:
      break;
  }
  if (IsSecret(name))
    return ArgumentError("Kafka option '{}' has a value it cannot take.", key);
  return ArgumentError("Kafka option '{}' has a value it cannot take: {}", key,
                       reason.data());
}

class JaasScanner {
 public:
  explicit JaasScanner(std::string_view text) : text_(text) {}

  // The next word, quoted text or sign; nothing at the end, or where a quote is not
  // closed.
  std::optional<std::string> Next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
    if (at_ == text_.size()) return std::nullopt;
    const char first = text_[at_];
    if (first == '=' || first == ';') {
      ++at_;
      return std::string(1, first);
    }
    return first == '"' || first == '\'' ? Quoted() : Word();
  }

 private:
  std::optional<std::string> Quoted() {
    const char quote = text_[at_++];
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return out;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    return std::nullopt;
  }

  std::string Word() {
    std::string out;
    while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_])) &&
           text_[at_] != '=' && text_[at_] != ';') {
      out += text_[at_++];
    }
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<JaasLogin> ParseJaas(std::string_view text) {
  // The text holds a password, so no message quotes it.
  const Error malformed = ArgumentError(
      "Option 'kafka.sasl.jaas.config' must have the form <module> required "
      "username=\"…\" "
      "password=\"…\";");
  JaasScanner scanner(text);
  const std::optional<std::string> module = scanner.Next();
  if (!module) return Error(malformed);
  if (!module->ends_with(".PlainLoginModule") &&
      !module->ends_with(".ScramLoginModule")) {
    return ArgumentError(
        "Option 'kafka.sasl.jaas.config' must name PlainLoginModule or ScramLoginModule, "
        "found: "
        "{}. For Kerberos set 'kafka.sasl.kerberos.principal' and "
        "'kafka.sasl.kerberos.keytab'.",
        *module);
  }
  const std::optional<std::string> flag = scanner.Next();
  if (!flag) return Error(malformed);
  JaasLogin login;
  while (const std::optional<std::string> key = scanner.Next()) {
    if (*key == ";") {
      if (login.user.empty()) return Error(malformed);
      return login;
    }
    const std::optional<std::string> equals = scanner.Next();
    if (!equals || *equals != "=") return Error(malformed);
    const std::optional<std::string> value = scanner.Next();
    if (!value) return Error(malformed);
    if (*key == "username") login.user = *value;
    if (*key == "password") login.password = *value;
  }
  return Error(malformed);
}

Result<ClientConfig> MapClientConfig(const Options& options) {
  ClientConfig config;
  std::map<std::string, std::string> keys;
  JavaSettings java = ReadSettings(options, &keys);
  if (auto servers = TakeOut(java, "bootstrap.servers")) {
    MILLRACE_RETURN_IF_ERROR(CheckServers(*servers));
    config.servers = *std::move(servers);
  }

  MILLRACE_RETURN_IF_ERROR(
      TakeMillis(java, "default.api.timeout.ms", &config.broker_timeout));
  MILLRACE_RETURN_IF_ERROR(TakeMillis(java, "max.block.ms", &config.max_block));
  if (const auto jaas = TakeOut(java, "sasl.jaas.config")) {
    MILLRACE_ASSIGN_OR_RETURN(JaasLogin login, ParseJaas(*jaas));
    config.settings["sasl.username"] = std::move(login.user);
    config.settings["sasl.password"] = std::move(login.password);
  }
  MILLRACE_RETURN_IF_ERROR(MapStores(java, &config));

  const std::unique_ptr<rd_kafka_conf_t, ConfDeleter> scratch(rd_kafka_conf_new());
  for (auto& [name, value] : java) {
    if (kIgnored.contains(name)) {
      spdlog::debug("Kafka option '{}' has no effect in Millrace", keys[name]);
      continue;
    }
    if (kReserved.contains(name)) {
      return ArgumentError(
          "Kafka option '{}' is not supported: the source sets it itself.", keys[name]);
    }
    const auto renamed = kRenamed.find(name);
    const std::string target(renamed == kRenamed.end() ? name : renamed->second);
    if (target.ends_with(".buffer.bytes") && value == "-1")
      value = "0";  // the system's default
    if (target == "ssl.endpoint.identification.algorithm" && value.empty())
      value = "none";
    MILLRACE_RETURN_IF_ERROR(CheckSetting(scratch.get(), keys[name], target, value));
    config.settings[target] = value;
  }
  return config;
}

}  // namespace millrace::connectors::kafka

namespace millrace {

std::string KnownLoginDefect(const std::map<std::string, std::string>& settings) {
  // librdkafka's pull request 4895: it repeats the client's nonce, which brokers let pass
  // up to Kafka 3.8.0.
  constexpr int kMended = 0x020601ff;
  if (rd_kafka_version() >= kMended) return "";
  for (const char* name : {"sasl.mechanisms", "sasl.mechanism"}) {
    const auto mechanism = settings.find(name);
    if (mechanism == settings.end() || !mechanism->second.starts_with("SCRAM")) continue;
    return fmt::format(
        " librdkafka {} cannot log in with SCRAM to brokers of Kafka 3.8.1 and later: "
        "take "
        "librdkafka 2.6.1 or later, or the mechanism PLAIN over TLS.",
        rd_kafka_version_str());
  }
  return "";
}

Result<std::map<std::string, std::string>> LibrdkafkaSettings(
    const std::map<std::string, std::string>& settings) {
  Options options;
  for (const auto& [name, value] : settings) {
    options.Set(fmt::format("{}{}", connectors::kafka::kPrefix, name), value);
  }
  MILLRACE_ASSIGN_OR_RETURN(connectors::kafka::ClientConfig config,
                            connectors::kafka::MapClientConfig(options));
  if (!config.servers.empty()) config.settings["bootstrap.servers"] = config.servers;
  return std::move(config.settings);
}

}  // namespace millrace
