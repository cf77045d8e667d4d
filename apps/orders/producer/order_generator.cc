#include "order_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

namespace millrace::orders {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kLeastLate = 3 * 60 * kMicros;
constexpr int64_t kMostLate = 10 * 60 * kMicros;
constexpr int64_t kLeastCents = 10'00;
constexpr int64_t kMostCents = 500'00;

uint64_t SeedOf(uint64_t seed) {
  if (seed != 0) return seed;
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

OrderGenerator::OrderGenerator(const Arguments& arguments)
    : arguments_(arguments), state_(SeedOf(arguments.seed)) {}

// SplitMix64: the same numbers on every machine, unlike the standard distributions.
uint64_t OrderGenerator::Random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

bool OrderGenerator::Chance(double part) {
  return part > 0 && std::ldexp(static_cast<double>(Random() >> 11), -53) < part;
}

void OrderGenerator::AppendNumber(int64_t value) {
  const fmt::format_int digits(value);
  text_.append(digits.data(), digits.size());
}

void OrderGenerator::AppendDigits(int64_t value, int digits) {
  const size_t end = text_.size() + static_cast<size_t>(digits);
  text_.resize(end);
  for (size_t i = end; i-- > end - static_cast<size_t>(digits); value /= 10) {
    text_[i] = static_cast<char>('0' + value % 10);
  }
}

std::string_view OrderGenerator::Make(int64_t user, int64_t cents, int64_t event_micros) {
  const int64_t second =
      std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(event_micros))
          .count();
  if (second != second_) {
    const std::chrono::sys_seconds time{std::chrono::seconds(second)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    second_text_ =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int{date.year()},
                    unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                    clock.minutes().count(), clock.seconds().count());
    second_ = second;
  }
  text_ = R"({"user_id": "u)";
  AppendNumber(user);
  text_ += R"(", "amount": )";
  AppendNumber(cents / 100);
  text_ += '.';
  AppendDigits(cents % 100, 2);
  text_ += R"(, "timestamp": ")";
  text_ += second_text_;
  text_ += '.';
  AppendDigits(event_micros - second * kMicros, 6);
  text_ += R"("})";
  return text_;
}

std::string_view OrderGenerator::Next(int64_t now_micros) {
  int64_t time = now_micros;
  if (arguments_.start_micros) {
    time = *arguments_.start_micros + made_ * arguments_.step_micros;
  }
  ++made_;
  const auto user =
      static_cast<int64_t>(Random() % static_cast<uint64_t>(arguments_.users)) + 1;
  const auto cents =
      kLeastCents + static_cast<int64_t>(Random() % (kMostCents - kLeastCents + 1));
  if (Chance(arguments_.late)) {
    time -= kLeastLate + static_cast<int64_t>(Random() % (kMostLate - kLeastLate + 1));
  }
  const std::string_view order = Make(user, cents, time);
  if (!Chance(arguments_.malformed)) return order;
  return order.substr(0, 1 + Random() % (order.size() - 1));
}

}  // namespace millrace::orders
