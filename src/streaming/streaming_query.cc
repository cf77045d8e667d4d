#include "streaming/streaming_query.h"

#include <algorithm>

#include "base/error.h"
#include "base/uuid.h"
#include "plan/streaming_rules.h"
#include "streaming/micro_batch_execution.h"

namespace millrace::streaming {
namespace {

// Spark: StreamExecution wraps what ends a query into STREAM_FAILED.
Status StreamFailed(const StreamingQuery& query, const Status& cause,
                    const std::string& offsets) {
  const ErrorInfo& error = cause.error();
  return Error(error.fault,
               "Query [id = {}, runId = {}] terminated with exception: {} SQLSTATE: "
               "XXKST\n"
               "=== Streaming Query ===\n"
               "Identifier: {}[id = {}, runId = {}]\n"
               "Current Committed Offsets: {}",
               query.id(), query.run_id(), cause.ToString(),
               query.name().empty() ? "" : query.name() + " ", query.id(), query.run_id(),
               offsets)
      .Class("STREAM_FAILED", "XXKST")
      .Java("org.apache.spark.sql.streaming.StreamingQueryException")
      .Retryable(error.retryable)
      .Param("id", query.id())
      .Param("runId", query.run_id())
      .Param("message", cause.ToString());
}

}  // namespace

StreamingQuery::StreamingQuery(const QueryDefinition& definition,
                               const QueryEnvironment& environment)
    : clock_(environment.clock),
      on_end_(environment.on_end),
      plan_(definition.plan),
      run_id_(MakeUuid()),
      name_(definition.name),
      state_(
          static_cast<size_t>(std::max<int64_t>(
              1, definition.conf.GetInt("spark.sql.streaming.numRecentProgressUpdates"))),
          environment.listener) {}

Result<std::shared_ptr<StreamingQuery>> StreamingQuery::Start(
    QueryDefinition definition, const QueryEnvironment& environment) {
  MILLRACE_RETURN_IF_ERROR(plan::CheckStreaming(definition.plan, definition.mode));
  std::shared_ptr<StreamingQuery> query(new StreamingQuery(definition, environment));
  MILLRACE_ASSIGN_OR_RETURN(
      query->execution_,
      MicroBatchExecution::Make(std::move(definition), environment, query->run_id_,
                                &query->state_, query->stop_now_.get_token()));
  query->id_ = query->execution_->id();
  // The destructor joins the thread, so the plain pointer outlives it.
  query->thread_ = std::thread([self = query.get()] {
    const Status cause = self->execution_->Run(self->finish_batch_.get_token(),
                                               self->stop_now_.get_token());
    Status result;
    if (!cause.ok()) {
      result = StreamFailed(*self, cause, self->execution_->DescribeOffsets());
    }
    // Gives the checkpoint's lock back before anybody learns that the query has ended.
    self->execution_.reset();
    self->state_.Finish(std::move(result));
    if (self->on_end_) self->on_end_(*self, cause);
  });
  return query;
}

StreamingQuery::~StreamingQuery() { Stop(); }

Status StreamingQuery::ProcessAllAvailable(std::stop_token stop) {
  state_.AwaitIdle([this] { clock_->Wake(); }, std::move(stop));
  return state_.failure();
}

Result<bool> StreamingQuery::AwaitTermination(
    std::optional<std::chrono::milliseconds> timeout, std::stop_token stop) {
  if (!state_.AwaitEnd(timeout, std::move(stop))) return false;
  MILLRACE_RETURN_IF_ERROR(state_.failure());
  return true;
}

void StreamingQuery::Stop() {
  const std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  finish_batch_.request_stop();
  if (!state_.AwaitEnd(kStopGrace, {})) stop_now_.request_stop();
  thread_.join();
}

QueryManager::QueryManager(const QueryEnvironment& environment)
    : environment_(environment) {
  environment_.on_end = [this, then = environment.on_end](const StreamingQuery& query,
                                                          const Status& cause) {
    OnEnd(query);
    if (then) then(query, cause);
  };
}

QueryManager::~QueryManager() { StopAll(); }

void QueryManager::OnEnd(const StreamingQuery& query) {
  const std::lock_guard lock(mutex_);
  any_ended_ = true;
  if (first_failure_.ok()) first_failure_ = query.failure();
  ended_.notify_all();
}

Result<bool> QueryManager::AwaitAnyTermination(
    std::optional<std::chrono::milliseconds> timeout, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto ended = [&] { return any_ended_; };
  const bool any = timeout ? ended_.wait_for(lock, stop, *timeout, ended)
                           : ended_.wait(lock, stop, ended);
  MILLRACE_RETURN_IF_ERROR(first_failure_);
  return any;
}

void QueryManager::ForgetEnded() {
  const std::lock_guard lock(mutex_);
  any_ended_ = false;
  first_failure_ = Status::OK();
}

Result<std::shared_ptr<StreamingQuery>> QueryManager::Start(QueryDefinition definition) {
  const std::lock_guard lock(mutex_);
  for (const auto& query : queries_) {
    if (!definition.name.empty() && query->active() && query->name() == definition.name) {
      return ArgumentError(
          "Cannot start query with name {} as a query with that name is already "
          "active in this SparkSession",
          definition.name);
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<StreamingQuery> query,
                            StreamingQuery::Start(std::move(definition), environment_));
  queries_.push_back(query);
  ForgetOldest();
  return query;
}

// Ended queries can still be asked; of them, the newest are enough.
void QueryManager::ForgetOldest() {
  constexpr size_t kMaxQueries = 200;
  for (auto it = queries_.begin();
       it != queries_.end() && queries_.size() > kMaxQueries;) {
    it = (*it)->active() ? it + 1 : queries_.erase(it);
  }
}

std::vector<std::shared_ptr<StreamingQuery>> QueryManager::active() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<StreamingQuery>> active;
  for (const auto& query : queries_) {
    if (query->active()) active.push_back(query);
  }
  return active;
}

std::shared_ptr<StreamingQuery> QueryManager::Find(const std::string& id,
                                                   const std::string& run_id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& query : queries_) {
    if (query->id() == id && (run_id.empty() || query->run_id() == run_id)) return query;
  }
  return nullptr;
}

void QueryManager::StopAll() {
  std::vector<std::shared_ptr<StreamingQuery>> all;
  {
    const std::lock_guard lock(mutex_);
    all = queries_;
  }
  for (const auto& query : all) query->Stop();
}

}  // namespace millrace::streaming
