#include "millrace/streaming.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/nodes.h"

namespace millrace {
namespace {

namespace proto = spark::connect;

StreamingQueryProgress ParseProgress(const std::string& text) {
  StreamingQueryProgress progress;
  progress.json = text;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return progress;
  progress.batch_id = json.value("batchId", int64_t{0});
  progress.timestamp = json.value("timestamp", "");
  progress.watermark = json.value("/eventTime/watermark"_json_pointer, "");
  for (const auto& source : json.value("sources", nlohmann::json::array())) {
    progress.num_input_rows += source.value("numInputRows", int64_t{0});
    progress.input_rows_per_second += source.value("inputRowsPerSecond", 0.0);
    progress.processed_rows_per_second += source.value("processedRowsPerSecond", 0.0);
  }
  return progress;
}

}  // namespace

StreamingQuery::StreamingQuery(std::shared_ptr<detail::Connection> connection,
                               std::string id, std::string run_id, std::string name)
    : connection_(std::move(connection)),
      id_(std::move(id)),
      run_id_(std::move(run_id)),
      name_(std::move(name)) {}

namespace {

// Runs one command on a query; `fill` says which.
Result<proto::StreamingQueryCommandResult> Ask(
    detail::Connection& connection, const StreamingQuery& query,
    const std::function<void(proto::StreamingQueryCommand&)>& fill) {
  proto::Command command;
  auto* ask = command.mutable_streaming_query_command();
  ask->mutable_query_id()->set_id(query.Id());
  ask->mutable_query_id()->set_run_id(query.RunId());
  fill(*ask);
  proto::StreamingQueryCommandResult result;
  MILLRACE_RETURN_IF_ERROR(
      connection.ExecuteCommand(command, [&](const proto::ExecutePlanResponse& response) {
        result = response.streaming_query_command_result();
      }));
  return result;
}

}  // namespace

Result<bool> StreamingQuery::IsActive() const {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto result,
      Ask(*connection_, *this, [](auto& command) { command.set_status(true); }));
  return result.status().is_active();
}

Result<StreamingQueryStatus> StreamingQuery::Status() const {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto result,
      Ask(*connection_, *this, [](auto& command) { command.set_status(true); }));
  return StreamingQueryStatus{result.status().status_message(),
                              result.status().is_data_available(),
                              result.status().is_trigger_active()};
}

Result<std::optional<StreamingQueryProgress>> StreamingQuery::LastProgress() const {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto result,
      Ask(*connection_, *this, [](auto& command) { command.set_last_progress(true); }));
  const auto& all = result.recent_progress().recent_progress_json();
  std::optional<StreamingQueryProgress> last;
  if (!all.empty()) last = ParseProgress(*all.rbegin());
  return last;
}

Result<std::vector<StreamingQueryProgress>> StreamingQuery::RecentProgress() const {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto result,
      Ask(*connection_, *this, [](auto& command) { command.set_recent_progress(true); }));
  std::vector<StreamingQueryProgress> progress;
  for (const std::string& json : result.recent_progress().recent_progress_json()) {
    progress.push_back(ParseProgress(json));
  }
  return progress;
}

Result<std::optional<std::string>> StreamingQuery::Exception() const {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto result,
      Ask(*connection_, *this, [](auto& command) { command.set_exception(true); }));
  std::optional<std::string> message;
  if (result.has_exception() && result.exception().has_exception_message()) {
    message = result.exception().exception_message();
  }
  return message;
}

millrace::Status StreamingQuery::ProcessAllAvailable() const {
  return Ask(*connection_, *this,
             [](auto& command) { command.set_process_all_available(true); })
      .status();
}

Result<bool> StreamingQuery::AwaitTermination(
    std::optional<std::chrono::milliseconds> timeout) const {
  MILLRACE_ASSIGN_OR_RETURN(const auto result,
                            Ask(*connection_, *this, [&](auto& command) {
                              auto* await = command.mutable_await_termination();
                              if (timeout) await->set_timeout_ms(timeout->count());
                            }));
  return result.await_termination().terminated();
}

millrace::Status StreamingQuery::Stop() const {
  return Ask(*connection_, *this, [](auto& command) { command.set_stop(true); }).status();
}

DataStreamWriter::DataStreamWriter(detail::PlanPtr plan)
    : spec_(std::make_shared<detail::WriteStreamSpec>()) {
  *spec_->start.mutable_input() = plan->relation;
  spec_->plan = std::move(plan);
}

DataStreamWriter& DataStreamWriter::Format(std::string_view format) {
  spec_->start.set_format(std::string(format));
  return *this;
}
DataStreamWriter& DataStreamWriter::Option(std::string_view key, std::string_view value) {
  (*spec_->start.mutable_options())[std::string(key)] = std::string(value);
  return *this;
}
DataStreamWriter& DataStreamWriter::Option(std::string_view key, bool value) {
  return Option(key, std::string_view(detail::OptionText(value)));
}
DataStreamWriter& DataStreamWriter::Option(std::string_view key, int64_t value) {
  return Option(key, std::string_view(detail::OptionText(value)));
}
DataStreamWriter& DataStreamWriter::OutputMode(std::string_view mode) {
  spec_->start.set_output_mode(std::string(mode));
  return *this;
}
DataStreamWriter& DataStreamWriter::Trigger(const millrace::Trigger& trigger) {
  switch (trigger.kind()) {
    case millrace::Trigger::Kind::kProcessingTime:
      spec_->start.set_processing_time_interval(trigger.interval());
      break;
    case millrace::Trigger::Kind::kAvailableNow:
      spec_->start.set_available_now(true);
      break;
    case millrace::Trigger::Kind::kOnce:
      spec_->start.set_once(true);
      break;
  }
  return *this;
}
DataStreamWriter& DataStreamWriter::QueryName(std::string_view name) {
  spec_->start.set_query_name(std::string(name));
  return *this;
}
DataStreamWriter& DataStreamWriter::PartitionBy(const std::vector<std::string>& columns) {
  spec_->start.clear_partitioning_column_names();
  for (const std::string& column : columns)
    spec_->start.add_partitioning_column_names(column);
  return *this;
}

Result<StreamingQuery> DataStreamWriter::Start() const {
  proto::Command command;
  *command.mutable_write_stream_operation_start() = spec_->start;
  const std::shared_ptr<detail::Connection>& connection = spec_->plan->connection;
  std::optional<StreamingQuery> query;
  MILLRACE_RETURN_IF_ERROR(connection->ExecuteCommand(
      command, [&](const proto::ExecutePlanResponse& response) {
        const auto& started = response.write_stream_operation_start_result();
        query.emplace(connection, started.query_id().id(), started.query_id().run_id(),
                      started.name());
      }));
  if (!query) return InternalError("the query was started but has no id");
  return *std::move(query);
}

Result<StreamingQuery> DataStreamWriter::Start(std::string_view path) const {
  DataStreamWriter with_path = *this;
  with_path.spec_ = std::make_shared<detail::WriteStreamSpec>(*spec_);
  with_path.spec_->start.set_path(std::string(path));
  return with_path.Start();
}

}  // namespace millrace
