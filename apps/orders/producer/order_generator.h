// Makes orders as JSON texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "arguments.h"

namespace millrace::orders {

/// {"user_id": "u3", "amount": 123.45, "timestamp": "2026-02-01T12:34:56.123456"}
/// Threading: one thread.
class OrderGenerator {
 public:
  explicit OrderGenerator(const Arguments& arguments);

  /// The next order, at `now_micros` unless event times are given. Valid until the next
  /// call.
  std::string_view Next(int64_t now_micros);

  /// An order of that user, amount in cents and time.
  std::string_view Make(int64_t user, int64_t cents, int64_t event_micros);

 private:
  uint64_t Random();
  /// True in that part of the calls.
  bool Chance(double part);
  void AppendNumber(int64_t value);
  void AppendDigits(int64_t value, int digits);

  const Arguments arguments_;
  uint64_t state_;
  int64_t made_ = 0;
  int64_t second_ = -1;      // of second_text_
  std::string second_text_;  // "2026-02-01T12:34:56"
  std::string text_;
};

}  // namespace millrace::orders
