// A Kafka source where things change, get lost or do not answer, against a real broker.
#include <fmt/format.h>

#include <future>

#include "connectors/kafka/test_source.h"

namespace millrace::connectors::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(KafkaSourceTest, AddedPartitionsAreReadFromTheirBeginning) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"old"}));
  const auto source = Make({{"subscribe", topic}});
  const auto start = Value(source->Initial({}));
  EXPECT_EQ(*Latest(*source, start), *start);
  cluster_.AddPartitions(topic, 2);
  cluster_.Produce(topic, 1, Values({"new"}));
  std::optional<Offset> end = start;
  const EpochMillis deadline = clock_.Now() + kPatience;
  while (*end == *start && clock_.Now() < deadline) {
    source->AwaitData(clock_, deadline, {});
    end = Latest(*source, start);
  }
  EXPECT_EQ(*end, At(topic, {1, 1}));
  EXPECT_THAT(Read(*source, start, *end), ElementsAre("new"));
}

TEST_F(KafkaSourceTest, AddedPartitionsThatLostTheirBeginningAreDataLoss) {
  const std::string topic = cluster_.NewTopic(2);
  cluster_.Produce(topic, 1, Values({"a", "b"}));
  cluster_.DeleteRecords(topic, 1, 1);
  const ErrorInfo error =
      ErrorOf(*Make({{"subscribe", topic}}), At(topic, {0}), At(topic, {0, 2}));
  EXPECT_THAT(error.message, HasSubstr("Reason: Added partition " + topic +
                                       "-1 starts from 1 instead of 0."));
  EXPECT_THAT(Read(*Make({{"subscribe", topic}, {"failOnDataLoss", "false"}}),
                   At(topic, {0}), At(topic, {0, 2})),
              ElementsAre("b"));
}

TEST_F(KafkaSourceTest, AgedOutMessagesAreDataLoss) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  cluster_.DeleteRecords(topic, 0, 4);
  const ErrorInfo error =
      ErrorOf(*Make({{"subscribe", topic}}), At(topic, {1}), At(topic, {10}));
  EXPECT_EQ(error.error_class, "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE");
  EXPECT_EQ(
      error.message,
      "Some data may have been lost because they are not available in Kafka any more;\n"
      "either the data was aged out by Kafka or the topic may have been deleted before "
      "all "
      "the data in the\ntopic was processed.\nIf you don't want your streaming query to "
      "fail on such cases, set the source option failOnDataLoss to false.\nReason: Could "
      "not read records in offset [1, 10) for topic partition " +
          topic + "-0\nwith consumer group spark-kafka-source-query-executor.");

  const auto tolerant = Make({{"subscribe", topic}, {"failOnDataLoss", "false"}});
  EXPECT_THAT(Read(*tolerant, At(topic, {1}), At(topic, {6})), ElementsAre("m4", "m5"));
  EXPECT_THAT(Read(*tolerant, At(topic, {1}), At(topic, {3})), IsEmpty());
}

TEST_F(KafkaSourceTest, MessagesGoneWhileAQueryRunsAreDataLoss) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Values({"a"}));
  // No read-ahead: what is fetched already cannot get lost.
  const auto source = Make({{"subscribe", topic}, {"kafka.group.id", "mine"}});
  EXPECT_THAT(Read(*source, At(topic, {0}), At(topic, {1})), ElementsAre("a"));
  const auto late = Make({{"subscribe", topic}, {"kafka.group.id", "mine"}});
  cluster_.Produce(topic, 0, Values({"b", "c"}));
  cluster_.DeleteRecords(topic, 0, 2);
  EXPECT_THAT(
      ErrorOf(*late, At(topic, {1}), At(topic, {3})).message,
      HasSubstr("[1, 3) for topic partition " + topic + "-0\nwith consumer group mine."));
}

