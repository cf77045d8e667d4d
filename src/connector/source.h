// What the author of a source reads: a streaming source plans ranges of offsets and opens
// readers for them; a batch source lists its splits.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/options.h"
#include "connector/durable_log.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connector {

/// A source's position as JSON text, in Spark's form; equal texts mean equal positions.
using Offset = std::string;

/// How much one batch may read; what the options ask for (maxOffsetsPerTrigger, …) is the
/// source's own business unless `unlimited`, which Trigger.Once sets.
struct ReadLimit {
  bool unlimited = false;
};

/// Gives the rows of one split, in order.
///
/// Threading: used by one thread; different readers of one source may run on different
/// threads.
class Reader {
 public:
  virtual ~Reader() = default;
  /// The next batch of rows (at least one), or null at the end of the split. Blocks while
  /// the rows are not there yet, returns soon after `stop` is requested (Cancelled
  /// error).
  virtual Result<data::Batch> Next(std::stop_token stop) = 0;
  /// How many bytes of input were read so far.
  virtual int64_t bytes_read() const { return 0; }
};

/// One part of what a batch reads: a Kafka partition's range, a file.
class Split {
 public:
  virtual ~Split() = default;
  /// Which partition of the source it belongs to: the unit of per-partition watermarks.
  virtual std::string partition() const = 0;
  virtual Result<std::unique_ptr<Reader>> Open() = 0;
};

/// A streaming source, Spark's SparkDataStream with SupportsAdmissionControl.
///
/// Life: Make, then for each batch Latest → Plan → Open each split → OnCommitted.
/// Threading: one thread (the query's), except where said.
class StreamSource {
 public:
  virtual ~StreamSource() = default;

  /// E.g. "KafkaV2[Subscribe[orders]]"; shown in status, progress and errors.
  virtual std::string description() const = 0;

  /// Where a new query begins. Called once, before anything else, only for a query
  /// without checkpoint; what must be remembered goes to the source's log. Nothing:
  /// before any data.
  virtual Result<std::optional<Offset>> Initial(std::stop_token stop) = 0;

  /// The end of what is there now, limited to what one batch from `start` may read.
  /// Nothing while there is no data at all. Equal to `start` where there is nothing new.
  virtual Result<std::optional<Offset>> Latest(const std::optional<Offset>& start,
                                               const ReadLimit& limit,
                                               std::stop_token stop) = 0;

  /// For Trigger.AvailableNow: fixes the end that Latest never exceeds from now on.
  virtual Status PrepareAvailableNow(std::stop_token stop) = 0;

  /// The splits of (start, end]; the same arguments always give the same rows.
  virtual Result<std::vector<std::unique_ptr<Split>>> Plan(
      const std::optional<Offset>& start, const Offset& end, std::stop_token stop) = 0;

  /// Batch with end offset `end` is committed; may forget what lies before it.
  virtual Status OnCommitted(const Offset& end) {
    (void)end;
    return Status::OK();
  }

  /// Spark's per-source metrics of the progress JSON, given the end of the last batch.
  virtual std::map<std::string, std::string> Metrics(
      const std::optional<Offset>& consumed) {
    (void)consumed;
    return {};
  }
  /// The newest offset known, for "latestOffset" in the progress; nothing if unknown.
  virtual std::optional<Offset> ReportLatest() { return std::nullopt; }

  /// Blocks until there may be new data, `deadline` has passed or `stop` is requested.
  /// Returns whether asking Latest is worth while. A source that cannot tell waits 10 ms
  /// on `clock` (spark.sql.streaming.pollingDelay) and says yes.
  virtual bool AwaitData(Clock& clock, EpochMillis deadline, std::stop_token stop) {
    clock.WaitUntil(std::min(deadline, clock.Now() + std::chrono::milliseconds(10)),
                    stop);
    return true;
  }

  /// The partitions (Split::partition) known to have rows beyond `end`: they hold back a
  /// watermark that follows the slowest partition; all others are caught up.
  virtual std::vector<std::string> LaggingPartitions(const Offset& end) {
    (void)end;
    return {};
  }
};

/// What a source gets when it is made.
struct SourceContext {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  std::string session_time_zone = "UTC";
  /// The top-level columns the query uses; all others may be left null or out. Nothing:
  /// all.
  std::optional<std::vector<std::string>> required_columns;
  /// sources/<i> in the checkpoint; null for batch reads.
  DurableLog* log = nullptr;
  /// Unique to the query; Kafka uses it as part of its group id.
  std::string query_id;
};

/// A format one can read: spark.read.format(name), spark.readStream.format(name).
/// Threading: all methods may be called from any thread.
class SourceProvider {
 public:
  virtual ~SourceProvider() = default;
  virtual std::string_view name() const = 0;
  virtual std::span<const OptionSpec> options() const = 0;

  /// The columns, checked options included. `user_schema` is what .schema(…) gave, or
  /// null. Spark checks some Kafka options only at start; those are checked in
  /// MakeStream.
  virtual Result<data::SchemaPtr> Schema(const Options& options,
                                         const std::vector<std::string>& paths,
                                         const data::SchemaPtr& user_schema,
                                         bool streaming,
                                         const SourceContext& context) const = 0;

  /// Readers give batches whose columns are `schema` restricted to
  /// context.required_columns, in the order of `schema`.
  virtual Result<std::unique_ptr<StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>& paths,
      const data::SchemaPtr& schema, const SourceContext& context) const = 0;

  /// The splits of a batch read.
  virtual Result<std::vector<std::unique_ptr<Split>>> PlanBatch(
      const Options& options, const std::vector<std::string>& paths,
      const data::SchemaPtr& schema, const SourceContext& context,
      std::stop_token stop) const = 0;

  /// The absolute paths of the files that a batch read would read; none where it reads no
  /// files.
  virtual Result<std::vector<std::string>> InputFiles(
      const Options& options, const std::vector<std::string>& paths,
      const SourceContext& context) const {
    (void)options, (void)paths, (void)context;
    return std::vector<std::string>();
  }
};

/// The error of a wait that was told to stop. Never shown to a user.
Status Cancelled();
bool IsCancelled(const Status& status);

}  // namespace millrace::connector
