// Where the responses of one execution go: fills in the ids, and turns rows into Arrow
// batches.
#pragma once

#include <string>

#include "connect_plan/session.h"
#include "data/batch.h"

namespace millrace::connect_plan {

/// A batch of the engine as an Arrow stream of the types that clients know.
Result<std::string> ToArrowStream(const data::Batch& batch);

/// Threading: one thread.
class Session::Execution {
 public:
  Execution(const Session& session, const spark::connect::ExecutePlanRequest& request,
            const ResponseWriter& write);

  /// A response with its ids set.
  spark::connect::ExecutePlanResponse MakeResponse() const;
  Status Write(const spark::connect::ExecutePlanResponse& response) const;
  Status WriteSchema(const arrow::Schema& schema) const;
  /// The rows of a batch, at most 10,000 in a response, with times in `time_zone`;
  /// `*offset` is the number of rows sent before and is advanced.
  Status WriteRows(const data::Batch& batch, const std::string& time_zone,
                   int64_t* offset) const;
  /// What the query counted, after its rows.
  Status WriteMetrics(int64_t rows) const;
  Status WriteComplete() const;

  const spark::connect::ExecutePlanRequest& request() const { return request_; }

 private:
  const Session& session_;
  const spark::connect::ExecutePlanRequest& request_;
  const ResponseWriter& write_;
};

}  // namespace millrace::connect_plan
