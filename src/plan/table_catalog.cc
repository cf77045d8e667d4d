#include "plan/table_catalog.h"

#include <arrow/type.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/ascii.h"

namespace millrace::plan {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDescription = "_table.json";
constexpr std::string_view kDatabaseSuffix = ".db";

bool IsHidden(const std::string& name) { return name[0] == '_' || name[0] == '.'; }

std::string Quote(std::string_view name) { return fmt::format("`{}`", name); }

Status CheckName(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
  if (plain) return Status::OK();
  return AnalysisError(
             "INVALID_SCHEMA_OR_RELATION_NAME", "42602",
             "`{}` is not a valid name for tables/schemas. Valid names only contain "
             "alphabet characters, numbers and _.",
             name)
      .Param("name", Quote(name));
}

}  // namespace

std::string TableId::Quoted() const {
  return fmt::format("`{}`.`{}`.`{}`", kSessionCatalog, database, name);
}

Error TableNotFound(const std::vector<std::string>& name_parts, const SessionConf& conf,
                    SearchPath path) {
  const std::string database =
      fmt::format("`{}`.`{}`", kSessionCatalog, conf.current_database());
  std::string name;
  if (path == SearchPath::kCatalog && name_parts.size() == 1) name = database;
  for (const std::string& part : name_parts) {
    name += (name.empty() ? "" : ".") + Quote(part);
  }
  std::string searched = database;
  if (path != SearchPath::kCatalog) searched = "`system`.`session`, " + searched;
  if (path == SearchPath::kAll) searched = "`system`.`builtin`, " + searched;
  return AnalysisError(
             "TABLE_OR_VIEW_NOT_FOUND", "42P01",
             "The table or view {} cannot be found. Verify the spelling and correctness "
             "of the schema and catalog.\nSearch path: [{}].\nIf you did not qualify the "
             "name with a schema, verify the current_schema() output, or qualify the "
             "name "
             "with the correct schema and catalog.\nTo tolerate the error on drop use "
             "DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
             name, searched)
      .Param("relationName", name)
      .Param("searchPath", "[" + searched + "]");
}

Error TableExists(const TableId& table) {
  return AnalysisError(
             "TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
             "Cannot create table or view {} because it already exists.\nChoose a "
             "different name, drop or replace the existing object, or add the IF NOT "
             "EXISTS clause to tolerate pre-existing objects.",
             table.Quoted())
      .Param("relationName", table.Quoted());
}

Error DatabaseNotFound(const std::string& database) {
  const std::string name = fmt::format("`{}`.`{}`", kSessionCatalog, database);
  return AnalysisError(
             "SCHEMA_NOT_FOUND", "42704",
             "The schema {} cannot be found. Verify the spelling and correctness of the "
             "schema and catalog.\nIf you did not qualify the name with a catalog, "
             "verify "
             "the current_schema() output, or qualify the name with the correct "
             "catalog.\nTo tolerate the error on drop use DROP SCHEMA IF EXISTS.",
             name)
      .Param("schemaName", name);
}

Result<TableId> TableCatalog::Resolve(const std::vector<std::string>& name_parts) const {
  std::vector<std::string> parts = name_parts;
  if (parts.size() == 3 && EqualsIgnoreCase(parts[0], kSessionCatalog)) {
    parts.erase(parts.begin());
  }
  if (parts.size() > 2) {
    std::string name;
    for (const std::string& part : parts) name += (name.empty() ? "" : ".") + Quote(part);
    return AnalysisError(
        "REQUIRES_SINGLE_PART_NAMESPACE", "42K05",
        "spark_catalog requires a single-part namespace, but got identifier {}.", name);
  }
  for (const std::string& part : parts) MILLRACE_RETURN_IF_ERROR(CheckName(part));
  if (parts.size() == 1) return TableId{conf_.current_database(), LowerCase(parts[0])};
  return TableId{LowerCase(parts[0]), LowerCase(parts[1])};
}

std::string TableCatalog::DatabaseFolder(const std::string& database) const {
  const std::string warehouse = conf_.GetOr("spark.sql.warehouse.dir", "spark-warehouse");
  if (database == kDefaultDatabase) return warehouse;
  return JoinPath(warehouse, fmt::format("{}{}", database, kDatabaseSuffix));
}

std::string TableCatalog::Folder(const TableId& table) const {
  return JoinPath(DatabaseFolder(table.database), table.name);
}

Result<TableInfo> TableCatalog::Read(const TableId& table,
                                     const std::string& description) const {
  TableInfo info;
  info.id = table;
  info.location = Folder(table);
  try {
    const Json json = Json::parse(description);
    info.format = json.at("format");
    info.external = json.contains("location");
    if (info.external) info.location = json.at("location");
    if (json.contains("schema")) {
      MILLRACE_ASSIGN_OR_RETURN(info.schema, data::ParseSchema(json["schema"].dump()));
    }
    info.partition_columns = json.at("partitionColumns");
    info.comment = json.at("comment");
    info.options = json.at("options");
    info.properties = json.at("properties");
  } catch (const Json::exception& error) {
    return Error(Fault::kExternal, "The table {} has a damaged description, {}: {}",
                 table.Quoted(), JoinPath(Folder(table), kDescription), error.what());
  }
  return info;
}

