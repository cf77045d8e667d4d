#include "streaming/micro_batch_execution.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/uuid.h"
#include "plan/streaming_rules.h"
#include "streaming/offset_conf.h"
#include "streaming/source_log.h"

namespace millrace::streaming {
namespace {

using connector::Offset;
using std::chrono::milliseconds;

int64_t Millis(EpochMillis time) { return time.time_since_epoch().count(); }
EpochMillis Instant(int64_t millis) { return EpochMillis(milliseconds(millis)); }

// Hands the result's rows to the sink's writer.
class ToSink final : public exec::Emitter {
 public:
  explicit ToSink(connector::SinkWriter* writer) : writer_(writer) {}
  Status Emit(data::Batch batch) override {
    rows_ += batch->num_rows();
    return writer_->Write(batch);
  }
  int64_t rows() const { return rows_; }

 private:
  connector::SinkWriter* const writer_;
  int64_t rows_ = 0;
};

std::vector<std::string> ColumnNames(const plan::LogicalPlan& scan) {
  std::vector<std::string> names;
  for (const plan::Attribute& attribute : scan.output) names.push_back(attribute.name);
  return names;
}

}  // namespace

// Durations of one trigger's phases, in the order they ran.
class MicroBatchExecution::Timer {
 public:
  explicit Timer(Clock* clock) : clock_(clock), start_(clock->Now()) {}

  template <typename F>
  auto Time(std::string phase, F&& run) {
    const EpochMillis begin = clock_->Now();
    auto result = run();
    phases_.emplace_back(std::move(phase), (clock_->Now() - begin).count());
    return result;
  }

  EpochMillis start() const { return start_; }
  int64_t elapsed() const { return (clock_->Now() - start_).count(); }
  const std::vector<std::pair<std::string, int64_t>>& phases() const { return phases_; }

