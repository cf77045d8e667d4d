// Every point at which the machine may stop: readers see each row exactly once.
#include <gmock/gmock.h>

#include "connectors/file/file_testing.h"
#include "connectors/file/lake_log.h"

namespace millrace::connectors::file {
namespace {

constexpr char kLake[] = "/data/lake";
constexpr char kColumns[] = "k string, n bigint";

/// What the engine does: runs batches in order, remembers those that are committed, and
/// after a crash begins with the first that is not. Batch 2 has no rows.
class Pipeline {
 public:
  Pipeline(MemFileSystem& fs, std::vector<std::string> partition_by)
      : fs_(fs), partition_by_(std::move(partition_by)) {}

  Status Run() {
    connector::SinkContext context;
    context.fs = &fs_;
    context.query_id = "q";
    context.path = kLake;
    context.state_folder = "/ck/millrace/sink";
    context.partition_columns = partition_by_;
    MILLRACE_ASSIGN_OR_RETURN(const auto sink, MakeParquetSinkProvider()->Make(
                                                   Options(), Ddl(kColumns), context));
    MILLRACE_RETURN_IF_ERROR(fs_.MakeDirs("/ck/commits"));
    for (int batch = 0; batch < kBatches; ++batch) {
      const std::string commit = fmt::format("/ck/commits/{}", batch);
      MILLRACE_ASSIGN_OR_RETURN(const auto done, fs_.Stat(commit));
      if (done) continue;
      const std::string rows = fmt::format(R"([["a", 1{0}1], ["b", 1{0}2]])", batch);
      const std::string more = fmt::format(R"([["a", 1{0}3]])", batch);
      std::vector<std::string> parts = {rows, more};
      if (batch == 2) parts = {"[]"};
      MILLRACE_RETURN_IF_ERROR(RunBatch(*sink, batch, kColumns, parts));
      MILLRACE_RETURN_IF_ERROR(fs_.WriteFileAtomically(commit, "v1\n{}"));
    }
    return Status::OK();
  }

 private:
  static constexpr int kBatches = 4;
  MemFileSystem& fs_;
  const std::vector<std::string> partition_by_;
};

/// What any reader sees now: no row twice.
void ExpectNoRowTwice(MemFileSystem& fs) {
  if (!Must(fs.Stat(kLake)) || FilesBelow(fs, kLake).empty()) return;
  std::vector<std::string> rows = LakeRows(fs, kLake);
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
}

class FileSinkCrashTest
    : public testing::TestWithParam<std::tuple<Unsynced, std::vector<std::string>>> {};

TEST_P(FileSinkCrashTest, ReadersSeeEachRowExactlyOnce) {
  const auto& [unsynced, partition_by] = GetParam();
  MemFileSystem undisturbed;
  Must(Pipeline(undisturbed, partition_by).Run());
  const std::vector<std::string> expected = LakeRows(undisturbed, kLake);
  ASSERT_EQ(expected.size(), 9u);

  for (int step = 1;; ++step) {
    SCOPED_TRACE(testing::Message() << "crash at file system operation " << step);
    MemFileSystem disk;
    disk.CrashAt(step);
    const bool finished = Pipeline(disk, partition_by).Run().ok();
    disk.Reboot(unsynced);
    ExpectNoRowTwice(disk);
    Must(Pipeline(disk, partition_by).Run());
    ASSERT_EQ(LakeRows(disk, kLake), expected);
    ASSERT_THAT(FilesBelow(disk, "/data/.lake.millrace-staging"), testing::IsEmpty());
    size_t files = 0;
    for (const Manifest& manifest :
         Must(ReadLakeLog(disk, "/ck/millrace/sink")).batches) {
      files += manifest.files.size();
    }
    ASSERT_EQ(files, FilesBelow(disk, kLake).size());
    if (finished) break;
  }
}

// A second crash, while the first one is being recovered from.
TEST_P(FileSinkCrashTest, RecoveryMayCrashToo) {
  const auto& [unsynced, partition_by] = GetParam();
  MemFileSystem undisturbed;
  Must(Pipeline(undisturbed, partition_by).Run());
  const std::vector<std::string> expected = LakeRows(undisturbed, kLake);

  for (int first = 3;; first += 7) {
    bool first_finished = false;
    for (int second = 1;; second += 3) {
      SCOPED_TRACE(testing::Message()
                   << "crashes at operations " << first << ", " << second);
      MemFileSystem disk;
      disk.CrashAt(first);
      first_finished = Pipeline(disk, partition_by).Run().ok();
      disk.Reboot(unsynced);
      disk.CrashAt(second);
      const bool finished = Pipeline(disk, partition_by).Run().ok();
      disk.Reboot(unsynced);
      ExpectNoRowTwice(disk);
      Must(Pipeline(disk, partition_by).Run());
      ASSERT_EQ(LakeRows(disk, kLake), expected);
      if (finished) break;
    }
    if (first_finished) break;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Disks, FileSinkCrashTest,
    testing::Combine(
        testing::Values(Unsynced::kLost, Unsynced::kNamesKept, Unsynced::kKept),
        testing::Values(std::vector<std::string>{}, std::vector<std::string>{"k"})));

}  // namespace
}  // namespace millrace::connectors::file
