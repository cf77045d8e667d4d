// What streaming forbids and which options are wrong: error classes, SQLSTATEs and texts
// recorded from Spark 4.2. Spark puts its plan behind some texts, after ";\n"; that part
// is its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "millrace/millrace.h"

namespace millrace {
namespace {

using namespace functions;  // NOLINT
using testing::HasSubstr;

std::string Folder(const std::string& name) {
  const std::string folder = std::filesystem::temp_directory_path() /
                             ("spark_errors-" + std::to_string(getpid())) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

SparkSession Session() {
  auto session = SparkSession::Builder().GetOrCreate();
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  return *session;
}

DataFrame Rate(const std::map<std::string, std::string>& options = {}) {
  return Session().ReadStream().Format("rate").Options(options).Load();
}

// Runs the query until all there is now is processed.
Status RunAll(const DataStreamWriter& writer) {
  MILLRACE_ASSIGN_OR_RETURN(const StreamingQuery query, writer.Start());
  const Status done = query.ProcessAllAvailable();
  const Status stopped = query.Stop();
  return done.ok() ? stopped : done;
}

DataStreamWriter To(const DataFrame& frame, std::string_view format,
                    std::string_view mode = "append") {
  DataStreamWriter writer = frame.WriteStream();
  writer.Format(format).OutputMode(mode);
  return writer;
}

Status ToNoop(const DataFrame& frame, std::string_view mode) {
  return RunAll(To(frame, "noop", mode));
}

struct Rule {
  const char* name;
  std::function<Status()> run;
  const char* error_class;
  const char* sql_state;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Rule& rule) { return out << rule.name; }

std::string NameOf(const testing::TestParamInfo<Rule>& info) { return info.param.name; }

class SparkRule : public testing::TestWithParam<Rule> {};

TEST_P(SparkRule, HasSparksWords) {
  const Status status = GetParam().run();
  ASSERT_FALSE(status.ok());
  const ErrorInfo& error = status.error();
  EXPECT_EQ(error.error_class, GetParam().error_class);
  EXPECT_EQ(error.sql_state, GetParam().sql_state);
  const std::string expected = GetParam().message;
  const bool has_plan = expected.find(";\n") != std::string::npos;
  EXPECT_EQ(has_plan ? error.message : error.message.substr(0, error.message.find(";\n")),
            expected);
}

constexpr char kLegacy3102[] = "_LEGACY_ERROR_TEMP_3102";
constexpr char kCorrectness[] =
    "Detected pattern of possible 'correctness' issue due to global watermark. The query "
    "contains "
    "stateful operation which can emit rows older than the current watermark plus "
    "allowed late "
    "record delay, which are \"late rows\" in downstream stateful operations and these "
    "rows can be "
    "discarded. Please refer the programming guide doc for more details. If you "
    "understand the "
    "possible risk of correctness issue and still need to run the query, you can disable "
    "this "
    "check by setting the config "
    "`spark.sql.streaming.statefulOperator.checkCorrectness.enabled` "
    "to false.";

INSTANTIATE_TEST_SUITE_P(
    Modes, SparkRule,
    testing::Values(
        Rule{
            "AppendOfAnAggregateWithoutWatermark",
            [] { return ToNoop(Rate().GroupBy("value").Count(), "append"); },
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
            "Invalid streaming output mode: append. This output mode is not supported "
            "for "
            "streaming aggregations without watermark on streaming DataFrames/DataSets."},
        Rule{"CompleteWithoutAggregate", [] { return ToNoop(Rate(), "complete"); },
             "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
             "Invalid streaming output mode: complete. This output mode is not supported "
             "for no "
             "streaming aggregations on streaming DataFrames/DataSets."},
        Rule{"ParquetInUpdateMode",
             [] {
               return RunAll(To(Rate(), "parquet", "update")
                                 .Option("checkpointLocation", Folder("c"))
                                 .Option("path", Folder("p")));
             },
             "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", "42KDE",
             "Invalid streaming output mode: update. This output mode is not supported "
             "in Data "
             "Source parquet."},
        Rule{"ParquetInCompleteMode",
             [] {
               return RunAll(To(Rate().GroupBy("value").Count(), "parquet", "complete")
                                 .Option("checkpointLocation", Folder("c"))
                                 .Option("path", Folder("p")));
             },
             "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", "42KDE",
             "Invalid streaming output mode: complete. This output mode is not supported "
             "in Data "
             "Source parquet."},
        Rule{"SessionWindowInUpdateMode",
             [] {
               return ToNoop(
                   Rate()
                       .WithWatermark("timestamp", "1 minute")
                       .GroupBy(SessionWindow(Col("timestamp"), Lit("5 minutes")))
                       .Count(),
                   "update");
             },
             "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
             "Invalid streaming output mode: update. This output mode is not supported "
             "for session "
             "window streaming aggregations on streaming DataFrames/DataSets."},
        Rule{"UnknownMode", [] { return ToNoop(Rate(), "foo"); },
             "STREAMING_OUTPUT_MODE.INVALID", "42KDE",
             "Invalid streaming output mode: foo. Accepted output modes are 'Append', "
             "'Complete', "
             "'Update'."}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Operators, SparkRule,
    testing::Values(
        Rule{"SortInAppendMode", [] { return ToNoop(Rate().OrderBy("value"), "append"); },
             kLegacy3102, "",
             "Sorting is not supported on streaming DataFrames/Datasets, unless it is on "
             "aggregated DataFrame/Dataset in Complete output mode"},
        Rule{"SortInUpdateMode",
             [] {
               return ToNoop(Rate().GroupBy("value").Count().OrderBy("value"), "update");
             },
             kLegacy3102, "",
             "Sorting is not supported on streaming DataFrames/Datasets, unless it is on "
             "aggregated DataFrame/Dataset in Complete output mode"},
        Rule{"LimitInUpdateMode", [] { return ToNoop(Rate().Limit(1), "update"); },
             kLegacy3102, "",
             "Limits are not supported on streaming DataFrames/Datasets in Update output "
             "mode"},
        Rule{"DistinctAggregate",
             [] {
               return ToNoop(Rate()
                                 .WithWatermark("timestamp", "1 minute")
                                 .GroupBy("timestamp")
                                 .Agg(CountDistinct({Col("value")})),
                             "append");
             },
             kLegacy3102, "",
             "Distinct aggregations are not supported on streaming DataFrames/Datasets. "
             "Consider "
             "using approx_count_distinct() instead."},
        Rule{"DeduplicationWithinNoWatermark",
             [] {
               return ToNoop(Rate().DropDuplicatesWithinWatermark({"value"}), "append");
             },
             kLegacy3102, "",
             "dropDuplicatesWithinWatermark is not supported on streaming "
             "DataFrames/DataSets "
             "without watermark"},
        Rule{"AggregateOfAnAggregateInUpdateMode",
             [] {
               return ToNoop(Rate()
                                 .WithWatermark("timestamp", "1 minute")
                                 .GroupBy(Window(Col("timestamp"), "1 minute"))
                                 .Count()
                                 .GroupBy(Window(WindowTime(Col("window")), "2 minutes"))
                                 .Count(),
                             "update");
             },
             kLegacy3102, "", kCorrectness},
        Rule{"AggregateOfAnAggregateInCompleteMode",
             [] {
               return ToNoop(Rate().GroupBy("value").Count().GroupBy("count").Count(),
                             "complete");
             },
             kLegacy3102, "", kCorrectness},
        Rule{"CollectingAStream", [] { return Rate().Collect().status(); }, kLegacy3102,
             "",
             "Queries with streaming sources must be executed with writeStream.start(), "
             "or from a "
             "streaming table or flow definition within a Spark Declarative "
             "Pipeline.;\nrate"},
        Rule{"WritingAStreamAsATable", [] { return Rate().Write().Parquet(Folder("w")); },
             "CALL_ON_STREAMING_DATASET_UNSUPPORTED", "42KDE",
             "The method `write` can not be called on streaming Dataset/DataFrame."},
        Rule{"StreamingATable", [] { return ToNoop(Session().Range(0, 1), "append"); },
             "WRITE_STREAM_NOT_ALLOWED", "42601",
             "`writeStream` can be called only on streaming Dataset/DataFrame."}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    EventTime, SparkRule,
    testing::Values(
        Rule{"NestedField",
             [] {
               return ToNoop(Rate()
                                 .Select(Struct({Col("timestamp")}).Alias("s"))
                                 .WithWatermark("s.timestamp", "1 minute"),
                             "append");
             },
             "EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN", "42K09",
             "The event time in withWatermark must be a top-level column, but "
             "'s.timestamp' is a "
             "nested field. To use it, alias it to a top-level column in a select before "
             "withWatermark."},
        Rule{"NoTimestamp",
             [] { return ToNoop(Rate().WithWatermark("value", "1 minute"), "append"); },
             "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", "42K09",
             "The event time `value` has the invalid type \"BIGINT\", but expected "
             "\"TIMESTAMP\"."},
        Rule{
            "UnknownColumn",
            [] { return ToNoop(Rate().WithWatermark("timestam", "1 minute"), "append"); },
            "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703",
            "A column, variable, or function parameter with name `timestam` cannot be "
            "resolved. "
            "Did you mean one of the following? [`timestamp`, `value`]."},
        Rule{"DelayThatIsNone",
             [] { return ToNoop(Rate().WithWatermark("timestamp", "soon"), "append"); },
             "CANNOT_PARSE_INTERVAL", "22006",
             "Unable to parse 'soon'. Please ensure that the value provided is in a "
             "valid format "
             "for defining an interval. You can reference the documentation for the "
             "correct "
             "format. If the issue persists, please double check that the input value is "
             "not null "
             "or empty and try again."},
        Rule{"NegativeDelay",
             [] {
               return ToNoop(Rate().WithWatermark("timestamp", "-1 minutes"), "append");
             },
             "", "",
             "requirement failed: delay threshold (-1 minutes) should not be negative."},
        Rule{"WindowThatIsNone",
             [] {
               return ToNoop(Rate().GroupBy(Window(Col("timestamp"), "x")).Count(),
                             "update");
             },
             "CANNOT_PARSE_INTERVAL", "22006",
             "Unable to parse 'x'. Please ensure that the value provided is in a valid "
             "format for "
             "defining an interval. You can reference the documentation for the correct "
             "format. If "
             "the issue persists, please double check that the input value is not null "
             "or empty "
             "and try again."},
        Rule{"NegativeWindow",
             [] {
               return ToNoop(
                   Rate().GroupBy(Window(Col("timestamp"), "-5 minutes")).Count(),
                   "update");
             },
             "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
             "Cannot resolve \"window(timestamp, -300000000, -300000000, 0)\" due to "
             "data type "
             "mismatch: The `window_duration` must be between (0, 9223372036854775807] "
             "(current "
             "value = -300000000L)."},
        Rule{"SlideBeyondItsWindow",
             [] {
               return ToNoop(
                   Rate()
                       .GroupBy(Window(Col("timestamp"), "5 minutes", "10 minutes"))
                       .Count(),
                   "update");
             },
             "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "42K09",
             "Cannot resolve \"window(timestamp, 300000000, 600000000, 0)\" due to data "
             "type "
             "mismatch: The `slide_duration`(600000000L) must be <= the "
             "`window_duration`(300000000L)."},
        Rule{"WindowOfAMonth",
             [] {
               return ToNoop(Rate().GroupBy(Window(Col("timestamp"), "1 month")).Count(),
                             "update");
             },
             "_LEGACY_ERROR_TEMP_3231", "",
             "Intervals greater than a month is not supported (1 month)."},
        Rule{"WindowOfNumbers",
             [] {
               return ToNoop(Rate().GroupBy(Window(Col("value"), "1 minute")).Count(),
                             "update");
             },
             "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09",
             "Cannot resolve \"window(value, 60000000, 60000000, 0)\" due to data type "
             "mismatch: "
             "The first parameter requires the (\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME "
             "ZONE)\" or "
             "\"STRUCT<start: TIMESTAMP, end: TIMESTAMP>\" or \"STRUCT<start: "
             "TIMESTAMP_NTZ, end: "
             "TIMESTAMP_NTZ>\") type, however \"value\" has the type \"BIGINT\"."}),
    NameOf);

Status WithTrigger(std::string_view interval) {
  return RunAll(To(Rate(), "noop").Trigger(Trigger::ProcessingTime(interval)));
}

INSTANTIATE_TEST_SUITE_P(
    SourcesAndSinks, SparkRule,
    testing::Values(
        Rule{"NoCheckpoint",
             [] { return RunAll(To(Rate(), "parquet").Option("path", Folder("p"))); },
             "_LEGACY_ERROR_TEMP_1298", "",
             "checkpointLocation must be specified either through "
             "option(\"checkpointLocation\", ...) or "
             "SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", ...)."},
        Rule{"NoPath",
             [] {
               return RunAll(
                   To(Rate(), "parquet").Option("checkpointLocation", Folder("c")));
             },
             "_LEGACY_ERROR_TEMP_2047", "", "'path' is not specified."},
        Rule{"MemoryWithoutName", [] { return RunAll(To(Rate(), "memory")); },
             "_LEGACY_ERROR_TEMP_1194", "",
             "queryName must be specified for memory sink."},
        Rule{"UnknownPartitionColumn",
             [] {
               return RunAll(To(Rate(), "parquet")
                                 .PartitionBy({"nosuch"})
                                 .Option("checkpointLocation", Folder("c"))
                                 .Option("path", Folder("p")));
             },
             "_LEGACY_ERROR_TEMP_1196", "",
             "Partition column nosuch not found in existing columns (timestamp, value)."},
        Rule{
            "UnknownSource",
            [] {
              return ToNoop(Session().ReadStream().Format("nosuch").Load(), "append");
            },
            "DATA_SOURCE_NOT_FOUND", "42K02",
            "Failed to find the data source: nosuch. Make sure the provider name is "
            "correct and "
            "the package is properly registered and compatible with your Spark version."},
        Rule{
            "UnknownSink", [] { return RunAll(To(Rate(), "nosuch")); },
            "DATA_SOURCE_NOT_FOUND", "42K02",
            "Failed to find the data source: nosuch. Make sure the provider name is "
            "correct and "
            "the package is properly registered and compatible with your Spark version."},
        Rule{
            "NoSuchFolder",
            [] { return Session().Read().Parquet("/nowhere/at/all").Collect().status(); },
            "PATH_NOT_FOUND", "42K03", "Path does not exist: file:/nowhere/at/all."},
        Rule{"NoSuchFolderToStream",
             [] {
               return ToNoop(
                   Session().ReadStream().Schema("a INT").Parquet("/nowhere/at/all"),
                   "append");
             },
             "PATH_NOT_FOUND", "42K03", "Path does not exist: /nowhere/at/all."},
        Rule{"FilesWithoutSchema",
             [] { return ToNoop(Session().ReadStream().Json(Folder("f")), "append"); },
             "_LEGACY_ERROR_TEMP_2048", "",
             "Schema must be specified when creating a streaming source DataFrame. If "
             "some files "
             "already exist in the directory, then depending on the file format you may "
             "be able to "
             "create a static DataFrame on that directory with "
             "'spark.read.load(directory)' and "
             "infer schema from it."},
        Rule{"TriggerThatIsNone", [] { return WithTrigger("often"); },
             "INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER", "22006",
             "Error parsing 'often' to interval. Please ensure that the value provided "
             "is in a "
             "valid format for defining an interval. You can reference the documentation "
             "for the "
             "correct format. Unrecognized number often."},
        Rule{"TriggerOfAnUnknownUnit", [] { return WithTrigger("5 lightyears"); },
             "INVALID_INTERVAL_FORMAT.INVALID_UNIT", "22006",
             "Error parsing '5 lightyears' to interval. Please ensure that the value "
             "provided is "
             "in a valid format for defining an interval. You can reference the "
             "documentation for "
             "the correct format. Invalid unit lightyears."},
        Rule{"NegativeTrigger", [] { return WithTrigger("-1 seconds"); }, "", "",
             "requirement failed: the interval of trigger should not be negative"},
        Rule{"RateOfWords",
             [] {
               return ToNoop(Rate({{"rowsPerSecond", "many"}}), "append");
             },
             "", "", "For input string: \"many\""},
        Rule{"NegativeRate",
             [] {
               return ToNoop(Rate({{"rowsPerSecond", "-1"}}), "append");
             },
             "", "", "Invalid value '-1'. The option 'rowsPerSecond' must be positive"},
        Rule{"NoRate",
             [] {
               return ToNoop(Rate({{"rowsPerSecond", "0"}}), "append");
             },
             "", "", "Invalid value '0'. The option 'rowsPerSecond' must be positive"},
        Rule{"NoPartitions",
             [] {
               return ToNoop(Rate({{"numPartitions", "0"}}), "append");
             },
             "", "", "Invalid value '0'. The option 'numPartitions' must be positive"}),
    NameOf);

// Spark says these only when the query runs.
TEST(SparkErrors, OptionsThatFailAQuery) {
  const auto files = [](std::string_view value) {
    return ToNoop(Session()
                      .ReadStream()
                      .Schema("a INT")
                      .Option("maxFilesPerTrigger", value)
                      .Json(Folder("f")),
                  "append");
  };
  EXPECT_THAT(
      files("-1").ToString(),
      HasSubstr("Invalid value '-1' for option 'maxFilesPerTrigger', must be a positive "
                "integer"));
  EXPECT_THAT(
      files("x").ToString(),
      HasSubstr("Invalid value 'x' for option 'maxFilesPerTrigger', must be a positive "
                "integer"));
  EXPECT_THAT(RunAll(To(Rate(), "parquet")
                         .Option("checkpointLocation", Folder("c"))
                         .Option("path", Folder("p"))
                         .Option("compression", "nosuch"))
                  .ToString(),
              HasSubstr("nosuch"));
  EXPECT_THAT(RunAll(To(Rate(), "console").Option("numRows", "x")).ToString(),
              HasSubstr("Option 'numRows' must be a whole number"));
}

// Spark ignores these; a misspelled option is an error here (docs/known-differences.md).
TEST(SparkErrors, OptionsThatNobodyKnowsAreNamed) {
  const auto expect_named = [](const Status& status) {
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(), HasSubstr("noSuchOption"));
  };
  for (const char* format : {"console", "noop"}) {
    expect_named(RunAll(To(Rate(), format).Option("noSuchOption", "1")));
  }
  expect_named(RunAll(To(Rate(), "memory").QueryName("t").Option("noSuchOption", "1")));
  for (const char* format : {"parquet", "json", "csv"}) {
    SCOPED_TRACE(format);
    expect_named(RunAll(To(Rate(), format)
                            .Option("checkpointLocation", Folder("c"))
                            .Option("path", Folder("p"))
                            .Option("noSuchOption", "1")));
    expect_named(ToNoop(Session()
                            .ReadStream()
                            .Format(format)
                            .Schema("a INT")
                            .Option("noSuchOption", "1")
                            .Load(Folder("f")),
                        "append"));
    expect_named(Session()
                     .Read()
                     .Format(format)
                     .Schema("a INT")
                     .Option("noSuchOption", "1")
                     .Load(Folder("f"))
                     .Collect()
                     .status());
  }
  expect_named(ToNoop(Rate({{"noSuchOption", "1"}}), "append"));
  expect_named(ToNoop(Session()
                          .ReadStream()
                          .Format("kafka")
                          .Option("kafka.bootstrap.servers", "127.0.0.1:1")
                          .Option("subscribe", "t")
                          .Option("noSuchOption", "1")
                          .Load(),
                      "append"));
}

// A checkpoint that a real Spark 4.2 wrote for a windowed aggregate.
TEST(SparkErrors, StateThatSparkWroteIsRefused) {
  const std::string checkpoint = Folder("spark");
  std::filesystem::copy(
      std::string(MILLRACE_SOURCE_DIR) + "/src/checkpoint/testdata/window_agg",
      checkpoint, std::filesystem::copy_options::recursive);
  const DataFrame windows = Rate()
                                .WithWatermark("timestamp", "10 minutes")
                                .GroupBy(Window(Col("timestamp"), "5 minutes"))
                                .Count();
  for (const DataFrame& frame : {windows, Rate()}) {
    const Status status =
        RunAll(To(frame, "noop", "update").Option("checkpointLocation", checkpoint));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().error_class,
              "UNSUPPORTED_FEATURE.STATEFUL_CHECKPOINT_OF_SPARK");
    EXPECT_THAT(
        status.ToString(),
        testing::AllOf(HasSubstr(checkpoint), HasSubstr("keyed state written by Spark"),
                       HasSubstr("new checkpointLocation")));
  }
  // Nothing of Spark's was touched.
  EXPECT_TRUE(std::filesystem::exists(checkpoint + "/state/0/0/2.delta"));
  EXPECT_TRUE(std::filesystem::exists(checkpoint + "/offsets/1"));
  EXPECT_FALSE(std::filesystem::exists(checkpoint + "/offsets/2"));
}

// Also where the tests run as root, who may write everywhere.
TEST(SparkErrors, FoldersThatCannotBeWrittenAreNamed) {
  const std::string folder = Folder("blocked");
  std::ofstream(folder + "/file") << "in the way";
  const Status checkpoint = RunAll(
      To(Rate(), "noop").Option("checkpointLocation", folder + "/file/checkpoint"));
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_EQ(checkpoint.error().fault, Fault::kExternal);
  EXPECT_THAT(checkpoint.ToString(), HasSubstr(folder + "/file/checkpoint"));

  const Status lake = RunAll(To(Rate(), "parquet")
                                 .Option("checkpointLocation", folder + "/checkpoint")
                                 .Option("path", folder + "/file/lake"));
  ASSERT_FALSE(lake.ok());
  EXPECT_THAT(lake.ToString(), HasSubstr(folder + "/file/lake"));
}

}  // namespace
}  // namespace millrace
