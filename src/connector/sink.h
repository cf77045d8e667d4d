// What the author of a sink reads: rows are written, prepared (durable, invisible) and
// committed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/options.h"
#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connector {

/// Spark's number of a micro-batch.
using BatchId = int64_t;

enum class OutputMode { kAppend, kUpdate, kComplete };

/// How to publish what one writer prepared; the sink's own encoding.
struct CommitMessage {
  std::string content;
  int64_t rows = 0;
};

enum class DeliveryGuarantee { kExactlyOnce, kAtLeastOnce };

/// Writes one part of one batch. Made by Sink::Open, used by one thread, used once.
class SinkWriter {
 public:
  /// Aborts if neither Prepare nor Abort was called.
  virtual ~SinkWriter() = default;

  virtual Status Write(const data::Batch& batch) = 0;

  /// Makes the rows durable but not yet visible, and says how to publish them. Last call.
  virtual Result<CommitMessage> Prepare() = 0;

  /// Removes what was written. Last call. Cannot fail: leftovers must be harmless.
  virtual void Abort() noexcept = 0;
};

/// Threading: one thread (the query's).
class Sink {
 public:
  virtual ~Sink() = default;

  /// E.g. "FileSink[/data/lake]"; shown in progress and errors.
  virtual std::string description() const = 0;

  /// `part` numbers the writers of one batch.
  virtual Result<std::unique_ptr<SinkWriter>> Open(BatchId batch, int part) = 0;

  /// Publishes a batch, all of it or nothing.
  ///
  /// Called again with the same `batch` (and new messages) if the engine died before it
  /// could record the commit. A sink that remembers `batch` as published must drop the
  /// new messages and return OK. Batches arrive in order. Called for empty batches too.
  virtual Status Commit(BatchId batch, std::span<const CommitMessage> messages) = 0;

  /// States what a user may rely on; checked by the crash suite.
  virtual DeliveryGuarantee guarantee() const = 0;

  /// Whether its readers see the rows in the order in which they were written.
  virtual bool keeps_row_order() const { return true; }

  /// Rows written are counted in the progress; a sink that cannot tell returns false (-1
  /// there).
  virtual bool counts_rows() const { return true; }
};

/// What a streaming sink gets when it is made.
struct SinkContext {
  FileSystem* fs = nullptr;
  std::string session_time_zone = "UTC";
  OutputMode mode = OutputMode::kAppend;
  std::string session_id;
  std::string query_id;
  std::string query_name;
  std::string path;  // from start(path) or option "path"; empty if none
  std::vector<std::string> partition_columns;
  /// millrace/sink in the checkpoint: the sink's own files. Empty where there is no
  /// checkpoint.
  std::string state_folder;
  bool streaming = true;  // false for df.write
  /// Requested when the query gives up the batch under way; a sink that waits for others
  /// ends its wait.
  std::stop_token stop;
};

/// How df.write treats what is there (Spark's SaveMode).
enum class SaveMode { kAppend, kOverwrite, kErrorIfExists, kIgnore };

/// A format one can write: df.writeStream.format(name), df.write.format(name).
/// Threading: all methods may be called from any thread.
class SinkProvider {
 public:
  virtual ~SinkProvider() = default;
  virtual std::string_view name() const = 0;
  virtual std::span<const OptionSpec> options() const = 0;
  virtual bool supports(OutputMode mode) const = 0;
  /// Whether a query may run without checkpointLocation (console, memory, noop: a
  /// temporary one).
  virtual bool needs_checkpoint() const = 0;

  virtual Result<std::unique_ptr<Sink>> Make(const Options& options,
                                             const data::SchemaPtr& schema,
                                             const SinkContext& context) const = 0;

  /// df.write: writes as batch 0 of a sink of its own. UNSUPPORTED_FEATURE by default.
  virtual Result<std::unique_ptr<Sink>> MakeBatch(const Options& options,
                                                  const data::SchemaPtr& schema,
                                                  const SinkContext& context,
                                                  SaveMode mode) const;
};

}  // namespace millrace::connector
