// The command line of orders_producer.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

namespace millrace::orders {

struct Arguments {
  std::string bootstrap_servers = "127.0.0.1:9092";
  std::string topic = "orders";
  /// More settings for Kafka, by the names of its Java clients. May hold passwords.
  std::map<std::string, std::string> kafka;
  bool create_topic = false;
  int partitions = 1;  // of a topic that is created
  double rate = 10;    // orders a second; 0 is as fast as it goes
  int64_t count = 0;   // 0 is without end
  int64_t users = 5;
  uint64_t seed = 0;       // 0 draws one
  double late = 0;         // part of the orders, 0 to 1
  double malformed = 0;    // part of the orders, 0 to 1
  bool late_data = false;  // --scenario late-data
  /// Event times begin here and go on by `step_micros`, instead of following the clock.
  std::optional<int64_t> start_micros;
  int64_t step_micros = 1000;
};

/// Nothing, and the exit code of the process, where there is nothing to do: 0 after
/// --help, 2 where the command line is wrong. What there is to say goes to `out` and
/// `err`.
std::optional<Arguments> ParseArguments(int argc, const char* const* argv,
                                        std::ostream& out, std::ostream& err,
                                        int* exit_code);

/// Microseconds of "2026-02-01T12:34:56", fractions and a final Z allowed, in UTC.
std::optional<int64_t> ParseTime(const std::string& text);

}  // namespace millrace::orders
