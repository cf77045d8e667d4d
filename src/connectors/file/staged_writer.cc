#include "connectors/file/staged_writer.h"

#include <algorithm>
#include <map>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/uuid.h"
#include "connectors/file/file_format.h"
#include "connectors/file/lake_log.h"
#include "connectors/file/partition_path.h"
#include "data/keys.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

/// So many files may be open at a time; each takes memory for a row group. With more
/// partitions than that, those written longest ago are closed and get another file later.
constexpr size_t kMaxOpenFiles = 64;

class StagedWriter final : public connector::SinkWriter {
 public:
  StagedWriter(const FileSinkOptions& options, const PartitionLayout& layout,
               FileSystem& fs, std::string time_zone, int part, WithoutRows without_rows)
      : options_(options),
        layout_(layout),
        fs_(fs),
        time_zone_(std::move(time_zone)),
        part_(part),
        without_rows_(without_rows),
        uuid_(MakeUuid()) {}

  ~StagedWriter() override {
    if (!done_) Abort();
  }

  Status Write(const data::Batch& batch) override {
    if (batch->num_rows() == 0) return Status::OK();
    if (layout_.partition_columns.empty()) return WriteTo("", batch);
    return WritePartitioned(batch);
  }

  Result<connector::CommitMessage> Prepare() override {
    if (started_ == 0 && without_rows_ == WithoutRows::kEmptyFile) {
      MILLRACE_RETURN_IF_ERROR(StartFile("").status());
    }
    while (!open_.empty()) MILLRACE_RETURN_IF_ERROR(CloseFile(open_.begin()));
    done_ = true;
    connector::CommitMessage message;
    for (const LakeFile& file : finished_) message.rows += file.rows;
    message.content = FilesToJson(finished_);
    return message;
  }

  void Abort() noexcept override {
    done_ = true;
    // Where removing fails the file stays in the staging folder, where nobody reads it
    // and the next start of the query removes it.
    for (auto& [folder, file] : open_) {
      file.writer.reset();
      (void)file.out->Close();
      (void)fs_.Remove(JoinPath(options_.staging, file.info.staged));
    }
    for (const LakeFile& file : finished_) {
      (void)fs_.Remove(JoinPath(options_.staging, file.staged));
    }
    open_.clear();
    finished_.clear();
  }

 private:
  struct OpenFile {
    LakeFile info;
    std::unique_ptr<WritableFile> out;
    std::unique_ptr<RowFileWriter> writer;  // destroyed before `out`
    int64_t last_use = 0;
  };
  using OpenFiles = std::map<std::string, OpenFile, std::less<>>;  // by partition folder

