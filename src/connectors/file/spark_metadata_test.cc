#include "connectors/file/spark_metadata.h"

#include <gmock/gmock.h>

#include "connectors/file/file_testing.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kLake[] = "/data/lake";
constexpr char kStaging[] = "/data/.lake.millrace-staging/q";
constexpr char kState[] = "/ck/millrace/sink";

std::string Line(const std::string& name, int64_t modified,
                 std::string_view action = "add") {
  return fmt::format(
      "\n{{\"path\":\"file:///data/lake/"
      "{}\",\"size\":451,\"isDir\":false,\"modificationTime\":"
      "{},\"blockReplication\":1,\"blockSize\":33554432,\"action\":\"{}\"}}",
      name, modified, action);
}

std::vector<std::string> Paths(const SparkMetadata& metadata) {
  std::vector<std::string> paths;
  for (const SparkSinkFile& file : metadata.files) paths.push_back(file.path);
  return paths;
}

class SparkMetadataTest : public testing::Test {
 protected:
  void Log(const std::string& name, const std::string& content) {
    WriteText(fs_, JoinPath("/data/lake/_spark_metadata", name), content);
  }

  // A history of one file a batch; the files exist.
  LakeHistory History(int64_t batches) {
    LakeHistory history;
    for (int64_t batch = 0; batch < batches; ++batch) {
      const std::string name = fmt::format("p={0}/{0}.parquet", batch);
      WriteText(fs_, JoinPath(kLake, name), "x");
      history.batches.push_back({.batch = batch,
                                 .lake = kLake,
                                 .staging = kStaging,
                                 .files = {{.staged = "",
                                            .path = name,
                                            .rows = 1,
                                            .size = 451,
                                            .modified_ms = 1000 + batch}}});
      history.last_batch = batch;
    }
    return history;
  }

  MemFileSystem fs_;
};

TEST_F(SparkMetadataTest, ReadsLogsFromTheLastCompactOneOn) {
  Log("0", "v1" + Line("a.parquet", 1));
  Log("1", "v1" + Line("b.parquet", 2));
  Log("2.compact",
      "v1" + Line("a.parquet", 1) + Line("b.parquet", 2) + Line("c%20d.parquet", 3));
  Log("3", "v1");
  Log("4", "v1" + Line("e.parquet", 5) + Line("a.parquet", 6, "delete"));
  Log(".4.crc", "junk");
  const auto metadata = Must(ReadSparkMetadata(fs_, kLake));
  ASSERT_TRUE(metadata.has_value());
  EXPECT_EQ(metadata->last_batch, 4);
  EXPECT_THAT(Paths(*metadata),
              ElementsAre("/data/lake/b.parquet", "/data/lake/c d.parquet",
                          "/data/lake/e.parquet"));
  EXPECT_EQ(metadata->files[1].modified_ms, 3);
  EXPECT_EQ(metadata->files[1].size, 451);
}

TEST_F(SparkMetadataTest, NothingWithoutTheFolder) {
  Must(fs_.MakeDirs(kLake));
  EXPECT_FALSE(Must(ReadSparkMetadata(fs_, kLake)).has_value());
}

TEST_F(SparkMetadataTest, IncompleteOrForeignLogsAreErrors) {
  Log("0", "v1" + Line("a.parquet", 1));
  Log("2", "v1" + Line("c.parquet", 1));
  EXPECT_THAT(ReadSparkMetadata(fs_, kLake).status().error().message,
              HasSubstr("_spark_metadata/1"));
  Log("1", "v2");
  EXPECT_THAT(ReadSparkMetadata(fs_, kLake).status().error().message, HasSubstr("'v2'"));
  Log("1", "v1\n{\"path\":");
  EXPECT_FALSE(ReadSparkMetadata(fs_, kLake).ok());
}

