// What a Kafka sink writes, read back from a real broker.
#include "connectors/kafka/kafka_sink.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include <future>

#include "connectors/kafka/column_parts.h"
#include "connectors/kafka/test_source.h"

namespace millrace::connectors::kafka {
namespace {

using connector::SaveMode;
using connector::Sink;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class KafkaSinkTest : public KafkaSourceTest {
 protected:
  static data::SchemaPtr Schema(
      std::initializer_list<std::pair<std::string, data::TypePtr>> names) {
    arrow::FieldVector fields;
    for (const auto& [name, type] : names) fields.push_back(arrow::field(name, type));
    return arrow::schema(std::move(fields));
  }
  static data::SchemaPtr KeyValue() {
    return Schema({{"key", data::StringType()}, {"value", data::StringType()}});
  }

  Result<std::unique_ptr<Sink>> TrySink(const data::SchemaPtr& schema,
                                        const Changes& changes) {
    Changes all = {{"kafka.bootstrap.servers", cluster_.servers()}};
    for (const auto& [key, value] : changes) all[key] = value;
    connector::SinkContext context;
    context.stop = stop_.get_token();
    return sinks_->Make(Options(all), schema, context);
  }

  // Writes rows as one batch; the first error.
  Status Write(Sink& sink, const data::SchemaPtr& schema, const std::string& rows) {
    auto writer = Value(sink.Open(0, 0));
    MILLRACE_RETURN_IF_ERROR(writer->Write(Value(data::BatchFromJson(schema, rows))));
    MILLRACE_ASSIGN_OR_RETURN(const connector::CommitMessage message, writer->Prepare());
    const std::vector<connector::CommitMessage> messages = {message};
    return sink.Commit(0, messages);
  }
  Status WriteTo(const data::SchemaPtr& schema, const Changes& changes,
                 const std::string& rows) {
    auto sink = TrySink(schema, changes);
    if (!sink.ok()) return sink.status();
    return Write(**sink, schema, rows);
  }
  std::string ErrorOfSink(const data::SchemaPtr& schema, const Changes& changes) {
    const auto sink = TrySink(schema, changes);
    if (!sink.ok()) return sink.status().error().message;
    ADD_FAILURE() << "there was no error";
    return "";
  }

  data::Batch ReadAll(const std::string& topic) {
    const Splits splits =
        Value(TryBatch({{"subscribe", topic}, {"includeHeaders", "true"}}));
    EXPECT_EQ(splits.size(), 1U);
    return Value(Value(splits.at(0)->Open())->Next({}));
  }

  std::stop_source stop_;
  std::unique_ptr<connector::SinkProvider> sinks_ = MakeKafkaSinkProvider();
};

TEST_F(KafkaSinkTest, WritesEveryColumnOfAMessage) {
  const std::string topic = cluster_.NewTopic(2);
  data::SchemaPtr all = KafkaSchema(true);
  const auto schema = Schema({{"key", data::StringType()},
                              {"value", data::BinaryType()},
                              {"topic", data::StringType()},
                              {"partition", data::IntType()},
                              {"headers", all->GetFieldByName("headers")->type()}});
  const std::string rows = fmt::format(
      R"([["k", "a value of some length", "{0}", 1, [["h", "x"], ["h", null], ["e", ""]]],
          [null, null, "{0}", 1, null], ["", "", "{0}", 1, []]])",
      topic);
  ASSERT_TRUE(WriteTo(schema, {}, rows).ok());
  const data::Batch batch = ReadAll(topic);
  ASSERT_NE(batch, nullptr);
  const auto expected = Value(data::BatchFromJson(
      Schema({{"key", data::BinaryType()},
              {"value", data::BinaryType()},
              {"partition", data::IntType()},
              {"offset", data::LongType()},
              {"headers", all->GetFieldByName("headers")->type()}}),
      R"([["k", "a value of some length", 1, 0, [["h", "x"], ["h", null], ["e", ""]]],
          [null, null, 1, 1, null], ["", "", 1, 2, null]])"));
  for (const std::string& name : expected->schema()->field_names()) {
    EXPECT_TRUE(batch->GetColumnByName(name)->Equals(expected->GetColumnByName(name)))
        << name << ": " << batch->GetColumnByName(name)->ToString();
  }
}

TEST_F(KafkaSinkTest, TheOptionWinsOverTheColumn) {
  const std::string topic = cluster_.NewTopic();
  const auto schema =
      Schema({{"topic", data::StringType()}, {"value", data::StringType()}});
  ASSERT_TRUE(
      WriteTo(schema, {{"topic", topic}}, R"([["elsewhere", "a"], [null, "b"]])").ok());
  EXPECT_THAT(Read(Value(TryBatch({{"subscribe", topic}}))), ElementsAre("a", "b"));
}

