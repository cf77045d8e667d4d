// What a Kafka source reads, against a real broker.
#include <fmt/format.h>

#include "connectors/kafka/column_parts.h"
#include "connectors/kafka/test_source.h"

namespace millrace::connectors::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

TEST_F(KafkaSourceTest, GivesSparksColumns) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(
      topic, 1,
      {{.value = "a value of some length",
        .key = "k",
        .headers = {{"h", "x"}, {"h", std::nullopt}, {"a-long-header-name", ""}},
        .timestamp_ms = 1234},
       {.value = std::nullopt, .key = std::nullopt, .timestamp_ms = 5678},
       {.value = "", .key = "", .timestamp_ms = 1}});
  const auto source = Make({{"subscribe", topic},
                            {"startingOffsets", "earliest"},
                            {"includeHeaders", "true"}});
  const auto start = Value(source->Initial({}));
  const Splits splits = Value(source->Plan(start, *Latest(*source, start), {}));
  ASSERT_EQ(splits.size(), 1U);
  EXPECT_EQ(splits[0]->partition(), topic + "-1");
  const auto reader = Value(splits[0]->Open());
  const data::Batch batch = Value(reader->Next({}));
  EXPECT_EQ(Value(reader->Next({})), nullptr);
  EXPECT_GT(reader->bytes_read(), 0);

  const data::SchemaPtr schema = KafkaSchema(true);
  EXPECT_TRUE(batch->ValidateFull().ok());
  const auto expected = data::BatchFromJson(schema, fmt::format(R"([
        ["k", "a value of some length", "{0}", 1, 0, "1970-01-01T00:00:01.234Z", 0,
         [["h", "x"], ["h", null], ["a-long-header-name", ""]]],
        [null, null, "{0}", 1, 1, "1970-01-01T00:00:05.678Z", 0, null],
        ["", "", "{0}", 1, 2, "1970-01-01T00:00:00.001Z", 0, null]])",
                                                                topic));
  ASSERT_TRUE(expected.ok()) << expected.status().ToString();
  EXPECT_TRUE(batch->Equals(**expected)) << batch->ToString();
}

TEST_F(KafkaSourceTest, FillsOnlyRequiredColumns) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"a"}));
  columns_ = Strings{"offset", "value"};
  const auto source = Make({{"subscribe", topic}, {"startingOffsets", "earliest"}});
  const auto start = Value(source->Initial({}));
  const Splits splits = Value(source->Plan(start, *Latest(*source, start), {}));
  const data::Batch batch = Value(Value(splits[0]->Open())->Next({}));
  EXPECT_THAT(batch->schema()->field_names(), ElementsAre("value", "offset"));
}

TEST_F(KafkaSourceTest, ValuesMayBeReadBeyondTheirEnd) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"this is longer than twelve bytes"}));
  const auto source = Make({{"subscribe", topic}, {"startingOffsets", "earliest"}});
  const auto start = Value(source->Initial({}));
  const Splits splits = Value(source->Plan(start, *Latest(*source, start), {}));
  const data::Batch batch = Value(Value(splits[0]->Open())->Next({}));
  const auto& data = batch->GetColumnByName("value")->data();
  ASSERT_EQ(data->buffers.size(), 3U);
  const auto& column =
      static_cast<const arrow::BinaryViewArray&>(*batch->GetColumnByName("value"));
  const auto* end = reinterpret_cast<const uint8_t*>(column.GetView(0).data()) + 32;
  EXPECT_GE(data->buffers[2]->data() + data->buffers[2]->size() - end, kReadAhead);
}

TEST_F(KafkaSourceTest, DescribesItselfAsSparkDoes) {
  EXPECT_EQ(Make({{"subscribe", "a,b"}})->description(), "KafkaV2[Subscribe[a, b]]");
}