TEST_F(SparkMetadataTest, WritesSparksBytes) {
  LakeHistory history = History(2);
  WriteText(fs_, "/data/lake/a b%3A.parquet", "x");
  history.batches[1].files[0].path = "a b%3A.parquet";
  Must(WriteSparkMetadata(fs_, kLake, history, 2));
  EXPECT_EQ(Must(fs_.ReadFile("/data/lake/_spark_metadata/0")),
            "v1" + Line("p=0/0.parquet", 1000));
  EXPECT_EQ(Must(fs_.ReadFile("/data/lake/_spark_metadata/1")),
            "v1" + Line("a%20b%253A.parquet", 1001));
  EXPECT_EQ(Must(fs_.ReadFile("/data/lake/_spark_metadata/2")), "v1");
  const auto metadata = Must(ReadSparkMetadata(fs_, kLake));
  EXPECT_EQ(metadata->last_batch, 2);
  EXPECT_THAT(Paths(*metadata),
              ElementsAre("/data/lake/p=0/0.parquet", "/data/lake/a b%3A.parquet"));
}

TEST_F(SparkMetadataTest, WritesOnlyWhatSparkWillReadOfALongHistory) {
  LakeHistory history = History(24);
  Must(fs_.Remove("/data/lake/p=3/3.parquet"));  // a user removed it
  Must(WriteSparkMetadata(fs_, kLake, history, 23));
  EXPECT_THAT(FilesBelow(fs_, "/data/lake/_spark_metadata"),
              ElementsAre("19.compact", "20", "21", "22", "23"));
  const auto metadata = Must(ReadSparkMetadata(fs_, kLake));
  EXPECT_EQ(metadata->files.size(), 23u);
  EXPECT_EQ(metadata->last_batch, 23);
}

TEST_F(SparkMetadataTest, HandsNoLakeOverTwiceOrTooEarly) {
  const LakeHistory history = History(3);
  EXPECT_FALSE(WriteSparkMetadata(fs_, kLake, history, 1).ok());
  EXPECT_THAT(WriteSparkMetadata(fs_, "/elsewhere", history, 2).error().message,
              HasSubstr("'/data/lake'"));
  Must(WriteSparkMetadata(fs_, kLake, history, 2));
  EXPECT_FALSE(WriteSparkMetadata(fs_, kLake, history, 2).ok());
}

TEST_F(SparkMetadataTest, TakesALakeOver) {
  Log("0", "v1" + Line("a.parquet", 1));
  Log("1", "v1" + Line("p=1/b.parquet", 2));
  WriteText(fs_, "/data/lake/a.parquet", "a");
  WriteText(fs_, "/data/lake/p=1/b.parquet", "b");
  WriteText(fs_, "/data/lake/p=1/failed.parquet", "f");
  Must(TakeOverFromSpark(fs_, kLake, kState, kStaging));
  EXPECT_THAT(FilesBelow(fs_, kLake), ElementsAre("a.parquet", "p=1/b.parquet"));
  const LakeHistory history = Must(ReadLakeLog(fs_, kState));
  EXPECT_EQ(history.last_batch, 1);
  ASSERT_EQ(history.batches.size(), 2u);
  EXPECT_EQ(history.batches[1].files[0].path, "p=1/b.parquet");
  EXPECT_THAT(TakeOverFromSpark(fs_, kLake, kState, kStaging).error().message,
              HasSubstr("nothing to take over"));
}

TEST_F(SparkMetadataTest, ATakeoverMayCrashAnywhere) {
  for (int step = 1;; ++step) {
    SCOPED_TRACE(step);
    MemFileSystem fs;
    WriteText(fs, "/data/lake/_spark_metadata/0", "v1" + Line("a.parquet", 1));
    WriteText(fs, "/data/lake/a.parquet", "a");
    WriteText(fs, "/data/lake/failed.parquet", "f");
    fs.CrashAt(step);
    const bool finished = TakeOverFromSpark(fs, kLake, kState, kStaging).ok();
    fs.Reboot(Unsynced::kLost);
    if (Must(ReadSparkMetadata(fs, kLake))) {
      Must(TakeOverFromSpark(fs, kLake, kState, kStaging));
    }
    ASSERT_THAT(FilesBelow(fs, kLake), ElementsAre("a.parquet"));
    ASSERT_EQ(Must(ReadLakeLog(fs, kState)).last_batch, 0);
    if (finished) break;
  }
}

}  // namespace
}  // namespace millrace::connectors::file
