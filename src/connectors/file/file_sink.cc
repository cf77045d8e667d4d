#include "connectors/file/file_sink.h"

#include <algorithm>
#include <set>
#include <utility>

#include <arrow/record_batch.h>

#include "base/error.h"
#include "connectors/file/lake_log.h"
#include "connectors/file/spark_metadata.h"
#include "connectors/file/staged_writer.h"

namespace millrace::connectors::file {
namespace {

using connector::BatchId;
using connector::CommitMessage;
using connector::SaveMode;
using connector::SinkWriter;

/// Renames staged files into the lake and makes the new names durable. With `retry`,
/// files that are not staged any more were renamed before.
Status Publish(FileSystem& fs, const Manifest& manifest, bool retry) {
  std::set<std::string> folders;
  for (const LakeFile& file : manifest.files) {
    const std::string from = JoinPath(manifest.staging, file.staged);
    const std::string to = JoinPath(manifest.lake, file.path);
    if (retry) {
      MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> staged, fs.Stat(from));
      if (!staged) {
        // The rename may have happened without having been synced.
        MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> folder,
                                  fs.Stat(DirName(to)));
        if (folder) folders.insert(DirName(to));
        continue;
      }
    }
    if (folders.insert(DirName(to)).second)
      MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(DirName(to)));
    if (const Status status = fs.Rename(from, to); !status.ok()) {
      if (status.error().message.find("cross-device") == std::string::npos) return status;
      return ExternalError(
          "{} Files are staged beside the lake, so that is where a file system of its "
          "own is "
          "mounted. Set the option {} to a folder inside it that no reader of the lake "
          "takes "
          "in, and move '{}' there.",
          status.error().message, kStagingPathOption, manifest.staging);
    }
  }
  for (const std::string& folder : folders) MILLRACE_RETURN_IF_ERROR(fs.SyncDir(folder));
  return Status::OK();
}

Result<std::vector<LakeFile>> FilesOf(std::span<const CommitMessage> messages) {
  std::vector<LakeFile> files;
  for (const CommitMessage& message : messages) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<LakeFile> some, FilesFromJson(message.content));
    std::move(some.begin(), some.end(), std::back_inserter(files));
  }
  return files;
}

/// A lake whose files Spark counts in a log of its own must not get files beside that
/// log.
Status CheckNotSparks(FileSystem& fs, const std::string& lake) {
  const std::string log = JoinPath(lake, kSparkMetadataFolder);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> owner, fs.Stat(log));
  if (!owner) return Status::OK();
  return ArgumentError(
      "Cannot write to '{}': it belongs to Spark, which believes '{}' over what lies in "
      "the "
      "folder and would not see new files. Take the lake over with 'millrace handover', "
      "or "
      "write to another path.",
      lake, log);
}

/// A query goes on where its earlier batches are: in the same lake, or where that was
/// moved to.
Status CheckSameLake(FileSystem& fs, const LakeLog& log, const std::string& lake) {
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<Manifest> newest, log.Newest());
  if (!newest || newest->lake == lake || newest->files.empty()) return Status::OK();
  const LakeFile& file = newest->files.back();
  const auto exists = [&](const std::string& folder, const std::string& name) {
    const auto info = fs.Stat(JoinPath(folder, name));
    return info.ok() && info->has_value();
  };
  if (exists(lake, file.path)) return Status::OK();
  if (!exists(newest->lake, file.path) && !exists(newest->staging, file.staged)) {
    return Status::OK();
  }
  return ArgumentError(
      "Cannot go on in '{}': the checkpoint belongs to a query that writes to '{}' and "
      "published batch {} there. Write to that path, move the folder with its files, or "
      "start with a new checkpointLocation.",
      lake, newest->lake, newest->batch);
}