TEST_F(KafkaSourceTest, AnEndThatWentBackIsDataLoss) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  const auto source = Make({{"subscribe", topic}});
  EXPECT_EQ(Read(*source, At(topic, {0}), *Latest(*source, At(topic, {0}))).size(), 10U);
  cluster_.DeleteTopic(topic);
  cluster_.CreateTopic(topic, 1);
  cluster_.Produce(topic, 0, Numbered("n", 4));

  const auto restarted = Make({{"subscribe", topic}});
  const auto end = Latest(*restarted, At(topic, {10}));
  EXPECT_EQ(*end, At(topic, {4}));
  const ErrorInfo error = ErrorOf(*restarted, At(topic, {10}), *end);
  EXPECT_EQ(error.error_class, "KAFKA_DATA_LOSS.PARTITION_OFFSET_CHANGED");
  EXPECT_THAT(
      error.message,
      HasSubstr("Reason: Partition " + topic +
                "-0 offset was changed from 10 to 4.\nThis could be either 1) a user "
                "error that the start offset is set beyond available offset when "
                "starting query, or 2) the kafka topic-partition is deleted and "
                "re-created."));
  // As Spark does: nothing of the new topic's first messages, then whatever comes.
  const auto tolerant = Make({{"subscribe", topic}, {"failOnDataLoss", "false"}});
  EXPECT_THAT(Read(*tolerant, At(topic, {10}), *end), IsEmpty());
  cluster_.Produce(topic, 0, Values({"o"}));
  EXPECT_THAT(Read(*tolerant, *end, *Latest(*tolerant, end)), ElementsAre("o"));
}

TEST_F(KafkaSourceTest, ARunningQueryNoticesARecreatedTopic) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  const auto source = Make({{"subscribe", topic}, {"fetchOffset.numRetries", "1000"}});
  EXPECT_EQ(Read(*source, At(topic, {0}), *Latest(*source, At(topic, {0}))).size(), 10U);
  cluster_.DeleteTopic(topic);
  cluster_.CreateTopic(topic, 1);
  cluster_.Produce(topic, 0, Numbered("n", 4));
  const auto one = Make({{"subscribe", topic}, {"fetchOffset.numRetries", "1"}});
  EXPECT_EQ(*Latest(*one, At(topic, {10})), At(topic, {4}));
  EXPECT_THAT(ErrorOf(*one, At(topic, {10}), At(topic, {4})).message,
              HasSubstr("offset was changed from 10 to 4"));
  // Reading on beyond what the new topic has is noticed by the reader.
  EXPECT_THAT(ErrorOf(*source, At(topic, {10}), At(topic, {12})).message,
              HasSubstr("Could not read records in offset [10, 12)"));
}

TEST_F(KafkaSourceTest, DeletedPartitionsOfAPatternAreDataLoss) {
  const std::string a = cluster_.NewTopic(1, "gone");
  const std::string b = cluster_.NewTopic(1, "gone");
  cluster_.Produce(a, 0, Values({"a"}));
  cluster_.Produce(b, 0, Values({"b"}));
  const std::string pattern = "^(" + a + "|" + b + ")$";
  const Offset start = ToJson({{{a, 0}, 1}, {{b, 0}, 0}});
  cluster_.DeleteTopic(a);
  const auto source = Make({{"subscribePattern", pattern}});
  std::optional<Offset> end;
  const EpochMillis deadline = clock_.Now() + kPatience;
  do {
    end = Latest(*source, start);
  } while (end->find(a) != std::string::npos && source->AwaitData(clock_, deadline, {}));
  EXPECT_EQ(*end, At(b, {1}));
  const ErrorInfo error = ErrorOf(*source, start, *end);
  EXPECT_EQ(error.error_class, "KAFKA_DATA_LOSS.PARTITIONS_DELETED");
  EXPECT_THAT(error.message,
              HasSubstr("Reason: Partitions Set(" + a + "-0) have been deleted."));
  EXPECT_THAT(Read(*Make({{"subscribePattern", pattern}, {"failOnDataLoss", "false"}}),
                   start, *end),
              ElementsAre("b"));
}

TEST_F(KafkaSourceTest, ATopicThatDoesNotExist) {
  const auto source = Make({{"subscribe", "no-such-topic"}});
  const ErrorInfo error = source->Initial({}).status().error();
  EXPECT_THAT(
      error.message,
      StartsWith("org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This "
                 "server does not host this topic-partition."));
  EXPECT_THAT(error.message, HasSubstr("'no-such-topic'"));
}

TEST_F(KafkaSourceTest, ABrokerThatDoesNotAnswer) {
  const auto source = Make({{"subscribe", "t"},
                            {"kafka.bootstrap.servers", "127.0.0.1:1"},
                            {"kafka.default.api.timeout.ms", "300"}});
  const ErrorInfo error = source->Initial({}).status().error();
  EXPECT_EQ(error.fault, Fault::kExternal);
  EXPECT_TRUE(error.retryable);
  EXPECT_THAT(error.message,
              StartsWith("No Kafka broker at '127.0.0.1:1' answered within 300 "
                         "ms."));
  EXPECT_THAT(error.message, HasSubstr("Connection refused"));
}

