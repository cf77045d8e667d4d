#include "connectors/file/spark_metadata.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/uuid.h"
#include "connectors/file/partition_path.h"

namespace millrace::connectors::file {
namespace {

using Json = nlohmann::json;
using connector::BatchId;

constexpr std::string_view kVersion = "v1";
constexpr BatchId kCompactInterval =
    10;  // Spark's default, which it takes over from the files

Status NotSparks(const std::string& path, std::string_view what) {
  return Error(Fault::kExternal,
               "Cannot read Spark's sink log file '{}': {}. Restore the file, or write "
               "the lake "
               "anew.",
               path, what)
      .Java("java.lang.IllegalStateException")
      .Retryable(false);
}

/// The local path of a URI whose reserved characters are percent-encoded.
Result<std::string> PathOfUri(const std::string& uri) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string path, LocalPath(uri));
  return UnescapePathName(path);
}

struct LogName {
  BatchId batch = 0;
  bool compact = false;
};
std::optional<LogName> ParseLogName(std::string_view name) {
  LogName parsed;
  const char* const end = name.data() + name.size();
  const auto [next, error] = std::from_chars(name.data(), end, parsed.batch);
  if (error != std::errc()) return std::nullopt;
  if (next == end) return parsed;
  parsed.compact = true;
  if (std::string_view(next, static_cast<size_t>(end - next)) != ".compact") {
    return std::nullopt;
  }
  return parsed;
}

/// Applies the lines of one log file to `files`, by path.
Status ReadLogFile(FileSystem& fs, const std::string& path, BatchId batch,
                   std::vector<SparkSinkFile>* files) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string content, fs.ReadFile(path));
  size_t end = std::min(content.find('\n'), content.size());
  const std::string_view version = std::string_view(content).substr(0, end);
  if (version != kVersion) {
    return NotSparks(path,
                     fmt::format("expected version '{}', found '{}'", kVersion, version));
  }
  try {
    for (size_t begin = end + 1; begin < content.size(); begin = end + 1) {
      end = std::min(content.find('\n', begin), content.size());
      const Json line = Json::parse(content.begin() + static_cast<ptrdiff_t>(begin),
                                    content.begin() + static_cast<ptrdiff_t>(end));
      MILLRACE_ASSIGN_OR_RETURN(std::string file,
                                PathOfUri(line.at("path").get<std::string>()));
      if (line.at("action").get<std::string>() == "delete") {
        std::erase_if(*files, [&](const SparkSinkFile& f) { return f.path == file; });
      } else {
        files->push_back({.path = std::move(file),
                          .size = line.at("size").get<int64_t>(),
                          .modified_ms = line.at("modificationTime").get<int64_t>(),
                          .batch = batch});
      }
    }
  } catch (const Json::exception& e) {
    return NotSparks(path, e.what());
  }
  return Status::OK();
}

std::string LineOf(const std::string& lake, const LakeFile& file) {
  // Spark's order of fields; Json objects would sort them.
  return fmt::format(
      "\n{{\"path\":{},\"size\":{},\"isDir\":false,\"modificationTime\":{},"
      "\"blockReplication\":1,\"blockSize\":33554432,\"action\":\"add\"}}",
      Json(FileUri(JoinPath(lake, file.path))).dump(), file.size, file.modified_ms);
}

/// Moves data files under `folder` that are not in `listed` to `target`, flat.
Status MoveUnlisted(FileSystem& fs, const std::string& folder,
                    const std::set<std::string>& listed, const std::string& target,
                    int* moved) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs.List(folder));
  bool changed = false;
  for (const FileInfo& info : infos) {
    const std::string path = JoinPath(folder, info.name);
    if (info.is_directory) {
      if (info.name.find('=') == std::string::npos) continue;
      MILLRACE_RETURN_IF_ERROR(MoveUnlisted(fs, path, listed, target, moved));
    } else if (!info.name.starts_with('.') && !info.name.starts_with('_') &&
               !listed.contains(path)) {
      MILLRACE_RETURN_IF_ERROR(
          fs.Rename(path, JoinPath(target, fmt::format("{}-{}", ++*moved, info.name))));
      changed = true;
    }
  }
  return changed ? fs.SyncDir(folder) : Status::OK();
}

}  // namespace

std::string FileUri(std::string_view path) {
  std::string uri = "file://";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    // java.net.URI quotes these in a path and leaves other characters, also non-ASCII
    // ones.
    if (byte <= 0x20 || byte == 0x7F ||
        std::string_view("\"#%<>?[\\]^`{|}").find(c) != std::string_view::npos) {
      uri += fmt::format("%{:02X}", byte);
    } else {
      uri += c;
    }
  }
  return uri;
}

Result<std::optional<SparkMetadata>> ReadSparkMetadata(FileSystem& fs,
                                                       const std::string& lake) {
  const std::string folder = JoinPath(lake, kSparkMetadataFolder);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs.Stat(folder));
  if (!info || !info->is_directory) return std::optional<SparkMetadata>();
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs.List(folder));
  std::map<BatchId, bool> logs;  // batch -> compact
  for (const FileInfo& file : infos) {
    if (const std::optional<LogName> name = ParseLogName(file.name)) {
      logs[name->batch] = logs[name->batch] || name->compact;
    }
  }
  SparkMetadata metadata;
  if (logs.empty()) return std::optional(std::move(metadata));
  // Everything before the newest compact file is in it.
  BatchId first = 0;
  for (const auto& [batch, compact] : logs) {
    if (compact) first = batch;
  }
  metadata.last_batch = logs.rbegin()->first;
  for (BatchId batch = first; batch <= metadata.last_batch; ++batch) {
    const auto log = logs.find(batch);
    const std::string path = JoinPath(folder, fmt::format("{}", batch));
    if (log == logs.end()) return NotSparks(path, "it does not exist");
    MILLRACE_RETURN_IF_ERROR(
        ReadLogFile(fs, log->second ? path + ".compact" : path, batch, &metadata.files));
  }
  return std::optional(std::move(metadata));
}

