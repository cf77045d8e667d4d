#include "connect_plan/execution.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>

#include "base/error.h"
#include "base/uuid.h"
#include "connect_plan/type_codec.h"

namespace millrace::connect_plan {
namespace {

// spark.sql.execution.arrow.maxRecordsPerBatch
constexpr int64_t kMaxRowsPerBatch = 10'000;
// Well below what clients take in one message (spark.connect.grpc.arrow.maxBatchSize).
constexpr int64_t kMaxBytesPerBatch = int64_t{32} << 20;

arrow::Result<std::shared_ptr<arrow::Buffer>> ToIpcStream(
    const arrow::RecordBatch& batch) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(out, batch.schema()));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Finish();
}

// The same times, shown in another zone: only the type names it.
data::TypePtr InZone(const data::TypePtr& type, const std::string& time_zone) {
  const auto map = [&](const data::FieldPtr& field) {
    return field->WithType(InZone(field->type(), time_zone));
  };
  switch (type->id()) {
    case arrow::Type::TIMESTAMP:
      return data::IsTimestamp(*type)
                 ? arrow::timestamp(arrow::TimeUnit::MICRO, time_zone)
                 : type;
    case arrow::Type::LIST:
      return arrow::list(map(type->field(0)));
    case arrow::Type::MAP: {
      const auto& entries = *static_cast<const arrow::MapType&>(*type).value_type();
      return std::make_shared<arrow::MapType>(map(entries.field(0)),
                                              map(entries.field(1)));
    }
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& field : type->fields()) fields.push_back(map(field));
      return arrow::struct_(std::move(fields));
    }
    default:
      return type;
  }
}

std::shared_ptr<arrow::ArrayData> WithType(const arrow::ArrayData& source,
                                           data::TypePtr type) {
  auto copy = source.Copy();
  copy->type = std::move(type);
  for (size_t i = 0; i < copy->child_data.size(); ++i) {
    copy->child_data[i] =
        WithType(*copy->child_data[i], copy->type->field(static_cast<int>(i))->type());
  }
  return copy;
}

data::Batch InZone(const arrow::RecordBatch& batch, const std::string& time_zone) {
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (int i = 0; i < batch.num_columns(); ++i) {
    data::TypePtr type = InZone(batch.schema()->field(i)->type(), time_zone);
    fields.push_back(batch.schema()->field(i)->WithType(type));
    columns.push_back(WithType(*batch.column_data(i), std::move(type)));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.num_rows(),
                                  std::move(columns));
}

}  // namespace

Result<std::string> ToArrowStream(const data::Batch& batch) {
  MILLRACE_ASSIGN_OR_RETURN(const data::Batch wire, data::ToWireTypes(batch));
  const auto bytes = ToIpcStream(*wire);
  if (!bytes.ok()) return InternalError("writing rows: {}", bytes.status().ToString());
  return (*bytes)->ToString();
}

Session::Execution::Execution(const Session& session,
                              const spark::connect::ExecutePlanRequest& request,
                              const ResponseWriter& write)
    : session_(session), request_(request), write_(write) {}

spark::connect::ExecutePlanResponse Session::Execution::MakeResponse() const {
  spark::connect::ExecutePlanResponse response;
  response.set_session_id(session_.id());
  response.set_server_side_session_id(session_.server_side_id());
  response.set_operation_id(request_.operation_id());
  response.set_response_id(MakeUuid());
  return response;
}

Status Session::Execution::Write(
    const spark::connect::ExecutePlanResponse& response) const {
  return write_(response);
}

Status Session::Execution::WriteSchema(const arrow::Schema& schema) const {
  spark::connect::ExecutePlanResponse response = MakeResponse();
  EncodeSchema(schema, response.mutable_schema());
  return Write(response);
}

Status Session::Execution::WriteRows(const data::Batch& batch,
                                     const std::string& time_zone,
                                     int64_t* offset) const {
  MILLRACE_ASSIGN_OR_RETURN(data::Batch wire, data::ToWireTypes(batch));
  wire = InZone(*wire, time_zone);
  const auto bytes_in_all = arrow::util::ReferencedBufferSize(*wire);
  const int64_t row_bytes =
      bytes_in_all.ok() ? *bytes_in_all / std::max<int64_t>(1, wire->num_rows()) : 0;
  const int64_t max_rows = std::clamp<int64_t>(
      kMaxBytesPerBatch / std::max<int64_t>(1, row_bytes), 1, kMaxRowsPerBatch);
  int64_t done = 0;
  do {  // an empty batch is sent too
    const data::Batch part = wire->Slice(done, max_rows);
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

Status Session::Execution::WriteMetrics(int64_t rows) const {
  spark::connect::ExecutePlanResponse response = MakeResponse();
  auto* metrics = response.mutable_metrics()->add_metrics();
  metrics->set_name("Millrace");
  auto& value = (*metrics->mutable_execution_metrics())["numOutputRows"];
  value.set_name("number of output rows");
  value.set_value(rows);
  value.set_metric_type("sum");
  return Write(response);
}

Status Session::Execution::WriteComplete() const {
  spark::connect::ExecutePlanResponse response = MakeResponse();
  response.mutable_result_complete();
  return Write(response);
}

}  // namespace millrace::connect_plan
