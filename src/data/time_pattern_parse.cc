// Reads times by a pattern, as java.time.format does with ResolverStyle.STRICT.
#include <algorithm>
#include <array>
#include <limits>

#include "base/ascii.h"
#include "data/time_pattern_items.h"
#include "data/zone_offset.h"

namespace millrace::data {
namespace {

constexpr size_t kFail = std::numeric_limits<size_t>::max();
constexpr int kMaxDigits = 18;  // more would not fit, nor be a valid value

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char a, char b) { return LowerCase(a) == LowerCase(b); });
}

// What the letters of abbreviated zone names mean in Java; regions stand for both of
// their offsets.
struct NamedZone {
  std::string_view name;
  std::string_view id;
};
constexpr std::array kNamedZones = {NamedZone{"EST", "America/New_York"},
                                    NamedZone{"EDT", "America/New_York"},
                                    NamedZone{"CST", "America/Chicago"},
                                    NamedZone{"CDT", "America/Chicago"},
                                    NamedZone{"MST", "America/Denver"},
                                    NamedZone{"MDT", "America/Denver"},
                                    NamedZone{"PST", "America/Los_Angeles"},
                                    NamedZone{"PDT", "America/Los_Angeles"},
                                    NamedZone{"CEST", "CET"},
                                    NamedZone{"JST", "Asia/Tokyo"}};

// The fields read so far. A field read twice must have the same value both times.
class Fields {
 public:
  bool Set(TimeField field, int64_t value) {
    std::optional<int64_t>& slot = values_[static_cast<size_t>(field)];
    if (slot && *slot != value) return false;
    slot = value;
    return true;
  }
  std::optional<int64_t> Get(TimeField field) const {
    return values_[static_cast<size_t>(field)];
  }
  int64_t Or(TimeField field, int64_t fallback) const {
    return Get(field).value_or(fallback);
  }
  bool IsWithin(TimeField field, int64_t low, int64_t high) const {
    const std::optional<int64_t> value = Get(field);
    return !value || (*value >= low && *value <= high);
  }

  std::optional<int64_t> nanos;
  const TimeZone* zone = nullptr;
  std::optional<int32_t> offset;

 private:
  std::array<std::optional<int64_t>, kTimeFields> values_;
};

class Parser {
 public:
  Parser(const std::vector<PatternItem>& items, std::string_view text)
      : items_(items), text_(text) {}

  std::optional<Fields> Run() {
    if (Items(0, items_.size(), 0) != text_.size()) return std::nullopt;
    return fields_;
  }

 private:
  // Each of these reads at `at` and gives the place behind what it read, or kFail.
  size_t Items(size_t begin, size_t end, size_t at);
  size_t Item(const PatternItem& item, size_t at);
  size_t Number(const PatternItem& item, size_t at);
  size_t ReducedYear(const PatternItem& item, size_t at);
  size_t Text(const PatternItem& item, size_t at);
  size_t Fraction(const PatternItem& item, size_t at);
  size_t Offset(const PatternItem& item, size_t at);
  size_t OffsetDigits(OffsetLayout layout, size_t at, int32_t* offset) const;
  size_t LocalOffset(const PatternItem& item, size_t at);
  size_t ZoneId(size_t at);
  size_t PrefixedZone(size_t prefix_size, size_t at);
  size_t ZoneName(size_t at);

  std::string_view Rest(size_t at) const { return text_.substr(at); }
  // Two digits, or nothing.
  std::optional<int> TwoDigits(size_t at) const {
    if (at + 2 > text_.size() || !IsDigit(text_[at]) || !IsDigit(text_[at + 1]))
      return std::nullopt;
    return (text_[at] - '0') * 10 + text_[at + 1] - '0';
  }
  // ":" and two digits, or nothing.
  std::optional<int> ColonTwoDigits(size_t at) const {
    if (at >= text_.size() || text_[at] != ':') return std::nullopt;
    return TwoDigits(at + 1);
  }
  size_t SetZone(std::string_view id, size_t after) {
    const TimeZone* const zone = FindZone(id);
    if (zone == nullptr || (fields_.zone != nullptr && fields_.zone != zone))
      return kFail;
    fields_.zone = zone;
    return after;
  }
  size_t SetOffset(int32_t offset, size_t after) {
    if (fields_.offset && *fields_.offset != offset) return kFail;
    fields_.offset = offset;
    return after;
  }

  const std::vector<PatternItem>& items_;
  const std::string_view text_;
  Fields fields_;
};

