// Turns `kafka.*` options, named as Kafka's Java client names them, into librdkafka's
// settings.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/options.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka {

struct ClientConfig {
  std::string servers;
  /// librdkafka's names and values, without those the source decides itself. May hold
  /// passwords: never log or quote the values.
  std::map<std::string, std::string> settings;
  /// How long to look for a broker that answers. kafka.default.api.timeout.ms sets it.
  std::chrono::milliseconds broker_timeout = std::chrono::seconds(10);
  /// How long a producer looks for a topic or partition. kafka.max.block.ms sets it.
  std::chrono::milliseconds max_block = std::chrono::seconds(60);
};

/// Errors: an option that librdkafka does not know or a value it does not take, named as
/// the user wrote it; JAAS texts, key stores and modules that cannot be translated, with
/// what to do.
Result<ClientConfig> MapClientConfig(const Options& options);

/// The user name and password in a JAAS text of PlainLoginModule or ScramLoginModule.
struct JaasLogin {
  std::string user;
  std::string password;
};
Result<JaasLogin> ParseJaas(std::string_view text);

}  // namespace millrace::connectors::kafka
