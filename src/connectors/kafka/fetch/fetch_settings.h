// What the native read path needs to know of a client's configuration, or why it cannot
// serve it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "connectors/kafka/client_config.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

/// Empty texts: not given.
struct TlsSettings {
  std::string ca_pem;  // texts of certificates
  std::string ca_location;
  std::string certificate_pem;
  std::string certificate_location;
  std::string key_pem;
  std::string key_location;
  std::string key_password;
  std::string keystore_location;  // PKCS12
  std::string keystore_password;
  bool verify = true;       // that somebody we trust vouches for the broker
  bool verify_name = true;  // and for its name
};

struct SaslSettings {
  std::string mechanism;
  std::string user;
  std::string password;
};

enum class AddressFamily { kAny, kV4, kV6 };

/// Holds passwords: never log it.
struct FetchSettings {
  std::string client_id;
  std::optional<TlsSettings> tls;
  std::optional<SaslSettings> sasl;
  AddressFamily address_family = AddressFamily::kAny;
  std::chrono::milliseconds connect_timeout;  // login included
  std::chrono::milliseconds answer_timeout;   // beyond the wait that was asked for

  bool read_committed = false;
  bool check_crcs = true;
  std::chrono::milliseconds max_wait;
  int32_t min_bytes = 1;
  int32_t max_bytes = 0;            // of an answer
  int32_t max_partition_bytes = 0;  // of one partition in it
};

/// Why a configuration needs librdkafka, for users: "the SASL mechanism GSSAPI …".
struct Obstacle {
  std::string reason;
};

/// `config` comes from MapClientConfig, so its values are valid.
std::variant<FetchSettings, Obstacle> MakeFetchSettings(const ClientConfig& config);

}  // namespace millrace::connectors::kafka::fetch
