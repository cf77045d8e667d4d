// The replies of one operation, between the thread that makes them and the streams that
// send them. A client that lost its connection reads on where it stopped, so replies are
// kept until it releases them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "millrace/status.h"
#include "spark/connect/base.pb.h"

namespace millrace::spark_connect {

struct ReplyLimits {
  /// Kept of what was sent but not released, in bytes; older replies are dropped.
  /// Spark: spark.connect.execute.reattachable.observerRetryBufferSize.
  int64_t keep_bytes = int64_t{10} << 20;
  /// How far the operation may run ahead of its client, in bytes; beyond that it waits.
  int64_t ahead_bytes = int64_t{64} << 20;
};

/// Threading: one writer; any number of readers, of which the newest wins.
class ReplyLog {
 public:
  using Reply = std::shared_ptr<const spark::connect::ExecutePlanResponse>;

  /// Without `reattachable` a reply is forgotten as soon as it was read.
  ReplyLog(const ReplyLimits& limits, bool reattachable)
      : limits_(limits), reattachable_(reattachable) {}

  /// Waits while the client is too far behind. Errors: OPERATION_CANCELED once `stop` is
  /// requested or the log has ended.
  Status Append(spark::connect::ExecutePlanResponse reply, std::stop_token stop);
  /// No more replies; `result` is the operation's. Only the first call counts.
  void Finish(Status result);

  /// Begins a reader, which ends the one before. Returns its number.
  int64_t Attach();
  /// The position after the reply `id`; 0 where `id` is empty.
  /// Errors: INVALID_CURSOR.POSITION_NOT_FOUND, .POSITION_NOT_AVAILABLE.
  Result<int64_t> PositionAfter(const std::string& id) const;

  enum class Outcome { kReply, kEnd, kTimeout, kReplaced };
  struct Read {
    Outcome outcome = Outcome::kTimeout;
    Reply reply;    // kReply
    Status result;  // kEnd
  };
  /// The reply at `position`. Errors come as kEnd: also a position that was dropped.
  Read Next(int64_t reader, int64_t position, std::chrono::milliseconds timeout);

  /// Forgets the replies up to `id`, or all where it is empty.
  void Release(const std::string& id);

  bool finished() const;

 private:
  void DropFront();
  void TrimSent();

  const ReplyLimits limits_;
  const bool reattachable_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Reply> replies_;  // all below guarded by mutex_
  int64_t first_ = 0;          // position of replies_.front()
  std::string dropped_id_;     // of the reply before it
  int64_t sent_ = 0;           // positions below were read
  int64_t sent_bytes_ = 0;     // of replies_ below sent_
  int64_t ahead_bytes_ = 0;    // of the others
  int64_t reader_ = 0;
  bool finished_ = false;
  Status result_;
};

}  // namespace millrace::spark_connect
