#include "state/state_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "state/key_table.h"
#include "state/operator_infos.h"
#include "state/record.h"
#include "state/snapshot_worker.h"
#include "state/state_file.h"
#include "state/state_folder.h"
#include "state/state_merge.h"

namespace millrace::state {
namespace {

// Smaller deltas are one section: compressing a section for each group would cost more
// than writing the file.
constexpr size_t kMixedUpTo = 1 << 20;
// Sections are cut at this size, which bounds what readers hold.
constexpr size_t kSectionSize = 4 << 20;

/// Collects the records of one group and writes them as sections.
class SectionBuffer {
 public:
  explicit SectionBuffer(StateFileWriter* writer) : writer_(writer) {}

  Status Add(uint32_t group, const Record& record) {
    AppendRecord(record, &raw_);
    ++records_;
    return raw_.size() < kSectionSize ? Status::OK() : Flush(group);
  }

  Status Flush(uint32_t group) {
    MILLRACE_RETURN_IF_ERROR(writer_->AddSection(group, raw_, records_));
    raw_.clear();
    records_ = 0;
    return Status::OK();
  }

 private:
  StateFileWriter* const writer_;
  std::string raw_;
  uint64_t records_ = 0;
};

/// Writes large deltas group by group, so that a merge needs only one of them at a time.
Status WriteByGroup(const StateChanges& changes, uint32_t key_groups,
                    StateFileWriter* writer) {
  std::vector<std::vector<Record>> groups(key_groups);
  RecordReader reader(changes.records());
  Record record;
  while (!reader.AtEnd()) {
    if (!reader.Next(&record)) return InternalError("State changes hold half a record.");
    groups[KeyGroup(record.key, key_groups)].push_back(record);
  }
  SectionBuffer section(writer);
  for (uint32_t group = 0; group < key_groups; ++group) {
    for (const Record& change : groups[group]) {
      MILLRACE_RETURN_IF_ERROR(section.Add(group, change));
    }
    MILLRACE_RETURN_IF_ERROR(section.Flush(group));
  }
  return Status::OK();
}

}  // namespace

/// Threading: the worker only reads deltas and writes snapshots. Deltas it reads are
/// removed only after CancelFrom has stopped it, or where a finished snapshot covers
/// them.
class StateLog::Impl {
 public:
  Impl(FileSystem* fs, Options options)
      : fs_(fs),
        options_(std::move(options)),
        folder_(fs, options_.folder),
        worker_(
            [this](int64_t batch, std::stop_token stop) { RunSnapshot(batch, stop); }) {}

  Status Open();
  uint32_t key_groups() const { return folder_.key_groups(); }
  Status CheckOperators(const std::vector<OperatorStateInfo>& operators);
  Status Load(
      int64_t batch,
      const std::function<Status(StoreId, std::string_view, std::string_view)>& visit);
  Status Write(int64_t batch, const StateChanges& changes);
  Status Purge(int64_t last_batch);
  void AwaitSnapshots() { worker_.AwaitIdle(); }

 private:
  std::string layout_path() const { return JoinPath(folder_.path(), "operators"); }
  Status WriteLayout();
  Result<uint64_t> LinkOf(int64_t batch) const;
  Result<uint64_t> WriteDelta(int64_t batch, uint64_t link, const StateChanges& changes);
  void RunSnapshot(int64_t batch, std::stop_token stop) noexcept;
  Status WriteSnapshot(int64_t batch, std::stop_token stop);
  Result<std::unique_ptr<WritableFile>> FillSnapshot(const StateFiles& files,
                                                     int64_t batch,
                                                     const std::string& path,
                                                     std::stop_token stop);

  FileSystem* const fs_;
  const Options options_;
  StateFolder folder_;
  StateLayout layout_;  // the caller's thread
  bool layout_written_ = false;
  // The batch loaded or written last, and the digest of its delta.
  std::optional<std::pair<int64_t, uint64_t>> last_;

