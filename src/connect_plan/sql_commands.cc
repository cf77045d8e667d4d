// spark.sql(…): queries are checked and given back to be read; commands run at once.
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/overloaded.h"
#include "connect_plan/execution.h"
#include "connect_plan/query_decoder.h"
#include "connect_plan/relation_decoder.h"
#include "connect_plan/result_rows.h"
#include "connect_plan/session.h"
#include "connect_plan/table_commands.h"
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

// A row of one text each.
nlohmann::json Matching(const std::vector<std::string>& names, std::string_view pattern) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& name : names) {
    if (MatchesPattern(name, pattern)) rows.push_back(nlohmann::json::array({name}));
  }
  return rows;
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

Status Session::SqlCommand(const proto::SqlCommand& command, const Execution& execution,
                           std::stop_token stop) {
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
      MILLRACE_ASSIGN_OR_RETURN(const data::Batch result,
                                RunStatement(statement, conf, std::move(stop)));
      MILLRACE_ASSIGN_OR_RETURN(*relation->mutable_local_relation()->mutable_data(),
                                ToArrowStream(result));
    }
  }
  if (is_query) MILLRACE_RETURN_IF_ERROR(Decode(*relation, conf).status());
  return execution.Write(response);
}

Status Session::CreateView(const std::string& name, bool replace, bool global,
                           plan::PlanPtr plan) {
  Views& views = global ? *environment_.global_views : views_;
  if (views.Add(name, replace, std::move(plan))) return Status::OK();
  const std::string quoted = (global ? "`global_temp`.`" : "`") + name + "`";
  return AnalysisError(
             "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
             "Cannot create the temporary view {} because it already exists.\nChoose a "
             "different name, drop or replace the existing view.",
             quoted)
      .Param("relationName", quoted);
}

Status Session::UseDatabase(const std::string& name) {
  const plan::SessionConf conf = this->conf();
  const std::string database = LowerCase(name);
  MILLRACE_ASSIGN_OR_RETURN(
      const bool known, plan::TableCatalog(conf, environment_.fs).HasDatabase(database));
  if (!known) return plan::DatabaseNotFound(database);
  const std::lock_guard lock(mutex_);
  conf_.set_current_database(database);
  return Status::OK();
}

Result<data::Batch> Session::RunStatement(const sql::Statement& statement,
                                          const plan::SessionConf& conf,
                                          std::stop_token stop) {
  const auto decode = [&](const sql::QueryPtr& query) {
    return DecodeSqlQuery(*query, Builder(conf), MakeLookups());
  };
  const TableScope scope{environment_, conf, views_, decode, std::move(stop)};
  const auto done = [](const Status& status) -> Result<data::Batch> {
    MILLRACE_RETURN_IF_ERROR(status);
    return NoRows();
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
            return done(
                CreateView(view.name, view.replace, view.global, std::move(plan)));
          },
          [&](const sql::DropTable& drop) { return RunDropTable(drop, scope); },
          [&](const sql::CreateTable& create) { return RunCreateTable(create, scope); },
          [&](const sql::Insert& insert) { return RunInsert(insert, scope); },
          [&](const sql::CreateDatabase& create) {
            return done(scope.tables().CreateDatabase(LowerCase(create.name),
                                                      create.if_not_exists));
          },
          [&](const sql::DropDatabase& drop) {
            return done(scope.tables().DropDatabase(LowerCase(drop.name), drop.if_exists,
                                                    drop.cascade));
          },
          [&](const sql::UseDatabase& use) { return done(UseDatabase(use.name)); },
          [&](const sql::SetCommand& set) -> Result<data::Batch> {
            const std::lock_guard lock(mutex_);
            if (set.value) MILLRACE_RETURN_IF_ERROR(conf_.Set(set.key, *set.value));
            nlohmann::json rows = nlohmann::json::array();
            const auto add = [&](const std::string& key, const std::string& value) {
              rows.push_back(nlohmann::json::array({key, value}));
            };
            if (set.key.empty()) {
              for (const auto& [key, value] : conf_.explicitly_set()) add(key, value);
            } else {
              add(set.key, conf_.GetOr(set.key, "<undefined>"));
            }
            return RowsOfJson("key string not null, value string not null", rows.dump());
          },
          [&](const sql::ResetCommand& reset) -> Result<data::Batch> {
            const std::lock_guard lock(mutex_);
            if (reset.key.empty()) {
              conf_ = plan::SessionConf();
              conf_.set_session_id(id_);
            } else {
              conf_.Unset(reset.key);
            }
            return NoRows();
          },
          [&](const sql::ShowTables& show) { return RunShowTables(show, scope); },
          [&](const sql::ShowDatabases& show) -> Result<data::Batch> {
            MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                                      scope.tables().Databases());
            return RowsOfJson("namespace string not null",
                              Matching(names, show.pattern).dump());
          },
          [&](const sql::ShowFunctions& show) {
            return RowsOfJson("function string not null",
                              Matching(FunctionNames(show.pattern), "").dump());
          },
          [&](const sql::TableCommand& command) {
            return RunTableCommand(command, scope);
          },
          [&](const sql::DescribeTable& describe) {
            return RunDescribe(describe, scope);
          },
          [&](const sql::ExplainQuery& explain) -> Result<data::Batch> {
            MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, decode(explain.query));
            const std::string text =
                "== Optimized Logical Plan ==\n" + plan::TreeText(plan::Optimize(plan));
            return RowsOfJson("plan string", Matching({text}, "").dump());
          },
          [](const sql::NoOperation&) { return NoRows(); },
      },
      statement);
}

}  // namespace millrace::connect_plan
