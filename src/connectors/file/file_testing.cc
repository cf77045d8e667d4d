#include "connectors/file/file_testing.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/file/parquet_writer.h"
#include "data/show.h"

namespace millrace::connectors::file {

data::SchemaPtr Ddl(std::string_view ddl) { return Must(data::ParseDdl(ddl)); }

data::Batch Rows(std::string_view ddl, std::string_view json) {
  return Must(data::BatchFromJson(Ddl(ddl), json));
}

std::vector<std::string> RowTexts(const data::Batch& batch) {
  std::vector<std::string> rows;
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    std::string text = "[";
    for (int i = 0; i < batch->num_columns(); ++i) {
      if (i > 0) text += ", ";
      if (batch->column(i)->IsNull(row)) {
        text += "null";
      } else {
        data::AppendValue(*batch->column(i), row, "UTC", data::NullText::kCast, &text);
      }
    }
    rows.push_back(text + "]");
  }
  return rows;
}

std::string WriteText(FileSystem& fs, const std::string& path, std::string_view text) {
  Must(fs.MakeDirs(DirName(path)));
  const auto file = Must(fs.OpenForWrite(path));
  Must(file->Append(text));
  Must(file->Sync());
  Must(file->Close());
  Must(fs.SyncDir(DirName(path)));
  return path;
}

std::string WriteParquet(FileSystem& fs, const std::string& path,
                         const data::Batch& batch,
                         const std::map<std::string, std::string>& options) {
  Must(fs.MakeDirs(DirName(path)));
  const auto file = Must(fs.OpenForWrite(path));
  const auto writer =
      Must(Must(ParquetFileFormat(Options(options))).open(*file, batch->schema()));
  Must(writer->Write(batch));
  Must(writer->Close());
  Must(file->Close());
  return path;
}

std::vector<std::string> FilesBelow(FileSystem& fs, const std::string& folder) {
  std::vector<std::string> files;
  for (const FileInfo& info : Must(fs.List(folder))) {
    if (!info.is_directory) {
      files.push_back(info.name);
      continue;
    }
    for (const std::string& below : FilesBelow(fs, JoinPath(folder, info.name))) {
      files.push_back(JoinPath(info.name, below));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<std::string>> ReadSplits(
    std::vector<std::unique_ptr<connector::Split>> splits) {
  std::vector<std::string> rows;
  for (const auto& split : splits) {
    MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::Reader> reader,
                              split->Open());
    for (;;) {
      MILLRACE_ASSIGN_OR_RETURN(const data::Batch batch, reader->Next({}));
      if (batch == nullptr) break;
      EXPECT_GT(batch->num_rows(), 0);
      EXPECT_TRUE(batch->ValidateFull().ok()) << batch->ValidateFull().ToString();
      std::ranges::move(RowTexts(batch), std::back_inserter(rows));
    }
  }
  return rows;
}

Result<std::vector<std::string>> ReadBatch(const connector::SourceProvider& provider,
                                           FileSystem& fs, const std::string& path,
                                           const ReadRequest& request) {
  const Options options(request.options);
  connector::SourceContext context;
  context.fs = &fs;
  context.session_time_zone = request.time_zone;
  MILLRACE_ASSIGN_OR_RETURN(
      const data::SchemaPtr schema,
      provider.Schema(options, {path},
                      request.schema.empty() ? nullptr : Ddl(request.schema),
                      /*streaming=*/false, context));
  context.required_columns = request.columns;
  MILLRACE_ASSIGN_OR_RETURN(std::vector<std::unique_ptr<connector::Split>> splits,
                            provider.PlanBatch(options, {path}, schema, context, {}));
  return ReadSplits(std::move(splits));
}

std::vector<std::string> LakeRows(FileSystem& fs, const std::string& lake) {
  const auto listed = Must(fs.List(lake));
  const bool empty = std::all_of(listed.begin(), listed.end(), [](const FileInfo& info) {
    return !info.is_directory && !info.name.ends_with(".parquet");
  });
  if (empty) return {};
  std::vector<std::string> rows = Must(ReadBatch(*MakeParquetProvider(), fs, lake));
  std::sort(rows.begin(), rows.end());
  return rows;
}

Status RunBatch(connector::Sink& sink, connector::BatchId batch, std::string_view ddl,
                const std::vector<std::string>& parts) {
  std::vector<connector::CommitMessage> messages;
  int part = 0;
  for (const std::string& rows : parts) {
    MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<connector::SinkWriter> writer,
                              sink.Open(batch, part++));
    MILLRACE_RETURN_IF_ERROR(writer->Write(Rows(ddl, rows)));
    MILLRACE_ASSIGN_OR_RETURN(connector::CommitMessage message, writer->Prepare());
    messages.push_back(std::move(message));
  }
  return sink.Commit(batch, messages);
}

}  // namespace millrace::connectors::file
