// What a wrong program is told: Spark's error class and words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"

namespace millrace {
namespace {

using namespace functions;  // NOLINT
using testing::HasSubstr;

class ErrorsTest : public testing::Test {
 protected:
  ErrorsTest() {
    auto session = SparkSession::Builder().GetOrCreate();
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    spark_.emplace(*session);
  }

  DataFrame Rate() { return spark_->ReadStream().Format("rate").Load(); }

  static Status StartOf(const DataFrame& frame, std::string_view mode,
                        std::string_view format = "noop") {
    return frame.WriteStream().Format(format).OutputMode(mode).Start().status();
  }

  std::optional<SparkSession> spark_;
};

TEST_F(ErrorsTest, UnknownColumnSuggestsTheNearest) {
  const Status status = spark_->Range(0, 1).Select("idd").Collect().status();
  EXPECT_EQ(status.error().error_class, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
  EXPECT_EQ(status.ToString(),
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function "
            "parameter with "
            "name `idd` cannot be resolved. Did you mean one of the following? [`id`]. "
            "SQLSTATE: 42703");
}

TEST_F(ErrorsTest, UnknownFormat) {
  const Status status = spark_->Read().Format("nosuch").Load().Collect().status();
  EXPECT_EQ(status.error().error_class, "DATA_SOURCE_NOT_FOUND");
  EXPECT_THAT(status.ToString(), HasSubstr("Failed to find the data source: nosuch."));
}

TEST_F(ErrorsTest, UnknownMaster) {
  const auto session = SparkSession::Builder().Master("yarn").GetOrCreate();
  ASSERT_FALSE(session.ok());
  EXPECT_THAT(session.status().ToString(), HasSubstr("expected \"local[*]\""));
}

TEST_F(ErrorsTest, MissingFolder) {
  const Status status = spark_->Read().Parquet("/nowhere/at/all").Collect().status();
  EXPECT_EQ(status.error().error_class, "PATH_NOT_FOUND");
}

TEST_F(ErrorsTest, AppendAggregateNeedsAWatermark) {
  const Status status = StartOf(Rate().GroupBy("value").Count(), "append");
  EXPECT_EQ(
      status.ToString(),
      "[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] Invalid streaming output mode: "
      "append. "
      "This output mode is not supported for streaming aggregations without watermark on "
      "streaming DataFrames/DataSets. SQLSTATE: 42KDE");
}

TEST_F(ErrorsTest, CompleteNeedsAnAggregate) {
  const Status status = StartOf(Rate(), "complete");
  EXPECT_EQ(status.error().error_class, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION");
  EXPECT_THAT(status.ToString(), HasSubstr("no streaming aggregations"));
}

TEST_F(ErrorsTest, UnknownOutputMode) {
  const Status status = StartOf(Rate(), "foo");
  EXPECT_EQ(status.error().error_class, "STREAMING_OUTPUT_MODE.INVALID");
  EXPECT_THAT(status.ToString(),
              HasSubstr("Accepted output modes are 'Append', 'Complete', 'Update'."));
}

TEST_F(ErrorsTest, SortAndLimitHaveTheirModes) {
  EXPECT_THAT(StartOf(Rate().OrderBy("value"), "append").ToString(),
              HasSubstr("Sorting is not supported on streaming DataFrames/Datasets"));
  EXPECT_THAT(StartOf(Rate().Limit(1), "update").ToString(),
              HasSubstr("Limits are not supported"));
}

TEST_F(ErrorsTest, DistinctAggregatesDoNotStream) {
  const DataFrame frame = Rate()
                              .WithWatermark("timestamp", "1 minute")
                              .GroupBy("timestamp")
                              .Agg(CountDistinct({Col("value")}));
  EXPECT_THAT(StartOf(frame, "append").ToString(),
              HasSubstr("Consider using approx_count_distinct() instead."));
}

TEST_F(ErrorsTest, WatermarksWantATimestampAndADelay) {
  EXPECT_EQ(
      StartOf(Rate().WithWatermark("value", "1 minute"), "append").error().error_class,
      "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE");
  EXPECT_EQ(
      StartOf(Rate().WithWatermark("timestamp", "soon"), "append").error().error_class,
      "CANNOT_PARSE_INTERVAL");
  EXPECT_THAT(
      StartOf(Rate().WithWatermark("timestamp", "-1 minutes"), "append").ToString(),
      HasSubstr("delay threshold (-1 minutes) should not be negative."));
}

TEST_F(ErrorsTest, StreamsAreNotCollected) {
  const Status status = Rate().Collect().status();
  EXPECT_EQ(status.error().error_class, "_LEGACY_ERROR_TEMP_3102");
  EXPECT_THAT(status.ToString(), HasSubstr("must be executed with writeStream.start()"));
}

TEST_F(ErrorsTest, TablesAreNotStreamed) {
  EXPECT_EQ(StartOf(spark_->Range(0, 1), "append").error().error_class,
            "WRITE_STREAM_NOT_ALLOWED");
}

TEST_F(ErrorsTest, FileSinksNeedAPathAndAppend) {
  EXPECT_THAT(StartOf(Rate(), "append", "parquet").ToString(),
              HasSubstr("'path' is not specified."));
  EXPECT_EQ(StartOf(Rate(), "update", "parquet").error().error_class,
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE");
}

TEST_F(ErrorsTest, UnknownOptionIsNamed) {
  const Status status = spark_->ReadStream()
                            .Format("rate")
                            .Option("rowsPerSecnd", 1)
                            .Load()
                            .Collect()
                            .status();
  EXPECT_THAT(status.ToString(), HasSubstr("rowsPerSecnd"));
  EXPECT_THAT(status.ToString(), HasSubstr("rowsPerSecond"));
}

TEST_F(ErrorsTest, BadTriggerInterval) {
  const auto query = Rate()
                         .WriteStream()
                         .Format("noop")
                         .Trigger(Trigger::ProcessingTime("often"))
                         .Start();
  ASSERT_FALSE(query.ok());
}

TEST_F(ErrorsTest, TwoQueriesOfOneName) {
  const auto first = Rate().WriteStream().Format("noop").QueryName("dup").Start();
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto second = Rate().WriteStream().Format("noop").QueryName("dup").Start();
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(
      second.status().ToString(),
      HasSubstr("Cannot start query with name dup as a query with that name is already "
                "active in this SparkSession"));
  EXPECT_TRUE(first->Stop().ok());
}

TEST_F(ErrorsTest, WindowsHaveToMakeSense) {
  const Status status = spark_->Range(0, 1)
                            .WithColumn("t", Col("id").Cast("timestamp"))
                            .GroupBy(Window(Col("t"), "5 minutes", "10 minutes"))
                            .Count()
                            .Collect()
                            .status();
  EXPECT_THAT(status.ToString(),
              HasSubstr("The `slide_duration`(600000000L) must be <= the "
                        "`window_duration`(300000000L)."));
}

TEST_F(ErrorsTest, ColumnsOutsideTheGroup) {
  const Status status = spark_->Range(0, 1)
                            .WithColumn("k", Col("id"))
                            .GroupBy("k")
                            .Agg(Col("id"))
                            .Collect()
                            .status();
  EXPECT_EQ(status.error().error_class, "MISSING_AGGREGATION");
}

TEST_F(ErrorsTest, AnsiErrorsReachTheCaller) {
  const Status status =
      spark_->Range(0, 1).Select(Lit("x").Cast("int")).Collect().status();
  EXPECT_EQ(status.error().error_class, "CAST_INVALID_INPUT");
}

}  // namespace
}  // namespace millrace
