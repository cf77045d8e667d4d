// Time zones by their Java ids: java.time.ZoneId.of with its short ids, as Spark's
// SparkDateTimeUtils.getZoneId calls it.
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "base/error.h"
#include "data/time_text.h"
#include "data/zone_offset.h"

namespace millrace::data {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int32_t kMaxOffset = 18 * 3600;

// Times at the ends of the range stay there instead of wrapping around.
int64_t Shift(int64_t micros, int64_t seconds) {
  int64_t shifted = 0;
  if (!__builtin_add_overflow(micros, seconds * kMicros, &shifted)) return shifted;
  return seconds < 0 ? kMin : kMax;
}

class FixedZone final : public TimeZone {
 public:
  FixedZone(std::string id, int32_t offset) : id_(std::move(id)), offset_(offset) {}

  int64_t ToLocal(int64_t utc_micros) const override {
    return Shift(utc_micros, offset_);
  }
  int64_t ToUtc(int64_t local_micros) const override {
    return Shift(local_micros, -offset_);
  }
  int64_t OffsetSeconds(int64_t) const override { return offset_; }
  const std::string& id() const override { return id_; }

 private:
  const std::string id_;
  const int32_t offset_;
};

// A region of the system's time zone database. Its transitions up to kTableEnd lie in a
// table, so that a lookup is a comparison with the interval found last.
class RegionZone final : public TimeZone {
 public:
  RegionZone(std::string id, absl::TimeZone zone);

  int64_t ToLocal(int64_t utc_micros) const override {
    return Shift(utc_micros, OffsetSeconds(utc_micros));
  }
  int64_t ToUtc(int64_t local_micros) const override;
  int64_t OffsetSeconds(int64_t utc_micros) const override;
  const std::string& id() const override { return id_; }

 private:
  struct Interval {
    int64_t utc_begin;
    // From this local time on the interval's offset holds. In a gap and in an overlap
    // that is the later of the two readings of the transition, so the earlier offset is
    // used there.
    int64_t local_begin;
    int32_t offset;
  };

  // What a thread found last.
  struct Hint {
    const RegionZone* zone = nullptr;
    size_t interval = 0;
  };
  static thread_local Hint utc_hint_;
  static thread_local Hint local_hint_;

  // 2200-01-01: later times are rare and looked up one by one.
  static constexpr int64_t kTableEnd = 7'258'118'400 * kMicros;

  size_t Find(Hint* hint, int64_t Interval::*begin, int64_t micros) const;