// murmur2 of the key, without its sign, modulo 8: Kafka's BuiltInPartitioner.
TEST_F(KafkaSinkTest, KeysGoToThePartitionsOfJavasProducer) {
  const std::string topic = cluster_.NewTopic(8);
  ASSERT_TRUE(WriteTo(KeyValue(), {{"topic", topic}},
                      R"([["user-1", "a"], ["user-2", "b"], ["user-3", "c"], ["", "d"]])")
                  .ok());
  std::map<std::string, std::string> where;
  for (const auto& split : Value(TryBatch({{"subscribe", topic}}))) {
    const data::Batch batch = Value(Value(split->Open())->Next({}));
    const auto& values =
        static_cast<const arrow::BinaryViewArray&>(*batch->GetColumnByName("value"));
    for (int64_t i = 0; i < values.length(); ++i) {
      where[std::string(values.GetView(i))] = split->partition().substr(topic.size() + 1);
    }
  }
  const std::map<std::string, std::string> expected = {
      {"a", "4"}, {"b", "0"}, {"c", "3"}, {"d", "1"}};
  EXPECT_EQ(where, expected);
}

TEST_F(KafkaSinkTest, WaitsWhereTheQueueIsFull) {
  const std::string topic = cluster_.NewTopic();
  std::string rows;
  for (int i = 0; i < 5000; ++i) {
    rows += fmt::format("{}[null, \"m{}\"]", i == 0 ? "[" : ",", i);
  }
  ASSERT_TRUE(WriteTo(KeyValue(),
                      {{"topic", topic}, {"kafka.queue.buffering.max.messages", "100"}},
                      rows + "]")
                  .ok());
  const Strings read = Read(Value(TryBatch({{"subscribe", topic}})));
  ASSERT_EQ(read.size(), 5000U);
  EXPECT_EQ(read.front(), "m0");
  EXPECT_EQ(read.back(), "m4999");
}

TEST_F(KafkaSinkTest, RefusesColumnsInSparksWords) {
  const auto of = [](std::string name, data::TypePtr type) {
    return Schema({{std::move(name), std::move(type)}, {"v", data::StringType()}});
  };
  const Changes topic = {{"topic", "t"}};
  EXPECT_EQ(
      ErrorOfSink(of("value", data::StringType()), {}),
      "topic option required when no 'topic' attribute is present. Use the topic option "
      "for setting a topic.");
  EXPECT_EQ(ErrorOfSink(of("x", data::StringType()), topic),
            "Required attribute 'value' not found");
  EXPECT_EQ(ErrorOfSink(of("value", data::IntType()), topic),
            "value attribute unsupported type int. value must be a(n) string or binary");
  EXPECT_EQ(ErrorOfSink(of("key", data::IntType()), topic),
            "key attribute unsupported type int. key must be a(n) string or binary");
  EXPECT_EQ(ErrorOfSink(of("topic", data::IntType()), {}),
            "topic attribute unsupported type int. topic must be a(n) string");
  const auto with_value = [](std::string name, data::TypePtr type) {
    return Schema({{std::move(name), std::move(type)}, {"value", data::StringType()}});
  };
  EXPECT_EQ(ErrorOfSink(with_value("partition", data::LongType()), topic),
            "partition attribute unsupported type bigint. partition must be a(n) int");
  EXPECT_EQ(ErrorOfSink(with_value("headers", data::ArrayOf(data::StringType())), topic),
            "headers attribute unsupported type array<string>. headers must be a(n) "
            "array<struct<key:string,value:binary>>");
}

TEST_F(KafkaSinkTest, RefusesOptionsInSparksWords) {
  EXPECT_EQ(ErrorOfSink(KeyValue(), {{"topic", "t"}, {"kafka.key.serializer", "x"}}),
            "Kafka option 'key.serializer' is not supported as keys are serialized with "
            "ByteArraySerializer.");
  EXPECT_EQ(
      ErrorOfSink(KeyValue(), {{"topic", "t"}, {"kafka.value.serializer", "x"}}),
      "Kafka option 'value.serializer' is not supported as value are serialized with "
      "ByteArraySerializer.");
  EXPECT_THAT(ErrorOfSink(KeyValue(), {{"topic", "t"}, {"kafka.transactional.id", "x"}}),
              StartsWith("Kafka option 'transactional.id' is not supported"));
  EXPECT_THAT(ErrorOfSink(KeyValue(), {{"topic", "t"}, {"topics", "x"}}),
              HasSubstr("topics"));
  EXPECT_THAT(ErrorOfSink(KeyValue(), {{"topic", "t"}, {"kafka.max.block.ms", "0"}}),
              HasSubstr("'kafka.max.block.ms' must be a positive number, found: 0"));
  const auto missing = sinks_->Make(Options(Changes{{"topic", "t"}}), KeyValue(), {});
  EXPECT_EQ(missing.status().error().error_class, "MISSING_KAFKA_OPTION");
  EXPECT_EQ(
      missing.status().error().message,
      "Kafka option bootstrap.servers is not set. Please make sure it is set and retry.");
  for (const SaveMode mode : {SaveMode::kOverwrite, SaveMode::kIgnore}) {
    const auto refused =
        sinks_->MakeBatch(MakeOptions({{"topic", "t"}}), KeyValue(), {}, mode);
    EXPECT_EQ(refused.status().error().error_class, "_LEGACY_ERROR_TEMP_3081");
  }
}