  SnapshotWorker worker_;  // last: it uses the others
};

Status StateLog::Impl::Open() {
  if (options_.key_groups == 0 || options_.key_groups >= kMixedGroups) {
    return ArgumentError("The number of key groups must be 1 or more, found: {}.",
                         options_.key_groups);
  }
  MILLRACE_RETURN_IF_ERROR(folder_.Open());
  layout_.key_groups = options_.key_groups;
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(layout_path()));
  if (info) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string text, fs_->ReadFile(layout_path()));
    MILLRACE_ASSIGN_OR_RETURN(layout_, ParseStateLayout(text, layout_path()));
    layout_written_ = true;
  } else if (!folder_.empty()) {
    return DamagedStateFile(layout_path(), 0,
                            "the file, because there is state beside it", "none");
  }
  folder_.set_key_groups(layout_.key_groups);
  return Status::OK();
}

Status StateLog::Impl::WriteLayout() {
  MILLRACE_RETURN_IF_ERROR(fs_->WriteFileAtomically(layout_path(), Serialize(layout_)));
  layout_written_ = true;
  return Status::OK();
}

Status StateLog::Impl::CheckOperators(const std::vector<OperatorStateInfo>& operators) {
  if (layout_.operators) return CheckCompatible(*layout_.operators, operators);
  layout_.operators = operators;
  const Status status = WriteLayout();
  if (!status.ok()) layout_.operators.reset();
  return status;
}

Status StateLog::Impl::Load(
    int64_t batch,
    const std::function<Status(StoreId, std::string_view, std::string_view)>& visit) {
  if (batch < 0) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(const StateFiles files, folder_.FilesOf(batch));
  last_.emplace(batch, files.deltas.empty() ? files.snapshot->header().link
                                            : files.deltas.back()->digest());
  return MergeStateFiles(
      files, folder_.key_groups(),
      [&visit](const Record& record) {
        return visit(record.store, record.key, *record.value);
      },
      [](uint32_t) { return Status::OK(); });
}

Status StateLog::Impl::Write(int64_t batch, const StateChanges& changes) {
  if (batch < 0)
    return InternalError("State belongs to batch 0 or later, found: {}.", batch);
  if (!layout_written_) MILLRACE_RETURN_IF_ERROR(WriteLayout());
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t link, LinkOf(batch));
  worker_.CancelFrom(batch);
  MILLRACE_RETURN_IF_ERROR(folder_.ForgetFrom(batch));
  last_.reset();
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t digest, WriteDelta(batch, link, changes));
  last_.emplace(batch, digest);
  folder_.AddDelta(batch);

  const bool due = batch - folder_.last_snapshot() >= options_.min_deltas_for_snapshot;
  if (due && !worker_.Request(batch)) {
    spdlog::warn("No snapshot of the state after batch {}: the system gives no thread.",
                 batch);
  }
  return Status::OK();
}

/// What the delta of `batch` links to.
Result<uint64_t> StateLog::Impl::LinkOf(int64_t batch) const {
  if (batch == 0) return uint64_t{0};
  if (last_ && last_->first == batch - 1) return last_->second;
  return folder_.DigestOf(batch - 1);
}

Result<uint64_t> StateLog::Impl::WriteDelta(int64_t batch, uint64_t link,
                                            const StateChanges& changes) {
  std::string content;
  StateFileWriter writer(folder_.Header(StateFileKind::kDelta, batch, link),
                         [&content](std::string_view bytes) {
                           content += bytes;
                           return Status::OK();
                         });
  if (changes.records().size() <= kMixedUpTo) {
    MILLRACE_RETURN_IF_ERROR(writer.AddSection(kMixedGroups, changes.records(),
                                               static_cast<uint64_t>(changes.count())));
  } else {
    MILLRACE_RETURN_IF_ERROR(WriteByGroup(changes, folder_.key_groups(), &writer));
  }
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t digest, writer.Finish());
  MILLRACE_RETURN_IF_ERROR(fs_->WriteFileAtomically(folder_.DeltaPath(batch), content));
  return digest;
}

