#include "connectors/file/file_sink.h"

#include <gmock/gmock.h>

#include <arrow/type.h>

#include "connectors/file/file_testing.h"
#include "connectors/file/lake_log.h"

namespace millrace::connectors::file {
namespace {

using connector::SaveMode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

constexpr char kLake[] = "/data/lake";
constexpr char kStaging[] = "/data/.lake.millrace-staging/q1";
constexpr char kColumns[] = "user string, n bigint";

class FileSinkTest : public testing::Test {
 protected:
  connector::SinkContext Context() {
    connector::SinkContext context;
    context.fs = &fs_;
    context.query_id = "q1";
    context.path = path_;
    context.state_folder = "/ck/millrace/sink";
    context.partition_columns = partition_by_;
    return context;
  }

  Result<std::unique_ptr<connector::Sink>> Make(
      std::map<std::string, std::string> options = {}) {
    return MakeParquetSinkProvider()->Make(Options(options), Ddl(kColumns), Context());
  }

  Status Save(SaveMode mode, const std::vector<std::string>& parts,
              std::map<std::string, std::string> options = {}) {
    MILLRACE_ASSIGN_OR_RETURN(const auto sink,
                              MakeParquetSinkProvider()->MakeBatch(
                                  Options(options), Ddl(kColumns), Context(), mode));
    return RunBatch(*sink, 0, kColumns, parts);
  }

  MemFileSystem fs_;
  std::string path_ = kLake;
  std::vector<std::string> partition_by_;
};

TEST_F(FileSinkTest, ShowsRowsAtCommitAndNothingBefore) {
  const auto sink = Must(Make());
  EXPECT_EQ(sink->description(), "FileSink[/data/lake]");
  EXPECT_EQ(sink->guarantee(), connector::DeliveryGuarantee::kExactlyOnce);
  auto writer = Must(sink->Open(0, 0));
  Must(writer->Write(Rows(kColumns, R"([["a", 1]])")));
  Must(writer->Write(Rows(kColumns, R"([["b", 2], [null, 3]])")));
  const connector::CommitMessage message = Must(writer->Prepare());
  EXPECT_EQ(message.rows, 3);
  EXPECT_THAT(FilesBelow(fs_, kLake), IsEmpty());
  const connector::CommitMessage messages[] = {message};
  Must(sink->Commit(0, messages));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]", "[b, 2]", "[null, 3]"));
  EXPECT_THAT(
      FilesBelow(fs_, kLake),
      ElementsAre(MatchesRegex("part-00000-[0-9a-f-]{36}-c000\\.snappy\\.parquet")));
  EXPECT_THAT(FilesBelow(fs_, kStaging), IsEmpty());
}

TEST_F(FileSinkTest, NumbersThePartsOfABatch) {
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 0, kColumns, {R"([["a", 1]])", "[]", R"([["b", 2]])"}));
  EXPECT_THAT(FilesBelow(fs_, kLake), ElementsAre(testing::StartsWith("part-00000-"),
                                                  testing::StartsWith("part-00002-")));
}

TEST_F(FileSinkTest, DropsABatchThatIsCommittedAgain) {
  Must(RunBatch(*Must(Make()), 4, kColumns, {R"([["a", 1]])"}));
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 4, kColumns, {R"([["a", 1]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]"));
  EXPECT_THAT(FilesBelow(fs_, kStaging), IsEmpty());
  Must(RunBatch(*sink, 5, kColumns, {R"([["b", 2]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]", "[b, 2]"));
}

TEST_F(FileSinkTest, EmptyBatchesCostNoFile) {
  const auto sink = Must(Make());
  fs_.CrashAt(0);
  Must(RunBatch(*sink, 0, kColumns, {"[]"}));
  Must(sink->Commit(1, {}));
  EXPECT_EQ(fs_.operations(), 0);
  EXPECT_THAT(FilesBelow(fs_, "/ck"), IsEmpty());
}

// One small file a batch: six syncs would be too many for a batch of one or two
// milliseconds.
TEST_F(FileSinkTest, ABatchOfOneFileTakesFewOperations) {
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 0, kColumns, {R"([["a", 1]])"}));
  fs_.CrashAt(0);
  Must(RunBatch(*sink, 1, kColumns, {R"([["a", 1]])"}));
  // Staged file: create, write, sync. Staging folder: sync. Manifest: create, write,
  // sync, rename, sync of the folder. Lake: rename, sync.
  EXPECT_LE(fs_.operations(), 11);
}

