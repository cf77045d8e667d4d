// The stream of new files: what a batch reads, and what the checkpoint says about it.
#include <gmock/gmock.h>

#include <arrow/type.h>

#include "connectors/file/file_testing.h"
#include "connectors/file/seen_files_log.h"

namespace millrace::connectors::file {
namespace {

using connector::Offset;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Only its folder is asked for.
class FolderLog final : public connector::DurableLog {
 public:
  Status Add(int64_t, const std::string&) override { return Status::OK(); }
  Result<std::optional<std::string>> Get(int64_t) const override {
    return std::optional<std::string>();
  }
  Result<std::vector<int64_t>> Ids() const override { return std::vector<int64_t>(); }
  Status PurgeBelow(int64_t) override { return Status::OK(); }
  std::string folder() const override { return "/ck/sources/0"; }
};

class FileStreamTest : public testing::Test {
 protected:
  std::unique_ptr<connector::StreamSource> Start(OptionMap options = {},
                                                 const std::string& path = "/in",
                                                 const std::string& ddl = "a int") {
    connector::SourceContext context;
    context.fs = &fs_;
    context.log = &log_;
    return Must(
        provider_->MakeStream(Options(std::move(options)), {path}, Ddl(ddl), context));
  }

  void AddFile(const std::string& name, int value) {
    WriteText(fs_, JoinPath("/in", name), fmt::format("{}\n", value));
  }

  // Plans what is new and reads it; nothing where nothing is.
  std::vector<std::string> NextBatch(connector::StreamSource& source,
                                     bool unlimited = false) {
    const std::optional<Offset> end =
        Must(source.Latest(offset_, {.unlimited = unlimited}, {}));
    if (end == offset_) return {};
    auto rows = Must(ReadSplits(Must(source.Plan(offset_, *end, {}))));
    offset_ = end;
    return rows;
  }

