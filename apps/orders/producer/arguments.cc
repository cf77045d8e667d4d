#include "arguments.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <ostream>

#include "../kafka_properties.h"
#include "../not_empty.h"

namespace millrace::orders {
namespace {

// CLI::Range lets "nan" pass, and numbers too large for their type.
template <class T>
CLI::Validator Number(T least, T most) {
  return CLI::Validator(
      [=](const std::string& text) {
        T value = 0;
        const bool number = CLI::detail::lexical_cast(text, value);
        if (number && value >= least && value <= most) return std::string();
        return fmt::format("must be a number from {} to {}, found: {}", least, most,
                           text);
      },
      "NUMBER");
}

}  // namespace

std::optional<int64_t> ParseTime(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d%n", &year, &month, &day, &hour,
                  &minute, &second, &used) != 6) {
    return std::nullopt;
  }
  int64_t micros = 0;
  size_t at = static_cast<size_t>(used);
  if (at < text.size() && text[at] == '.') {
    int64_t unit = 100'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      micros += unit * (text[at] - '0');
      unit /= 10;
    }
  }
  if (at < text.size() && text[at] == 'Z') ++at;
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 59 ||
      hour < 0 || minute < 0 || second < 0) {
    return std::nullopt;
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000 + micros;
}

std::optional<Arguments> ParseArguments(int argc, const char* const* argv,
                                        std::ostream& out, std::ostream& err,
                                        int* exit_code) {
  Arguments result;
  std::string scenario;
  std::string start;
  constexpr int64_t kMost = int64_t{1} << 60;

  CLI::App app("Writes e-commerce orders as JSON to a Kafka topic.", "orders_producer");
  app.option_defaults()->always_capture_default();
  app.add_option("--bootstrap-servers", result.bootstrap_servers,
                 "The brokers, host:port,…")
      ->check(::orders::NotEmpty);
  ::orders::AddCommandConfig(app, &result.kafka);
  app.add_option("--topic", result.topic, "The topic to write to")
      ->check(::orders::NotEmpty);
  app.add_flag("--create-topic", result.create_topic,
               "Create the topic if it is missing");
  app.add_option("--partitions", result.partitions,
                 "Partitions of a topic that is created")
      ->check(Number(1, 10'000));
  app.add_option("--rate", result.rate, "Orders a second; 0 is as fast as it goes")
      ->check(Number(0.0, 1e9));
  app.add_option("--count", result.count, "How many orders; 0 is without end")
      ->check(Number(int64_t{0}, kMost));
  app.add_option("--users", result.users, "How many users order: u1 to uN")
      ->check(Number(int64_t{1}, int64_t{1'000'000'000}));
  app.add_option("--seed", result.seed,
                 "Makes the orders the same each time; 0 draws a seed")
      ->check(Number(int64_t{0}, kMost));
  app.add_option("--late", result.late,
                 "Part of the orders that are 3 to 10 minutes late")
      ->check(Number(0.0, 1.0));
  app.add_option("--malformed", result.malformed,
                 "Part of the orders with JSON cut short")
      ->check(Number(0.0, 1.0));
  app.add_option("--scenario", scenario,
                 "late-data: one order on time, one a minute late, one five minutes late")
      ->check(CLI::IsMember({"late-data"}));
  CLI::Option* start_option =
      app.add_option("--start-time", start,
                     "Event time of the first order, 2026-02-01T12:00:00 (UTC); the next "
                     "ones follow --step-micros apart")
          ->check([](const std::string& text) {
            return ParseTime(text)
                       ? std::string()
                       : "must be a UTC time as 2026-02-01T12:00:00, found: " + text;
          });
  app.add_option("--step-micros", result.step_micros,
                 "Microseconds from one order's event time to the next one's")
      ->check(Number(int64_t{0}, int64_t{86'400'000'000}))
      ->needs(start_option);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error, out, err) == 0 ? 0 : 2;
    return std::nullopt;
  }
  result.late_data = !scenario.empty();
  if (!start.empty()) result.start_micros = ParseTime(start);
  return result;
}

}  // namespace millrace::orders