 private:
  Clock* const clock_;
  const EpochMillis start_;
  std::vector<std::pair<std::string, int64_t>> phases_;
};

MicroBatchExecution::MicroBatchExecution(QueryDefinition definition,
                                         const QueryEnvironment& environment,
                                         std::string run_id, QueryState* state)
    : definition_(std::move(definition)),
      environment_(environment),
      run_id_(std::move(run_id)),
      state_(state) {}

MicroBatchExecution::~MicroBatchExecution() {
  if (temporary_checkpoint_.empty()) return;
  state_log_.reset();
  checkpoint_.reset();
  // A left-over temporary folder harms nobody.
  [[maybe_unused]] const Status ignored =
      environment_.fs->RemoveAll(temporary_checkpoint_);
}

Result<std::unique_ptr<MicroBatchExecution>> MicroBatchExecution::Make(
    QueryDefinition definition, const QueryEnvironment& environment, std::string run_id,
    QueryState* state, std::stop_token stop_now) {
  std::unique_ptr<MicroBatchExecution> execution(new MicroBatchExecution(
      std::move(definition), environment, std::move(run_id), state));
  MILLRACE_RETURN_IF_ERROR(execution->Open(std::move(stop_now)));
  return execution;
}

Status MicroBatchExecution::Open(std::stop_token stop_now) {
  std::string location = definition_.checkpoint_location;
  if (location.empty()) {
    temporary_checkpoint_ =
        (std::filesystem::temp_directory_path() / ("millrace-" + MakeUuid())).string();
    location = temporary_checkpoint_;
  }
  MILLRACE_ASSIGN_OR_RETURN(
      checkpoint_,
      checkpoint::Checkpoint::Open(environment_.fs, location, definition_.name));

  MILLRACE_ASSIGN_OR_RETURN(
      pipeline_, exec::Pipeline::Make(definition_.plan, {true, definition_.mode}));
  MILLRACE_ASSIGN_OR_RETURN(const bool spark_state, checkpoint_->HasSparkState());
  if (spark_state) {
    return Error(Fault::kUser,
                 "The checkpoint {} holds keyed state written by Spark, which Millrace "
                 "cannot "
                 "read: only stateless queries move between the two. Start this query "
                 "with a new "
                 "checkpointLocation, or go on with it on Spark.",
                 location)
        .Class("UNSUPPORTED_FEATURE.STATEFUL_CHECKPOINT_OF_SPARK", "0A000")
        .Java(kUnsupportedOperationException);
  }

  connector::SinkContext context;
  context.fs = environment_.fs;
  context.session_time_zone = definition_.conf.time_zone();
  context.mode = definition_.mode;
  context.session_id = definition_.conf.session_id();
  context.query_id = checkpoint_->query_id();
  context.query_name = definition_.name;
  context.path = definition_.path;
  context.partition_columns = definition_.partition_columns;
  context.state_folder = checkpoint_->own_folder("sink");
  context.stop = std::move(stop_now);
  MILLRACE_ASSIGN_OR_RETURN(
      sink_, definition_.sink->Make(definition_.sink_options, pipeline_->output_schema(),
                                    context));
  return Status::OK();
}

Status MicroBatchExecution::Run(std::stop_token finish_batch, std::stop_token stop_now) {
  MILLRACE_RETURN_IF_ERROR(Recover());
  MILLRACE_RETURN_IF_ERROR(OpenState());
  MILLRACE_RETURN_IF_ERROR(OpenSources());
  const Status result = RunTriggers(finish_batch, stop_now);
  if (state_log_ != nullptr) state_log_->AwaitSnapshots();
  return connector::IsCancelled(result) ? Status::OK() : result;
}

Status MicroBatchExecution::Recover() {
  MILLRACE_ASSIGN_OR_RETURN(const checkpoint::RecoveryPoint point,
                            checkpoint_->Recover());
  batch_id_ = point.next_batch;
  const checkpoint::OffsetSeq* latest =
      point.planned ? &*point.planned : (point.previous ? &*point.previous : nullptr);
  if (latest != nullptr) {
    MILLRACE_RETURN_IF_ERROR(ApplyOffsetConf(latest->conf, &definition_.conf));
    offset_format_ = latest->format_version;
  }
  const bool partition_min = definition_.conf.GetOr("millrace.streaming.watermarkPolicy",
                                                    "spark") == "partition-min";
  const bool max = definition_.conf.GetOr("spark.sql.streaming.multipleWatermarkPolicy",
                                          "min") == "max";
  watermark_.emplace(
      partition_min ? WatermarkPolicy::kPartitionMin : WatermarkPolicy::kSpark,
      max ? MultipleWatermarkPolicy::kMax : MultipleWatermarkPolicy::kMin);

  size_t streams = 0;
  for (const plan::PlanPtr& scan : pipeline_->scans()) {
    source_of_scan_.push_back(scan->streaming ? static_cast<int>(streams++) : -1);
  }
  sources_.resize(streams);
  const auto check = [&](const checkpoint::OffsetSeq& offsets) -> Status {
    if (offsets.offsets.size() == streams) return Status::OK();
    return Error(Fault::kUser,
                 "assertion failed: There are [{}] sources in the checkpoint offsets and "
                 "now "
                 "there are [{}] sources requested by the query. Cannot continue.",
                 offsets.offsets.size(), streams)
        .Java("java.lang.AssertionError");
  };
  if (point.previous) {
    MILLRACE_RETURN_IF_ERROR(check(*point.previous));
    for (size_t i = 0; i < streams; ++i)
      sources_[i].committed = point.previous->offsets[i];
    previous_watermark_ms_ = point.previous->batch_watermark_ms;
  }
  if (point.previous_commit)
    watermark_->Restore(point.previous_commit->next_batch_watermark_ms);
  if (point.planned) {
    MILLRACE_RETURN_IF_ERROR(check(*point.planned));
    for (size_t i = 0; i < streams; ++i) sources_[i].planned = point.planned->offsets[i];
    batch_watermark_ms_ = point.planned->batch_watermark_ms;
    batch_timestamp_ms_ = point.planned->batch_timestamp_ms;
    watermark_->Restore(batch_watermark_ms_);
    is_planned_ = true;
  }
  return Status::OK();
}

Status MicroBatchExecution::OpenState() {
  const std::string folder = checkpoint_->own_folder("state");
  const std::vector<state::OperatorStateInfo> infos = pipeline_->state_infos();
  if (infos.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info,
                              environment_.fs->Stat(folder));
    if (!info) return Status::OK();
  }
  state::StateLog::Options options;
  options.folder = folder;
  options.min_deltas_for_snapshot = static_cast<int>(
      definition_.conf.GetInt("spark.sql.streaming.stateStore.minDeltasForSnapshot"));
  options.batches_to_retain =
      static_cast<int>(definition_.conf.GetInt("spark.sql.streaming.minBatchesToRetain"));
  MILLRACE_ASSIGN_OR_RETURN(state_log_, state::StateLog::Open(environment_.fs, options));
  MILLRACE_RETURN_IF_ERROR(state_log_->CheckOperators(infos));
  // Operators are restored inside an epoch, so that they may ask for its watermarks.
  return state_log_->Load(batch_id_ - 1, [&](state::StoreId store, std::string_view key,
                                             std::string_view value) {
    return pipeline_->Restore(store, key, value);
  });
}

