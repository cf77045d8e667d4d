#include "connectors/kafka/read_options.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::connectors::kafka {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A valid set of options with `changes`; a value of "-" takes the option out.
Options With(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> all = {{"kafka.bootstrap.servers", "127.0.0.1:9092"},
                                            {"subscribe", "t"}};
  for (const auto& [key, value] : changes) all[key] = value;
  std::erase_if(all, [](const auto& entry) { return entry.second == "-"; });
  return Options(all);
}

std::string StreamError(const std::map<std::string, std::string>& changes) {
  const auto parsed = ParseStreamOptions(With(changes));
  return parsed.ok() ? "no error" : parsed.status().error().message;
}

std::string BatchError(const std::map<std::string, std::string>& changes) {
  const auto parsed = ParseBatchOptions(With(changes));
  return parsed.ok() ? "no error" : parsed.status().error().message;
}

TEST(ReadOptions, Defaults) {
  const auto stream = ParseStreamOptions(With({}));
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(stream->start.kind, OffsetLimit::Kind::kLatest);
  EXPECT_TRUE(stream->fail_on_data_loss);
  EXPECT_FALSE(stream->include_headers);
  EXPECT_EQ(stream->group_id_prefix, "spark-kafka-source");
  EXPECT_EQ(stream->poll_timeout, std::chrono::seconds(120));
  EXPECT_EQ(stream->max_trigger_delay, std::chrono::minutes(15));

  const auto batch = ParseBatchOptions(With({}));
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->start.kind, OffsetLimit::Kind::kEarliest);
  EXPECT_EQ(batch->end.kind, OffsetLimit::Kind::kLatest);
}

