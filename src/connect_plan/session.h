// One Spark Connect session: its settings, views and queries, and what its requests do.
// Used by the gRPC service and by the in-process transport alike; knows no gRPC.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "connect_plan/listener_bus.h"
#include "connect_plan/local_relation.h"
#include "connect_plan/views.h"
#include "plan/plan_builder.h"
#include "python_worker/foreach_batch.h"
#include "spark/connect/base.pb.h"
#include "sql/ast.h"
#include "streaming/streaming_query.h"

namespace millrace::connect_plan {

struct Lookups;

/// What all sessions of a process share. Must outlive them.
struct SessionEnvironment {
  const plan::Connectors* connectors = nullptr;
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  /// How to run pickled functions; null: not at all.
  const python_worker::PythonOptions* python = nullptr;
  /// Those of the database global_temp.
  std::shared_ptr<Views> global_views = std::make_shared<Views>();
};

/// Takes the responses of one execution, in order.
using ResponseWriter =
    std::function<Status(const spark::connect::ExecutePlanResponse& response)>;

/// Threading: all methods may be called from any thread; requests run side by side.
class Session {
 public:
  Session(std::string id, const SessionEnvironment& environment);
  /// Stops the session's queries.
  ~Session();

  const std::string& id() const { return id_; }
  /// A new one for each session: tells a client whether this is still the session it
  /// knows.
  const std::string& server_side_id() const { return server_side_id_; }

  /// Where the rows of cached local relations are; before the first request.
  void set_artifact_lookup(ArtifactLookup lookup) { artifacts_ = std::move(lookup); }

  /// Takes over the settings and views of `other`; not its queries.
  void CopyFrom(const Session& other);

  /// Runs a query or a command. The last response is `result_complete`.
  Status Execute(const spark::connect::ExecutePlanRequest& request,
                 const ResponseWriter& write, std::stop_token stop);
  Result<spark::connect::AnalyzePlanResponse> Analyze(
      const spark::connect::AnalyzePlanRequest& request);
  Result<spark::connect::ConfigResponse> Config(
      const spark::connect::ConfigRequest& request);

  streaming::QueryManager& queries() { return queries_; }

  /// Keeps a plan under an id that clients can read as cached_remote_relation.
  std::string AddRemoteRelation(plan::PlanPtr plan);
  void RemoveRemoteRelation(const std::string& id);

 private:
  class Execution;

  plan::SessionConf conf() const;
  plan::PlanPtr FindView(const std::vector<std::string>& name_parts) const;
  plan::PlanPtr FindRemoteRelation(const std::string& id) const;
  streaming::QueryEnvironment QueryEnvironmentOf(const SessionEnvironment& environment);
  plan::PlanBuilder Builder(const plan::SessionConf& conf) const;
  Lookups MakeLookups();
  /// With the settings of now.
  Result<plan::PlanPtr> Decode(const spark::connect::Relation& relation,
                               const plan::SessionConf& conf);

  Status ExecuteRelation(const spark::connect::Relation& relation,
                         const Execution& execution, std::stop_token stop);
  Status RunBatch(const plan::PlanPtr& plan, const plan::SessionConf& conf,
                  const std::function<Status(const data::Batch&)>& emit,
                  std::stop_token stop) const;
  Status WriteResult(const data::SchemaPtr& schema,
                     const std::vector<data::Batch>& batches,
                     const plan::SessionConf& conf, const Execution& execution) const;
  Status ShowString(const spark::connect::ShowString& show, const Execution& execution,
                    std::stop_token stop);
  Status ExecuteCommand(const spark::connect::Command& command,
                        const Execution& execution, std::stop_token stop);
  /// spark.sql(…): answers with the relation to read, which for a command holds its
  /// result.
  Status SqlCommand(const spark::connect::SqlCommand& command, const Execution& execution,
                    std::stop_token stop);
  /// Runs what is no query; gives its result.
  Result<data::Batch> RunStatement(const sql::Statement& statement,
                                   const plan::SessionConf& conf, std::stop_token stop);
  Status CreateView(const std::string& name, bool replace, bool global,
                    plan::PlanPtr plan);
  Status Write(const spark::connect::WriteOperation& write, std::stop_token stop);
  Status WriteV2(const spark::connect::WriteOperationV2& write, std::stop_token stop);
  /// spark.catalog: does what the relation says; its result. Again the same where the
  /// client sends the relation again.
  Result<plan::PlanPtr> CatalogRelation(const spark::connect::Relation& relation);
  Result<data::Batch> RunCatalog(const spark::connect::Catalog& catalog,
                                 const plan::SessionConf& conf);
  /// Errors: SCHEMA_NOT_FOUND / 42704.
  Status UseDatabase(const std::string& name);
  Status StartQuery(const spark::connect::WriteStreamOperationStart& start,
                    const Execution& execution);
  /// Gives the query the sink it asks for.
  Status SetSink(const spark::connect::WriteStreamOperationStart& start,
                 const Execution& execution, streaming::QueryDefinition* query);
  Status SetCheckpoint(const Execution& execution,
                       streaming::QueryDefinition* query) const;
  Status QueryCommand(const spark::connect::StreamingQueryCommand& command,
                      const Execution& execution, std::stop_token stop);
  Status ManagerCommand(const spark::connect::StreamingQueryManagerCommand& command,
                        const Execution& execution, std::stop_token stop);
  Status ListenerBusCommand(
      const spark::connect::StreamingQueryListenerBusCommand& command,
      const Execution& execution, std::stop_token stop);
  Status AddInputFiles(const plan::LogicalPlan& plan, const plan::SessionConf& conf,
                       spark::connect::AnalyzePlanResponse::InputFiles* out) const;
  Result<plan::PlanPtr> DecodePlan(const spark::connect::Plan& plan,
                                   const plan::SessionConf& conf);

  const std::string id_;
  const std::string server_side_id_;
  ArtifactLookup artifacts_;
  const SessionEnvironment environment_;
  mutable std::mutex mutex_;
  plan::SessionConf conf_;  // guarded by mutex_
  Views views_;
  std::map<std::string, plan::PlanPtr, std::less<>>
      remote_relations_;  // guarded by mutex_
  /// df.persist(): by the text of the relation. Guarded by mutex_.
  std::map<std::string, spark::connect::StorageLevel> storage_levels_;
  std::set<std::string> cached_tables_;  // guarded by mutex_
  /// Tables made by spark.catalog.createTable: by the text of the relation. Guarded by
  /// mutex_.
  std::map<std::string, plan::PlanPtr> created_tables_;
  ListenerBus listeners_;
  streaming::QueryManager queries_;  // last: its queries call the others
};

}  // namespace millrace::connect_plan
