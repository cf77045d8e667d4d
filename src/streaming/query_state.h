// What other threads may ask of a running query: status, progress, and whether all data
// is done.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "metrics/progress.h"
#include "millrace/status.h"

namespace millrace::streaming {

/// Hears what happens to the queries of a session. Spark: StreamingQueryListener.
/// Threading: called from the threads of the queries.
class QueryListener {
 public:
  virtual ~QueryListener() = default;
  virtual void OnProgress(const metrics::StreamingQueryProgress& progress) = 0;
  /// Nothing new for a while; `progress` is of the trigger that found nothing.
  virtual void OnIdle(const metrics::StreamingQueryProgress& progress) = 0;
};

/// Written by the query's thread, read by any.
class QueryState {
 public:
  /// `listener` may be null; it must outlive the query.
  QueryState(size_t max_progress, QueryListener* listener)
      : max_progress_(max_progress), listener_(listener) {}

  void SetStatus(std::string message, bool data_available, bool trigger_active);
  /// `ran`: of a batch; otherwise of a trigger without one.
  void AddProgress(metrics::StreamingQueryProgress progress, bool ran);
  /// A trigger found nothing to do: whoever waits in AwaitIdle since before it began may
  /// go on.
  void ReportIdle(long trigger);
  /// The query ended, with its error if it failed.
  void Finish(Status result);
  /// Numbers a trigger that begins now.
  long BeginTrigger();
  /// How often AwaitIdle was called: a query that waits for data looks whether it
  /// changed.
  long idle_requests() const;

  metrics::StreamingQueryStatus status() const;
  std::vector<metrics::StreamingQueryProgress> recent_progress() const;
  bool active() const;
  /// Why the query ended; OK while it runs or if it was stopped.
  Status failure() const;

  /// Until a trigger that began after this call found no new data, the query ended, or
  /// `stop` is requested. `wake` is called now and then: it ends the query's wait for
  /// data.
  void AwaitIdle(const std::function<void()>& wake, std::stop_token stop);
  /// Until the query ended; false if `timeout` passed or `stop` was requested before. No
  /// timeout: waits for good.
  bool AwaitEnd(std::optional<std::chrono::milliseconds> timeout, std::stop_token stop);

 private:
  const size_t max_progress_;
  QueryListener* const listener_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  metrics::StreamingQueryStatus status_;  // all below guarded by mutex_
  std::deque<metrics::StreamingQueryProgress> progress_;
  long triggers_ = 0;
  long idle_trigger_ = 0;
  long idle_requests_ = 0;
  bool active_ = true;
  Status failure_;
};

}  // namespace millrace::streaming
