// Writes messages to one Kafka topic, each exactly once, and counts those that arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace millrace::orders {

/// Threading: one thread.
/// Failure: exceptions (std::runtime_error) with a text for the user.
class TopicWriter {
 public:
  struct Options {
    std::string bootstrap_servers;
    std::string topic;
    /// More settings, by the names of Kafka's Java clients or librdkafka's.
    std::map<std::string, std::string> kafka = {};
    /// Partitions of the topic to create where it is missing; 0 is an error then.
    int create_partitions = 0;
    std::chrono::milliseconds timeout = std::chrono::seconds(10);
  };

  /// Finds a broker and the topic.
  explicit TopicWriter(const Options& options);
  /// Drops what was not delivered.
  ~TopicWriter();

  /// Takes a copy of the message; partitions take turns. False where there is no room
  /// just now: Poll, then try again.
  bool Write(std::string_view message);

  /// Takes in what the broker confirmed, waiting up to `wait` for it.
  void Poll(std::chrono::milliseconds wait);

  /// Waits until all is delivered or has failed, at most for `wait`. True if nothing is
  /// left.
  bool Flush(std::chrono::milliseconds wait);

  int64_t written() const { return written_; }
  int64_t delivered() const { return delivered_; }
  /// Why the last message failed that did; empty if none has.
  const std::string& last_error() const { return last_error_; }

 private:
  struct Kafka;  // librdkafka's objects

  /// Waits until a broker answers.
  void Connect(const Options& options);
  int FindPartitions(const Options& options);
  void CreateTopic(const Options& options);

  std::unique_ptr<Kafka> kafka_;
  int partitions_ = 0;
  int64_t written_ = 0;
  int64_t delivered_ = 0;
  std::string last_error_;
};

}  // namespace millrace::orders
