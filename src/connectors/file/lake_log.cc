#include "connectors/file/lake_log.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::connectors::file {
namespace {

using Json = nlohmann::json;
using connector::BatchId;

constexpr std::string_view kMagic = "millrace-lake-log 1 ";
/// So many files of one level are merged into one of the next …
constexpr size_t kFanOut = 32;
/// … up to this level: 32 * 32 batches a file. Larger files would make merging stall a
/// batch.
constexpr int kTopLevel = 2;

std::string Seal(std::string_view lines) {
  return fmt::format("{}{:016x}\n{}", kMagic, XXH64(lines.data(), lines.size(), 0),
                     lines);
}

Status Damaged(const std::string& path) {
  return Error(Fault::kExternal,
               "The lake's commit log file '{}' is damaged: its checksum does not match "
               "its "
               "content. Restore it from a backup; without it, it is unknown which "
               "batches the "
               "lake already has.",
               path)
      .Java(kSparkException)
      .Retryable(false);
}

Result<std::string> Unseal(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::string content, fs.ReadFile(path));
  const size_t header = kMagic.size() + 16 + 1;
  if (content.size() < header) return Damaged(path);
  std::string lines = content.substr(header);
  if (Seal(lines) != content) return Damaged(path);
  return lines;
}

Json ToJson(const std::vector<LakeFile>& files) {
  Json array = Json::array();
  for (const LakeFile& file : files) {
    array.push_back({{"staged", file.staged},
                     {"path", file.path},
                     {"rows", file.rows},
                     {"size", file.size},
                     {"modified", file.modified_ms}});
  }
  return array;
}

std::vector<LakeFile> FilesOf(const Json& array) {
  std::vector<LakeFile> files;
  files.reserve(array.size());
  for (const Json& entry : array) {
    files.push_back({.staged = entry.at("staged").get<std::string>(),
                     .path = entry.at("path").get<std::string>(),
                     .rows = entry.at("rows").get<int64_t>(),
                     .size = entry.at("size").get<int64_t>(),
                     .modified_ms = entry.at("modified").get<int64_t>()});
  }
  return files;
}

std::string LineOf(const Manifest& manifest) {
  const Json line = {{"batch", manifest.batch},
                     {"lake", manifest.lake},
                     {"staging", manifest.staging},
                     {"files", ToJson(manifest.files)}};
  return line.dump() + "\n";
}

Result<std::vector<Manifest>> ReadManifests(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string lines, Unseal(fs, path));
  std::vector<Manifest> manifests;
  try {
    for (size_t begin = 0; begin < lines.size();) {
      const size_t end = std::min(lines.find('\n', begin), lines.size());
      const Json line = Json::parse(lines.begin() + static_cast<ptrdiff_t>(begin),
                                    lines.begin() + static_cast<ptrdiff_t>(end));
      manifests.push_back({.batch = line.at("batch").get<BatchId>(),
                           .lake = line.at("lake").get<std::string>(),
                           .staging = line.at("staging").get<std::string>(),
                           .files = FilesOf(line.at("files"))});
      begin = end + 1;
    }
  } catch (const Json::exception&) {
    return Damaged(path);
  }
  return manifests;
}

/// Reads "7" and "0-31.1"; nothing for other names, such as temporary ones.
struct ParsedName {
  BatchId first = 0;
  BatchId last = 0;
  int level = 0;
};
std::optional<ParsedName> ParseName(std::string_view name) {
  const char* at = name.data();
  const char* const end = at + name.size();
  ParsedName parsed;
  auto number = [&](auto* out) {
    const auto [next, error] = std::from_chars(at, end, *out);
    const bool ok = error == std::errc() && next != at;
    at = next;
    return ok;
  };
  if (!number(&parsed.first)) return std::nullopt;
  parsed.last = parsed.first;
  if (at == end) return parsed;
  if (*at++ != '-' || !number(&parsed.last) || at == end || *at++ != '.' ||
      !number(&parsed.level) || at != end) {
    return std::nullopt;
  }
  return parsed;
}

std::string CommitsFolder(const std::string& state_folder) {
  return JoinPath(state_folder, "commits");
}

/// The files of the log that count, by batch, and those a merge has made superfluous.
struct Names {
  std::vector<ParsedName> live;
  std::vector<ParsedName> covered;
  std::vector<std::string> temporary;  // of writes that crashed
};
Result<Names> ListNames(FileSystem& fs, const std::string& folder) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs.List(folder));
  Names names;
  std::vector<ParsedName> all;
  for (const FileInfo& info : infos) {
    if (std::optional<ParsedName> name = ParseName(info.name)) {
      all.push_back(*name);
    } else if (info.name.starts_with('.') && info.name.ends_with(".tmp")) {
      names.temporary.push_back(info.name);
    }
  }
  std::sort(all.begin(), all.end(), [](const ParsedName& a, const ParsedName& b) {
    return a.first != b.first ? a.first < b.first : a.level > b.level;
  });
  for (const ParsedName& name : all) {
    const bool covered = !names.live.empty() && name.last <= names.live.back().last;
    (covered ? names.covered : names.live).push_back(name);
  }
  return names;
}

std::string NameOf(BatchId first, BatchId last, int level) {
  if (level == 0) return fmt::format("{}", first);
  return fmt::format("{}-{}.{}", first, last, level);
}

}  // namespace

std::string FilesToJson(const std::vector<LakeFile>& files) {
  return ToJson(files).dump();
}