void StateLog::Impl::RunSnapshot(int64_t batch, std::stop_token stop) noexcept {
  if (stop.stop_requested()) return;
  Status status;
  try {
    status = WriteSnapshot(batch, stop);
  } catch (const std::exception& error) {
    status = InternalError("{}", error.what());
  }
  if (!status.ok() && !stop.stop_requested()) {
    spdlog::warn("No snapshot of the state after batch {}; its deltas stay. {}", batch,
                 status.ToString());
  }
}

Status StateLog::Impl::WriteSnapshot(int64_t batch, std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(const StateFiles files, folder_.FilesOf(batch));
  if (files.deltas.empty()) return Status::OK();  // there is one already
  const std::string temporary = folder_.TemporarySnapshotPath(batch);
  const std::string path = folder_.SnapshotPath(batch);
  auto publish = [&]() -> Status {
    MILLRACE_ASSIGN_OR_RETURN(const auto file,
                              FillSnapshot(files, batch, temporary, stop));
    MILLRACE_RETURN_IF_ERROR(file->Sync());
    MILLRACE_RETURN_IF_ERROR(file->Close());
    MILLRACE_RETURN_IF_ERROR(fs_->Rename(temporary, path));
    return fs_->SyncDir(folder_.path());
  };
  const Status status = publish();
  if (status.ok()) {
    folder_.AddSnapshot(batch);
    return status;
  }
  // Whether this works does not matter: Open sweeps the first; the second, should it
  // stay, is whole, and passed over where its link does not fit.
  (void)fs_->Remove(temporary);
  (void)fs_->Remove(path);
  return status;
}

Result<std::unique_ptr<WritableFile>> StateLog::Impl::FillSnapshot(
    const StateFiles& files, int64_t batch, const std::string& path,
    std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(auto file, fs_->OpenForWrite(path));
  StateFileWriter writer(
      folder_.Header(StateFileKind::kSnapshot, batch, files.deltas.back()->digest()),
      [&file](std::string_view bytes) { return file->Append(bytes); });
  SectionBuffer section(&writer);
  uint32_t group = 0;
  MILLRACE_RETURN_IF_ERROR(MergeStateFiles(
      files, folder_.key_groups(),
      [&](const Record& record) { return section.Add(group, record); },
      [&](uint32_t done) -> Status {
        if (stop.stop_requested()) return InternalError("The snapshot was given up.");
        group = done + 1;
        return section.Flush(done);
      }));
  MILLRACE_RETURN_IF_ERROR(writer.Finish().status());
  return file;
}

Status StateLog::Impl::Purge(int64_t last_batch) {
  return folder_.PurgeBelow(last_batch - std::max(options_.batches_to_retain, 1) + 1);
}

StateLog::StateLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StateLog::~StateLog() = default;

Result<std::unique_ptr<StateLog>> StateLog::Open(FileSystem* fs, Options options) {
  auto impl = std::make_unique<Impl>(fs, std::move(options));
  MILLRACE_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<StateLog>(new StateLog(std::move(impl)));
}

uint32_t StateLog::key_groups() const { return impl_->key_groups(); }

Status StateLog::CheckOperators(const std::vector<OperatorStateInfo>& operators) {
  return impl_->CheckOperators(operators);
}

Status StateLog::Load(
    int64_t batch,
    const std::function<Status(StoreId, std::string_view, std::string_view)>& visit) {
  return impl_->Load(batch, visit);
}

Status StateLog::Write(int64_t batch, const StateChanges& changes) {
  return impl_->Write(batch, changes);
}

Status StateLog::Purge(int64_t last_batch) { return impl_->Purge(last_batch); }

void StateLog::AwaitSnapshots() { impl_->AwaitSnapshots(); }

}  // namespace millrace::state
