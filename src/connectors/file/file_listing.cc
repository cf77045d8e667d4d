#include "connectors/file/file_listing.h"

#include <algorithm>
#include <utility>

#include <arrow/type.h>

#include "base/error.h"
#include "connectors/file/absolute_path.h"
#include "connectors/file/partition_path.h"
#include "connectors/file/spark_metadata.h"

namespace millrace::connectors::file {
namespace {

constexpr std::string_view kGlobCharacters = "*?[{";

bool IsHidden(std::string_view name) {
  return name.starts_with('.') || name.ends_with("._COPYING_") ||
         (name.starts_with('_') && name.find('=') == std::string_view::npos);
}

/// "a{b,c}d" -> "abd", "acd"; nested braces too.
std::vector<std::string> ExpandBraces(std::string_view pattern) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return {std::string(pattern)};
  int depth = 0;
  std::vector<std::string_view> choices;
  size_t begin = open + 1;
  for (size_t i = open; i < pattern.size(); ++i) {
    if (pattern[i] == '{') ++depth;
    if (pattern[i] == ',' && depth == 1) {
      choices.push_back(pattern.substr(begin, i - begin));
      begin = i + 1;
    }
    if (pattern[i] != '}' || --depth > 0) continue;
    choices.push_back(pattern.substr(begin, i - begin));
    std::vector<std::string> expanded;
    for (const std::string_view choice : choices) {
      for (const std::string& inside : ExpandBraces(choice)) {
        for (const std::string& rest : ExpandBraces(pattern.substr(i + 1))) {
          expanded.push_back(
              fmt::format("{}{}{}", pattern.substr(0, open), inside, rest));
        }
      }
    }
    return expanded;
  }
  return {std::string(pattern)};  // never closed: as it is
}

bool MatchesBracket(std::string_view pattern, size_t* at, char c) {
  size_t i = *at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '^' || pattern[i] == '!');
  if (negated) ++i;
  bool matched = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']');
       first = false) {
    const char low = pattern[i];
    char high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    matched |= low <= c && c <= high;
    ++i;
  }
  *at = i + 1;
  return matched != negated;
}

bool MatchesSimple(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (n < name.size()) {
    size_t next = p + 1;
    bool matched = false;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (p < pattern.size()) {
      if (pattern[p] == '?') {
        matched = true;
      } else if (pattern[p] == '[') {
        next = p;
        matched = MatchesBracket(pattern, &next, name[n]);
      } else if (pattern[p] == '\\' && p + 1 < pattern.size()) {
        next = p + 2;
        matched = pattern[p + 1] == name[n];
      } else {
        matched = pattern[p] == name[n];
      }
    }
    if (matched) {
      p = next;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Status PathNotFound(std::string_view path) {
  return AnalysisError("PATH_NOT_FOUND", "42K03", "Path does not exist: file:{}.", path)
      .Param("path", fmt::format("file:{}", path));
}

/// The paths a pattern without braces stands for, in order.
Status ExpandGlob(FileSystem& fs, const std::string& pattern,
                  std::vector<std::string>* out) {
  const size_t glob = pattern.find_first_of(kGlobCharacters);
  if (glob == std::string::npos) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs.Stat(pattern));
    if (info) out->push_back(pattern);
    return Status::OK();
  }
  const size_t begin = pattern.rfind('/', glob) + 1;
  const size_t end = std::min(pattern.find('/', glob), pattern.size());
  const std::string folder = begin <= 1 ? "/" : pattern.substr(0, begin - 1);
  const std::string rest = pattern.substr(std::min(end + 1, pattern.size()));
  const std::string_view part = std::string_view(pattern).substr(begin, end - begin);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs.Stat(folder));
  if (!info || !info->is_directory) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(std::vector<FileInfo> entries, fs.List(folder));
  std::sort(entries.begin(), entries.end(),
            [](const FileInfo& a, const FileInfo& b) { return a.name < b.name; });
  for (const FileInfo& entry : entries) {
    if (IsHidden(entry.name) || !MatchesSimple(part, entry.name)) continue;
    if (!rest.empty() && !entry.is_directory) continue;
    const std::string path = JoinPath(folder, entry.name);
    MILLRACE_RETURN_IF_ERROR(
        ExpandGlob(fs, rest.empty() ? path : JoinPath(path, rest), out));
  }
  return Status::OK();
}