TEST_F(KafkaSourceTest, SubscribesToSeveralTopics) {
  const std::string a = cluster_.NewTopic(2);
  const std::string b = cluster_.NewTopic();
  cluster_.Produce(a, 0, Values({"a0"}));
  cluster_.Produce(a, 1, Values({"a1"}));
  cluster_.Produce(b, 0, Values({"b0"}));
  EXPECT_THAT(
      ReadFromInitial({{"subscribe", a + "," + b}, {"startingOffsets", "earliest"}}),
      UnorderedElementsAre("a0", "a1", "b0"));
}

TEST_F(KafkaSourceTest, SubscribesToAPattern) {
  const std::string a = cluster_.NewTopic(1, "pattern-one");
  const std::string b = cluster_.NewTopic(1, "pattern-two");
  cluster_.Produce(a, 0, Values({"a0"}));
  cluster_.Produce(b, 0, Values({"b0"}));
  // Found anywhere in the name, as in Java's Matcher.find.
  const std::string ending = a.substr(a.find('-'));
  EXPECT_THAT(ReadFromInitial(
                  {{"subscribePattern", ending + "$"}, {"startingOffsets", "earliest"}}),
              ElementsAre("a0"));
}

TEST_F(KafkaSourceTest, AssignsPartitions) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 0, Values({"p0"}));
  cluster_.Produce(topic, 1, Values({"p1"}));
  EXPECT_THAT(ReadFromInitial({{"assign", "{\"" + topic + "\":[1]}"},
                               {"startingOffsets", "earliest"}}),
              ElementsAre("p1"));
}

TEST_F(KafkaSourceTest, StreamsBeginAtTheEndByDefault) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"old"}));
  const auto source = Make({{"subscribe", topic}});
  const auto start = Value(source->Initial({}));
  EXPECT_EQ(*start, At(topic, {1}));
  cluster_.Produce(topic, 0, Values({"new"}));
  EXPECT_THAT(Read(*source, start, *Latest(*source, start)), ElementsAre("new"));
}

TEST_F(KafkaSourceTest, StartsWhereToldTo) {
  const std::string topic = cluster_.NewTopic(2);
  std::vector<TestMessage> timed = Numbered("a", 4);
  for (int i = 0; i < 4; ++i) timed[i].timestamp_ms = 1000 * (i + 1);
  cluster_.Produce(topic, 0, timed);
  cluster_.Produce(topic, 1, {{.value = "b0", .timestamp_ms = 2500}});
  const auto json = [&](const char* p0, const char* p1) {
    return fmt::format(R"({{"{}":{{"0":{},"1":{}}}}})", topic, p0, p1);
  };
  EXPECT_THAT(
      ReadFromInitial({{"subscribe", topic}, {"startingOffsets", json("2", "-1")}}),
      UnorderedElementsAre("a2", "a3"));
  log_.entries.clear();
  EXPECT_THAT(
      ReadFromInitial({{"subscribe", topic}, {"startingOffsets", json("-1", "-2")}}),
      UnorderedElementsAre("b0"));
  log_.entries.clear();
  EXPECT_THAT(ReadFromInitial({{"subscribe", topic}, {"startingTimestamp", "2001"}}),
              UnorderedElementsAre("a2", "a3", "b0"));
  log_.entries.clear();
  EXPECT_THAT(ReadFromInitial({{"subscribe", topic},
                               {"startingOffsetsByTimestamp", json("4000", "99999")},
                               {"startingOffsetsByTimestampStrategy", "latest"}}),
              UnorderedElementsAre("a3"));
}

TEST_F(KafkaSourceTest, ATimestampInTheFutureIsAnErrorByDefault) {
  const std::string topic = cluster_.NewTopic();
  const auto source =
      Make({{"subscribe", topic}, {"startingTimestamp", "99999999999999"}});
  const auto start = source->Initial({});
  ASSERT_FALSE(start.ok());
  EXPECT_EQ(start.status().error().message,
            "No offset matched from request of topic-partition " + topic +
                "-0 and timestamp 99999999999999.");
}