Result<std::optional<TableInfo>> TableCatalog::Find(const TableId& table) const {
  const std::string folder = Folder(table);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> there, fs_.Stat(folder));
  if (!there || !there->is_directory) return std::optional<TableInfo>();
  const std::string path = JoinPath(folder, kDescription);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> description, fs_.Stat(path));
  if (description) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(path));
    MILLRACE_ASSIGN_OR_RETURN(TableInfo info, Read(table, text));
    return std::optional<TableInfo>(std::move(info));
  }
  TableInfo info;
  info.id = table;
  info.location = folder;
  return std::optional<TableInfo>(std::move(info));
}

Result<std::vector<FileInfo>> TableCatalog::Entries(const std::string& folder) const {
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> there, fs_.Stat(folder));
  if (!there) return std::vector<FileInfo>();
  return fs_.List(folder);
}

Result<std::vector<std::string>> TableCatalog::Tables(const std::string& database) const {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries,
                            Entries(DatabaseFolder(database)));
  std::vector<std::string> names;
  for (const FileInfo& entry : entries) {
    const bool table = entry.is_directory && !IsHidden(entry.name) &&
                       !entry.name.ends_with(kDatabaseSuffix);
    if (table) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status TableCatalog::Save(const TableInfo& table) const {
  MILLRACE_ASSIGN_OR_RETURN(const bool known, HasDatabase(table.id.database));
  if (!known) return DatabaseNotFound(table.id.database);
  Json json = {{"format", table.format},
               {"partitionColumns", table.partition_columns},
               {"comment", table.comment},
               {"options", table.options},
               {"properties", table.properties}};
  if (table.external) json["location"] = table.location;
  if (table.schema != nullptr) {
    json["schema"] = Json::parse(data::SchemaToJson(*table.schema));
  }
  const std::string folder = Folder(table.id);
  MILLRACE_RETURN_IF_ERROR(fs_.MakeDirs(folder));
  return fs_.WriteFileAtomically(JoinPath(folder, kDescription), json.dump(1));
}

Status TableCatalog::Drop(const TableInfo& table) const {
  return fs_.RemoveAll(Folder(table.id));
}

Status TableCatalog::Truncate(const TableInfo& table) const {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, Entries(table.location));
  for (const FileInfo& entry : entries) {
    if (entry.name == kDescription) continue;
    MILLRACE_RETURN_IF_ERROR(fs_.RemoveAll(JoinPath(table.location, entry.name)));
  }
  return Status::OK();
}

Result<std::vector<std::string>> TableCatalog::Databases() const {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries,
                            Entries(DatabaseFolder(std::string(kDefaultDatabase))));
  std::vector<std::string> names = {std::string(kDefaultDatabase)};
  for (const FileInfo& entry : entries) {
    if (!entry.is_directory || !entry.name.ends_with(kDatabaseSuffix)) continue;
    names.push_back(entry.name.substr(0, entry.name.size() - kDatabaseSuffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> TableCatalog::HasDatabase(const std::string& database) const {
  if (database == kDefaultDatabase) return true;
  if (!CheckName(database).ok()) return false;
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> folder,
                            fs_.Stat(DatabaseFolder(database)));
  return folder.has_value();
}

Status TableCatalog::CreateDatabase(const std::string& database,
                                    bool if_not_exists) const {
  MILLRACE_RETURN_IF_ERROR(CheckName(database));
  MILLRACE_ASSIGN_OR_RETURN(const bool there, HasDatabase(database));
  if (!there) return fs_.MakeDirs(DatabaseFolder(database));
  if (if_not_exists) return Status::OK();
  return AnalysisError(
             "SCHEMA_ALREADY_EXISTS", "42P06",
             "Cannot create schema `{}` because it already exists.\nChoose a different "
             "name, drop the existing schema, or add the IF NOT EXISTS clause to "
             "tolerate "
             "pre-existing schema.",
             database)
      .Param("schemaName", Quote(database));
}

Status TableCatalog::DropDatabase(const std::string& database, bool if_exists,
                                  bool cascade) const {
  MILLRACE_ASSIGN_OR_RETURN(const bool there, HasDatabase(database));
  if (!there) return if_exists ? Status::OK() : Status(DatabaseNotFound(database));
  if (database == kDefaultDatabase) {
    return AnalysisError("UNSUPPORTED_FEATURE.DROP_DATABASE", "0A000",
                         "The feature is not supported: Drop the default database "
                         "`spark_catalog`.`default`.");
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> tables, Tables(database));
  if (!tables.empty() && !cascade) {
    return AnalysisError(
               "SCHEMA_NOT_EMPTY", "2BP01",
               "Cannot drop a schema `{}` because it contains objects.\nUse "
               "DROP SCHEMA ... CASCADE to drop the schema and all its objects.",
               database)
        .Param("schemaName", Quote(database));
  }
  return fs_.RemoveAll(DatabaseFolder(database));
}

}  // namespace millrace::plan
