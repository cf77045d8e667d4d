// For tests only: a broker that says what it is told to, over real connections.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/kafka/fetch/connection.h"
#include "connectors/kafka/fetch/test_batches.h"

namespace millrace::connectors::kafka::fetch {

/// Answers ApiVersions by itself and each Fetch with what `reply` gives.
/// Threading: each connection is served by a thread of its own.
class TestBroker {
 public:
  struct Fetch {
    int number = 0;      // counts all fetches, from 0
    int connection = 0;  // counts connections, from 0
    int32_t correlation = 0;
    std::vector<std::pair<int32_t, int64_t>>
        partitions;  // of topic "t": which, from where
  };
  /// What is sent, without its length before it; nothing: the connection is closed.
  using Reply = std::function<std::optional<std::string>(const Fetch&)>;

  explicit TestBroker(Reply reply);
  ~TestBroker();

  Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  void Accept();
  void Serve(int fd, int connection);

  const Reply reply_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> fetches_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;              // guarded by mutex_
  std::vector<std::jthread> servers_;  // guarded by mutex_
  std::jthread acceptor_;
};

/// The answer to `fetch`: one partition's error and records.
std::string ReplyWith(const TestBroker::Fetch& fetch, int32_t partition, ErrorCode error,
                      const std::string& records, int64_t high_watermark = 1000);

}  // namespace millrace::connectors::kafka::fetch
