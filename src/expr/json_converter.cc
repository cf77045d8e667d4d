#include "expr/json_converter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "data/show.h"
#include "data/time_text.h"
#include "expr/decimal.h"
#include "expr/json_chars.h"
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

// "2000-01-01T00:00GMT+01:00" as Spark 1.x wrote it; DateTimeUtils.cleanLegacyTimestampStr.
std::string WithoutGmt(std::string_view text) {
  std::string cleaned(text);
  for (size_t at = cleaned.find("GMT"); at != std::string::npos;
       at = cleaned.find("GMT", at)) {
    cleaned.erase(at, 3);
  }
  return cleaned;
}

// The day whose date in the Gregorian calendar is the one that `days` has in the calendar of
// java.util.Date, the Julian one before 1582-10-15; RebaseDateTime.rebaseJulianToGregorianDays.
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

JsonSyntax SyntaxOf(const JsonReadOptions& options) {
  return {.comments = options.allow_comments,
          .unquoted_names = options.allow_unquoted_field_names,
          .single_quotes = options.allow_single_quotes,
          .leading_zeros = options.allow_numeric_leading_zeros,
          .non_numeric_numbers = options.allow_non_numeric_numbers,
          .any_escape = options.allow_backslash_escaping_any_character,
          .control_chars = options.allow_unquoted_control_chars,
          .strict_utf8 = false,
          .max_depth = options.max_nesting_depth,
          .max_number_length = options.max_number_length,
          .max_string_length = options.max_string_length};
}

namespace {
JsonSyntax SyntaxOf(const JsonReadOptions& options, bool strict_utf8) {
  JsonSyntax syntax = SyntaxOf(options);
  syntax.strict_utf8 = strict_utf8;
  return syntax;
}
}  // namespace

JsonConverter::JsonConverter(const JsonReadOptions& options, bool exact_text)
    : options_(options),
      exact_text_(exact_text),
      fail_fast_(options.mode == ParseMode::kFailFast),
      max_taken_string_(static_cast<size_t>(std::max<int64_t>(options.max_string_length, 0))),
      max_taken_number_(std::min(options.max_number_length, 64)),
      tokens_(SyntaxOf(options, exact_text)) {}

void JsonConverter::SetDocument(std::string_view document, int32_t buffer, int64_t offset,
                                int64_t now_micros) {
  document_ = document;
  buffer_ = buffer;
  offset_ = offset;
  now_micros_ = now_micros;
  at_object_ = tokens_.ResetToObject(document);
  if (!at_object_) tokens_.Reset(document);
}

JsonOutcome JsonConverter::ReadValue(JsonColumn& column, int64_t slot) {
  const JsonToken token = FirstToken();
  if (token == JsonToken::kNone) return JsonOutcome::kEmpty;
  return ReadRoot(column, slot, token);
}

JsonOutcome JsonConverter::ReadRoot(JsonColumn& column, int64_t slot, JsonToken token) {
  switch (column.kind()) {
    case Kind::kStruct:
      if (token == JsonToken::kStartObject) return ReadStruct(column, slot);
      if (token == JsonToken::kStartArray) {
        problem_.kind = JsonProblem::Kind::kArrayForStruct;
        return JsonOutcome::kFailed;
      }
      return Fail();
    case Kind::kArray: {
      if (token == JsonToken::kStartArray) return ReadArray(column, slot);
      JsonColumn& element = *column.children()[0];
      if (token != JsonToken::kStartObject || element.kind() != Kind::kStruct) return Fail();
      // An object where an array of structs is wanted is its only element.
      const int64_t begin = column.elements()->Add();
      const JsonOutcome outcome = ReadStruct(element, begin);
      if (outcome != JsonOutcome::kFailed) {
        column.Set(slot, JsonRange{static_cast<int32_t>(begin), 1});
      }
      return outcome;
    }
    default: return token == JsonToken::kStartObject ? ReadMap(column, slot) : Fail();
  }
}

JsonOutcome JsonConverter::ReadRows(JsonColumn& column, JsonSlots& slots) {
  const JsonToken token = FirstToken();
  if (token == JsonToken::kNone) return JsonOutcome::kEmpty;
  const int64_t begin = slots.size();
  if (token != JsonToken::kStartArray) {
    const JsonOutcome outcome = ReadRoot(column, slots.Add(), token);
    if (outcome == JsonOutcome::kFailed) slots.Truncate(begin);
    return outcome;
  }
  bool partial = false;
  while (true) {
    const JsonToken next = tokens_.Next();
    if (next == JsonToken::kEndArray || next == JsonToken::kNone) break;
    JsonOutcome outcome = JsonOutcome::kFailed;
    if (next == JsonToken::kStartObject) outcome = ReadStruct(column, slots.Add());
    if (outcome == JsonOutcome::kFailed) {
      slots.Truncate(begin);
      return Fail();
    }
    partial |= outcome == JsonOutcome::kPartial;
  }
  return partial ? JsonOutcome::kPartial : JsonOutcome::kRead;
}