  MemFileSystem fs_;
  FolderLog log_;
  std::unique_ptr<connector::SourceProvider> provider_ = MakeCsvProvider();
  std::optional<Offset> offset_;
};

TEST_F(FileStreamTest, ReadsEachFileOnceInOrderOfTime) {
  AddFile("b.csv", 1);
  AddFile("a.csv", 2);
  const auto source = Start();
  EXPECT_EQ(source->description(), "FileStreamSource[file:/in]");
  EXPECT_FALSE(Must(source->Initial({})).has_value());
  EXPECT_THAT(NextBatch(*source), ElementsAre("[1]", "[2]"));
  EXPECT_EQ(offset_, "{\"logOffset\":0}");
  EXPECT_THAT(NextBatch(*source), IsEmpty());
  EXPECT_EQ(offset_, "{\"logOffset\":0}");
  AddFile("c.csv", 3);
  EXPECT_THAT(NextBatch(*source), ElementsAre("[3]"));
  EXPECT_EQ(offset_, "{\"logOffset\":1}");
  EXPECT_EQ(Must(fs_.ReadFile("/ck/sources/0/1")),
            "v1\n{\"path\":\"file:///in/c.csv\",\"timestamp\":" +
                std::to_string(
                    Must(fs_.Stat("/in/c.csv"))->modified.time_since_epoch().count()) +
                ",\"batchId\":1}");
}

TEST_F(FileStreamTest, NoFilesNoOffset) {
  Must(fs_.MakeDirs("/in"));
  EXPECT_FALSE(Must(Start()->Latest(std::nullopt, {}, {})).has_value());
}

TEST_F(FileStreamTest, LimitsABatch) {
  for (int i = 0; i < 5; ++i) AddFile(fmt::format("{}.csv", i), i);
  const auto source = Start({{"maxFilesPerTrigger", "2"}});
  EXPECT_THAT(NextBatch(*source), ElementsAre("[0]", "[1]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]", "[3]"));
  AddFile("5.csv", 5);
  EXPECT_THAT(NextBatch(*source, /*unlimited=*/true), ElementsAre("[4]", "[5]"));
}

TEST_F(FileStreamTest, LimitsABatchByBytes) {
  for (int i = 0; i < 3; ++i) AddFile(fmt::format("{}.csv", i), i);
  const auto source = Start({{"maxBytesPerTrigger", "3"}});
  EXPECT_THAT(NextBatch(*source), ElementsAre("[0]", "[1]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
}

TEST_F(FileStreamTest, LatestFirst) {
  for (int i = 0; i < 3; ++i) AddFile(fmt::format("{}.csv", i), i);
  const auto source = Start({{"maxFilesPerTrigger", "1"}, {"latestFirst", "true"}});
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[1]"));
}

TEST_F(FileStreamTest, FileNameOnly) {
  AddFile("k=1/x.csv", 1);
  const auto source = Start({{"fileNameOnly", "true"}}, "/in", "a int, k int");
  EXPECT_THAT(NextBatch(*source), ElementsAre("[1, 1]"));
  AddFile("k=2/x.csv", 2);
  EXPECT_THAT(NextBatch(*source), IsEmpty());
}

TEST_F(FileStreamTest, OldFilesAreIgnored) {
  AddFile("a.csv", 1);
  for (int i = 0; i < 20; ++i) AddFile("other.txt", i);  // time passes
  AddFile("b.csv", 2);
  const auto source = Start(
      {{"maxFileAge", "5ms"}, {"maxFilesPerTrigger", "1"}, {"pathGlobFilter", "*.csv"}});
  EXPECT_THAT(NextBatch(*source), ElementsAre("[1]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
  EXPECT_THAT(NextBatch(*source),
              IsEmpty());  // a.csv is forgotten, and too old to be new
}

TEST_F(FileStreamTest, AvailableNowFixesTheEnd) {
  AddFile("a.csv", 1);
  AddFile("b.csv", 2);
  const auto source = Start({{"maxFilesPerTrigger", "1"}});
  Must(source->PrepareAvailableNow({}));
  AddFile("c.csv", 3);
  EXPECT_THAT(NextBatch(*source), ElementsAre("[1]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
  EXPECT_THAT(NextBatch(*source), IsEmpty());
}

TEST_F(FileStreamTest, RestartGoesOnAndReplansTheSameFiles) {
  AddFile("a.csv", 1);
  {
    const auto source = Start();
    EXPECT_THAT(NextBatch(*source), ElementsAre("[1]"));
    AddFile("b.csv", 2);
    EXPECT_EQ(Must(source->Latest(offset_, {}, {})), "{\"logOffset\":1}");
  }
  // The log is ahead of the offsets: what was planned comes first, without newer files.
  AddFile("c.csv", 3);
  const auto source = Start();
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
  EXPECT_THAT(
      Must(ReadSplits(Must(source->Plan("{\"logOffset\":0}", "{\"logOffset\":1}", {})))),
      ElementsAre("[2]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[3]"));
}

TEST_F(FileStreamTest, LongLogsAreCompactedAsInSpark) {
  for (int i = 0; i < 25; ++i) {
    AddFile(fmt::format("{:02}.csv", i), i);
    const auto source = Start();  // restarts each time
    ASSERT_THAT(NextBatch(*source), ElementsAre(fmt::format("[{}]", i)));
    ASSERT_LE(FilesBelow(fs_, "/ck/sources/0").size(), 12u);
  }
  EXPECT_THAT(FilesBelow(fs_, "/ck/sources/0"),
              ElementsAre("19.compact", "20", "21", "22", "23", "24", "9.compact"));
  const std::string compact = Must(fs_.ReadFile("/ck/sources/0/19.compact"));
  EXPECT_EQ(std::count(compact.begin(), compact.end(), '\n'), 20);
  EXPECT_THAT(compact, HasSubstr("\"batchId\":0}\n"));
  const auto source = Start();
  EXPECT_THAT(
      Must(ReadSplits(Must(source->Plan("{\"logOffset\":2}", "{\"logOffset\":4}", {})))),
      ElementsAre("[3]", "[4]"));
  EXPECT_THAT(NextBatch(*source), IsEmpty());
}

TEST_F(FileStreamTest, GoesOnWhereSparkStopped) {
  // The log of a Spark query with a compaction interval of 3.
  for (int i = 0; i < 5; ++i) AddFile(fmt::format("f{}.csv", i), i);
  auto line = [](int i, int batch) {
    return fmt::format(
        "\n{{\"path\":\"file:///in/f{}.csv\",\"timestamp\":1,\"batchId\":{}}}", i, batch);
  };
  WriteText(fs_, "/ck/sources/0/0", "v1" + line(0, 0));
  WriteText(fs_, "/ck/sources/0/1", "v1" + line(1, 1));
  WriteText(fs_, "/ck/sources/0/2.compact", "v1" + line(0, 0) + line(1, 1) + line(3, 2));
  WriteText(fs_, "/ck/sources/0/3", "v1" + line(4, 3));
  WriteText(fs_, "/ck/sources/0/.3.crc", "junk");
  offset_ = "{\"logOffset\":3}";
  const auto source = Start();
  EXPECT_THAT(
      Must(ReadSplits(Must(source->Plan("{\"logOffset\":1}", "{\"logOffset\":3}", {})))),
      ElementsAre("[3]", "[4]"));
  EXPECT_THAT(NextBatch(*source), ElementsAre("[2]"));
  AddFile("f5.csv", 5);
  EXPECT_THAT(NextBatch(*source), ElementsAre("[5]"));
  EXPECT_THAT(FilesBelow(fs_, "/ck/sources/0"),
              ElementsAre(".3.crc", "2.compact", "5.compact"));
}

TEST_F(FileStreamTest, SurvivesACrashAtEachOperation) {
  for (int step = 1;; ++step) {
    SCOPED_TRACE(step);
    MemFileSystem fs;
    auto run = [&](std::vector<std::string>* read) -> Status {
      MILLRACE_ASSIGN_OR_RETURN(SeenFilesLog log,
                                SeenFilesLog::Open(fs, "/ck/sources/0"));
      for (int64_t batch = log.last_batch() + 1; batch < 12; ++batch) {
        MILLRACE_RETURN_IF_ERROR(log.Add({{.path = fmt::format("/in/{}", batch)}}));
      }
      for (const SeenFile& file : log.All()) read->push_back(file.path);
      return Status::OK();
    };
    std::vector<std::string> read;
    fs.CrashAt(step);
    const bool finished = run(&read).ok();
    fs.Reboot(Unsynced::kLost);
    read.clear();
    Must(run(&read));
    ASSERT_EQ(read.size(), 12u);
    for (int i = 0; i < 12; ++i)
      ASSERT_EQ(read[static_cast<size_t>(i)], fmt::format("/in/{}", i));
    if (finished) break;
  }
}

TEST_F(FileStreamTest, PartitionFoldersBecomeColumns) {
  AddFile("k=7/x.csv", 1);
  AddFile("k=8/y.csv", 2);
  EXPECT_THAT(NextBatch(*Start({}, "/in", "a int, k bigint")),
              ElementsAre("[1, 7]", "[2, 8]"));
}

TEST_F(FileStreamTest, SchemaErrorsAreSparks) {
  connector::SourceContext context;
  context.fs = &fs_;
  Must(fs_.MakeDirs("/in"));
  auto schema = [&](const std::string& path, const data::SchemaPtr& user,
                    OptionMap options = {}) {
    return provider_->Schema(Options(options), {path}, user, /*streaming=*/true, context);
  };
  EXPECT_EQ(schema("/in", nullptr).status().error().error_class,
            "_LEGACY_ERROR_TEMP_2048");
  EXPECT_EQ(schema("/none", Ddl("a int")).status().ToString(),
            "[PATH_NOT_FOUND] Path does not exist: /none. SQLSTATE: 42K03");
  EXPECT_TRUE(schema("/in", Ddl("a int not null")).ok());
  EXPECT_TRUE(Must(schema("/in", Ddl("a int not null")))->field(0)->nullable());
  EXPECT_FALSE(schema("/in", Ddl("a int"), {{"maxFilePerTrigger", "1"}}).ok());
  EXPECT_FALSE(schema("/in", Ddl("a int"), {{"cleanSource", "delete"}}).ok());
  EXPECT_EQ(
      provider_->Schema(Options(), {}, nullptr, false, context).status().error().message,
      "'path' is not specified.");
}

TEST_F(FileStreamTest, BadOptionsAndOffsetsAreErrors) {
  connector::SourceContext context;
  context.fs = &fs_;
  context.log = &log_;
  for (const OptionMap& options :
       {OptionMap{{"maxFilesPerTrigger", "0"}}, OptionMap{{"maxFilesPerTrigger", "x"}},
        OptionMap{{"maxFileAge", "1 fortnight"}}, OptionMap{{"latestFirst", "maybe"}}}) {
    EXPECT_FALSE(
        provider_->MakeStream(Options(options), {"/in"}, Ddl("a int"), context).ok());
  }
  const auto source = Start();
  EXPECT_FALSE(source->Plan(std::nullopt, "{\"logOffset\":5}", {}).ok());
  EXPECT_FALSE(source->Plan(std::nullopt, "nonsense", {}).ok());
}

TEST_F(FileStreamTest, ADamagedLogIsAnErrorThatNamesIt) {
  AddFile("a.csv", 1);
  NextBatch(*Start());
  WriteText(fs_, "/ck/sources/0/0", "v1\n{\"path\":");
  const auto log = SeenFilesLog::Open(fs_, "/ck/sources/0");
  EXPECT_THAT(log.status().error().message, HasSubstr("/ck/sources/0/0"));
  WriteText(fs_, "/ck/sources/0/2", "v1");
  EXPECT_FALSE(SeenFilesLog::Open(fs_, "/ck/sources/0").ok());
}

}  // namespace
}  // namespace millrace::connectors::file