TEST_F(KafkaSourceTest, StartingOffsetsMustNameAllPartitions) {
  const std::string topic = cluster_.NewTopic(2);
  const auto source =
      Make({{"subscribe", topic}, {"startingOffsets", "{\"" + topic + "\":{\"0\":0}}"}});
  EXPECT_EQ(source->Initial({}).status().error().message,
            fmt::format(
                "assertion failed: If startingOffsets contains specific offsets, you "
                "must specify all TopicPartitions.\nUse -1 for latest, -2 for earliest, "
                "if you don't care.\nSpecified: Set({0}-0) Assigned: Set({0}-0, {0}-1)",
                topic));
}

TEST_F(KafkaSourceTest, RemembersWhereItBegan) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 0, Values({"a", "b"}));
  EXPECT_EQ(*Value(Make({{"subscribe", topic}})->Initial({})), At(topic, {2, 0}));
  EXPECT_EQ(log_.entries.at(0), std::string("\0v1\n", 4) + At(topic, {2, 0}));
  cluster_.Produce(topic, 0, Values({"c"}));
  // The log wins over the options.
  EXPECT_EQ(
      *Value(Make({{"subscribe", topic}, {"startingOffsets", "earliest"}})->Initial({})),
      At(topic, {2, 0}));
}

TEST_F(KafkaSourceTest, RefusesALogFromTheFuture) {
  log_.entries[0] = std::string("\0v2\n{}", 6);
  EXPECT_THAT(
      Make({{"subscribe", "t"}})->Initial({}).status().error().message,
      StartsWith("UnsupportedLogVersion: maximum supported log version is v1, but "
                 "encountered v2."));
  log_.entries[0] = std::string("\0v", 2);
  EXPECT_THAT(Make({{"subscribe", "t"}})->Initial({}).status().error().message,
              StartsWith("Log file was malformed"));
}

TEST_F(KafkaSourceTest, ReadsTheSameRangeTheSameWayAgain) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  const auto source = Make({{"subscribe", topic}});
  const Strings expected = {"m3", "m4", "m5"};
  EXPECT_EQ(Read(*source, At(topic, {3}), At(topic, {6})), expected);
  EXPECT_EQ(Read(*source, At(topic, {3}), At(topic, {6})), expected);
  const auto restarted = Make({{"subscribe", topic}});
  EXPECT_EQ(Read(*restarted, At(topic, {3}), At(topic, {6})), expected);
  EXPECT_THAT(Read(*source, At(topic, {6}), At(topic, {8})), ElementsAre("m6", "m7"));
  EXPECT_THAT(Read(*source, At(topic, {9}), At(topic, {10})), ElementsAre("m9"));
  EXPECT_THAT(Read(*source, At(topic, {10}), At(topic, {10})), IsEmpty());
}