  Status WritePartitioned(const data::Batch& batch) {
    std::vector<data::ArrayPtr> keys;
    for (const int column : layout_.partition_columns)
      keys.push_back(batch->column(column));
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(keys, &keys_));
    // The rows of each combination of values, in order of appearance.
    absl::flat_hash_map<std::string_view, size_t> group_of;
    std::vector<std::vector<int32_t>> groups;
    for (int64_t row = 0; row < keys_.size(); ++row) {
      const auto [entry, is_new] = group_of.try_emplace(keys_[row], groups.size());
      if (is_new) groups.emplace_back();
      groups[entry->second].push_back(static_cast<int32_t>(row));
    }
    std::vector<data::ArrayPtr> columns;
    for (const int column : layout_.data_columns)
      columns.push_back(batch->column(column));
    const auto rows = arrow::RecordBatch::Make(layout_.data_schema, batch->num_rows(),
                                               std::move(columns));
    for (const std::vector<int32_t>& group : groups) {
      std::string folder;
      for (size_t i = 0; i < keys.size(); ++i) {
        const std::string& name =
            batch->schema()->field(layout_.partition_columns[i])->name();
        folder =
            JoinPath(folder, PartitionFolder(name, *keys[i], group.front(), time_zone_));
      }
      if (static_cast<int64_t>(group.size()) == batch->num_rows()) {
        MILLRACE_RETURN_IF_ERROR(WriteTo(folder, rows));
      } else {
        MILLRACE_ASSIGN_OR_RETURN(const data::Batch some, data::Take(rows, group));
        MILLRACE_RETURN_IF_ERROR(WriteTo(folder, some));
      }
    }
    return Status::OK();
  }

  Status WriteTo(const std::string& folder, data::Batch batch) {
    while (batch->num_rows() > 0) {
      auto found = open_.find(folder);
      if (found == open_.end()) {
        MILLRACE_ASSIGN_OR_RETURN(found, StartFile(folder));
      }
      OpenFile& file = found->second;
      file.last_use = ++uses_;
      int64_t rows = batch->num_rows();
      const int64_t limit = options_.max_records_per_file;
      if (limit > 0) rows = std::min(rows, limit - file.info.rows);
      MILLRACE_RETURN_IF_ERROR(
          file.writer->Write(rows == batch->num_rows() ? batch : batch->Slice(0, rows)));
      file.info.rows += rows;
      batch = batch->Slice(rows);
      if (limit > 0 && file.info.rows >= limit)
        MILLRACE_RETURN_IF_ERROR(CloseFile(found));
    }
    return Status::OK();
  }

  Result<OpenFiles::iterator> StartFile(const std::string& folder) {
    if (open_.size() >= kMaxOpenFiles) {
      MILLRACE_RETURN_IF_ERROR(CloseFile(
          std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
            return a.second.last_use < b.second.last_use;
          })));
    }
    const int number = started_++;
    // Spark's names; a dash before the file's number without partitions, a dot with them.
    const std::string name =
        fmt::format("part-{:05}-{}{}c{:03}{}", part_, uuid_, folder.empty() ? "-" : ".",
                    number, options_.format.extension);
    OpenFile file;
    file.info.staged = name;
    file.info.path = folder.empty() ? name : JoinPath(folder, name);
    const std::string path = JoinPath(options_.staging, name);
    MILLRACE_ASSIGN_OR_RETURN(file.out, fs_.OpenForWrite(path));
    Result<std::unique_ptr<RowFileWriter>> writer =
        options_.format.open(*file.out, layout_.data_schema);
    if (!writer.ok()) {
      (void)fs_.Remove(path);
      return writer.status();
    }
    file.writer = std::move(writer).value();
    return open_.emplace(folder, std::move(file)).first;
  }

  Status CloseFile(OpenFiles::iterator at) {
    OpenFile& file = at->second;
    const std::string path = JoinPath(options_.staging, file.info.staged);
    MILLRACE_RETURN_IF_ERROR(file.writer->Close());
    MILLRACE_RETURN_IF_ERROR(file.out->Sync());
    MILLRACE_RETURN_IF_ERROR(file.out->Close());
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, fs_.Stat(path));
    if (!info) return ExternalError("The staged file '{}' has vanished.", path);
    file.info.size = info->size;
    file.info.modified_ms = info->modified.time_since_epoch().count();
    finished_.push_back(std::move(file.info));
    open_.erase(at);
    return Status::OK();
  }

  const FileSinkOptions& options_;
  const PartitionLayout& layout_;
  FileSystem& fs_;
  const std::string time_zone_;
  const int part_;
  const WithoutRows without_rows_;
  const std::string uuid_;
  OpenFiles open_;
  std::vector<LakeFile> finished_;
  data::EncodedKeys keys_;
  int64_t uses_ = 0;
  int started_ = 0;
  bool done_ = false;
};

}  // namespace

Result<PartitionLayout> LayOut(const data::SchemaPtr& schema,
                               const std::vector<std::string>& partition_columns) {
  PartitionLayout layout;
  for (const std::string& name : partition_columns) {
    int found = -1;
    for (int i = 0; i < schema->num_fields(); ++i) {
      if (EqualsIgnoreCase(schema->field(i)->name(), name)) found = i;
    }
    if (found < 0) {
      std::string names;
      for (const data::FieldPtr& field : schema->fields()) {
        names += fmt::format("{}`{}`", names.empty() ? "" : ", ", field->name());
      }
      return AnalysisError(
                 "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA", "42000",
                 "Partition column {} not found in schema {}. Please provide the "
                 "existing column for partitioning.",
                 name, names)
          .Param("column", name)
          .Param("schema", names);
    }
    const arrow::DataType& type = *schema->field(found)->type();
    if (type.num_fields() > 0 || type.id() == arrow::Type::NA) {
      return AnalysisError("INVALID_PARTITION_COLUMN_DATA_TYPE", "0A000",
                           "Cannot use \"{}\" for partition column.",
                           data::SqlTypeName(type))
          .Param("type", fmt::format("\"{}\"", data::SqlTypeName(type)));
    }
    layout.partition_columns.push_back(found);
  }
  arrow::FieldVector fields;
  for (int i = 0; i < schema->num_fields(); ++i) {
    const auto& taken = layout.partition_columns;
    if (std::find(taken.begin(), taken.end(), i) != taken.end()) continue;
    layout.data_columns.push_back(i);
    fields.push_back(schema->field(i));
  }
  if (fields.empty() && !partition_columns.empty()) {
    return AnalysisError("ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005",
                         "Cannot use all columns for partition columns.");
  }
  layout.data_schema = arrow::schema(std::move(fields));
  return layout;
}

std::unique_ptr<connector::SinkWriter> MakeStagedWriter(
    const FileSinkOptions& options, const PartitionLayout& layout, FileSystem& fs,
    const std::string& time_zone, int part, WithoutRows without_rows) {
  return std::make_unique<StagedWriter>(options, layout, fs, time_zone, part,
                                        without_rows);
}

}  // namespace millrace::connectors::file
