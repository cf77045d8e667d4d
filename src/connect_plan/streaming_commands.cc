// Commands of a session: starting streaming queries, asking about them, views and writes.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/interval.h"
#include "connect_plan/execution.h"
#include "connect_plan/session.h"
#include "connect_plan/table_writer.h"
#include "plan/explain.h"
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
    case proto::WriteStreamOperationStart::kContinuousCheckpointInterval:
      return UnsupportedError(
          "trigger(continuous=…) is not supported: use processingTime, "
          "availableNow or once.");
    default:
      return UnsupportedError(
          "trigger(realTime=…) is not supported yet: use processingTime, "
          "availableNow or once.");
  }
}

// DataStreamWriter.normalize: the sink is not asked yet.
Status CheckPartitionColumns(const std::vector<std::string>& columns,
                             const std::vector<plan::Attribute>& output) {
  for (const std::string& column : columns) {
    const auto same = [&](const plan::Attribute& attribute) {
      return EqualsIgnoreCase(attribute.name, column);
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

Error RunIdMismatch(const proto::StreamingQueryInstanceId& wanted,
                    const StreamingQuery& query) {
  return Error(Fault::kUser,
               "The Spark Connect plan is invalid. Run id mismatch for query id {}. Run "
               "id in the "
               "request {} does not match one on the server {}. The query might have "
               "restarted.",
               wanted.id(), wanted.run_id(), query.run_id())
      .Class("CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH", "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
      .Param("id", wanted.id())
      .Param("runId", wanted.run_id())
      .Param("serverRunId", query.run_id());
}

std::optional<std::chrono::milliseconds> Timeout(bool given, int64_t millis) {
  if (!given) return std::nullopt;
  return std::chrono::milliseconds(millis);
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

// Spark: the toString of the query's StreamingQueryException. Nothing where it did not
// fail.
void SetException(const Status& failure, proto::StreamingQueryCommandResult* result) {
  auto* exception = result->mutable_exception();
  if (failure.ok()) return;
  const ErrorInfo& error = failure.error();
  const auto cause = error.parameters.find("message");
  const size_t details = error.message.find("\n=== Streaming Query ===");
  exception->set_exception_message(
      error.java_class + ": " +
      (cause == error.parameters.end() ? error.message : cause->second) +
      (details == std::string::npos ? "" : error.message.substr(details)));
  exception->set_error_class(error.error_class);
}

}  // namespace

Status Session::ExecuteCommand(const proto::Command& command, const Execution& execution,
                               std::stop_token stop) {
  switch (command.command_type_case()) {
    case proto::Command::kWriteStreamOperationStart:
      return StartQuery(command.write_stream_operation_start(), execution);
    case proto::Command::kStreamingQueryCommand:
      return QueryCommand(command.streaming_query_command(), execution, std::move(stop));
    case proto::Command::kStreamingQueryManagerCommand:
      return ManagerCommand(command.streaming_query_manager_command(), execution,
                            std::move(stop));
    case proto::Command::kStreamingQueryListenerBusCommand:
      return ListenerBusCommand(command.streaming_query_listener_bus_command(), execution,
                                std::move(stop));
    case proto::Command::kWriteOperation:
      return Write(command.write_operation(), std::move(stop));
    case proto::Command::kWriteOperationV2:
      return WriteV2(command.write_operation_v2(), std::move(stop));
    case proto::Command::kRemoveCachedRemoteRelationCommand:
      RemoveRemoteRelation(
          command.remove_cached_remote_relation_command().relation().relation_id());
      return Status::OK();
    case proto::Command::kGetResourcesCommand: {
      proto::ExecutePlanResponse response = execution.MakeResponse();
      response.mutable_get_resources_command_result();  // none: there is no cluster
      return execution.Write(response);
    }
    case proto::Command::kCreateDataframeView: {
      const auto& view = command.create_dataframe_view();
      MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr plan, Decode(view.input(), conf()));
      return CreateView(view.name(), view.replace(), view.is_global(), std::move(plan));
    }
    case proto::Command::kSqlCommand:
      return SqlCommand(command.sql_command(), execution, std::move(stop));
    default: {
      const auto* field = proto::Command::descriptor()->FindFieldByNumber(
          static_cast<int>(command.command_type_case()));
      return UnsupportedError("A command of kind {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

Status Session::SetSink(const proto::WriteStreamOperationStart& start,
                        const Execution& execution, streaming::QueryDefinition* query) {
  std::map<std::string, std::string> options(start.options().begin(),
                                             start.options().end());
  if (start.has_foreach_writer() || start.has_foreach_batch()) {
    if (environment_.python == nullptr) {
      return UnsupportedError(
          "foreach and foreachBatch are not supported here: they need a server "
          "that may run Python (millrace serve without --no-python and TLS).");
    }
    const bool is_batch = start.has_foreach_batch();
    const auto& function = is_batch ? start.foreach_batch() : start.foreach_writer();
    if (!function.has_python_function()) {
      return UnsupportedError(
          "foreach and foreachBatch with a Scala function are not supported.");
    }
    const auto add = [this](data::SchemaPtr schema, std::vector<data::Batch> rows) {
      const plan::SessionConf conf = this->conf();
      const plan::PlanBuilder builder(*environment_.connectors, conf, environment_.fs,
                                      environment_.clock);
      return AddRemoteRelation(builder.Local(std::move(schema), std::move(rows)).value());
    };
    query->own_sink = python_worker::MakeForeachSinkProvider(
        *environment_.python,
        {is_batch ? python_worker::FunctionKind::kForeachBatch
                  : python_worker::FunctionKind::kForeach,
         function.python_function().command(), function.python_function().python_ver()},
        execution.request().user_context().user_id(),
        {add, [this](const std::string& id) { RemoveRemoteRelation(id); }});
    query->sink = query->own_sink.get();
  } else {
    const std::string format = start.format().empty() ? "parquet" : start.format();
    MILLRACE_ASSIGN_OR_RETURN(query->sink, environment_.connectors->Sink(format));
    if (!query->sink->supports(query->mode)) {
      return AnalysisError(
                 "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", "42KDE",
                 "Invalid streaming output mode: {}. This output mode is not supported "
                 "in Data Source {}.",
                 start.output_mode(), format)
          .Param("outputMode", start.output_mode())
          .Param("className", format);
    }
  }
  if (start.has_table_name()) {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name,
                              plan::ParseAttributeName(start.table_name()));
    const TableWriter writer(environment_, query->conf, std::stop_token());
    MILLRACE_ASSIGN_OR_RETURN(plan::TableInfo table, writer.NewTable(name));
    table.format = query->sink->name();
    table.partition_columns.assign(start.partitioning_column_names().begin(),
                                   start.partitioning_column_names().end());
    table.schema = query->plan->schema();
    MILLRACE_RETURN_IF_ERROR(writer.Create(table, /*if_not_exists=*/true));
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> known,
                              Builder(query->conf).tables().Find(table.id));
    if (known) options["path"] = known->location;
  }
  query->sink_options = Options(options);
  query->path = start.has_path() ? start.path() : query->sink_options.GetOr("path", "");
  if (query->path.empty() && query->own_sink == nullptr &&
      Builder(query->conf).HasFileFormat(std::string(query->sink->name()))) {
    return ArgumentError("'path' is not specified.").Class("_LEGACY_ERROR_TEMP_2047");
  }
  query->partition_columns.assign(start.partitioning_column_names().begin(),
                                  start.partitioning_column_names().end());
  return CheckPartitionColumns(query->partition_columns, query->plan->output);
}

Status Session::SetCheckpoint(const Execution& execution,
                              streaming::QueryDefinition* query) const {
  if (auto location = query->sink_options.Get("checkpointLocation")) {
    query->checkpoint_location = *location;
  } else if (auto base = query->conf.Get("spark.sql.streaming.checkpointLocation")) {
    const std::string name =
        query->name.empty() ? execution.MakeResponse().response_id() : query->name;
    query->checkpoint_location = JoinPath(*base, name);
  } else if (query->sink->needs_checkpoint()) {
    return AnalysisError(
        "_LEGACY_ERROR_TEMP_1298", "",
        "checkpointLocation must be specified either through "
        "option(\"checkpointLocation\", ...) or "
        "SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", "
        "...).");
  }
  if (query->checkpoint_location.empty()) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(query->checkpoint_location,
                            LocalPath(query->checkpoint_location));
  return Status::OK();
}

Status Session::StartQuery(const proto::WriteStreamOperationStart& start,
                           const Execution& execution) {
  streaming::QueryDefinition query;
  query.conf = conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(start.input(), query.conf));
  query.plan = plan::Optimize(plan);
  MILLRACE_ASSIGN_OR_RETURN(query.mode, plan::ParseOutputMode(start.output_mode().empty()
                                                                  ? "append"
                                                                  : start.output_mode()));
  MILLRACE_ASSIGN_OR_RETURN(query.trigger, DecodeTrigger(start));
  query.name = start.query_name();
  MILLRACE_RETURN_IF_ERROR(SetSink(start, execution, &query));
  MILLRACE_RETURN_IF_ERROR(SetCheckpoint(execution, &query));
  MILLRACE_ASSIGN_OR_RETURN(const std::shared_ptr<StreamingQuery> started,
                            queries_.Start(std::move(query)));
  proto::ExecutePlanResponse response = execution.MakeResponse();
  auto* result = response.mutable_write_stream_operation_start_result();
  SetId(*started, result->mutable_query_id());
  result->set_name(started->name());
  if (listeners_.active()) {
    nlohmann::ordered_json event = {
        {"id", started->id()}, {"runId", started->run_id()}, {"name", nullptr}};
    if (!started->name().empty()) event["name"] = started->name();
    event["timestamp"] = metrics::FormatInstant(environment_.clock->Now());
    event["jobTags"] = {
        fmt::format("SparkConnect_OperationTag_User_{}_Session_{}_Operation_{}",
                    execution.request().user_context().user_id(), id_,
                    execution.request().operation_id())};
    result->set_query_started_event_json(event.dump());
  }
  return execution.Write(response);
}

Status Session::ListenerBusCommand(const proto::StreamingQueryListenerBusCommand& command,
                                   const Execution& execution, std::stop_token stop) {
  if (command.has_remove_listener_bus_listener()) {
    listeners_.Remove();
    return Status::OK();
  }
  if (!listeners_.Add()) return Status::OK();
  proto::ExecutePlanResponse added = execution.MakeResponse();
  added.mutable_streaming_query_listener_events_result()->set_listener_bus_listener_added(
      true);
  MILLRACE_RETURN_IF_ERROR(execution.Write(added));
  return listeners_.Run(
      [&](const std::vector<ListenerBus::Event>& events) {
        proto::ExecutePlanResponse response = execution.MakeResponse();
        auto* out = response.mutable_streaming_query_listener_events_result();
        out->mutable_events()->Assign(events.begin(), events.end());
        return execution.Write(response);
      },
      std::move(stop));
}

Status Session::QueryCommand(const proto::StreamingQueryCommand& command,
                             const Execution& execution, std::stop_token stop) {
  const std::string& id = command.query_id().id();
  const std::shared_ptr<StreamingQuery> query =
      queries_.Find(id, command.query_id().run_id());
  if (query == nullptr) {
    const std::shared_ptr<StreamingQuery> other = queries_.Find(id, "");
    return other == nullptr ? QueryNotFound(id)
                            : RunIdMismatch(command.query_id(), *other);
  }
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
      const std::vector<metrics::StreamingQueryProgress> recent =
          query->recent_progress();
      const size_t first =
          command.has_last_progress() && !recent.empty() ? recent.size() - 1 : 0;
      for (size_t i = first; i < recent.size(); ++i) {
        progress->add_recent_progress_json(recent[i].ToJson());
      }
      break;
    }
    case proto::StreamingQueryCommand::kStop:
      query->Stop();
      break;
    case proto::StreamingQueryCommand::kProcessAllAvailable:
      MILLRACE_RETURN_IF_ERROR(query->ProcessAllAvailable(std::move(stop)));
      break;
    case proto::StreamingQueryCommand::kExplain: {
      const std::string text = plan::TreeText(query->plan());
      result->mutable_explain()->set_result(
          (command.explain().extended() ? "== Optimized Logical Plan ==\n" + text + "\n"
                                        : "") +
          "== Physical Plan ==\n" + text);
      break;
    }
    case proto::StreamingQueryCommand::kException:
      SetException(query->failure(), result);
      break;
    case proto::StreamingQueryCommand::kAwaitTermination: {
      const auto& await = command.await_termination();
      MILLRACE_ASSIGN_OR_RETURN(
          const bool ended,
          query->AwaitTermination(Timeout(await.has_timeout_ms(), await.timeout_ms()),
                                  std::move(stop)));
      result->mutable_await_termination()->set_terminated(ended);
      break;
    }
    default:
      return UnsupportedError("This command on a streaming query is not supported yet.");
  }
  return execution.Write(response);
}

Status Session::ManagerCommand(const proto::StreamingQueryManagerCommand& command,
                               const Execution& execution, std::stop_token stop) {
  proto::ExecutePlanResponse response = execution.MakeResponse();
  auto* result = response.mutable_streaming_query_manager_command_result();
  const auto set = [](const StreamingQuery& query, auto* instance) {
    SetId(query, instance->mutable_id());
    if (!query.name().empty()) instance->set_name(query.name());
  };
  switch (command.command_case()) {
    case proto::StreamingQueryManagerCommand::kActive: {
      auto* active = result->mutable_active();
      for (const auto& query : queries_.active())
        set(*query, active->add_active_queries());
      break;
    }
    case proto::StreamingQueryManagerCommand::kGetQuery:
      if (const auto query = queries_.Find(command.get_query(), "")) {
        if (query->active()) set(*query, result->mutable_query());
      }
      break;
    case proto::StreamingQueryManagerCommand::kAwaitAnyTermination: {
      const auto& await = command.await_any_termination();
      MILLRACE_ASSIGN_OR_RETURN(
          const bool ended,
          queries_.AwaitAnyTermination(
              Timeout(await.has_timeout_ms(), await.timeout_ms()), std::move(stop)));
      result->mutable_await_any_termination()->set_terminated(ended);
      break;
    }
    case proto::StreamingQueryManagerCommand::kResetTerminated:
      queries_.ForgetEnded();
      result->set_reset_terminated(true);
      break;
    default:
      return UnsupportedError(
          "Listeners on the server are not supported: use a client whose "
          "listeners run in the client (PySpark 4.0 or later).");
  }
  return execution.Write(response);
}

}  // namespace millrace::connect_plan
