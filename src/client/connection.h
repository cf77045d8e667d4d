// A session as the client sees it: an id, and the calls it makes over its transport.
#pragma once

#include <atomic>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/transport.h"
#include "data/batch.h"
#include "millrace/streaming.h"

namespace millrace::detail {

/// Threading: all methods may be called from any thread.
class Connection {
 public:
  explicit Connection(std::unique_ptr<client::Transport> transport);

  /// Runs a query; the rows of the result in the engine's types.
  Result<std::vector<data::Batch>> Execute(const spark::connect::Relation& relation);
  /// Runs a command; calls `on_response` for each response that carries a result.
  Status ExecuteCommand(
      const spark::connect::Command& command,
      const std::function<void(const spark::connect::ExecutePlanResponse&)>& on_response);
  /// `request` needs only its `analyze` part.
  Result<spark::connect::AnalyzePlanResponse> Analyze(
      spark::connect::AnalyzePlanRequest request);
  Result<spark::connect::ConfigResponse> Config(
      const spark::connect::ConfigRequest::Operation& operation);
  /// Numbers the operators of a session's plans.
  int64_t NextPlanId();

 private:
  spark::connect::ExecutePlanRequest NewRequest() const;

  const std::unique_ptr<client::Transport> transport_;
  const std::string session_id_;
  std::atomic<int64_t> plan_id_{0};
};

}  // namespace millrace::detail