TEST_F(KafkaSourceTest, ABrokerThatGoesAwayAndComesBack) {
  MockCluster mock;
  mock.CreateTopic("t");
  const auto source = Make({{"subscribe", "t"},
                            {"kafka.bootstrap.servers", mock.servers()},
                            {"kafka.default.api.timeout.ms", "2000"},
                            {"startingOffsets", "earliest"}});
  const auto start = Value(source->Initial({}));
  EXPECT_EQ(*Latest(*source, start), At("t", {0}));
  mock.Produce("t", Values({"a", "b"}));
  mock.SetDown(true);
  EXPECT_EQ(*Latest(*source, start), At("t", {0}));
  EXPECT_THAT(source->description(),
              StartsWith("KafkaV2[Subscribe[t]] (waiting for Kafka: No Kafka broker at"));
  mock.SetDown(false);
  std::optional<Offset> end = start;
  const EpochMillis deadline = clock_.Now() + kPatience;
  while (*end == *start && source->AwaitData(clock_, deadline, {}))
    end = Latest(*source, start);
  EXPECT_EQ(*end, At("t", {2}));
  EXPECT_EQ(source->description(), "KafkaV2[Subscribe[t]]");
  EXPECT_THAT(Read(*source, start, *end), ElementsAre("a", "b"));
}

TEST_F(KafkaSourceTest, AReaderGoesOnWhenItsBrokerComesBack) {
  MockCluster mock;
  mock.CreateTopic("t");
  mock.Produce("t", Values({"a", "b"}));
  const auto source =
      Make({{"subscribe", "t"}, {"kafka.bootstrap.servers", mock.servers()}});
  ASSERT_EQ(*Latest(*source, At("t", {2})), At("t", {2}));
  mock.SetDown(true);
  auto reading = std::async(std::launch::async,
                            [&] { return Read(*source, At("t", {0}), At("t", {2})); });
  EXPECT_EQ(reading.wait_for(std::chrono::milliseconds(300)),
            std::future_status::timeout);
  mock.SetDown(false);
  EXPECT_THAT(reading.get(), ElementsAre("a", "b"));
}

TEST_F(KafkaSourceTest, FollowsALeaderThatMoves) {
  MockCluster mock(3);
  mock.CreateTopic("t");
  mock.SetLeader("t", 1);
  const auto source =
      Make({{"subscribe", "t"}, {"kafka.bootstrap.servers", mock.servers()}});
  Offset position = At("t", {0});
  for (int move = 0; move < 6; ++move) {
    mock.Produce("t", Values({std::to_string(move)}));
    const Offset end = At("t", {move + 1});
    mock.SetLeader("t", 1 + (move + 1) % 3);
    EXPECT_THAT(Read(*source, position, end), ElementsAre(std::to_string(move)));
    position = end;
  }
}

TEST_F(KafkaSourceTest, AgedOutMessagesOfABatchReadAreDataLoss) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  cluster_.DeleteRecords(topic, 0, 4);
  const Splits splits =
      Value(TryBatch({{"subscribe", topic}, {"startingOffsets", At(topic, {2})}}));
  ASSERT_EQ(splits.size(), 1U);
  EXPECT_EQ(Value(splits[0]->Open())->Next({}).status().error().error_class,
            "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE");
}

TEST_F(KafkaSourceTest, ABatchReadGoesOnBehindAgedOutMessages) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  cluster_.DeleteRecords(topic, 0, 8);
  EXPECT_THAT(Read(Value(TryBatch({{"subscribe", topic},
                                   {"startingOffsets", At(topic, {2})},
                                   {"failOnDataLoss", "false"}}))),
              ElementsAre("m8", "m9"));
}

TEST_F(KafkaSourceTest, AQuestionWithoutAnswerIsNoDataLoss) {
  MockCluster mock;
  mock.CreateTopic("t");
  mock.Produce("t", Values({"a", "b"}));
  const auto source = Make({{"subscribe", "t"},
                            {"failOnDataLoss", "false"},
                            {"kafka.bootstrap.servers", mock.servers()},
                            {"kafka.default.api.timeout.ms", "50"},
                            {"kafkaConsumer.pollTimeoutMs", "300"}});
  // The broker has no offset 5. Whether it lost it, it is not able to say.
  mock.RefuseOffsets(1000);
  EXPECT_THAT(ErrorOf(*source, At("t", {5}), At("t", {7})).message,
              StartsWith("Cannot fetch record for offset 5 of t-0 in 300 milliseconds."));
}

