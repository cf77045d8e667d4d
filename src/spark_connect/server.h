// A Spark Connect server: what `millrace serve` runs.
#pragma once

#include <memory>
#include <string>

#include "connect_plan/session.h"
#include "spark_connect/service.h"
#include "spark_connect/session_registry.h"

namespace millrace::spark_connect {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 15002;  // 0: a free one
  /// What a client has to present as `Authorization: Bearer …`; empty: nothing.
  std::string token;
  /// PEM texts; both or none. With them the server speaks TLS only.
  std::string tls_certificate;
  std::string tls_key;
  /// Spark: spark.connect.grpc.maxInboundMessageSize.
  int max_message_bytes = 128 << 20;
  /// The Python that runs the functions of foreachBatch and foreach; empty: they are
  /// refused. Not with TLS: the workers connect to the server without.
  std::string python = "python3";
  RegistryOptions sessions;
  StreamLimits streams;
};

/// Threading: one thread.
class Server {
 public:
  /// Listens when it returns. `environment` must outlive it. Errors: an address that is
  /// not loopback without token and TLS; an address that cannot be listened on; a bad
  /// certificate.
  static Result<std::unique_ptr<Server>> Start(
      const ServerOptions& options, const connect_plan::SessionEnvironment& environment);
  /// Ends all operations and queries, then the connections.
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual const SessionRegistry& sessions() const = 0;
};

}  // namespace millrace::spark_connect
