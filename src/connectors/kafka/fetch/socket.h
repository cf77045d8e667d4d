// A TCP connection, with TLS or without, whose every wait ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "connectors/kafka/fetch/tls.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

struct Endpoint {
  std::string host;
  int port = 0;
  auto operator<=>(const Endpoint&) const = default;
};
std::string ToString(const Endpoint& endpoint);

/// Threading: one thread. The thread blocks SIGPIPE: OpenSSL writes with write().
/// Failure: every error but Cancelled says which broker it was about; after one the
/// connection is of no more use.
class Socket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Errors: no address, nobody there, no TLS, not in time; Cancelled soon after `stop`.
  /// Looking up a name cannot be cut short.
  static Result<std::unique_ptr<Socket>> Connect(const Endpoint& endpoint,
                                                 AddressFamily family,
                                                 const TlsContext* tls, Deadline deadline,
                                                 std::stop_token stop);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Status Write(std::string_view bytes, Deadline deadline, std::stop_token stop);
  /// Exactly `size` bytes.
  Status Read(uint8_t* to, size_t size, Deadline deadline, std::stop_token stop);

  /// Becomes readable when there is something to read.
  int fd() const { return fd_; }
  /// Whether there is something to read that TLS has taken in already.
  bool HasPending() const;

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  Socket(Endpoint endpoint, int fd) : endpoint_(std::move(endpoint)), fd_(fd) {}
  Status StartTls(const TlsContext& tls, Deadline deadline, std::stop_token stop);
  /// Waits for POLLIN or POLLOUT.
  Status AwaitEvent(short event, Deadline deadline, const std::stop_token& stop) const;
  /// Does `step` until it succeeds; it gives what a call of OpenSSL gives.
  template <typename Step>
  Status DoTls(Step step, Deadline deadline, const std::stop_token& stop) const;
  Status Failed(std::string_view what) const;

  const Endpoint endpoint_;
  const int fd_;
  std::unique_ptr<ssl_st, SslDeleter> tls_;
};

}  // namespace millrace::connectors::kafka::fetch
