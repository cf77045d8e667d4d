#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <arrow/record_batch.h>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/memory/memory.h"

namespace millrace::connectors::memory {
namespace {

using namespace connector;  // NOLINT: this file only implements its interfaces

constexpr OptionSpec kOptions[] = {
    {.key = "checkpointLocation", .help = "Where progress is kept; read by the engine."},
};

/// The rows of the batch under way.
///
/// Threading: writers of one batch may run on different threads.
struct Pending {
  std::mutex mutex;
  std::map<int, std::vector<data::Batch>> parts;  // guarded by mutex
};

class MemoryWriter final : public SinkWriter {
 public:
  MemoryWriter(Pending& pending, int part) : pending_(pending), part_(part) {}

  Status Write(const data::Batch& batch) override {
    if (batch->num_rows() == 0) return Status::OK();
    rows_ += batch->num_rows();
    MILLRACE_ASSIGN_OR_RETURN(data::Batch copy, data::Compact(batch));
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
  int64_t rows_ = 0;
  std::vector<data::Batch> batches_;
};

class MemorySink final : public Sink {
 public:
  MemorySink(MemoryTables& tables, std::string session_id, std::string table,
             int64_t number, bool replaces)
      : tables_(tables),
        session_id_(std::move(session_id)),
        table_(std::move(table)),
        number_(number),
        replaces_(replaces) {}

  std::string description() const override { return "MemorySink"; }

  Result<std::unique_ptr<SinkWriter>> Open(BatchId batch, int part) override {
    std::lock_guard lock(pending_.mutex);
    if (batch != open_batch_) pending_.parts.clear();  // of a batch that failed
    open_batch_ = batch;
    return std::unique_ptr<SinkWriter>(std::make_unique<MemoryWriter>(pending_, part));
  }

  Status Commit(BatchId batch, std::span<const CommitMessage>) override {
    std::vector<data::Batch> rows;
    {
      std::lock_guard lock(pending_.mutex);
      if (batch == open_batch_) {
        for (auto& [part, some] : pending_.parts)
          rows.insert(rows.end(), some.begin(), some.end());
      }
      pending_.parts.clear();
    }
    if (last_batch_ && batch <= *last_batch_) return Status::OK();
    last_batch_ = batch;
    tables_.Put(session_id_, table_, number_, std::move(rows), replaces_);
    return Status::OK();
  }

  DeliveryGuarantee guarantee() const override { return DeliveryGuarantee::kExactlyOnce; }

 private:
  MemoryTables& tables_;
  const std::string session_id_;
  const std::string table_;
  const int64_t number_;
  const bool replaces_;
  Pending pending_;
  BatchId open_batch_ = -1;  // guarded by pending_.mutex
  std::optional<BatchId> last_batch_;
};

class MemorySinkProvider final : public SinkProvider {
 public:
  explicit MemorySinkProvider(MemoryTables& tables) : tables_(tables) {}

  std::string_view name() const override { return "memory"; }
  std::span<const OptionSpec> options() const override { return kOptions; }
  bool supports(OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return false; }

  Result<std::unique_ptr<Sink>> Make(const Options& options,
                                     const data::SchemaPtr& schema,
                                     const SinkContext& context) const override {
    MILLRACE_RETURN_IF_ERROR(options.Check("memory sink", kOptions));
    if (context.query_name.empty()) {
      return Error(Fault::kUser, "queryName must be specified for memory sink.")
          .Class("_LEGACY_ERROR_TEMP_1194")
          .Java(kAnalysisException);
    }
    const int64_t number = tables_.Create(context.session_id, context.query_name, schema);
    return std::unique_ptr<Sink>(
        std::make_unique<MemorySink>(tables_, context.session_id, context.query_name,
                                     number, context.mode == OutputMode::kComplete));
  }

 private:
  MemoryTables& tables_;
};

}  // namespace

MemoryTables::Key MemoryTables::KeyOf(std::string_view session_id,
                                      std::string_view name) {
  return {std::string(session_id), LowerCase(name)};
}

std::optional<TableContent> MemoryTables::Find(std::string_view session_id,
                                               std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = tables_.find(KeyOf(session_id, name));
  if (found == tables_.end()) return std::nullopt;
  return found->second.content;
}

void MemoryTables::DropAll(std::string_view session_id) {
  std::lock_guard lock(mutex_);
  std::erase_if(tables_,
                [&](const auto& entry) { return entry.first.first == session_id; });
}

int64_t MemoryTables::Create(std::string_view session_id, std::string_view name,
                             const data::SchemaPtr& schema) {
  std::lock_guard lock(mutex_);
  Table& table = tables_[KeyOf(session_id, name)];
  table = {.number = ++created_, .content = {.schema = schema, .batches = {}}};
  return table.number;
}

void MemoryTables::Put(std::string_view session_id, std::string_view name, int64_t number,
                       std::vector<data::Batch> rows, bool replace) {
  std::lock_guard lock(mutex_);
  const auto found = tables_.find(KeyOf(session_id, name));
  if (found == tables_.end() || found->second.number != number) return;
  std::vector<data::Batch>& batches = found->second.content.batches;
  if (replace) batches.clear();
  std::move(rows.begin(), rows.end(), std::back_inserter(batches));
}

std::unique_ptr<SinkProvider> MakeMemorySinkProvider(MemoryTables& tables) {
  return std::make_unique<MemorySinkProvider>(tables);
}

}  // namespace millrace::connectors::memory
