// The part of JsonConverter that reads the fields of objects that look like the one
// before: they are compared with what is expected next, and plain values are read without
// becoming tokens. Whatever is not plain is left to JsonTokens, before anything of that
// field was taken.
#include "expr/json_chars.h"
#include "expr/json_converter.h"
#include "expr/json_number.h"

namespace millrace::expr {
namespace {

using Kind = JsonColumn::Kind;

// Whether `p` starts with the field's name and colon.
inline bool StartsWith(const char* p, const char* end, const JsonLayout::Field& field) {
#ifdef __SSE2__
  if (end - p >= static_cast<int64_t>(JsonLayout::kMaxText)) {
    const auto equal_bits = [&](size_t at) {
      const __m128i found = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + at));
      const __m128i wanted =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(field.text + at));
      return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(found, wanted)));
    };
    uint32_t equal = equal_bits(0);
    if (field.size > 16) equal |= equal_bits(16) << 16;
    return field.size > 0 && std::countr_one(equal) >= static_cast<int>(field.size);
  }
#endif
  return field.size > 0 && end - p >= static_cast<int64_t>(field.size) &&
         std::memcmp(p, field.text, field.size) == 0;
}

// Whether a literal has ended, so that Jackson does not look at what follows.
inline bool EndsWord(const char* p, const char* end) {
  return p < end && (*p == ',' || *p == '}' || *p == ' ');
}

inline bool IsWord(const char* p, const char* end, std::string_view word) {
  return end - p > static_cast<int64_t>(word.size()) &&
         std::memcmp(p, word.data(), word.size()) == 0 && EndsWord(p + word.size(), end);
}

}  // namespace

// Notes which field came at a place. Names with escapes or of great length are not
// expected.
void JsonConverter::Learn(JsonLayout& layout, size_t at, JsonColumn* column) const {
  if (at >= JsonLayout::kMaxFields) return;
  if (at >= layout.fields.size()) layout.fields.resize(at + 1);
  JsonLayout::Field& field = layout.fields[at];
  field.size = 0;
  const std::string_view name = tokens_.name();
  bool high = false;
  if (name.size() + 3 > JsonLayout::kMaxText ||
      FindStringEnd(name.data(), name.data() + name.size(), &high) !=
          name.data() + name.size() ||
      high) {
    return;
  }
  field.text[0] = '"';
  std::memcpy(field.text + 1, name.data(), name.size());
  std::memcpy(field.text + 1 + name.size(), "\":", 2);
  field.size = static_cast<uint32_t>(name.size()) + 3;
  field.column = column;
}

// Whether the object has ended.
bool JsonConverter::TakeFields(JsonColumn& object, int64_t slot, size_t* next) {
  if (!tokens_.at_field_boundary()) return false;
  const std::vector<JsonLayout::Field>& fields = object.layout().fields;
  const char* const end = tokens_.end();
  const char* taken = tokens_.position();
  bool comma = tokens_.after_field();
  size_t place = *next;
  int count = 0;
  while (true) {
    const char* p = taken;
    if (p == end) break;
    if (*p == '}') {
      tokens_.EndObject(p + 1);
      return true;
    }
    if (comma) {
      if (*p != ',') break;
      ++p;
      if (p < end && *p == ' ') ++p;
    }
    // The field expected here, or the one behind it if an optional one is missing.
    size_t found = place;
    if (found >= fields.size() || !StartsWith(p, end, fields[found])) {
      ++found;
      if (found >= fields.size() || !StartsWith(p, end, fields[found])) break;
    }
    p += fields[found].size;
    if (p < end && *p == ' ') ++p;
    p = TakeValue(fields[found].column, slot, p, end);
    if (p == nullptr) break;
    taken = p;
    comma = true;
    ++count;
    place = found + 1;
  }
  if (count > 0) tokens_.SkipTo(taken, count);
  *next = place;
  return false;
}

const char* JsonConverter::TakeString(const char* p, const char* end,
                                      std::string_view* text) const {
  if (p == end || *p != '"') return nullptr;
  const char* const begin = ++p;
  bool high = false;
  p = FindStringEnd(p, end, &high);
  if (p == end || *p != '"' || (high && !IsValidUtf8(begin, p))) return nullptr;
  *text = std::string_view(begin, static_cast<size_t>(p - begin));
  return text->size() <= max_taken_string_ ? p + 1 : nullptr;
}

// Gives the value's end, or null without having changed anything.
const char* JsonConverter::TakeValue(JsonColumn* column, int64_t slot, const char* p,
                                     const char* end) {
  if (p == end) return nullptr;
  std::string_view text;
  if (*p == 'n') {
    if (!IsWord(p, end, "null")) return nullptr;
    if (column != nullptr) column->SetNull(slot);
    return p + 4;
  }
  if (column == nullptr) {
    switch (*p) {
      case '"':
        return TakeString(p, end, &text);
      case 't':
        return IsWord(p, end, "true") ? p + 4 : nullptr;
      case 'f':
        return IsWord(p, end, "false") ? p + 5 : nullptr;
      default:
        return TakeNumber(nullptr, slot, p, end);
    }
  }
  switch (column->kind()) {
    case Kind::kString:
      p = TakeString(p, end, &text);
      if (p != nullptr) SetString(*column, slot, text);
      return p;
    case Kind::kTimestamp:
    case Kind::kTimestampNtz:
    case Kind::kDate:
      p = TakeString(p, end, &text);
      return p != nullptr && !text.empty() && SetTime(*column, slot, text) ? p : nullptr;
    case Kind::kBoolean: {
      const bool value = IsWord(p, end, "true");
      if (!value && !IsWord(p, end, "false")) return nullptr;
      column->Set(slot, static_cast<uint8_t>(value));
      return p + (value ? 4 : 5);
    }
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kDouble:
      return TakeNumber(column, slot, p, end);
    default:
      return nullptr;
  }
}

const char* JsonConverter::TakeNumber(JsonColumn* column, int64_t slot, const char* p,
                                      const char* end) {
  JsonNumber number;
  const char* const stop = ScanJsonNumber(p, end, &number);
  if (stop == nullptr || stop - p > max_taken_number_) return nullptr;
  if (column == nullptr) return stop;
  const bool is_integer = number.fraction_digits == 0 && !number.has_exponent;
  if (column->kind() == Kind::kDouble) {
    if (is_integer && number.mantissa == 0) number.negative = false;
    column->Set(slot, JsonNumberToDouble(
                          number, std::string_view(p, static_cast<size_t>(stop - p))));
    return stop;
  }
  if (!is_integer || number.digits > 18) return nullptr;
  int64_t value = static_cast<int64_t>(number.mantissa);
  if (number.negative) value = -value;
  switch (column->kind()) {
    case Kind::kByte:
      if (value < -128 || value > 255) return nullptr;
      column->Set(slot, static_cast<int8_t>(value));
      break;
    case Kind::kShort:
      if (value != static_cast<int16_t>(value)) return nullptr;
      column->Set(slot, static_cast<int16_t>(value));
      break;
    case Kind::kInt:
      if (value != static_cast<int32_t>(value)) return nullptr;
      column->Set(slot, static_cast<int32_t>(value));
      break;
    default:
      column->Set(slot, value);
  }
  return stop;
}

}  // namespace millrace::expr
