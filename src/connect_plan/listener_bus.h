// What happens to the queries of a session, on its way to the client's
// StreamingQueryListeners: one long command takes the events.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

#include "spark/connect/commands.pb.h"
#include "streaming/streaming_query.h"

namespace millrace::connect_plan {

/// Threading: any thread.
class ListenerBus final : public streaming::QueryListener {
 public:
  using Event = spark::connect::StreamingQueryListenerEvent;

  /// Begins to collect events. False where a client listens already.
  bool Add();
  /// Ends Run.
  void Remove();
  bool active() const;

  /// Hands events over until Remove is called or `stop` is requested. Errors: those of
  /// `write`.
  Status Run(const std::function<Status(const std::vector<Event>& events)>& write,
             std::stop_token stop);

  void OnProgress(const metrics::StreamingQueryProgress& progress) override;
  void OnIdle(const metrics::StreamingQueryProgress& progress) override;
  /// `cause` is why it failed, OK where it was stopped or had nothing more to do.
  void OnEnd(const streaming::StreamingQuery& query, const Status& cause);

 private:
  void Post(spark::connect::StreamingQueryEventType type, std::string json);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool active_ = false;       // all guarded by mutex_
  std::deque<Event> events_;  // the oldest are dropped where the client does not keep up
};

}  // namespace millrace::connect_plan