// A value under a name or in an array; the current token is that name or the value's first.
JsonOutcome JsonConverter::ReadField(JsonColumn& column, int64_t slot) {
  JsonToken token = tokens_.current();
  if (token == JsonToken::kName) {
    token = tokens_.Next();
    if (token == JsonToken::kError) return Fail();
  }
  if (token == JsonToken::kNone || token == JsonToken::kNull) {
    column.SetNull(slot);
    return JsonOutcome::kRead;
  }
  switch (column.kind()) {
    case Kind::kBoolean:
      if (token != JsonToken::kTrue && token != JsonToken::kFalse) return FailToken();
      column.Set(slot, static_cast<uint8_t>(token == JsonToken::kTrue));
      return JsonOutcome::kRead;
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInt:
    case Kind::kLong: return ReadInteger(column, slot, token);
    case Kind::kFloat:
    case Kind::kDouble: return ReadFloating(column, slot, token);
    case Kind::kDecimal: return ReadDecimal(column, slot, token);
    case Kind::kString: return ReadText(column, slot, token);
    case Kind::kBinary:
      scratch_.clear();
      if (token != JsonToken::kString || !tokens_.ReadBase64(&scratch_)) return Fail();
      column.CopyText(slot, scratch_);
      return JsonOutcome::kRead;
    case Kind::kDate:
    case Kind::kTimestamp:
    case Kind::kTimestampNtz: return ReadTime(column, slot, token);
    case Kind::kNull: return JsonOutcome::kRead;
    case Kind::kStruct:
      return token == JsonToken::kStartObject ? ReadObject(column, slot) : FailToken();
    case Kind::kArray:
      return token == JsonToken::kStartArray ? ReadArray(column, slot) : FailToken();
    case Kind::kMap:
      return token == JsonToken::kStartObject ? ReadMap(column, slot) : FailToken();
  }
  return Fail();
}

// Spark looks at a string's length before it gives up, so the string is read.
JsonOutcome JsonConverter::FailToken() {
  if (tokens_.current() == JsonToken::kString) (void)tokens_.FinishString();
  return Fail();
}

JsonOutcome JsonConverter::Partial(std::unique_ptr<JsonProblem> first) {
  if (first != nullptr) problem_ = std::move(*first);
  return JsonOutcome::kPartial;
}

// A nested object. Where it cannot be read the slot keeps what it had.
JsonOutcome JsonConverter::ReadObject(JsonColumn& column, int64_t slot) {
  if (!column.valid(slot)) {
    const JsonOutcome outcome = ReadStruct(column, slot);
    if (outcome == JsonOutcome::kFailed) column.ClearFields(slot);
    return outcome;
  }
  const size_t mark = saved_.size();
  column.Save(slot, &saved_);
  column.SetNull(slot);
  const JsonOutcome outcome = ReadStruct(column, slot);
  if (outcome == JsonOutcome::kFailed) {
    size_t next = mark;
    column.Restore(slot, saved_, &next);
  }
  saved_.resize(mark);
  return outcome;
}

// JacksonParser.convertObject.
JsonOutcome JsonConverter::ReadStruct(JsonColumn& column, int64_t slot) {
  bool partial = false;
  std::unique_ptr<JsonProblem> first;
  size_t place = 0;
  while (!TakeFields(column, slot, &place)) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError) return Fail();
    if (token == JsonToken::kEndObject || token == JsonToken::kNone) break;
    const int index = tokens_.has_name() ? column.FindField(tokens_.name()) : -1;
    JsonColumn* const field =
        index < 0 ? nullptr : column.children()[static_cast<size_t>(index)].get();
    if (token == JsonToken::kName) Learn(column.layout(), place++, field);
    JsonOutcome outcome = JsonOutcome::kRead;
    if (field != nullptr) {
      outcome = ReadField(*field, slot);
      if (outcome != JsonOutcome::kRead) {
        Note(&first);
        partial = true;
      }
    }
    if ((field == nullptr || outcome == JsonOutcome::kFailed) && !tokens_.SkipChildren()) {
      return Fail();
    }
  }
  column.SetValid(slot);
  return partial ? Partial(std::move(first)) : JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadArray(JsonColumn& column, int64_t slot) {
  const int64_t begin = column.elements()->size();
  const JsonOutcome outcome = ReadElements(column);
  if (outcome == JsonOutcome::kFailed) {
    column.elements()->Truncate(begin);
  } else {
    column.Set(slot, JsonRange{static_cast<int32_t>(begin),
                               static_cast<int32_t>(column.elements()->size() - begin)});
  }
  return outcome;
}