TEST_F(KafkaSourceTest, StopEndsTheSearchForABroker) {
  const auto source =
      Make({{"subscribe", "t"}, {"kafka.bootstrap.servers", "127.0.0.1:1"}});
  std::stop_source stop;
  auto initial =
      std::async(std::launch::async, [&] { return source->Initial(stop.get_token()); });
  stop.request_stop();
  ASSERT_EQ(initial.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(connector::IsCancelled(initial.get().status()));
}

TEST_F(KafkaSourceTest, AwaitDataReturnsWhenMessagesCome) {
  const std::string topic = cluster_.NewTopic(2);
  const auto source = Make({{"subscribe", topic}});
  const auto start = Value(source->Initial({}));
  ASSERT_EQ(*Latest(*source, start), *start);
  const EpochMillis deadline = clock_.Now() + kPatience;
  auto waiting = std::async(std::launch::async, [&] {
    while (source->AwaitData(clock_, deadline, {})) {
      if (*Latest(*source, start) != *start) return true;
    }
    return false;
  });
  cluster_.Produce(topic, 1, Values({"a"}));
  EXPECT_TRUE(waiting.get());
  EXPECT_THAT(Read(*source, start, *Latest(*source, start)), ElementsAre("a"));
}

TEST_F(KafkaSourceTest, FollowsATopicThatWasMadeAnew) {
  const std::string topic = cluster_.NewTopic();
  cluster_.Produce(topic, 0, Numbered("m", 10));
  const auto source = Make({{"subscribePattern", "^" + topic + "$"},
                            {"failOnDataLoss", "false"},
                            {"fetchOffset.numRetries", "1"}});
  std::optional<Offset> position = At(topic, {0});
  const auto advance = [&](const Offset& wanted) {
    const EpochMillis deadline = clock_.Now() + kPatience;
    Strings rows;
    while (*position != wanted && clock_.Now() < deadline) {
      const auto end = Latest(*source, position);
      if (end && *end != *position) {
        for (std::string& row : Read(*source, position, *end))
          rows.push_back(std::move(row));
        position = end;
      } else {
        source->AwaitData(clock_, deadline, {});
      }
    }
    EXPECT_EQ(*position, wanted);
    return rows;
  };
  EXPECT_EQ(advance(At(topic, {10})).size(), 10U);
  cluster_.DeleteTopic(topic);
  cluster_.CreateTopic(topic, 1);
  cluster_.Produce(topic, 0, Values({"x"}));
  advance(At(topic, {1}));
  cluster_.Produce(topic, 0, Values({"y"}));
  EXPECT_THAT(advance(At(topic, {2})), ElementsAre("y"));
}

TEST_F(KafkaSourceTest, AwaitDataEndsAtItsDeadlineAndOnStop) {
  const std::string topic = cluster_.NewTopic();
  const auto source = Make({{"subscribe", topic}});
  const auto start = Value(source->Initial({}));
  ASSERT_EQ(*Latest(*source, start), *start);
  EXPECT_FALSE(source->AwaitData(clock_, clock_.Now(), {}));

  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] {
    while (source->AwaitData(clock_, clock_.Now() + std::chrono::hours(1),
                             stop.get_token())) {
    }
  });
  stop.request_stop();
  EXPECT_EQ(waiting.wait_for(kPatience), std::future_status::ready);
}

TEST_F(KafkaSourceTest, StopWakesAReader) {
  const std::string topic = cluster_.NewTopic();
  const auto source = Make({{"subscribe", topic}});
  // There will never be a message at offset 0.
  const Splits splits = Value(source->Plan(At(topic, {0}), At(topic, {5}), {}));
  const auto reader = Value(splits[0]->Open());
  std::stop_source stop;
  auto waiting =
      std::async(std::launch::async, [&] { return reader->Next(stop.get_token()); });
  stop.request_stop();
  ASSERT_EQ(waiting.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(connector::IsCancelled(waiting.get().status()));
}

TEST_F(KafkaSourceTest, AReaderDoesNotWaitForever) {
  const std::string topic = cluster_.NewTopic();
  const auto source = Make({{"subscribe", topic}, {"kafkaConsumer.pollTimeoutMs", "50"}});
  const ErrorInfo error = ErrorOf(*source, At(topic, {0}), At(topic, {5}));
  EXPECT_THAT(error.message, StartsWith("Cannot fetch record for offset 0 of " + topic +
                                        "-0 in 50 milliseconds."));
}

}  // namespace
}  // namespace millrace::connectors::kafka
