#include "connect_plan/session.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/uuid.h"
#include "connect_plan/execution.h"
#include "connect_plan/relation_decoder.h"
#include "connect_plan/type_codec.h"
#include "data/show.h"
#include "exec/batch_query.h"
#include "plan/explain.h"
#include "plan/optimizer.h"
#include "plan/streaming_rules.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;

Result<data::Batch> OneString(const std::string& column, const std::string& text) {
  arrow::StringViewBuilder builder;
  data::ArrayPtr array;
  arrow::Status status = builder.Append(text);
  if (status.ok()) status = builder.Finish(&array);
  if (!status.ok()) return InternalError("making a result: {}", status.ToString());
  auto schema = arrow::schema({arrow::field(column, data::StringType(), false)});
  return arrow::RecordBatch::Make(std::move(schema), 1, {std::move(array)});
}

connector::SaveMode ToSaveMode(proto::WriteOperation::SaveMode mode) {
  switch (mode) {
    case proto::WriteOperation::SAVE_MODE_APPEND:
      return connector::SaveMode::kAppend;
    case proto::WriteOperation::SAVE_MODE_OVERWRITE:
      return connector::SaveMode::kOverwrite;
    case proto::WriteOperation::SAVE_MODE_IGNORE:
      return connector::SaveMode::kIgnore;
    default:
      return connector::SaveMode::kErrorIfExists;
  }
}

}  // namespace

Session::Session(std::string id, const SessionEnvironment& environment)
    : id_(std::move(id)),
      server_side_id_(MakeUuid()),
      environment_(environment),
      queries_(QueryEnvironmentOf(environment)) {
  conf_.set_session_id(id_);
}

Session::~Session() {
  queries_.StopAll();
  for (const auto& tables : environment_.connectors->tables()) tables->DropAll(id_);
}

streaming::QueryEnvironment Session::QueryEnvironmentOf(
    const SessionEnvironment& environment) {
  streaming::QueryEnvironment queries;
  queries.fs = environment.fs;
  queries.clock = environment.clock;
  queries.listener = &listeners_;
  queries.on_end = [this](const streaming::StreamingQuery& query, const Status& cause) {
    listeners_.OnEnd(query, cause);
  };
  return queries;
}

void Session::CopyFrom(const Session& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  conf_ = other.conf_;
  conf_.set_session_id(id_);
  views_ = other.views_;
}

plan::SessionConf Session::conf() const {
  const std::lock_guard lock(mutex_);
  return conf_;
}

plan::PlanPtr Session::FindView(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(LowerCase(name));
  return found == views_.end() ? nullptr : found->second;
}

plan::PlanPtr Session::FindRemoteRelation(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = remote_relations_.find(id);
  return found == remote_relations_.end() ? nullptr : found->second;
}

std::string Session::AddRemoteRelation(plan::PlanPtr plan) {
  std::string id = MakeUuid();
  const std::lock_guard lock(mutex_);
  remote_relations_[id] = std::move(plan);
  return id;
}

void Session::RemoveRemoteRelation(const std::string& id) {
  const std::lock_guard lock(mutex_);
  remote_relations_.erase(id);
}

plan::PlanBuilder Session::Builder(const plan::SessionConf& conf) const {
  return plan::PlanBuilder(*environment_.connectors, conf, environment_.fs,
                           environment_.clock);
}

Lookups Session::MakeLookups() const {
  return {[this](const std::string& name) { return FindView(name); },
          [this](const std::string& id) { return FindRemoteRelation(id); }, artifacts_};
}

Result<plan::PlanPtr> Session::Decode(const proto::Relation& relation,
                                      const plan::SessionConf& conf) const {
  return DecodeRelation(relation, Builder(conf), MakeLookups());
}

Status Session::Execute(const proto::ExecutePlanRequest& request,
                        const ResponseWriter& write, std::stop_token stop) {
  const Execution execution(*this, request, write);
  if (request.plan().has_command()) {
    MILLRACE_RETURN_IF_ERROR(ExecuteCommand(request.plan().command(), execution, stop));
  } else {
    MILLRACE_RETURN_IF_ERROR(ExecuteRelation(request.plan().root(), execution, stop));
  }
  return execution.WriteComplete();
}

