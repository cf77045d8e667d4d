// Compiles time patterns: java.time.format.DateTimeFormatterBuilder.appendPattern behind
// Spark's DateTimeFormatterHelper.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "data/time_pattern_items.h"
#include "data/time_text.h"

namespace millrace::data {
namespace {

constexpr std::string_view kGuide =
    "https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Contains(std::string_view set, char c) {
  return set.find(c) != std::string_view::npos;
}

// Whether Spark 2's SimpleDateFormat would have taken the pattern.
bool IsLegacyPattern(std::string_view pattern) {
  bool quoted = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\'') quoted = !quoted;
    if (quoted || !IsLetter(pattern[i])) continue;
    if (!Contains("GyMLdkHmsSEDFwWahKzZYuX", pattern[i])) return false;
    if (pattern.substr(i).starts_with("XXXX")) return false;
  }
  return !quoted;
}

// Why a pattern is refused where Spark 2 did not know it either.
enum class Refusal { kWeekBased, kIllegalCharacter, kLength, kUnknown };

Error Refuse(std::string_view pattern, Refusal refusal, std::string_view detail = "") {
  if (IsLegacyPattern(pattern)) {
    return Error(Fault::kUser,
                 "You may get a different result due to the upgrading to Spark >= 3.0:\n"
                 "Fail to recognize '{0}' pattern in the DateTimeFormatter.\n"
                 "1) You can set \"spark.sql.legacy.timeParserPolicy\" to \"LEGACY\" to "
                 "restore the "
                 "behavior before Spark 3.0.\n"
                 "2) You can form a valid datetime pattern with the guide from '{1}'.",
                 pattern, kGuide)
        .Class("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
               "42K0B")
        .Java("org.apache.spark.SparkUpgradeException")
        .Param("pattern", fmt::format("'{}'", pattern))
        .Param("config", "\"spark.sql.legacy.timeParserPolicy\"")
        .Param("docroot", "https://spark.apache.org/docs/latest");
  }
  switch (refusal) {
    case Refusal::kWeekBased:
      return Error(
                 Fault::kUser,
                 "You may get a different result due to the upgrading to Spark >= 3.0:\n"
                 "All week-based patterns are unsupported since Spark 3.0, detected "
                 "week-based "
                 "character: {}.\nPlease use the SQL function EXTRACT instead.",
                 detail)
          .Class("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
                 "42K0B")
          .Java(kIllegalArgumentException)
          .Param("c", std::string(detail));
    case Refusal::kIllegalCharacter:
      return Error(Fault::kUser,
                   "Unrecognized datetime pattern: {}. Illegal pattern character found "
                   "in datetime "
                   "pattern: {}. Please provide legal character.",
                   pattern, detail)
          .Class("INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", "22007")
          .Java(kIllegalArgumentException)
          .Param("c", std::string(detail))
          .Param("pattern", std::string(pattern));
    case Refusal::kLength:
      return Error(Fault::kUser,
                   "Unrecognized datetime pattern: {0}. Too many letters in datetime "
                   "pattern: {0}. "
                   "Please reduce pattern length.",
                   pattern)
          .Class("INVALID_DATETIME_PATTERN.LENGTH", "22007")
          .Java(kIllegalArgumentException)
          .Param("pattern", std::string(pattern));
    case Refusal::kUnknown:
      break;
  }
  return Error(Fault::kUser,
               "Unrecognized datetime pattern: '{}'. You can form a valid datetime "
               "pattern with the "
               "guide from '{}'.",
               pattern, kGuide)
      .Class("INVALID_DATETIME_PATTERN.WITH_SUGGESTION", "22007")
      .Java(kSparkRuntimeException)
      .Param("pattern", fmt::format("'{}'", pattern))
      .Param("docroot", "https://spark.apache.org/docs/latest");
}

class Compiler {
 public:
  Compiler(std::string_view pattern, PatternUse use) : pattern_(pattern), use_(use) {}

  Result<std::vector<PatternItem>> Run();

 private:
  Status Screen();
  Status Quoted(size_t* at);
  bool Letter(char letter, int count);

  bool Number(TimeField field, int count, int max_count);
  bool Year(int count);
  bool NumberOrText(TimeField field, int count);
  bool Text(TimeField field, int count);
  bool OffsetX(int count, std::string_view zero_hour, std::string_view zero,
               std::string_view zero_with_colon);
  bool OffsetZ(int count);

  void Append(PatternItem item) {
    items_.push_back(std::move(item));
    adjacent_ = kNone;
  }
  void AppendLiteral(char c) {
    Append({.kind = PatternItem::kLiteral, .text = std::string(1, c)});
  }
  void AppendNumber(PatternItem item);

  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  const std::string_view pattern_;
  const PatternUse use_;
  bool has_era_ = false;
  std::vector<PatternItem> items_;
  std::vector<size_t> open_;  // optional sections begun and not ended
  // The number that numbers appended next stand right behind; DateTimeFormatterBuilder's
  // valueParserIndex.
  size_t adjacent_ = kNone;
};

