#include "base/interval.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "base/error.h"

namespace millrace {
namespace {

constexpr int64_t kMicrosPerMilli = 1000;
constexpr int64_t kMicrosPerSecond = 1000 * kMicrosPerMilli;
constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// Exactly one of the three lengths is set.
struct Unit {
  std::string_view name;
  int32_t months = 0;
  int32_t days = 0;
  int64_t micros = 0;
};

constexpr std::array kUnits = {
    Unit{.name = "year", .months = 12},
    Unit{.name = "month", .months = 1},
    Unit{.name = "week", .days = 7},
    Unit{.name = "day", .days = 1},
    Unit{.name = "hour", .micros = kMicrosPerHour},
    Unit{.name = "minute", .micros = kMicrosPerMinute},
    Unit{.name = "second", .micros = kMicrosPerSecond},
    Unit{.name = "millisecond", .micros = kMicrosPerMilli},
    Unit{.name = "microsecond", .micros = 1},
};

const Unit* FindUnit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (name == unit.name) return &unit;
    if (name.size() == unit.name.size() + 1 && name.back() == 's' &&
        name.starts_with(unit.name)) {
      return &unit;
    }
  }
  return nullptr;
}

bool IsSpace(char c) { return c >= 0 && c <= ' '; }  // what Spark trims
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Walks over one interval text; Spark's IntervalUtils.stringToInterval.
class Parser {
 public:
  /// Why a text is no interval: the last part of Spark's INVALID_INTERVAL_FORMAT.*.
  struct Failure {
    std::string_view error_class;
    std::string message;
  };

  explicit Parser(std::string_view text) : text_(text) {
    while (!text_.empty() && IsSpace(text_.back())) text_.remove_suffix(1);
    SkipSpaces();
  }

  bool Parse(CalendarInterval* out) {
    constexpr std::string_view kPrefix = "interval";
    if (AtWord(kPrefix)) {
      position_ += kPrefix.size();
      if (!AtEnd() && !SkipSpaces()) {
        return Fail("INVALID_PREFIX", "Invalid interval prefix {}.");
      }
    }
    if (AtEnd()) return Fail("INPUT_IS_EMPTY", "Interval string cannot be empty.");
    while (!AtEnd()) {
      if (!ParsePart(out)) return false;
    }
    return true;
  }

  const Failure& failure() const { return failure_; }

 private:
  bool AtEnd() const { return position_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[position_]; }
  bool AtWord(std::string_view word) const {
    return text_.substr(position_).starts_with(word);
  }

  // True where there was at least one.
  bool SkipSpaces() {
    const size_t before = position_;
    while (!AtEnd() && IsSpace(text_[position_])) ++position_;
    return position_ > before;
  }

  // The word around the position; the last one at the end.
  std::string_view Word() const {
    size_t begin = std::min(position_, text_.size() - 1);
    while (begin > 0 && !IsSpace(text_[begin - 1])) --begin;
    size_t end = begin;
    while (end < text_.size() && !IsSpace(text_[end])) ++end;
    return text_.substr(begin, end - begin);
  }

  bool Fail(std::string_view error_class, fmt::format_string<std::string_view> message) {
    failure_ = {error_class, text_.empty()
                                 ? std::string("Interval string cannot be empty.")
                                 : fmt::format(message, Word())};
    return false;
  }

  // [sign] number unit, and the spaces behind it.
  bool ParsePart(CalendarInterval* out) {
    const bool negative = Peek() == '-';
    if (negative || Peek() == '+') {
      ++position_;
      SkipSpaces();
      if (AtEnd()) {
        return Fail("MISSING_NUMBER", "Expect a number after {} but hit EOL.");
      }
    }
    int64_t whole = 0;
    int64_t nanos = 0;
    bool fraction = false;
    if (!ParseNumber(&whole, &nanos, &fraction)) return false;
    if (AtEnd()) {
      return Fail("MISSING_UNIT", "Expect a unit name after {} but hit EOL.");
    }
    if (!SkipSpaces()) return Fail("INVALID_VALUE", "Invalid value {}.");

    const size_t begin = position_;
    while (Peek() >= 'a' && Peek() <= 'z') ++position_;
    const Unit* unit = FindUnit(text_.substr(begin, position_ - begin));
    if (unit == nullptr || (!AtEnd() && !IsSpace(Peek()))) {
      position_ = begin;
      return Fail("INVALID_UNIT", "Invalid unit {}.");
    }
    if (fraction && unit->name != "second") {
      position_ = begin;
      return Fail("INVALID_FRACTION", "{} cannot have fractional part.");
    }
    SkipSpaces();
    return Add(*unit, negative ? -whole : whole, negative ? -nanos : nanos, out) ||
           Overflow();
  }

