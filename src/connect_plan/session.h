// One Spark Connect session: its settings, views and queries, and what its requests do. Used by
// the gRPC service and by the in-process transport alike; knows no gRPC.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "plan/plan_builder.h"
#include "spark/connect/base.pb.h"
#include "streaming/streaming_query.h"

namespace millrace::connect_plan {

/// What all sessions of a process share. Must outlive them.
struct SessionEnvironment {
  const plan::Connectors* connectors = nullptr;
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
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

  /// Runs a query or a command. The last response is `result_complete`.
  Status Execute(const spark::connect::ExecutePlanRequest& request, const ResponseWriter& write,
                 std::stop_token stop);
  Result<spark::connect::AnalyzePlanResponse> Analyze(
      const spark::connect::AnalyzePlanRequest& request);
  Result<spark::connect::ConfigResponse> Config(const spark::connect::ConfigRequest& request);

  streaming::QueryManager& queries() { return queries_; }

 private:
  class Execution;

  plan::SessionConf conf() const;
  plan::PlanPtr FindView(const std::string& name) const;
  /// With the settings of now.
  Result<plan::PlanPtr> Decode(const spark::connect::Relation& relation,
                               const plan::SessionConf& conf) const;

  Status ExecuteRelation(const spark::connect::Relation& relation, const Execution& execution,
                         std::stop_token stop);
  Status ShowString(const spark::connect::ShowString& show, const Execution& execution,
                    std::stop_token stop);
  Status ExecuteCommand(const spark::connect::Command& command, const Execution& execution,
                        std::stop_token stop);
  Status Write(const spark::connect::WriteOperation& write, std::stop_token stop);
  Status StartQuery(const spark::connect::WriteStreamOperationStart& start,
                    const Execution& execution);
  Status QueryCommand(const spark::connect::StreamingQueryCommand& command,
                      const Execution& execution);
  Status ManagerCommand(const spark::connect::StreamingQueryManagerCommand& command,
                        const Execution& execution);

  const std::string id_;
  const SessionEnvironment environment_;
  mutable std::mutex mutex_;
  plan::SessionConf conf_;                              // guarded by mutex_
  std::map<std::string, plan::PlanPtr, std::less<>> views_;  // guarded by mutex_
  streaming::QueryManager queries_;
};

}  // namespace millrace::connect_plan
