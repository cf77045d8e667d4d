#include "connectors/file/file_listing.h"

#include <gmock/gmock.h>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/file/file_testing.h"
#include "connectors/file/partition_path.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileListingTest : public testing::Test {
 protected:
  Result<Listing> List(std::vector<std::string> paths, ListingOptions options = {}) {
    return ListDataFiles(fs_, paths, options);
  }
  std::vector<std::string> Paths(std::vector<std::string> paths,
                                 ListingOptions options = {}) {
    std::vector<std::string> found;
    for (const DataFile& file : Must(List(std::move(paths), std::move(options))).files) {
      found.push_back(file.path);
    }
    return found;
  }
  void Touch(const std::string& path) { WriteText(fs_, path, "x"); }

  MemFileSystem fs_;
};

TEST_F(FileListingTest, LeavesOutHiddenNamesAndFoldersThatAreNoPartitions) {
  for (const char* name : {"/d/b", "/d/a", "/d/_SUCCESS", "/d/.a.crc", "/d/c._COPYING_",
                           "/d/_temporary/x", "/d/sub/y", "/d/.staging/z"}) {
    Touch(name);
  }
  EXPECT_THAT(Paths({"/d"}), ElementsAre("/d/a", "/d/b"));
  EXPECT_THAT(Paths({"file:///d/"}), ElementsAre("/d/a", "/d/b"));
  EXPECT_THAT(Paths({"/d"}, {.recursive = true}),
              ElementsAre("/d/a", "/d/b", "/d/sub/y"));
  EXPECT_THAT(Paths({"/d/sub", "/d/a"}), ElementsAre("/d/a", "/d/sub/y"));
  EXPECT_THAT(Paths({"/d"}, {.name_pattern = "{a,x*}"}), ElementsAre("/d/a"));
}

TEST_F(FileListingTest, ExpandsGlobs) {
  for (const char* name :
       {"/d/2024-01/a.json", "/d/2024-02/b.json", "/d/2025-01/c.csv"}) {
    Touch(name);
  }
  EXPECT_THAT(Paths({"/d/2024-*"}),
              ElementsAre("/d/2024-01/a.json", "/d/2024-02/b.json"));
  EXPECT_THAT(Paths({"/d/*/*.json"}),
              ElementsAre("/d/2024-01/a.json", "/d/2024-02/b.json"));
  EXPECT_THAT(Paths({"/d/202?-01/{a,c}.*"}),
              ElementsAre("/d/2024-01/a.json", "/d/2025-01/c.csv"));
  EXPECT_THAT(Paths({"/d/202[5-9]*"}), ElementsAre("/d/2025-01/c.csv"));
  EXPECT_EQ(List({"/d/2030*"}).status().ToString(),
            "[PATH_NOT_FOUND] Path does not exist: file:/d/2030*. SQLSTATE: 42K03");
}

TEST_F(FileListingTest, MissingPathsAreErrorsUnlessAStreamWaitsForThem) {
  EXPECT_EQ(List({"/none"}).status().ToString(),
            "[PATH_NOT_FOUND] Path does not exist: file:/none. SQLSTATE: 42K03");
  EXPECT_THAT(Paths({"/none"}, {.must_exist = false}), IsEmpty());
}

TEST_F(FileListingTest, TakesPartitionValuesOffFolders) {
  Touch("/d/day=2024-01-01/c=a%2Fb/1");
  Touch("/d/day=2024-01-02/c=__HIVE_DEFAULT_PARTITION__/2");
  const Listing listing = Must(List({"/d"}));
  EXPECT_THAT(listing.partition_columns, ElementsAre("day", "c"));
  EXPECT_THAT(listing.files[0].partition_values, ElementsAre("2024-01-01", "a/b"));
  EXPECT_THAT(listing.files[1].partition_values, ElementsAre("2024-01-02", std::nullopt));
  const auto fields = PartitionFields(listing, nullptr, true);
  EXPECT_TRUE(fields[0]->type()->Equals(*data::DateType()));
  EXPECT_TRUE(fields[1]->type()->Equals(*data::StringType()));
  EXPECT_TRUE(PartitionFields(listing, Ddl("day string"), true)[0]->type()->Equals(
      *data::StringType()));
  // Below the path only, unless basePath says where they begin.
  EXPECT_THAT(Must(List({"/d/day=2024-01-01"})).partition_columns, ElementsAre("c"));
  EXPECT_THAT(Must(List({"/d/day=2024-01-01"}, {.base_path = "/d"})).partition_columns,
              ElementsAre("day", "c"));
}

TEST_F(FileListingTest, RefusesFilesBesidePartitionFolders) {
  Touch("/d/k=1/a");
  Touch("/d/b");
  EXPECT_THAT(List({"/d"}).status().error().error_class,
              "CONFLICTING_PARTITION_COLUMN_NAMES");
}