  bool ParseNumber(int64_t* whole, int64_t* nanos, bool* fraction) {
    size_t digits = 0;
    for (; IsDigit(Peek()); ++position_, ++digits) {
      if (__builtin_mul_overflow(*whole, 10, whole) ||
          __builtin_add_overflow(*whole, Peek() - '0', whole)) {
        return Overflow();
      }
    }
    if (Peek() != '.') {
      return digits > 0 || Fail("UNRECOGNIZED_NUMBER", "Unrecognized number {}.");
    }
    ++position_;
    *fraction = true;
    int64_t scale = 100'000'000;  // nanoseconds in a tenth
    for (; IsDigit(Peek()); ++position_, ++digits, scale /= 10) {
      if (scale == 0) {
        return Fail(
            "INVALID_PRECISION",
            "Interval can only support nanosecond precision, {} is out of range.");
      }
      *nanos += (Peek() - '0') * scale;
    }
    return digits > 0 || Fail("UNRECOGNIZED_NUMBER", "Unrecognized number {}.");
  }

  bool Overflow() {
    failure_ = {"ARITHMETIC_EXCEPTION",
                fmt::format("Uncaught arithmetic exception while parsing '{}'.", text_)};
    return false;
  }

  static bool Add(const Unit& unit, int64_t whole, int64_t nanos, CalendarInterval* out) {
    if (unit.micros != 0) {
      int64_t micros = 0;
      return !__builtin_mul_overflow(whole, unit.micros, &micros) &&
             !__builtin_add_overflow(out->micros, micros, &out->micros) &&
             !__builtin_add_overflow(out->micros, nanos / 1000, &out->micros);
    }
    int32_t* const target = unit.months != 0 ? &out->months : &out->days;
    const int32_t factor = unit.months != 0 ? unit.months : unit.days;
    int32_t product = 0;
    return !__builtin_mul_overflow(whole, factor, &product) &&
           !__builtin_add_overflow(*target, product, target);
  }

  std::string_view text_;
  size_t position_ = 0;
  Failure failure_;
};

// False where that is too long to count. A day has 24 hours.
bool FixedLength(const CalendarInterval& interval, int64_t* micros) {
  return !__builtin_mul_overflow(int64_t{interval.days}, kMicrosPerDay, micros) &&
         !__builtin_add_overflow(*micros, interval.micros, micros);
}

Error CannotParse(std::string_view text) {
  return AnalysisError(
             "CANNOT_PARSE_INTERVAL", "22006",
             "Unable to parse '{}'. Please ensure that the value provided is in a "
             "valid format for defining an interval. You can reference the "
             "documentation for the correct format. If the issue persists, please "
             "double check that the input value is not null or empty and try again.",
             text)
      .Param("intervalString", fmt::format("'{}'", text));
}

}  // namespace

Result<CalendarInterval> ParseInterval(std::string_view text) {
  const std::string lower = LowerCase(text);
  CalendarInterval interval;
  if (!Parser(lower).Parse(&interval)) return CannotParse(text);
  return interval;
}

Result<std::chrono::microseconds> ParseDuration(std::string_view text) {
  MILLRACE_ASSIGN_OR_RETURN(const CalendarInterval interval, ParseInterval(text));
  if (interval.months != 0) {
    return ArgumentError("Intervals greater than a month is not supported ({}).", text)
        .Class("_LEGACY_ERROR_TEMP_3231")
        .Param("interval", std::string(text));
  }
  int64_t micros = 0;
  if (!FixedLength(interval, &micros)) return CannotParse(text);
  return std::chrono::microseconds(micros);
}

Result<std::chrono::microseconds> ParseTriggerInterval(std::string_view text) {
  const auto invalid = [text](const Parser::Failure& failure) {
    return ArgumentError(
               "Error parsing '{}' to interval. Please ensure that the value provided is "
               "in a valid format for defining an interval. You can reference the "
               "documentation for the correct format. {}",
               text, failure.message)
        .Class(fmt::format("INVALID_INTERVAL_FORMAT.{}", failure.error_class), "22006")
        .Param("input", std::string(text));
  };
  const std::string lower = LowerCase(text);
  Parser parser(lower);
  CalendarInterval interval;
  if (!parser.Parse(&interval)) return invalid(parser.failure());
  if (interval.months != 0) {
    return ArgumentError("Doesn't support month or year interval: {}", text)
        .Class("_LEGACY_ERROR_TEMP_3262")
        .Param("interval", std::string(text));
  }
  int64_t micros = 0;
  if (!FixedLength(interval, &micros)) {
    return invalid(
        {"ARITHMETIC_EXCEPTION",
         fmt::format("Uncaught arithmetic exception while parsing '{}'.", text)});
  }
  if (micros < 0) {
    return ArgumentError(
        "requirement failed: the interval of trigger should not be negative");
  }
  return std::chrono::microseconds(micros);
}

}  // namespace millrace
