// The thread that fetches from one broker whatever the board wants of it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "connectors/kafka/fetch/connection.h"
#include "connectors/kafka/fetch/fetch_board.h"

namespace millrace::connectors::kafka::fetch {

/// Asks for all partitions of the broker in one request that waits for messages (a long
/// poll). A broker answers the requests of one connection in turn, so what gets wanted
/// meanwhile takes a second connection; once its partitions have nothing more either, all
/// are asked for together again.
///
/// Threading: one thread of its own; SetEndpoint may be called from any.
/// Failure: a connection that breaks is made anew at once. Where that fails, the broker's
/// partitions go back to the board, which has their leaders looked for again.
class BrokerFetcher {
 public:
  BrokerFetcher(int32_t id, Endpoint endpoint, const FetchSettings& settings,
                const TlsContext* tls, FetchBoard& board);
  /// Waits for the thread to end.
  ~BrokerFetcher();

  /// Where the broker is from its next connection on.
  void SetEndpoint(Endpoint endpoint);

 private:
  using Clock = std::chrono::steady_clock;

  // A connection and what was asked over it.
  struct Lane {
    std::unique_ptr<Connection> connection;
    bool proven = false;  // it has brought an answer
    std::vector<FetchBoard::Wanted> asked;
    bool patient = false;  // the request may wait long
    Clock::time_point sent;
    Clock::time_point deadline;    // of the answer
    Clock::time_point not_before;  // of the next request

    bool busy() const { return !asked.empty(); }
  };

  void Run(std::stop_token stop);
  void Ask(Lane& lane, const Lane& other, std::stop_token stop);
  Status Send(Lane& lane, std::stop_token stop);
  void Receive(Lane& lane, std::stop_token stop);
  void Accept(Lane& lane, const Connection::Received& received);
  void AcceptPartition(const FetchBoard::Wanted& wanted,
                       const FetchAnswer::Partition& partition,
                       const std::shared_ptr<arrow::Buffer>& buffer);
  void Lose(Lane& lane, const Status& status);
  /// Sleeps until a lane has an answer, the board has something new, or time is up.
  void Await();

  const int32_t id_;
  const FetchSettings& settings_;
  const TlsContext* const tls_;
  FetchBoard& board_;
  WakeFd& wake_;
  std::mutex mutex_;
  Endpoint endpoint_;  // guarded by mutex_
  std::array<Lane, 2> lanes_;
  int failures_ = 0;  // in a row
  std::jthread thread_;
};

}  // namespace millrace::connectors::kafka::fetch
