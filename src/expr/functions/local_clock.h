// Local time of many instants in one zone, without asking the zone for each of them.
#pragma once

#include <cstdint>

#include "data/time_text.h"

namespace millrace::expr {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

inline int64_t FloorDiv(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient * b > a ? quotient - 1 : quotient;
}
inline int64_t FloorMod(int64_t a, int64_t b) { return a - FloorDiv(a, b) * b; }

/// Remembers the offset of the quarter of an hour it looked at last. One per evaluation.
class LocalClock {
 public:
  explicit LocalClock(const data::TimeZone& zone) : zone_(zone) {}

  int64_t Offset(int64_t utc_micros) {
    if (utc_micros >= begin_ && utc_micros < end_) return offset_;
    return Look(utc_micros);
  }
  int64_t ToLocal(int64_t utc_micros) { return utc_micros + Offset(utc_micros); }
  int64_t LocalDays(int64_t utc_micros) {
    return FloorDiv(ToLocal(utc_micros), kMicrosPerDay);
  }

  const data::TimeZone& zone() const { return zone_; }

 private:
  int64_t Look(int64_t utc_micros) {
    constexpr int64_t kStep = 15 * kMicrosPerMinute;
    const int64_t offset = OffsetOf(utc_micros);
    const int64_t begin = FloorDiv(utc_micros, kStep) * kStep;
    // Where the offset changes inside, the quarter is not remembered.
    if (OffsetOf(begin) == offset && OffsetOf(begin + kStep - 1) == offset) {
      begin_ = begin;
      end_ = begin + kStep;
      offset_ = offset;
    }
    return offset;
  }
  int64_t OffsetOf(int64_t utc_micros) const {
    return zone_.OffsetSeconds(utc_micros) * kMicrosPerSecond;
  }

  const data::TimeZone& zone_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t offset_ = 0;
};

}  // namespace millrace::expr
