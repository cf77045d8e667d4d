#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/checksum.h"

namespace millrace::checkpoint {
namespace {

// The id a file name stands for; nothing for other names, such as ".5.crc" or
// "9.compact".
std::optional<int64_t> ParseId(std::string_view name) {
  if (name.empty() || (name.size() > 1 && name[0] == '0')) return std::nullopt;
  int64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0)
    return std::nullopt;
  return id;
}

// What a crash in the middle of an atomic write leaves, ours or Spark's.
bool IsTemporary(std::string_view name) {
  return name.starts_with('.') && (name.ends_with(".tmp") || name.ends_with(".tmp.crc"));
}

// The id whose checksum Spark keeps in a file of this name.
std::optional<int64_t> ParseChecksumName(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(".crc")) return std::nullopt;
  return ParseId(name.substr(1, name.size() - 5));
}

}  // namespace

MetadataLog::MetadataLog(FileSystem* fs, std::string folder)
    : fs_(fs), folder_(std::move(folder)) {}

Status MetadataLog::Add(int64_t id, const std::string& content) {
  const std::string path = JoinPath(folder_, std::to_string(id));
  MILLRACE_ASSIGN_OR_RETURN(const auto existing, fs_->Stat(path));
  if (existing) {
    return Error(Fault::kUser,
                 "Concurrent update to the log. Multiple streaming jobs detected for {}. "
                 "Please make sure only one streaming job runs on a specific checkpoint "
                 "location at a time. '{}' exists already.",
                 id, path)
        .Class("CONCURRENT_STREAM_LOG_UPDATE", "40000")
        .Param("batchId", std::to_string(id))
        .Java(kSparkException);
  }
  MILLRACE_RETURN_IF_ERROR(fs_->MakeDirs(folder_));
  return WriteChecked(*fs_, path, content);
}

Result<std::optional<std::string>> MetadataLog::Get(int64_t id) const {
  const std::string path = JoinPath(folder_, std::to_string(id));
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(path));
  if (!info) return std::optional<std::string>();
  MILLRACE_ASSIGN_OR_RETURN(std::string content, ReadChecked(*fs_, path));
  return std::optional<std::string>(std::move(content));
}

Result<std::optional<int64_t>> MetadataLog::LatestId() const {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<int64_t> ids, Ids());
  return ids.empty() ? std::optional<int64_t>() : ids.back();
}

Result<std::vector<int64_t>> MetadataLog::Ids() const {
  std::vector<int64_t> ids;
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(folder_));
  if (!info) return ids;
  MILLRACE_ASSIGN_OR_RETURN(const auto files, fs_->List(folder_));
  for (const FileInfo& file : files) {
    if (const auto id = ParseId(file.name); id && !file.is_directory) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Status MetadataLog::PurgeBelow(int64_t id) {
  id = std::max<int64_t>(id, 0);
  if (!purged_below_) {
    // Only the first time: a batch should not cost a listing.
    MILLRACE_ASSIGN_OR_RETURN(const auto info, fs_->Stat(folder_));
    if (!info) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const auto files, fs_->List(folder_));
    for (const FileInfo& file : files) {
      const auto entry = ParseId(file.name);
      const auto checksum = ParseChecksumName(file.name);
      if ((entry && *entry < id) || (checksum && *checksum < id) ||
          IsTemporary(file.name)) {
        MILLRACE_RETURN_IF_ERROR(fs_->Remove(JoinPath(folder_, file.name)));
      }
    }
    purged_below_ = id;
    return Status::OK();
  }
  for (; *purged_below_ < id; ++*purged_below_) {
    MILLRACE_RETURN_IF_ERROR(
        fs_->Remove(JoinPath(folder_, std::to_string(*purged_below_))));
    MILLRACE_RETURN_IF_ERROR(
        fs_->Remove(JoinPath(folder_, ChecksumName(std::to_string(*purged_below_)))));
  }
  return Status::OK();
}

}  // namespace millrace::checkpoint