TEST_F(KafkaSourceTest, AReaderLeftHalfWayDoesNotDisturbTheNext) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 40'000));
  const auto source = Make({{"subscribe", topic}});
  {
    const Splits splits = Value(source->Plan(At(topic, {0}), At(topic, {40'000}), {}));
    const auto reader = Value(splits[0]->Open());
    EXPECT_GT(Value(reader->Next({}))->num_rows(), 0);
  }
  const Strings all = Read(*source, At(topic, {0}), At(topic, {40'000}));
  ASSERT_EQ(all.size(), 40'000U);
  EXPECT_EQ(all.front(), "m0");
  EXPECT_EQ(all.back(), "m39999");
}

TEST_F(KafkaSourceTest, APartitionHasOneReaderAtATime) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"a"}));
  const auto source = Make({{"subscribe", topic}});
  const Splits splits = Value(source->Plan(At(topic, {0}), At(topic, {1}), {}));
  const auto reader = Value(splits[0]->Open());
  EXPECT_FALSE(splits[0]->Open().ok());
}

TEST_F(KafkaSourceTest, MaxOffsetsPerTriggerLimitsABatch) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 0, Numbered("a", 9));
  cluster_.Produce(topic, 1, Numbered("b", 5));
  const auto source = Make({{"subscribe", topic},
                            {"startingOffsets", "earliest"},
                            {"maxOffsetsPerTrigger", "3"}});
  std::optional<Offset> position = Value(source->Initial({}));
  Strings ends;
  Strings rows;
  for (int batch = 0; batch < 5; ++batch) {
    const auto end = Latest(*source, position);
    for (std::string& row : Read(*source, position, *end)) rows.push_back(std::move(row));
    ends.push_back(*end);
    position = end;
  }
  EXPECT_THAT(ends, ElementsAre(At(topic, {1, 1}), At(topic, {3, 2}), At(topic, {5, 3}),
                                At(topic, {7, 4}), At(topic, {9, 5})));
  EXPECT_EQ(rows.size(), 14U);
  const auto once = Value(source->Latest(At(topic, {0, 0}), {.unlimited = true}, {}));
  EXPECT_EQ(*once, At(topic, {9, 5}));
}

TEST_F(KafkaSourceTest, MetricsTellHowFarBehindABatchIs) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 0, Numbered("a", 9));
  cluster_.Produce(topic, 1, Numbered("b", 5));
  const auto source = Make({{"subscribe", topic}});
  EXPECT_FALSE(source->ReportLatest().has_value());
  EXPECT_THAT(source->Metrics(At(topic, {0, 0})), IsEmpty());
  Latest(*source, At(topic, {0, 0}));
  EXPECT_EQ(*source->ReportLatest(), At(topic, {9, 5}));
  const std::map<std::string, std::string> expected = {{"minOffsetsBehindLatest", "3"},
                                                       {"maxOffsetsBehindLatest", "6"},
                                                       {"avgOffsetsBehindLatest", "4.5"}};
  EXPECT_EQ(source->Metrics(At(topic, {3, 2})), expected);
  EXPECT_THAT(source->LaggingPartitions(At(topic, {9, 2})), ElementsAre(topic + "-1"));
  EXPECT_THAT(source->LaggingPartitions(At(topic, {9, 5})), IsEmpty());
}

TEST_F(KafkaSourceTest, MinOffsetsPerTriggerDelaysABatch) {
  const std::string topic = cluster_.NewTopic();
  ManualClock clock{EpochMillis(std::chrono::hours(1000))};
  connector::SourceContext context;
  context.clock = &clock;
  const Options options = MakeOptions(
      {{"subscribe", topic}, {"minOffsetsPerTrigger", "3"}, {"maxTriggerDelay", "10s"}});
  const auto source =
      Value(provider_->MakeStream(options, {}, KafkaSchema(false), context));
  // The first batch never waits, as with Spark.
  cluster_.Produce(topic, 0, Values({"a"}));
  EXPECT_EQ(*Latest(*source, At(topic, {0})), At(topic, {1}));
  cluster_.Produce(topic, 0, Values({"b", "c"}));
  EXPECT_EQ(*Latest(*source, At(topic, {1})), At(topic, {1}));
  clock.Advance(std::chrono::milliseconds(9999));
  EXPECT_EQ(*Latest(*source, At(topic, {1})), At(topic, {1}));
  clock.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ(*Latest(*source, At(topic, {1})), At(topic, {3}));
  cluster_.Produce(topic, 0, Values({"d", "e", "f"}));
  EXPECT_EQ(*Latest(*source, At(topic, {3})), At(topic, {6}));
}

TEST_F(KafkaSourceTest, AvailableNowStopsAtWhatWasThere) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"a", "b"}));
  const auto source = Make({{"subscribe", topic}, {"maxOffsetsPerTrigger", "1"}});
  ASSERT_TRUE(source->PrepareAvailableNow({}).ok());
  cluster_.Produce(topic, 0, Values({"c"}));
  EXPECT_EQ(*Latest(*source, At(topic, {0})), At(topic, {1}));
  EXPECT_EQ(*Latest(*source, At(topic, {1})), At(topic, {2}));
  EXPECT_EQ(*Latest(*source, At(topic, {2})), At(topic, {2}));
}