TEST_F(FileSinkTest, AbortLeavesNothing) {
  const auto sink = Must(Make());
  {
    auto writer = Must(sink->Open(0, 0));
    Must(writer->Write(Rows(kColumns, R"([["a", 1]])")));
  }
  auto writer = Must(sink->Open(0, 0));
  Must(writer->Write(Rows(kColumns, R"([["a", 1]])")));
  writer->Abort();
  EXPECT_THAT(FilesBelow(fs_, "/data"), IsEmpty());
}

TEST_F(FileSinkTest, PartitionsAsHiveDoes) {
  partition_by_ = {"USER"};
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 0, kColumns,
                {R"([["a/b", 1], [null, 2], ["a/b", 3], ["", 4], ["x", 5]])"}));
  EXPECT_THAT(
      FilesBelow(fs_, kLake),
      ElementsAre(MatchesRegex("user=__HIVE_DEFAULT_PARTITION__/part-.*\\.parquet"),
                  MatchesRegex("user=a%2Fb/part-00000-[0-9a-f-]{36}\\.c000\\.snappy.*"),
                  MatchesRegex("user=x/part-.*\\.parquet")));
  EXPECT_THAT(LakeRows(fs_, kLake),
              ElementsAre("[1, a/b]", "[2, null]", "[3, a/b]", "[4, null]", "[5, x]"));
}

TEST_F(FileSinkTest, ManyPartitionsTakeTurnsAtOpenFiles) {
  partition_by_ = {"n"};
  const auto sink = Must(Make());
  auto writer = Must(sink->Open(0, 0));
  std::string json = "[";
  for (int i = 0; i < 150; ++i)
    json += fmt::format("{}[\"u\", {}]", i == 0 ? "" : ",", i);
  for (int round = 0; round < 2; ++round) Must(writer->Write(Rows(kColumns, json + "]")));
  const connector::CommitMessage messages[] = {Must(writer->Prepare())};
  EXPECT_EQ(messages[0].rows, 300);
  Must(sink->Commit(0, messages));
  EXPECT_EQ(LakeRows(fs_, kLake).size(), 300u);
}

TEST_F(FileSinkTest, PartitionErrorsNameTheColumn) {
  partition_by_ = {"usr"};
  EXPECT_EQ(Make().status().error().error_class, "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA");
  partition_by_ = {"user", "n"};
  EXPECT_EQ(Make().status().error().error_class, "ALL_PARTITION_COLUMNS_NOT_ALLOWED");
}

TEST_F(FileSinkTest, SplitsFilesByRecords) {
  const auto sink = Must(Make({{"maxRecordsPerFile", "2"}, {"compression", "none"}}));
  Must(RunBatch(*sink, 0, kColumns,
                {R"([["a", 1], ["b", 2], ["c", 3], ["d", 4], ["e", 5]])"}));
  EXPECT_THAT(FilesBelow(fs_, kLake), ElementsAre(testing::EndsWith("-c000.parquet"),
                                                  testing::EndsWith("-c001.parquet"),
                                                  testing::EndsWith("-c002.parquet")));
  EXPECT_EQ(LakeRows(fs_, kLake).size(), 5u);
}

TEST_F(FileSinkTest, RefusesALakeOfSpark) {
  WriteText(fs_, "/data/lake/_spark_metadata/0", "v1");
  const auto sink = Make();
  ASSERT_FALSE(sink.ok());
  EXPECT_THAT(sink.status().error().message, HasSubstr("handover"));
  EXPECT_FALSE(Save(SaveMode::kAppend, {R"([["a", 1]])"}).ok());
}

TEST_F(FileSinkTest, GoesOnOnlyInItsOwnLake) {
  Must(RunBatch(*Must(Make()), 0, kColumns, {R"([["a", 1]])"}));
  path_ = "/data/other";
  const Status refused = Make().status();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(
      refused.error().message,
      testing::AllOf(HasSubstr("'/data/other'"), HasSubstr("writes to '/data/lake'"),
                     HasSubstr("batch 0"), HasSubstr("new checkpointLocation")));
  EXPECT_EQ(Must(fs_.Stat("/data/other")), std::nullopt);

  // The lake may be moved, also when many batches were merged in the log.
  path_ = kLake;
  for (int64_t batch = 1; batch < 25; ++batch) {
    Must(RunBatch(*Must(Make()), batch, kColumns, {R"([["a", 1]])"}));
  }
  path_ = "/data/other";
  EXPECT_FALSE(Make().ok());
  Must(fs_.MakeDirs("/data/other"));
  for (const std::string& file : FilesBelow(fs_, kLake)) {
    Must(fs_.Rename(JoinPath(kLake, file), JoinPath("/data/other", file)));
  }
  Must(RunBatch(*Must(Make()), 25, kColumns, {R"([["b", 2]])"}));
  EXPECT_EQ(LakeRows(fs_, "/data/other").size(), 26U);
}

