// TLS with OpenSSL: whom to trust and who we are, and one connection's session.
#pragma once

#include <memory>

#include "connectors/kafka/fetch/fetch_settings.h"
#include "millrace/status.h"

struct ssl_ctx_st;
struct ssl_st;

namespace millrace::connectors::kafka::fetch {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
};

/// Certificates and keys of all connections of a source. Threading: immutable.
class TlsContext {
 public:
  /// Errors: a file or text that cannot be used. They name the option, no secret.
  static Result<std::unique_ptr<const TlsContext>> Make(const TlsSettings& settings);

  /// A session over a connected socket, which expects the name or address `host` in the
  /// broker's certificate. Its handshake has still to be done.
  Result<std::unique_ptr<ssl_st, SslDeleter>> Begin(int socket,
                                                    const std::string& host) const;

 private:
  TlsContext(std::unique_ptr<ssl_ctx_st, SslDeleter> context, bool verify_name)
      : context_(std::move(context)), verify_name_(verify_name) {}

  const std::unique_ptr<ssl_ctx_st, SslDeleter> context_;
  const bool verify_name_;
};

/// What OpenSSL has to say of the thread's last failure; forgets it.
std::string TlsErrors();

}  // namespace millrace::connectors::kafka::fetch