class StreamingFileSink final : public connector::Sink {
 public:
  static Result<std::unique_ptr<Sink>> Make(FileSinkOptions options,
                                            const connector::SinkContext& context) {
    FileSystem& fs = *context.fs;
    if (context.state_folder.empty()) {
      return InternalError("The file sink of '{}' has no folder for its commit log",
                           options.lake);
    }
    MILLRACE_ASSIGN_OR_RETURN(PartitionLayout layout,
                              LayOut(options.schema, context.partition_columns));
    MILLRACE_ASSIGN_OR_RETURN(LakeLog log, LakeLog::Open(fs, context.state_folder));
    MILLRACE_RETURN_IF_ERROR(CheckSameLake(fs, log, options.lake));
    MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(options.lake));
    MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(options.staging));
    // Before the check below: Spark may have been given a lake that lacks its last batch.
    if (log.unfinished()) {
      MILLRACE_RETURN_IF_ERROR(Finish(fs, *log.unfinished(), options));
      MILLRACE_RETURN_IF_ERROR(log.Finished());
    }
    MILLRACE_RETURN_IF_ERROR(CheckNotSparks(fs, options.lake));
    MILLRACE_RETURN_IF_ERROR(RemoveLeftovers(fs, options.staging));
    return std::unique_ptr<Sink>(std::make_unique<StreamingFileSink>(
        std::move(options), std::move(layout), context, std::move(log)));
  }

  StreamingFileSink(FileSinkOptions options, PartitionLayout layout,
                    const connector::SinkContext& context, LakeLog log)
      : options_(std::move(options)),
        layout_(std::move(layout)),
        fs_(*context.fs),
        time_zone_(context.session_time_zone),
        description_(fmt::format("FileSink[{}]", context.path)),
        log_(std::move(log)) {}

  std::string description() const override { return description_; }

  Result<std::unique_ptr<SinkWriter>> Open(BatchId, int part) override {
    return MakeStagedWriter(options_, layout_, fs_, time_zone_, part,
                            WithoutRows::kNoFile);
  }

  Status Commit(BatchId batch, std::span<const CommitMessage> messages) override {
    // A commit that failed in this process may have left its manifest.
    if (log_.unfinished()) {
      MILLRACE_RETURN_IF_ERROR(Publish(fs_, *log_.unfinished(), /*retry=*/true));
      MILLRACE_RETURN_IF_ERROR(log_.Finished());
    }
    MILLRACE_ASSIGN_OR_RETURN(std::vector<LakeFile> files, FilesOf(messages));
    if (log_.last_batch() && batch <= *log_.last_batch()) {
      for (const LakeFile& file : files) {
        MILLRACE_RETURN_IF_ERROR(fs_.Remove(JoinPath(options_.staging, file.staged)));
      }
      return Status::OK();
    }
    // Nothing to remember: publishing no rows once more does no harm.
    if (files.empty()) return Status::OK();
    const Manifest manifest{.batch = batch,
                            .lake = options_.lake,
                            .staging = options_.staging,
                            .files = std::move(files)};
    // The order makes any crash harmless: the staged names are durable before the
    // manifest names them, the manifest before the first rename, the renames before the
    // next manifest.
    MILLRACE_RETURN_IF_ERROR(fs_.SyncDir(options_.staging));
    MILLRACE_RETURN_IF_ERROR(log_.Add(manifest));
    MILLRACE_RETURN_IF_ERROR(Publish(fs_, manifest, /*retry=*/false));
    return log_.Finished();
  }

  bool keeps_row_order() const override { return false; }
  connector::DeliveryGuarantee guarantee() const override {
    return connector::DeliveryGuarantee::kExactlyOnce;
  }

 private:
  /// Ends the commit of an earlier process. Folders may have been moved together since.
  static Status Finish(FileSystem& fs, Manifest manifest,
                       const FileSinkOptions& options) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> staging,
                              fs.Stat(manifest.staging));
    if (!staging) {
      manifest.staging = options.staging;
      manifest.lake = options.lake;
    }
    return Publish(fs, manifest, /*retry=*/true);
  }

  static Status RemoveLeftovers(FileSystem& fs, const std::string& staging) {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs.List(staging));
    for (const FileInfo& info : infos) {
      if (info.is_directory) continue;  // what a takeover put aside
      MILLRACE_RETURN_IF_ERROR(fs.Remove(JoinPath(staging, info.name)));
    }
    return Status::OK();
  }

  const FileSinkOptions options_;
  const PartitionLayout layout_;
  FileSystem& fs_;
  const std::string time_zone_;
  const std::string description_;
  LakeLog log_;
};

/// Takes rows and forgets them.
class IgnoringWriter final : public SinkWriter {
 public:
  Status Write(const data::Batch&) override { return Status::OK(); }
  Result<CommitMessage> Prepare() override {
    return CommitMessage{.content = FilesToJson({}), .rows = 0};
  }
  void Abort() noexcept override {}
};

class BatchFileSink final : public connector::Sink {
 public:
  BatchFileSink(FileSinkOptions options, PartitionLayout layout,
                const connector::SinkContext& context, SaveMode mode, bool ignore)
      : options_(std::move(options)),
        layout_(std::move(layout)),
        fs_(*context.fs),
        time_zone_(context.session_time_zone),
        mode_(mode),
        ignore_(ignore) {}

