// Everything a streaming query is started with.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connector/sink.h"
#include "plan/catalog.h"
#include "plan/logical_plan.h"

namespace millrace::streaming {

class QueryListener;
class StreamingQuery;

struct Trigger {
  enum class Kind {
    kDefault,         // the next batch as soon as there is data
    kProcessingTime,  // at multiples of `interval` of the clock
    kAvailableNow,    // all that is there at the start, in several batches, then end
    kOnce,            // all that is there in one batch, then end
  };
  Kind kind = Kind::kDefault;
  std::chrono::milliseconds interval{};
};

struct QueryDefinition {
  plan::PlanPtr plan;  // optimised
  connector::OutputMode mode = connector::OutputMode::kAppend;
  Trigger trigger;
  std::string name;  // empty: none
  const connector::SinkProvider* sink = nullptr;
  std::shared_ptr<const connector::SinkProvider>
      own_sink;  // where `sink` is this query's alone
  Options sink_options;
  std::string path;  // start(path); empty: none
  std::vector<std::string> partition_columns;
  std::string checkpoint_location;  // empty: a temporary one
  plan::SessionConf conf;
};

/// What a query needs of the process. All must outlive it.
struct QueryEnvironment {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  QueryListener* listener = nullptr;  // may be null
  /// Called on the query's thread when it has ended; what it says of itself is final
  /// then. `cause` is why it failed, without the STREAM_FAILED around it; OK where it did
  /// not fail.
  std::function<void(const StreamingQuery& query, const Status& cause)> on_end = {};
};

}  // namespace millrace::streaming