Status MicroBatchExecution::OpenSources() {
  for (size_t scan = 0; scan < source_of_scan_.size(); ++scan) {
    if (source_of_scan_[scan] < 0) continue;
    Source& source = sources_[source_of_scan_[scan]];
    source.scan = pipeline_->scans()[scan];
    source.lanes = std::make_unique<exec::ScanLanes>(pipeline_.get(), scan,
                                                     std::thread::hardware_concurrency());
    const auto& node = std::get<plan::Scan>(source.scan->node);
    source.log =
        MakeSourceLog(environment_.fs, checkpoint_->source_folder(source_of_scan_[scan]));
    connector::SourceContext context;
    context.fs = environment_.fs;
    context.clock = environment_.clock;
    context.session_time_zone = definition_.conf.time_zone();
    context.required_columns = ColumnNames(*source.scan);
    context.log = source.log.get();
    context.query_id = checkpoint_->query_id();
    MILLRACE_ASSIGN_OR_RETURN(
        source.stream,
        node.provider->MakeStream(node.options, node.paths, node.schema, context));
  }
  return Status::OK();
}

Status MicroBatchExecution::RunTriggers(std::stop_token finish_batch,
                                        std::stop_token stop_now) {
  const Trigger::Kind kind = definition_.trigger.kind;
  for (Source& source : sources_) {
    // A source learns where it begins once, before it is asked for anything else.
    if (!source.committed) {
      state_->SetStatus("Initializing sources", false, false);
      MILLRACE_ASSIGN_OR_RETURN(source.initial, source.stream->Initial(finish_batch));
    }
    if (kind == Trigger::Kind::kAvailableNow) {
      MILLRACE_RETURN_IF_ERROR(source.stream->PrepareAvailableNow(finish_batch));
    }
  }
  while (!finish_batch.stop_requested()) {
    const EpochMillis start = environment_.clock->Now();
    const long idle_requests = state_->idle_requests();
    MILLRACE_ASSIGN_OR_RETURN(const bool ran, RunTrigger(finish_batch, stop_now));
    if (kind == Trigger::Kind::kOnce) return Status::OK();
    if (kind == Trigger::Kind::kAvailableNow) {
      if (!ran) return Status::OK();
      continue;
    }
    if (!ran || kind == Trigger::Kind::kProcessingTime) {
      AwaitNext(start, idle_requests, finish_batch);
    }
  }
  return Status::OK();
}

// Until there may be something to do for the next trigger.
void MicroBatchExecution::AwaitNext(EpochMillis trigger_start, long idle_requests,
                                    std::stop_token finish_batch) {
  Clock& clock = *environment_.clock;
  if (definition_.trigger.kind == Trigger::Kind::kProcessingTime) {
    state_->SetStatus("Waiting for next trigger", false, false);
    const int64_t interval = std::max<int64_t>(1, definition_.trigger.interval.count());
    const int64_t next = (Millis(trigger_start) / interval + 1) * interval;
    // Spark begins at once where the interval has passed already.
    while (Millis(clock.Now()) < next && clock.WaitUntil(Instant(next), finish_batch)) {
    }
    return;
  }
  state_->SetStatus("Waiting for data to arrive", false, false);
  while (!finish_batch.stop_requested() && state_->idle_requests() == idle_requests) {
    for (Source& source : sources_) {
      const milliseconds slice(sources_.size() == 1 ? 100 : 10);
      if (source.stream->AwaitData(clock, clock.Now() + slice, finish_batch)) return;
    }
  }
}