Result<std::vector<LakeFile>> FilesFromJson(std::string_view json) {
  try {
    return FilesOf(Json::parse(json));
  } catch (const Json::exception& e) {
    return InternalError("Not a list of staged files: {} in {}", e.what(), json);
  }
}

Result<LakeHistory> ReadLakeLog(FileSystem& fs, const std::string& state_folder) {
  LakeHistory history;
  const std::string folder = CommitsFolder(state_folder);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs.Stat(folder));
  if (!info) return history;
  MILLRACE_ASSIGN_OR_RETURN(const Names names, ListNames(fs, folder));
  for (const ParsedName& name : names.live) {
    const std::string path = JoinPath(folder, NameOf(name.first, name.last, name.level));
    MILLRACE_ASSIGN_OR_RETURN(std::vector<Manifest> manifests, ReadManifests(fs, path));
    std::move(manifests.begin(), manifests.end(), std::back_inserter(history.batches));
    history.last_batch = name.last;
  }
  return history;
}

Status StartLakeLog(FileSystem& fs, const std::string& state_folder,
                    const LakeHistory& history) {
  MILLRACE_ASSIGN_OR_RETURN(const LakeHistory present, ReadLakeLog(fs, state_folder));
  if (present.last_batch) {
    return ArgumentError(
        "Cannot take over a lake for the query with state folder '{}': it has published "
        "batches up to {} itself. Use a new checkpoint location.",
        state_folder, *present.last_batch);
  }
  if (!history.last_batch) return Status::OK();
  std::string lines;
  for (const Manifest& manifest : history.batches) lines += LineOf(manifest);
  const std::string folder = CommitsFolder(state_folder);
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(folder));
  return fs.WriteFileAtomically(
      JoinPath(folder, NameOf(0, *history.last_batch, kTopLevel)), Seal(lines));
}

std::string LakeLog::PathOf(const Segment& segment) const {
  return JoinPath(folder_, NameOf(segment.first, segment.last, segment.level));
}

Result<LakeLog> LakeLog::Open(FileSystem& fs, const std::string& state_folder) {
  LakeLog log(fs, CommitsFolder(state_folder));
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(log.folder_));
  MILLRACE_ASSIGN_OR_RETURN(const Names names, ListNames(fs, log.folder_));
  for (const std::string& name : names.temporary) {
    MILLRACE_RETURN_IF_ERROR(fs.Remove(JoinPath(log.folder_, name)));
  }
  for (const ParsedName& name : names.covered) {
    MILLRACE_RETURN_IF_ERROR(fs.Remove(log.PathOf({name.first, name.last, name.level})));
  }
  for (const ParsedName& name : names.live) {
    log.segments_.push_back({name.first, name.last, name.level});
    log.last_batch_ = name.last;
  }
  // Only a plain manifest can be unfinished, and only the last: merging and the next
  // manifest come after its renames.
  if (!log.segments_.empty() && log.segments_.back().level == 0) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<Manifest> manifests,
                              ReadManifests(fs, log.PathOf(log.segments_.back())));
    if (manifests.size() != 1) return Damaged(log.PathOf(log.segments_.back()));
    log.unfinished_ = std::move(manifests.front());
  }
  return log;
}

Result<std::optional<Manifest>> LakeLog::Newest() const {
  if (segments_.empty()) return std::optional<Manifest>();
  const std::string path = PathOf(segments_.back());
  MILLRACE_ASSIGN_OR_RETURN(std::vector<Manifest> manifests, ReadManifests(*fs_, path));
  if (manifests.empty()) return Damaged(path);
  return std::optional<Manifest>(std::move(manifests.back()));
}

Status LakeLog::Add(const Manifest& manifest) {
  if (last_batch_ && manifest.batch <= *last_batch_) {
    return InternalError("Batch {} is added to the lake's log after batch {}",
                         manifest.batch, *last_batch_);
  }
  const Segment segment{manifest.batch, manifest.batch, 0};
  MILLRACE_RETURN_IF_ERROR(
      fs_->WriteFileAtomically(PathOf(segment), Seal(LineOf(manifest))));
  segments_.push_back(segment);
  last_batch_ = manifest.batch;
  unfinished_ = manifest;
  return Status::OK();
}

Status LakeLog::Finished() {
  unfinished_.reset();
  for (int level = 0; level < kTopLevel; ++level) MILLRACE_RETURN_IF_ERROR(Merge(level));
  return Status::OK();
}

Status LakeLog::Merge(int level) {
  // Segments of one level lie together, the lower levels last.
  const auto begin = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& s) { return s.level <= level; });
  const auto end = std::find_if(begin, segments_.end(),
                                [&](const Segment& s) { return s.level < level; });
  if (static_cast<size_t>(end - begin) < kFanOut) return Status::OK();
  std::string lines;
  for (auto it = begin; it != end; ++it) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string some, Unseal(*fs_, PathOf(*it)));
    lines += some;
  }
  const Segment merged{begin->first, (end - 1)->last, level + 1};
  MILLRACE_RETURN_IF_ERROR(fs_->WriteFileAtomically(PathOf(merged), Seal(lines)));
  // From here on the merged file counts; a crash leaves the others to Open.
  for (auto it = begin; it != end; ++it)
    MILLRACE_RETURN_IF_ERROR(fs_->Remove(PathOf(*it)));
  *begin = merged;
  segments_.erase(begin + 1, end);
  return Status::OK();
}

}  // namespace millrace::connectors::file
