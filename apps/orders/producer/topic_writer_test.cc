#include "topic_writer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace millrace::orders {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string NewTopicName() {
  static int count = 0;
  return fmt::format("orders-{}-{}-{}", getpid(),
                     std::chrono::system_clock::now().time_since_epoch().count(),
                     ++count);
}

class TopicWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* servers = std::getenv("MILLRACE_TEST_KAFKA");
    if (servers == nullptr) {
      GTEST_FAIL()
          << "MILLRACE_TEST_KAFKA must name a Kafka broker, host:port. `./dev test` "
             "starts one and sets it.";
    }
    options_.bootstrap_servers = servers;
    options_.topic = NewTopicName();
  }

  // How many messages lie in a partition of the topic.
  int64_t Messages(int partition) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", options_.bootstrap_servers.c_str(),
                      nullptr, 0);
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
    int64_t low = 0;
    int64_t high = -1;
    EXPECT_EQ(rd_kafka_query_watermark_offsets(consumer, options_.topic.c_str(),
                                               partition, &low, &high, 30'000),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(consumer);
    return high - low;
  }

  TopicWriter::Options options_;
};

TEST_F(TopicWriterTest, WritesToAllPartitionsInTurn) {
  options_.create_partitions = 3;
  TopicWriter writer(options_);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(writer.Write("an order"));
  EXPECT_TRUE(writer.Flush(milliseconds(30'000)));
  EXPECT_EQ(writer.written(), 10);
  EXPECT_EQ(writer.delivered(), 10);
  EXPECT_EQ(Messages(0), 4);
  EXPECT_EQ(Messages(1), 3);
  EXPECT_EQ(Messages(2), 3);
}

TEST_F(TopicWriterTest, UsesATopicThatIsThere) {
  options_.create_partitions = 2;
  TopicWriter first(options_);
  options_.create_partitions = 0;
  TopicWriter second(options_);
  EXPECT_TRUE(second.Write("an order"));
  EXPECT_TRUE(second.Flush(milliseconds(30'000)));
  EXPECT_EQ(Messages(0), 1);
}

TEST_F(TopicWriterTest, AMissingTopicIsNamed) {
  EXPECT_THAT([&] { TopicWriter writer(options_); },
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("Topic '" + options_.topic + "' does not exist")));
}

TEST_F(TopicWriterTest, AMissingBrokerIsNamed) {
  options_.bootstrap_servers = "127.0.0.1:1";
  options_.timeout = milliseconds(100);
  EXPECT_THAT(
      [&] { TopicWriter writer(options_); },
      ThrowsMessage<std::runtime_error>(HasSubstr("No Kafka broker at '127.0.0.1:1'")));
}

}  // namespace
}  // namespace millrace::orders
