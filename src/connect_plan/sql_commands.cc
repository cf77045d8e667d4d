// spark.sql(…): queries are checked and given back to be read; commands run at once.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/overloaded.h"
#include "connect_plan/execution.h"
#include "connect_plan/query_decoder.h"
#include "connect_plan/relation_decoder.h"
#include "connect_plan/session.h"
#include "plan/explain.h"
#include "plan/optimizer.h"

// Older clients still fill in the fields that newer definitions call deprecated.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;

// The relation of a command: what a client of today sends, or made of what older ones
// send.
proto::Relation InputOf(const proto::SqlCommand& command) {
  if (command.has_input()) return command.input();
  proto::Relation relation;
  proto::SQL* sql = relation.mutable_sql();
  sql->set_query(command.sql());
  *sql->mutable_args() = command.args();
  *sql->mutable_pos_args() = command.pos_args();
  *sql->mutable_named_arguments() = command.named_arguments();
  *sql->mutable_pos_arguments() = command.pos_arguments();
  return relation;
}

using TextRow = std::vector<std::optional<std::string>>;

// Rows of texts; a column of another type is made of its texts by a cast of the caller.
struct TextColumn {
  std::string name;
  bool nullable = false;
};

Result<data::Batch> TextTable(const std::vector<TextColumn>& names,
                              const std::vector<TextRow>& rows) {
  arrow::FieldVector fields;
  std::vector<data::ArrayPtr> columns;
  for (size_t i = 0; i < names.size(); ++i) {
    arrow::StringViewBuilder builder;
    arrow::Status status;
    for (const TextRow& row : rows) {
      if (status.ok()) status = row[i] ? builder.Append(*row[i]) : builder.AppendNull();
    }
    data::ArrayPtr column;
    if (status.ok()) status = builder.Finish(&column);
    if (!status.ok()) return InternalError("making a result: {}", status.ToString());
    fields.push_back(arrow::field(names[i].name, data::StringType(), names[i].nullable));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                  static_cast<int64_t>(rows.size()), std::move(columns));
}

Result<data::Batch> Nothing() { return TextTable({}, {}); }

// SHOW TABLES and SHOW VIEWS: temporary views have no namespace.
Result<data::Batch> ViewTable(const std::string& name_column,
                              const std::vector<std::string>& views) {
  std::vector<TextRow> rows;
  for (const std::string& view : views) rows.push_back({"", view});
  MILLRACE_ASSIGN_OR_RETURN(const data::Batch texts,
                            TextTable({{"namespace"}, {name_column}}, rows));
  arrow::BooleanBuilder builder;
  data::ArrayPtr temporary;
  arrow::Status status = builder.AppendValues(std::vector<bool>(views.size(), true));
  if (status.ok()) status = builder.Finish(&temporary);
  if (!status.ok()) return InternalError("making a result: {}", status.ToString());
  arrow::FieldVector fields = texts->schema()->fields();
  fields.push_back(arrow::field("isTemporary", data::BooleanType(), false));
  std::vector<data::ArrayPtr> columns = texts->columns();
  columns.push_back(std::move(temporary));
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), texts->num_rows(),
                                  std::move(columns));
}

Error ViewNotFound(const std::vector<std::string>& parts) {
  std::string name = parts.size() == 1 ? "`spark_catalog`.`default`" : "";
  for (const std::string& part : parts) name += (name.empty() ? "`" : ".`") + part + "`";
  return AnalysisError(
             "TABLE_OR_VIEW_NOT_FOUND", "42P01",
             "The table or view {} cannot be found. Verify the spelling and "
             "correctness of the schema and catalog.\nSearch path: "
             "[`spark_catalog`.`default`].\nIf you did not qualify the name with a "
             "schema, verify the current_schema() output, or qualify the name with the "
             "correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW "
             "IF EXISTS or DROP TABLE IF EXISTS.",
             name)
      .Param("relationName", name)
      .Param("searchPath", "[`spark_catalog`.`default`]");
}

Status CheckViewColumns(const sql::CreateView& view, const plan::LogicalPlan& plan) {
  const size_t given = view.column_names.size();
  if (given == 0 || given == plan.output.size()) return Status::OK();
  std::string wanted;
  for (const std::string& name : view.column_names) {
    wanted += (wanted.empty() ? "`" : ", `") + name + "`";
  }
  std::string found;
  for (const plan::Attribute& attribute : plan.output) {
    found += (found.empty() ? "`" : ", `") + attribute.name + "`";
  }
  const bool few = plan.output.size() < given;
  return AnalysisError(few ? "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
                           : "CREATE_VIEW_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
                       "21S01",
                       "Cannot create view `{}`, the reason is {} data columns:\nView "
                       "columns: {}.\nData columns: "
                       "{}.",
                       view.name, few ? "not enough" : "too many", wanted, found);
}

}  // namespace

