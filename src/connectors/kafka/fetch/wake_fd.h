// A descriptor that gets readable when another thread says so.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace millrace::connectors::kafka::fetch {

/// Threading: all methods may be called from any thread.
class WakeFd {
 public:
  WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~WakeFd() { close(fd_); }
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int fd() const { return fd_; }

  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
  }
  /// Makes it unreadable again.
  void Drain() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t bytes = read(fd_, &count, sizeof count);
  }

 private:
  const int fd_;
};

}  // namespace millrace::connectors::kafka::fetch