TEST_F(FileSinkTest, RefusesOptionsItDoesNotKnow) {
  EXPECT_THAT(Make({{"compresion", "zstd"}}).status().error().message,
              HasSubstr("compression"));
  EXPECT_EQ(Make({{"compression", "foo"}}).status().error().error_class,
            "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION");
  connector::SinkContext context = Context();
  context.path = "";
  const auto sink = MakeParquetSinkProvider()->Make(Options(), Ddl(kColumns), context);
  EXPECT_EQ(sink.status().error().error_class, "_LEGACY_ERROR_TEMP_2047");
  EXPECT_FALSE(MakeParquetSinkProvider()->supports(connector::OutputMode::kUpdate));
}

TEST_F(FileSinkTest, AFullDiskFailsTheBatchAndALaterTryWorks) {
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 0, kColumns, {R"([["a", 1]])"}));
  fs_.SetFull(true);
  const Status status = RunBatch(*sink, 1, kColumns, {R"([["b", 2]])"});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("No space left on device"));
  EXPECT_EQ(status.error().fault, Fault::kExternal);
  fs_.SetFull(false);
  Must(RunBatch(*sink, 1, kColumns, {R"([["b", 2]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]", "[b, 2]"));
}

TEST_F(FileSinkTest, AFileWhereTheLakeShouldBeIsAnError) {
  WriteText(fs_, kLake, "");
  EXPECT_THAT(Make().status().error().message, HasSubstr("/data/lake"));
}

TEST_F(FileSinkTest, ListsWhatAQueryCommitted) {
  const auto sink = Must(Make());
  Must(RunBatch(*sink, 0, kColumns, {R"([["a", 1]])"}));
  Must(RunBatch(*sink, 2, kColumns, {R"([["b", 2], ["c", 3]])"}));
  const LakeHistory history = Must(ReadLakeLog(fs_, "/ck/millrace/sink"));
  ASSERT_EQ(history.batches.size(), 2u);
  EXPECT_EQ(history.last_batch, 2);
  const LakeFile& file = history.batches[1].files[0];
  EXPECT_EQ(file.rows, 2);
  const auto info = Must(fs_.Stat(JoinPath(kLake, file.path)));
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(file.size, info->size);
  EXPECT_EQ(file.modified_ms, info->modified.time_since_epoch().count());
}

TEST_F(FileSinkTest, SaveModesAreSparks) {
  Must(Save(SaveMode::kErrorIfExists, {R"([["a", 1]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]"));
  EXPECT_EQ(FilesBelow(fs_, "/data").size(), 2u);  // _SUCCESS and a file; nothing staged
  const Status exists = Save(SaveMode::kErrorIfExists, {R"([["b", 2]])"});
  EXPECT_EQ(exists.ToString(),
            "[PATH_ALREADY_EXISTS] Path file:/data/lake already exists. Set mode as "
            "\"overwrite\" to overwrite the existing path. SQLSTATE: 42K04");
  Must(Save(SaveMode::kIgnore, {R"([["b", 2]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]"));
  Must(Save(SaveMode::kAppend, {R"([["b", 2]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[a, 1]", "[b, 2]"));
  Must(Save(SaveMode::kOverwrite, {R"([["c", 3]])", R"([["d", 4]])"}));
  EXPECT_THAT(LakeRows(fs_, kLake), ElementsAre("[c, 3]", "[d, 4]"));
  EXPECT_THAT(FilesBelow(fs_, kLake), testing::Contains("_SUCCESS"));
}

TEST_F(FileSinkTest, SavingNoRowsKeepsTheColumns) {
  Must(Save(SaveMode::kErrorIfExists, {"[]"}));
  const auto provider = MakeParquetProvider();
  connector::SourceContext context;
  context.fs = &fs_;
  const auto schema = Must(provider->Schema(Options(), {kLake}, nullptr, false, context));
  EXPECT_TRUE(schema->Equals(*Ddl(kColumns)));
  EXPECT_THAT(Must(ReadBatch(*provider, fs_, kLake)), IsEmpty());
}

TEST_F(FileSinkTest, AFailedSaveLeavesNothingBehind) {
  {
    const auto sink = Must(MakeParquetSinkProvider()->MakeBatch(
        Options(), Ddl(kColumns), Context(), SaveMode::kAppend));
    auto writer = Must(sink->Open(0, 0));
    Must(writer->Write(Rows(kColumns, R"([["a", 1]])")));
    Must(writer->Prepare());
  }
  EXPECT_THAT(FilesBelow(fs_, "/data"), IsEmpty());
}

}  // namespace
}  // namespace millrace::connectors::file