  const std::string id_;
  const absl::TimeZone zone_;
  std::vector<Interval> intervals_;  // the first begins at kMin
};

thread_local RegionZone::Hint RegionZone::utc_hint_;
thread_local RegionZone::Hint RegionZone::local_hint_;

RegionZone::RegionZone(std::string id, absl::TimeZone zone)
    : id_(std::move(id)), zone_(zone) {
  const absl::Time begin =
      absl::FromUnixSeconds(-100'000'000'000);  // long before any transition
  intervals_.push_back({kMin, kMin, zone_.At(begin).offset});
  absl::Time at = begin;
  absl::TimeZone::CivilTransition transition;
  while (zone_.NextTransition(at, &transition)) {
    at = zone_.At(transition.to).trans;
    const int64_t utc = absl::ToUnixMicros(at);
    if (utc >= kTableEnd) break;
    const int32_t before = intervals_.back().offset;
    const int32_t after = zone_.At(at).offset;
    if (after == before) continue;
    intervals_.push_back({utc, utc + std::max(before, after) * kMicros, after});
  }
}

size_t RegionZone::Find(Hint* hint, int64_t Interval::*begin, int64_t micros) const {
  if (hint->zone == this) {
    const size_t i = hint->interval;
    if (intervals_[i].*begin <= micros &&
        (i + 1 == intervals_.size() || micros < intervals_[i + 1].*begin)) {
      return i;
    }
  }
  const auto after =
      std::upper_bound(intervals_.begin(), intervals_.end(), micros,
                       [begin](int64_t m, const Interval& i) { return m < i.*begin; });
  *hint = {this, static_cast<size_t>(after - intervals_.begin()) - 1};
  return hint->interval;
}

int64_t RegionZone::OffsetSeconds(int64_t utc_micros) const {
  if (utc_micros >= kTableEnd) return zone_.At(absl::FromUnixMicros(utc_micros)).offset;
  return intervals_[Find(&utc_hint_, &Interval::utc_begin, utc_micros)].offset;
}

int64_t RegionZone::ToUtc(int64_t local_micros) const {
  if (local_micros < kTableEnd) {
    const size_t i = Find(&local_hint_, &Interval::local_begin, local_micros);
    return Shift(local_micros, -static_cast<int64_t>(intervals_[i].offset));
  }
  const int64_t seconds = local_micros / kMicros;
  const int64_t days = seconds / 86400;
  const CivilDate date = CivilFromDays(days);
  const absl::CivilSecond civil(date.year, date.month, date.day, 0, 0,
                                seconds - days * 86400);
  // Where a local time is missing or comes twice, `pre` is read with the offset before.
  return Shift(local_micros, absl::ToUnixSeconds(zone_.At(civil).pre) - seconds);
}

// java.time.ZoneId.SHORT_IDS.
struct ShortId {
  std::string_view id;
  std::string_view meaning;
};
constexpr std::array kShortIds = {ShortId{"ACT", "Australia/Darwin"},
                                  ShortId{"AET", "Australia/Sydney"},
                                  ShortId{"AGT", "America/Argentina/Buenos_Aires"},
                                  ShortId{"ART", "Africa/Cairo"},
                                  ShortId{"AST", "America/Anchorage"},
                                  ShortId{"BET", "America/Sao_Paulo"},
                                  ShortId{"BST", "Asia/Dhaka"},
                                  ShortId{"CAT", "Africa/Harare"},
                                  ShortId{"CNT", "America/St_Johns"},
                                  ShortId{"CST", "America/Chicago"},
                                  ShortId{"CTT", "Asia/Shanghai"},
                                  ShortId{"EAT", "Africa/Addis_Ababa"},
                                  ShortId{"ECT", "Europe/Paris"},
                                  ShortId{"EST", "-05:00"},
                                  ShortId{"HST", "-10:00"},
                                  ShortId{"IET", "America/Indiana/Indianapolis"},
                                  ShortId{"IST", "Asia/Kolkata"},
                                  ShortId{"JST", "Asia/Tokyo"},
                                  ShortId{"MIT", "Pacific/Apia"},
                                  ShortId{"MST", "-07:00"},
                                  ShortId{"NET", "Asia/Yerevan"},
                                  ShortId{"NST", "Pacific/Auckland"},
                                  ShortId{"PLT", "Asia/Karachi"},
                                  ShortId{"PNT", "America/Phoenix"},
                                  ShortId{"PRT", "America/Puerto_Rico"},
                                  ShortId{"PST", "America/Los_Angeles"},
                                  ShortId{"SST", "Pacific/Guadalcanal"},
                                  ShortId{"VST", "Asia/Ho_Chi_Minh"}};

bool IsSign(char c) { return c == '+' || c == '-'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Names that lie among the system's time zones but are none of Java's.
bool IsRegionName(std::string_view id) {
  if (id.size() < 2 || !IsLetter(id[0])) return false;
  if (id.find("..") != std::string_view::npos) return false;
  for (const std::string_view prefix : {"posix/", "right/", "Fixed/"}) {
    if (id.starts_with(prefix)) return false;
  }
  for (const std::string_view name : {"localtime", "posixrules", "Factory", "UTC0"}) {
    if (id == name) return false;
  }
  return std::all_of(id.begin(), id.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) ||
           std::string_view("~/._+-").find(c) != std::string_view::npos;
  });
}

std::unique_ptr<const TimeZone> MakeZone(std::string_view original) {
  std::string id = PadZoneOffset(original);
  for (const ShortId& short_id : kShortIds) {
    if (id == short_id.id) id = short_id.meaning;
  }
  if (id.size() <= 1 || IsSign(id[0])) {
    const std::optional<int32_t> offset = ParseZoneOffset(id);
    if (!offset) return nullptr;
    return std::make_unique<FixedZone>(ZoneOffsetId(*offset), *offset);
  }
  for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (!id.starts_with(prefix)) continue;
    if (id.size() == prefix.size()) return std::make_unique<FixedZone>(id, 0);
    if (!IsSign(id[prefix.size()])) break;  // a region such as GMT0
    const std::optional<int32_t> offset =
        ParseZoneOffset(std::string_view(id).substr(prefix.size()));
    if (!offset) return nullptr;
    std::string full(prefix);
    if (*offset != 0) full += ZoneOffsetId(*offset);
    return std::make_unique<FixedZone>(std::move(full), *offset);
  }
  absl::TimeZone zone;
  if (!IsRegionName(id) || !absl::LoadTimeZone(id, &zone)) return nullptr;
  return std::make_unique<RegionZone>(std::move(id), zone);
}