TEST_F(FileListingTest, ReadsWhatSparksSinkLogLists) {
  Touch("/d/k=1/a");
  Touch("/d/k=1/failed");
  WriteText(fs_, "/d/_spark_metadata/0",
            "v1\n{\"path\":\"file:///d/k=1/"
            "a\",\"size\":1,\"isDir\":false,\"modificationTime\":7,"
            "\"blockReplication\":1,\"blockSize\":33554432,\"action\":\"add\"}");
  const Listing listing = Must(List({"/d"}));
  ASSERT_EQ(listing.files.size(), 1u);
  EXPECT_EQ(listing.files[0].path, "/d/k=1/a");
  EXPECT_EQ(listing.files[0].modified_ms, 7);
  EXPECT_THAT(listing.partition_columns, ElementsAre("k"));
}

TEST(Globs, MatchAsHadoops) {
  EXPECT_TRUE(MatchesGlob("*.json", "a.json"));
  EXPECT_FALSE(MatchesGlob("*.json", "a.jsonl"));
  EXPECT_TRUE(MatchesGlob("a?c*", "abcde"));
  EXPECT_TRUE(MatchesGlob("[^a]b", "cb"));
  EXPECT_FALSE(MatchesGlob("[^a]b", "ab"));
  EXPECT_TRUE(MatchesGlob("x{1,2{a,b}}y", "x2by"));
  EXPECT_FALSE(MatchesGlob("x{1,2{a,b}}y", "x2y"));
  EXPECT_TRUE(MatchesGlob("a\\*", "a*"));
  EXPECT_FALSE(MatchesGlob("a\\*", "ab"));
  EXPECT_TRUE(MatchesGlob("*a*b*", "xxaxxbxx"));
  EXPECT_TRUE(MatchesGlob("", ""));
}

// As Spark 4.2 infers them.
TEST(PartitionTypes, AreInferredAsInSpark) {
  auto infer = [](std::vector<std::optional<std::string>> values) {
    return data::SimpleTypeName(*InferPartitionType(values));
  };
  EXPECT_EQ(infer({"1", "2"}), "int");
  EXPECT_EQ(infer({"-5"}), "int");
  EXPECT_EQ(infer({"01"}), "int");
  EXPECT_EQ(infer({"1", "3000000000"}), "bigint");
  EXPECT_EQ(infer({"12345678901234567890"}), "decimal(20,0)");
  EXPECT_EQ(infer({"1", "1.5"}), "double");
  EXPECT_EQ(infer({"3000000000", "1.5"}), "string");
  EXPECT_EQ(infer({"1d"}), "double");
  EXPECT_EQ(infer({"1", "a"}), "string");
  EXPECT_EQ(infer({"true"}), "string");
  EXPECT_EQ(infer({"2024-01-01", "2024-01-02"}), "date");
  EXPECT_EQ(infer({"2024-1-1"}), "string");
  EXPECT_EQ(infer({"2024-01-01", "2024-01-01 00:00:00"}), "timestamp");
  EXPECT_EQ(infer({"2024-01-01 00:00:00.5"}), "timestamp");
  EXPECT_EQ(infer({std::nullopt, "1"}), "int");
  EXPECT_EQ(infer({std::nullopt}), "void");
}

TEST(PartitionNames, AreEscapedAsInSpark) {
  EXPECT_EQ(EscapePathName("a b/c:d=e%ä"), "a b%2Fc%3Ad%3De%25ä");
  EXPECT_EQ(EscapePathName("\x01\"#'*?\\{[]^\x7F"),
            "%01%22%23%27%2A%3F%5C%7B%5B%5D%5E%7F");
  EXPECT_EQ(EscapePathName("x\xFFy"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(UnescapePathName("a b%2Fc%3Ad%zz%2"), "a b/c:d%zz%2");
  const data::Batch batch =
      Rows("t timestamp", R"([["2024-01-01T00:00:00.5Z"], [null]])");
  EXPECT_EQ(PartitionFolder("t", *batch->column(0), 0, "America/New_York"),
            "t=2023-12-31 19%3A00%3A00.5");
  EXPECT_EQ(PartitionFolder("t", *batch->column(0), 1, "UTC"),
            "t=__HIVE_DEFAULT_PARTITION__");
}

TEST(PartitionValues, BecomeColumnsOfTheirType) {
  const auto column = Must(RepeatPartitionValue(data::LongType(), "7", 3, "UTC"));
  EXPECT_EQ(column->length(), 3);
  EXPECT_EQ(Must(RepeatPartitionValue(data::StringType(), std::nullopt, 2, "UTC"))
                ->null_count(),
            2);
  const auto bad = RepeatPartitionValue(data::IntType(), "x", 1, "UTC");
  EXPECT_EQ(bad.status().error().error_class, "CAST_INVALID_INPUT");
  EXPECT_THAT(bad.status().error().message, HasSubstr("'x'"));
}

}  // namespace
}  // namespace millrace::connectors::file
