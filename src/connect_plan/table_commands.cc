#include "connect_plan/table_commands.h"

#include <arrow/type.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "connect_plan/result_rows.h"
#include "connect_plan/table_writer.h"
#include "expr/aggregate.h"
#include "expr/function.h"

namespace millrace::connect_plan {
namespace {

using Json = nlohmann::json;

std::string TypeText(const plan::Attribute& column) {
  return data::SqlTypeName(*column.type);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string PropertyLines(const std::map<std::string, std::string>& properties) {
  std::string lines;
  for (const auto& [key, value] : properties) {
    lines += fmt::format("{}\n  {} = {}", lines.empty() ? "" : ",", Quoted(key),
                         Quoted(value));
  }
  return lines;
}

bool IsPartitionColumn(const plan::Attribute& column, const plan::TableInfo& table) {
  return std::any_of(
      table.partition_columns.begin(), table.partition_columns.end(),
      [&](const std::string& name) { return EqualsIgnoreCase(name, column.name); });
}

}  // namespace

Result<plan::TableInfo> TableScope::Known(const std::vector<std::string>& name,
                                          plan::SearchPath path) const {
  MILLRACE_ASSIGN_OR_RETURN(const plan::TableId id, tables().Resolve(name));
  MILLRACE_ASSIGN_OR_RETURN(std::optional<plan::TableInfo> table, tables().Find(id));
  if (!table) return plan::TableNotFound(name, conf, path);
  return *std::move(table);
}

Result<plan::PlanPtr> TableScope::RowsOf(const std::vector<std::string>& name) const {
  auto relation = std::make_shared<sql::Relation>();
  relation->source = sql::TableName{name};
  auto query = std::make_shared<sql::Query>();
  query->body = sql::RelationPtr(std::move(relation));
  return decode(query);
}

Result<data::Batch> RunDropTable(const sql::DropTable& drop, const TableScope& scope) {
  if (drop.name.size() == 1 && scope.views.Drop(drop.name[0])) return NoRows();
  if (drop.name.size() == 2 && EqualsIgnoreCase(drop.name[0], "global_temp") &&
      scope.environment.global_views->Drop(drop.name[1])) {
    return NoRows();
  }
  const Result<plan::TableInfo> table =
      scope.Known(drop.name, plan::SearchPath::kCatalog);
  if (!table.ok()) {
    const bool unknown = table.status().error().error_class == "TABLE_OR_VIEW_NOT_FOUND";
    if (unknown && drop.if_exists) return NoRows();
    return table.status();
  }
  if (drop.view) {
    return AnalysisError("WRONG_COMMAND_FOR_OBJECT_TYPE", "42809",
                         "The operation DROP VIEW requires a VIEW. But {} is a {}. Use "
                         "DROP TABLE instead.",
                         table->id.Quoted(), table->external ? "EXTERNAL" : "MANAGED");
  }
  MILLRACE_RETURN_IF_ERROR(scope.tables().Drop(*table));
  return NoRows();
}

Result<data::Batch> RunCreateTable(const sql::CreateTable& create,
                                   const TableScope& scope) {
  const TableWriter writer(scope.environment, scope.conf, scope.stop);
  MILLRACE_ASSIGN_OR_RETURN(plan::TableInfo table, writer.NewTable(create.name));
  if (!create.format.empty()) table.format = LowerCase(create.format);
  if (!create.location.empty()) {
    table.external = true;
    table.location = create.location;
  }
  table.partition_columns = create.partition_columns;
  table.comment = create.comment;
  table.options = create.options;
  table.properties = create.properties;
  if (!create.columns.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(table.schema, data::ParseDdl(create.columns));
  }
  if (create.query == nullptr) {
    if (table.schema == nullptr && !table.external) {
      return UnsupportedError(
          "CREATE TABLE without columns, LOCATION and query is not supported.");
    }
    MILLRACE_RETURN_IF_ERROR(writer.Create(std::move(table), create.if_not_exists));
    return NoRows();
  }
  if (table.schema != nullptr) {
    return UnsupportedError("CREATE TABLE with columns and a query is not supported.");
  }
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr rows, scope.decode(create.query));
  MILLRACE_RETURN_IF_ERROR(writer.CreateAs(std::move(table), rows,
                                           create.if_not_exists
                                               ? connector::SaveMode::kIgnore
                                               : connector::SaveMode::kErrorIfExists));
  return NoRows();
}

Result<data::Batch> RunInsert(const sql::Insert& insert, const TableScope& scope) {
  MILLRACE_ASSIGN_OR_RETURN(const plan::TableInfo table,
                            scope.Known(insert.name, plan::SearchPath::kAll));
  MILLRACE_ASSIGN_OR_RETURN(plan::PlanPtr rows, scope.decode(insert.query));
  bool by_name = insert.by_name;
  if (!insert.column_names.empty()) {
    if (insert.column_names.size() != rows->output.size()) {
      return UnsupportedError("INSERT with {} columns for {} values is not supported.",
                              insert.column_names.size(), rows->output.size());
    }
    const plan::PlanBuilder builder(*scope.environment.connectors, scope.conf,
                                    scope.environment.fs, scope.environment.clock);
    MILLRACE_ASSIGN_OR_RETURN(rows, builder.ToDf(std::move(rows), insert.column_names));
    by_name = true;
  }
  const TableWriter writer(scope.environment, scope.conf, scope.stop);
  MILLRACE_RETURN_IF_ERROR(writer.Insert(table, rows, by_name, insert.overwrite));
  return NoRows();
}

Result<data::Batch> RunShowTables(const sql::ShowTables& show, const TableScope& scope) {
  const std::string database =
      show.database.empty() ? scope.conf.current_database() : LowerCase(show.database);
  MILLRACE_ASSIGN_OR_RETURN(const bool known, scope.tables().HasDatabase(database));
  if (!known) return plan::DatabaseNotFound(database);
  Json rows = Json::array();
  if (!show.views) {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              scope.tables().Tables(database));
    for (const std::string& name : names) {
      if (MatchesPattern(name, show.pattern))
        rows.push_back(Json::array({database, name, false}));
    }
  }
  for (const auto& [name, plan] : scope.views.All()) {
    if (MatchesPattern(name, show.pattern)) rows.push_back(Json::array({"", name, true}));
  }
  return RowsOfJson(
      fmt::format("namespace string not null, {} string not null, isTemporary boolean "
                  "not null",
                  show.views ? "viewName" : "tableName"),
      rows.dump());
}

