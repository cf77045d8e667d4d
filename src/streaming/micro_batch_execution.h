// The micro-batch loop of one query: plan an epoch, make it durable, run it, commit it.
// Spark: MicroBatchExecution. ARCHITECTURE.md, "Life of a batch", has the order of the
// writes.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "connector/source.h"
#include "exec/pipeline.h"
#include "exec/scan_lanes.h"
#include "state/state_log.h"
#include "streaming/query_definition.h"
#include "streaming/query_state.h"
#include "streaming/watermark_tracker.h"

namespace millrace::streaming {

/// Threading: made on any thread, run on one.
/// Failure: the first error ends the run; the checkpoint is always as after a crash.
class MicroBatchExecution {
 public:
  /// Opens the checkpoint and checks that the query fits it. `environment` and `state`
  /// must outlive it. `stop_now` is for the sink, as in Run.
  static Result<std::unique_ptr<MicroBatchExecution>> Make(
      QueryDefinition definition, const QueryEnvironment& environment, std::string run_id,
      QueryState* state, std::stop_token stop_now);
  ~MicroBatchExecution();

  const std::string& id() const { return checkpoint_->query_id(); }

  /// Runs batches until the trigger is done, or a stop is requested: after `finish_batch`
  /// no new batch begins, and no source is asked or waited for; `stop_now` also abandons
  /// the batch under way.
  Status Run(std::stop_token finish_batch, std::stop_token stop_now);

  /// Current offsets by source, as errors and explain print them.
  std::string DescribeOffsets() const;

 private:
  // One source of the query and where it stands.
  struct Source {
    plan::PlanPtr scan;
    std::unique_ptr<connector::DurableLog> log;
    std::unique_ptr<connector::StreamSource> stream;
    std::unique_ptr<exec::ScanLanes> lanes;
    std::optional<connector::Offset> initial;    // where a new query begins
    std::optional<connector::Offset> committed;  // end of the last batch
    std::optional<connector::Offset> planned;    // end of the batch under way
    int64_t epoch_rows = 0;

    const std::optional<connector::Offset>& start() const {
      return committed ? committed : initial;
    }
  };
  class Timer;

  MicroBatchExecution(QueryDefinition definition, const QueryEnvironment& environment,
                      std::string run_id, QueryState* state);

  Status Open(std::stop_token stop_now);
  Status OpenState();
  Status OpenSources();
  Status Recover();
  Status RunTriggers(std::stop_token finish_batch, std::stop_token stop_now);
  Result<bool> RunTrigger(std::stop_token finish_batch, std::stop_token stop_now);
  Result<bool> PlanBatch(Timer* timer, std::stop_token finish_batch);
  Status RunBatch(Timer* timer, std::stop_token stop_now);
  Status FinishBatch();
  Status ReadSources(std::stop_token stop_now);
  Status ReadStream(size_t scan, size_t source, std::stop_token stop_now);
  Status ReadBatchScan(size_t index, const plan::LogicalPlan& scan,
                       std::stop_token stop_now);
  exec::PartitionIndex PartitionOf(size_t source, const std::string& name);
  std::set<exec::PartitionIndex> Lagging();
  exec::Epoch MakeEpoch() const;
  void AwaitNext(EpochMillis trigger_start, long idle_requests,
                 std::stop_token finish_batch);
  void ReportProgress(const Timer& timer, bool ran);
  checkpoint::OffsetSeq PlannedOffsets() const;

  QueryDefinition definition_;
  const QueryEnvironment environment_;
  const std::string run_id_;
  QueryState* const state_;
  std::string temporary_checkpoint_;  // to be removed at the end; empty if none

  std::unique_ptr<checkpoint::Checkpoint> checkpoint_;
  std::unique_ptr<exec::Pipeline> pipeline_;
  std::unique_ptr<state::StateLog> state_log_;  // null for a stateless query
  state::StateChanges changes_;
  std::vector<Source> sources_;      // streaming scans only
  std::vector<int> source_of_scan_;  // scan -> index in sources_, -1 for a batch scan
  std::unique_ptr<connector::Sink> sink_;
  std::optional<WatermarkTracker> watermark_;
  std::vector<std::pair<size_t, std::string>>
      partitions_;  // PartitionIndex -> source, name

  exec::Epoch epoch_;  // the current or last one
  int64_t batch_id_ = 0;
  bool is_planned_ = false;         // offsets/batch_id_ is durable
  int64_t batch_watermark_ms_ = 0;  // of the batch under way
  int64_t previous_watermark_ms_ = 0;
  int64_t batch_timestamp_ms_ = 0;
  int offset_format_ = 1;
  int64_t output_rows_ = 0;
  std::optional<EpochMillis> last_trigger_;
  EpochMillis last_progress_{};
};

}  // namespace millrace::streaming
