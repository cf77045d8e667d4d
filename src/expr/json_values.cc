// The part of JsonConverter that turns one token into a value.
#include <algorithm>
#include <cmath>
#include <limits>

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "data/show.h"
#include "data/time_text.h"
#include "expr/decimal.h"
#include "expr/json_chars.h"
#include "expr/json_converter.h"
#include "expr/json_number.h"

namespace millrace::expr {
namespace {

using Kind = JsonColumn::Kind;

// JSON's numbers with a name of their own, in a string.
std::optional<double> NanValue(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+INF" || text == "+Infinity" || text == "Infinity") return kInfinity;
  if (text == "-INF" || text == "-Infinity") return -kInfinity;
  return std::nullopt;
}

// "2000-01-01T00:00GMT+01:00" as Spark 1.x wrote it;
// DateTimeUtils.cleanLegacyTimestampStr.
std::string WithoutGmt(std::string_view text) {
  std::string cleaned(text);
  for (size_t at = cleaned.find("GMT"); at != std::string::npos;
       at = cleaned.find("GMT", at)) {
    cleaned.erase(at, 3);
  }
  return cleaned;
}

// The day whose date in the Gregorian calendar is the one that `days` has in the calendar
// of java.util.Date, the Julian one before 1582-10-15;
// RebaseDateTime.rebaseJulianToGregorianDays.
int64_t FromHybridCalendar(int64_t days) {
  constexpr int64_t kGregorianStart = -141427;
  if (days >= kGregorianStart) return days;
  const auto floor_div = [](int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  // Counted from March of the year -4800, four years at a time.
  const int64_t count = days + 2440588 + 32082;
  const int64_t year = floor_div(4 * count + 3, 1461);
  const int64_t day_of_year = count - floor_div(1461 * year, 4);
  const int64_t month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month + 2) / 5;
  return data::DaysFromCivil(year - 4800 + month / 10,
                             static_cast<int>(month < 10 ? month + 3 : month - 9), 1) +
         day;
}

// A date as Spark 1.5 wrote it: days since 1970-01-01.
std::optional<int32_t> ParseDays(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::optional<int64_t> days = ParseJsonLong(text);
  if (!days || *days != static_cast<int32_t>(*days)) return std::nullopt;
  return static_cast<int32_t>(FromHybridCalendar(*days));
}

}  // namespace

JsonOutcome JsonConverter::ReadText(JsonColumn& column, int64_t slot, JsonToken token) {
  if (token == JsonToken::kString) {
    if (!tokens_.FinishString()) return Fail();
    SetToken(column, slot);
    return JsonOutcome::kRead;
  }
  if (token == JsonToken::kEndArray || token == JsonToken::kEndObject) return Fail();
  if (exact_text_) {
    const char* const begin = tokens_.token_begin();
    if (!tokens_.SkipChildren()) return Fail();
    SetString(column, slot,
              std::string_view(begin, static_cast<size_t>(tokens_.position() - begin)));
    return JsonOutcome::kRead;
  }
  scratch_.clear();
  if (!CopyJsonValue(tokens_, /*escape_pairs=*/true, &scratch_)) return Fail();
  column.CopyText(slot, scratch_);
  return JsonOutcome::kRead;
}

void JsonConverter::SetString(JsonColumn& column, int64_t slot, std::string_view text) {
  column.SetText(slot, text, buffer_, offset_ + (text.data() - document_.data()));
}

void JsonConverter::SetToken(JsonColumn& column, int64_t slot) {
  if (tokens_.text_in_document()) {
    SetString(column, slot, tokens_.text());
  } else if (tokens_.text_has_surrogates()) {
    scratch_ = tokens_.text();
    ReplaceLoneSurrogates(&scratch_);
    column.CopyText(slot, scratch_);
  } else {
    column.CopyText(slot, tokens_.text());
  }
}

JsonOutcome JsonConverter::ReadInteger(JsonColumn& column, int64_t slot,
                                       JsonToken token) {
  if (token != JsonToken::kInt) return FailToken();
  const std::optional<int64_t> value = ParseJsonLong(tokens_.text());
  if (!value) return Fail();
  switch (column.kind()) {
    case Kind::kByte:  // Jackson takes unsigned bytes as well
      if (*value < -128 || *value > 255) return Fail();
      column.Set(slot, static_cast<int8_t>(*value));
      break;
    case Kind::kShort:
      if (*value != static_cast<int16_t>(*value)) return Fail();
      column.Set(slot, static_cast<int16_t>(*value));
      break;
    case Kind::kInt:
      if (*value != static_cast<int32_t>(*value)) return Fail();
      column.Set(slot, static_cast<int32_t>(*value));
      break;
    default:
      column.Set(slot, *value);
  }
  return JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadFloating(JsonColumn& column, int64_t slot,
                                        JsonToken token) {
  const bool is_float = column.kind() == Kind::kFloat;
  std::optional<double> special;
  if (token == JsonToken::kString) {
    if (!tokens_.FinishString() || tokens_.text().empty()) return Fail();
    if (options_.allow_non_numeric_numbers) special = NanValue(tokens_.text());
    if (!special) {
      problem_.kind = JsonProblem::Kind::kStringForNumber;
      if (fail_fast_) {
        problem_.field = tokens_.name();
        problem_.value = tokens_.text();
        problem_.type = column.type().get();
      }
      return JsonOutcome::kFailed;
    }
  } else if (token == JsonToken::kFloat && tokens_.is_nan()) {
    special = NanValue(tokens_.text());
  } else if (token != JsonToken::kInt && token != JsonToken::kFloat) {
    return Fail();
  }
  const auto set = [&](auto value) {
    // An integer has no -0.
    column.Set(slot, token == JsonToken::kInt && value == 0 ? 0 : value);
  };
  if (special) {
    is_float ? set(static_cast<float>(*special)) : set(*special);
  } else if (is_float) {
    set(ParseJsonFloat(tokens_.text()));
  } else {
    set(ParseJsonDouble(tokens_.text()));
  }
  return JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadDecimal(JsonColumn& column, int64_t slot,
                                       JsonToken token) {
  std::string_view text;
  if (token == JsonToken::kString) {
    if (!tokens_.FinishString() || tokens_.text().empty()) return Fail();
    scratch_ = tokens_.text();
    std::erase(scratch_, ',');  // grouping; ExprUtils.getDecimalParser
    text = scratch_;
  } else if (token == JsonToken::kInt ||
             (token == JsonToken::kFloat && !tokens_.is_nan())) {
    text = tokens_.text();
  } else {
    return Fail();
  }
  const std::optional<DecimalText> parsed = ParseDecimalText(text);
  if (!parsed) return Fail();
  const std::optional<arrow::Decimal128> value =
      RoundDecimalText(*parsed, DecimalShape::Of(*column.type()));
  if (!value) return Fail();
  column.Set(slot, value->ToBytes());
  return JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadTime(JsonColumn& column, int64_t slot, JsonToken token) {
  if (token == JsonToken::kInt && column.kind() == Kind::kTimestamp) {
    const std::optional<int64_t> seconds = ParseJsonLong(tokens_.text());
    if (!seconds) return Fail();
    // Java's multiplication wraps.
    column.Set(slot, static_cast<int64_t>(static_cast<uint64_t>(*seconds) * 1'000'000));
    return JsonOutcome::kRead;
  }
  if (token != JsonToken::kString || !tokens_.FinishString() || tokens_.text().empty() ||
      !SetTime(column, slot, tokens_.text())) {
    return Fail();
  }
  return JsonOutcome::kRead;
}

bool JsonConverter::SetTime(JsonColumn& column, int64_t slot, std::string_view text) {
  std::optional<int64_t> value;
  switch (column.kind()) {
    case Kind::kTimestamp:
      if (options_.timestamp_format != nullptr) {
        value = options_.timestamp_format->Parse(text, *options_.zone);
      } else {
        value = data::ParseTimestamp(text, *options_.zone, now_micros_);
        if (!value && text.find("GMT") != std::string_view::npos) {
          value = data::ParseTimestamp(WithoutGmt(text), *options_.zone, now_micros_);
        }
      }
      break;
    case Kind::kTimestampNtz:
      value = options_.timestamp_ntz_format != nullptr
                  ? options_.timestamp_ntz_format->ParseLocal(text)
                  : data::ParseTimestampNtz(text, /*allow_zone=*/false);
      break;
    default:
      if (options_.date_format != nullptr) {
        const std::optional<int64_t> local = options_.date_format->ParseLocal(text);
        if (local) {
          constexpr int64_t kMicrosPerDay = 86'400'000'000;
          const int64_t days =
              *local / kMicrosPerDay - (*local % kMicrosPerDay < 0 ? 1 : 0);
          value = days;
        }
      } else {
        value = data::ParseDate(text);
        if (!value && text.find("GMT") != std::string_view::npos) {
          value = data::ParseDate(WithoutGmt(text));
        }
        if (!value) value = ParseDays(text);
      }
      if (!value) return false;
      column.Set(slot, static_cast<int32_t>(*value));
      return true;
  }
  if (!value) return false;
  column.Set(slot, *value);
  return true;
}

// JsonGenerator.copyCurrentStructure. What was written so far tells where a comma
// belongs.
bool CopyJsonValue(JsonTokens& tokens, bool escape_pairs, std::string* out) {
  const size_t begin = out->size();
  const size_t depth = tokens.depth();
  const bool nested = tokens.current() == JsonToken::kStartObject ||
                      tokens.current() == JsonToken::kStartArray;
  JsonToken token = tokens.current();
  while (true) {
    const bool closes = token == JsonToken::kEndObject || token == JsonToken::kEndArray;
    if (out->size() > begin && !closes) {
      const char last = out->back();
      if (last != '{' && last != '[' && last != ':') out->push_back(',');
    }
    switch (token) {
      case JsonToken::kStartObject:
        out->push_back('{');
        break;
      case JsonToken::kStartArray:
        out->push_back('[');
        break;
      case JsonToken::kEndObject:
        out->push_back('}');
        break;
      case JsonToken::kEndArray:
        out->push_back(']');
        break;
      case JsonToken::kName:
        AppendJsonString(tokens.name(), escape_pairs, /*ascii=*/false, out);
        out->push_back(':');
        break;
      case JsonToken::kString:
        if (!tokens.FinishString()) return false;
        AppendJsonString(tokens.text(), escape_pairs, /*ascii=*/false, out);
        break;
      case JsonToken::kInt:
        out->append(tokens.text() == "-0" ? "0" : tokens.text());
        break;
      case JsonToken::kFloat: {
        const double value =
            tokens.is_nan() ? *NanValue(tokens.text()) : ParseJsonDouble(tokens.text());
        const bool quoted = !std::isfinite(value);
        if (quoted) out->push_back('"');
        data::AppendDouble(value, out);
        if (quoted) out->push_back('"');
        break;
      }
      case JsonToken::kTrue:
        out->append("true");
        break;
      case JsonToken::kFalse:
        out->append("false");
        break;
      case JsonToken::kNull:
        out->append("null");
        break;
      default:
        return false;
    }
    if (!nested || (closes && tokens.depth() < depth)) return true;
    token = tokens.Next();
  }
}

}  // namespace millrace::expr
