// spark.catalog.…: calls that clients send as relations.
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "connect_plan/relation_decoder.h"
#include "connect_plan/result_rows.h"
#include "connect_plan/session.h"
#include "connect_plan/table_commands.h"
#include "connect_plan/table_writer.h"
#include "connect_plan/type_codec.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using Json = nlohmann::json;

constexpr std::string_view kTableColumns =
    "name string not null, catalog string, namespace array<string>, description string, "
    "tableType string not null, isTemporary boolean not null";
constexpr std::string_view kFunctionColumns =
    "name string not null, catalog string, namespace array<string>, description string, "
    "className string not null, isTemporary boolean not null";
constexpr std::string_view kDatabaseColumns =
    "name string not null, catalog string, description string, locationUri string not "
    "null";

// One row.
template <typename... Values>
Result<data::Batch> Row(std::string_view ddl, Values&&... values) {
  return RowsOfJson(
      ddl, Json::array({Json::array({Json(std::forward<Values>(values))...})}).dump());
}
Result<data::Batch> Value(bool value) { return Row("value boolean not null", value); }
Result<data::Batch> Value(const std::string& value) {
  return Row("value string not null", value);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json ViewRow(const std::string& name, const char* database = nullptr) {
  const Json databases = database == nullptr ? Json::array() : Json::array({database});
  return Json::array({name, nullptr, databases, nullptr, "TEMPORARY", true});
}

Json TableRow(const plan::TableInfo& table) {
  return Json::array({table.id.name, plan::kSessionCatalog,
                      Json::array({table.id.database}), TextOrNull(table.comment),
                      table.external ? "EXTERNAL" : "MANAGED", false});
}

Json FunctionRow(const std::string& name) {
  return Json::array({name, nullptr, nullptr, "", "millrace." + name, true});
}

// What one request asks of the catalogue.
class CatalogCall {
 public:
  CatalogCall(const TableScope& scope, std::string database)
      : scope_(scope), database_(std::move(database)) {}

  Result<data::Batch> ListDatabases(const std::string& pattern) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              scope_.tables().Databases());
    Json rows = Json::array();
    for (const std::string& name : names) {
      if (MatchesPattern(name, pattern)) rows.push_back(DatabaseRow(name));
    }
    return RowsOfJson(kDatabaseColumns, rows.dump());
  }

  Result<data::Batch> GetDatabase(const std::string& name) const {
    MILLRACE_RETURN_IF_ERROR(RequireDatabase(LowerCase(name)));
    return RowsOfJson(kDatabaseColumns,
                      Json::array({DatabaseRow(LowerCase(name))}).dump());
  }

  Result<data::Batch> ListTables(const std::string& database, const std::string& pattern,
                                 bool views_only) const {
    const std::string from = database.empty() ? database_ : LowerCase(database);
    MILLRACE_RETURN_IF_ERROR(RequireDatabase(from));
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              scope_.tables().Tables(from));
    Json rows = Json::array();
    for (const std::string& name : names) {
      if (views_only || !MatchesPattern(name, pattern)) continue;
      MILLRACE_ASSIGN_OR_RETURN(const plan::TableInfo table, scope_.Known({from, name}));
      rows.push_back(TableRow(table));
    }
    for (const auto& [name, plan] : scope_.views.All()) {
      if (MatchesPattern(name, pattern)) rows.push_back(ViewRow(name));
    }
    return RowsOfJson(kTableColumns, rows.dump());
  }

  Result<data::Batch> GetTable(const std::string& text,
                               const std::string& database) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name, Name(text, database));
    if (IsTempView(name)) {
      return RowsOfJson(kTableColumns, Json::array({ViewRow(LowerCase(name[0]))}).dump());
    }
    if (IsGlobalView(name)) {
      return RowsOfJson(kTableColumns,
                        Json::array({ViewRow(LowerCase(name[1]), "global_temp")}).dump());
    }
    MILLRACE_ASSIGN_OR_RETURN(const plan::TableInfo table, scope_.Known(name));
    return RowsOfJson(kTableColumns, Json::array({TableRow(table)}).dump());
  }

  Result<data::Batch> TableExists(const std::string& text,
                                  const std::string& database) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name, Name(text, database));
    if (IsTempView(name) || IsGlobalView(name)) return Value(true);
    MILLRACE_ASSIGN_OR_RETURN(const plan::TableId id, scope_.tables().Resolve(name));
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<plan::TableInfo> table,
                              scope_.tables().Find(id));
    return Value(table.has_value());
  }

  Result<data::Batch> ListColumns(const std::string& text,
                                  const std::string& database) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name, Name(text, database));
    MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan, scope_.RowsOf(name));
    std::vector<std::string> partitions;
    if (!IsTempView(name) && !IsGlobalView(name)) {
      MILLRACE_ASSIGN_OR_RETURN(const plan::TableInfo table, scope_.Known(name));
      partitions = table.partition_columns;
    }
    Json rows = Json::array();
    for (const plan::Attribute& column : plan->output) {
      const bool partition = std::any_of(
          partitions.begin(), partitions.end(),
          [&](const std::string& one) { return EqualsIgnoreCase(one, column.name); });
      rows.push_back(
          Json::array({column.name, nullptr, data::SimpleTypeName(*column.type),
                       column.nullable, partition, false, false}));
    }
    return RowsOfJson(
        "name string not null, description string, dataType string not null, nullable "
        "boolean not null, isPartition boolean not null, isBucket boolean not null, "
        "isCluster boolean not null",
        rows.dump());
  }

  Result<data::Batch> ListFunctions(const std::string& pattern) const {
    Json rows = Json::array();
    for (const std::string& name : FunctionNames(pattern))
      rows.push_back(FunctionRow(name));
    return RowsOfJson(kFunctionColumns, rows.dump());
  }

  Result<data::Batch> FunctionExists(const std::string& name) const {
    return Value(IsFunction(name));
  }

  Result<data::Batch> GetFunction(const std::string& name) const {
    if (IsFunction(name)) {
      return RowsOfJson(kFunctionColumns,
                        Json::array({FunctionRow(LowerCase(name))}).dump());
    }
    const std::string path =
        "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]";
    return AnalysisError("UNRESOLVED_ROUTINE", "42883",
                         "Cannot resolve routine `{}` on search path {}.", name, path)
        .Param("routineName", "`" + name + "`")
        .Param("searchPath", path);
  }

  Status DropTable(const std::string& text, bool if_exists, bool view) const {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> name, Name(text, ""));
    return RunDropTable({std::move(name), view, if_exists}, scope_).status();
  }

  Result<data::Batch> Command(sql::TableCommand::Kind kind,
                              const std::string& text) const {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> name, Name(text, ""));
    return RunTableCommand({kind, std::move(name)}, scope_);
  }

  // Whether there is one, or an error that says where it was looked for.
  Status Require(const std::string& text, plan::SearchPath path) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name, Name(text, ""));
    if (IsTempView(name) || IsGlobalView(name)) return Status::OK();
    return scope_.Known(name, path).status();
  }

  Result<plan::PlanPtr> CreateTable(const std::string& text, const std::string& path,
                                    const std::string& source,
                                    const std::string& description,
                                    const proto::DataType* schema,
                                    std::map<std::string, std::string> options) const {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> name, Name(text, ""));
    const TableWriter writer(scope_.environment, scope_.conf, scope_.stop);
    MILLRACE_ASSIGN_OR_RETURN(plan::TableInfo table, writer.NewTable(name));
    if (!source.empty()) table.format = LowerCase(source);
    if (!path.empty()) {
      table.external = true;
      table.location = path;
    }
    if (schema != nullptr) {
      MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, DecodeType(*schema));
      if (type->num_fields() > 0) table.schema = arrow::schema(type->fields());
    }
    table.comment = description;
    table.options = std::move(options);
    MILLRACE_RETURN_IF_ERROR(writer.Create(std::move(table), /*if_not_exists=*/false));
    return scope_.RowsOf(name);
  }

  Result<std::vector<std::string>> Name(const std::string& text,
                                        const std::string& database) const {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> parts,
                              plan::ParseAttributeName(text));
    if (!database.empty() && parts.size() == 1) parts.insert(parts.begin(), database);
    return parts;
  }

 private:
  Json DatabaseRow(const std::string& name) const {
    return Json::array({name, plan::kSessionCatalog,
                        name == plan::kDefaultDatabase ? "default database" : "",
                        "file:" + scope_.tables().DatabaseFolder(name)});
  }

  Status RequireDatabase(const std::string& name) const {
    MILLRACE_ASSIGN_OR_RETURN(const bool known, scope_.tables().HasDatabase(name));
    return known ? Status::OK() : Status(plan::DatabaseNotFound(name));
  }

  bool IsTempView(const std::vector<std::string>& name) const {
    return name.size() == 1 && scope_.views.Find(name[0]) != nullptr;
  }
  bool IsGlobalView(const std::vector<std::string>& name) const {
    return name.size() == 2 && EqualsIgnoreCase(name[0], "global_temp") &&
           scope_.environment.global_views->Find(name[1]) != nullptr;
  }

  static bool IsFunction(const std::string& name) {
    const std::vector<std::string> all = FunctionNames("");
    return std::binary_search(all.begin(), all.end(), LowerCase(name));
  }

  const TableScope& scope_;
  const std::string database_;
};

}  // namespace