/// A file with the partition folders it lies in.
struct FoundFile {
  DataFile file;
  std::vector<PartitionValue> partitions;
};

class Lister {
 public:
  Lister(FileSystem& fs, const ListingOptions& options) : fs_(fs), options_(options) {}

  Status AddRoot(const std::string& root) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs_.Stat(root));
    if (!info) return options_.must_exist ? PathNotFound(root) : Status::OK();
    if (info->is_directory) return AddFolder(root, PartitionsAbove(root));
    AddFile(root, *info, PartitionsAbove(DirName(root)));
    return Status::OK();
  }

  Result<bool> AddSparkLake(const std::string& root) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<SparkMetadata> spark,
                              ReadSparkMetadata(fs_, root));
    if (!spark) return false;
    for (const SparkSinkFile& file : spark->files) {
      std::vector<PartitionValue> partitions;
      if (file.path.starts_with(root + "/")) {
        const std::string_view below =
            std::string_view(file.path).substr(root.size() + 1);
        for (size_t begin = 0, end = below.find('/'); end != std::string_view::npos;
             begin = end + 1, end = below.find('/', begin)) {
          if (auto parsed = ParsePartitionFolder(below.substr(begin, end - begin))) {
            partitions.push_back(std::move(*parsed));
          }
        }
      }
      found_.push_back({.file = {.path = file.path,
                                 .size = file.size,
                                 .modified_ms = file.modified_ms,
                                 .partition_values = {}},
                        .partitions = std::move(partitions)});
    }
    return true;
  }

  Result<Listing> Finish() {
    std::sort(found_.begin(), found_.end(), [](const FoundFile& a, const FoundFile& b) {
      return a.file.path < b.file.path;
    });
    Listing listing;
    for (size_t i = 0; i < found_.size(); ++i) {
      FoundFile& found = found_[i];
      if (i == 0) {
        for (const PartitionValue& p : found.partitions) {
          listing.partition_columns.push_back(p.column);
        }
      }
      MILLRACE_RETURN_IF_ERROR(CheckSameColumns(found_[0], found));
      for (PartitionValue& p : found.partitions) {
        found.file.partition_values.push_back(std::move(p.value));
      }
      listing.files.push_back(std::move(found.file));
    }
    return listing;
  }

 private:
  /// Partition folders between basePath and the path itself.
  std::vector<PartitionValue> PartitionsAbove(const std::string& path) const {
    std::vector<PartitionValue> partitions;
    if (options_.base_path.empty() || !path.starts_with(options_.base_path))
      return partitions;
    std::string_view below = std::string_view(path).substr(options_.base_path.size());
    while (!below.empty()) {
      const size_t end = std::min(below.find('/'), below.size());
      if (auto parsed = ParsePartitionFolder(below.substr(0, end))) {
        partitions.push_back(std::move(*parsed));
      }
      below.remove_prefix(std::min(end + 1, below.size()));
    }
    return partitions;
  }

  Status AddFolder(const std::string& folder,
                   const std::vector<PartitionValue>& partitions) {
    Result<std::vector<FileInfo>> infos = fs_.List(folder);
    if (!infos.ok()) {
      // It may have been removed since it was seen.
      MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs_.Stat(folder));
      return info ? infos.status() : Status::OK();
    }
    for (const FileInfo& info : *infos) {
      if (IsHidden(info.name)) continue;
      const std::string path = JoinPath(folder, info.name);
      if (!info.is_directory) {
        AddFile(path, info, partitions);
      } else if (options_.recursive) {
        MILLRACE_RETURN_IF_ERROR(AddFolder(path, {}));
      } else if (std::optional<PartitionValue> value = ParsePartitionFolder(info.name)) {
        std::vector<PartitionValue> deeper = partitions;
        deeper.push_back(std::move(*value));
        MILLRACE_RETURN_IF_ERROR(AddFolder(path, deeper));
      }
      // As in Spark, other folders are not read without recursiveFileLookup.
    }
    return Status::OK();
  }

  void AddFile(const std::string& path, const FileInfo& info,
               const std::vector<PartitionValue>& partitions) {
    if (!options_.name_pattern.empty() && !MatchesGlob(options_.name_pattern, info.name))
      return;
    found_.push_back({.file = {.path = path,
                               .size = info.size,
                               .modified_ms = info.modified.time_since_epoch().count(),
                               .partition_values = {}},
                      .partitions = partitions});
  }

  static Status CheckSameColumns(const FoundFile& first, const FoundFile& other) {
    const bool same = std::equal(first.partitions.begin(), first.partitions.end(),
                                 other.partitions.begin(), other.partitions.end(),
                                 [](const PartitionValue& a, const PartitionValue& b) {
                                   return a.column == b.column;
                                 });
    if (same) return Status::OK();
    auto describe = [](const FoundFile& found) {
      std::string names;
      for (const PartitionValue& p : found.partitions) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", p.column);
      }
      return fmt::format("'{}' has partition columns [{}]", found.file.path, names);
    };
    return Error(
               Fault::kUser,
               "Conflicting partition column names detected: {}, {}. Partition folders "
               "of one "
               "path must all have the same columns; read the other files on their own.",
               describe(first), describe(other))
        .Class("CONFLICTING_PARTITION_COLUMN_NAMES", "KD009")
        .Java(kSparkRuntimeException);
  }

  FileSystem& fs_;
  const ListingOptions& options_;
  std::vector<FoundFile> found_;
};

}  // namespace

