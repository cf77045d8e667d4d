// Tables and databases by name. A database is a folder <name>.db below
// spark.sql.warehouse.dir, `default` the warehouse itself; a table is a folder in it,
// with what the files do not tell in a file _table.json. A folder of Parquet files
// without one is a table as well.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "plan/catalog.h"

namespace millrace::plan {

inline constexpr std::string_view kSessionCatalog = "spark_catalog";
inline constexpr std::string_view kDefaultDatabase = "default";

/// Lower-case names.
struct TableId {
  std::string database;
  std::string name;

  /// "`spark_catalog`.`default`.`t`"
  std::string Quoted() const;
};

struct TableInfo {
  TableId id;
  std::string format = "parquet";
  std::string location;  // the folder of its files
  bool external = false;
  data::SchemaPtr schema;  // partition columns last; null: as the files have it
  std::vector<std::string> partition_columns;
  std::string comment;
  std::map<std::string, std::string> options;  // of the format
  std::map<std::string, std::string> properties;
};

/// Where TABLE_OR_VIEW_NOT_FOUND / 42P01 says that it looked.
enum class SearchPath { kAll, kSession, kCatalog };
Error TableNotFound(const std::vector<std::string>& name_parts, const SessionConf& conf,
                    SearchPath path = SearchPath::kAll);
/// TABLE_OR_VIEW_ALREADY_EXISTS / 42P07.
Error TableExists(const TableId& table);
/// SCHEMA_NOT_FOUND / 42704.
Error DatabaseNotFound(const std::string& database);

/// Threading: one thread. References must outlive it.
class TableCatalog {
 public:
  TableCatalog(const SessionConf& conf, FileSystem* fs) : conf_(conf), fs_(*fs) {}

  /// [spark_catalog.][database.]table; the current database where none is named. Errors:
  /// REQUIRES_SINGLE_PART_NAMESPACE / 42K05, INVALID_SCHEMA_OR_RELATION_NAME / 42602.
  Result<TableId> Resolve(const std::vector<std::string>& name_parts) const;
  /// The folder of a managed table.
  std::string Folder(const TableId& table) const;
  Result<std::optional<TableInfo>> Find(const TableId& table) const;
  /// The names of a database's tables, sorted.
  Result<std::vector<std::string>> Tables(const std::string& database) const;
  /// Makes the table known, or known anew; its files may be there already. Errors:
  /// SCHEMA_NOT_FOUND.
  Status Save(const TableInfo& table) const;
  /// Forgets a table, with its files if it is not external.
  Status Drop(const TableInfo& table) const;
  /// Removes its files, or those of an external table.
  Status Truncate(const TableInfo& table) const;

  Result<std::vector<std::string>> Databases() const;
  Result<bool> HasDatabase(const std::string& database) const;
  /// The folder of a database.
  std::string DatabaseFolder(const std::string& database) const;
  /// Errors: SCHEMA_ALREADY_EXISTS / 42P06.
  Status CreateDatabase(const std::string& database, bool if_not_exists) const;
  /// Errors: SCHEMA_NOT_FOUND, SCHEMA_NOT_EMPTY / 2BP01.
  Status DropDatabase(const std::string& database, bool if_exists, bool cascade) const;

 private:
  Result<TableInfo> Read(const TableId& table, const std::string& description) const;
  Result<std::vector<FileInfo>> Entries(const std::string& folder) const;

  const SessionConf& conf_;
  FileSystem& fs_;
};

}  // namespace millrace::plan
