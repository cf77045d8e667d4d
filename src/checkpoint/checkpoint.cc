#include "checkpoint/checkpoint.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/uuid.h"
#include "checkpoint/checksum.h"

namespace millrace::checkpoint {
namespace {

// Who holds the lock, for whoever finds it held.
std::string DescribeOwner(const std::string& query_name) {
  char host[HOST_NAME_MAX + 1] = "unknown";
  (void)gethostname(host, sizeof(host) - 1);
  const auto now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("process {} on host {}, query {}, since {:%Y-%m-%dT%H:%M:%S}Z",
                     getpid(), host, query_name.empty() ? "without name" : query_name,
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

Result<std::string> ParseQueryId(const std::string& text, const std::string& file) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    const auto id = json.find("id");
    if (id != json.end() && id->is_string()) return id->get<std::string>();
  }
  return ExternalError(
             "Cannot read '{}': wanted {{\"id\":\"…\"}}, found: '{}'. Restore the file "
             "from "
             "a backup, or start with a new checkpoint.",
             file, text.substr(0, 80))
      .Retryable(false);
}

template <typename T>
Result<std::optional<T>> ReadEntry(const MetadataLog& log, int64_t id,
                                   Result<T> (*parse)(const std::string&,
                                                      const std::string&)) {
  if (id < 0) return std::optional<T>();
  MILLRACE_ASSIGN_OR_RETURN(const auto content, log.Get(id));
  if (!content) return std::optional<T>();
  MILLRACE_ASSIGN_OR_RETURN(T entry,
                            parse(*content, JoinPath(log.folder(), std::to_string(id))));
  return std::optional<T>(std::move(entry));
}

Error MissingEntry(const MetadataLog& log, int64_t id, std::string_view because_of) {
  return ExternalError(
             "Wanted '{}' because there is '{}', found none. Restore the file from a "
             "backup, "
             "or start with a new checkpoint.",
             JoinPath(log.folder(), std::to_string(id)), because_of)
      .Retryable(false);
}

Result<bool> HoldsBatches(const MetadataLog& offsets, const MetadataLog& commits) {
  MILLRACE_ASSIGN_OR_RETURN(const auto planned, offsets.LatestId());
  MILLRACE_ASSIGN_OR_RETURN(const auto committed, commits.LatestId());
  return planned.has_value() || committed.has_value();
}

}  // namespace

Checkpoint::Checkpoint(FileSystem* fs, std::string folder)
    : fs_(fs),
      folder_(std::move(folder)),
      offsets_(fs, JoinPath(folder_, "offsets")),
      commits_(fs, JoinPath(folder_, "commits")) {}

Result<std::unique_ptr<Checkpoint>> Checkpoint::Open(FileSystem* fs, std::string folder,
                                                     const std::string& query_name) {
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint(fs, std::move(folder)));
  MILLRACE_RETURN_IF_ERROR(fs->MakeDirs(JoinPath(checkpoint->folder_, "millrace")));
  MILLRACE_ASSIGN_OR_RETURN(checkpoint->lock_, fs->Lock(checkpoint->own_folder("lock"),
                                                        DescribeOwner(query_name)));
  MILLRACE_RETURN_IF_ERROR(checkpoint->ReadOrWriteMetadata());
  return checkpoint;
}

Status Checkpoint::ReadOrWriteMetadata() {
  const std::string path = JoinPath(folder_, "metadata");
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(path));
  if (info) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string content, ReadChecked(*fs_, path));
    MILLRACE_ASSIGN_OR_RETURN(query_id_, ParseQueryId(content, path));
    return Status::OK();
  }
  MILLRACE_ASSIGN_OR_RETURN(const bool used, HoldsBatches(offsets_, commits_));
  if (used) {
    return Error(
               Fault::kUser,
               "Checkpoint location {} is in an inconsistent state: the metadata file is "
               "missing but offset and/or commit logs contain data. Please restore the "
               "metadata file or create a new checkpoint directory.",
               folder_)
        .Class("STREAMING_CHECKPOINT_MISSING_METADATA_FILE", "42K03")
        .Param("checkpointLocation", folder_)
        .Java(kSparkRuntimeException);
  }
  query_id_ = MakeUuid();
  is_new_ = true;
  return WriteChecked(*fs_, path, fmt::format("{{\"id\":\"{}\"}}", query_id_));
}

Result<RecoveryPoint> Checkpoint::Recover() const {
  MILLRACE_ASSIGN_OR_RETURN(const auto planned, offsets_.LatestId());
  MILLRACE_ASSIGN_OR_RETURN(const auto committed, commits_.LatestId());
  RecoveryPoint point;
  if (!planned && !committed) return point;
  if (committed && (!planned || *planned < *committed)) {
    return MissingEntry(offsets_, *committed,
                        JoinPath(commits_.folder(), std::to_string(*committed)));
  }

  const bool rerun = !committed || *committed < *planned;
  point.next_batch = rerun ? *planned : *planned + 1;
  const int64_t last = point.next_batch - 1;
  if (rerun) {
    MILLRACE_ASSIGN_OR_RETURN(point.planned,
                              ReadEntry(offsets_, *planned, ParseOffsetSeq));
  }
  MILLRACE_ASSIGN_OR_RETURN(point.previous, ReadEntry(offsets_, last, ParseOffsetSeq));
  if (last >= 0 && !point.previous) {
    return MissingEntry(offsets_, last,
                        JoinPath(offsets_.folder(), std::to_string(*planned)));
  }
  MILLRACE_ASSIGN_OR_RETURN(point.previous_commit,
                            ReadEntry(commits_, last, ParseCommitMetadata));
  MILLRACE_ASSIGN_OR_RETURN(point.before_previous,
                            ReadEntry(offsets_, last - 1, ParseOffsetSeq));
  return point;
}

std::string Checkpoint::source_folder(int index) const {
  return JoinPath(JoinPath(folder_, "sources"), std::to_string(index));
}

std::string Checkpoint::own_folder(const std::string& name) const {
  return JoinPath(JoinPath(folder_, "millrace"), name);
}

Result<bool> Checkpoint::HasSparkState() const {
  const std::string path = JoinPath(folder_, "state");
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(path));
  if (!info || !info->is_directory) return false;
  MILLRACE_ASSIGN_OR_RETURN(const auto entries, fs_->List(path));
  return std::any_of(entries.begin(), entries.end(), [](const FileInfo& entry) {
    return entry.is_directory && !entry.name.empty() &&
           std::all_of(entry.name.begin(), entry.name.end(),
                       [](char c) { return c >= '0' && c <= '9'; });
  });
}

Status Checkpoint::Purge(int64_t current_batch, int retain) {
  MILLRACE_RETURN_IF_ERROR(offsets_.PurgeBelow(current_batch - retain));
  return commits_.PurgeBelow(current_batch - retain);
}

}  // namespace millrace::checkpoint
