// Where the responses of one execution go: fills in the ids, and turns rows into Arrow batches.
#pragma once

#include <string>

#include "connect_plan/session.h"
#include "data/batch.h"

namespace millrace::connect_plan {

/// Threading: one thread.
class Session::Execution {
 public:
  Execution(const std::string& session_id, const spark::connect::ExecutePlanRequest& request,
            const ResponseWriter& write);

  /// A response with its ids set.
  spark::connect::ExecutePlanResponse MakeResponse() const;
  Status Write(const spark::connect::ExecutePlanResponse& response) const;
  Status WriteSchema(const arrow::Schema& schema) const;
  /// One Arrow batch; `*offset` is the number of rows sent before and is advanced.
  Status WriteRows(const data::Batch& batch, int64_t* offset) const;
  Status WriteComplete() const;

 private:
  const std::string& session_id_;
  const std::string& operation_id_;
  const ResponseWriter& write_;
};

}  // namespace millrace::connect_plan
