// Logging in to a broker with a name and a password: SASL's mechanisms PLAIN (RFC 4616)
// and SCRAM (RFC 5802, 7677). What is sent and expected; no connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

/// Whether MakeSaslClient knows it.
bool IsSpoken(std::string_view mechanism);

/// One login. Threading: one thread.
class SaslClient {
 public:
  virtual ~SaslClient() = default;
  /// The next token to send, given the server's answer to the last one (first: empty).
  /// Nothing once the login is complete. Errors: the server does not know the password
  /// either, or does not keep to the protocol; they never quote a token.
  virtual Result<std::optional<std::string>> Next(std::string_view answer) = 0;
};

/// Only of a mechanism that IsSpoken. `nonce` is a text nobody can guess, without commas.
std::unique_ptr<SaslClient> MakeSaslClient(std::string_view mechanism, std::string user,
                                           std::string password, std::string nonce);

/// Of 144 random bits.
std::string MakeNonce();

}  // namespace millrace::connectors::kafka::fetch