// JacksonParser.convertArray: an element that cannot be read takes the array with it.
JsonOutcome JsonConverter::ReadElements(JsonColumn& column) {
  JsonColumn& element = *column.children()[0];
  bool partial = false;
  std::unique_ptr<JsonProblem> first;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError) return Fail();
    if (token == JsonToken::kEndArray || token == JsonToken::kNone) break;
    const JsonOutcome outcome = ReadField(element, column.elements()->Add());
    if (outcome == JsonOutcome::kFailed) return outcome;
    if (outcome == JsonOutcome::kPartial) {
      Note(&first);
      partial = true;
    }
  }
  return partial ? Partial(std::move(first)) : JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadMap(JsonColumn& column, int64_t slot) {
  const int64_t begin = column.elements()->size();
  const JsonOutcome outcome = ReadEntries(column);
  if (outcome == JsonOutcome::kFailed) {
    column.elements()->Truncate(begin);
  } else {
    column.Set(slot, JsonRange{static_cast<int32_t>(begin),
                               static_cast<int32_t>(column.elements()->size() - begin)});
  }
  return outcome;
}

// JacksonParser.convertMap: all entries are read, but one that cannot be read takes the map with
// it, as there are more keys than values then.
JsonOutcome JsonConverter::ReadEntries(JsonColumn& column) {
  JsonColumn& key = *column.children()[0];
  JsonColumn& value = *column.children()[1];
  bool failed = false;
  bool partial = false;
  std::unique_ptr<JsonProblem> first;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError) return Fail();
    if (token == JsonToken::kEndObject || token == JsonToken::kNone) break;
    const int64_t entry = column.elements()->Add();
    scratch_ = tokens_.name();
    ReplaceLoneSurrogates(&scratch_);
    key.CopyText(entry, scratch_);
    const JsonOutcome outcome = ReadField(value, entry);
    if (outcome == JsonOutcome::kFailed) {
      failed = true;
      if (!tokens_.SkipChildren()) return Fail();
    } else if (outcome == JsonOutcome::kPartial) {
      Note(&first);
      partial = true;
    }
  }
  if (failed) return Fail();
  return partial ? Partial(std::move(first)) : JsonOutcome::kRead;
}

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

JsonOutcome JsonConverter::ReadInteger(JsonColumn& column, int64_t slot, JsonToken token) {
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
    default: column.Set(slot, *value);
  }
  return JsonOutcome::kRead;
}

JsonOutcome JsonConverter::ReadFloating(JsonColumn& column, int64_t slot, JsonToken token) {
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

JsonOutcome JsonConverter::ReadDecimal(JsonColumn& column, int64_t slot, JsonToken token) {
  std::string_view text;
  if (token == JsonToken::kString) {
    if (!tokens_.FinishString() || tokens_.text().empty()) return Fail();
    scratch_ = tokens_.text();
    std::erase(scratch_, ',');  // grouping; ExprUtils.getDecimalParser
    text = scratch_;
  } else if (token == JsonToken::kInt || (token == JsonToken::kFloat && !tokens_.is_nan())) {
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
          const int64_t days = *local / kMicrosPerDay - (*local % kMicrosPerDay < 0 ? 1 : 0);
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

// JsonGenerator.copyCurrentStructure. What was written so far tells where a comma belongs.
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
      case JsonToken::kStartObject: out->push_back('{'); break;
      case JsonToken::kStartArray: out->push_back('['); break;
      case JsonToken::kEndObject: out->push_back('}'); break;
      case JsonToken::kEndArray: out->push_back(']'); break;
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
      case JsonToken::kTrue: out->append("true"); break;
      case JsonToken::kFalse: out->append("false"); break;
      case JsonToken::kNull: out->append("null"); break;
      default: return false;
    }
    if (!nested || (closes && tokens.depth() < depth)) return true;
    token = tokens.Next();
  }
}

}  // namespace millrace::expr