Result<plan::PlanPtr> Session::CatalogRelation(const proto::Relation& relation) {
  // Clients send a table that they made again as the input of what they do with it.
  std::string text;
  const proto::Catalog& catalog = relation.catalog();
  const bool creates = catalog.has_create_table() || catalog.has_create_external_table();
  if (creates) {
    text = relation.SerializeAsString();
    const std::lock_guard lock(mutex_);
    const auto found = created_tables_.find(text);
    if (found != created_tables_.end()) return found->second;
  }
  const plan::SessionConf conf = this->conf();
  if (!creates) {
    MILLRACE_ASSIGN_OR_RETURN(const data::Batch result, RunCatalog(catalog, conf));
    return Builder(conf).Local(result->schema(), {result});
  }
  const auto decode = [&](const sql::QueryPtr& query) {
    return DecodeSqlQuery(*query, Builder(conf), MakeLookups());
  };
  const TableScope scope{environment_, conf, views_, decode, std::stop_token()};
  const CatalogCall call(scope, conf.current_database());
  plan::PlanPtr made;
  if (catalog.has_create_table()) {
    const auto& table = catalog.create_table();
    MILLRACE_ASSIGN_OR_RETURN(
        made, call.CreateTable(table.table_name(), table.path(), table.source(),
                               table.description(),
                               table.has_schema() ? &table.schema() : nullptr,
                               {table.options().begin(), table.options().end()}));
  } else {
    const auto& table = catalog.create_external_table();
    MILLRACE_ASSIGN_OR_RETURN(
        made, call.CreateTable(table.table_name(), table.path(), table.source(), "",
                               table.has_schema() ? &table.schema() : nullptr,
                               {table.options().begin(), table.options().end()}));
  }
  const std::lock_guard lock(mutex_);
  return created_tables_[text] = std::move(made);
}