Status Session::SqlCommand(const proto::SqlCommand& command, const Execution& execution) {
  const plan::SessionConf conf = this->conf();
  proto::ExecutePlanResponse response = execution.MakeResponse();
  proto::Relation* relation = response.mutable_sql_command_result()->mutable_relation();
  *relation = InputOf(command);
  bool is_query = !relation->has_sql();
  if (relation->has_sql()) {
    MILLRACE_ASSIGN_OR_RETURN(const sql::Statement statement,
                              ParseSql(relation->sql(), Builder(conf)));
    is_query = std::holds_alternative<sql::QueryPtr>(statement);
    if (!is_query) {
      MILLRACE_ASSIGN_OR_RETURN(const data::Batch result, RunStatement(statement, conf));
      MILLRACE_ASSIGN_OR_RETURN(*relation->mutable_local_relation()->mutable_data(),
                                ToArrowStream(result));
    }
  }
  if (is_query) MILLRACE_RETURN_IF_ERROR(Decode(*relation, conf).status());
  return execution.Write(response);
}

Status Session::CreateView(const std::string& name, bool replace, plan::PlanPtr plan) {
  const std::lock_guard lock(mutex_);
  const std::string key = LowerCase(name);
  if (!replace && views_.contains(key)) {
    return AnalysisError(
               "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
               "Cannot create the temporary view `{}` because it already exists.\n"
               "Choose a different name, drop or replace the existing view.",
               name)
        .Param("relationName", "`" + name + "`");
  }
  views_[key] = std::move(plan);
  return Status::OK();
}

Result<data::Batch> Session::RunStatement(const sql::Statement& statement,
                                          const plan::SessionConf& conf) {
  const auto decode = [&](const sql::QueryPtr& query) {
    return DecodeSqlQuery(*query, Builder(conf), MakeLookups());
  };
  const auto view_names = [this] {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, plan] : views_) names.push_back(name);
    return names;
  };
  return std::visit(
      Overloaded{
          [](const sql::QueryPtr&) -> Result<data::Batch> {
            return InternalError("a query is not a command");
          },
          [&](const sql::CreateView& view) -> Result<data::Batch> {
            MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr plan, decode(view.query));
            MILLRACE_RETURN_IF_ERROR(CheckViewColumns(view, *plan));
            MILLRACE_ASSIGN_OR_RETURN(
                plan, WithColumnNames(std::move(plan), view.column_names, Builder(conf)));
            MILLRACE_RETURN_IF_ERROR(
                CreateView(view.name, view.replace, std::move(plan)));
            return Nothing();
          },
          [&](const sql::DropView& drop) -> Result<data::Batch> {
            const std::lock_guard lock(mutex_);
            const bool dropped =
                drop.name.size() == 1 && views_.erase(LowerCase(drop.name[0])) > 0;
            if (!dropped && !drop.if_exists) return ViewNotFound(drop.name);
            return Nothing();
          },
          [&](const sql::SetCommand& set) -> Result<data::Batch> {
            const std::lock_guard lock(mutex_);
            if (set.value) MILLRACE_RETURN_IF_ERROR(conf_.Set(set.key, *set.value));
            std::vector<TextRow> rows;
            if (set.key.empty()) {
              for (const auto& [key, value] : conf_.explicitly_set()) {
                rows.push_back({key, value});
              }
            } else {
              rows.push_back({set.key, conf_.GetOr(set.key, "<undefined>")});
            }
            return TextTable({{"key"}, {"value"}}, rows);
          },
          [&](const sql::ResetCommand& reset) -> Result<data::Batch> {
            const std::lock_guard lock(mutex_);
            if (reset.key.empty()) {
              conf_ = plan::SessionConf();
            } else {
              conf_.Unset(reset.key);
            }
            return Nothing();
          },
          [&](const sql::ShowTables& show) -> Result<data::Batch> {
            return ViewTable(show.views ? "viewName" : "tableName", view_names());
          },
          [&](const sql::DescribeTable& describe) -> Result<data::Batch> {
            MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, decode(describe.query));
            std::vector<TextRow> rows;
            for (const plan::Attribute& attribute : plan->output) {
              rows.push_back(
                  {attribute.name, data::SimpleTypeName(*attribute.type), std::nullopt});
            }
            return TextTable({{"col_name"}, {"data_type"}, {"comment", true}}, rows);
          },
          [&](const sql::ExplainQuery& explain) -> Result<data::Batch> {
            MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, decode(explain.query));
            return TextTable({{"plan", true}}, {{"== Optimized Logical Plan ==\n" +
                                                 plan::TreeText(plan::Optimize(plan))}});
          },
          [](const sql::NoOperation&) -> Result<data::Batch> { return Nothing(); },
      },
      statement);
}

}  // namespace millrace::connect_plan
