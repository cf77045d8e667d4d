// A query of SQL text as a resolved plan: walks the tree of `sql`, innermost first, and
// calls PlanBuilder for each clause.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/plan_builder.h"
#include "sql/sql.h"

namespace millrace::connect_plan {

/// The plan of a table, view or file by its name's parts, without qualifier.
using TableLookup =
    std::function<Result<plan::PlanPtr>(const std::vector<std::string>& name_parts)>;

/// Errors: those of PlanBuilder and of `tables`; ASSIGNMENT_ARITY_MISMATCH / 42802;
/// UNRESOLVABLE_TABLE_VALUED_FUNCTION / 42883.
Result<plan::PlanPtr> DecodeQuery(const sql::Query& query,
                                  const plan::PlanBuilder& builder,
                                  const sql::ParseOptions& options,
                                  const TableLookup& tables);

/// `plan` under other column names; all of them, or none where `names` is empty.
Result<plan::PlanPtr> WithColumnNames(plan::PlanPtr plan,
                                      const std::vector<std::string>& names,
                                      const plan::PlanBuilder& builder);

}  // namespace millrace::connect_plan
