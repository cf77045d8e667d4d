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
               "Query [id = {}, runId = {}] terminated with exception: {}\n"
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

StreamingQuery::StreamingQuery(const QueryDefinition& definition, Clock* clock)
    : clock_(clock),
      run_id_(MakeUuid()),
      name_(definition.name),
      state_(static_cast<size_t>(std::max<int64_t>(
          1, definition.conf.GetInt("spark.sql.streaming.numRecentProgressUpdates")))) {}

Result<std::shared_ptr<StreamingQuery>> StreamingQuery::Start(
    QueryDefinition definition, const QueryEnvironment& environment) {
  MILLRACE_RETURN_IF_ERROR(plan::CheckStreaming(definition.plan, definition.mode));
  std::shared_ptr<StreamingQuery> query(new StreamingQuery(definition, environment.clock));
  MILLRACE_ASSIGN_OR_RETURN(
      query->execution_, MicroBatchExecution::Make(std::move(definition), environment,
                                                   query->run_id_, &query->state_));
  query->id_ = query->execution_->id();
  // The destructor joins the thread, so the plain pointer outlives it.
  query->thread_ = std::thread([self = query.get()] {
    Status result = self->execution_->Run(self->finish_batch_.get_token(),
                                          self->stop_now_.get_token());
    if (!result.ok()) {
      result = StreamFailed(*self, result, self->execution_->DescribeOffsets());
    }
    // Gives the checkpoint's lock back before anybody learns that the query has ended.
    self->execution_.reset();
    self->state_.Finish(std::move(result));
  });
  return query;
}

StreamingQuery::~StreamingQuery() { Stop(); }

Status StreamingQuery::ProcessAllAvailable() {
  state_.AwaitIdle([this] { clock_->Wake(); });
  return state_.failure();
}

Result<bool> StreamingQuery::AwaitTermination(
    std::optional<std::chrono::milliseconds> timeout) {
  if (!state_.AwaitEnd(timeout)) return false;
  MILLRACE_RETURN_IF_ERROR(state_.failure());
  return true;
}

void StreamingQuery::Stop() {
  const std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  finish_batch_.request_stop();
  if (!state_.AwaitEnd(kStopGrace)) stop_now_.request_stop();
  thread_.join();
}

QueryManager::~QueryManager() { StopAll(); }

Result<std::shared_ptr<StreamingQuery>> QueryManager::Start(QueryDefinition definition) {
  const std::lock_guard lock(mutex_);
  for (const auto& query : queries_) {
    if (!definition.name.empty() && query->active() && query->name() == definition.name) {
      return ArgumentError("Cannot start query with name {} as a query with that name is already "
                           "active in this SparkSession",
                           definition.name);
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<StreamingQuery> query,
                            StreamingQuery::Start(std::move(definition), environment_));
  queries_.push_back(query);
  return query;
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
