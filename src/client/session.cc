#include "millrace/session.h"

#include "base/error.h"
#include "client/nodes.h"

namespace millrace {
namespace {

namespace proto = spark::connect;

DataFrame MakeRead(const std::shared_ptr<detail::Connection>& connection,
                   const detail::ReadSpec& spec, std::string_view path) {
  return DataFrame(detail::MakeRelation(connection, [&](proto::Relation& relation) {
    auto* read = relation.mutable_read();
    read->set_is_streaming(spec.streaming);
    auto* source = read->mutable_data_source();
    if (!spec.format.empty()) source->set_format(spec.format);
    source->set_schema(spec.schema);
    for (const auto& [key, value] : spec.options)
      (*source->mutable_options())[key] = value;
    if (!path.empty()) source->add_paths(std::string(path));
  }));
}

// The answer says what to read: the query, or a command's result.
Result<DataFrame> RunSql(const std::shared_ptr<detail::Connection>& connection,
                         proto::SQL sql) {
  proto::Command command;
  *command.mutable_sql_command()->mutable_input()->mutable_sql() = std::move(sql);
  proto::Relation result;
  MILLRACE_RETURN_IF_ERROR(connection->ExecuteCommand(
      command, [&](const proto::ExecutePlanResponse& response) {
        if (response.has_sql_command_result())
          result = response.sql_command_result().relation();
      }));
  return DataFrame(detail::MakeRelation(connection, [&](proto::Relation& relation) {
    const proto::RelationCommon common = relation.common();
    relation = std::move(result);
    *relation.mutable_common() = common;
  }));
}

}  // namespace

DataFrameReader::DataFrameReader(std::shared_ptr<detail::Connection> connection,
                                 bool streaming)
    : connection_(std::move(connection)), spec_(std::make_shared<detail::ReadSpec>()) {
  spec_->streaming = streaming;
}

DataFrameReader& DataFrameReader::Format(std::string_view format) {
  spec_->format = format;
  return *this;
}
DataFrameReader& DataFrameReader::Schema(std::string_view schema) {
  spec_->schema = schema;
  return *this;
}
DataFrameReader& DataFrameReader::Option(std::string_view key, std::string_view value) {
  spec_->options[std::string(key)] = value;
  return *this;
}
DataFrameReader& DataFrameReader::Option(std::string_view key, bool value) {
  return Option(key, std::string_view(detail::OptionText(value)));
}
DataFrameReader& DataFrameReader::Option(std::string_view key, int64_t value) {
  return Option(key, std::string_view(detail::OptionText(value)));
}
DataFrameReader& DataFrameReader::Options(
    const std::map<std::string, std::string>& options) {
  for (const auto& [key, value] : options) spec_->options[key] = value;
  return *this;
}

DataFrame DataFrameReader::Load() const { return MakeRead(connection_, *spec_, ""); }
DataFrame DataFrameReader::Load(std::string_view path) const {
  return MakeRead(connection_, *spec_, path);
}
DataFrame DataFrameReader::Json(std::string_view path) {
  return Format("json").Load(path);
}
DataFrame DataFrameReader::Csv(std::string_view path) { return Format("csv").Load(path); }
DataFrame DataFrameReader::Parquet(std::string_view path) {
  return Format("parquet").Load(path);
}
DataFrame DataFrameReader::Table(std::string_view name) const {
  return DataFrame(detail::MakeRelation(connection_, [&](proto::Relation& relation) {
    relation.mutable_read()->set_is_streaming(spec_->streaming);
    relation.mutable_read()->mutable_named_table()->set_unparsed_identifier(
        std::string(name));
  }));
}

SparkSession::Builder& SparkSession::Builder::AppName(std::string_view name) {
  config_["spark.app.name"] = name;
  return *this;
}
SparkSession::Builder& SparkSession::Builder::Master(std::string_view master) {
  master_ = master;
  return *this;
}
SparkSession::Builder& SparkSession::Builder::Remote(std::string_view url) {
  master_ = url;
  return *this;
}
SparkSession::Builder& SparkSession::Builder::Config(std::string_view key,
                                                     std::string_view value) {
  config_[std::string(key)] = value;
  return *this;
}

Result<SparkSession> SparkSession::Builder::GetOrCreate() {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<client::Transport> transport,
                            client::ConnectTo(master_));
  SparkSession session(std::make_shared<detail::Connection>(std::move(transport)));
  for (const auto& [key, value] : config_) {
    MILLRACE_RETURN_IF_ERROR(session.SetConf(key, value));
  }
  return session;
}

Result<DataFrame> SparkSession::Sql(std::string_view query,
                                    const std::vector<Column>& args) const {
  proto::SQL sql;
  sql.set_query(std::string(query));
  for (const Column& arg : args) *sql.add_pos_arguments() = detail::ExpressionOf(arg);
  return RunSql(connection_, std::move(sql));
}

Result<DataFrame> SparkSession::Sql(std::string_view query,
                                    const std::map<std::string, Column>& args) const {
  proto::SQL sql;
  sql.set_query(std::string(query));
  for (const auto& [name, value] : args) {
    (*sql.mutable_named_arguments())[name] = detail::ExpressionOf(value);
  }
  return RunSql(connection_, std::move(sql));
}

DataFrame SparkSession::Range(int64_t start, int64_t end, int64_t step) const {
  return DataFrame(detail::MakeRelation(connection_, [&](proto::Relation& relation) {
    relation.mutable_range()->set_start(start);
    relation.mutable_range()->set_end(end);
    relation.mutable_range()->set_step(step);
  }));
}

Status SparkSession::SetConf(std::string_view key, std::string_view value) const {
  proto::ConfigRequest::Operation operation;
  auto* pair = operation.mutable_set()->add_pairs();
  pair->set_key(std::string(key));
  pair->set_value(std::string(value));
  return connection_->Config(operation).status();
}

Result<std::string> SparkSession::GetConf(std::string_view key) const {
  proto::ConfigRequest::Operation operation;
  operation.mutable_get()->add_keys(std::string(key));
  MILLRACE_ASSIGN_OR_RETURN(const proto::ConfigResponse response,
                            connection_->Config(operation));
  if (response.pairs_size() != 1)
    return InternalError("no answer for the setting {}", key);
  return response.pairs(0).value();
}

Result<std::vector<StreamingQuery>> SparkSession::ActiveQueries() const {
  proto::Command command;
  command.mutable_streaming_query_manager_command()->set_active(true);
  std::vector<StreamingQuery> queries;
  MILLRACE_RETURN_IF_ERROR(connection_->ExecuteCommand(
      command, [&](const proto::ExecutePlanResponse& response) {
        const auto& active = response.streaming_query_manager_command_result().active();
        for (const auto& query : active.active_queries()) {
          queries.emplace_back(connection_, query.id().id(), query.id().run_id(),
                               query.name());
        }
      }));
  return queries;
}

Result<std::string> SparkSession::Version() const {
  proto::AnalyzePlanRequest request;
  request.mutable_spark_version();
  MILLRACE_ASSIGN_OR_RETURN(const proto::AnalyzePlanResponse response,
                            connection_->Analyze(std::move(request)));
  return response.spark_version().version();
}

}  // namespace millrace
