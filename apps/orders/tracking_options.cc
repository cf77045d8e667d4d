#include "tracking_options.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>

#include <pthread.h>

#include "kafka_properties.h"
#include "not_empty.h"

namespace orders {

using millrace::Result;
using millrace::Status;
using millrace::StreamingQuery;
using millrace::Trigger;

namespace {

// The signals that end the program. They are blocked in all threads (queries start theirs
// after this), and taken by sigtimedwait below.
sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// True where a signal came within `timeout`.
bool AwaitSignal(std::chrono::milliseconds timeout) {
  const sigset_t signals = EndSignals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timespec wait{};
  wait.tv_sec = seconds.count();
  wait.tv_nsec = std::chrono::nanoseconds(timeout - seconds).count();
  return sigtimedwait(&signals, nullptr, &wait) > 0;
}

// How many queries still run; the failure of one that failed.
Result<int> CountActive(const std::vector<StreamingQuery>& queries) {
  int active = 0;
  for (const StreamingQuery& query : queries) {
    MILLRACE_ASSIGN_OR_RETURN(const bool ended,
                              query.AwaitTermination(std::chrono::milliseconds(0)));
    if (!ended) ++active;
  }
  return active;
}

}  // namespace

Trigger TrackingOptions::console_trigger() const {
  if (available_now) return Trigger::AvailableNow();
  return Trigger::ProcessingTime(trigger.empty() ? "0 seconds" : trigger);
}

Trigger TrackingOptions::lake_trigger() const {
  if (available_now) return Trigger::AvailableNow();
  return Trigger::ProcessingTime(trigger.empty() ? "10 seconds" : trigger);
}

Status RunUntilSignal(const std::vector<StreamingQuery>& queries) {
  Status failure;
  while (true) {
    const Result<int> active = CountActive(queries);
    if (!active.ok()) {
      failure = active.status();
      break;
    }
    if (*active == 0 || AwaitSignal(std::chrono::milliseconds(100))) break;
  }
  for (const StreamingQuery& query : queries) {
    const Status stopped = query.Stop();
    if (failure.ok()) failure = stopped;
  }
  // A query may have failed in its last batch.
  const Result<int> rest = CountActive(queries);
  return failure.ok() ? rest.status() : failure;
}

int RunProgram(int argc, char** argv,
               const std::function<Status(const TrackingOptions&)>& job) {
  TrackingOptions options;
  KafkaProperties kafka;
  CLI::App program(
      "Follows e-commerce orders: revenue per minute, and a lake of all orders.");
  program.add_option("--bootstrap-servers", options.bootstrap_servers, "Kafka brokers.")
      ->check(NotEmpty)
      ->capture_default_str();
  AddCommandConfig(program, &kafka);
  program.add_option("--topic", options.topic, "Topic with the orders.")
      ->check(NotEmpty)
      ->capture_default_str();
  program.add_option("--checkpoint", options.checkpoint, "Folder of the checkpoints.")
      ->check(NotEmpty)
      ->capture_default_str();
  program.add_option("--output", options.output, "Folder of the Parquet lake.")
      ->check(NotEmpty)
      ->capture_default_str();
  CLI::Option* trigger = program.add_option(
      "--trigger", options.trigger,
      "How often both queries run, e.g. '5 seconds'. Default: the console as "
      "fast as possible, the lake every 10 seconds.");
  trigger->check(NotEmpty);
  program
      .add_flag("--available-now", options.available_now,
                "Process what is there now, then end.")
      ->excludes(trigger);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& [name, value] : kafka) options.kafka["kafka." + name] = value;
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Status status = job(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "ecommerce_tracking: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace orders