std::string CreateTableText(const plan::TableInfo& table,
                            const std::vector<plan::Attribute>& columns) {
  std::string text = fmt::format("CREATE TABLE {}.{}.{} (", plan::kSessionCatalog,
                                 table.id.database, table.id.name);
  for (const plan::Attribute& column : columns) {
    text += fmt::format("{}\n  {} {}", text.back() == '(' ? "" : ",", column.name,
                        TypeText(column));
  }
  text += fmt::format(")\nUSING {}\n", table.format);
  if (!table.options.empty()) {
    text += fmt::format("OPTIONS ({})\n", PropertyLines(table.options));
  }
  if (!table.partition_columns.empty()) {
    std::string names;
    for (const std::string& name : table.partition_columns) {
      names += (names.empty() ? "" : ", ") + name;
    }
    text += fmt::format("PARTITIONED BY ({})\n", names);
  }
  if (table.external) text += fmt::format("LOCATION {}\n", Quoted(table.location));
  if (!table.comment.empty()) text += fmt::format("COMMENT {}\n", Quoted(table.comment));
  if (!table.properties.empty()) {
    text += fmt::format("TBLPROPERTIES ({})\n", PropertyLines(table.properties));
  }
  return text;
}

Result<data::Batch> RunTableCommand(const sql::TableCommand& command,
                                    const TableScope& scope) {
  using Kind = sql::TableCommand::Kind;
  if (command.kind == Kind::kColumns) {
    MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, scope.RowsOf(command.name));
    Json rows = Json::array();
    for (const plan::Attribute& column : plan->output)
      rows.push_back(Json::array({column.name}));
    return RowsOfJson("col_name string not null", rows.dump());
  }
  MILLRACE_ASSIGN_OR_RETURN(const plan::TableInfo table, scope.Known(command.name));
  switch (command.kind) {
    case Kind::kCreate: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, scope.RowsOf(command.name));
      return RowsOfJson(
          "createtab_stmt string not null",
          Json::array({Json::array({CreateTableText(table, plan->output)})}).dump());
    }
    case Kind::kProperties: {
      Json rows = Json::array();
      for (const auto& [key, value] : table.properties)
        rows.push_back(Json::array({key, value}));
      return RowsOfJson("key string not null, value string not null", rows.dump());
    }
    case Kind::kTruncate:
      if (table.external) {
        return AnalysisError("_LEGACY_ERROR_TEMP_1266", "",
                             "Operation not allowed: TRUNCATE TABLE on external tables: "
                             "{}.",
                             table.id.Quoted());
      }
      MILLRACE_RETURN_IF_ERROR(scope.tables().Truncate(table));
      return NoRows();
    default:  // there are no statistics to keep
      return NoRows();
  }
}

Result<data::Batch> RunDescribe(const sql::DescribeTable& describe,
                                const TableScope& scope) {
  MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, describe.query != nullptr
                                                          ? scope.decode(describe.query)
                                                          : scope.RowsOf(describe.name));
  const auto row = [](const plan::Attribute& column) {
    return Json::array({column.name, data::SimpleTypeName(*column.type), nullptr});
  };
  Json rows = Json::array();
  for (const plan::Attribute& column : plan->output) rows.push_back(row(column));
  const Result<plan::TableInfo> table = describe.query != nullptr
                                            ? Result<plan::TableInfo>(plan::TableInfo())
                                            : scope.Known(describe.name);
  if (table.ok() && !table->partition_columns.empty()) {
    rows.push_back(Json::array({"# Partition Information", "", ""}));
    rows.push_back(Json::array({"# col_name", "data_type", "comment"}));
    for (const plan::Attribute& column : plan->output) {
      if (IsPartitionColumn(column, *table)) rows.push_back(row(column));
    }
  }
  return RowsOfJson("col_name string not null, data_type string not null, comment string",
                    rows.dump());
}

std::vector<std::string> FunctionNames(std::string_view pattern) {
  std::set<std::string> names;
  for (const expr::FunctionSpec* function : expr::AllFunctions()) {
    if (MatchesPattern(function->name, pattern)) names.emplace(function->name);
  }
  for (const expr::AggregateSpec* aggregate : expr::AllAggregates()) {
    if (MatchesPattern(aggregate->name, pattern)) names.emplace(aggregate->name);
  }
  return {names.begin(), names.end()};
}

}  // namespace millrace::connect_plan
