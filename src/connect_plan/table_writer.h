// Writes rows where a command wants them: into files or into a table.
#pragma once

#include <stop_token>
#include <string>

#include "connect_plan/session.h"
#include "plan/table_catalog.h"

namespace millrace::connect_plan {

/// Threading: one thread. References must outlive it.
class TableWriter {
 public:
  TableWriter(const SessionEnvironment& environment, const plan::SessionConf& conf,
              std::stop_token stop)
      : environment_(environment), conf_(conf), stop_(std::move(stop)) {}

  /// Where rows go that have no table.
  struct Target {
    std::string format;
    Options options;
    std::string path;
    std::vector<std::string> partition_columns;
    connector::SaveMode mode = connector::SaveMode::kErrorIfExists;
  };
  Status Write(const plan::PlanPtr& rows, Target target) const;

  /// The name, with the folder that a managed table of it has. Errors: those of
  /// TableCatalog::Resolve.
  Result<plan::TableInfo> NewTable(const std::vector<std::string>& name) const;
  /// Makes a table that has no rows yet. Errors: DATA_SOURCE_NOT_FOUND,
  /// TABLE_OR_VIEW_ALREADY_EXISTS.
  Status Create(plan::TableInfo table, bool if_not_exists) const;
  /// Makes a table of rows, `table.schema` of which is theirs.
  Status CreateAs(plan::TableInfo table, const plan::PlanPtr& rows,
                  connector::SaveMode mode) const;
  /// Columns meet by position or by name, and are cast. Errors:
  /// INSERT_COLUMN_ARITY_MISMATCH.* / 21S01, INCOMPATIBLE_DATA_FOR_TABLE.* / KD000.
  Status Insert(const plan::TableInfo& table, const plan::PlanPtr& rows, bool by_name,
                bool overwrite) const;

 private:
  plan::PlanBuilder Builder() const;
  Status CheckFormat(const std::string& format) const;

  const SessionEnvironment& environment_;
  const plan::SessionConf& conf_;
  const std::stop_token stop_;
};

}  // namespace millrace::connect_plan
