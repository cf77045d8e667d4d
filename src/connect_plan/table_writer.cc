#include "connect_plan/table_writer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "exec/batch_query.h"
#include "expr/cast.h"
#include "plan/optimizer.h"

namespace millrace::connect_plan {
namespace {

using connector::SaveMode;
using plan::Attribute;

std::string NameList(const std::vector<Attribute>& columns) {
  std::string list;
  for (const Attribute& column : columns) {
    list += (list.empty() ? "`" : ", `") + column.name + "`";
  }
  return list;
}

// Spark: Cast.canANSIStoreAssign, for what a CAST can do at all.
bool CanStore(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.Equals(to) || from.id() == arrow::Type::NA) return true;
  if (from.num_fields() > 0 || to.num_fields() > 0) {
    if (from.id() != to.id() || from.num_fields() != to.num_fields()) return false;
    for (int i = 0; i < from.num_fields(); ++i) {
      if (!CanStore(*from.field(i)->type(), *to.field(i)->type())) return false;
    }
    return true;
  }
  if (data::IsString(to)) return true;
  if (data::IsNumeric(from)) return data::IsNumeric(to);
  const auto is_time = [](const arrow::DataType& type) {
    return type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP;
  };
  return is_time(from) && is_time(to);
}

Error Arity(const plan::TableId& table, const std::vector<Attribute>& columns,
            const std::vector<Attribute>& rows) {
  const bool few = rows.size() < columns.size();
  return AnalysisError(
             few ? "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
                 : "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
             "21S01",
             "Cannot write to {}, the reason is {} data columns:\nTable columns: "
             "{}.\nData columns: {}.",
             table.Quoted(), few ? "not enough" : "too many", NameList(columns),
             NameList(rows))
      .Param("tableName", table.Quoted())
      .Param("tableColumns", NameList(columns))
      .Param("dataColumns", NameList(rows));
}

Error Incompatible(const plan::TableId& table, std::string_view kind,
                   const std::string& what) {
  return AnalysisError(fmt::format("INCOMPATIBLE_DATA_FOR_TABLE.{}", kind), "KD000",
                       "Cannot write incompatible data for the table {}: {}",
                       table.Quoted(), what)
      .Param("tableName", table.Quoted());
}

Result<const Attribute*> ColumnNamed(const plan::TableId& table, const std::string& name,
                                     const std::vector<Attribute>& rows) {
  for (const Attribute& attribute : rows) {
    if (EqualsIgnoreCase(attribute.name, name)) return &attribute;
  }
  return Incompatible(table, "CANNOT_FIND_DATA",
                      fmt::format("Cannot find data for the output column `{}`.", name))
      .Param("colName", "`" + name + "`");
}

// The rows with the columns of the table.
Result<plan::PlanPtr> Fit(const plan::TableId& table,
                          const std::vector<Attribute>& columns,
                          const plan::PlanPtr& rows, bool by_name) {
  if (rows->output.size() != columns.size()) return Arity(table, columns, rows->output);
  std::vector<plan::NamedExpr> fitted;
  std::vector<Attribute> output;
  for (size_t i = 0; i < columns.size(); ++i) {
    const Attribute& column = columns[i];
    const Attribute* from = &rows->output[i];
    if (by_name) {
      MILLRACE_ASSIGN_OR_RETURN(from, ColumnNamed(table, column.name, rows->output));
    }
    if (!CanStore(*from->type, *column.type)) {
      const std::string source = "\"" + data::SqlTypeName(*from->type) + "\"";
      const std::string target = "\"" + data::SqlTypeName(*column.type) + "\"";
      return Incompatible(table, "CANNOT_SAFELY_CAST",
                          fmt::format("Cannot safely cast `{}` {} to {}.", column.name,
                                      source, target))
          .Param("colName", "`" + column.name + "`")
          .Param("srcType", source)
          .Param("targetType", target);
    }
    MILLRACE_ASSIGN_OR_RETURN(expr::ExprPtr value,
                              expr::MakeCast(from->ref(), column.type));
    output.push_back(plan::NewAttribute(column.name, column.type, true));
    fitted.push_back({std::move(value), output.back()});
  }
  return plan::MakePlan(plan::Project{std::move(fitted)}, {rows}, std::move(output));
}

// Columns may be null, and those that name folders come last. Spark: DataFrameWriter.
Result<data::SchemaPtr> TableSchema(const plan::TableInfo& table,
                                    const data::SchemaPtr& given) {
  arrow::FieldVector fields;
  for (const data::FieldPtr& field : given->fields()) {
    fields.push_back(field->WithNullable(true));
  }
  for (const std::string& name : table.partition_columns) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const data::FieldPtr& field) {
          return EqualsIgnoreCase(field->name(), name);
        });
    if (found == fields.end()) {
      return AnalysisError("COLUMN_NOT_DEFINED_IN_TABLE", "42703",
                           "PARTITION column `{}` is not defined in table {}, defined "
                           "table columns are: {}.",
                           name, table.id.Quoted(), given->ToString());
    }
    std::rotate(found, found + 1, fields.end());
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