// Spark's own refusals, before Java sees the pattern: convertIncompatiblePattern.
Status Compiler::Screen() {
  bool quoted = false;
  for (size_t i = 0; i < pattern_.size(); ++i) {
    const char c = pattern_[i];
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    has_era_ = has_era_ || c == 'G';
    if (Contains("YWwuec", c))
      return Refuse(pattern_, Refusal::kWeekBased, pattern_.substr(i, 1));
    const bool illegal =
        Contains("ABnNp", c) || (use_ == PatternUse::kParse && Contains("EFqQ", c));
    if (illegal)
      return Refuse(pattern_, Refusal::kIllegalCharacter, pattern_.substr(i, 1));
    size_t count = 1;
    while (i + count < pattern_.size() && pattern_[i + count] == c) ++count;
    if ((Contains("GMLEQq", c) && count >= 5) || (c == 'y' && count >= 7)) {
      return Refuse(pattern_, Refusal::kLength);
    }
  }
  return Status::OK();
}

// What the letters of FormatPattern and ParsePattern mean is java.time's documentation of
// DateTimeFormatterBuilder.appendPattern.
bool Compiler::Letter(char letter, int count) {
  using enum TimeField;
  switch (letter) {
    case 'G':
      return Text(kEra, count);
    case 'y':
      return Year(count);
    case 'M':
    case 'L':
      return NumberOrText(kMonth, count);
    case 'Q':
    case 'q':
      return NumberOrText(kQuarter, count);
    case 'd':
      return Number(kDay, count, 2);
    case 'D':
      return Number(kDayOfYear, count, 3);
    case 'F':
      return Number(kWeekOfMonth, count, 1);
    case 'E':
      return Text(kDayOfWeek, std::max(count, 3));
    case 'a':
      return count == 1 && Text(kAmPm, count);
    case 'H':
      return Number(kHour, count, 2);
    case 'k':
      return Number(kClockHour, count, 2);
    case 'K':
      return Number(kHalfHour, count, 2);
    case 'h':
      return Number(kClockHalfHour, count, 2);
    case 'm':
      return Number(kMinute, count, 2);
    case 's':
      return Number(kSecond, count, 2);
    case 'S': {
      if (count > 9) return false;
      PatternItem item{.kind = PatternItem::kFraction, .max_width = count};
      // Only a fraction of one digit has a fixed width for the number before it.
      if (count == 1) {
        AppendNumber(std::move(item));
      } else {
        Append(std::move(item));
      }
      return true;
    }
    case 'V':
      if (count != 2) return false;
      Append({.kind = PatternItem::kZoneId});
      return true;
    case 'z':
      if (count > 4) return false;
      Append({.kind = PatternItem::kZoneName, .full = count == 4});
      return true;
    case 'O':
      if (count != 1 && count != 4) return false;
      Append({.kind = PatternItem::kLocalOffset, .full = count == 4});
      return true;
    case 'X':
      return OffsetX(count, "Z", "Z", "Z");
    case 'x':
      return OffsetX(count, "+00", "+0000", "+00:00");
    case 'Z':
      return OffsetZ(count);
    default:
      return false;
  }
}

// A number of fixed width right behind another is sure of its digits: that one leaves
// them over.
void Compiler::AppendNumber(PatternItem item) {
  if (adjacent_ == kNone) {
    items_.push_back(std::move(item));
    adjacent_ = items_.size() - 1;
    return;
  }
  const bool fraction = item.kind == PatternItem::kFraction;
  if (fraction || (item.min_width == item.max_width && item.sign == SignStyle::kNever)) {
    items_[adjacent_].subsequent_width += item.max_width;
    items_.push_back(std::move(item));
  } else {
    items_.push_back(std::move(item));
    adjacent_ = items_.size() - 1;
  }
}

bool Compiler::Number(TimeField field, int count, int max_count) {
  if (count > max_count) return false;
  PatternItem item{.kind = PatternItem::kNumber, .field = field};
  if (count == 1) {
    item.sign = SignStyle::kNormal;
  } else {
    item.min_width = count;
    item.max_width = max_count;
  }
  AppendNumber(std::move(item));
  return true;
}

bool Compiler::Year(int count) {
  const TimeField field = has_era_ ? TimeField::kYearOfEra : TimeField::kYear;
  if (count == 2) {
    AppendNumber({.kind = PatternItem::kReducedYear,
                  .field = field,
                  .min_width = 2,
                  .max_width = 2});
    return true;
  }
  AppendNumber({.kind = PatternItem::kNumber,
                .field = field,
                .sign = count < 4 ? SignStyle::kNormal : SignStyle::kExceedsPad,
                .min_width = count});
  return true;
}

bool Compiler::NumberOrText(TimeField field, int count) {
  return count <= 2 ? Number(field, count, 2) : Text(field, count);
}

