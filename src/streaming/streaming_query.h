// A running query as users hold it, and the queries of a session.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "streaming/query_definition.h"
#include "streaming/query_state.h"

namespace millrace::streaming {

class MicroBatchExecution;

/// Spark: StreamingQuery. The query runs on a thread of its own from Start to its end.
///
/// Threading: all methods may be called from any thread.
class StreamingQuery {
 public:
  /// Checks the query, opens its checkpoint, starts it. Errors are those of a wrong query
  /// or an unusable checkpoint; what fails later ends the query and is told by failure().
  static Result<std::shared_ptr<StreamingQuery>> Start(
      QueryDefinition definition, const QueryEnvironment& environment);
  /// Stops it.
  ~StreamingQuery();

  const std::string& id() const { return id_; }          // of the checkpoint
  const std::string& run_id() const { return run_id_; }  // of this start
  const std::string& name() const { return name_; }      // empty: none
  /// The plan it runs, optimised.
  const plan::PlanPtr& plan() const { return plan_; }
  bool active() const { return state_.active(); }
  metrics::StreamingQueryStatus status() const { return state_.status(); }
  std::vector<metrics::StreamingQueryProgress> recent_progress() const {
    return state_.recent_progress();
  }
  /// Why the query failed (STREAM_FAILED / XXKST around the cause); OK while it runs, or
  /// where it ended otherwise.
  Status failure() const { return state_.failure(); }

  /// Until all data that is there now is processed and committed. The query's failure, if
  /// any.
  Status ProcessAllAvailable(std::stop_token stop = {});
  /// Until the query ended: true, or its failure; false where `timeout` passed before, or
  /// `stop` was requested.
  Result<bool> AwaitTermination(std::optional<std::chrono::milliseconds> timeout,
                                std::stop_token stop = {});
  /// Lets the batch under way end, for at most kStopGrace, then abandons it; the
  /// checkpoint is whole in either case. Returns when the query's thread has ended.
  /// Idempotent.
  void Stop();

  static constexpr std::chrono::seconds kStopGrace{10};

 private:
  StreamingQuery(const QueryDefinition& definition, const QueryEnvironment& environment);

  Clock* const clock_;
  const std::function<void(const StreamingQuery&, const Status&)> on_end_;
  const plan::PlanPtr plan_;
  std::string id_;
  const std::string run_id_;
  const std::string name_;
  QueryState state_;
  std::unique_ptr<MicroBatchExecution> execution_;
  std::stop_source finish_batch_;
  std::stop_source stop_now_;
  std::mutex stop_mutex_;
  std::thread thread_;
};

/// The queries of one session.
/// Threading: all methods may be called from any thread.
class QueryManager {
 public:
  explicit QueryManager(const QueryEnvironment& environment);
  /// Stops all.
  ~QueryManager();

  /// Errors: an active query of that name, and those of StreamingQuery::Start.
  Result<std::shared_ptr<StreamingQuery>> Start(QueryDefinition definition);
  std::vector<std::shared_ptr<StreamingQuery>> active() const;
  /// Also a query that has ended. Null where there is none.
  std::shared_ptr<StreamingQuery> Find(const std::string& id,
                                       const std::string& run_id) const;
  void StopAll();

  /// Until a query has ended since the last ForgetEnded: true, or its failure; false
  /// where `timeout` passed before, or `stop` was requested.
  Result<bool> AwaitAnyTermination(std::optional<std::chrono::milliseconds> timeout,
                                   std::stop_token stop);
  /// Spark: resetTerminated.
  void ForgetEnded();

 private:
  void OnEnd(const StreamingQuery& query);
  void ForgetOldest();

  QueryEnvironment environment_;
  mutable std::mutex mutex_;
  std::condition_variable_any ended_;
  std::vector<std::shared_ptr<StreamingQuery>> queries_;  // all guarded by mutex_
  bool any_ended_ = false;
  Status first_failure_;  // since the last ForgetEnded
};

}  // namespace millrace::streaming