Result<data::Batch> Session::RunCatalog(const proto::Catalog& catalog,
                                        const plan::SessionConf& conf) {
  using Kind = sql::TableCommand::Kind;
  const auto decode = [&](const sql::QueryPtr& query) {
    return DecodeSqlQuery(*query, Builder(conf), MakeLookups());
  };
  const TableScope scope{environment_, conf, views_, decode, std::stop_token()};
  const CatalogCall call(scope, conf.current_database());
  const auto done = [](const Status& status) -> Result<data::Batch> {
    MILLRACE_RETURN_IF_ERROR(status);
    return NoRows();
  };
  switch (catalog.cat_type_case()) {
    case proto::Catalog::kCurrentDatabase:
      return Value(conf.current_database());
    case proto::Catalog::kSetCurrentDatabase:
      return done(UseDatabase(catalog.set_current_database().db_name()));
    case proto::Catalog::kListDatabases:
      return call.ListDatabases(catalog.list_databases().pattern());
    case proto::Catalog::kGetDatabase:
      return call.GetDatabase(catalog.get_database().db_name());
    case proto::Catalog::kDatabaseExists: {
      MILLRACE_ASSIGN_OR_RETURN(
          const bool known,
          scope.tables().HasDatabase(LowerCase(catalog.database_exists().db_name())));
      return Value(known);
    }
    case proto::Catalog::kCreateDatabase:
      return done(
          scope.tables().CreateDatabase(LowerCase(catalog.create_database().db_name()),
                                        catalog.create_database().if_not_exists()));
    case proto::Catalog::kDropDatabase:
      return done(scope.tables().DropDatabase(
          LowerCase(catalog.drop_database().db_name()),
          catalog.drop_database().if_exists(), catalog.drop_database().cascade()));
    case proto::Catalog::kListTables:
      return call.ListTables(catalog.list_tables().db_name(),
                             catalog.list_tables().pattern(), false);
    case proto::Catalog::kListViews:
      return call.ListTables(catalog.list_views().db_name(),
                             catalog.list_views().pattern(), true);
    case proto::Catalog::kGetTable:
      return call.GetTable(catalog.get_table().table_name(),
                           catalog.get_table().db_name());
    case proto::Catalog::kTableExists:
      return call.TableExists(catalog.table_exists().table_name(),
                              catalog.table_exists().db_name());
    case proto::Catalog::kListColumns:
      return call.ListColumns(catalog.list_columns().table_name(),
                              catalog.list_columns().db_name());
    case proto::Catalog::kListFunctions:
      return call.ListFunctions(catalog.list_functions().pattern());
    case proto::Catalog::kFunctionExists:
      return call.FunctionExists(catalog.function_exists().function_name());
    case proto::Catalog::kGetFunction:
      return call.GetFunction(catalog.get_function().function_name());
    case proto::Catalog::kDropTempView:
      return Value(views_.Drop(catalog.drop_temp_view().view_name()));
    case proto::Catalog::kDropGlobalTempView:
      return Value(
          environment_.global_views->Drop(catalog.drop_global_temp_view().view_name()));
    case proto::Catalog::kDropTable:
      return done(call.DropTable(catalog.drop_table().table_name(),
                                 catalog.drop_table().if_exists(), false));
    case proto::Catalog::kDropView:
      return done(call.DropTable(catalog.drop_view().view_name(),
                                 catalog.drop_view().if_exists(), true));
    case proto::Catalog::kTruncateTable:
      return call.Command(Kind::kTruncate, catalog.truncate_table().table_name());
    case proto::Catalog::kAnalyzeTable:
      return call.Command(Kind::kAnalyze, catalog.analyze_table().table_name());
    case proto::Catalog::kGetCreateTableString:
      return call.Command(Kind::kCreate, catalog.get_create_table_string().table_name());
    case proto::Catalog::kGetTableProperties:
      return call.Command(Kind::kProperties, catalog.get_table_properties().table_name());
    case proto::Catalog::kRecoverPartitions:  // folders are listed anew at each read
      return done(call.Require(catalog.recover_partitions().table_name(),
                               plan::SearchPath::kSession));
    case proto::Catalog::kRefreshTable:
      return done(
          call.Require(catalog.refresh_table().table_name(), plan::SearchPath::kAll));
    case proto::Catalog::kRefreshByPath:
      return NoRows();
    case proto::Catalog::kCacheTable: {
      const std::string& name = catalog.cache_table().table_name();
      MILLRACE_RETURN_IF_ERROR(call.Require(name, plan::SearchPath::kAll));
      const std::lock_guard lock(mutex_);
      cached_tables_.insert(LowerCase(name));
      return NoRows();
    }
    case proto::Catalog::kIsCached: {
      const std::string& name = catalog.is_cached().table_name();
      MILLRACE_RETURN_IF_ERROR(call.Require(name, plan::SearchPath::kAll));
      const std::lock_guard lock(mutex_);
      return Value(cached_tables_.contains(LowerCase(name)));
    }
    case proto::Catalog::kUncacheTable: {
      const std::string& name = catalog.uncache_table().table_name();
      MILLRACE_RETURN_IF_ERROR(call.Require(name, plan::SearchPath::kAll));
      const std::lock_guard lock(mutex_);
      cached_tables_.erase(LowerCase(name));
      return NoRows();
    }
    case proto::Catalog::kClearCache: {
      const std::lock_guard lock(mutex_);
      cached_tables_.clear();
      return NoRows();
    }
    case proto::Catalog::kCurrentCatalog:
      return Value(std::string(plan::kSessionCatalog));
    case proto::Catalog::kSetCurrentCatalog: {
      const std::string& name = catalog.set_current_catalog().catalog_name();
      if (name == plan::kSessionCatalog) return NoRows();
      return AnalysisError("CATALOG_NOT_FOUND", "42P08",
                           "The catalog `{0}` not found. Consider to set the SQL config "
                           "\"spark.sql.catalog.{0}\" to a catalog plugin.",
                           name)
          .Param("catalogName", "`" + name + "`")
          .Param("config", "\"spark.sql.catalog." + name + "\"");
    }
    case proto::Catalog::kListCatalogs:
      return RowsOfJson(
          "name string not null, description string",
          (MatchesPattern(plan::kSessionCatalog, catalog.list_catalogs().pattern())
               ? Json::array({Json::array({plan::kSessionCatalog, nullptr})})
               : Json::array())
              .dump());
    case proto::Catalog::kListPartitions:
      MILLRACE_RETURN_IF_ERROR(call.Require(catalog.list_partitions().table_name(),
                                            plan::SearchPath::kSession));
      return UnsupportedError("Listing the partitions of a table is not supported yet.");
    default: {
      const auto* field = proto::Catalog::descriptor()->FindFieldByNumber(
          static_cast<int>(catalog.cat_type_case()));
      return UnsupportedError("A catalogue call of kind {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

}  // namespace millrace::connect_plan
