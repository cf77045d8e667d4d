// For tests only: the Kafka broker that tests run against, and what they do to it.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::connectors::kafka {

struct TestMessage {
  std::optional<std::string> value = std::nullopt;
  std::optional<std::string> key = std::nullopt;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  int64_t timestamp_ms = 0;  // 0: now
};

/// Messages with these values and nothing else.
std::vector<TestMessage> Values(std::initializer_list<std::string> values);
/// "<prefix>0" to "<prefix>(count-1)".
std::vector<TestMessage> Numbered(const std::string& prefix, int count);

/// The broker named by MILLRACE_TEST_KAFKA. Every method fails the test where something
/// is wrong. Threading: one thread.
class TestCluster {
 public:
  TestCluster();
  ~TestCluster();

  /// host:port; empty (and the test has failed) where the variable is not set.
  const std::string& servers() const { return servers_; }

  /// A new topic of a name nobody used before. Both return when its partitions answer.
  std::string NewTopic(int partitions = 1, const std::string& hint = "t");
  void CreateTopic(const std::string& topic, int partitions,
                   const std::map<std::string, std::string>& config = {});
  void DeleteTopic(const std::string& topic);
  void AddPartitions(const std::string& topic, int total);
  /// Removes all messages before `offset`.
  void DeleteRecords(const std::string& topic, int partition, int64_t offset);

  /// Returns when the broker has all of them.
  void Produce(const std::string& topic, int partition,
               const std::vector<TestMessage>& messages);
  /// The same by a producer with these settings of librdkafka.
  void ProduceWith(std::map<std::string, std::string> settings, const std::string& topic,
                   int partition, const std::vector<TestMessage>& messages);
  enum class Outcome { kCommit, kAbort };
  /// The same in one transaction; returns when its marker is behind its messages, or
  /// without `wait`, which another open transaction would make last, soon before.
  void ProduceTransaction(const std::string& topic, int partition,
                          const std::vector<TestMessage>& messages, Outcome outcome,
                          bool wait = true);
  /// Waits until readers of committed messages get as far as `end`.
  void AwaitStable(const std::string& topic, int partition, int64_t end);

  /// A transaction with these messages, delivered and not yet committed; its end commits
  /// it.
  class OpenTransaction {
   public:
    OpenTransaction(const TestCluster& cluster, const std::string& topic, int partition,
                    const std::vector<TestMessage>& messages);
    ~OpenTransaction();

   private:
    rd_kafka_t* producer_;
  };

 private:
  class Admin;
  friend class MockCluster;

  /// Whether the broker knows the topic with these partitions and no message.
  bool IsEmpty(const std::string& topic, int partitions);
  static void Send(rd_kafka_t* producer, const std::string& topic, int partition,
                   const std::vector<TestMessage>& messages);

  std::string servers_;
  rd_kafka_t* producer_ = nullptr;
};

/// librdkafka's pretended brokers, which can be shut down and come back.
class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();

  std::string servers() const;
  void CreateTopic(const std::string& topic);
  void Produce(const std::string& topic, const std::vector<TestMessage>& messages);
  /// All but the first of several brokers stay as they are.
  void SetDown(bool down);
  /// Moves partition 0 to another broker; they count from 1.
  void SetLeader(const std::string& topic, int broker);
  /// Makes the next questions for offsets fail, as while a leader is elected.
  void RefuseOffsets(int questions);

 private:
  rd_kafka_t* producer_;
  rd_kafka_mock_cluster_t* cluster_;
};

}  // namespace millrace::connectors::kafka