plan::PlanBuilder TableWriter::Builder() const {
  return plan::PlanBuilder(*environment_.connectors, conf_, environment_.fs,
                           environment_.clock);
}

Status TableWriter::Write(const plan::PlanPtr& rows, Target target) const {
  MILLRACE_ASSIGN_OR_RETURN(const connector::SinkProvider* provider,
                            environment_.connectors->Sink(target.format));
  connector::SinkContext context;
  context.fs = environment_.fs;
  context.session_time_zone = conf_.time_zone();
  context.session_id = conf_.session_id();
  context.path = std::move(target.path);
  context.partition_columns = std::move(target.partition_columns);
  context.streaming = false;
  MILLRACE_ASSIGN_OR_RETURN(
      const std::unique_ptr<connector::Sink> sink,
      provider->MakeBatch(target.options, rows->schema(), context, target.mode));
  if (sink == nullptr) return Status::OK();  // mode ignore, and there is something
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::SinkWriter> writer,
                            sink->Open(0, 0));
  const exec::BatchQueryOptions run{environment_.fs, environment_.clock,
                                    conf_.time_zone()};
  MILLRACE_RETURN_IF_ERROR(exec::RunBatchQuery(
      plan::Optimize(rows), run,
      [&](const data::Batch& batch) { return writer->Write(batch); }, stop_));
  MILLRACE_ASSIGN_OR_RETURN(const connector::CommitMessage message, writer->Prepare());
  return sink->Commit(0, {&message, 1});
}

Result<plan::TableInfo> TableWriter::NewTable(
    const std::vector<std::string>& name) const {
  const plan::TableCatalog catalog(conf_, environment_.fs);
  plan::TableInfo table;
  MILLRACE_ASSIGN_OR_RETURN(table.id, catalog.Resolve(name));
  table.location = catalog.Folder(table.id);
  table.format = conf_.GetOr("spark.sql.sources.default", "parquet");
  return table;
}

Status TableWriter::CheckFormat(const std::string& format) const {
  MILLRACE_RETURN_IF_ERROR(environment_.connectors->Source(format).status());
  if (Builder().HasFileFormat(format)) return Status::OK();
  return UnsupportedError("A table in the format {} is not supported: tables are files.",
                          format);
}

Status TableWriter::Create(plan::TableInfo table, bool if_not_exists) const {
  const plan::TableCatalog catalog(conf_, environment_.fs);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> known,
                            catalog.Find(table.id));
  if (known) return if_not_exists ? Status::OK() : Status(TableExists(table.id));
  MILLRACE_RETURN_IF_ERROR(CheckFormat(table.format));
  if (table.schema != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(table.schema, TableSchema(table, table.schema));
  }
  return catalog.Save(table);
}

Status TableWriter::CreateAs(plan::TableInfo table, const plan::PlanPtr& rows,
                             SaveMode mode) const {
  const plan::TableCatalog catalog(conf_, environment_.fs);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> known,
                            catalog.Find(table.id));
  if (known && mode == SaveMode::kIgnore) return Status::OK();
  if (known && mode == SaveMode::kErrorIfExists) return TableExists(table.id);
  MILLRACE_RETURN_IF_ERROR(CheckFormat(table.format));
  MILLRACE_ASSIGN_OR_RETURN(table.schema, TableSchema(table, rows->schema()));
  Target target{.format = table.format,
                .options = Options(table.options),
                .path = table.location,
                .partition_columns = table.partition_columns,
                .mode = known ? SaveMode::kOverwrite : SaveMode::kAppend};
  if (!known) MILLRACE_RETURN_IF_ERROR(catalog.Save(table));
  const Status written = Write(rows, std::move(target));
  if (written.ok()) return catalog.Save(table);
  // What the error says matters more than what is left of the table.
  if (!known) (void)catalog.Drop(table);
  return written;
}

Status TableWriter::Insert(const plan::TableInfo& table, const plan::PlanPtr& rows,
                           bool by_name, bool overwrite) const {
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr content,
                            Builder().Table({table.id.database, table.id.name}));
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr fitted,
                            Fit(table.id, content->output, rows, by_name));
  MILLRACE_RETURN_IF_ERROR(
      Write(fitted, {.format = table.format,
                     .options = Options(table.options),
                     .path = table.location,
                     .partition_columns = table.partition_columns,
                     .mode = overwrite ? SaveMode::kOverwrite : SaveMode::kAppend}));
  return plan::TableCatalog(conf_, environment_.fs).Save(table);
}

}  // namespace millrace::connect_plan
