// Statements of SQL about tables and databases.
#pragma once

#include <functional>
#include <stop_token>

#include "connect_plan/session.h"
#include "plan/table_catalog.h"
#include "sql/ast.h"

namespace millrace::connect_plan {

/// What such a statement works on. References must outlive it.
struct TableScope {
  const SessionEnvironment& environment;
  const plan::SessionConf& conf;
  Views& views;
  std::function<Result<plan::PlanPtr>(const sql::QueryPtr&)> decode;
  std::stop_token stop;

  plan::TableCatalog tables() const { return plan::TableCatalog(conf, environment.fs); }
  /// Errors: TABLE_OR_VIEW_NOT_FOUND / 42P01.
  Result<plan::TableInfo> Known(const std::vector<std::string>& name,
                                plan::SearchPath path = plan::SearchPath::kSession) const;
  /// The rows of a table or view.
  Result<plan::PlanPtr> RowsOf(const std::vector<std::string>& name) const;
};

Result<data::Batch> RunDropTable(const sql::DropTable& drop, const TableScope& scope);
Result<data::Batch> RunCreateTable(const sql::CreateTable& create,
                                   const TableScope& scope);
Result<data::Batch> RunInsert(const sql::Insert& insert, const TableScope& scope);
Result<data::Batch> RunShowTables(const sql::ShowTables& show, const TableScope& scope);
Result<data::Batch> RunTableCommand(const sql::TableCommand& command,
                                    const TableScope& scope);
Result<data::Batch> RunDescribe(const sql::DescribeTable& describe,
                                const TableScope& scope);

/// The statement that would make the table. Spark: ShowCreateTableCommand.
std::string CreateTableText(const plan::TableInfo& table,
                            const std::vector<plan::Attribute>& columns);

/// The names of all functions that match a pattern, sorted.
std::vector<std::string> FunctionNames(std::string_view pattern);

}  // namespace millrace::connect_plan