// Plans and runs one batch if there is reason for one. True where a batch ran.
Result<bool> MicroBatchExecution::RunTrigger(std::stop_token finish_batch,
                                             std::stop_token stop_now) {
  const long trigger = state_->BeginTrigger();
  Timer timer(environment_.clock);
  if (!is_planned_) {
    MILLRACE_ASSIGN_OR_RETURN(is_planned_, PlanBatch(&timer, finish_batch));
  }
  if (!is_planned_) {
    ReportProgress(timer, false);
    state_->ReportIdle(trigger);
    return false;
  }
  MILLRACE_RETURN_IF_ERROR(RunBatch(&timer, stop_now));
  ReportProgress(timer, true);
  MILLRACE_RETURN_IF_ERROR(FinishBatch());
  return true;
}

// The batch is committed: the next one begins where it ended.
Status MicroBatchExecution::FinishBatch() {
  for (Source& source : sources_) {
    if (source.planned && source.planned != source.committed) {
      MILLRACE_RETURN_IF_ERROR(source.stream->OnCommitted(*source.planned));
    }
    source.committed = source.planned;
  }
  const auto retain =
      static_cast<int>(definition_.conf.GetInt("spark.sql.streaming.minBatchesToRetain"));
  MILLRACE_RETURN_IF_ERROR(checkpoint_->Purge(batch_id_, retain));
  if (state_log_ != nullptr) MILLRACE_RETURN_IF_ERROR(state_log_->Purge(batch_id_));
  previous_watermark_ms_ = batch_watermark_ms_;
  is_planned_ = false;
  ++batch_id_;
  return Status::OK();
}

// Decides what the next batch reads and makes that durable. False where there is nothing
// to do.
Result<bool> MicroBatchExecution::PlanBatch(Timer* timer, std::stop_token finish_batch) {
  const connector::ReadLimit limit{definition_.trigger.kind == Trigger::Kind::kOnce};
  bool new_data = false;
  const Status asked = timer->Time("latestOffset", [&]() -> Status {
    for (Source& source : sources_) {
      state_->SetStatus("Getting offsets from " + source.stream->description(), false,
                        true);
      MILLRACE_ASSIGN_OR_RETURN(
          source.planned, source.stream->Latest(source.start(), limit, finish_batch));
      if (!source.planned) source.planned = source.committed;
      // As in Spark, a new query's first batch runs even if it reads nothing.
      new_data = new_data || source.planned != source.committed;
    }
    return Status::OK();
  });
  MILLRACE_RETURN_IF_ERROR(asked);
  const bool no_data_batch =
      batch_id_ > 0 && definition_.trigger.kind != Trigger::Kind::kOnce &&
      definition_.conf.GetBool("spark.sql.streaming.noDataMicroBatches.enabled") &&
      pipeline_->WantsEpoch(previous_watermark_ms_ * 1000,
                            watermark_->watermark_ms() * 1000);
  if (!new_data && !no_data_batch) return false;

  batch_timestamp_ms_ = Millis(environment_.clock->Now());
  batch_watermark_ms_ = watermark_->watermark_ms();
  state_->SetStatus("Writing offsets to log", new_data, true);
  const Status written = timer->Time("walCommit", [&]() -> Status {
    return checkpoint_->offsets().Add(batch_id_, Serialize(PlannedOffsets()));
  });
  MILLRACE_RETURN_IF_ERROR(written);
  return true;
}

checkpoint::OffsetSeq MicroBatchExecution::PlannedOffsets() const {
  checkpoint::OffsetSeq offsets;
  offsets.batch_watermark_ms = batch_watermark_ms_;
  offsets.batch_timestamp_ms = batch_timestamp_ms_;
  offsets.conf = OffsetConf(definition_.conf);
  offsets.format_version = offset_format_;
  for (const Source& source : sources_) offsets.offsets.push_back(source.planned);
  return offsets;
}

exec::Epoch MicroBatchExecution::MakeEpoch() const {
  exec::Epoch epoch;
  epoch.id = batch_id_;
  epoch.eval.now_micros = batch_timestamp_ms_ * 1000;
  if (auto zone = data::TimeZone::Find(definition_.conf.time_zone()); zone.ok()) {
    epoch.eval.zone = *zone;
  }
  epoch.evict_watermark = batch_watermark_ms_ * 1000;
  const bool two_watermarks =
      definition_.conf.GetBool("spark.sql.streaming.statefulOperator.allowMultiple");
  epoch.late_watermark =
      two_watermarks ? previous_watermark_ms_ * 1000 : epoch.evict_watermark;
  return epoch;
}

