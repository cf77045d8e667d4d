// One execution: runs on a thread of its own, so that it outlives the stream that asked
// for it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "connect_plan/session.h"
#include "spark_connect/reply_log.h"

namespace millrace::spark_connect {

/// Threading: all methods may be called from any thread, the destructor from any but its
/// own.
class Operation {
 public:
  using Request = std::shared_ptr<spark::connect::ExecutePlanRequest>;
  using Proto = spark::connect::GetStatusResponse::OperationStatus;
  using State = Proto::OperationState;

  /// Starts it. `request` has an operation id; `session` must outlive the operation.
  Operation(Request request, connect_plan::Session& session, const ReplyLimits& limits);
  /// Interrupts it and waits for its thread.
  ~Operation();

  const std::string& id() const { return request_->operation_id(); }
  bool HasTag(const std::string& tag) const;
  bool reattachable() const { return reattachable_; }
  ReplyLog& replies() { return replies_; }

  /// The client is told OPERATION_CANCELED at once; the work ends soon after. False where
  /// it has ended already.
  bool Interrupt();
  /// Waits for its thread. Not from two threads at once.
  void Join();
  /// Its work has ended, and its thread is about to.
  bool ended() const { return state_ != Proto::OPERATION_STATE_RUNNING; }
  /// RUNNING; TERMINATING where it succeeded and was not released; FAILED; CANCELLED.
  State state() const { return state_; }

  /// Streams that send its replies now, and when the last one left.
  void AddStream() { ++streams_; }
  void RemoveStream(EpochMillis now);
  bool has_stream() const { return streams_ > 0; }
  EpochMillis detached_since() const {
    return EpochMillis(std::chrono::milliseconds(detached_));
  }
  void set_detached_since(EpochMillis now) { detached_ = now.time_since_epoch().count(); }

 private:
  void Run(connect_plan::Session& session, std::stop_token stop);

  const Request request_;
  const bool reattachable_;
  ReplyLog replies_;
  std::atomic<State> state_;
  std::atomic<int> streams_ = 0;
  std::atomic<int64_t> detached_ = 0;  // milliseconds since 1970
  std::jthread thread_;                // last: it uses the others
};

}  // namespace millrace::spark_connect
