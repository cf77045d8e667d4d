// Spark Connect's Relation message as a resolved plan: walks the tree, children first,
// and calls PlanBuilder for each node.
#pragma once

#include <functional>
#include <string>

#include "connect_plan/local_relation.h"
#include "plan/plan_builder.h"
#include "spark/connect/relations.pb.h"
#include "sql/sql.h"

namespace millrace::connect_plan {

/// What a session knows by name; each gives null where there is nothing.
struct Lookups {
  std::function<plan::PlanPtr(const std::vector<std::string>& name_parts)> view;
  /// What the server keeps for the client: the rows of a batch in foreachBatch.
  std::function<plan::PlanPtr(const std::string& id)> remote_relation;
  /// What a call of spark.catalog gives.
  std::function<Result<plan::PlanPtr>(const spark::connect::Relation& relation)> catalog;
  ArtifactLookup artifact;
};

/// How SQL texts are read in a session: in its time zone, today.
sql::ParseOptions SqlOptions(const plan::PlanBuilder& builder);

/// Errors: those of PlanBuilder; UNSUPPORTED_FEATURE / 0A000 names a relation or option
/// that is not built.
Result<plan::PlanPtr> DecodeRelation(const spark::connect::Relation& relation,
                                     const plan::PlanBuilder& builder,
                                     const Lookups& lookups);

/// The statement of a SQL relation, with its arguments in the place of its parameters.
Result<sql::Statement> ParseSql(const spark::connect::SQL& sql,
                                const plan::PlanBuilder& builder);

/// A query that a statement has in it. Errors: those of PlanBuilder.
Result<plan::PlanPtr> DecodeSqlQuery(const sql::Query& query,
                                     const plan::PlanBuilder& builder,
                                     const Lookups& lookups);

}  // namespace millrace::connect_plan
