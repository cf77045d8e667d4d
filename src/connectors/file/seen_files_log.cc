#include "connectors/file/seen_files_log.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "connectors/file/partition_path.h"
#include "connectors/file/spark_metadata.h"

namespace millrace::connectors::file {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kCompact = ".compact";

Status Damaged(const std::string& path, std::string_view detail) {
  return Error(Fault::kExternal,
               "The file source's log '{}' is damaged: {}. Restore the checkpoint from a "
               "backup, "
               "or begin with a new one.",
               path, detail)
      .Java("java.lang.IllegalStateException")
      .Retryable(false);
}

std::optional<int64_t> BatchOf(std::string_view name) {
  if (name.ends_with(kCompact)) name.remove_suffix(kCompact.size());
  int64_t batch = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), batch);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return batch;
}

std::string Lines(int64_t batch, const std::vector<SeenFile>& files) {
  std::string lines;
  for (const SeenFile& file : files) {
    lines += fmt::format("\n{{\"path\":{},\"timestamp\":{},\"batchId\":{}}}",
                         Json(FileUri(file.path)).dump(), file.timestamp_ms, batch);
  }
  return lines;
}

}  // namespace

Result<SeenFilesLog> SeenFilesLog::Open(FileSystem& fs, std::string folder) {
  SeenFilesLog log(fs, std::move(folder));
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(log.folder_));
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs.List(log.folder_));
  std::map<int64_t, std::string> entries;
  std::vector<int64_t> compact;
  for (const FileInfo& info : infos) {
    const std::optional<int64_t> batch = BatchOf(info.name);
    if (!batch) continue;
    log.names_.push_back(info.name);
    std::string& name = entries[*batch];
    if (info.name.ends_with(kCompact)) compact.push_back(*batch);
    if (name.size() < info.name.size()) name = info.name;  // the compact one counts
  }
  if (entries.empty()) return log;
  // A log that Spark began keeps its interval, as in Spark.
  std::sort(compact.begin(), compact.end());
  if (compact.size() == 1) {
    log.compact_interval_ = compact[0] + 1;
    for (int64_t n = 10; n >= 2 && log.compact_interval_ > 10; --n) {
      if (log.compact_interval_ % n == 0) log.compact_interval_ = n;
    }
  } else if (compact.size() >= 2) {
    log.compact_interval_ = compact[compact.size() - 1] - compact[compact.size() - 2];
  }
  const int64_t first = compact.empty() ? 0 : compact.back();
  log.last_batch_ = entries.rbegin()->first;
  for (int64_t batch = first; batch <= log.last_batch_; ++batch) {
    const auto entry = entries.find(batch);
    if (entry == entries.end()) {
      return Damaged(JoinPath(log.folder_, fmt::format("{}", batch)),
                     "it does not exist");
    }
    MILLRACE_RETURN_IF_ERROR(log.Read(entry->second, batch));
  }
  return log;
}

Status SeenFilesLog::Read(const std::string& name, int64_t batch) {
  const std::string path = JoinPath(folder_, name);
  MILLRACE_ASSIGN_OR_RETURN(const std::string content, fs_->ReadFile(path));
  size_t end = std::min(content.find('\n'), content.size());
  if (std::string_view(content).substr(0, end) != "v1") {
    return Damaged(path, "it does not begin with v1");
  }
  try {
    for (size_t begin = end + 1; begin < content.size(); begin = end + 1) {
      end = std::min(content.find('\n', begin), content.size());
      const Json line = Json::parse(content.begin() + static_cast<ptrdiff_t>(begin),
                                    content.begin() + static_cast<ptrdiff_t>(end));
      MILLRACE_ASSIGN_OR_RETURN(const std::string local,
                                LocalPath(line.at("path").get<std::string>()));
      files_[line.value("batchId", batch)].push_back(
          {.path = UnescapePathName(local),
           .timestamp_ms = line.at("timestamp").get<int64_t>()});
    }
  } catch (const Json::exception& e) {
    return Damaged(path, e.what());
  }
  return Status::OK();
}

std::vector<SeenFile> SeenFilesLog::All() const {
  return last_batch_ < 0 ? std::vector<SeenFile>()
                         : Range(files_.begin()->first, last_batch_);
}

std::vector<SeenFile> SeenFilesLog::Range(int64_t first, int64_t last) const {
  std::vector<SeenFile> files;
  for (auto it = files_.lower_bound(first); it != files_.end() && it->first <= last;
       ++it) {
    files.insert(files.end(), it->second.begin(), it->second.end());
  }
  return files;
}

Status SeenFilesLog::Add(std::vector<SeenFile> files) {
  const int64_t batch = last_batch_ + 1;
  const bool compact = (batch + 1) % compact_interval_ == 0;
  std::string content = "v1";
  if (compact) {
    for (const auto& [old, some] : files_) content += Lines(old, some);
  }
  content += Lines(batch, files);
  std::string name = fmt::format("{}{}", batch, compact ? kCompact : "");
  MILLRACE_RETURN_IF_ERROR(fs_->WriteFileAtomically(JoinPath(folder_, name), content));
  last_batch_ = batch;
  files_[batch] = std::move(files);
  if (compact) {
    // Spark reads the interval off the compact files' distance; the last but one stays.
    const std::string before = fmt::format("{}{}", batch - compact_interval_, kCompact);
    std::vector<std::string> kept;
    for (std::string& old : names_) {
      if (old == before) {
        kept.push_back(std::move(old));
      } else {
        MILLRACE_RETURN_IF_ERROR(fs_->Remove(JoinPath(folder_, old)));
      }
    }
    names_ = std::move(kept);
  }
  names_.push_back(std::move(name));
  return Status::OK();
}

}  // namespace millrace::connectors::file