TEST_F(KafkaSinkTest, ANullTopicIsAnError) {
  const auto schema =
      Schema({{"topic", data::StringType()}, {"value", data::StringType()}});
  const Status status = WriteTo(schema, {}, R"([[null, "a"]])");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().error_class, "KAFKA_NULL_TOPIC_IN_DATA");
}

TEST_F(KafkaSinkTest, WhatCannotBeDelivered) {
  const std::string topic = cluster_.NewTopic();
  const auto message = [](const Status& status) {
    return status.ok() ? std::string("no error") : status.error().message;
  };
  const auto to_partition =
      Schema({{"partition", data::IntType()}, {"value", data::StringType()}});
  EXPECT_THAT(
      message(WriteTo(to_partition, {{"topic", topic}, {"kafka.max.block.ms", "100"}},
                      R"([[7, "a"]])")),
      StartsWith(
          "org.apache.kafka.common.errors.TimeoutException: Partition 7 of topic " +
          topic +
          " with partition count 1 is not present in metadata after 100 "
          "ms."));
  EXPECT_THAT(message(WriteTo(to_partition, {{"topic", topic}}, R"([[-1, "a"]])")),
              StartsWith("Invalid partition: -1."));
  EXPECT_THAT(
      message(WriteTo(KeyValue(), {{"topic", "not a name!"}}, R"([["k", "v"]])")),
      StartsWith("org.apache.kafka.common.errors.InvalidTopicException: Invalid topics: "
                 "[not a name!]"));
  EXPECT_THAT(
      message(WriteTo(KeyValue(),
                      {{"topic", "t"},
                       {"kafka.bootstrap.servers", "127.0.0.1:1"},
                       {"kafka.max.block.ms", "300"}},
                      R"([["k", "v"]])")),
      StartsWith(
          "org.apache.kafka.common.errors.TimeoutException: Topic t not present in "
          "metadata after 300 ms."));
  EXPECT_THAT(
      message(WriteTo(KeyValue(), {{"topic", topic}, {"kafka.max.request.size", "1000"}},
                      R"([["k", ")" + std::string(2000, 'x') + R"("]])")),
      StartsWith("org.apache.kafka.common.errors.RecordTooLargeException"));
}

TEST_F(KafkaSinkTest, ABrokerThatRefusesAMessageFailsTheBatch) {
  const std::string topic = cluster_.NewTopic() + "-small";
  cluster_.CreateTopic(topic, 1, {{"max.message.bytes", "500"}});
  const auto sink = Value(TrySink(KeyValue(), {{"topic", topic}}));
  const Status status =
      Write(*sink, KeyValue(), R"([["k", ")" + std::string(2000, 'x') + R"("]])");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message,
              StartsWith("org.apache.kafka.common.errors.RecordTooLargeException"));
  EXPECT_FALSE(Write(*sink, KeyValue(), R"([["k", "v"]])").ok());
}

TEST_F(KafkaSinkTest, AStoppedQueryDoesNotWaitForABroker) {
  MockCluster mock;
  mock.CreateTopic("t");
  const auto sink = Value(
      TrySink(KeyValue(), {{"topic", "t"}, {"kafka.bootstrap.servers", mock.servers()}}));
  ASSERT_TRUE(Write(*sink, KeyValue(), R"([["k", "v"]])").ok());
  mock.SetDown(true);
  auto writing = std::async(std::launch::async,
                            [&] { return Write(*sink, KeyValue(), R"([["k", "w"]])"); });
  EXPECT_EQ(writing.wait_for(std::chrono::milliseconds(200)),
            std::future_status::timeout);
  stop_.request_stop();
  ASSERT_EQ(writing.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(connector::IsCancelled(writing.get()));
}

}  // namespace
}  // namespace millrace::connectors::kafka
