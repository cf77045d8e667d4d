#include "client/connection.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>

#include "base/error.h"
#include "base/uuid.h"

namespace millrace::detail {
namespace {

namespace proto = spark::connect;

constexpr char kClientType[] = "_SPARK_CONNECT_CPP millrace";

Status ReadBatches(const std::string& bytes, std::vector<data::Batch>* batches) {
  auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes));
  const auto unreadable = [](const arrow::Status& status) {
    return InternalError("the result is no Arrow stream: {}", status.ToString());
  };
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(input);
  if (!reader.ok()) return unreadable(reader.status());
  while (true) {
    auto batch = (*reader)->Next();
    if (!batch.ok()) return unreadable(batch.status());
    if (*batch == nullptr) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(data::Batch converted, data::ToEngineTypes(*batch));
    batches->push_back(std::move(converted));
  }
}

}  // namespace

Connection::Connection(std::unique_ptr<client::Transport> transport)
    : transport_(std::move(transport)), session_id_(MakeUuid()) {}

int64_t Connection::NextPlanId() {
  return plan_id_.fetch_add(1, std::memory_order_relaxed);
}

proto::ExecutePlanRequest Connection::NewRequest() const {
  proto::ExecutePlanRequest request;
  request.set_session_id(session_id_);
  request.set_client_type(kClientType);
  request.set_operation_id(MakeUuid());
  return request;
}

Result<std::vector<data::Batch>> Connection::Execute(const proto::Relation& relation) {
  proto::ExecutePlanRequest request = NewRequest();
  *request.mutable_plan()->mutable_root() = relation;
  std::vector<data::Batch> batches;
  MILLRACE_RETURN_IF_ERROR(transport_->ExecutePlan(
      request, [&](const proto::ExecutePlanResponse& response) -> Status {
        if (!response.has_arrow_batch()) return Status::OK();
        return ReadBatches(response.arrow_batch().data(), &batches);
      }));
  return batches;
}

Status Connection::ExecuteCommand(
    const proto::Command& command,
    const std::function<void(const proto::ExecutePlanResponse&)>& on_response) {
  proto::ExecutePlanRequest request = NewRequest();
  *request.mutable_plan()->mutable_command() = command;
  return transport_->ExecutePlan(
      request, [&](const proto::ExecutePlanResponse& response) {
        switch (response.response_type_case()) {
          case proto::ExecutePlanResponse::kResultComplete:
          case proto::ExecutePlanResponse::kExecutionProgress:
          case proto::ExecutePlanResponse::RESPONSE_TYPE_NOT_SET:
            break;
          default:
            on_response(response);
        }
        return Status::OK();
      });
}

Result<proto::AnalyzePlanResponse> Connection::Analyze(
    proto::AnalyzePlanRequest request) {
  request.set_session_id(session_id_);
  request.set_client_type(kClientType);
  return transport_->AnalyzePlan(request);
}

Result<proto::ConfigResponse> Connection::Config(
    const proto::ConfigRequest::Operation& operation) {
  proto::ConfigRequest request;
  request.set_session_id(session_id_);
  request.set_client_type(kClientType);
  *request.mutable_operation() = operation;
  return transport_->Config(request);
}

}  // namespace millrace::detail
