// The command line of ecommerce_tracking, and how it ends.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "millrace/millrace.h"

namespace orders {

struct TrackingOptions {
  std::string bootstrap_servers = "127.0.0.1:9092";
  std::string topic = "orders";
  std::map<std::string, std::string> kafka;  // more options "kafka.…" of the source
  std::string checkpoint = "data/checkpoints";
  std::string output = "data/refined_orders";
  std::string trigger;  // of both queries; empty: as fast as possible for the console,
                        // every 10 seconds for the lake, so that its files are not tiny
  bool available_now = false;  // process what is there, then end

  millrace::Trigger console_trigger() const;
  millrace::Trigger lake_trigger() const;
};

/// Waits until all queries have ended or one failed, or SIGINT or SIGTERM came; then ends
/// the others after their current batch. The first failure, if any.
millrace::Status RunUntilSignal(const std::vector<millrace::StreamingQuery>& queries);

/// Reads the command line, runs `job`, prints its error. The program's exit code.
int RunProgram(int argc, char** argv,
               const std::function<millrace::Status(const TrackingOptions&)>& job);

}  // namespace orders