Result<ListingOptions> ListingOptions::Make(const Options& options) {
  ListingOptions listing;
  MILLRACE_ASSIGN_OR_RETURN(listing.recursive,
                            options.GetBool("recursiveFileLookup", false));
  listing.name_pattern = options.GetOr("pathGlobFilter", "");
  if (const auto base = options.Get("basePath")) {
    MILLRACE_ASSIGN_OR_RETURN(listing.base_path, AbsolutePath(*base));
  }
  return listing;
}

bool IsGlob(std::string_view path) {
  return path.find_first_of(kGlobCharacters) != std::string_view::npos;
}

bool MatchesGlob(std::string_view pattern, std::string_view name) {
  const std::vector<std::string> expanded = ExpandBraces(pattern);
  return std::any_of(expanded.begin(), expanded.end(),
                     [&](const std::string& p) { return MatchesSimple(p, name); });
}

Result<Listing> ListDataFiles(FileSystem& fs, const std::vector<std::string>& paths,
                              const ListingOptions& options) {
  Lister lister(fs, options);
  for (const std::string& given : paths) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(given));
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> literal, fs.Stat(path));
    std::vector<std::string> roots;
    if (literal || !IsGlob(path)) {
      roots.push_back(path);
    } else {
      for (const std::string& pattern : ExpandBraces(path)) {
        MILLRACE_RETURN_IF_ERROR(ExpandGlob(fs, pattern, &roots));
      }
      if (roots.empty() && options.must_exist) return PathNotFound(path);
    }
    for (const std::string& root : roots) {
      if (paths.size() == 1 && roots.size() == 1) {
        MILLRACE_ASSIGN_OR_RETURN(const bool done, lister.AddSparkLake(root));
        if (done) continue;
      }
      MILLRACE_RETURN_IF_ERROR(lister.AddRoot(root));
    }
  }
  return lister.Finish();
}

std::vector<data::FieldPtr> PartitionFields(const Listing& listing,
                                            const data::SchemaPtr& schema,
                                            bool infer_types) {
  std::vector<data::FieldPtr> fields;
  for (size_t i = 0; i < listing.partition_columns.size(); ++i) {
    const std::string& name = listing.partition_columns[i];
    data::FieldPtr field = schema == nullptr ? nullptr : schema->GetFieldByName(name);
    if (field == nullptr) {
      std::vector<std::optional<std::string>> values;
      for (const DataFile& file : listing.files)
        values.push_back(file.partition_values[i]);
      field = arrow::field(name,
                           infer_types ? InferPartitionType(values) : data::StringType());
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace millrace::connectors::file
