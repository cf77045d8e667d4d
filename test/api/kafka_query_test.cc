// Queries over Kafka where something is wrong, as their user sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "connectors/kafka/test_cluster.h"
#include "millrace/millrace.h"

namespace millrace {
namespace {

using connectors::kafka::MockCluster;
using connectors::kafka::Values;
using testing::HasSubstr;
using testing::Not;

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
  }
  return false;
}

std::string StatusOf(const StreamingQuery& query) {
  const auto status = query.Status();
  EXPECT_TRUE(status.ok()) << status.status().ToString();
  return status.ok() ? status->message : "";
}

std::string LastProgressOf(const StreamingQuery& query) {
  const auto progress = query.LastProgress();
  EXPECT_TRUE(progress.ok()) << progress.status().ToString();
  return progress.ok() && *progress ? (*progress)->json : "";
}

TEST(KafkaQuery, ExplainSaysWhatIsReadThroughLibrdkafka) {
  const auto spark = SparkSession::Builder().GetOrCreate();
  ASSERT_TRUE(spark.ok()) << spark.status().ToString();
  const auto explain = [&](const std::string& option, const std::string& value) {
    const auto text = spark->ReadStream()
                          .Format("kafka")
                          .Option("kafka.bootstrap.servers", "127.0.0.1:1")
                          .Option("subscribe", "t")
                          .Option(option, value)
                          .Load()
                          .Explain();
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    return text.ok() ? *text : "";
  };
  EXPECT_THAT(
      explain("kafka.client.rack", "a"),
      HasSubstr("], through librdkafka, since the option kafka.client.rack is set\n"));
  EXPECT_THAT(explain("kafka.client.id", "a"), Not(HasSubstr("librdkafka")));
}

TEST(KafkaQuery, AnOutageIsSeenInStatusAndProgressAndLosesNothing) {
  MockCluster mock;
  mock.CreateTopic("t");
  mock.Produce("t", Values({"before"}));
  const auto spark = SparkSession::Builder()
                         .Config("spark.sql.streaming.noDataProgressEventInterval", "1")
                         .GetOrCreate();
  ASSERT_TRUE(spark.ok()) << spark.status().ToString();
  const auto query = spark->ReadStream()
                         .Format("kafka")
                         .Option("kafka.bootstrap.servers", mock.servers())
                         .Option("kafka.default.api.timeout.ms", 2000)
                         .Option("subscribe", "t")
                         .Option("startingOffsets", "earliest")
                         .Load()
                         .Select(functions::Col("value").Cast("string"))
                         .WriteStream()
                         .Format("memory")
                         .QueryName("outage")
                         .Start();
  ASSERT_TRUE(query.ok()) << query.status().ToString();
  const auto rows = [&] {
    const auto count = spark->Table("outage").Count();
    return count.ok() ? *count : -1;
  };
  ASSERT_TRUE(query->ProcessAllAvailable().ok());
  ASSERT_EQ(rows(), 1);
  EXPECT_THAT(StatusOf(*query), Not(HasSubstr("waiting for Kafka")));

  mock.SetDown(true);
  EXPECT_TRUE(Eventually([&] {
    return StatusOf(*query).find("(waiting for Kafka: No Kafka broker at '" +
                                 mock.servers() + "' answered") != std::string::npos;
  })) << StatusOf(*query);
  EXPECT_TRUE(Eventually([&] {
    return LastProgressOf(*query).find("(waiting for Kafka: ") != std::string::npos;
  })) << LastProgressOf(*query);
  EXPECT_TRUE(*query->IsActive());
  EXPECT_EQ(*query->Exception(), std::nullopt);

  mock.SetDown(false);
  mock.Produce("t", Values({"after"}));
  EXPECT_TRUE(Eventually([&] { return rows() == 2; })) << rows();
  EXPECT_TRUE(Eventually([&] {
    return LastProgressOf(*query).find("waiting for Kafka") == std::string::npos;
  })) << LastProgressOf(*query);
  EXPECT_TRUE(query->Stop().ok());
  EXPECT_EQ(rows(), 2);
}

TEST(KafkaQuery, AMalformedMessageUnderFailfastEndsItAndIsNotLost) {
  MockCluster mock;
  mock.CreateTopic("t");
  mock.Produce("t", Values({R"({"a":1})", R"({"a":)", R"({"a":"x"})", R"({"a":4})"}));
  const auto spark = SparkSession::Builder().GetOrCreate();
  ASSERT_TRUE(spark.ok()) << spark.status().ToString();
  const std::filesystem::path checkpoint =
      std::filesystem::temp_directory_path() / fmt::format("failfast-{}", getpid());
  std::filesystem::remove_all(checkpoint);
  const auto run = [&](const std::string& mode) -> Status {
    MILLRACE_ASSIGN_OR_RETURN(
        const StreamingQuery query,
        spark->ReadStream()
            .Format("kafka")
            .Option("kafka.bootstrap.servers", mock.servers())
            .Option("subscribe", "t")
            .Option("startingOffsets", "earliest")
            .Load()
            .Select(functions::FromJson(functions::Col("value").Cast("string"), "a INT",
                                        {{"mode", mode}})
                        .Alias("order"))
            .Select("order.*")
            .WriteStream()
            .Format("memory")
            .QueryName("failfast")
            .Option("checkpointLocation", checkpoint.string())
            .Trigger(Trigger::AvailableNow())
            .Start());
    return query.AwaitTermination().status();
  };
  const Status failed = run("FAILFAST");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().error_class, "STREAM_FAILED");
  EXPECT_THAT(
      failed.ToString(),
      HasSubstr("[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are "
                "detected in record parsing: [null].\nParse Mode: FAILFAST. To process "
                "malformed records as null result, try setting the option 'mode' as "
                "'PERMISSIVE'."));
  const Status mended = run("PERMISSIVE");
  EXPECT_TRUE(mended.ok()) << mended.ToString();
  const auto rows = spark->Table("failfast").OrderBy("a").ShowString(20, 0);
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ(*rows, "+----+\n|a   |\n+----+\n|NULL|\n|NULL|\n|1   |\n|4   |\n+----+\n");
  std::filesystem::remove_all(checkpoint);
}

}  // namespace
}  // namespace millrace
