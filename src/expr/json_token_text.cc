// The part of JsonTokens that reads names and strings.
#include <algorithm>

#include "expr/json_chars.h"
#include "expr/json_tokens.h"

namespace millrace::expr {
namespace {

constexpr int64_t kMaxNameLength = 50'000;  // StreamReadConstraints.DEFAULT_MAX_NAME_LEN

// How many UTF-16 units a text has.
int64_t Utf16Length(std::string_view text) {
  int64_t units = 0;
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    units += (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

bool IsLongerThan(std::string_view text, int64_t limit) {
  return static_cast<int64_t>(text.size()) > limit && Utf16Length(text) > limit;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = (c | 0x20) - 'a';
  return letter >= 0 && letter < 6 ? 10 + letter : -1;
}

// Of an unquoted name: CharTypes.getInputCodeLatin1JsNames.
bool IsNameChar(uint32_t code) {
  if (code == '@' || code == '#' || code == '*' || code == '-' || code == '+')
    return true;
  return code > ' ' && code <= 0xFFFF && IsJavaIdentifierPart(code);
}

constexpr int kBase64End = -1;
constexpr int kBase64Padding = -2;
constexpr int kBase64Blank = -3;
constexpr int kBase64Bad = -4;

int Base64Value(uint32_t c) {
  if (c - 'A' < 26) return static_cast<int>(c - 'A');
  if (c - 'a' < 26) return static_cast<int>(c - 'a' + 26);
  if (c - '0' < 10) return static_cast<int>(c - '0' + 52);
  if (c == '+') return 62;
  if (c == '/') return 63;
  return c == '=' ? kBase64Padding : kBase64Bad;
}

}  // namespace

bool JsonTokens::ReadName() {
  bool high = false;
  const char* const stop = FindStringEnd(p_, end_, &high);
  if (stop == end_ || *stop != '"' || (high && !IsValidUtf8(p_, stop))) {
    return CopyName('"');
  }
  Scope& scope = scopes_[depth_];
  const std::string_view name(p_, static_cast<size_t>(stop - p_));
  p_ = stop + 1;
  if (IsLongerThan(name, kMaxNameLength)) return false;
  scope.name = name;
  scope.name_copied = false;
  scope.has_name = true;
  return true;
}

bool JsonTokens::ReadOddName(int c) {
  if (c == '\'' && syntax_.single_quotes) return CopyName('\'');
  if (!syntax_.unquoted_names || !IsNameChar(static_cast<uint32_t>(c))) return false;
  Scope& scope = scopes_[depth_];
  scratch_.clear();
  AppendJavaChar(static_cast<uint32_t>(c), &scratch_);
  while (p_ < end_) {
    const JavaChar next = DecodeJavaChar(p_, end_);
    if (!IsNameChar(next.code)) break;
    AppendJavaChar(next.code, &scratch_);
    p_ += next.bytes;
  }
  if (IsLongerThan(scratch_, kMaxNameLength)) return false;
  scope.name_copy = scratch_;
  scope.name_copied = true;
  scope.has_name = true;
  return true;
}

// The scope keeps its old name where there is an error.
bool JsonTokens::CopyName(char quote) {
  scratch_.clear();
  if (!CopyChars(quote, &scratch_) || IsLongerThan(scratch_, kMaxNameLength))
    return false;
  Scope& scope = scopes_[depth_];
  scope.name_copy = scratch_;
  scope.name_copied = true;
  scope.has_name = true;
  return true;
}

bool JsonTokens::FinishString() {
  if (incomplete_) {
    incomplete_ = false;
    bool high = false;
    const char* const stop = FindStringEnd(p_, end_, &high);
    if (stop < end_ && *stop == '"' && (!high || IsValidUtf8(p_, stop))) {
      text_ = std::string_view(p_, static_cast<size_t>(stop - p_));
      text_in_document_ = true;
      text_has_surrogates_ = false;
      p_ = stop + 1;
    } else {
      scratch_.clear();
      if (!CopyChars('"', &scratch_)) return false;
      UseScratch();
    }
  }
  return !IsLongerThan(text_, syntax_.max_string_length);
}

bool JsonTokens::ReadSingleQuoted() {
  scratch_.clear();
  if (!CopyChars('\'', &scratch_)) return false;
  UseScratch();
  return true;
}

void JsonTokens::UseScratch() {
  text_ = scratch_;
  text_in_document_ = false;
  text_has_surrogates_ = scratch_.find('\xED') != std::string::npos;
}

bool JsonTokens::SkipString() {
  incomplete_ = false;
  while (true) {
    bool high = false;
    const char* const stop = FindStringEnd(p_, end_, &high);
    if (high && syntax_.strict_utf8 && !IsValidUtf8(p_, stop)) return false;
    p_ = stop;
    if (p_ == end_) return false;
    const char c = *p_++;
    if (c == '"') return true;
    if (c == '\\') {
      uint32_t code = 0;
      if (!ReadEscape(&code)) return false;
    } else if (!syntax_.control_chars) {
      return false;
    }
  }
}

bool JsonTokens::CopyChars(char quote, std::string* out) {
  while (p_ < end_) {
    const char c = *p_;
    const uint8_t byte = static_cast<uint8_t>(c);
    if (c == quote) {
      ++p_;
      return true;
    }
    if (c == '\\') {
      ++p_;
      uint32_t code = 0;
      if (!ReadEscape(&code)) return false;
      AppendJavaChar(code, out);
    } else if (byte < 0x80) {
      ++p_;
      if (byte < ' ' && !syntax_.control_chars) return false;
      out->push_back(c);
    } else {
      const JavaChar decoded = DecodeJavaChar(p_, end_);
      if (syntax_.strict_utf8 && !IsValidUtf8(p_, p_ + decoded.bytes)) return false;
      p_ += decoded.bytes;
      AppendJavaChar(decoded.code, out);
    }
  }
  return false;
}

bool JsonTokens::ReadEscape(uint32_t* code) {
  if (p_ == end_) return false;
  const char c = *p_++;
  switch (c) {
    case 'b':
      *code = '\b';
      return true;
    case 't':
      *code = '\t';
      return true;
    case 'n':
      *code = '\n';
      return true;
    case 'f':
      *code = '\f';
      return true;
    case 'r':
      *code = '\r';
      return true;
    case '"':
    case '/':
    case '\\':
      *code = static_cast<uint32_t>(c);
      return true;
    case 'u':
      break;
    default: {
      --p_;
      const JavaChar other = DecodeJavaChar(p_, end_);
      p_ += other.bytes;
      *code = other.code;
      return syntax_.any_escape || (c == '\'' && syntax_.single_quotes);
    }
  }
  *code = 0;
  for (int i = 0; i < 4; ++i) {
    if (p_ == end_) return false;
    const int digit = HexDigit(*p_);
    if (digit < 0) {
      Take();
      return false;
    }
    ++p_;
    *code = *code << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

// The value of the next character of a group of four. `index` is its place in the group.
int JsonTokens::NextBase64(bool raw, const char** text, int index) {
  const char* const end = raw ? end_ : text_.data() + text_.size();
  const char** const at = raw ? &p_ : text;
  while (true) {
    if (*at == end) return raw || index > 0 ? kBase64Bad : kBase64End;
    const uint8_t c = static_cast<uint8_t>(*(*at)++);
    if (index == 0 && c <= ' ') continue;
    const int value = Base64Value(c);
    if (value >= 0) return value;
    if (raw && c == '"') return index == 1 ? kBase64Bad : kBase64End;
    if (raw && c == '\\') {
      uint32_t code = 0;
      if (!ReadEscape(&code)) return kBase64Bad;
      if (code <= ' ' && index == 0) return kBase64Blank;
      const int escaped = Base64Value(code);
      return escaped == kBase64Padding && index < 2 ? kBase64Bad : escaped;
    }
    return value == kBase64Padding && index >= 2 ? value : kBase64Bad;
  }
}

// Base64Variants.MIME_NO_LINEFEEDS, padding required. After an error inside the quotes
// the string stays unread from there on, as Jackson leaves it.
bool JsonTokens::ReadBase64(std::string* out) {
  const bool raw = incomplete_;
  const char* text = text_.data();
  while (true) {
    const int first = NextBase64(raw, &text, 0);
    if (first == kBase64Blank) continue;
    if (first == kBase64End) {
      incomplete_ = false;
      return true;
    }
    if (first < 0) return false;
    const int second = NextBase64(raw, &text, 1);
    if (second < 0) return false;
    const uint32_t bits =
        static_cast<uint32_t>(first) << 6 | static_cast<uint32_t>(second);
    const int third = NextBase64(raw, &text, 2);
    if (third == kBase64Padding) {
      if (NextBase64(raw, &text, 3) != kBase64Padding) return false;
      out->push_back(static_cast<char>(bits >> 4));
      continue;
    }
    if (third == kBase64End && raw) --p_;  // before the quote that came too early
    if (third < 0) return false;
    const uint32_t more = bits << 6 | static_cast<uint32_t>(third);
    const int fourth = NextBase64(raw, &text, 3);
    if (fourth == kBase64Padding) {
      out->push_back(static_cast<char>(more >> 10));
      out->push_back(static_cast<char>(more >> 2));
      continue;
    }
    if (fourth == kBase64End && raw) --p_;
    if (fourth < 0) return false;
    const uint32_t group = more << 6 | static_cast<uint32_t>(fourth);
    out->push_back(static_cast<char>(group >> 16));
    out->push_back(static_cast<char>(group >> 8));
    out->push_back(static_cast<char>(group));
  }
}

}  // namespace millrace::expr
