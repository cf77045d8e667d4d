#include "expr/json_tokens.h"

#include "expr/json_chars.h"

namespace millrace::expr {
namespace {

constexpr size_t kMaxErrorToken =
    256;  // ErrorReportConfiguration.DEFAULT_MAX_ERROR_TOKEN_LENGTH

bool IsDigit(char c) { return static_cast<uint8_t>(c - '0') < 10; }

}  // namespace

void JsonTokens::Reset(std::string_view text) {
  begin_ = p_ = text.data();
  end_ = begin_ + text.size();
  current_ = JsonToken::kNone;
  after_name_ = JsonToken::kNone;
  incomplete_ = false;
  depth_ = 0;
  scopes_[0].index = -1;
}

bool JsonTokens::ResetToObject(std::string_view text) {
  if (!text.starts_with('{') || syntax_.max_depth < 1) return false;
  Reset(text);
  token_begin_ = p_++;
  scopes_[0].index = 0;
  Push(Scope::kObject);
  Set(JsonToken::kStartObject);
  return true;
}

std::string_view JsonTokens::name() const {
  // A start token belongs to the field of the scope outside.
  const bool starts =
      current_ == JsonToken::kStartObject || current_ == JsonToken::kStartArray;
  const Scope& scope = scopes_[starts && depth_ > 0 ? depth_ - 1 : depth_];
  if (!scope.has_name) return {};
  return scope.name_copied ? std::string_view(scope.name_copy) : scope.name;
}

bool JsonTokens::has_name() const {
  const bool starts =
      current_ == JsonToken::kStartObject || current_ == JsonToken::kStartArray;
  return scopes_[starts && depth_ > 0 ? depth_ - 1 : depth_].has_name;
}

JsonToken JsonTokens::Next() {
  if (current_ == JsonToken::kName) return NextAfterName();
  if (incomplete_ && !SkipString()) return JsonToken::kError;
  int c = NextOrEnd();
  if (c == kEnd) return depth_ == 0 ? Set(JsonToken::kNone) : JsonToken::kError;
  if (c == kBad) return JsonToken::kError;
  if (c == ']' || c == '}') return Close(c);

  Scope& scope = scopes_[depth_];
  if (++scope.index > 0 && scope.kind != Scope::kRoot) {
    if (c != ',') return JsonToken::kError;
    c = Next(/*end_is_bad=*/true);
    if (c == kBad) return JsonToken::kError;
  }
  const bool in_object = scope.kind == Scope::kObject;
  if (in_object) {
    if (!(c == '"' ? ReadName() : ReadOddName(c))) return JsonToken::kError;
    Set(JsonToken::kName);
    c = NextAfterColon();
    if (c == kBad) return JsonToken::kError;
  }

  token_begin_ = p_ - 1;
  JsonToken token = JsonToken::kError;
  switch (c) {
    case '"':
      incomplete_ = true;
      token = JsonToken::kString;
      break;
    case '[':
      if (!in_object && !Push(Scope::kArray)) return JsonToken::kError;
      token = JsonToken::kStartArray;
      break;
    case '{':
      if (!in_object && !Push(Scope::kObject)) return JsonToken::kError;
      token = JsonToken::kStartObject;
      break;
    case '}':
      break;
    case 't':
      token = Match("true", 1) ? JsonToken::kTrue : JsonToken::kError;
      break;
    case 'f':
      token = Match("false", 1) ? JsonToken::kFalse : JsonToken::kError;
      break;
    case 'n':
      token = Match("null", 1) ? JsonToken::kNull : JsonToken::kError;
      break;
    case '-':
      token = ReadNumber(/*negative=*/true);
      break;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
      token = ReadNumber(/*negative=*/false);
      break;
    default:
      token = ReadOddValue(c);
  }
  if (token == JsonToken::kError) return token;
  if (in_object) {
    after_name_ = token;
    return current_;
  }
  return Set(token);
}

JsonToken JsonTokens::NextAfterName() {
  const JsonToken token = after_name_;
  after_name_ = JsonToken::kNone;
  if (token == JsonToken::kStartArray && !Push(Scope::kArray)) return JsonToken::kError;
  if (token == JsonToken::kStartObject && !Push(Scope::kObject)) return JsonToken::kError;
  return Set(token);
}

bool JsonTokens::Push(Scope::Kind kind) {
  if (++depth_ == scopes_.size()) scopes_.emplace_back();
  Scope& scope = scopes_[depth_];
  scope.kind = kind;
  scope.has_name = false;
  scope.index = -1;
  return depth_ <= static_cast<size_t>(syntax_.max_depth);
}

JsonToken JsonTokens::Close(int c) {
  const Scope::Kind kind = c == ']' ? Scope::kArray : Scope::kObject;
  if (scopes_[depth_].kind != kind) return JsonToken::kError;
  --depth_;
  return Set(c == ']' ? JsonToken::kEndArray : JsonToken::kEndObject);
}

bool JsonTokens::SkipChildren() {
  if (current_ != JsonToken::kStartObject && current_ != JsonToken::kStartArray)
    return true;
  for (int open = 1; open > 0;) {
    switch (Next()) {
      case JsonToken::kStartObject:
      case JsonToken::kStartArray:
        ++open;
        break;
      case JsonToken::kEndObject:
      case JsonToken::kEndArray:
        --open;
        break;
      case JsonToken::kNone:
        return depth_ == 0;
      case JsonToken::kError:
        return false;
      default:
        break;
    }
  }
  return true;
}

// Takes one UTF-16 unit: of a character beyond U+FFFF first one half, then the other,
// since Jackson goes on after an error in between.
int JsonTokens::Take() {
  const uint8_t first = static_cast<uint8_t>(*p_);
  if (first < 0x80) {
    ++p_;
    return first;
  }
  if ((first & 0xC0) == 0x80 && p_ - begin_ >= 2 &&
      static_cast<uint8_t>(p_[-2]) >= 0xF0) {
    const JavaChar c = DecodeJavaChar(p_ - 2, end_);
    if (c.bytes == 4) {
      p_ += 2;
      return static_cast<int>(0xDC00 + ((c.code - 0x10000) & 0x3FF));
    }
  }
  const JavaChar c = DecodeJavaChar(p_, end_);
  if (c.bytes == 4) {
    p_ += 2;
    return static_cast<int>(0xD800 + ((c.code - 0x10000) >> 10));
  }
  p_ += c.bytes;
  return static_cast<int>(c.code);
}

int JsonTokens::Next(bool end_is_bad) {
  while (p_ < end_) {
    const uint8_t c = static_cast<uint8_t>(*p_);
    if (c > ' ') {
      if (c != '/') return Take();
      ++p_;
      if (!SkipComment()) return kBad;
      continue;
    }
    ++p_;
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return kBad;
  }
  return end_is_bad ? kBad : kEnd;
}

int JsonTokens::NextAfterColon() {
  if (p_ < end_ && *p_ == ':') {
    ++p_;
  } else if (Next(/*end_is_bad=*/true) != ':') {
    return kBad;
  }
  const int c = NextOrEnd();
  return c == kEnd ? kBad : c;
}

bool JsonTokens::SkipComment() {
  if (!syntax_.comments || p_ >= end_) return false;
  const int kind = Take();
  if (kind == '/') {
    while (p_ < end_) {
      const uint8_t c = static_cast<uint8_t>(*p_++);
      if (c == '\n' || c == '\r') return true;
      if (c < ' ' && c != '\t') return false;
    }
    return true;
  }
  if (kind != '*') return false;
  while (p_ < end_) {
    const uint8_t c = static_cast<uint8_t>(*p_++);
    if (c == '*' && p_ < end_ && *p_ == '/') {
      ++p_;
      return true;
    }
    if (c < ' ' && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return false;
}

JsonToken JsonTokens::ReadNumber(bool negative) {
  const char* const start = p_ - 1;
  const char* q = negative ? p_ : start;
  is_nan_ = false;
  text_in_document_ = true;
  text_has_surrogates_ = false;
  if (q == end_) return JsonToken::kError;
  if (!IsDigit(*q)) {
    const int c = Take();
    return c == '.' ? JsonToken::kError : ReadOddNumber(c, negative);
  }
  const char* digits = q;
  const bool zero = *q == '0';
  if (zero && q + 1 < end_ && IsDigit(q[1])) {
    p_ = q + 1;
    if (!syntax_.leading_zeros) return JsonToken::kError;
    while (q + 1 < end_ && *q == '0' && IsDigit(q[1])) ++q;
    digits = q;
  }
  while (q < end_ && IsDigit(*q)) ++q;
  int64_t length = q - digits;
  int parts = 1;
  p_ = q;
  // After an error Jackson has read on if the number starts with 0 or meets the end of
  // the text.
  const auto bad = [&] {
    if (zero && q < end_) {
      p_ = q;
      Take();
    } else if (q == end_) {
      p_ = end_;
    }
    return JsonToken::kError;
  };
  if (q < end_ && *q == '.') {
    ++parts;
    p_ = ++q;
    const char* const fraction = q;
    while (q < end_ && IsDigit(*q)) ++q;
    if (q == fraction) return bad();
    length += q - fraction;
  }
  if (q < end_ && (*q | 0x20) == 'e') {
    ++q;
    if (parts == 1) p_ = q;
    ++parts;
    if (q < end_ && (*q == '+' || *q == '-')) ++q;
    const char* const exponent = q;
    while (q < end_ && IsDigit(*q)) ++q;
    if (q == exponent) return bad();
    length += q - exponent;
  }
  p_ = q;
  if (depth_ == 0 && !CheckRootSpace()) return JsonToken::kError;
  const bool is_float = parts > 1;
  // Jackson counts -1 for a missing fraction or exponent of such a number.
  if (is_float && (zero || q == end_)) length -= 3 - parts;
  if (length > syntax_.max_number_length) return JsonToken::kError;
  const char* const text = negative ? digits - 1 : digits;
  if (negative && digits - start != 1) {  // leading zeros left out
    scratch_.clear();
    scratch_.push_back('-');
    scratch_.append(digits, q);
    UseScratch();
  } else {
    text_ = std::string_view(text, static_cast<size_t>(q - text));
  }
  return is_float ? JsonToken::kFloat : JsonToken::kInt;
}

// Values at the root must be followed by a blank.
bool JsonTokens::CheckRootSpace() {
  if (p_ == end_ || *p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r') return true;
  Take();
  return false;
}

JsonToken JsonTokens::ReadOddValue(int c) {
  switch (c) {
    case '\'':
      if (!syntax_.single_quotes) return JsonToken::kError;
      return ReadSingleQuoted() ? JsonToken::kString : JsonToken::kError;
    case 'N':
      return ReadNan("NaN", 1);
    case 'I':
      return ReadNan("Infinity", 1);
    case '+':
      return p_ < end_ ? ReadOddNumber(Take(), false) : JsonToken::kError;
    default:
      break;
  }
  if (IsJavaIdentifierStart(static_cast<uint32_t>(c))) BadToken(1);
  return JsonToken::kError;
}

JsonToken JsonTokens::ReadOddNumber(int c, bool negative) {
  if (c == 'I' && p_ < end_) {
    c = Take();
    if (c == 'N') return ReadNan(negative ? "-INF" : "+INF", 3);
    if (c == 'n') return ReadNan(negative ? "-Infinity" : "+Infinity", 3);
  }
  return JsonToken::kError;
}

JsonToken JsonTokens::ReadNan(std::string_view word, size_t matched) {
  if (!Match(word, matched) || !syntax_.non_numeric_numbers) return JsonToken::kError;
  is_nan_ = true;
  text_ = word;
  text_in_document_ = false;
  text_has_surrogates_ = false;
  return JsonToken::kFloat;
}

bool JsonTokens::Match(std::string_view word, size_t matched) {
  for (; matched < word.size(); ++matched, ++p_) {
    if (p_ == end_ || *p_ != word[matched]) return BadToken(matched);
  }
  if (p_ == end_) return true;
  const uint8_t c = static_cast<uint8_t>(*p_);
  if (c < '0' || c == ']' || c == '}') return true;
  const uint32_t code = DecodeJavaChar(p_, end_).code;
  return code > 0xFFFF || !IsJavaIdentifierPart(code) || BadToken(matched);
}

// Takes the rest of what looks like a word. False. UTF8StreamJsonParser, which reads
// files, takes the character behind it as well.
bool JsonTokens::BadToken(size_t matched) {
  for (; p_ < end_ && matched < kMaxErrorToken; ++matched) {
    const JavaChar c = DecodeJavaChar(p_, end_);
    const bool is_part = c.code <= 0xFFFF && IsJavaIdentifierPart(c.code);
    if (is_part || syntax_.strict_utf8) p_ += c.bytes;
    if (!is_part) break;
  }
  return false;
}

}  // namespace millrace::expr
