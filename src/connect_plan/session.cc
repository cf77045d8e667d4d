#include "connect_plan/session.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"
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

// The Spark version whose protocol and semantics this is.
constexpr std::string_view kSparkVersion = "4.2.0";

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
      environment_(environment),
      queries_(streaming::QueryEnvironment{environment.fs, environment.clock}) {}

Session::~Session() = default;

plan::SessionConf Session::conf() const {
  const std::lock_guard lock(mutex_);
  return conf_;
}

plan::PlanPtr Session::FindView(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : found->second;
}

Result<plan::PlanPtr> Session::Decode(const proto::Relation& relation,
                                      const plan::SessionConf& conf) const {
  const plan::PlanBuilder builder(*environment_.connectors, conf, environment_.fs,
                                  environment_.clock);
  return DecodeRelation(relation, builder,
                        [this](const std::string& name) { return FindView(name); });
}

Status Session::Execute(const proto::ExecutePlanRequest& request, const ResponseWriter& write,
                        std::stop_token stop) {
  const Execution execution(id_, request, write);
  if (request.plan().has_command()) {
    MILLRACE_RETURN_IF_ERROR(ExecuteCommand(request.plan().command(), execution, stop));
  } else {
    MILLRACE_RETURN_IF_ERROR(ExecuteRelation(request.plan().root(), execution, stop));
  }
  return execution.WriteComplete();
}

Status Session::ExecuteRelation(const proto::Relation& relation, const Execution& execution,
                                std::stop_token stop) {
  if (relation.has_show_string()) return ShowString(relation.show_string(), execution, stop);
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(relation, conf));
  MILLRACE_RETURN_IF_ERROR(plan::CheckBatch(plan));
  const data::SchemaPtr schema = plan->schema();
  MILLRACE_RETURN_IF_ERROR(execution.WriteSchema(*schema));
  int64_t offset = 0;
  bool any = false;
  const exec::BatchQueryOptions options{environment_.fs, environment_.clock, conf.time_zone()};
  MILLRACE_RETURN_IF_ERROR(exec::RunBatchQuery(
      plan::Optimize(plan), options,
      [&](const data::Batch& batch) {
        any = true;
        return execution.WriteRows(batch, &offset);
      },
      stop));
  if (any) return Status::OK();
  return execution.WriteRows(data::EmptyBatch(schema), &offset);
}

Status Session::ShowString(const proto::ShowString& show, const Execution& execution,
                           std::stop_token stop) {
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr plan, Decode(show.input(), conf));
  MILLRACE_RETURN_IF_ERROR(plan::CheckBatch(plan));
  const int rows = std::max(0, show.num_rows());
  // One row more tells whether there are more.
  plan = plan::MakePlan(plan::Limit{int64_t{rows} + 1}, {plan}, plan->output);
  std::vector<data::Batch> batches;
  const exec::BatchQueryOptions options{environment_.fs, environment_.clock, conf.time_zone()};
  MILLRACE_RETURN_IF_ERROR(exec::RunBatchQuery(
      plan::Optimize(plan), options,
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
  MILLRACE_RETURN_IF_ERROR(execution.WriteSchema(*result->schema()));
  int64_t offset = 0;
  return execution.WriteRows(result, &offset);
}

Status Session::Write(const proto::WriteOperation& write, std::stop_token stop) {
  if (write.has_table()) {
    return UnsupportedError("Writing to a table is not supported yet: use .save(path).");
  }
  if (!write.sort_column_names().empty() || write.has_bucket_by()) {
    return UnsupportedError("sortBy and bucketBy of a write are not supported yet.");
  }
  const plan::SessionConf conf = this->conf();
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, Decode(write.input(), conf));
  if (plan->streaming) {
    return AnalysisError("CALL_ON_STREAMING_DATASET_UNSUPPORTED", "42KDE",
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
  context.path = write.has_path() ? write.path() : options.GetOr("path", "");
  context.partition_columns.assign(write.partitioning_columns().begin(),
                                   write.partitioning_columns().end());
  context.streaming = false;
  MILLRACE_ASSIGN_OR_RETURN(
      const std::unique_ptr<connector::Sink> sink,
      provider->MakeBatch(options, plan->schema(), context, ToSaveMode(write.mode())));
  if (sink == nullptr) return Status::OK();  // mode ignore, and there is something
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::SinkWriter> writer,
                            sink->Open(0, 0));
  const exec::BatchQueryOptions run{environment_.fs, environment_.clock, conf.time_zone()};
  MILLRACE_RETURN_IF_ERROR(exec::RunBatchQuery(
      plan::Optimize(plan), run, [&](const data::Batch& batch) { return writer->Write(batch); },
      stop));
  MILLRACE_ASSIGN_OR_RETURN(const connector::CommitMessage message, writer->Prepare());
  return sink->Commit(0, {&message, 1});
}

Result<proto::AnalyzePlanResponse> Session::Analyze(const proto::AnalyzePlanRequest& request) {
  const plan::SessionConf conf = this->conf();
  proto::AnalyzePlanResponse response;
  response.set_session_id(id_);
  response.set_server_side_session_id(id_);
  switch (request.analyze_case()) {
    case proto::AnalyzePlanRequest::kSchema: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                Decode(request.schema().plan().root(), conf));
      EncodeSchema(*plan->schema(), response.mutable_schema()->mutable_schema());
      return response;
    }
    case proto::AnalyzePlanRequest::kExplain: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                Decode(request.explain().plan().root(), conf));
      response.mutable_explain()->set_explain_string(
          "== Analyzed Logical Plan ==\n" + plan::TreeText(plan) +
          "\n== Optimized Logical Plan ==\n" + plan::TreeText(plan::Optimize(plan)));
      return response;
    }
    case proto::AnalyzePlanRequest::kTreeString: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                Decode(request.tree_string().plan().root(), conf));
      response.mutable_tree_string()->set_tree_string(data::TreeString(*plan->schema()));
      return response;
    }
    case proto::AnalyzePlanRequest::kIsStreaming: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                Decode(request.is_streaming().plan().root(), conf));
      response.mutable_is_streaming()->set_is_streaming(plan->streaming);
      return response;
    }
    case proto::AnalyzePlanRequest::kIsLocal: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                Decode(request.is_local().plan().root(), conf));
      response.mutable_is_local()->set_is_local(
          std::holds_alternative<plan::LocalRelation>(plan->node));
      return response;
    }
    case proto::AnalyzePlanRequest::kSparkVersion:
      response.mutable_spark_version()->set_version(std::string(kSparkVersion));
      return response;
    case proto::AnalyzePlanRequest::kDdlParse: {
      MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr schema,
                                data::ParseSchema(request.ddl_parse().ddl_string()));
      EncodeSchema(*schema, response.mutable_ddl_parse()->mutable_parsed());
      return response;
    }
    default: {
      const auto* field = proto::AnalyzePlanRequest::descriptor()->FindFieldByNumber(
          static_cast<int>(request.analyze_case()));
      return UnsupportedError("Analysing {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

Result<proto::ConfigResponse> Session::Config(const proto::ConfigRequest& request) {
  proto::ConfigResponse response;
  response.set_session_id(id_);
  response.set_server_side_session_id(id_);
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
        return Error(Fault::kUser,
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
