#include "connectors/kafka/fetch/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "connector/source.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// How late a wait for the other side may notice that it is to stop.
constexpr milliseconds kSlice(50);

int Left(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// Whether `descriptor` gets `event` before the deadline. Errors: Cancelled.
Result<bool> Poll(int descriptor, short event, Clock::time_point deadline,
                  const std::stop_token& stop) {
  while (true) {
    if (stop.stop_requested()) return connector::Cancelled();
    pollfd wanted = {.fd = descriptor, .events = event, .revents = 0};
    const int left = Left(deadline);
    const int found = poll(&wanted, 1, std::min(left, static_cast<int>(kSlice.count())));
    if (found > 0) return true;
    if (left == 0) return false;
  }
}

// A connected socket, or why not.
Result<int> ConnectTo(const addrinfo& address, Clock::time_point deadline,
                      const std::stop_token& stop) {
  const int fd =
      socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
             address.ai_protocol);
  if (fd < 0) return ExternalError("{}", std::strerror(errno));
  int error = connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  Status status;
  if (error == EINPROGRESS) {
    const Result<bool> done = Poll(fd, POLLOUT, deadline, stop);
    socklen_t size = sizeof error;
    if (!done.ok()) {
      status = done.status();
    } else if (!*done) {
      error = ETIMEDOUT;
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      error = errno;
    }
  }
  if (status.ok() && error != 0) status = ExternalError("{}", std::strerror(error));
  if (!status.ok()) {
    close(fd);
    return status;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}

}  // namespace

std::string ToString(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
            : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Result<std::unique_ptr<Socket>> Socket::Connect(const Endpoint& endpoint,
                                                AddressFamily family,
                                                const TlsContext* tls, Deadline deadline,
                                                std::stop_token stop) {
  addrinfo hints{};
  hints.ai_family = family == AddressFamily::kV4   ? AF_INET
                    : family == AddressFamily::kV6 ? AF_INET6
                                                   : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(endpoint.host.c_str(),
                                std::to_string(endpoint.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, AddressDeleter> addresses(found);
  Status failure = ExternalError("Kafka broker {}: {}", ToString(endpoint),
                                 error == 0 ? "it has no address" : gai_strerror(error));
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const Result<int> fd = ConnectTo(*address, deadline, stop);
    if (fd.ok()) {
      std::unique_ptr<Socket> socket(new Socket(endpoint, *fd));
      if (tls != nullptr) {
        MILLRACE_RETURN_IF_ERROR(socket->StartTls(*tls, deadline, stop));
      }
      return socket;
    }
    if (connector::IsCancelled(fd.status())) return fd.status();
    failure = ExternalError("Kafka broker {}: {}", ToString(endpoint),
                            fd.status().error().message);
  }
  return failure;
}

Socket::~Socket() {
  tls_.reset();
  close(fd_);
}

Status Socket::Failed(std::string_view what) const {
  return ExternalError("Kafka broker {}: {}", ToString(endpoint_), what);
}

Status Socket::AwaitEvent(short event, Deadline deadline,
                          const std::stop_token& stop) const {
  MILLRACE_ASSIGN_OR_RETURN(const bool ready, Poll(fd_, event, deadline, stop));
  return ready ? Status::OK() : Failed("it did not answer in time");
}

template <typename Step>
Status Socket::DoTls(Step step, Deadline deadline, const std::stop_token& stop) const {
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int done = step();
    if (done > 0) return Status::OK();
    const int system_error = errno;
    switch (SSL_get_error(tls_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        MILLRACE_RETURN_IF_ERROR(AwaitEvent(POLLIN, deadline, stop));
        break;
      case SSL_ERROR_WANT_WRITE:
        MILLRACE_RETURN_IF_ERROR(AwaitEvent(POLLOUT, deadline, stop));
        break;
      case SSL_ERROR_ZERO_RETURN:
        return Failed("it closed the connection");
      case SSL_ERROR_SYSCALL:
        return Failed(system_error == 0 ? "it closed the connection"
                                        : std::strerror(system_error));
      default: {
        const long verdict = SSL_get_verify_result(tls_.get());
        return Failed(verdict == X509_V_OK
                          ? TlsErrors()
                          : fmt::format("its certificate: {}",
                                        X509_verify_cert_error_string(verdict)));
      }
    }
  }
}

Status Socket::StartTls(const TlsContext& tls, Deadline deadline, std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(tls_, tls.Begin(fd_, endpoint_.host));
  return DoTls([this] { return SSL_do_handshake(tls_.get()); }, deadline, stop);
}

Status Socket::Write(std::string_view bytes, Deadline deadline, std::stop_token stop) {
  while (!bytes.empty()) {
    if (tls_ != nullptr) {
      size_t written = 0;
      MILLRACE_RETURN_IF_ERROR(DoTls(
          [&] { return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written); },
          deadline, stop));
      bytes.remove_prefix(written);
      continue;
    }
    const ssize_t written = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      MILLRACE_RETURN_IF_ERROR(AwaitEvent(POLLOUT, deadline, stop));
    } else if (errno != EINTR) {
      return Failed(std::strerror(errno));
    }
  }
  return Status::OK();
}

Status Socket::Read(uint8_t* to, size_t size, Deadline deadline, std::stop_token stop) {
  while (size > 0) {
    size_t count = 0;
    if (tls_ != nullptr) {
      MILLRACE_RETURN_IF_ERROR(DoTls(
          [&] { return SSL_read_ex(tls_.get(), to, size, &count); }, deadline, stop));
    } else {
      const ssize_t got = recv(fd_, to, size, 0);
      if (got == 0) return Failed("it closed the connection");
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return Failed(std::strerror(errno));
        MILLRACE_RETURN_IF_ERROR(AwaitEvent(POLLIN, deadline, stop));
        continue;
      }
      count = static_cast<size_t>(got);
    }
    to += count;
    size -= count;
  }
  return Status::OK();
}

bool Socket::HasPending() const { return tls_ != nullptr && SSL_pending(tls_.get()) > 0; }

}  // namespace millrace::connectors::kafka::fetch
