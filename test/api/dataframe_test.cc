// Batch queries through the C++ API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "millrace/millrace.h"

namespace millrace {
namespace {

using namespace functions;  // NOLINT

class DataFrameTest : public testing::Test {
 protected:
  DataFrameTest() {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = std::filesystem::temp_directory_path() /
              ("millrace-api-" + name + "-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    auto session = SparkSession::Builder().Master("local[*]").GetOrCreate();
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    spark_.emplace(*session);
  }
  ~DataFrameTest() override { std::filesystem::remove_all(folder_); }

  DataFrame Json(const std::string& schema, const std::string& lines) {
    const std::filesystem::path path = folder_ / "rows.json";
    std::ofstream(path) << lines;
    return spark_->Read().Schema(schema).Json(path.string());
  }

  std::string Shown(const DataFrame& frame) {
    const auto text = frame.ShowString(20, 0);
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    return text.ok() ? *text : "";
  }

  std::filesystem::path folder_;
  std::optional<SparkSession> spark_;
};

TEST_F(DataFrameTest, SelectsFiltersAndNamesColumnsAsSparkDoes) {
  const DataFrame frame =
      spark_->Range(0, 5)
          .Filter(Col("id") >= 3)
          .Select(Col("id"), Col("id") * 2, (Col("id") + 1).Alias("next"));
  EXPECT_EQ(Shown(frame),
            "+---+--------+----+\n"
            "|id |(id * 2)|next|\n"
            "+---+--------+----+\n"
            "|3  |6       |4   |\n"
            "|4  |8       |5   |\n"
            "+---+--------+----+\n");
}

TEST_F(DataFrameTest, GroupsAndSorts) {
  const DataFrame orders =
      Json("user STRING, amount DOUBLE",
           "{\"user\":\"b\",\"amount\":1.5}\n{\"user\":\"a\",\"amount\":2}\n"
           "{\"user\":\"b\",\"amount\":3}\n{\"amount\":7}\n");
  const DataFrame sums = orders.GroupBy("user")
                             .Agg(Sum(Col("amount")), Count(Col("*")).Alias("orders"))
                             .OrderBy(Col("user").DescNullsFirst());
  EXPECT_EQ(Shown(sums),
            "+----+-----------+------+\n"
            "|user|sum(amount)|orders|\n"
            "+----+-----------+------+\n"
            "|NULL|7.0        |1     |\n"
            "|b   |4.5        |2     |\n"
            "|a   |2.0        |1     |\n"
            "+----+-----------+------+\n");
}

TEST_F(DataFrameTest, CountsDistinctValuesWithoutNulls) {
  const DataFrame rows =
      Json("k STRING", "{\"k\":\"a\"}\n{\"k\":\"a\"}\n{\"k\":\"b\"}\n{}\n");
  const auto collected = rows.Agg(CountDistinct({Col("k")}).Alias("n")).Collect();
  ASSERT_TRUE(collected.ok()) << collected.status().ToString();
  ASSERT_EQ(collected->size(), 1U);
  EXPECT_EQ(*(*collected)[0][0].As<int64_t>(), 2);
}

TEST_F(DataFrameTest, AggregatesOfNothingAreOneRow) {
  const auto count = spark_->Range(0, 0).Count();
  ASSERT_TRUE(count.ok()) << count.status().ToString();
  EXPECT_EQ(*count, 0);
}

TEST_F(DataFrameTest, UnionsDropsAndRenames) {
  const DataFrame left = spark_->Range(0, 2).WithColumn("x", Lit("l"));
  const DataFrame right =
      spark_->Range(5, 6).WithColumn("x", Lit("r")).WithColumnRenamed("id", "id");
  const DataFrame all = left.Union(right).DropDuplicates({"x"}).Drop({"id"});
  EXPECT_EQ(Shown(all),
            "+---+\n"
            "|x  |\n"
            "+---+\n"
            "|l  |\n"
            "|r  |\n"
            "+---+\n");
}

TEST_F(DataFrameTest, WritesAndReadsParquet) {
  const std::string path = (folder_ / "table").string();
  const DataFrame written = spark_->Range(0, 3).WithColumn("even", Col("id") % 2 == 0);
  const Status first = written.Write().Parquet(path);
  ASSERT_TRUE(first.ok()) << first.ToString();
  const Status again = written.Write().Parquet(path);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().error_class, "PATH_ALREADY_EXISTS");
  ASSERT_TRUE(written.Write().Mode("overwrite").Parquet(path).ok());
  const auto count = spark_->Read().Parquet(path).Count();
  ASSERT_TRUE(count.ok()) << count.status().ToString();
  EXPECT_EQ(*count, 3);
}

TEST_F(DataFrameTest, CollectsNestedValues) {
  const auto rows = Json("a ARRAY<INT>, s STRUCT<x: STRING>, m MAP<STRING, DOUBLE>",
                         "{\"a\":[1,null],\"s\":{\"x\":\"y\"},\"m\":{\"k\":1.5}}\n")
                        .Collect();
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  ASSERT_EQ(rows->size(), 1U);
  const Row& row = (*rows)[0];
  const auto& array = **row[0].As<std::shared_ptr<const ArrayValue>>();
  EXPECT_EQ(*array[0].As<int64_t>(), 1);
  EXPECT_TRUE(array[1].is_null());
  const Row& inner = **row.Find("s")->As<std::shared_ptr<const Row>>();
  EXPECT_EQ(*inner.Find("x")->As<std::string>(), "y");
  const auto& map = **row[2].As<std::shared_ptr<const MapValue>>();
  EXPECT_EQ(*map[0].second.As<double>(), 1.5);
}

TEST_F(DataFrameTest, StreamsAFolderIntoATable) {
  const DataFrame stream = spark_->ReadStream()
                               .Format("rate")
                               .Option("rowsPerSecond", 10)
                               .Load()
                               .Select(Col("value"));
  const auto streaming = stream.IsStreaming();
  ASSERT_TRUE(streaming.ok());
  EXPECT_TRUE(*streaming);
  const auto query = stream.WriteStream().Format("memory").QueryName("rates").Start();
  ASSERT_TRUE(query.ok()) << query.status().ToString();
  const auto active = spark_->ActiveQueries();
  ASSERT_TRUE(active.ok());
  EXPECT_EQ(active->size(), 1U);
  ASSERT_TRUE(query->Stop().ok());
  const auto running = query->IsActive();
  ASSERT_TRUE(running.ok());
  EXPECT_FALSE(*running);
  EXPECT_TRUE(spark_->Table("rates").Count().ok());
}

}  // namespace
}  // namespace millrace
