// A connection to one broker that speaks Kafka's protocol: logged in, and ready to fetch.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include <arrow/type_fwd.h>

#include "connectors/kafka/fetch/messages.h"
#include "connectors/kafka/fetch/socket.h"

namespace millrace::connectors::kafka::fetch {

/// Threading and failure: as Socket.
class Connection {
 public:
  /// Connects, finds out which versions the broker speaks, and logs in. Errors: as
  /// Socket::Connect; a broker that is too old or refuses the login.
  static Result<std::unique_ptr<Connection>> Open(const Endpoint& endpoint,
                                                  const FetchSettings& settings,
                                                  const TlsContext* tls,
                                                  std::stop_token stop);

  /// Asks for `request.partitions`; sets the request's version. One request at a time.
  Status Send(FetchRequest& request, std::stop_token stop);
  /// To be readable, or to have something pending, is to have an answer.
  int fd() const { return socket_->fd(); }
  bool HasPending() const { return socket_->HasPending(); }

  struct Received {
    std::shared_ptr<arrow::Buffer> buffer;  // kReadAhead bytes longer than the answer
    FetchAnswer answer;                     // points into it
  };
  /// The answer to the last request.
  Result<Received> Receive(std::stop_token stop);

  const Endpoint& endpoint() const { return socket_->endpoint(); }

 private:
  Connection(std::unique_ptr<Socket> socket, const FetchSettings& settings)
      : socket_(std::move(socket)), settings_(settings) {}

  Status LogIn(const SaslSettings& sasl, Socket::Deadline deadline,
               const std::stop_token& stop);
  Status SendFrame(const std::string& request, Socket::Deadline deadline,
                   const std::stop_token& stop);
  Result<std::shared_ptr<arrow::Buffer>> ReceiveFrame(int32_t most,
                                                      Socket::Deadline deadline,
                                                      const std::stop_token& stop);
  /// A short request and its answer.
  Result<std::shared_ptr<arrow::Buffer>> Ask(const std::string& request,
                                             Socket::Deadline deadline,
                                             const std::stop_token& stop);

  const std::unique_ptr<Socket> socket_;
  const FetchSettings& settings_;
  int32_t correlation_ = 0;
  int16_t fetch_version_ = kOldestFetch;
};

}  // namespace millrace::connectors::kafka::fetch
