// orders_producer: writes e-commerce orders to a Kafka topic, for the demo, tests and
// benchmarks. Exit code: 0 when all was delivered, 1 when something was not, 2 for a
// wrong command line.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>

#include "arguments.h"
#include "order_generator.h"
#include "topic_writer.h"

namespace millrace::orders {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::atomic<int> stop_signals = 0;

// The first signal ends the writing, the second one the waiting for the broker too.
void OnSignal(int) { stop_signals.fetch_add(1, std::memory_order_relaxed); }

int Stops() { return stop_signals.load(std::memory_order_relaxed); }

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// How fast it goes, on stderr: in place on a terminal, else a line now and then.
class RateLine {
 public:
  ~RateLine() {
    if (shown_ && terminal_) fmt::print(stderr, "\n");
  }

  void Update(int64_t delivered, bool now = false) {
    const Clock::time_point time = Clock::now();
    const std::chrono::duration<double> passed = time - last_time_;
    if (!now && passed < (terminal_ ? milliseconds(500) : milliseconds(5000))) return;
    const double rate =
        static_cast<double>(delivered - last_delivered_) / std::max(passed.count(), 1e-6);
    fmt::print(stderr, "{}{} orders delivered, {:.0f} a second{}",
               terminal_ ? "\r\x1b[K" : "", delivered, rate, terminal_ ? "" : "\n");
    std::fflush(stderr);
    shown_ = true;
    last_time_ = time;
    last_delivered_ = delivered;
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  Clock::time_point last_time_ = Clock::now();
  int64_t last_delivered_ = 0;
};

// Writes, making room where there is none. False when it was told to stop.
bool Write(TopicWriter& writer, std::string_view order) {
  while (!writer.Write(order)) {
    if (Stops() > 0) return false;
    writer.Poll(milliseconds(10));
  }
  return true;
}

void WriteLateData(TopicWriter& writer, OrderGenerator& generator, int64_t now) {
  constexpr int64_t kMinute = 60'000'000;
  for (const int64_t late : {0 * kMinute, 1 * kMinute, 5 * kMinute}) {
    Write(writer, generator.Make(1, 100'00, now - late));
  }
}

void WriteOrders(TopicWriter& writer, OrderGenerator& generator,
                 const Arguments& arguments, RateLine& line) {
  // How many orders go out before looking at the time again.
  constexpr int64_t kAtOnce = 1000;
  const Clock::time_point start = Clock::now();
  while (Stops() == 0) {
    const int64_t written = writer.written();
    int64_t due = written + kAtOnce;
    if (arguments.rate > 0) {
      const std::chrono::duration<double> passed = Clock::now() - start;
      due = std::min(due, static_cast<int64_t>(passed.count() * arguments.rate) + 1);
    }
    if (arguments.count > 0) {
      if (written >= arguments.count) return;
      due = std::min(due, arguments.count);
    }
    const int64_t now = NowMicros();
    for (int64_t i = written; i < due; ++i) {
      if (!Write(writer, generator.Next(now))) return;
    }
    milliseconds wait(0);
    if (due == written) {
      const double next = static_cast<double>(written) / arguments.rate;
      const std::chrono::duration<double> passed = Clock::now() - start;
      wait = milliseconds(std::clamp(static_cast<int64_t>((next - passed.count()) * 1000),
                                     int64_t{1}, int64_t{100}));
    }
    writer.Poll(wait);
    line.Update(writer.delivered());
  }
}

int Run(const Arguments& arguments) {
  TopicWriter writer(
      {.bootstrap_servers = arguments.bootstrap_servers,
       .topic = arguments.topic,
       .kafka = arguments.kafka,
       .create_partitions = arguments.create_topic ? arguments.partitions : 0});
  OrderGenerator generator(arguments);
  {
    RateLine line;
    if (arguments.late_data) {
      WriteLateData(writer, generator, arguments.start_micros.value_or(NowMicros()));
    } else {
      WriteOrders(writer, generator, arguments, line);
    }
    constexpr milliseconds kPatience(30'000);
    const Clock::time_point deadline = Clock::now() + kPatience;
    while (!writer.Flush(milliseconds(200)) && Clock::now() < deadline && Stops() < 2) {
      line.Update(writer.delivered());
    }
  }
  const int64_t missing = writer.written() - writer.delivered();
  fmt::print("delivered {} orders to topic {}\n", writer.delivered(), arguments.topic);
  if (missing == 0) return 0;
  fmt::print(stderr, "{} orders were not delivered: {}\n", missing,
             writer.last_error().empty() ? "stopped" : writer.last_error());
  return 1;
}

int Main(int argc, const char* const* argv) {
  int exit_code = 0;
  const auto arguments = ParseArguments(argc, argv, std::cout, std::cerr, &exit_code);
  if (!arguments) return exit_code;
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  try {
    return Run(*arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace millrace::orders

int main(int argc, char** argv) { return millrace::orders::Main(argc, argv); }
