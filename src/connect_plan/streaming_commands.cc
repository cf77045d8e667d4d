// Commands of a session: starting streaming queries, asking about them, views and writes.
#include <algorithm>

#include <strings.h>

#include "base/error.h"
#include "base/interval.h"
#include "connect_plan/execution.h"
#include "connect_plan/session.h"
#include "plan/optimizer.h"
#include "plan/streaming_rules.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using streaming::StreamingQuery;
using streaming::Trigger;

Result<Trigger> DecodeTrigger(const proto::WriteStreamOperationStart& start) {
  switch (start.trigger_case()) {
    case proto::WriteStreamOperationStart::kProcessingTimeInterval: {
      MILLRACE_ASSIGN_OR_RETURN(const std::chrono::microseconds interval,
                                ParseTriggerInterval(start.processing_time_interval()));
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(interval);
      return Trigger{Trigger::Kind::kProcessingTime, millis};
    }
    case proto::WriteStreamOperationStart::kAvailableNow:
      return Trigger{Trigger::Kind::kAvailableNow, {}};
    case proto::WriteStreamOperationStart::kOnce:
      return Trigger{Trigger::Kind::kOnce, {}};
    case proto::WriteStreamOperationStart::TRIGGER_NOT_SET:
      return Trigger{};
    default:
      return UnsupportedError("Continuous and real-time triggers are not supported yet: use "
                              "processingTime, availableNow or once.");
  }
}

// DataStreamWriter.normalize: the sink is not asked yet.
Status CheckPartitionColumns(const std::vector<std::string>& columns,
                             const std::vector<plan::Attribute>& output) {
  for (const std::string& column : columns) {
    const auto same = [&](const plan::Attribute& attribute) {
      return strcasecmp(attribute.name.c_str(), column.c_str()) == 0;
    };
    if (std::ranges::any_of(output, same)) continue;
    std::string names;
    for (const plan::Attribute& attribute : output) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", attribute.name);
    }
    return AnalysisError("_LEGACY_ERROR_TEMP_1196", "",
                         "Partition column {} not found in existing columns ({}).",
                         column, names)
        .Param("columnType", "Partition")
        .Param("columnName", column)
        .Param("validColumnNames", names);
  }
  return Status::OK();
}

Error QueryNotFound(const std::string& id) {
  return Error(Fault::kUser,
               "The Spark Connect plan is invalid. Streaming query {} is not found", id)
      .Class("CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND", "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
      .Param("id", id);
}

void SetId(const StreamingQuery& query, proto::StreamingQueryInstanceId* out) {
  out->set_id(query.id());
  out->set_run_id(query.run_id());
}

void SetStatus(const StreamingQuery& query,
               proto::StreamingQueryCommandResult::StatusResult* out) {
  const metrics::StreamingQueryStatus status = query.status();
  out->set_status_message(status.message);
  out->set_is_data_available(status.is_data_available);
  out->set_is_trigger_active(status.is_trigger_active);
  out->set_is_active(query.active());
}

}  // namespace

