#include "sql/interval_literal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.h"

namespace millrace::sql {
namespace {

constexpr auto kUnits =
    std::to_array<std::string_view>({"year", "month", "week", "day", "hour", "minute",
                                     "second", "millisecond", "microsecond"});

// Parts of a day-time interval, with how many of the next one they hold and as
// microseconds.
struct Part {
  std::string_view name;
  int64_t limit;
  int64_t micros;
};
constexpr auto kParts = std::to_array<Part>({{"day", 0, 86'400'000'000},
                                             {"hour", 23, 3'600'000'000},
                                             {"minute", 59, 60'000'000},
                                             {"second", 59, 1'000'000}});

// In the singular.
std::string Unit(std::string_view word) {
  std::string unit = LowerCase(word);
  if (unit.ends_with('s')) unit.pop_back();
  return unit;
}

size_t PartIndex(std::string_view unit) {
  const std::string name = Unit(unit);
  const auto found = std::find_if(kParts.begin(), kParts.end(),
                                  [&](const Part& part) { return part.name == name; });
  return static_cast<size_t>(found - kParts.begin());
}

// Up to nine digits from the front of `*text`.
std::optional<int64_t> TakeNumber(std::string_view* text) {
  constexpr size_t kMaxDigits = 9;
  int64_t value = 0;
  size_t digits = 0;
  while (digits < text->size() && (*text)[digits] >= '0' && (*text)[digits] <= '9') {
    if (digits == kMaxDigits) return std::nullopt;
    value = value * 10 + ((*text)[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  text->remove_prefix(digits);
  return value;
}

bool Take(std::string_view* text, char c) {
  if (!text->starts_with(c)) return false;
  text->remove_prefix(1);
  return true;
}

// ".5": in microseconds; digits beyond them are cut.
std::optional<int64_t> TakeFraction(std::string_view* text) {
  if (!Take(text, '.')) return 0;
  int64_t micros = 0;
  int64_t scale = 100'000;
  size_t digits = 0;
  while (digits < text->size() && (*text)[digits] >= '0' && (*text)[digits] <= '9') {
    micros += ((*text)[digits++] - '0') * scale;
    scale /= 10;
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  text->remove_prefix(digits);
  return micros;
}

std::optional<int64_t> DayTime(std::string_view text, size_t from, size_t to) {
  int64_t micros = 0;
  for (size_t i = from; i <= to; ++i) {
    if (i > from && !Take(&text, i == 1 ? ' ' : ':')) return std::nullopt;
    const std::optional<int64_t> number = TakeNumber(&text);
    if (!number || (i > from && *number > kParts[i].limit)) return std::nullopt;
    micros += *number * kParts[i].micros;  // nine digits of days do not overflow
  }
  if (to == kParts.size() - 1) {
    const std::optional<int64_t> fraction = TakeFraction(&text);
    if (!fraction) return std::nullopt;
    micros += *fraction;
  }
  if (!text.empty()) return std::nullopt;
  return micros;
}

std::optional<int64_t> YearMonth(std::string_view text) {
  const std::optional<int64_t> years = TakeNumber(&text);
  if (!years || *years > 178'956'970 || !Take(&text, '-')) return std::nullopt;
  const std::optional<int64_t> months = TakeNumber(&text);
  if (!months || *months > 11 || !text.empty()) return std::nullopt;
  return *years * 12 + *months;
}

}  // namespace

bool IsIntervalUnit(std::string_view word) {
  return std::find(kUnits.begin(), kUnits.end(), Unit(word)) != kUnits.end();
}

bool IsYearMonthUnit(std::string_view word) {
  const std::string unit = Unit(word);
  return unit == "year" || unit == "month";
}

int IntervalField(std::string_view word) {
  const std::string unit = Unit(word);
  if (IsYearMonthUnit(word)) return unit == "year" ? 0 : 1;
  if (unit == "week") return 0;
  const size_t part = PartIndex(word);
  return static_cast<int>(std::min(part, kParts.size() - 1));  // parts of a second
}

bool IsIntervalNumber(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.find_first_of("0123456789") != std::string_view::npos &&
         text.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(text.begin(), text.end(), '.') <= 1;
}

std::optional<FromToInterval> ParseFromTo(std::string_view text, std::string_view from,
                                          std::string_view to) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  FromToInterval interval;
  std::optional<int64_t> amount;
  if (Unit(from) == "year" && Unit(to) == "month") {
    interval.year_month = true;
    amount = YearMonth(text);
  } else if (PartIndex(from) < PartIndex(to) && PartIndex(to) < kParts.size()) {
    amount = DayTime(text, PartIndex(from), PartIndex(to));
  }
  if (!amount) return std::nullopt;
  interval.amount = negative ? -*amount : *amount;
  return interval;
}

std::string IntervalShape(std::string_view from, std::string_view to) {
  if (IsYearMonthUnit(from)) return "`[+|-]y-m`";
  constexpr auto kShapes = std::to_array<std::string_view>({"d", "h", "m", "s.n"});
  std::string shape = "`[+|-]";
  for (size_t i = PartIndex(from); i <= PartIndex(to) && i < kShapes.size(); ++i) {
    if (i > PartIndex(from)) shape += i == 1 ? " " : ":";
    shape += kShapes[i];
  }
  return shape + "`";
}

std::string IntervalTypeText(std::string_view from, std::string_view to) {
  return fmt::format("interval {} to {}", Unit(from), Unit(to));
}

}  // namespace millrace::sql