// The order of the writes: offsets/N (done), then the rows and state of N durable, then
// the rows visible, then commits/N. A crash anywhere before commits/N makes N run again,
// from the same offsets and the state before it.
Status MicroBatchExecution::RunBatch(Timer* timer, std::stop_token stop_now) {
  state_->SetStatus("Processing new data", true, true);
  epoch_ = MakeEpoch();
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<connector::SinkWriter> writer,
                            sink_->Open(batch_id_, 0));
  ToSink to_sink(writer.get());
  const Status added = timer->Time("addBatch", [&]() -> Status {
    MILLRACE_RETURN_IF_ERROR(pipeline_->BeginEpoch(epoch_, &to_sink));
    MILLRACE_RETURN_IF_ERROR(ReadSources(stop_now));
    MILLRACE_RETURN_IF_ERROR(pipeline_->EndEpoch());
    MILLRACE_RETURN_IF_ERROR(pipeline_->TakeAccount().status());
    if (state_log_ != nullptr) {
      changes_.Clear();
      MILLRACE_RETURN_IF_ERROR(pipeline_->SaveState(&changes_));
      MILLRACE_RETURN_IF_ERROR(state_log_->Write(batch_id_, changes_));
    }
    MILLRACE_ASSIGN_OR_RETURN(const connector::CommitMessage message, writer->Prepare());
    return sink_->Commit(batch_id_, {&message, 1});
  });
  MILLRACE_RETURN_IF_ERROR(added);
  output_rows_ = to_sink.rows();

  watermark_->Update(pipeline_->watermarks(), Lagging());
  const Status committed = timer->Time("commitOffsets", [&]() -> Status {
    const checkpoint::CommitMetadata commit{watermark_->watermark_ms()};
    return checkpoint_->commits().Add(batch_id_, Serialize(commit));
  });
  MILLRACE_RETURN_IF_ERROR(committed);
  return Status::OK();
}

Status MicroBatchExecution::ReadSources(std::stop_token stop_now) {
  for (const size_t scan : pipeline_->read_order()) {
    if (source_of_scan_[scan] < 0) {
      MILLRACE_RETURN_IF_ERROR(ReadBatchScan(scan, *pipeline_->scans()[scan], stop_now));
    } else {
      MILLRACE_RETURN_IF_ERROR(
          ReadStream(scan, static_cast<size_t>(source_of_scan_[scan]), stop_now));
    }
    MILLRACE_RETURN_IF_ERROR(pipeline_->EndScan(scan));
  }
  return Status::OK();
}

Status MicroBatchExecution::ReadStream(size_t scan, size_t index,
                                       std::stop_token stop_now) {
  Source& source = sources_[index];
  source.epoch_rows = 0;
  if (!source.planned || source.planned == source.start()) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(
      std::vector<std::unique_ptr<connector::Split>> splits,
      source.stream->Plan(source.start(), *source.planned, stop_now));
  std::vector<exec::PartitionIndex> partitions;
  for (const auto& split : splits) {
    partitions.push_back(PartitionOf(index, split->partition()));
  }
  const bool in_order = sink_->keeps_row_order() && pipeline_->keeps_row_order();
  return source.lanes->Read(
      epoch_, std::move(splits), in_order, stop_now, [&](const exec::ScannedRows& rows) {
        source.epoch_rows += rows.rows_read;
        return pipeline_->PushFromChain(scan, rows.batches, partitions[rows.split]);
      });
}

// A table that a stream is combined with is read anew for every batch, as in Spark.
Status MicroBatchExecution::ReadBatchScan(size_t index, const plan::LogicalPlan& scan,
                                          std::stop_token stop_now) {
  const auto& node = std::get<plan::Scan>(scan.node);
  connector::SourceContext context;
  context.fs = environment_.fs;
  context.clock = environment_.clock;
  context.session_time_zone = definition_.conf.time_zone();
  context.required_columns = ColumnNames(scan);
  MILLRACE_ASSIGN_OR_RETURN(
      std::vector<std::unique_ptr<connector::Split>> splits,
      node.provider->PlanBatch(node.options, node.paths, node.schema, context, stop_now));
  exec::ScanLanes lanes(pipeline_.get(), index, std::thread::hardware_concurrency());
  return lanes.Read(epoch_, std::move(splits), true, stop_now,
                    [&](const exec::ScannedRows& rows) {
                      return pipeline_->PushFromChain(index, rows.batches, 0);
                    });
}

