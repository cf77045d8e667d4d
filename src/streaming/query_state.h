// What other threads may ask of a running query: status, progress, and whether all data is done.
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

/// Written by the query's thread, read by any.
class QueryState {
 public:
  explicit QueryState(size_t max_progress) : max_progress_(max_progress) {}

  void SetStatus(std::string message, bool data_available, bool trigger_active);
  void AddProgress(metrics::StreamingQueryProgress progress);
  /// A trigger found nothing to do: whoever waits in AwaitIdle since before it began may go on.
  void ReportIdle(long trigger);
  /// The query ended, with its error if it failed.
  void Finish(Status result);
  /// Numbers a trigger that begins now.
  long BeginTrigger();
  /// How often AwaitIdle was called: a query that waits for data looks whether it changed.
  long idle_requests() const;

  metrics::StreamingQueryStatus status() const;
  std::vector<metrics::StreamingQueryProgress> recent_progress() const;
  bool active() const;
  /// Why the query ended; OK while it runs or if it was stopped.
  Status failure() const;

  /// Until a trigger that began after this call found no new data, or the query ended. `wake` is
  /// called now and then: it ends the query's wait for data.
  void AwaitIdle(const std::function<void()>& wake);
  /// Until the query ended; false if `timeout` passed before. No timeout: waits for good.
  bool AwaitEnd(std::optional<std::chrono::milliseconds> timeout);

 private:
  const size_t max_progress_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  metrics::StreamingQueryStatus status_;                  // all below guarded by mutex_
  std::deque<metrics::StreamingQueryProgress> progress_;
  long triggers_ = 0;
  long idle_trigger_ = 0;
  long idle_requests_ = 0;
  bool active_ = true;
  Status failure_;
};

}  // namespace millrace::streaming