size_t Parser::Items(size_t begin, size_t end, size_t at) {
  for (size_t i = begin; i < end; ++i) {
    const PatternItem& item = items_[i];
    if (item.kind == PatternItem::kOptionalBegin) {
      const Fields before = fields_;
      const size_t after = Items(i + 1, item.end, at);
      if (after == kFail) {
        fields_ = before;
      } else {
        at = after;
      }
      i = item.end;
      continue;
    }
    at = Item(item, at);
    if (at == kFail) return kFail;
  }
  return at;
}

size_t Parser::Item(const PatternItem& item, size_t at) {
  switch (item.kind) {
    case PatternItem::kLiteral:
      return StartsWith(Rest(at), item.text) ? at + item.text.size() : kFail;
    case PatternItem::kNumber:
      return Number(item, at);
    case PatternItem::kReducedYear:
      return ReducedYear(item, at);
    case PatternItem::kText:
      return Text(item, at);
    case PatternItem::kFraction:
      return Fraction(item, at);
    case PatternItem::kZoneId:
      return ZoneId(at);
    case PatternItem::kZoneName:
      return ZoneName(at);
    case PatternItem::kOffset:
      return Offset(item, at);
    case PatternItem::kLocalOffset:
      return LocalOffset(item, at);
    default:
      return at;
  }
}

// java.time's NumberPrinterParser.parse, strict.
size_t Parser::Number(const PatternItem& item, size_t at) {
  if (at == text_.size()) return kFail;
  const bool negative = text_[at] == '-';
  const bool positive = text_[at] == '+';
  if (positive && item.sign != SignStyle::kExceedsPad) return kFail;
  if (negative && item.sign == SignStyle::kNever) return kFail;
  if (negative || positive) ++at;

  size_t digits = 0;
  while (at + digits < text_.size() && IsDigit(text_[at + digits])) ++digits;
  const auto min_width = static_cast<size_t>(item.min_width);
  const auto max_width = static_cast<size_t>(item.max_width);
  const auto subsequent = static_cast<size_t>(item.subsequent_width);
  if (subsequent > 0) {
    // The numbers behind this one get their digits first.
    digits = std::min(digits, max_width + subsequent);
    digits = std::min(digits,
                      std::max(min_width, digits > subsequent ? digits - subsequent : 0));
  } else {
    digits = std::min(digits, max_width);
  }
  if (digits < min_width || digits > kMaxDigits) return kFail;
  if (item.sign == SignStyle::kExceedsPad && !negative &&
      positive != (digits > min_width)) {
    return kFail;
  }
  int64_t value = 0;
  for (size_t i = 0; i < digits; ++i) value = value * 10 + (text_[at + i] - '0');
  if (negative && value == 0) return kFail;
  if (!fields_.Set(item.field, negative ? -value : value)) return kFail;
  return at + digits;
}

size_t Parser::ReducedYear(const PatternItem& item, size_t at) {
  constexpr int64_t kBase = 2000;
  const std::optional<int> year = TwoDigits(at);
  if (!year || !fields_.Set(item.field, kBase + *year)) return kFail;
  return at + 2;
}

size_t Parser::Text(const PatternItem& item, size_t at) {
  const int first =
      item.field == TimeField::kEra || item.field == TimeField::kAmPm ? 0 : 1;
  const int count = item.field == TimeField::kMonth       ? 12
                    : item.field == TimeField::kDayOfWeek ? 7
                    : item.field == TimeField::kQuarter   ? 4
                                                          : 2;
  for (int value = first; value < first + count; ++value) {
    const std::string_view name = FieldName(item.field, value, item.full);
    if (!StartsWith(Rest(at), name)) continue;
    return fields_.Set(item.field, value) ? at + name.size() : kFail;
  }
  return kFail;
}

// One digit to as many as the pattern has: Spark's varying fraction, not Java's fixed
// one.
size_t Parser::Fraction(const PatternItem& item, size_t at) {
  constexpr int kNanoDigits = 9;
  int digits = 0;
  int64_t nanos = 0;
  for (; digits < item.max_width && at < text_.size() && IsDigit(text_[at]);
       ++digits, ++at) {
    nanos = nanos * 10 + (text_[at] - '0');
  }
  if (digits == 0) return kFail;
  for (; digits < kNanoDigits; ++digits) nanos *= 10;
  if (fields_.nanos && *fields_.nanos != nanos) return kFail;
  fields_.nanos = nanos;
  return at;
}

