#include "connectors/console/console_sink.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <ostream>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "base/error.h"
#include "data/show.h"

namespace millrace::connectors::console {
namespace {

using namespace connector;  // NOLINT: this file only implements its interfaces

constexpr OptionSpec kOptions[] = {
    {.key = "numRows",
     .type = OptionType::kInteger,
     .fallback = "20",
     .help = "So many rows of a batch are printed."},
    {.key = "truncate",
     .type = OptionType::kBoolean,
     .fallback = "true",
     .help = "Whether cells longer than 20 characters are cut."},
    {.key = "checkpointLocation", .help = "Where progress is kept; read by the engine."},
};

constexpr std::string_view kRule = "-------------------------------------------";

/// The stream of a provider, and whose turn it is.
struct Terminal {
  explicit Terminal(std::ostream& stream) : out(stream) {}
  std::ostream& out;
  std::mutex mutex;
};

/// The rows of the batch under way that will be shown.
///
/// Threading: writers of one batch may run on different threads.
struct Pending {
  std::mutex mutex;
  std::map<int, std::vector<data::Batch>> parts;  // guarded by mutex
};

class ConsoleWriter final : public SinkWriter {
 public:
  ConsoleWriter(Pending& pending, int part, int64_t keep)
      : pending_(pending), part_(part), keep_(keep) {}

  Status Write(const data::Batch& batch) override {
    rows_ += batch->num_rows();
    if (kept_ >= keep_ || batch->num_rows() == 0) return Status::OK();
    const int64_t count = std::min(keep_ - kept_, batch->num_rows());
    kept_ += count;
    // The buffers a batch came in are not held until the commit.
    MILLRACE_ASSIGN_OR_RETURN(data::Batch copy, data::Compact(batch->Slice(0, count)));
    batches_.push_back(std::move(copy));
    return Status::OK();
  }

  Result<CommitMessage> Prepare() override {
    std::lock_guard lock(pending_.mutex);
    pending_.parts[part_] = std::move(batches_);
    return CommitMessage{.content = fmt::format("{}", part_), .rows = rows_};
  }

  void Abort() noexcept override { batches_.clear(); }

 private:
  Pending& pending_;
  const int part_;
  const int64_t keep_;
  int64_t kept_ = 0;
  int64_t rows_ = 0;
  std::vector<data::Batch> batches_;
};

class ConsoleSink final : public Sink {
 public:
  ConsoleSink(std::shared_ptr<Terminal> terminal, data::SchemaPtr schema,
              data::ShowOptions show)
      : terminal_(std::move(terminal)),
        schema_(std::move(schema)),
        show_(std::move(show)) {}

  std::string description() const override {
    return fmt::format("org.apache.spark.sql.execution.streaming.ConsoleTable$@{:x}",
                       reinterpret_cast<uintptr_t>(this) & 0xffffffff);
  }

  Result<std::unique_ptr<SinkWriter>> Open(BatchId batch, int part) override {
    {
      std::lock_guard lock(pending_.mutex);
      if (batch != batch_) pending_.parts.clear();  // of a batch that failed
      batch_ = batch;
    }
    // One row more says whether there are more than are shown.
    return std::unique_ptr<SinkWriter>(
        std::make_unique<ConsoleWriter>(pending_, part, int64_t{show_.num_rows} + 1));
  }

  Status Commit(BatchId batch, std::span<const CommitMessage>) override {
    std::map<int, std::vector<data::Batch>> parts;
    {
      std::lock_guard lock(pending_.mutex);
      if (batch == batch_) parts = std::move(pending_.parts);
      pending_.parts.clear();
    }
    std::vector<data::Batch> batches;
    for (auto& [part, some] : parts)
      batches.insert(batches.end(), some.begin(), some.end());
    MILLRACE_ASSIGN_OR_RETURN(const std::string table,
                              data::ShowString(*schema_, batches, show_));
    std::lock_guard lock(terminal_->mutex);
    terminal_->out << kRule << "\nBatch: " << batch << '\n'
                   << kRule << '\n'
                   << table << '\n';
    terminal_->out.flush();
    if (!terminal_->out.good()) {
      terminal_->out.clear();
      return ExternalError("Cannot print batch {}: the output stream is closed.", batch);
    }
    return Status::OK();
  }

  DeliveryGuarantee guarantee() const override { return DeliveryGuarantee::kAtLeastOnce; }

 private:
  const std::shared_ptr<Terminal> terminal_;
  const data::SchemaPtr schema_;
  const data::ShowOptions show_;
  Pending pending_;
  BatchId batch_ = -1;  // guarded by pending_.mutex
};

class ConsoleSinkProvider final : public SinkProvider {
 public:
  explicit ConsoleSinkProvider(std::ostream& out)
      : terminal_(std::make_shared<Terminal>(out)) {}

  std::string_view name() const override { return "console"; }
  std::span<const OptionSpec> options() const override { return kOptions; }
  bool supports(OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return false; }

  Result<std::unique_ptr<Sink>> Make(const Options& options,
                                     const data::SchemaPtr& schema,
                                     const SinkContext& context) const override {
    MILLRACE_RETURN_IF_ERROR(options.Check("console sink", kOptions));
    data::ShowOptions show;
    MILLRACE_ASSIGN_OR_RETURN(const int64_t rows, options.GetInt("numRows", 20));
    MILLRACE_ASSIGN_OR_RETURN(const bool truncate, options.GetBool("truncate", true));
    show.num_rows = static_cast<int>(
        std::clamp<int64_t>(rows, 0, std::numeric_limits<int>::max() - 1));
    show.truncate = truncate ? 20 : 0;
    show.time_zone = context.session_time_zone;
    return std::unique_ptr<Sink>(
        std::make_unique<ConsoleSink>(terminal_, schema, std::move(show)));
  }

 private:
  const std::shared_ptr<Terminal> terminal_;
};

}  // namespace

std::unique_ptr<SinkProvider> MakeConsoleSinkProvider(std::ostream& out) {
  return std::make_unique<ConsoleSinkProvider>(out);
}

}  // namespace millrace::connectors::console