// Every zone ever asked for, by the id as given. Lives until the process ends.
class Registry {
 public:
  const TimeZone* Find(std::string_view id) {
    {
      const std::shared_lock lock(mutex_);
      const auto found = zones_.find(id);
      if (found != zones_.end()) return found->second.get();
    }
    std::unique_ptr<const TimeZone> zone = MakeZone(id);
    if (zone == nullptr) return nullptr;
    const std::unique_lock lock(mutex_);
    return zones_.try_emplace(std::string(id), std::move(zone)).first->second.get();
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<const TimeZone>, std::less<>>
      zones_;  // under mutex_
};

}  // namespace

std::string PadZoneOffset(std::string_view id) {
  std::string padded(id);
  for (size_t i = 0; i + 2 < padded.size(); ++i) {
    if (IsSign(padded[i]) && IsDigit(padded[i + 1]) && padded[i + 2] == ':') {
      padded.insert(i + 1, 1, '0');
      break;
    }
  }
  const size_t n = padded.size();
  if (n >= 5 && IsSign(padded[n - 5]) && IsDigit(padded[n - 4]) &&
      IsDigit(padded[n - 3]) && padded[n - 2] == ':' && IsDigit(padded[n - 1])) {
    padded.insert(n - 1, 1, '0');
  }
  return padded;
}

std::optional<int32_t> ParseZoneOffset(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() < 2 || text.size() > 9 || !IsSign(text[0])) return std::nullopt;
  // Six digits: hours, minutes, seconds.
  std::array<char, 6> digits;
  digits.fill('0');
  const bool colons = text.size() == 6 || text.size() == 9;
  size_t count = text.size() == 2 ? 1 : 0;  // an hour of one digit
  for (size_t i = 1; i < text.size(); ++i) {
    if (colons && i % 3 == 0) {
      if (text[i] != ':') return std::nullopt;
    } else if (IsDigit(text[i]) && count < digits.size()) {
      digits[count++] = text[i];
    } else {
      return std::nullopt;
    }
  }
  if (count % 2 != 0) return std::nullopt;
  const auto part = [&digits](size_t i) {
    return (digits[i] - '0') * 10 + digits[i + 1] - '0';
  };
  if (part(2) > 59 || part(4) > 59) return std::nullopt;
  const int32_t seconds = part(0) * 3600 + part(2) * 60 + part(4);
  if (seconds > kMaxOffset) return std::nullopt;
  return text[0] == '-' ? -seconds : seconds;
}

std::string ZoneOffsetId(int32_t offset) {
  if (offset == 0) return "Z";
  const int32_t seconds = offset < 0 ? -offset : offset;
  std::string id = fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', seconds / 3600,
                               seconds / 60 % 60);
  if (seconds % 60 != 0) id += fmt::format(":{:02}", seconds % 60);
  return id;
}

Result<const TimeZone*> TimeZone::Find(std::string_view id) {
  static Registry* const registry = new Registry();  // zones outlive all static objects
  if (const TimeZone* const zone = registry->Find(id)) return zone;
  return Error(Fault::kUser,
               "The timezone: {} is invalid. The timezone must be either a region-based "
               "zone ID or "
               "a zone offset. Region IDs must have the form 'area/city', such as "
               "'America/Los_Angeles'. Zone offsets must be in the format '(+|-)HH', "
               "'(+|-)HH:mm’ "
               "or '(+|-)HH:mm:ss', e.g '-08' , '+01:00' or '-13:33:33', and must be in "
               "the range "
               "from -18:00 to +18:00. 'Z' and 'UTC' are accepted as synonyms for "
               "'+00:00'.",
               id)
      .Class("INVALID_TIMEZONE", "22009")
      .Java("org.apache.spark.SparkDateTimeException")
      .Param("timeZone", std::string(id));
}

const TimeZone* TimeZone::Utc() {
  static const TimeZone* const utc = new FixedZone("UTC", 0);
  return utc;
}

}  // namespace millrace::data
