#include "checkpoint/offset_log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::Pair;

// What real Sparks wrote.
const std::filesystem::path kTestData =
    std::filesystem::path(MILLRACE_SOURCE_DIR) / "src/checkpoint/testdata";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Result<OffsetSeq> Parse(const std::string& text) {
  return ParseOffsetSeq(text, "offsets/7");
}

TEST(OffsetLog, GivesSparksBytesBack) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kTestData)) {
    const std::string kind = entry.path().parent_path().filename();
    const std::string checkpoint = entry.path().parent_path().parent_path().filename();
    // The order of sources in v2 is that of a hash map; we write them in order.
    if (!entry.is_regular_file() || checkpoint == "offsets_v2" ||
        checkpoint == "named_sources") {
      continue;
    }
    const std::string text = ReadFile(entry.path());
    SCOPED_TRACE(entry.path());
    if (kind == "offsets") {
      const auto parsed = ParseOffsetSeq(text, entry.path());
      ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
      EXPECT_EQ(Serialize(*parsed), text);
      ++files;
    } else if (kind == "commits") {
      const auto parsed = ParseCommitMetadata(text, entry.path());
      ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
      EXPECT_EQ(Serialize(*parsed), text);
      ++files;
    }
  }
  EXPECT_EQ(files, 20);
}

TEST(OffsetLog, ReadsWhatABatchWasPlannedWith) {
  const auto parsed = Parse(ReadFile(kTestData / "window_agg/offsets/1"));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->batch_watermark_ms, 1704066602000);
  EXPECT_EQ(parsed->batch_timestamp_ms, 1795368827745);
  EXPECT_EQ(parsed->conf.size(), 15u);
  EXPECT_EQ(parsed->conf[7],
            (Conf::value_type("spark.sql.streaming.multipleWatermarkPolicy", "min")));
  EXPECT_THAT(parsed->offsets,
              ElementsAre(Optional(std::string(R"({"sem1":{"0":0,"1":2}})"))));
}

TEST(OffsetLog, ReadsAndWritesVersion2) {
  const std::string text = ReadFile(kTestData / "offsets_v2/offsets/0");
  const auto parsed = Parse(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->format_version, 2);
  EXPECT_EQ(parsed->offsets.size(), 3u);
  const std::string written = Serialize(*parsed);
  const size_t body = text.find("\n1:");
  EXPECT_EQ(written.substr(0, body), text.substr(0, body));
  EXPECT_EQ(written.substr(body),
            "\n0:{\"logOffset\":0}\n1:{\"logOffset\":0}\n2:{\"logOffset\":0}");
  EXPECT_EQ(*Parse(written), *parsed);
}

TEST(OffsetLog, ASourceMayHaveNoOffsetYet) {
  for (const int version : {1, 2}) {
    const OffsetSeq offsets{.batch_watermark_ms = -5,
                            .batch_timestamp_ms = 7,
                            .conf = {{"b", "1"}, {"a", "ä \"x\" /\n"}},
                            .offsets = {"5", std::nullopt, R"({"t":{"0":-2}})"},
                            .format_version = version};
    const auto parsed = Parse(Serialize(offsets));
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(*parsed, offsets);
  }
  EXPECT_EQ(Serialize(OffsetSeq{.conf = {{"k", "v"}}, .offsets = {std::nullopt, "{}"}}),
            "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":0,\"conf\":{\"k\":\"v\"}}"
            "\n-\n{}");
}

TEST(OffsetLog, ReadsOlderSparks) {
  const auto parsed = Parse("v1\n{\"batchWatermarkMs\":3}\n{\"logOffset\":0}\n");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->batch_watermark_ms, 3);
  EXPECT_EQ(parsed->offsets.size(), 1u);
}

TEST(OffsetLog, NamedSourcesAreRefused) {
  const auto parsed = Parse(ReadFile(kTestData / "named_sources/offsets/0"));
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().error().error_class, "UNSUPPORTED_FEATURE");
  EXPECT_THAT(parsed.status().error().message, HasSubstr("'src_a'"));
  EXPECT_FALSE(Parse("v2\n{\"sourceMetadataInfo\":{\"a\":1}}\n0:{}").ok());
}

TEST(OffsetLog, DamageIsNamed) {
  for (const char* text :
       {"", "v1", "v1\n", "v3\n{}\n{}", "1\n{}\n{}", "v1\n[]\n{}", "v1\n{\"batch\n{}",
        "v1\n{\"batchWatermarkMs\":\"x\"}\n{}", "v1\n{\"batchWatermarkMs\":1.5}\n{}",
        "v1\n{\"conf\":[]}\n{}", "v1\n{\"conf\":{\"a\":1}}\n{}",
        "v1\n{}\n{\"logOffset\":", "v1\n{}\n{}\n\n{}", "v2\n{}\n{}", "v2\n{}\n0:{}\n0:{}",
        "v2\n{}\n1:{}", "v2\n{}\n0:", "v2\n{}\n99999999999999999999:{}"}) {
    const auto parsed = Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.status().error().message, HasSubstr("offsets/7")) << text;
  }
}

TEST(OffsetLog, AnyTruncationInsideALineIsDamage) {
  const std::string text = ReadFile(kTestData / "join/offsets/1");
  const size_t last_line = text.rfind('\n');
  for (size_t length = 0; length < text.size(); ++length) {
    const auto parsed = Parse(text.substr(0, length));
    // What ends behind a line looks whole, with fewer sources; the engine counts those.
    if (parsed.ok()) {
      EXPECT_LT(parsed->offsets.size(), 2u);
      EXPECT_THAT(length, testing::Le(last_line + 1));
    }
  }
}

TEST(CommitLog, ReadsAllVersions) {
  EXPECT_EQ(ParseCommitMetadata("v1\n{\"nextBatchWatermarkMs\":17}", "c")
                ->next_batch_watermark_ms,
            17);
  EXPECT_EQ(ParseCommitMetadata("v1\n{}\n", "c")->next_batch_watermark_ms, 0);
  EXPECT_EQ(
      ParseCommitMetadata(
          "v2\n{\"nextBatchWatermarkMs\":9,\"stateUniqueIds\":{\"0\":[[\"x\"]]}}", "c")
          ->next_batch_watermark_ms,
      9);
}

TEST(CommitLog, DamageIsNamed) {
  for (const char* text : {"", "v1", "v1\n{", "v9\n{}", "v1\n{}\n{}", "v1\n5",
                           "v1\n{\"nextBatchWatermarkMs\":null}"}) {
    const auto parsed = ParseCommitMetadata(text, "commits/7");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.status().error().message, HasSubstr("commits/7")) << text;
  }
}

}  // namespace
}  // namespace millrace::checkpoint