  ~BatchFileSink() override {
    if (!ignore_) (void)fs_.RemoveAll(options_.staging);
  }

  std::string description() const override {
    return fmt::format("FileSink[{}]", options_.lake);
  }

  Result<std::unique_ptr<SinkWriter>> Open(BatchId, int part) override {
    if (ignore_) return std::unique_ptr<SinkWriter>(std::make_unique<IgnoringWriter>());
    return MakeStagedWriter(options_, layout_, fs_, time_zone_, part,
                            WithoutRows::kNoFile);
  }

  Status Commit(BatchId, std::span<const CommitMessage> messages) override {
    if (ignore_) return Status::OK();
    Manifest manifest{
        .batch = 0, .lake = options_.lake, .staging = options_.staging, .files = {}};
    MILLRACE_ASSIGN_OR_RETURN(manifest.files, FilesOf(messages));
    if (manifest.files.empty() && layout_.partition_columns.empty()) {
      MILLRACE_ASSIGN_OR_RETURN(manifest.files, StageEmptyFile());
    }
    if (mode_ == SaveMode::kOverwrite) MILLRACE_RETURN_IF_ERROR(RemoveOldContent());
    MILLRACE_RETURN_IF_ERROR(fs_.MakeDirs(options_.lake));
    MILLRACE_RETURN_IF_ERROR(Publish(fs_, manifest, /*retry=*/false));
    MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> success,
                              fs_.OpenForWrite(JoinPath(options_.lake, "_SUCCESS")));
    MILLRACE_RETURN_IF_ERROR(success->Close());
    return fs_.SyncDir(options_.lake);
  }

  connector::DeliveryGuarantee guarantee() const override {
    return connector::DeliveryGuarantee::kAtLeastOnce;
  }

 private:
  /// A result without rows still has columns, which readers take from a file.
  Result<std::vector<LakeFile>> StageEmptyFile() {
    const std::unique_ptr<SinkWriter> writer =
        MakeStagedWriter(options_, layout_, fs_, time_zone_, 0, WithoutRows::kEmptyFile);
    MILLRACE_ASSIGN_OR_RETURN(const CommitMessage message, writer->Prepare());
    return FilesFromJson(message.content);
  }

  Status RemoveOldContent() {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> lake,
                              fs_.Stat(options_.lake));
    if (!lake) return Status::OK();
    if (!lake->is_directory) return fs_.Remove(options_.lake);
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<FileInfo> infos, fs_.List(options_.lake));
    for (const FileInfo& info : infos) {
      const std::string path = JoinPath(options_.lake, info.name);
      MILLRACE_RETURN_IF_ERROR(info.is_directory ? fs_.RemoveAll(path)
                                                 : fs_.Remove(path));
    }
    return Status::OK();
  }

  const FileSinkOptions options_;
  const PartitionLayout layout_;
  FileSystem& fs_;
  const std::string time_zone_;
  const SaveMode mode_;
  const bool ignore_;
};

}  // namespace

std::string StagingRoot(const std::string& lake) {
  return JoinPath(DirName(lake), fmt::format(".{}.millrace-staging", BaseName(lake)));
}

Result<std::unique_ptr<connector::Sink>> MakeStreamingFileSink(
    FileSinkOptions options, const connector::SinkContext& context) {
  return StreamingFileSink::Make(std::move(options), context);
}

Result<std::unique_ptr<connector::Sink>> MakeBatchFileSink(
    FileSinkOptions options, const connector::SinkContext& context, SaveMode mode) {
  FileSystem& fs = *context.fs;
  MILLRACE_ASSIGN_OR_RETURN(PartitionLayout layout,
                            LayOut(options.schema, context.partition_columns));
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> lake, fs.Stat(options.lake));
  if (lake && mode == SaveMode::kErrorIfExists) {
    return AnalysisError(
               "PATH_ALREADY_EXISTS", "42K04",
               "Path file:{} already exists. Set mode as \"overwrite\" to overwrite "
               "the existing path.",
               options.lake)
        .Param("outputPath", fmt::format("file:{}", options.lake));
  }
  const bool ignore = lake && mode == SaveMode::kIgnore;
  if (lake && mode == SaveMode::kAppend) {
    MILLRACE_RETURN_IF_ERROR(CheckNotSparks(fs, options.lake));
  }
  if (!ignore) MILLRACE_RETURN_IF_ERROR(fs.MakeDirs(options.staging));
  return std::unique_ptr<connector::Sink>(std::make_unique<BatchFileSink>(
      std::move(options), std::move(layout), context, mode, ignore));
}

}  // namespace millrace::connectors::file