bool Compiler::Text(TimeField field, int count) {
  if (count > 4) return false;
  Append({.kind = PatternItem::kText, .field = field, .full = count == 4});
  return true;
}

bool Compiler::OffsetX(int count, std::string_view zero_hour, std::string_view zero,
                       std::string_view zero_with_colon) {
  if (count > 5) return false;
  const bool colons = count == 3 || count == 5;
  Append(
      {.kind = PatternItem::kOffset,
       .layout = {.colons = colons, .minutes_required = count > 1, .seconds = count >= 4},
       .text = std::string(count == 1 ? zero_hour
                           : colons   ? zero_with_colon
                                      : zero)});
  return true;
}

bool Compiler::OffsetZ(int count) {
  if (count > 5) return false;
  if (count == 4) {
    Append({.kind = PatternItem::kLocalOffset, .full = true});
  } else {
    Append({.kind = PatternItem::kOffset,
            .layout = {.colons = count == 5, .seconds = count == 5},
            .text = count == 5 ? "Z" : "+0000"});
  }
  return true;
}

// From the quote at *at to the one that ends it.
Status Compiler::Quoted(size_t* at) {
  std::string text;
  for (size_t i = *at + 1; i < pattern_.size(); ++i) {
    if (pattern_[i] != '\'') {
      text += pattern_[i];
    } else if (i + 1 < pattern_.size() && pattern_[i + 1] == '\'') {
      text += '\'';
      ++i;
    } else {
      *at = i + 1;
      if (text.empty()) text += '\'';  // two quotes are one
      Append({.kind = PatternItem::kLiteral, .text = std::move(text)});
      return Status::OK();
    }
  }
  return Refuse(pattern_, Refusal::kUnknown);
}

Result<std::vector<PatternItem>> Compiler::Run() {
  MILLRACE_RETURN_IF_ERROR(Screen());
  for (size_t i = 0; i < pattern_.size();) {
    const char c = pattern_[i];
    if (c == '\'') {
      MILLRACE_RETURN_IF_ERROR(Quoted(&i));
      continue;
    }
    if (IsLetter(c)) {
      size_t count = 1;
      while (i + count < pattern_.size() && pattern_[i + count] == c) ++count;
      if (!Letter(c, static_cast<int>(count))) return Refuse(pattern_, Refusal::kUnknown);
      i += count;
      continue;
    }
    ++i;
    if (c == '[') {
      Append({.kind = PatternItem::kOptionalBegin});
      open_.push_back(items_.size() - 1);
    } else if (c == ']') {
      if (open_.empty()) return Refuse(pattern_, Refusal::kUnknown);
      items_[open_.back()].end = items_.size();
      open_.pop_back();
      Append({.kind = PatternItem::kOptionalEnd});
    } else if (c == '{' || c == '}' || c == '#') {
      return Refuse(pattern_, Refusal::kUnknown);
    } else {
      AppendLiteral(c);
    }
  }
  for (; !open_.empty(); open_.pop_back()) {  // sections may stay open to the end
    items_[open_.back()].end = items_.size();
    Append({.kind = PatternItem::kOptionalEnd});
  }
  return std::move(items_);
}

class CompiledPattern final : public TimePattern {
 public:
  explicit CompiledPattern(std::vector<PatternItem> items) : items_(std::move(items)) {}

  void Format(int64_t utc_micros, const TimeZone& zone, std::string* out) const override {
    FormatPattern(items_, utc_micros, zone, out);
  }

  std::optional<int64_t> Parse(std::string_view text,
                               const TimeZone& zone) const override {
    const std::optional<ParsedTime> parsed = ParsePattern(items_, text);
    if (!parsed) return std::nullopt;
    if (parsed->offset)
      return Micros(parsed->local_seconds - *parsed->offset, parsed->micros);
    const std::optional<int64_t> local = Micros(parsed->local_seconds, parsed->micros);
    if (!local) return std::nullopt;
    return (parsed->zone != nullptr ? *parsed->zone : zone).ToUtc(*local);
  }

  std::optional<int64_t> ParseLocal(std::string_view text) const override {
    const std::optional<ParsedTime> parsed = ParsePattern(items_, text);
    return parsed ? Micros(parsed->local_seconds, parsed->micros) : std::nullopt;
  }

 private:
  static std::optional<int64_t> Micros(int64_t seconds, int32_t micros) {
    int64_t total = 0;
    if (__builtin_mul_overflow(seconds, int64_t{1'000'000}, &total) ||
        __builtin_add_overflow(total, micros, &total)) {
      return std::nullopt;
    }
    return total;
  }

  const std::vector<PatternItem> items_;
};

}  // namespace

Result<std::shared_ptr<const TimePattern>> TimePattern::Compile(std::string_view pattern,
                                                                PatternUse use) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<PatternItem> items, Compiler(pattern, use).Run());
  return std::shared_ptr<const TimePattern>(
      std::make_shared<const CompiledPattern>(std::move(items)));
}

}  // namespace millrace::data
