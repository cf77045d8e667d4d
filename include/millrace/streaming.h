// Starting and watching streaming queries. Spark: DataStreamReader/Writer, Trigger,
// StreamingQuery.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/status.h"

namespace millrace {

namespace detail {
struct PlanNode;
using PlanPtr = std::shared_ptr<const PlanNode>;
class Connection;  // src/client/connection.h
struct WriteStreamSpec;
}  // namespace detail

/// When a streaming query runs its next batch.
class Trigger {
 public:
  enum class Kind { kProcessingTime, kAvailableNow, kOnce };

  /// At multiples of an interval ("10 seconds"); "0 seconds": as soon as there is data.
  static Trigger ProcessingTime(std::string_view interval) {
    return Trigger(Kind::kProcessingTime, std::string(interval));
  }
  /// All data that is there now, in as many batches as the source's limits ask for; then
  /// ends.
  static Trigger AvailableNow() { return Trigger(Kind::kAvailableNow, ""); }
  /// All data that is there now in one batch; then ends.
  static Trigger Once() { return Trigger(Kind::kOnce, ""); }

  Kind kind() const { return kind_; }
  const std::string& interval() const { return interval_; }

 private:
  Trigger(Kind kind, std::string interval)
      : kind_(kind), interval_(std::move(interval)) {}
  Kind kind_;
  std::string interval_;
};

struct StreamingQueryStatus {
  std::string message;
  bool is_data_available = false;
  bool is_trigger_active = false;
};

/// One batch's report; `json` has everything Spark's StreamingQueryProgress has.
struct StreamingQueryProgress {
  int64_t batch_id = 0;
  int64_t num_input_rows = 0;
  double input_rows_per_second = 0;
  double processed_rows_per_second = 0;
  std::string timestamp;
  std::string watermark;  // ISO 8601; empty without one
  std::string json;
};

/// A handle on a query that was started; copies mean the same query. The query goes on
/// when the handle is gone, until it is stopped or its session ends.
///
/// Threading: all methods may be called from any thread.
class StreamingQuery {
 public:
  StreamingQuery(std::shared_ptr<detail::Connection> connection, std::string id,
                 std::string run_id, std::string name);

  /// Kept in the checkpoint: the same over restarts.
  const std::string& Id() const { return id_; }
  /// New with each start.
  const std::string& RunId() const { return run_id_; }
  const std::string& Name() const { return name_; }

  Result<bool> IsActive() const;
  Result<StreamingQueryStatus> Status() const;
  Result<std::optional<StreamingQueryProgress>> LastProgress() const;
  Result<std::vector<StreamingQueryProgress>> RecentProgress() const;
  /// Why it failed, if it did.
  Result<std::optional<std::string>> Exception() const;

  /// Until all data that is there now is processed and committed.
  millrace::Status ProcessAllAvailable() const;
  /// Until the query ended: true; its failure as an error; false where `timeout` passed
  /// before.
  Result<bool> AwaitTermination(
      std::optional<std::chrono::milliseconds> timeout = std::nullopt) const;
  /// Ends it after the batch under way.
  millrace::Status Stop() const;

 private:
  std::shared_ptr<detail::Connection> connection_;
  std::string id_;
  std::string run_id_;
  std::string name_;
};

/// Built step by step from DataFrame::WriteStream(); Start() is the action.
class DataStreamWriter {
 public:
  explicit DataStreamWriter(detail::PlanPtr plan);

  DataStreamWriter& Format(std::string_view format);
  DataStreamWriter& Option(std::string_view key, std::string_view value);
  DataStreamWriter& Option(std::string_view key, const char* value) {
    return Option(key, std::string_view(value));
  }
  DataStreamWriter& Option(std::string_view key, bool value);
  DataStreamWriter& Option(std::string_view key, int64_t value);
  DataStreamWriter& Option(std::string_view key, int value) {
    return Option(key, static_cast<int64_t>(value));
  }
  /// "append" (default), "update" or "complete".
  DataStreamWriter& OutputMode(std::string_view mode);
  DataStreamWriter& Trigger(const millrace::Trigger& trigger);
  DataStreamWriter& QueryName(std::string_view name);
  DataStreamWriter& PartitionBy(const std::vector<std::string>& columns);

  Result<StreamingQuery> Start() const;
  Result<StreamingQuery> Start(std::string_view path) const;

 private:
  std::shared_ptr<detail::WriteStreamSpec> spec_;
};

}  // namespace millrace
