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
#include "connect_plan/table_writer.h"
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
  for (auto& [name, plan] : other.views_.All()) views_.Add(name, true, plan);
}

plan::SessionConf Session::conf() const {
  const std::lock_guard lock(mutex_);
  return conf_;
}

plan::PlanPtr Session::FindView(const std::vector<std::string>& name_parts) const {
  if (name_parts.size() == 1) return views_.Find(name_parts[0]);
  const bool global =
      name_parts.size() == 2 && EqualsIgnoreCase(name_parts[0], "global_temp");
  return global ? environment_.global_views->Find(name_parts[1]) : nullptr;
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

Lookups Session::MakeLookups() {
  return {[this](const std::vector<std::string>& name) { return FindView(name); },
          [this](const std::string& id) { return FindRemoteRelation(id); },
          [this](const proto::Relation& relation) { return CatalogRelation(relation); },
          artifacts_};
}

Result<plan::PlanPtr> Session::Decode(const proto::Relation& relation,
                                      const plan::SessionConf& conf) {
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
  if (!write.has_table() &&
      (!write.sort_column_names().empty() || write.has_bucket_by())) {
    return UnsupportedError("sortBy and bucketBy of files are not supported yet.");
  }
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(write.input(), conf));
  if (plan->streaming) {
    return AnalysisError(
               "CALL_ON_STREAMING_DATASET_UNSUPPORTED", "42KDE",
               "The method `write` can not be called on streaming Dataset/DataFrame.")
        .Param("methodName", "`write`");
  }
  const std::map<std::string, std::string> options(write.options().begin(),
                                                   write.options().end());
  std::vector<std::string> partition_columns(write.partitioning_columns().begin(),
                                             write.partitioning_columns().end());
  const connector::SaveMode mode = ToSaveMode(write.mode());
  const TableWriter writer(environment_, conf, std::move(stop));
  if (!write.has_table()) {
    const auto path = options.find("path");
    return writer.Write(
        plan,
        {.format = write.has_source() ? write.source() : "parquet",
         .options = Options(options),
         .path = write.has_path() || path == options.end() ? write.path() : path->second,
         .partition_columns = std::move(partition_columns),
         .mode = mode});
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name,
                            plan::ParseAttributeName(write.table().table_name()));
  MILLRACE_ASSIGN_OR_RETURN(plan::TableInfo table, writer.NewTable(name));
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> known,
                            Builder(conf).tables().Find(table.id));
  const bool insert = write.table().save_method() ==
                      proto::WriteOperation::SaveTable::TABLE_SAVE_METHOD_INSERT_INTO;
  if (insert && !known) return plan::TableNotFound(name, conf);
  if (insert || (known && mode == connector::SaveMode::kAppend)) {
    return writer.Insert(*known, plan, /*by_name=*/!insert,
                         mode == connector::SaveMode::kOverwrite);
  }
  if (write.has_source() && !write.source().empty()) table.format = write.source();
  table.partition_columns = std::move(partition_columns);
  table.options = options;
  if (const auto path = options.find("path"); path != options.end()) {
    table.external = true;
    table.location = path->second;
    table.options.erase("path");
  }
  return writer.CreateAs(std::move(table), plan, mode);
}

Status Session::WriteV2(const proto::WriteOperationV2& write, std::stop_token stop) {
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(write.input(), conf));
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name,
                            plan::ParseAttributeName(write.table_name()));
  const TableWriter writer(environment_, conf, std::move(stop));
  MILLRACE_ASSIGN_OR_RETURN(plan::TableInfo table, writer.NewTable(name));
  if (write.mode() == proto::WriteOperationV2::MODE_CREATE) {
    if (!write.provider().empty()) table.format = write.provider();
    for (const proto::Expression& column : write.partitioning_columns()) {
      if (!column.has_unresolved_attribute()) {
        return UnsupportedError(
            "A table partitioned by anything but columns is not supported yet.");
      }
      table.partition_columns.push_back(
          column.unresolved_attribute().unparsed_identifier());
    }
    table.options.insert(write.options().begin(), write.options().end());
    table.properties.insert(write.table_properties().begin(),
                            write.table_properties().end());
    return writer.CreateAs(std::move(table), plan, connector::SaveMode::kErrorIfExists);
  }
  if (write.mode() == proto::WriteOperationV2::MODE_REPLACE ||
      write.mode() == proto::WriteOperationV2::MODE_CREATE_OR_REPLACE) {
    return AnalysisError(
               "UNSUPPORTED_FEATURE.TABLE_OPERATION", "0A000",
               "The feature is not supported: Table {} does not support REPLACE TABLE AS "
               "SELECT. Please check the current catalog and namespace to make sure the "
               "qualified table name is expected, and also check the catalog "
               "implementation which is configured by \"spark.sql.catalog\".",
               table.id.Quoted())
        .Param("tableName", table.id.Quoted())
        .Param("operation", "REPLACE TABLE AS SELECT");
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> known,
                            Builder(conf).tables().Find(table.id));
  if (!known) return plan::TableNotFound(name, conf);
  return AnalysisError("_LEGACY_ERROR_TEMP_1050", "", "Cannot write into v1 table: {}.",
                       table.id.Quoted());
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
