#include "expr/json_converter.h"

#include <algorithm>

#include "expr/json_chars.h"

namespace millrace::expr {
namespace {
using Kind = JsonColumn::Kind;
}  // namespace

JsonSyntax SyntaxOf(const JsonReadOptions& options, bool strict_utf8) {
  return {.comments = options.allow_comments,
          .unquoted_names = options.allow_unquoted_field_names,
          .single_quotes = options.allow_single_quotes,
          .leading_zeros = options.allow_numeric_leading_zeros,
          .non_numeric_numbers = options.allow_non_numeric_numbers,
          .any_escape = options.allow_backslash_escaping_any_character,
          .control_chars = options.allow_unquoted_control_chars,
          .strict_utf8 = strict_utf8,
          .max_depth = options.max_nesting_depth,
          .max_number_length = options.max_number_length,
          .max_string_length = options.max_string_length};
}

JsonConverter::JsonConverter(const JsonReadOptions& options, bool exact_text)
    : options_(options),
      exact_text_(exact_text),
      fail_fast_(options.mode == ParseMode::kFailFast),
      max_taken_string_(
          static_cast<size_t>(std::max<int64_t>(options.max_string_length, 0))),
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
      if (token != JsonToken::kStartObject || element.kind() != Kind::kStruct)
        return Fail();
      // An object where an array of structs is wanted is its only element.
      const int64_t begin = column.elements()->Add();
      const JsonOutcome outcome = ReadStruct(element, begin);
      if (outcome != JsonOutcome::kFailed) {
        column.Set(slot, JsonRange{static_cast<int32_t>(begin), 1});
      }
      return outcome;
    }
    default:
      return token == JsonToken::kStartObject ? ReadMap(column, slot) : Fail();
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

// A value under a name or in an array; the current token is that name or the value's
// first.
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
    case Kind::kLong:
      return ReadInteger(column, slot, token);
    case Kind::kFloat:
    case Kind::kDouble:
      return ReadFloating(column, slot, token);
    case Kind::kDecimal:
      return ReadDecimal(column, slot, token);
    case Kind::kString:
      return ReadText(column, slot, token);
    case Kind::kBinary:
      scratch_.clear();
      if (token != JsonToken::kString || !tokens_.ReadBase64(&scratch_)) return Fail();
      column.CopyText(slot, scratch_);
      return JsonOutcome::kRead;
    case Kind::kDate:
    case Kind::kTimestamp:
    case Kind::kTimestampNtz:
      return ReadTime(column, slot, token);
    case Kind::kNull:
      return JsonOutcome::kRead;
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
    if ((field == nullptr || outcome == JsonOutcome::kFailed) &&
        !tokens_.SkipChildren()) {
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

// JacksonParser.convertMap: all entries are read, but one that cannot be read takes the
// map with it, as there are more keys than values then.
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

}  // namespace millrace::expr