Status WriteSparkMetadata(FileSystem& fs, const std::string& lake,
                          const LakeHistory& history, BatchId last_batch) {
  const std::string folder = JoinPath(lake, kSparkMetadataFolder);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> present, fs.Stat(folder));
  if (present) {
    return ArgumentError(
        "Cannot hand '{}' over to Spark: '{}' exists already, so Spark or an earlier "
        "handover "
        "wrote it. Remove it if the lake belongs to Millrace.",
        lake, folder);
  }
  if (history.last_batch.value_or(-1) > last_batch) {
    return ArgumentError(
        "Cannot hand '{}' over to Spark: its last batch is {}, but the checkpoint's last "
        "committed batch is {}. Run the query once more, so that it finishes the batch.",
        lake, *history.last_batch, last_batch);
  }
  const bool here = history.batches.empty() ||
                    std::any_of(history.batches.begin(), history.batches.end(),
                                [&](const Manifest& m) { return m.lake == lake; });
  if (!here) {
    return ArgumentError(
        "Cannot hand '{}' over to Spark: the query published its files in '{}'. Was the "
        "folder "
        "moved? Move it back, or name that one.",
        lake, history.batches.back().lake);
  }
  // Spark wants every log file from the last compact one on, and none before it.
  const BatchId first =
      std::max<BatchId>(0, (last_batch + 1) / kCompactInterval * kCompactInterval - 1);
  std::vector<std::string> logs(
      static_cast<size_t>(std::max<BatchId>(0, last_batch - first + 1)),
      std::string(kVersion));
  for (const Manifest& manifest : history.batches) {
    if (manifest.lake != lake) continue;
    std::string& log = logs[static_cast<size_t>(std::max(manifest.batch, first) - first)];
    for (const LakeFile& file : manifest.files) {
      MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info,
                                fs.Stat(JoinPath(lake, file.path)));
      if (info) log += LineOf(lake, file);
    }
  }
  // Built beside and renamed, so that Spark sees all of it or nothing.
  const std::string draft =
      JoinPath(lake, fmt::format(".{}.draft", kSparkMetadataFolder));
  MILLRACE_RETURN_IF_ERROR(fs.RemoveAll(draft));
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(draft));
  for (size_t i = 0; i < logs.size(); ++i) {
    const BatchId batch = first + static_cast<BatchId>(i);
    const bool compact = (batch + 1) % kCompactInterval == 0;
    MILLRACE_RETURN_IF_ERROR(fs.WriteFileAtomically(
        JoinPath(draft, fmt::format("{}{}", batch, compact ? ".compact" : "")), logs[i]));
  }
  MILLRACE_RETURN_IF_ERROR(fs.Rename(draft, folder));
  return fs.SyncDir(lake);
}

Status TakeOverFromSpark(FileSystem& fs, const std::string& lake,
                         const std::string& state_folder, const std::string& staging) {
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<SparkMetadata> spark,
                            ReadSparkMetadata(fs, lake));
  if (!spark) {
    return ArgumentError(
        "'{}' has no {} folder: there is nothing to take over from Spark.", lake,
        kSparkMetadataFolder);
  }
  LakeHistory history;
  if (spark->last_batch >= 0) history.last_batch = spark->last_batch;
  std::set<std::string> listed;
  const std::string root = JoinPath(lake, "");
  for (const SparkSinkFile& file : spark->files) {
    if (!file.path.starts_with(root)) {
      return ArgumentError(
          "Cannot take over '{}': Spark's log lists '{}', which is not in it. Was the "
          "folder "
          "moved? Move it back.",
          lake, file.path);
    }
    listed.insert(file.path);
    if (history.batches.empty() || history.batches.back().batch != file.batch) {
      history.batches.push_back(
          {.batch = file.batch, .lake = lake, .staging = staging, .files = {}});
    }
    history.batches.back().files.push_back({.staged = "",
                                            .path = file.path.substr(root.size()),
                                            .rows = -1,
                                            .size = file.size,
                                            .modified_ms = file.modified_ms});
  }
  // After a crash the log may be there already: it is then the one written here.
  MILLRACE_ASSIGN_OR_RETURN(const LakeHistory present, ReadLakeLog(fs, state_folder));
  if (!present.last_batch || present.last_batch != history.last_batch) {
    MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(state_folder));
    MILLRACE_RETURN_IF_ERROR(StartLakeLog(fs, state_folder, history));
  }
  const std::string attic = JoinPath(staging, fmt::format("spark-{}", MakeUuid()));
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(attic));
  int moved = 0;
  MILLRACE_RETURN_IF_ERROR(MoveUnlisted(fs, lake, listed, attic, &moved));
  MILLRACE_RETURN_IF_ERROR(fs.SyncDir(attic));
  MILLRACE_RETURN_IF_ERROR(fs.Rename(JoinPath(lake, kSparkMetadataFolder),
                                     JoinPath(attic, kSparkMetadataFolder)));
  MILLRACE_RETURN_IF_ERROR(fs.SyncDir(attic));
  return fs.SyncDir(lake);
}

}  // namespace millrace::connectors::file