// "+01", "+0130", "+01:30:15"; nothing for a text that is none of what the layout allows.
size_t Parser::OffsetDigits(OffsetLayout layout, size_t at, int32_t* offset) const {
  if (at == text_.size() || (text_[at] != '+' && text_[at] != '-')) return kFail;
  const bool negative = text_[at] == '-';
  const std::optional<int> hours = TwoDigits(at + 1);
  if (!hours) return kFail;
  at += 3;
  const auto part = [&] { return layout.colons ? ColonTwoDigits(at) : TwoDigits(at); };
  const size_t part_size = layout.colons ? 3 : 2;
  const std::optional<int> minutes = part();
  if (!minutes && layout.minutes_required) return kFail;
  if (minutes) at += part_size;
  std::optional<int> seconds;
  if (minutes && layout.seconds) {
    seconds = part();
    if (seconds) at += part_size;
  }
  if (minutes.value_or(0) > 59 || seconds.value_or(0) > 59) return kFail;
  const int32_t total = *hours * 3600 + minutes.value_or(0) * 60 + seconds.value_or(0);
  if (total > 18 * 3600) return kFail;
  *offset = negative ? -total : total;
  return at;
}

size_t Parser::Offset(const PatternItem& item, size_t at) {
  if (StartsWith(Rest(at), item.text)) return SetOffset(0, at + item.text.size());
  int32_t offset = 0;
  const size_t after = OffsetDigits(item.layout, at, &offset);
  return after == kFail ? kFail : SetOffset(offset, after);
}

// "GMT", "GMT+8", "GMT+8:30"; or, full, "GMT+08:00".
size_t Parser::LocalOffset(const PatternItem& item, size_t at) {
  if (!StartsWith(Rest(at), "GMT")) return kFail;
  at += 3;
  if (at == text_.size() || (text_[at] != '+' && text_[at] != '-'))
    return SetOffset(0, at);
  const bool negative = text_[at] == '-';
  ++at;
  std::optional<int> hours = TwoDigits(at);
  if (hours) {
    at += 2;
  } else {
    if (item.full || at == text_.size() || !IsDigit(text_[at])) return kFail;
    hours = text_[at++] - '0';
  }
  const std::optional<int> minutes = ColonTwoDigits(at);
  if (!minutes && item.full) return kFail;
  std::optional<int> seconds;
  if (minutes) {
    at += 3;
    seconds = ColonTwoDigits(at);
    if (seconds) at += 3;
  }
  const int32_t total = *hours * 3600 + minutes.value_or(0) * 60 + seconds.value_or(0);
  if (total > 18 * 3600) return kFail;
  return SetOffset(negative ? -total : total, at);
}

// "UTC", "GMT" or "UT" with an offset or without.
size_t Parser::PrefixedZone(size_t prefix_size, size_t at) {
  const size_t begin = at;
  at += prefix_size;
  std::string id(text_.substr(begin, prefix_size));
  for (char& c : id) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  int32_t offset = 0;
  const size_t after = OffsetDigits({.colons = true, .seconds = true}, at, &offset);
  if (after == kFail) return SetZone(id, at);
  if (offset != 0) id += ZoneOffsetId(offset);
  return SetZone(id, after);
}

size_t Parser::ZoneId(size_t at) {
  const std::string_view rest = Rest(at);
  if (rest.empty()) return kFail;
  if (rest[0] == '+' || rest[0] == '-') {
    int32_t offset = 0;
    const size_t after = OffsetDigits({.colons = true, .seconds = true}, at, &offset);
    return after == kFail ? kFail : SetZone(ZoneOffsetId(offset), after);
  }
  for (const std::string_view prefix : {"UTC", "UT", "GMT"}) {
    if (StartsWith(rest, prefix)) return PrefixedZone(prefix.size(), at);
  }
  // The longest text that is a region. Java knows regions in any case; they are
  // capitalised here.
  const size_t size =
      std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789~/._+-"),
               rest.size());
  for (size_t length = size; length >= 3; --length) {
    std::string id(rest.substr(0, length));
    // Without a slash only a few old names are regions; short ids such as PST are not.
    if (id.find('/') == std::string::npos && id.size() == 3 && id != "CET" &&
        id != "EET" && id != "MET" && id != "WET") {
      continue;
    }
    if (FindZone(id) != nullptr) return SetZone(id, at + length);
    bool start = true;
    for (char& c : id) {
      c = start ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c)
                : LowerCase(c);
      start = c == '/' || c == '_' || c == '-';
    }
    if (FindZone(id) != nullptr) return SetZone(id, at + length);
  }
  return LowerCase(rest[0]) == 'z' ? SetZone("Z", at + 1) : kFail;
}

