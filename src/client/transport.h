// The way from the C++ API to an engine: Spark Connect's calls, without saying how they
// travel.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "millrace/status.h"
#include "spark/connect/base.pb.h"

namespace millrace::client {

/// Threading: all methods may be called from any thread, and run side by side.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Calls `on_response` for each response, in order, on the calling thread.
  virtual Status ExecutePlan(
      const spark::connect::ExecutePlanRequest& request,
      const std::function<Status(const spark::connect::ExecutePlanResponse&)>&
          on_response) = 0;
  virtual Result<spark::connect::AnalyzePlanResponse> AnalyzePlan(
      const spark::connect::AnalyzePlanRequest& request) = 0;
  virtual Result<spark::connect::ConfigResponse> Config(
      const spark::connect::ConfigRequest& request) = 0;
};

/// What Builder::Master names. Not defined here: the program links the one it wants (the
/// engine in the same process is in src/app), so that this module never knows the engine.
Result<std::unique_ptr<Transport>> ConnectTo(const std::string& master);

}  // namespace millrace::client
