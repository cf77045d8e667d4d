#include "data/time_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "data/zone_offset.h"

namespace millrace::data {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What Spark's trimming takes away: blanks and control characters.
bool IsTrimmed(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsTrimmed(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsTrimmed(text.back())) text.remove_suffix(1);
  return text;
}

bool IsLeapYear(int64_t year) {
  return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysInMonth(int64_t year, int month) {
  constexpr std::array<int8_t, 13> kDays = {0,  31, 28, 31, 30, 31, 30,
                                            31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month];
}

bool IsDate(int64_t year, int month, int day) {
  return month >= 1 && month <= 12 && day >= 1 && day <= DaysInMonth(year, month);
}

bool IsTime(int hour, int minute, int second) {
  return hour < 24 && minute < 60 && second < 60;
}

// Nothing where the time is out of the range of 64-bit microseconds.
std::optional<int64_t> LocalMicros(int64_t days, int hour, int minute, int second,
                                   int micros) {
  const int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second;
  int64_t local = 0;
  // The smallest value is only reached from above: seconds * 10^6 alone would overflow.
  if (seconds < 0) {
    if (__builtin_mul_overflow(seconds + 1, kMicrosPerSecond, &local) ||
        __builtin_add_overflow(local, micros - kMicrosPerSecond, &local)) {
      return std::nullopt;
    }
    return local;
  }
  if (__builtin_mul_overflow(seconds, kMicrosPerSecond, &local) ||
      __builtin_add_overflow(local, micros, &local)) {
    return std::nullopt;
  }
  return local;
}

// The parts of a timestamp's text.
struct Parts {
  int32_t year = 1;
  int32_t month = 1;
  int32_t day = 1;
  int32_t hour = 0;
  int32_t minute = 0;
  int32_t second = 0;
  int32_t micros = 0;
  bool time_only = false;
  std::string_view zone;  // empty where there is none
};

// SparkDateTimeUtils.parseTimestampString: a state per part of the text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : whole_(text), text_(Trim(text)) {}

  bool Run(Parts* parts);

 private:
  enum Segment { kYear, kMonth, kDay, kHour, kMinute, kSecond, kFraction, kZone };

  bool HasValidDigits(int segment) const {
    if (segment == kFraction) return true;
    if (segment == kYear) return digits_ >= 4 && digits_ <= 6;
    if (segment == kZone) return digits_ <= 2;
    return digits_ > 0 && digits_ <= 2;
  }
  bool Close(int next) {
    if (!HasValidDigits(segment_)) return false;
    values_[segment_] = value_;
    value_ = 0;
    digits_ = 0;
    segment_ = next;
    return true;
  }
  bool Separator(char c);

  const std::string_view whole_;
  const std::string_view text_;
  std::array<int32_t, 8> values_ = {1, 1, 1, 0, 0, 0, 0, 0};
  int segment_ = kYear;
  int32_t value_ = 0;
  int digits_ = 0;
  bool time_only_ = false;
  bool signed_ = false;
  bool zone_follows_ = false;
};

bool Scanner::Separator(char c) {
  switch (segment_) {
    case kYear:
      if (c == ':' && !signed_) {
        time_only_ = true;
        if (digits_ < 1 || digits_ > 2) return false;
        values_[kHour] = value_;
        value_ = 0;
        digits_ = 0;
        segment_ = kMinute;
        return true;
      }
      return c == '-' && Close(kMonth);
    case kMonth:
      return c == '-' && Close(kDay);
    case kDay:
      return (c == ' ' || c == 'T') && Close(kHour);
    case kHour:
    case kMinute:
      return c == ':' && Close(segment_ + 1);
    case kSecond:
      if (c == '.') return Close(kFraction);
      [[fallthrough]];
    default:
      zone_follows_ = true;
      return Close(kZone);
  }
}

bool Scanner::Run(Parts* parts) {
  size_t at = 0;
  if (text_.empty()) return false;
  const bool negative = text_[0] == '-';
  signed_ = negative || text_[0] == '+';
  if (signed_) ++at;
  int fraction_digits = 0;
  for (; at < text_.size() && !zone_follows_; ++at) {
    const char c = text_[at];
    if (IsDigit(c)) {
      // Digits behind the microseconds are cut off. Others are too many long before they
      // overflow.
      if (segment_ == kFraction) fraction_digits = std::min(fraction_digits + 1, 6);
      if (digits_ < 6) value_ = value_ * 10 + (c - '0');
      ++digits_;
    } else if (at == 0 && c == 'T' && text_.data() == whole_.data()) {
      time_only_ = true;
      segment_ = kHour;
    } else if (!Separator(c)) {
      return false;
    } else if (zone_follows_) {
      parts->zone = Trim(text_.substr(at));
    }
  }
  if (!HasValidDigits(segment_)) return false;
  values_[segment_] = value_;
  for (; fraction_digits < 6; ++fraction_digits) values_[kFraction] *= 10;
  parts->year = negative ? -values_[kYear] : values_[kYear];
  parts->month = values_[kMonth];
  parts->day = values_[kDay];
  parts->hour = values_[kHour];
  parts->minute = values_[kMinute];
  parts->second = values_[kSecond];
  parts->micros = values_[kFraction];
  parts->time_only = time_only_;
  return true;
}

std::optional<int64_t> ToInstant(int64_t local, const TimeZone& zone) {
  const int64_t instant = zone.ToUtc(local);
  // Zones keep times inside the range; a time kept there is no longer the one that was
  // written.
  const bool at_the_end = instant == std::numeric_limits<int64_t>::max() ||
                          instant == std::numeric_limits<int64_t>::min();
  if (at_the_end && zone.ToLocal(instant) != local) return std::nullopt;
  return instant;
}

// Reads two digits; anything else sets `bad`.
inline unsigned TwoDigits(const char* p, unsigned* bad) {
  const unsigned tens = static_cast<unsigned char>(p[0]) - '0';
  const unsigned ones = static_cast<unsigned char>(p[1]) - '0';
  *bad |= static_cast<unsigned>(tens > 9) | static_cast<unsigned>(ones > 9);
  return tens * 10 + ones;
}

// The digits behind the point, cut to microseconds. Moves *at behind them.
int32_t ReadFraction(std::string_view text, size_t* at) {
  const char* const p = text.data() + *at;
  const size_t size = text.size() - *at;
  if (size >= 6) {
    unsigned bad = 0;
    const unsigned micros = TwoDigits(p, &bad) * 10'000 + TwoDigits(p + 2, &bad) * 100 +
                            TwoDigits(p + 4, &bad);
    if (bad == 0) {
      size_t digits = 6;
      while (digits < size && IsDigit(p[digits])) ++digits;
      *at += digits;
      return static_cast<int32_t>(micros);
    }
  }
  constexpr std::array<int32_t, 6> kScale = {1'000'000, 100'000, 10'000, 1'000, 100, 10};
  int32_t fraction = 0;
  size_t digits = 0;
  for (; digits < std::min<size_t>(size, 6) && IsDigit(p[digits]); ++digits) {
    fraction = fraction * 10 + (p[digits] - '0');
  }
  *at += digits;
  return fraction * kScale[digits];
}

// A timestamp in the form nearly all data has: "2026-02-01T12:34:56", a fraction or none,
// "Z" or nothing behind.
struct UsualForm {
  bool matches = false;  // otherwise the scanner has to look at the text
  bool valid = false;    // the parts are those of a time
  bool is_utc = false;
  int64_t local_micros = 0;
};

UsualForm ReadUsualForm(std::string_view text) {
  UsualForm form;
  if (text.size() < 19) return form;
  const char* const p = text.data();
  unsigned bad = 0;
  const unsigned year = TwoDigits(p, &bad) * 100 + TwoDigits(p + 2, &bad);
  const unsigned month = TwoDigits(p + 5, &bad);
  const unsigned day = TwoDigits(p + 8, &bad);
  const unsigned hour = TwoDigits(p + 11, &bad);
  const unsigned minute = TwoDigits(p + 14, &bad);
  const unsigned second = TwoDigits(p + 17, &bad);
  bad |= static_cast<unsigned>(p[4] != '-') | static_cast<unsigned>(p[7] != '-') |
         static_cast<unsigned>(p[10] != 'T' && p[10] != ' ') |
         static_cast<unsigned>(p[13] != ':') | static_cast<unsigned>(p[16] != ':');
  if (bad != 0) return form;
  size_t at = 19;
  int32_t micros = 0;
  if (at < text.size() && p[at] == '.') micros = ReadFraction(text, &++at);
  form.is_utc = at + 1 == text.size() && p[at] == 'Z';
  form.matches = at == text.size() || form.is_utc;
  form.valid = hour < 24 && minute < 60 && second < 60 &&
               IsDate(year, static_cast<int>(month), static_cast<int>(day));
  if (!form.valid) return form;

  // Days since 1970 of a year from 0 to 9999, in 32 bits.
  constexpr std::array<uint16_t, 13> kDaysBefore = {0,   0,   31,  59,  90,  120, 151,
                                                    181, 212, 243, 273, 304, 334};
  const unsigned leap_days = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
  const unsigned leap_day = month > 2 && IsLeapYear(year) ? 1 : 0;
  const unsigned days_since_0 =
      year * 365 + leap_days + kDaysBefore[month] + leap_day + day - 1;
  const int64_t days = static_cast<int64_t>(days_since_0) - 719'528;
  const int64_t seconds = days * 86'400 + hour * 3600 + minute * 60 + second;
  form.local_micros = seconds * kMicrosPerSecond + micros;
  return form;
}

}  // namespace

const TimeZone* FindZone(std::string_view id) {
  thread_local std::string last_id;
  thread_local const TimeZone* last_zone = nullptr;
  if (last_zone != nullptr && last_id == id) return last_zone;
  const Result<const TimeZone*> zone = TimeZone::Find(id);
  if (!zone.ok()) return nullptr;
  last_id = id;
  last_zone = *zone;
  return last_zone;
}

std::optional<int64_t> ParseTimestamp(std::string_view text, const TimeZone& zone,
                                      int64_t now_micros) {
  const UsualForm usual = ReadUsualForm(text);
  if (usual.matches) {
    if (!usual.valid) return std::nullopt;
    return usual.is_utc ? usual.local_micros : zone.ToUtc(usual.local_micros);
  }
  Parts parts;
  if (!Scanner(text).Run(&parts)) return std::nullopt;
  if (!IsTime(parts.hour, parts.minute, parts.second)) return std::nullopt;

  // Offsets are applied here: every one of them as a TimeZone would fill the registry.
  const TimeZone* used = &zone;
  int64_t offset = 0;
  if (!parts.zone.empty()) {
    std::optional<int32_t> parsed = ParseZoneOffset(parts.zone);
    if (!parsed) parsed = ParseZoneOffset(PadZoneOffset(parts.zone));
    used = parsed ? TimeZone::Utc() : FindZone(parts.zone);
    if (used == nullptr) return std::nullopt;
    offset = parsed.value_or(0);
  }
  int64_t days = 0;
  if (parts.time_only) {
    const int64_t now = used->ToLocal(now_micros) + offset * kMicrosPerSecond;
    days = now / kMicrosPerDay - (now % kMicrosPerDay < 0);
  } else {
    if (!IsDate(parts.year, parts.month, parts.day)) return std::nullopt;
    days = DaysFromCivil(parts.year, parts.month, parts.day);
  }
  // Only the instant must be in range, so an offset is applied before the range is
  // checked.
  const auto local = [&](int64_t shift) {
    return LocalMicros(days, parts.hour, parts.minute,
                       parts.second - static_cast<int>(shift), parts.micros);
  };
  if (const std::optional<int64_t> micros = local(offset))
    return ToInstant(*micros, *used);
  using Limits = std::numeric_limits<int64_t>;
  return local(offset + used->OffsetSeconds(days < 0 ? Limits::min() : Limits::max()));
}

std::optional<int64_t> ParseTimestampNtz(std::string_view text, bool allow_zone) {
  const UsualForm usual = ReadUsualForm(text);
  if (usual.matches) {
    if (!usual.valid || (usual.is_utc && !allow_zone)) return std::nullopt;
    return usual.local_micros;
  }
  Parts parts;
  if (!Scanner(text).Run(&parts) || parts.time_only) return std::nullopt;
  if (!parts.zone.empty() && (!allow_zone || FindZone(parts.zone) == nullptr)) {
    return std::nullopt;
  }
  if (!IsTime(parts.hour, parts.minute, parts.second)) return std::nullopt;
  if (!IsDate(parts.year, parts.month, parts.day)) return std::nullopt;
  return LocalMicros(DaysFromCivil(parts.year, parts.month, parts.day), parts.hour,
                     parts.minute, parts.second, parts.micros);
}

std::optional<int32_t> ParseDate(std::string_view text) {
  text = Trim(text);
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  size_t at = negative || text[0] == '+' ? 1 : 0;
  std::array<int32_t, 3> values = {1, 1, 1};
  size_t segment = 0;
  int digits = 0;
  int32_t value = 0;
  const auto has_valid_digits = [&] {
    return segment == 0 ? digits >= 4 && digits <= 7 : digits > 0 && digits <= 2;
  };
  for (; at < text.size() && text[at] != ' ' && text[at] != 'T'; ++at) {
    if (text[at] == '-' && segment < 2) {
      if (!has_valid_digits()) return std::nullopt;
      values[segment++] = value;
      value = 0;
      digits = 0;
    } else if (IsDigit(text[at]) && digits < 8) {
      value = value * 10 + (text[at] - '0');
      ++digits;
    } else {
      return std::nullopt;
    }
  }
  if (!has_valid_digits()) return std::nullopt;
  // Only behind a whole date anything may follow.
  if (segment < 2 && at < text.size()) return std::nullopt;
  values[segment] = value;
  const int64_t year = negative ? -values[0] : values[0];
  if (!IsDate(year, values[1], values[2])) return std::nullopt;
  const int64_t days = DaysFromCivil(year, values[1], values[2]);
  if (days < std::numeric_limits<int32_t>::min() ||
      days > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(days);
}

}  // namespace millrace::data
