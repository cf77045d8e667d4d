#include "connectors/file/lake_log.h"

#include "connectors/file/file_testing.h"

namespace millrace::connectors::file {
namespace {

constexpr char kState[] = "/ck/millrace/sink";

Manifest ManifestOf(int64_t batch) {
  return {.batch = batch,
          .lake = "/lake",
          .staging = "/.lake.millrace-staging/q",
          .files = {{.staged = "s" + std::to_string(batch),
                     .path = "k=ä/" + std::to_string(batch),
                     .rows = batch,
                     .size = 100 + batch,
                     .modified_ms = 1'000'000 + batch}}};
}

std::vector<int64_t> BatchesOf(const LakeHistory& history) {
  std::vector<int64_t> batches;
  for (const Manifest& manifest : history.batches) batches.push_back(manifest.batch);
  return batches;
}

TEST(LakeLog, RemembersBatchesAndTheirFiles) {
  MemFileSystem fs;
  {
    LakeLog log = Must(LakeLog::Open(fs, kState));
    EXPECT_FALSE(log.last_batch().has_value());
    Must(log.Add(ManifestOf(3)));
    EXPECT_EQ(log.unfinished()->batch, 3);
    Must(log.Finished());
    EXPECT_FALSE(log.unfinished().has_value());
    Must(log.Add(ManifestOf(7)));
    EXPECT_FALSE(log.Add(ManifestOf(7)).ok());
  }
  LakeLog log = Must(LakeLog::Open(fs, kState));
  EXPECT_EQ(log.last_batch(), 7);
  ASSERT_TRUE(log.unfinished().has_value());
  EXPECT_EQ(log.unfinished()->files[0].path, "k=ä/7");

  const LakeHistory history = Must(ReadLakeLog(fs, kState));
  EXPECT_EQ(history.last_batch, 7);
  EXPECT_EQ(BatchesOf(history), (std::vector<int64_t>{3, 7}));
  EXPECT_EQ(history.batches[0].lake, "/lake");
  EXPECT_EQ(history.batches[0].files[0].staged, "s3");
  EXPECT_EQ(history.batches[0].files[0].rows, 3);
  EXPECT_EQ(history.batches[0].files[0].size, 103);
  EXPECT_EQ(history.batches[0].files[0].modified_ms, 1'000'003);
}

TEST(LakeLog, ReadsNothingWhereThereIsNothing) {
  MemFileSystem fs;
  EXPECT_FALSE(Must(ReadLakeLog(fs, kState)).last_batch.has_value());
}

TEST(LakeLog, StaysSmallAndForgetsNothing) {
  MemFileSystem fs;
  constexpr int64_t kBatches = 3000;
  std::vector<int64_t> expected;
  {
    LakeLog log = Must(LakeLog::Open(fs, kState));
    for (int64_t batch = 0; batch < kBatches; ++batch) {
      Must(log.Add(ManifestOf(batch)));
      Must(log.Finished());
      expected.push_back(batch);
      ASSERT_LE(FilesBelow(fs, kState).size(), 70u);
    }
  }
  EXPECT_EQ(BatchesOf(Must(ReadLakeLog(fs, kState))), expected);
  LakeLog log = Must(LakeLog::Open(fs, kState));
  EXPECT_EQ(log.last_batch(), kBatches - 1);
  Must(log.Add(ManifestOf(kBatches)));
  EXPECT_EQ(Must(ReadLakeLog(fs, kState)).last_batch, kBatches);
}

// Whatever is cut off, the log has all batches that were added, and no batch twice.
TEST(LakeLog, SurvivesACrashAtEachOperation) {
  for (const Unsynced unsynced :
       {Unsynced::kLost, Unsynced::kNamesKept, Unsynced::kKept}) {
    for (int step = 1;; ++step) {
      SCOPED_TRACE(step);
      MemFileSystem fs;
      fs.CrashAt(step);
      int64_t added = -1;
      auto run = [&]() -> Status {
        MILLRACE_ASSIGN_OR_RETURN(LakeLog log, LakeLog::Open(fs, kState));
        for (int64_t batch = 0; batch < 70; ++batch) {
          MILLRACE_RETURN_IF_ERROR(log.Add(ManifestOf(batch)));
          added = batch;
          MILLRACE_RETURN_IF_ERROR(log.Finished());
        }
        return Status::OK();
      };
      const bool finished = run().ok();
      fs.Reboot(unsynced);
      const LakeLog log = Must(LakeLog::Open(fs, kState));
      const std::vector<int64_t> batches = BatchesOf(Must(ReadLakeLog(fs, kState)));
      ASSERT_GE(static_cast<int64_t>(batches.size()), added + 1);
      for (size_t i = 0; i < batches.size(); ++i) ASSERT_EQ(batches[i], int64_t(i));
      for (const std::string& name : FilesBelow(fs, kState)) {
        ASSERT_EQ(name.find(".tmp"), std::string::npos) << name;
      }
      if (finished) break;
    }
  }
}

TEST(LakeLog, ADamagedFileIsAnErrorThatNamesIt) {
  MemFileSystem fs;
  Must(Must(LakeLog::Open(fs, kState)).Add(ManifestOf(3)));
  const std::string path = std::string(kState) + "/commits/3";
  std::string content = Must(fs.ReadFile(path));
  content[content.size() - 5] = static_cast<char>(content[content.size() - 5] ^ 1);
  WriteText(fs, path, content);
  for (const Status& status :
       {LakeLog::Open(fs, kState).status(), ReadLakeLog(fs, kState).status()}) {
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find(path), std::string::npos) << status.ToString();
    EXPECT_FALSE(status.error().retryable);
  }
  WriteText(fs, path, "");
  EXPECT_FALSE(LakeLog::Open(fs, kState).ok());
}

TEST(LakeLog, CanBeginWithBatchesOfOthers) {
  MemFileSystem fs;
  LakeHistory history;
  history.batches = {ManifestOf(0), ManifestOf(12)};
  history.last_batch = 15;
  Must(StartLakeLog(fs, kState, history));
  EXPECT_FALSE(StartLakeLog(fs, kState, history).ok());
  LakeLog log = Must(LakeLog::Open(fs, kState));
  EXPECT_EQ(log.last_batch(), 15);
  EXPECT_FALSE(log.unfinished().has_value());
  Must(log.Add(ManifestOf(16)));
  EXPECT_EQ(BatchesOf(Must(ReadLakeLog(fs, kState))), (std::vector<int64_t>{0, 12, 16}));
}

}  // namespace
}  // namespace millrace::connectors::file