TEST_F(KafkaSourceTest, GapsOfTransactionsEndABatchToo) {
  const std::string topic = cluster_.NewTopic();
  using Outcome = TestCluster::Outcome;
  cluster_.ProduceTransaction(topic, 0, Values({"a0", "a1"}),
                              Outcome::kCommit);                              // 0 1, 2
  cluster_.ProduceTransaction(topic, 0, Values({"gone"}), Outcome::kAbort);   // 3, 4
  cluster_.ProduceTransaction(topic, 0, Values({"b0"}), Outcome::kCommit);    // 5, 6
  cluster_.ProduceTransaction(topic, 0, Values({"gone2"}), Outcome::kAbort);  // 7, 8
  const auto source =
      Make({{"subscribe", topic}, {"kafka.isolation.level", "read_committed"}});
  EXPECT_EQ(*Latest(*source, At(topic, {0})), At(topic, {9}));
  EXPECT_THAT(Read(*source, At(topic, {0}), At(topic, {9})),
              ElementsAre("a0", "a1", "b0"));
  // Ends within and begins at a gap; ranges of nothing but gaps.
  EXPECT_THAT(Read(*source, At(topic, {0}), At(topic, {3})), ElementsAre("a0", "a1"));
  EXPECT_THAT(Read(*source, At(topic, {3}), At(topic, {5})), IsEmpty());
  EXPECT_THAT(Read(*source, At(topic, {5}), At(topic, {7})), ElementsAre("b0"));
  EXPECT_THAT(Read(*source, At(topic, {7}), At(topic, {9})), IsEmpty());
  EXPECT_THAT(Read(*source, At(topic, {8}), At(topic, {9})), IsEmpty());
  // What comes next is read on.
  cluster_.Produce(topic, 0, Values({"c0"}));
  EXPECT_THAT(Read(*source, At(topic, {9}), *Latest(*source, At(topic, {9}))),
              ElementsAre("c0"));
}

TEST_F(KafkaSourceTest, GapsOfCompactionEndABatchToo) {
  const std::string topic = cluster_.NewTopic() + "-compacted";
  cluster_.CreateTopic(topic, 1,
                       {{"cleanup.policy", "compact"},
                        {"segment.ms", "1"},
                        {"min.cleanable.dirty.ratio", "0.001"}});
  for (int round = 0; round < 10; ++round) {
    std::vector<TestMessage> messages;
    for (int key = 0; key < 10; ++key) {
      messages.push_back(
          {.value = fmt::format("{}-{}", round, key), .key = std::to_string(key)});
    }
    cluster_.Produce(topic, 0, messages);
  }
  // The last segment is never compacted.
  cluster_.Produce(topic, 0, {{.value = "end", .key = "end"}});
  const auto read = [&](int64_t from, int64_t until) {
    return Read(*Make({{"subscribe", topic}}), At(topic, {from}), At(topic, {until}));
  };
  const EpochMillis deadline = clock_.Now() + kPatience + kPatience;
  while (read(0, 90).size() > 0 && clock_.Now() < deadline) {
  }
  EXPECT_THAT(read(0, 90), IsEmpty());
  EXPECT_THAT(read(3, 5), IsEmpty());
  EXPECT_THAT(read(50, 93), ElementsAre("9-0", "9-1", "9-2"));
  EXPECT_EQ(read(0, 101).size(), 11U);
  // One source from batch to batch, each of which ends inside the gap or behind it.
  const auto source = Make({{"subscribe", topic}});
  EXPECT_THAT(Read(*source, At(topic, {0}), At(topic, {40})), IsEmpty());
  EXPECT_THAT(Read(*source, At(topic, {40}), At(topic, {91})), ElementsAre("9-0"));
  EXPECT_EQ(Read(*source, At(topic, {91}), *Latest(*source, At(topic, {91}))).size(),
            10U);
}