Status Session::RunBatch(const plan::PlanPtr& plan, const plan::SessionConf& conf,
                         const std::function<Status(const data::Batch&)>& emit,
                         std::stop_token stop) const {
  MILLRACE_RETURN_IF_ERROR(plan::CheckBatch(plan));
  const exec::BatchQueryOptions options{environment_.fs, environment_.clock,
                                        conf.time_zone()};
  return exec::RunBatchQuery(plan::Optimize(plan), options, emit, std::move(stop));
}

Status Session::ExecuteRelation(const proto::Relation& relation,
                                const Execution& execution, std::stop_token stop) {
  if (relation.has_show_string())
    return ShowString(relation.show_string(), execution, stop);
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(relation, conf));
  MILLRACE_RETURN_IF_ERROR(plan::CheckBatch(plan));
  const data::SchemaPtr schema = plan->schema();
  MILLRACE_RETURN_IF_ERROR(execution.WriteSchema(*schema));
  int64_t offset = 0;
  bool any = false;
  MILLRACE_RETURN_IF_ERROR(RunBatch(
      plan, conf,
      [&](const data::Batch& batch) {
        any = true;
        return execution.WriteRows(batch, conf.time_zone(), &offset);
      },
      stop));
  if (!any) {
    MILLRACE_RETURN_IF_ERROR(
        execution.WriteRows(data::EmptyBatch(schema), conf.time_zone(), &offset));
  }
  return execution.WriteMetrics(offset);
}

Status Session::WriteResult(const data::SchemaPtr& schema,
                            const std::vector<data::Batch>& batches,
                            const plan::SessionConf& conf,
                            const Execution& execution) const {
  MILLRACE_RETURN_IF_ERROR(execution.WriteSchema(*schema));
  int64_t offset = 0;
  for (const data::Batch& batch : batches) {
    MILLRACE_RETURN_IF_ERROR(execution.WriteRows(batch, conf.time_zone(), &offset));
  }
  if (batches.empty()) {
    MILLRACE_RETURN_IF_ERROR(
        execution.WriteRows(data::EmptyBatch(schema), conf.time_zone(), &offset));
  }
  return execution.WriteMetrics(offset);
}

Status Session::ShowString(const proto::ShowString& show, const Execution& execution,
                           std::stop_token stop) {
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr plan, Decode(show.input(), conf));
  const int rows = std::max(0, show.num_rows());
  // One row more tells whether there are more.
  plan = plan::MakePlan(plan::Limit{int64_t{rows} + 1}, {plan}, plan->output);
  std::vector<data::Batch> batches;
  MILLRACE_RETURN_IF_ERROR(RunBatch(
      plan, conf,
      [&](const data::Batch& batch) {
        batches.push_back(batch);
        return Status::OK();
      },
      stop));
  data::ShowOptions how;
  how.num_rows = rows;
  how.truncate = show.truncate();
  how.vertical = show.vertical();
  how.time_zone = conf.time_zone();
  MILLRACE_ASSIGN_OR_RETURN(const std::string text,
                            data::ShowString(*plan->schema(), batches, how));
  MILLRACE_ASSIGN_OR_RETURN(const data::Batch result, OneString("show_string", text));
  return WriteResult(result->schema(), {result}, conf, execution);
}