TEST(ReadOptions, KeysAreReadWithoutCase) {
  const auto parsed = ParseStreamOptions(With(
      {{"subscribe", "-"}, {"SUBSCRIBE", " a ,, b"}, {"STARTINGOFFSETS", " Earliest "}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->subscription.ToString(), "Subscribe[a, b]");
  EXPECT_EQ(parsed->start.kind, OffsetLimit::Kind::kEarliest);
}

TEST(ReadOptions, SubscriptionsAreNamedAsSparkNamesThem) {
  EXPECT_EQ(ParseStreamOptions(With({{"subscribe", "-"}, {"subscribePattern", "t.*"}}))
                ->subscription.ToString(),
            "SubscribePattern[t.*]");
  EXPECT_EQ(ParseStreamOptions(With({{"subscribe", "-"}, {"assign", R"({"t":[1,0]})"}}))
                ->subscription.ToString(),
            "Assign[t-0, t-1]");
}

TEST(ReadOptions, ATimestampWinsOverOffsets) {
  const auto parsed =
      ParseStreamOptions(With({{"startingTimestamp", " 1000 "},
                               {"startingOffsets", "earliest"},
                               {"startingOffsetsByTimestampStrategy", "LATEST"}}));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->start.kind, OffsetLimit::Kind::kTimestamp);
  EXPECT_EQ(parsed->start.timestamp_ms, 1000);
  EXPECT_TRUE(parsed->start.latest_if_no_match);
}

TEST(ReadOptions, ReadsDurationsAsJavaWritesThem) {
  for (const auto& [text, millis] : std::map<std::string, int64_t>{{"15m", 900'000},
                                                                   {"2min", 120'000},
                                                                   {"10s", 10'000},
                                                                   {"7ms", 7},
                                                                   {"5000us", 5},
                                                                   {"1h", 3'600'000},
                                                                   {"1d", 86'400'000},
                                                                   {"250", 250}}) {
    const auto parsed = ParseStreamOptions(With({{"maxTriggerDelay", text}}));
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->max_trigger_delay.count(), millis) << text;
  }
  EXPECT_THAT(StreamError({{"maxTriggerDelay", "soon"}}), HasSubstr("found: soon"));
}

TEST(ReadOptions, ExactlyOneSubscription) {
  EXPECT_EQ(StreamError({{"subscribe", "-"}}),
            "One of the following options must be specified for Kafka source: subscribe, "
            "subscribepattern, assign. See the docs for more details.");
  EXPECT_EQ(
      StreamError({{"assign", R"({"t":[0]})"}}),
      "Only one of the following options can be specified for Kafka source: subscribe, "
      "subscribepattern, assign. See the docs for more details.");
}

TEST(ReadOptions, EmptySubscriptions) {
  EXPECT_EQ(StreamError({{"subscribe", ""}}),
            "No topics to subscribe to as specified value for option 'subscribe' is ''");
  EXPECT_EQ(
      StreamError({{"subscribe", "-"}, {"subscribePattern", " "}}),
      "Pattern to subscribe is empty as specified value for option 'subscribePattern' is "
      "' '");
  EXPECT_EQ(StreamError({{"subscribe", "-"}, {"assign", "x"}}),
            "No topicpartitions to assign as specified value for option 'assign' is 'x'");
  EXPECT_EQ(StreamError({{"subscribe", "-"}, {"assign", "{x"}}),
            R"(Expected e.g. {"topicA":[0,1],"topicB":[0,1]}, got {x)");
}

TEST(ReadOptions, NumbersOutOfRangeAreNamed) {
  for (const char* key : {"maxOffsetsPerTrigger", "minOffsetsPerTrigger",
                          "kafkaConsumer.pollTimeoutMs", "fetchOffset.numRetries"}) {
    for (const char* value : {"0", "-1"}) {
      EXPECT_EQ(
          StreamError({{key, value}}),
          fmt::format("Option '{}' must be a positive number, found: {}", key, value));
    }
  }
  EXPECT_EQ(StreamError({{"fetchOffset.retryIntervalMs", "-1"}}),
            "Option 'fetchOffset.retryIntervalMs' must not be negative, found: -1");
}

TEST(ReadOptions, OffsetsAreNotNegative) {
  EXPECT_EQ(
      StreamError({{"startingOffsets", R"({"t":{"0":-2,"1":-1,"2":-3}})"}}),
      "Option 'startingOffsets' must give offsets from 0 on, -1 for latest or -2 for "
      "earliest, found -3 for t-2.");
}

TEST(ReadOptions, PatternsMustBeRegularExpressions) {
  EXPECT_THAT(StreamError({{"subscribe", "-"}, {"subscribePattern", "a("}}),
              StartsWith("Option 'subscribePattern' must be a regular expression"));
  EXPECT_THAT(StreamError({{"subscribe", "-"}, {"subscribePattern", "(?!x)a"}}),
              HasSubstr("(invalid perl operator: (?!), found: (?!x)a"));
}

TEST(ReadOptions, WhatSparkRefuses) {
  EXPECT_THAT(
      StreamError({{"kafka.auto.offset.reset", "latest"}}),
      StartsWith("\nKafka option 'auto.offset.reset' is not supported.\nInstead set the "
                 "source option 'startingoffsets' to 'earliest' or 'latest'\nto specify "
                 "where to start. Structured Streaming manages which offsets are "
                 "consumed\ninternally,"));
  EXPECT_EQ(
      StreamError({{"kafka.key.deserializer", "x"}}),
      "Kafka option 'key.deserializer' is not supported as keys are deserialized as byte "
      "arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly "
      "deserialize the keys.");
  EXPECT_EQ(
      StreamError({{"kafka.value.deserializer", "x"}}),
      "Kafka option 'value.deserializer' is not supported as values are deserialized as "
      "byte arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly "
      "deserialize the values.");
  EXPECT_EQ(StreamError({{"kafka.enable.auto.commit", "true"}}),
            "Kafka option 'enable.auto.commit' is not supported");
  EXPECT_EQ(StreamError({{"kafka.interceptor.classes", "x"}}),
            "Kafka option 'interceptor.classes' is not supported");
  EXPECT_EQ(StreamError({{"kafka.bootstrap.servers", "-"}}),
            "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka "
            "consumer");
}

TEST(ReadOptions, WrongNumbersAndFlags) {
  EXPECT_EQ(StreamError({{"minPartitions", "0"}}), "minPartitions must be positive");
  EXPECT_EQ(StreamError({{"maxRecordsPerPartition", "0"}}),
            "maxrecordsperpartition must be positive");
  EXPECT_EQ(StreamError({{"minPartitions", "x"}}), "For input string: \"x\"");
  EXPECT_EQ(StreamError({{"maxOffsetsPerTrigger", "x"}}), "For input string: \"x\"");
  EXPECT_EQ(StreamError({{"failOnDataLoss", "x"}}), "For input string: \"x\"");
  EXPECT_EQ(StreamError({{"startingTimestamp", "x"}}),
            "Expected a single long value, got x");
  EXPECT_EQ(
      StreamError({{"minOffsetsPerTrigger", "10"}, {"maxOffsetsPerTrigger", "5"}}),
      "The value of minOffsetPerTrigger(10) is higher than the maxOffsetsPerTrigger(5).");
  EXPECT_EQ(StreamError({{"startingOffsets", "{bad"}}),
            R"(Expected e.g. {"topicA":{"0":23,"1":-1},"topicB":{"0":-2}}, got {bad)");
}

TEST(ReadOptions, StreamsHaveNoEnd) {
  EXPECT_EQ(StreamError({{"endingOffsets", "latest"}}),
            "ending offset not valid in streaming queries");
  EXPECT_EQ(StreamError({{"endingOffsetsByTimestamp", "{}"}}),
            "ending timestamp not valid in streaming queries");
}

TEST(ReadOptions, BatchesBeginAndEndSomewhere) {
  EXPECT_EQ(BatchError({{"startingOffsets", "latest"}}),
            "starting offset can't be latest for batch queries on Kafka");
  EXPECT_EQ(BatchError({{"endingOffsets", "earliest"}}),
            "ending offset can't be earliest for batch queries on Kafka");
  EXPECT_EQ(BatchError({{"startingOffsets", R"({"t":{"0":-1}})"}}),
            "startingOffsets for t-0 can't be latest for batch queries on Kafka");
  EXPECT_EQ(BatchError({{"endingOffsets", R"({"t":{"0":-2}})"}}),
            "ending offset for t-0 can't be earliest for batch queries on Kafka");
}

TEST(ReadOptions, BatchesBeginBeforeTheirEnd) {
  const auto reversed = ParseBatchOptions(With(
      {{"startingOffsets", R"({"t":{"0":3}})"}, {"endingOffsets", R"({"t":{"0":1}})"}}));
  ASSERT_FALSE(reversed.ok());
  EXPECT_EQ(reversed.status().error().message,
            "The specified start offset 3 is greater than the end offset 1 for topic t "
            "partition 0.");
  EXPECT_EQ(reversed.status().error().error_class,
            "UNRESOLVED_START_OFFSET_GREATER_THAN_END_OFFSET");
  EXPECT_EQ(
      BatchError({{"startingOffsets", R"({"t":{"0":3,"1":-2}})"},
                  {"endingOffsets", R"({"t":{"0":1}})"}}),
      "The specified start offset and end offset should have the same topic-partitions.\n"
      "Topic-partitions for start offset: t-0, t-1, topic-partitions for end offset: "
      "t-0.");
}

TEST(ReadOptions, MisspelledOptionsAreNamed) {
  EXPECT_THAT(StreamError({{"startingOffset", "earliest"}}), HasSubstr("startingOffset"));
}

}  // namespace
}  // namespace millrace::connectors::kafka