exec::PartitionIndex MicroBatchExecution::PartitionOf(size_t source,
                                                      const std::string& name) {
  const std::pair<size_t, std::string> wanted(source, name);
  const auto found = std::find(partitions_.begin(), partitions_.end(), wanted);
  if (found != partitions_.end()) {
    return static_cast<exec::PartitionIndex>(found - partitions_.begin());
  }
  partitions_.push_back(wanted);
  return static_cast<exec::PartitionIndex>(partitions_.size()) - 1;
}

std::set<exec::PartitionIndex> MicroBatchExecution::Lagging() {
  std::set<exec::PartitionIndex> lagging;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (!sources_[i].planned) continue;
    for (const std::string& name :
         sources_[i].stream->LaggingPartitions(*sources_[i].planned)) {
      lagging.insert(PartitionOf(i, name));
    }
  }
  return lagging;
}

void MicroBatchExecution::ReportProgress(const Timer& timer, bool ran) {
  const EpochMillis now = environment_.clock->Now();
  const milliseconds idle_interval(
      definition_.conf.GetInt("spark.sql.streaming.noDataProgressEventInterval"));
  // A query without data reports seldom.
  if (!ran && now - last_progress_ < idle_interval) return;
  last_progress_ = now;

  metrics::StreamingQueryProgress progress;
  progress.id = id();
  progress.run_id = run_id_;
  if (!definition_.name.empty()) progress.name = definition_.name;
  progress.timestamp = timer.start();
  progress.batch_id = batch_id_;
  progress.batch_duration_millis = timer.elapsed();
  progress.duration_millis.emplace_back("triggerExecution", timer.elapsed());
  for (const auto& phase : timer.phases()) progress.duration_millis.push_back(phase);
  if (last_trigger_) {
    progress.seconds_since_last =
        static_cast<double>((timer.start() - *last_trigger_).count()) / 1000;
  }
  last_trigger_ = timer.start();
  const std::vector<exec::EventTimeStats*> watermarks = pipeline_->watermarks();
  if (!watermarks.empty()) {
    progress.event_time.watermark =
        Instant(ran ? batch_watermark_ms_ : watermark_->watermark_ms());
    const exec::EventTimes& times = watermarks[0]->epoch_times();
    if (ran && times.count > 0) {
      progress.event_time.min = Instant(times.min / 1000);
      progress.event_time.max = Instant(times.max / 1000);
      progress.event_time.avg = Instant(
          static_cast<int64_t>(times.sum / static_cast<double>(times.count) / 1000));
    }
  }
  for (const exec::StateProgress& state : pipeline_->state_progress()) {
    progress.state_operators.push_back(
        {state.operator_name, state.rows_total, ran ? state.rows_updated : 0,
         ran ? state.rows_removed : 0, ran ? state.rows_dropped_by_watermark : 0,
         state.commit_millis, state.memory_bytes});
  }
  for (Source& source : sources_) {
    metrics::SourceProgress entry;
    entry.description = source.stream->description();
    entry.start_offset = source.committed;  // none for the first batch, as in Spark
    entry.end_offset = source.planned;
    entry.latest_offset = source.stream->ReportLatest();
    entry.input_rows = ran ? source.epoch_rows : 0;
    entry.metrics = source.stream->Metrics(source.planned);
    progress.sources.push_back(std::move(entry));
  }
  progress.sink_description = sink_->description();
  progress.output_rows = ran && sink_->counts_rows() ? output_rows_ : -1;
  if (ran) {
    if (auto account = pipeline_->TakeAccount(); account.ok()) {
      if (account->dropped_late > 0)
        progress.dropped_rows["late"] = account->dropped_late;
      if (account->dropped_null_time > 0) {
        progress.dropped_rows["nullEventTime"] = account->dropped_null_time;
      }
      if (account->dropped_duplicate > 0) {
        progress.dropped_rows["duplicate"] = account->dropped_duplicate;
      }
    }
  }
  state_->AddProgress(std::move(progress), ran);
}

std::string MicroBatchExecution::DescribeOffsets() const {
  std::string text;
  for (const Source& source : sources_) {
    if (!source.committed || source.stream == nullptr) continue;
    if (!text.empty()) text += ", ";
    text += source.stream->description() + ": " + *source.committed;
  }
  return "{" + text + "}";
}

}  // namespace millrace::streaming