Status Session::Write(const proto::WriteOperation& write, std::stop_token stop) {
  if (!write.sort_column_names().empty() || write.has_bucket_by()) {
    return UnsupportedError("sortBy and bucketBy of a write are not supported yet.");
  }
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(write.input(), conf));
  if (plan->streaming) {
    return AnalysisError(
        "CALL_ON_STREAMING_DATASET_UNSUPPORTED", "42KDE",
        "The method `write` can not be called on streaming Dataset/DataFrame.");
  }
  const Options options(
      std::map<std::string, std::string>(write.options().begin(), write.options().end()));
  MILLRACE_ASSIGN_OR_RETURN(
      const connector::SinkProvider* provider,
      environment_.connectors->Sink(write.has_source() ? write.source() : "parquet"));
  connector::SinkContext context;
  context.fs = environment_.fs;
  context.session_time_zone = conf.time_zone();
  context.session_id = id_;
  context.path = write.has_path() ? write.path() : options.GetOr("path", "");
  connector::SaveMode mode = ToSaveMode(write.mode());
  if (write.has_table()) {
    const std::string& name = write.table().table_name();
    MILLRACE_ASSIGN_OR_RETURN(context.path, plan::TableFolder(conf, name));
    const bool insert = write.table().save_method() ==
                        proto::WriteOperation::SaveTable::TABLE_SAVE_METHOD_INSERT_INTO;
    if (insert) {
      MILLRACE_RETURN_IF_ERROR(Builder(conf).Table({name}).status());
      if (mode != connector::SaveMode::kOverwrite) mode = connector::SaveMode::kAppend;
    }
    if (provider->name() != "parquet") {
      return UnsupportedError(
          "A table in the format {} is not supported: tables are Parquet "
          "files.",
          provider->name());
    }
  }
  context.partition_columns.assign(write.partitioning_columns().begin(),
                                   write.partitioning_columns().end());
  context.streaming = false;
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::Sink> sink,
                            provider->MakeBatch(options, plan->schema(), context, mode));
  if (sink == nullptr) return Status::OK();  // mode ignore, and there is something
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::SinkWriter> writer,
                            sink->Open(0, 0));
  const exec::BatchQueryOptions run{environment_.fs, environment_.clock,
                                    conf.time_zone()};
  MILLRACE_RETURN_IF_ERROR(exec::RunBatchQuery(
      plan::Optimize(plan), run,
      [&](const data::Batch& batch) { return writer->Write(batch); }, stop));
  MILLRACE_ASSIGN_OR_RETURN(const connector::CommitMessage message, writer->Prepare());
  return sink->Commit(0, {&message, 1});
}

Result<proto::ConfigResponse> Session::Config(const proto::ConfigRequest& request) {
  proto::ConfigResponse response;
  response.set_session_id(id_);
  response.set_server_side_session_id(server_side_id_);
  const std::lock_guard lock(mutex_);
  const auto add = [&](const std::string& key, const std::optional<std::string>& value) {
    auto* pair = response.add_pairs();
    pair->set_key(key);
    if (value) pair->set_value(*value);
  };
  const proto::ConfigRequest::Operation& operation = request.operation();
  if (operation.has_set()) {
    for (const auto& pair : operation.set().pairs()) {
      const Status set = conf_.Set(pair.key(), pair.value());
      if (!set.ok() && !operation.set().silent()) return set;
      add(pair.key(), pair.value());
    }
  } else if (operation.has_get()) {
    for (const std::string& key : operation.get().keys()) {
      std::optional<std::string> value = conf_.Get(key);
      if (!value) {
        return Error(
                   Fault::kUser,
                   "The SQL config \"{}\" cannot be found. Please verify that the config "
                   "exists.",
                   key)
            .Class("SQL_CONF_NOT_FOUND", "42K0I")
            .Java("org.apache.spark.SparkNoSuchElementException")
            .Param("sqlConf", "\"" + key + "\"");
      }
      add(key, value);
    }
  } else if (operation.has_get_with_default()) {
    for (const auto& pair : operation.get_with_default().pairs()) {
      std::optional<std::string> value = conf_.Get(pair.key());
      if (!value && pair.has_value()) value = pair.value();
      add(pair.key(), value);
    }
  } else if (operation.has_get_option()) {
    for (const std::string& key : operation.get_option().keys()) add(key, conf_.Get(key));
  } else if (operation.has_get_all()) {
    for (const auto& [key, value] : conf_.explicitly_set()) {
      if (key.starts_with(operation.get_all().prefix())) add(key, value);
    }
  } else if (operation.has_unset()) {
    for (const std::string& key : operation.unset().keys()) conf_.Unset(key);
  } else if (operation.has_is_modifiable()) {
    for (const std::string& key : operation.is_modifiable().keys()) {
      add(key, plan::SessionConf::IsModifiable(key) ? "true" : "false");
    }
  }
  return response;
}

}  // namespace millrace::connect_plan