size_t Parser::ZoneName(size_t at) {
  for (const NamedZone& named : kNamedZones) {
    if (StartsWith(Rest(at), named.name))
      return SetZone(named.id, at + named.name.size());
  }
  return ZoneId(at);
}

// The hour of the day out of whichever letters were used; Spark takes the morning where
// nothing says AM or PM.
std::optional<int64_t> ResolveHour(const Fields& fields) {
  using enum TimeField;
  if (!fields.IsWithin(kHour, 0, 23) || !fields.IsWithin(kClockHour, 1, 24) ||
      !fields.IsWithin(kHalfHour, 0, 11) || !fields.IsWithin(kClockHalfHour, 1, 12)) {
    return std::nullopt;
  }
  std::optional<int64_t> hour = fields.Get(kHour);
  std::optional<int64_t> half = fields.Get(kHalfHour);
  if (const auto clock = fields.Get(kClockHalfHour)) {
    if (half && *half != *clock % 12) return std::nullopt;
    half = *clock % 12;
  }
  if (const auto clock = fields.Get(kClockHour)) {
    if (hour && *hour != *clock % 24) return std::nullopt;
    hour = *clock % 24;
  }
  const std::optional<int64_t> am_pm = fields.Get(kAmPm);
  if (hour) {
    if (half && *hour % 12 != *half) return std::nullopt;
    if (am_pm && *hour / 12 != *am_pm) return std::nullopt;
    return hour;
  }
  if (half) return *half + 12 * am_pm.value_or(0);
  return am_pm.value_or(0) == 1 ? 12 : 0;
}

// Days since 1970; what the text does not say is 1970, January and the first.
std::optional<int64_t> ResolveDays(const Fields& fields) {
  using enum TimeField;
  constexpr int64_t kMaxYear = 999'999'999;
  int64_t year = 1970;
  const std::optional<int64_t> year_of_era = fields.Get(kYearOfEra);
  const std::optional<int64_t> era = fields.Get(kEra);
  if (const auto given = fields.Get(kYear)) {
    year = *given;
  } else if (year_of_era && era) {
    if (*year_of_era < 1) return std::nullopt;
    year = *era == 1 ? *year_of_era : 1 - *year_of_era;
  }
  if (year < -kMaxYear || year > kMaxYear) return std::nullopt;

  const std::optional<int64_t> month = fields.Get(kMonth);
  const std::optional<int64_t> day = fields.Get(kDay);
  const std::optional<int64_t> day_of_year = fields.Get(kDayOfYear);
  int64_t days = 0;
  if (day_of_year && !(month && day)) {
    days = DaysFromCivil(year, 1, 1) + *day_of_year - 1;
    if (*day_of_year < 1 || CivilFromDays(days).year != year) return std::nullopt;
  } else {
    if (!fields.IsWithin(kMonth, 1, 12) || !fields.IsWithin(kDay, 1, 31))
      return std::nullopt;
    days = DaysFromCivil(year, static_cast<int>(month.value_or(1)),
                         static_cast<int>(day.value_or(1)));
  }
  const CivilDate date = CivilFromDays(days);
  if ((month && *month != date.month) || (day && *day != date.day)) return std::nullopt;
  if (day_of_year && *day_of_year != days - DaysFromCivil(year, 1, 1) + 1)
    return std::nullopt;
  return days;
}

}  // namespace

std::optional<ParsedTime> ParsePattern(const std::vector<PatternItem>& items,
                                       std::string_view text) {
  const std::optional<Fields> fields = Parser(items, text).Run();
  if (!fields) return std::nullopt;
  if (!fields->IsWithin(TimeField::kMinute, 0, 59) ||
      !fields->IsWithin(TimeField::kSecond, 0, 59)) {
    return std::nullopt;
  }
  const std::optional<int64_t> hour = ResolveHour(*fields);
  const std::optional<int64_t> days = ResolveDays(*fields);
  if (!hour || !days) return std::nullopt;
  ParsedTime parsed;
  parsed.local_seconds = *days * 86'400 + *hour * 3600 +
                         fields->Or(TimeField::kMinute, 0) * 60 +
                         fields->Or(TimeField::kSecond, 0);
  parsed.micros = static_cast<int32_t>(fields->nanos.value_or(0) / 1000);
  parsed.zone = fields->zone;
  if (parsed.zone == nullptr)
    parsed.offset = fields->offset;  // a zone id wins over an offset
  return parsed;
}

}  // namespace millrace::data