TEST_F(KafkaSourceTest, ReadCommittedStopsBeforeAnOpenTransaction) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"a"}));
  const auto source =
      Make({{"subscribe", topic}, {"kafka.isolation.level", "read_committed"}});
  {
    const TestCluster::OpenTransaction open(cluster_, topic, 0, Values({"b"}));
    EXPECT_EQ(*Latest(*source, At(topic, {0})), At(topic, {1}));
    EXPECT_THAT(Read(*source, At(topic, {0}), At(topic, {1})), ElementsAre("a"));
  }                                   // committed; the broker writes the marker soon
  const Offset end = At(topic, {3});  // "b" and the marker
  const EpochMillis deadline = clock_.Now() + kPatience;
  while (*Latest(*source, At(topic, {1})) != end && clock_.Now() < deadline) {
  }
  EXPECT_EQ(*Latest(*source, At(topic, {1})), end);
  EXPECT_THAT(Read(*source, At(topic, {1}), end), ElementsAre("b"));
}

TEST_F(KafkaSourceTest, AbortedMessagesAreReadByDefault) {
  const std::string topic = cluster_.NewTopic();
  cluster_.ProduceTransaction(topic, 0, Values({"a"}), TestCluster::Outcome::kAbort);
  EXPECT_THAT(ReadFromInitial({{"subscribe", topic}, {"startingOffsets", "earliest"}}),
              ElementsAre("a"));
}

TEST_F(KafkaSourceTest, BatchesReadAllThereIsByDefault) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 0, Values({"a", "b"}));
  cluster_.Produce(topic, 1, Values({"c"}));
  EXPECT_THAT(Read(Value(TryBatch({{"subscribe", topic}}))),
              UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(Read(Value(TryBatch(
                  {{"subscribe", topic},
                   {"startingOffsets", "{\"" + topic + "\":{\"0\":1,\"1\":-2}}"},
                   {"endingOffsets", "{\"" + topic + "\":{\"0\":-1,\"1\":0}}"}}))),
              ElementsAre("b"));
}

TEST_F(KafkaSourceTest, BatchesEndBeforeATimestamp) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(
      topic, 0,
      {{.value = "a", .timestamp_ms = 1000}, {.value = "b", .timestamp_ms = 2000}});
  EXPECT_THAT(Read(Value(TryBatch({{"subscribe", topic}, {"endingTimestamp", "2000"}}))),
              ElementsAre("a"));
  EXPECT_THAT(Read(Value(TryBatch({{"subscribe", topic}, {"endingTimestamp", "9999"}}))),
              ElementsAre("a", "b"));
}

TEST_F(KafkaSourceTest, BatchesWithWrongOffsets) {
  const std::string topic = cluster_.NewTopic(2);
  const auto missing = TryBatch(
      {{"subscribe", topic}, {"startingOffsets", "{\"" + topic + "\":{\"0\":0}}"}});
  EXPECT_EQ(missing.status().error().error_class,
            "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED");
  const auto beyond =
      TryBatch({{"subscribe", topic},
                {"startingOffsets", "{\"" + topic + "\":{\"0\":300,\"1\":-2}}"}});
  EXPECT_THAT(
      beyond.status().error().message,
      StartsWith("The resolved start offset 300 is greater than the resolved end offset "
                 "0 for topic " +
                 topic + " partition 0.\nPlease investigate in this order:"));
}

TEST_F(KafkaSourceTest, TheSchemaIsFixed) {
  const connector::SourceContext context;
  const auto schema = provider_->Schema(Options(), {}, KafkaSchema(false), true, context);
  EXPECT_EQ(schema.status().error().message,
            "requirement failed: Kafka source has a fixed schema and cannot be set with "
            "a custom "
            "one");
  EXPECT_EQ(
      provider_
          ->Schema(MakeOptions({{"includeHeaders", "x"}}), {}, nullptr, true, context)
          .status()
          .error()
          .message,
      "For input string: \"x\"");
}

}  // namespace
}  // namespace millrace::connectors::kafka
