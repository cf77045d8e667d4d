#include "connectors/kafka/test_cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>

namespace millrace::connectors::kafka {
namespace {

constexpr int kTimeoutMs = 30'000;

rd_kafka_t* NewProducer(const std::map<std::string, std::string>& settings) {
  std::array<char, 512> reason{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(),
                                reason.size()),
              RD_KAFKA_CONF_OK)
        << reason.data();
  }
  rd_kafka_t* producer =
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
  EXPECT_NE(producer, nullptr) << reason.data();
  return producer;
}

// Left to itself the producer asks for new topics and partitions once a second.
void AwaitPartition(rd_kafka_t* producer, const std::string& topic, int partition) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  bool found = false;
  while (!found && std::chrono::steady_clock::now() < deadline) {
    const struct rd_kafka_metadata* metadata = nullptr;
    if (rd_kafka_metadata(producer, 0, handle, &metadata, kTimeoutMs) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      const rd_kafka_metadata_topic& answer = metadata->topics[0];
      found =
          answer.partition_cnt > partition && answer.partitions[partition].leader >= 0;
      rd_kafka_metadata_destroy(metadata);
    }
  }
  EXPECT_TRUE(found) << topic << "-" << partition << " did not come up";
  rd_kafka_topic_destroy(handle);
}

void ExpectOk(rd_kafka_error_t* error) {
  if (error == nullptr) return;
  ADD_FAILURE() << rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
}

}  // namespace

std::vector<TestMessage> Values(std::initializer_list<std::string> values) {
  std::vector<TestMessage> messages;
  for (const std::string& value : values) messages.push_back({.value = value});
  return messages;
}

std::vector<TestMessage> Numbered(const std::string& prefix, int count) {
  std::vector<TestMessage> messages;
  for (int i = 0; i < count; ++i)
    messages.push_back({.value = prefix + std::to_string(i)});
  return messages;
}

// One admin request: what it takes, and the error in what comes back.
class TestCluster::Admin {
 public:
  explicit Admin(rd_kafka_t* handle)
      : handle_(handle),
        options_(rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_ANY)),
        queue_(rd_kafka_queue_new(handle)) {
    std::array<char, 256> reason{};
    rd_kafka_AdminOptions_set_operation_timeout(options_, kTimeoutMs, reason.data(),
                                                reason.size());
  }
  ~Admin() {
    if (event_ != nullptr) rd_kafka_event_destroy(event_);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_AdminOptions_destroy(options_);
  }

  rd_kafka_t* handle() { return handle_; }
  rd_kafka_AdminOptions_t* options() { return options_; }
  rd_kafka_queue_t* queue() { return queue_; }

  rd_kafka_event_t* Wait() {
    event_ = rd_kafka_queue_poll(queue_, 2 * kTimeoutMs);
    EXPECT_NE(event_, nullptr) << "Kafka's admin API did not answer";
    EXPECT_EQ(rd_kafka_event_error(event_), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_event_error_string(event_);
    return event_;
  }

 private:
  rd_kafka_t* handle_;
  rd_kafka_AdminOptions_t* options_;
  rd_kafka_queue_t* queue_;
  rd_kafka_event_t* event_ = nullptr;
};

TestCluster::TestCluster() {
  const char* servers = std::getenv("MILLRACE_TEST_KAFKA");
  if (servers == nullptr || *servers == '\0') {
    ADD_FAILURE()
        << "MILLRACE_TEST_KAFKA must name a Kafka broker, host:port. `./dev test` "
           "starts one and sets it.";
    return;
  }
  servers_ = servers;
  producer_ = NewProducer({{"bootstrap.servers", servers_}, {"linger.ms", "0"}});
}

TestCluster::~TestCluster() {
  if (producer_ != nullptr) rd_kafka_destroy(producer_);
}

std::string TestCluster::NewTopic(int partitions, const std::string& hint) {
  static int count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string topic = fmt::format(
      "{}-{}-{}-{}", hint, getpid(),
      std::chrono::duration_cast<std::chrono::microseconds>(now).count(), ++count);
  CreateTopic(topic, partitions);
  return topic;
}

