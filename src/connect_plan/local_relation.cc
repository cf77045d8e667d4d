#include "connect_plan/local_relation.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>

#include "base/error.h"
#include "expr/cast.h"
#include "plan/expr_resolver.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::PlanPtr;

Error Invalid(const std::string& text) {
  return AnalysisError("INVALID_LOCAL_RELATION", "42601", "{}", text);
}

Error NoArrow(const arrow::Status& status) {
  return Invalid(fmt::format("The rows of a local relation are no Arrow stream: {}",
                             status.message()));
}

// Rows of one or more Arrow streams.
struct Rows {
  data::SchemaPtr schema;
  std::vector<data::Batch> batches;
};

Status Read(const std::string& bytes, Rows* rows) {
  auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes));
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(input);
  if (!reader.ok()) return NoArrow(reader.status());
  while (true) {
    const auto batch = (*reader)->Next();
    if (!batch.ok()) return NoArrow(batch.status());
    if (*batch == nullptr) break;
    // What a client sends may be anything: offsets that point nowhere would crash us.
    if (const arrow::Status valid = (*batch)->ValidateFull(); !valid.ok())
      return NoArrow(valid);
    MILLRACE_ASSIGN_OR_RETURN(data::Batch converted, data::ToEngineTypes(*batch));
    rows->batches.push_back(std::move(converted));
  }
  MILLRACE_ASSIGN_OR_RETURN(const data::Batch empty,
                            data::ToEngineTypes(data::EmptyBatch((*reader)->schema())));
  rows->schema = empty->schema();
  return Status::OK();
}

// The client's schema has the names and nullability; its rows have the values.
Result<PlanPtr> Conform(const data::SchemaPtr& schema, Rows rows,
                        const plan::PlanBuilder& builder) {
  for (data::Batch& batch : rows.batches) {
    if (batch->num_columns() != schema->num_fields()) {
      return Invalid(fmt::format("A local relation has {} columns, its schema {}.",
                                 batch->num_columns(), schema->num_fields()));
    }
    arrow::FieldVector fields;
    for (int i = 0; i < schema->num_fields(); ++i) {
      fields.push_back(schema->field(i)->WithType(batch->column(i)->type()));
      if (!schema->field(i)->nullable() && batch->column(i)->null_count() > 0) {
        return Error(Fault::kUser,
                     "The value of column {} is null, but its schema says NOT NULL.",
                     schema->field(i)->name())
            .Class("NOT_NULL_ASSERT_VIOLATION", "42000")
            .Java(kSparkRuntimeException);
      }
    }
    batch = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch->num_rows(),
                                     batch->columns());
  }
  const data::SchemaPtr found =
      rows.batches.empty() ? schema : rows.batches.front()->schema();
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, builder.Local(found, std::move(rows.batches)));
  bool fits = true;
  std::vector<plan::NamedExpr> columns;
  std::vector<plan::Attribute> output;
  for (size_t i = 0; i < plan->output.size(); ++i) {
    const data::TypePtr& wanted = schema->field(static_cast<int>(i))->type();
    plan::NamedExpr column{plan->output[i].ref(), plan->output[i]};
    if (!column.attribute.type->Equals(*wanted)) {
      fits = false;
      MILLRACE_ASSIGN_OR_RETURN(column.expr, expr::MakeCast(column.expr, wanted));
      column.attribute = plan::ToAttribute(column.expr, column.attribute.name, {});
    }
    output.push_back(column.attribute);
    columns.push_back(std::move(column));
  }
  if (fits) return plan;
  return plan::MakePlan(plan::Project{std::move(columns)}, {std::move(plan)},
                        std::move(output));
}

Result<PlanPtr> Make(Rows rows, const std::string& schema,
                     const plan::PlanBuilder& builder) {
  if (!schema.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr given, data::ParseSchema(schema));
    return Conform(given, std::move(rows), builder);
  }
  if (rows.schema == nullptr) {
    return Invalid("A local relation needs rows or a schema; it has neither.");
  }
  return builder.Local(std::move(rows.schema), std::move(rows.batches));
}

Result<std::shared_ptr<const std::string>> FindArtifact(const std::string& hash,
                                                        const ArtifactLookup& artifacts,
                                                        std::string_view reason,
                                                        std::string_view what) {
  if (artifacts) {
    if (auto content = artifacts("cache/" + hash)) return content;
  }
  return Error(Fault::kUser,
               "The Spark Connect plan is invalid. Not found {} with the hash: {} in the "
               "session.",
               what, hash)
      .Class(fmt::format("CONNECT_INVALID_PLAN.{}", reason), "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
      .Param("hash", hash);
}

}  // namespace

Result<PlanPtr> DecodeLocal(const proto::LocalRelation& local,
                            const plan::PlanBuilder& builder) {
  Rows rows;
  if (local.has_data()) MILLRACE_RETURN_IF_ERROR(Read(local.data(), &rows));
  return Make(std::move(rows), local.schema(), builder);
}

Result<PlanPtr> DecodeCachedLocal(const proto::CachedLocalRelation& cached,
                                  const plan::PlanBuilder& builder,
                                  const ArtifactLookup& artifacts) {
  MILLRACE_ASSIGN_OR_RETURN(
      const auto content,
      FindArtifact(cached.hash(), artifacts, "NOT_FOUND_CACHED_LOCAL_RELATION",
                   "any cached local relation"));
  proto::LocalRelation local;
  if (!local.ParseFromString(*content)) {
    return Invalid("A cached local relation is no message LocalRelation.");
  }
  return DecodeLocal(local, builder);
}

Result<PlanPtr> DecodeChunkedLocal(const proto::ChunkedCachedLocalRelation& chunked,
                                   const plan::PlanBuilder& builder,
                                   const ArtifactLookup& artifacts) {
  const auto find = [&](const std::string& hash) {
    return FindArtifact(hash, artifacts, "NOT_FOUND_CHUNKED_CACHED_LOCAL_RELATION",
                        "chunked cached local relation block");
  };
  Rows rows;
  for (const std::string& hash : chunked.datahashes()) {
    MILLRACE_ASSIGN_OR_RETURN(const auto content, find(hash));
    MILLRACE_RETURN_IF_ERROR(Read(*content, &rows));
  }
  if (!chunked.has_schemahash()) return Make(std::move(rows), "", builder);
  MILLRACE_ASSIGN_OR_RETURN(const auto schema, find(chunked.schemahash()));
  return Make(std::move(rows), *schema, builder);
}

}  // namespace millrace::connect_plan