Status Session::ExecuteCommand(const proto::Command& command, const Execution& execution,
                               std::stop_token stop) {
  switch (command.command_type_case()) {
    case proto::Command::kWriteStreamOperationStart:
      return StartQuery(command.write_stream_operation_start(), execution);
    case proto::Command::kStreamingQueryCommand:
      return QueryCommand(command.streaming_query_command(), execution);
    case proto::Command::kStreamingQueryManagerCommand:
      return ManagerCommand(command.streaming_query_manager_command(), execution);
    case proto::Command::kWriteOperation:
      return Write(command.write_operation(), stop);
    case proto::Command::kCreateDataframeView: {
      const auto& view = command.create_dataframe_view();
      MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr plan, Decode(view.input(), conf()));
      const std::lock_guard lock(mutex_);
      if (!view.replace() && views_.contains(view.name())) {
        return AnalysisError("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
                             "Cannot create the temporary view `{}` because it already exists.",
                             view.name());
      }
      views_[view.name()] = std::move(plan);
      return Status::OK();
    }
    default: {
      const auto* field = proto::Command::descriptor()->FindFieldByNumber(
          static_cast<int>(command.command_type_case()));
      return UnsupportedError("A command of kind {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

Status Session::StartQuery(const proto::WriteStreamOperationStart& start,
                           const Execution& execution) {
  if (start.has_foreach_writer() || start.has_foreach_batch()) {
    return UnsupportedError("foreach and foreachBatch are not supported yet.");
  }
  if (start.has_table_name()) return UnsupportedError("toTable is not supported yet.");
  streaming::QueryDefinition query;
  query.conf = conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(start.input(), query.conf));
  query.plan = plan::Optimize(plan);
  MILLRACE_ASSIGN_OR_RETURN(
      query.mode,
      plan::ParseOutputMode(start.output_mode().empty() ? "append" : start.output_mode()));
  MILLRACE_ASSIGN_OR_RETURN(query.trigger, DecodeTrigger(start));
  query.name = start.query_name();
  const std::string format = start.format().empty() ? "parquet" : start.format();
  MILLRACE_ASSIGN_OR_RETURN(query.sink, environment_.connectors->Sink(format));
  if (!query.sink->supports(query.mode)) {
    return AnalysisError(
               "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", "42KDE",
               "Invalid streaming output mode: {}. This output mode is not supported "
               "in Data Source {}.",
               start.output_mode(), format)
        .Param("outputMode", start.output_mode())
        .Param("className", format);
  }
  std::map<std::string, std::string> options(start.options().begin(), start.options().end());
  query.sink_options = Options(options);
  query.path = start.has_path() ? start.path() : query.sink_options.GetOr("path", "");
  query.partition_columns.assign(start.partitioning_column_names().begin(),
                                 start.partitioning_column_names().end());
  MILLRACE_RETURN_IF_ERROR(
      CheckPartitionColumns(query.partition_columns, query.plan->output));
  if (auto location = query.sink_options.Get("checkpointLocation")) {
    query.checkpoint_location = *location;
  } else if (auto base = query.conf.Get("spark.sql.streaming.checkpointLocation")) {
    const std::string name = query.name.empty() ? execution.MakeResponse().response_id()
                                                : query.name;
    query.checkpoint_location = JoinPath(*base, name);
  } else if (query.sink->needs_checkpoint()) {
    return AnalysisError("_LEGACY_ERROR_TEMP_1298", "",
                         "checkpointLocation must be specified either through "
                         "option(\"checkpointLocation\", ...) or "
                         "SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", "
                         "...).");
  }
  if (!query.checkpoint_location.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(query.checkpoint_location, LocalPath(query.checkpoint_location));
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::shared_ptr<StreamingQuery> started,
                            queries_.Start(std::move(query)));
  proto::ExecutePlanResponse response = execution.MakeResponse();
  auto* result = response.mutable_write_stream_operation_start_result();
  SetId(*started, result->mutable_query_id());
  result->set_name(started->name());
  return execution.Write(response);
}

Status Session::QueryCommand(const proto::StreamingQueryCommand& command,
                             const Execution& execution) {
  const std::string& id = command.query_id().id();
  const std::shared_ptr<StreamingQuery> query = queries_.Find(id, command.query_id().run_id());
  if (query == nullptr) return QueryNotFound(id);
  proto::ExecutePlanResponse response = execution.MakeResponse();
  auto* result = response.mutable_streaming_query_command_result();
  SetId(*query, result->mutable_query_id());
  switch (command.command_case()) {
    case proto::StreamingQueryCommand::kStatus:
      SetStatus(*query, result->mutable_status());
      break;
    case proto::StreamingQueryCommand::kLastProgress:
    case proto::StreamingQueryCommand::kRecentProgress: {
      auto* progress = result->mutable_recent_progress();
      const std::vector<metrics::StreamingQueryProgress> recent = query->recent_progress();
      const size_t first = command.has_last_progress() && !recent.empty() ? recent.size() - 1 : 0;
      for (size_t i = first; i < recent.size(); ++i) {
        progress->add_recent_progress_json(recent[i].ToJson());
      }
      break;
    }
    case proto::StreamingQueryCommand::kStop:
      query->Stop();
      break;
    case proto::StreamingQueryCommand::kProcessAllAvailable:
      MILLRACE_RETURN_IF_ERROR(query->ProcessAllAvailable());
      break;
    case proto::StreamingQueryCommand::kException: {
      const Status failure = query->failure();
      if (failure.ok()) break;
      auto* exception = result->mutable_exception();
      exception->set_exception_message(failure.error().java_class + ": " + failure.ToString());
      exception->set_error_class(failure.error().error_class);
      break;
    }
    case proto::StreamingQueryCommand::kAwaitTermination: {
      std::optional<std::chrono::milliseconds> timeout;
      if (command.await_termination().has_timeout_ms()) {
        timeout = std::chrono::milliseconds(command.await_termination().timeout_ms());
      }
      MILLRACE_ASSIGN_OR_RETURN(const bool ended, query->AwaitTermination(timeout));
      result->mutable_await_termination()->set_terminated(ended);
      break;
    }
    default:
      return UnsupportedError("This command on a streaming query is not supported yet.");
  }
  return execution.Write(response);
}

Status Session::ManagerCommand(const proto::StreamingQueryManagerCommand& command,
                               const Execution& execution) {
  proto::ExecutePlanResponse response = execution.MakeResponse();
  auto* result = response.mutable_streaming_query_manager_command_result();
  const auto set = [](const StreamingQuery& query, auto* instance) {
    SetId(query, instance->mutable_id());
    if (!query.name().empty()) instance->set_name(query.name());
  };
  if (command.has_active()) {
    auto* active = result->mutable_active();
    for (const auto& query : queries_.active()) set(*query, active->add_active_queries());
  } else if (command.has_get_query()) {
    if (const auto query = queries_.Find(command.get_query(), "")) {
      if (query->active()) set(*query, result->mutable_query());
    }
  } else {
    return UnsupportedError("This command on the session's streaming queries is not supported "
                            "yet.");
  }
  return execution.Write(response);
}

}  // namespace millrace::connect_plan