void TestCluster::CreateTopic(const std::string& topic, int partitions,
                              const std::map<std::string, std::string>& config) {
  // A topic that was just deleted may be in the way for a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    Admin admin(producer_);
    std::array<char, 256> reason{};
    rd_kafka_NewTopic_t* wanted =
        rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, reason.data(), reason.size());
    ASSERT_NE(wanted, nullptr) << reason.data();
    for (const auto& [name, value] : config) {
      rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
    }
    rd_kafka_CreateTopics(admin.handle(), &wanted, 1, admin.options(), admin.queue());
    size_t count = 0;
    rd_kafka_event_t* event = admin.Wait();
    const rd_kafka_topic_result_t** results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event), &count);
    ASSERT_EQ(count, 1U);
    error = rd_kafka_topic_result_error(results[0]);
    rd_kafka_NewTopic_destroy(wanted);
  } while (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS &&
           std::chrono::steady_clock::now() < deadline);
  ASSERT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(error);
  // The controller has made it; the broker that answers clients hears of it later, and
  // may still know one of the same name that was deleted: the new one is empty.
  while (!IsEmpty(topic, partitions)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << topic;
  }
}

bool TestCluster::IsEmpty(const std::string& topic, int partitions) {
  constexpr int kTimeoutMs = 1000;
  const struct rd_kafka_metadata* metadata = nullptr;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(producer_, topic.c_str(), nullptr);
  const bool answered = rd_kafka_metadata(producer_, 0, handle, &metadata, kTimeoutMs) ==
                        RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_topic_destroy(handle);
  if (!answered) return false;
  const int known = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  for (int partition = 0; partition < partitions; ++partition) {
    int64_t low = -1;
    int64_t high = -1;
    if (known != partitions ||
        rd_kafka_query_watermark_offsets(producer_, topic.c_str(), partition, &low, &high,
                                         kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high != 0) {
      return false;
    }
  }
  return true;
}

void TestCluster::DeleteTopic(const std::string& topic) {
  Admin admin(producer_);
  rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(admin.handle(), &wanted, 1, admin.options(), admin.queue());
  size_t count = 0;
  rd_kafka_event_t* event = admin.Wait();
  const rd_kafka_topic_result_t** results = rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(event), &count);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(rd_kafka_topic_result_error(results[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_DeleteTopic_destroy(wanted);
}

void TestCluster::AddPartitions(const std::string& topic, int total) {
  Admin admin(producer_);
  std::array<char, 256> reason{};
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<size_t>(total), reason.data(), reason.size());
  ASSERT_NE(wanted, nullptr) << reason.data();
  rd_kafka_CreatePartitions(admin.handle(), &wanted, 1, admin.options(), admin.queue());
  size_t count = 0;
  rd_kafka_event_t* event = admin.Wait();
  const rd_kafka_topic_result_t** results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event), &count);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(rd_kafka_topic_result_error(results[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_NewPartitions_destroy(wanted);
}

void TestCluster::DeleteRecords(const std::string& topic, int partition, int64_t offset) {
  Admin admin(producer_);
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_DeleteRecords(admin.handle(), &wanted, 1, admin.options(), admin.queue());
  rd_kafka_event_t* event = admin.Wait();
  const rd_kafka_topic_partition_list_t* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
  ASSERT_EQ(results->cnt, 1);
  EXPECT_EQ(results->elems[0].err, RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_DeleteRecords_destroy(wanted);
  rd_kafka_topic_partition_list_destroy(offsets);
}

void TestCluster::Send(rd_kafka_t* producer, const std::string& topic, int partition,
                       const std::vector<TestMessage>& messages) {
  AwaitPartition(producer, topic, partition);
  for (const TestMessage& message : messages) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
    for (const auto& [name, value] : message.headers) {
      rd_kafka_header_add(headers, name.c_str(), -1, value ? value->data() : nullptr,
                          value ? static_cast<ssize_t>(value->size()) : 0);
    }
    const auto data = [](const std::optional<std::string>& text) {
      return text ? const_cast<char*>(text->data()) : nullptr;
    };
    const auto size = [](const std::optional<std::string>& text) {
      return text ? text->size() : size_t{0};
    };
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
        RD_KAFKA_V_VALUE(data(message.value), size(message.value)),
        RD_KAFKA_V_KEY(data(message.key), size(message.key)),
        RD_KAFKA_V_TIMESTAMP(message.timestamp_ms), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    ASSERT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(error);
  }
  ASSERT_EQ(rd_kafka_flush(producer, kTimeoutMs), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestCluster::Produce(const std::string& topic, int partition,
                          const std::vector<TestMessage>& messages) {
  Send(producer_, topic, partition, messages);
}

void TestCluster::ProduceWith(std::map<std::string, std::string> settings,
                              const std::string& topic, int partition,
                              const std::vector<TestMessage>& messages) {
  settings["bootstrap.servers"] = servers_;
  rd_kafka_t* producer = NewProducer(settings);
  Send(producer, topic, partition, messages);
  rd_kafka_destroy(producer);
}

namespace {

// A producer in the middle of a transaction.
rd_kafka_t* BeginTransaction(const std::string& servers, const std::string& topic) {
  static int count = 0;
  rd_kafka_t* producer = NewProducer(
      {{"bootstrap.servers", servers},
       {"transactional.id", fmt::format("{}-{}-{}", topic, getpid(), ++count)}});
  ExpectOk(rd_kafka_init_transactions(producer, kTimeoutMs));
  ExpectOk(rd_kafka_begin_transaction(producer));
  return producer;
}

// Where readers of committed messages stop, which is where the oldest open transaction
// begins or, without one, behind the last marker.
int64_t StableEnd(rd_kafka_t* handle, const std::string& topic, int partition) {
  int64_t begin = 0;
  int64_t end = -1;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
      handle, topic.c_str(), partition, &begin, &end, kTimeoutMs);
  EXPECT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(error);
  return end;
}

}  // namespace

void TestCluster::ProduceTransaction(const std::string& topic, int partition,
                                     const std::vector<TestMessage>& messages,
                                     Outcome outcome, bool wait) {
  rd_kafka_t* producer = BeginTransaction(servers_, topic);
  AwaitPartition(producer, topic, partition);
  const int64_t begin = StableEnd(producer_, topic, partition);
  Send(producer, topic, partition, messages);
  ExpectOk(outcome == Outcome::kCommit
               ? rd_kafka_commit_transaction(producer, kTimeoutMs)
               : rd_kafka_abort_transaction(producer, kTimeoutMs));
  rd_kafka_destroy(producer);
  // The broker answers before it has written the marker.
  if (wait) {
    AwaitStable(topic, partition, begin + static_cast<int64_t>(messages.size()) + 1);
  }
}

void TestCluster::AwaitStable(const std::string& topic, int partition, int64_t end) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int64_t reached = -1;
  while (reached < end && std::chrono::steady_clock::now() < deadline) {
    reached = StableEnd(producer_, topic, partition);
  }
  EXPECT_EQ(reached, end) << "the marker of a transaction did not come";
}

TestCluster::OpenTransaction::OpenTransaction(const TestCluster& cluster,
                                              const std::string& topic, int partition,
                                              const std::vector<TestMessage>& messages)
    : producer_(BeginTransaction(cluster.servers(), topic)) {
  Send(producer_, topic, partition, messages);
}

TestCluster::OpenTransaction::~OpenTransaction() {
  ExpectOk(rd_kafka_commit_transaction(producer_, kTimeoutMs));
  rd_kafka_destroy(producer_);
}

MockCluster::MockCluster(int brokers)
    : producer_(NewProducer(
          {{"test.mock.num.brokers", std::to_string(brokers)}, {"linger.ms", "0"}})),
      cluster_(rd_kafka_handle_mock_cluster(producer_)) {}

MockCluster::~MockCluster() { rd_kafka_destroy(producer_); }

std::string MockCluster::servers() const {
  return rd_kafka_mock_cluster_bootstraps(cluster_);
}

void MockCluster::CreateTopic(const std::string& topic) {
  EXPECT_EQ(rd_kafka_mock_topic_create(cluster_, topic.c_str(), 1, 1),
            RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::Produce(const std::string& topic,
                          const std::vector<TestMessage>& messages) {
  TestCluster::Send(producer_, topic, 0, messages);
}

void MockCluster::RefuseOffsets(int questions) {
  constexpr int16_t kListOffsets = 2;  // Kafka's number of the request
  const std::vector<rd_kafka_resp_err_t> errors(static_cast<size_t>(questions),
                                                RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  rd_kafka_mock_push_request_errors_array(cluster_, kListOffsets, errors.size(),
                                          errors.data());
}

void MockCluster::SetLeader(const std::string& topic, int broker) {
  EXPECT_EQ(rd_kafka_mock_partition_set_leader(cluster_, topic.c_str(), 0, broker),
            RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::SetDown(bool down) {
  EXPECT_EQ(down ? rd_kafka_mock_broker_set_down(cluster_, 1)
                 : rd_kafka_mock_broker_set_up(cluster_, 1),
            RD_KAFKA_RESP_ERR_NO_ERROR);
}

}  // namespace millrace::connectors::kafka
