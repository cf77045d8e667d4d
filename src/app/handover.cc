#include "app/handover.h"

#include <filesystem>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "connectors/file/file_sink.h"
#include "connectors/file/lake_log.h"
#include "connectors/file/spark_metadata.h"

namespace millrace::app {
namespace {

using checkpoint::Checkpoint;
using checkpoint::RecoveryPoint;

Status RefuseStateful(const Checkpoint& opened, FileSystem& fs) {
  MILLRACE_ASSIGN_OR_RETURN(const bool spark_state, opened.HasSparkState());
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> own_state,
                            fs.Stat(opened.own_folder("state")));
  if (!spark_state && !own_state) return Status::OK();
  return Error(Fault::kUser,
               "The query of checkpoint {} keeps state ({}), and the state files of "
               "Spark and "
               "Millrace differ: only a stateless query can be handed over. Start it on "
               "the "
               "other side with a new checkpointLocation.",
               opened.folder(), spark_state ? "Spark's, in state/" : "in millrace/state/")
      .Class("UNSUPPORTED_FEATURE.HANDOVER_OF_STATE", "0A000")
      .Java(kUnsupportedOperationException);
}

Result<std::string> Absolute(const std::string& uri) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string path, LocalPath(uri));
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

Status Handover(FileSystem& fs, const HandoverArguments& arguments) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string folder, Absolute(arguments.checkpoint));
  MILLRACE_ASSIGN_OR_RETURN(std::string lake, Absolute(arguments.lake));
  if (lake.size() > 1 && lake.ends_with('/')) lake.pop_back();
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> metadata,
                            fs.Stat(JoinPath(folder, "metadata")));
  if (!metadata) {
    return ArgumentError(
        "There is no checkpoint in {}: expected a folder with a file 'metadata'. "
        "Give the checkpointLocation of the query that writes the lake.",
        folder);
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> opened,
                            Checkpoint::Open(&fs, folder, "millrace handover"));
  MILLRACE_RETURN_IF_ERROR(RefuseStateful(*opened, fs));
  const std::string state_folder = opened->own_folder("sink");
  if (arguments.to == HandoverTo::kMillrace) {
    return connectors::file::TakeOverFromSpark(
        fs, lake, state_folder,
        JoinPath(connectors::file::StagingRoot(lake), opened->query_id()));
  }
  MILLRACE_ASSIGN_OR_RETURN(const RecoveryPoint point, opened->Recover());
  if (point.planned) {
    return ArgumentError(
        "Batch {} of checkpoint {} was begun and is not committed. Run the query "
        "once more (availableNow), then hand it over.",
        point.next_batch, folder);
  }
  MILLRACE_ASSIGN_OR_RETURN(const connectors::file::LakeHistory history,
                            connectors::file::ReadLakeLog(fs, state_folder));
  return connectors::file::WriteSparkMetadata(fs, lake, history, point.next_batch - 1);
}

}  // namespace millrace::app
