#include "connect_plan/execution.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "base/error.h"
#include "base/uuid.h"
#include "connect_plan/type_codec.h"

namespace millrace::connect_plan {
namespace {

// spark.sql.execution.arrow.maxRecordsPerBatch
constexpr int64_t kMaxRowsPerBatch = 10'000;

arrow::Result<std::shared_ptr<arrow::Buffer>> ToIpcStream(const arrow::RecordBatch& batch) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(out, batch.schema()));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Finish();
}

}  // namespace

Session::Execution::Execution(const std::string& session_id,
                              const spark::connect::ExecutePlanRequest& request,
                              const ResponseWriter& write)
    : session_id_(session_id), operation_id_(request.operation_id()), write_(write) {}

spark::connect::ExecutePlanResponse Session::Execution::MakeResponse() const {
  spark::connect::ExecutePlanResponse response;
  response.set_session_id(session_id_);
  response.set_server_side_session_id(session_id_);
  response.set_operation_id(operation_id_);
  response.set_response_id(MakeUuid());
  return response;
}

Status Session::Execution::Write(const spark::connect::ExecutePlanResponse& response) const {
  return write_(response);
}

Status Session::Execution::WriteSchema(const arrow::Schema& schema) const {
  spark::connect::ExecutePlanResponse response = MakeResponse();
  EncodeSchema(schema, response.mutable_schema());
  return Write(response);
}

Status Session::Execution::WriteRows(const data::Batch& batch, int64_t* offset) const {
  MILLRACE_ASSIGN_OR_RETURN(const data::Batch wire, data::ToWireTypes(batch));
  int64_t done = 0;
  do {  // an empty batch is sent too
    const data::Batch part = wire->Slice(done, kMaxRowsPerBatch);
    const auto bytes = ToIpcStream(*part);
    if (!bytes.ok()) return InternalError("writing rows: {}", bytes.status().ToString());
    spark::connect::ExecutePlanResponse response = MakeResponse();
    auto* rows = response.mutable_arrow_batch();
    rows->set_row_count(part->num_rows());
    rows->set_start_offset(*offset);
    rows->set_data((*bytes)->data(), static_cast<size_t>((*bytes)->size()));
    MILLRACE_RETURN_IF_ERROR(Write(response));
    done += part->num_rows();
    *offset += part->num_rows();
  } while (done < wire->num_rows());
  return Status::OK();
}

Status Session::Execution::WriteComplete() const {
  spark::connect::ExecutePlanResponse response = MakeResponse();
  response.mutable_result_complete();
  return Write(response);
}

}  // namespace millrace::connect_plan
