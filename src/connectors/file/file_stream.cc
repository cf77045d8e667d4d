// The stream of files that appear in folders. Spark: FileStreamSource.
#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "connectors/file/absolute_path.h"
#include "connectors/file/file_source.h"
#include "connectors/file/partition_path.h"
#include "connectors/file/seen_files_log.h"

namespace millrace::connectors::file {
namespace {

using connector::Offset;

struct StreamOptions {
  int64_t max_files = 0;  // 0: no limit
  int64_t max_bytes = 0;
  int64_t max_age_ms = 0;
  bool latest_first = false;
  bool name_only = false;

  static Result<StreamOptions> Make(const Options& options) {
    StreamOptions stream;
    for (const auto& [key, value] :
         {std::pair{"maxFilesPerTrigger", &stream.max_files},
          std::pair{"maxBytesPerTrigger", &stream.max_bytes}}) {
      if (!options.Has(key)) continue;
      const Result<int64_t> given = options.GetInt(key, 0);
      *value = given.ok() ? *given : 0;
      if (*value <= 0) {
        return ArgumentError(
            "Invalid value '{}' for option '{}', must be a positive integer",
            *options.Get(key), key);
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(stream.latest_first, options.GetBool("latestFirst", false));
    MILLRACE_ASSIGN_OR_RETURN(stream.name_only, options.GetBool("fileNameOnly", false));
    MILLRACE_ASSIGN_OR_RETURN(stream.max_age_ms,
                              AgeOf(options.GetOr("maxFileAge", "7d")));
    // With the newest first and a limit, old files are late on purpose.
    if (stream.latest_first && (stream.max_files > 0 || stream.max_bytes > 0)) {
      stream.max_age_ms = std::numeric_limits<int64_t>::max();
    }
    return stream;
  }

 private:
  /// A number with one of Spark's units (JavaUtils.timeStringAs); none means
  /// milliseconds.
  static Result<int64_t> AgeOf(const std::string& text) {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string unit = text.substr(digits);
    for (const auto& [name, ms] :
         {std::pair{"", int64_t{1}}, std::pair{"ms", int64_t{1}},
          std::pair{"s", int64_t{1000}}, std::pair{"m", int64_t{60'000}},
          std::pair{"min", int64_t{60'000}}, std::pair{"h", int64_t{3'600'000}},
          std::pair{"d", int64_t{86'400'000}}}) {
      if (unit == name && digits > 0 && digits < 12) return std::stoll(text) * ms;
    }
    return ArgumentError(
        "Invalid value '{}' for option 'maxFileAge': it must be a number and one of the "
        "units "
        "ms, s, m, min, h, d.",
        text);
  }
};

std::string OffsetOf(int64_t batch) { return fmt::format("{{\"logOffset\":{}}}", batch); }

Result<int64_t> BatchOf(const Offset& offset) {
  try {
    return nlohmann::json::parse(offset).at("logOffset").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    return ArgumentError(
        "The checkpoint's offset of a file source must look like {{\"logOffset\":0}}, "
        "found: {}. "
        "Does the checkpoint belong to another query?",
        offset);
  }
}

class FileStream final : public connector::StreamSource {
 public:
  FileStream(std::shared_ptr<const FileFormat> format, Options options,
             std::vector<std::string> paths, data::SchemaPtr schema,
             connector::SourceContext context, StreamOptions stream,
             ListingOptions listing, SeenFilesLog log)
      : format_(std::move(format)),
        options_(std::move(options)),
        paths_(std::move(paths)),
        schema_(std::move(schema)),
        context_(std::move(context)),
        stream_(stream),
        listing_(std::move(listing)),
        log_(std::move(log)) {
    for (const SeenFile& file : log_.All()) Remember(file);
    Forget();
  }

  std::string description() const override {
    std::string paths;
    for (const std::string& path : paths_) {
      paths += fmt::format("{}file:{}", paths.empty() ? "" : ",", path);
    }
    return fmt::format("FileStreamSource[{}]", paths);
  }

  Result<std::optional<Offset>> Initial(std::stop_token) override {
    return std::optional<Offset>();
  }

  Result<std::optional<Offset>> Latest(const std::optional<Offset>& start,
                                       const connector::ReadLimit& limit,
                                       std::stop_token stop) override {
    if (stop.stop_requested()) return connector::Cancelled();
    int64_t consumed = -1;
    if (start) {
      MILLRACE_ASSIGN_OR_RETURN(consumed, BatchOf(*start));
    }
    // After a crash the log may be ahead of the offsets: those files are the next batch.
    if (log_.last_batch() <= consumed) {
      MILLRACE_ASSIGN_OR_RETURN(std::vector<SeenFile> files, NewFiles(limit));
      if (!files.empty()) {
        for (const SeenFile& file : files) Remember(file);
        MILLRACE_RETURN_IF_ERROR(log_.Add(std::move(files)));
        Forget();
      }
    }
    if (log_.last_batch() < 0) return std::optional<Offset>();
    return std::optional<Offset>(OffsetOf(log_.last_batch()));
  }

  Status PrepareAvailableNow(std::stop_token) override {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<SeenFile> files, Unseen());
    available_now_ = std::move(files);
    return Status::OK();
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> Plan(
      const std::optional<Offset>& start, const Offset& end, std::stop_token) override {
    int64_t after = -1;
    if (start) {
      MILLRACE_ASSIGN_OR_RETURN(after, BatchOf(*start));
    }
    MILLRACE_ASSIGN_OR_RETURN(const int64_t last, BatchOf(end));
    if (last > log_.last_batch()) {
      return ArgumentError(
          "The checkpoint's offset {} lies behind the end of the file source's log, "
          "which is {}. "
          "The checkpoint is incomplete; restore it or begin with a new one.",
          last, log_.last_batch());
    }
    std::vector<std::unique_ptr<connector::Split>> splits;
    std::shared_ptr<const ReadPlan>
        plan;  // the same for files of the same partition columns
    for (const SeenFile& seen : log_.Range(after + 1, last)) {
      DataFile file{.path = seen.path,
                    .size = 0,
                    .modified_ms = seen.timestamp_ms,
                    .partition_values = {}};
      const std::vector<std::string> columns = PartitionsOf(&file);
      if (plan == nullptr || plan->partition_columns != columns) {
        plan = PlanRead(format_, options_, schema_, columns, context_);
      }
      splits.push_back(MakeFileSplit(plan, std::move(file)));
    }
    return splits;
  }

  std::optional<Offset> ReportLatest() override {
    if (log_.last_batch() < 0) return std::nullopt;
    return OffsetOf(log_.last_batch());
  }

 private:
  std::string KeyOf(const std::string& path) const {
    return stream_.name_only ? BaseName(path) : path;
  }

  void Remember(const SeenFile& file) {
    seen_.insert_or_assign(KeyOf(file.path), file.timestamp_ms);
    newest_ms_ = std::max(newest_ms_, file.timestamp_ms);
  }

  /// Files too old to be new any more need not be remembered (SeenFilesMap.purge).
  void Forget() {
    if (newest_ms_ < stream_.max_age_ms) return;
    oldest_ms_ = newest_ms_ - stream_.max_age_ms;
    std::erase_if(seen_, [&](const auto& entry) { return entry.second < oldest_ms_; });
  }

  bool IsNew(const std::string& path, int64_t timestamp_ms) const {
    return timestamp_ms >= oldest_ms_ && !seen_.contains(KeyOf(path));
  }

  /// All files that were not read yet, in the order they will be.
  Result<std::vector<SeenFile>> Unseen() {
    MILLRACE_ASSIGN_OR_RETURN(const Listing listing,
                              ListDataFiles(*context_.fs, paths_, listing_));
    std::vector<SeenFile> files;
    std::map<std::string, bool> names;
    for (const DataFile& file : listing.files) {
      if (!IsNew(file.path, file.modified_ms)) continue;
      if (stream_.name_only && !names.emplace(KeyOf(file.path), true).second) continue;
      files.push_back({.path = file.path, .timestamp_ms = file.modified_ms});
      sizes_[file.path] = file.size;
    }
    std::stable_sort(files.begin(), files.end(),
                     [&](const SeenFile& a, const SeenFile& b) {
                       return stream_.latest_first ? a.timestamp_ms > b.timestamp_ms
                                                   : a.timestamp_ms < b.timestamp_ms;
                     });
    return files;
  }

  Result<std::vector<SeenFile>> NewFiles(const connector::ReadLimit& limit) {
    std::vector<SeenFile> files;
    sizes_.clear();
    if (available_now_) {
      for (const SeenFile& file : *available_now_) {
        if (IsNew(file.path, file.timestamp_ms)) files.push_back(file);
      }
      if (stream_.max_bytes > 0) MILLRACE_RETURN_IF_ERROR(Unseen().status());
    } else {
      MILLRACE_ASSIGN_OR_RETURN(files, Unseen());
    }
    if (limit.unlimited) return files;
    if (stream_.max_files > 0 && files.size() > static_cast<size_t>(stream_.max_files)) {
      files.resize(static_cast<size_t>(stream_.max_files));
    }
    if (stream_.max_bytes > 0) {
      int64_t bytes = 0;
      size_t count = 0;
      while (count < files.size() && bytes < stream_.max_bytes) {
        bytes += sizes_[files[count++].path];
      }
      files.resize(count);
    }
    return files;
  }

  /// Takes the values of partition columns off a file's path.
  std::vector<std::string> PartitionsOf(DataFile* file) const {
    std::vector<std::string> columns;
    if (listing_.recursive) return columns;
    std::string_view folder = file->path;
    std::vector<PartitionValue> found;
    for (folder = folder.substr(0, folder.rfind('/')); !folder.empty();
         folder = folder.substr(0, folder.rfind('/'))) {
      if (std::find(paths_.begin(), paths_.end(), folder) != paths_.end() ||
          (!listing_.base_path.empty() && folder == listing_.base_path)) {
        break;
      }
      const size_t slash = folder.rfind('/');
      if (slash == std::string_view::npos) break;
      std::optional<PartitionValue> value =
          ParsePartitionFolder(folder.substr(slash + 1));
      if (!value || schema_->GetFieldByName(value->column) == nullptr) break;
      found.push_back(std::move(*value));
    }
    for (auto it = found.rbegin(); it != found.rend(); ++it) {
      columns.push_back(it->column);
      file->partition_values.push_back(it->value);
    }
    return columns;
  }

  const std::shared_ptr<const FileFormat> format_;
  const Options options_;
  const std::vector<std::string> paths_;
  const data::SchemaPtr schema_;
  const connector::SourceContext context_;
  const StreamOptions stream_;
  const ListingOptions listing_;
  SeenFilesLog log_;
  std::unordered_map<std::string, int64_t> seen_;  // path or name -> timestamp
  int64_t newest_ms_ = std::numeric_limits<int64_t>::min();
  int64_t oldest_ms_ = std::numeric_limits<int64_t>::min();
  std::optional<std::vector<SeenFile>> available_now_;
  std::unordered_map<std::string, int64_t> sizes_;  // of the last listing
};

}  // namespace

Result<std::unique_ptr<connector::StreamSource>> MakeFileStream(
    std::shared_ptr<const FileFormat> format, const Options& options,
    const std::vector<std::string>& paths, const data::SchemaPtr& schema,
    const connector::SourceContext& context) {
  if (context.log == nullptr) {
    return InternalError("A file stream needs a log in the query's checkpoint");
  }
  MILLRACE_ASSIGN_OR_RETURN(const StreamOptions stream, StreamOptions::Make(options));
  MILLRACE_ASSIGN_OR_RETURN(ListingOptions listing, ListingOptions::Make(options));
  listing.must_exist = false;
  std::vector<std::string> absolute;
  for (const std::string& path : paths) {
    MILLRACE_ASSIGN_OR_RETURN(std::string one, AbsolutePath(path));
    absolute.push_back(std::move(one));
  }
  MILLRACE_ASSIGN_OR_RETURN(SeenFilesLog log,
                            SeenFilesLog::Open(*context.fs, context.log->folder()));
  return std::unique_ptr<connector::StreamSource>(std::make_unique<FileStream>(
      std::move(format), options, std::move(absolute), schema, context, stream,
      std::move(listing), std::move(log)));
}

}  // namespace millrace::connectors::file
