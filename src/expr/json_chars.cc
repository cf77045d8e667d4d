#include "expr/json_chars.h"

#include <algorithm>

namespace millrace::expr {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

bool Continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

bool IsBadSecondOf3(uint8_t first, uint8_t second) {
  return (first == 0xE0 && (second & 0xE0) == 0x80) || !Continues(second);
}

bool IsBadSecondOf4(uint8_t first, uint8_t second) {
  return (first == 0xF0 && second < 0x90) || (first == 0xF4 && (second & 0xF0) != 0x80) ||
         !Continues(second);
}

JavaChar Replace(int64_t bytes) { return {kReplacement, static_cast<int>(bytes)}; }

bool IsHighSurrogate(uint32_t code) { return code >= 0xD800 && code < 0xDC00; }
bool IsLowSurrogate(uint32_t code) { return code >= 0xDC00 && code < 0xE000; }

// The lone surrogate whose three bytes start at `p`, or 0.
uint32_t SurrogateAt(const char* p, const char* end) {
  if (end - p < 3 || static_cast<uint8_t>(p[0]) != 0xED) return 0;
  const uint8_t second = static_cast<uint8_t>(p[1]);
  if (second < 0xA0) return 0;
  return 0xD000U | (second & 0x3FU) << 6 | (static_cast<uint8_t>(p[2]) & 0x3FU);
}

void AppendEscape(uint32_t unit, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out->append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out->push_back(kHex[unit >> shift & 0xF]);
}

}  // namespace

// sun.nio.cs.UTF_8.Decoder; what is cut off by the end of the text is one replacement.
JavaChar DecodeJavaChar(const char* p, const char* end) {
  const int64_t left = end - p;
  const uint8_t first = static_cast<uint8_t>(p[0]);
  const auto byte = [p](int i) { return static_cast<uint8_t>(p[i]); };
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first < 0xE0) {
    if (left < 2 || !Continues(byte(1))) return Replace(1);
    return {(first & 0x1FU) << 6 | (byte(1) & 0x3FU), 2};
  }
  if (first >= 0xE0 && first < 0xF0) {
    if (left < 2) return Replace(left);
    if (IsBadSecondOf3(first, byte(1))) return Replace(1);
    if (left < 3) return Replace(left);
    if (!Continues(byte(2))) return Replace(2);
    const uint32_t code =
        (first & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
    if (code >= 0xD800 && code < 0xE000) return Replace(3);
    return {code, 3};
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (left < 2) return Replace(left);
    if (IsBadSecondOf4(first, byte(1))) return Replace(1);
    if (left < 3) return Replace(left);
    if (!Continues(byte(2))) return Replace(2);
    if (left < 4) return Replace(left);
    if (!Continues(byte(3))) return Replace(3);
    return {(first & 0x07U) << 18 | (byte(1) & 0x3FU) << 12 | (byte(2) & 0x3FU) << 6 |
                (byte(3) & 0x3FU),
            4};
  }
  return Replace(1);
}

bool IsValidUtf8(const char* p, const char* end) {
  while (p < end) {
    if (static_cast<uint8_t>(*p) < 0x80) {
      ++p;
      continue;
    }
    const JavaChar c = DecodeJavaChar(p, end);
    // A U+FFFD in the text itself takes three bytes, EF BF BD.
    if (c.code == kReplacement && static_cast<uint8_t>(*p) != 0xEF) return false;
    if (c.code == kReplacement && c.bytes != 3) return false;
    p += c.bytes;
  }
  return true;
}

void AppendJavaChar(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (IsLowSurrogate(code) && out->size() >= 3) {
    const char* const tail = out->data() + out->size() - 3;
    const uint32_t high = SurrogateAt(tail, out->data() + out->size());
    if (IsHighSurrogate(high)) {
      out->resize(out->size() - 3);
      code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
    }
  }
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3F));
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

void ReplaceLoneSurrogates(std::string* text) {
  size_t from = text->find('\xED');
  if (from == std::string::npos) return;
  const char* const end = text->data() + text->size();
  size_t to = from;
  while (from < text->size()) {
    if (SurrogateAt(text->data() + from, end) != 0) {
      (*text)[to++] = '?';
      from += 3;
    } else {
      (*text)[to++] = (*text)[from++];
    }
  }
  text->resize(to);
}

bool IsJavaIdentifierStart(uint32_t code) {
  if (code < 0x80) {
    return (code | 0x20) - 'a' < 26 || code == '_' || code == '$';
  }
  if (code < 0xC0) {
    return (code >= 0xA2 && code <= 0xA5) || code == 0xAA || code == 0xB5 || code == 0xBA;
  }
  return code != 0xD7 && code != 0xF7 && (code < 0x2000 || code > 0x206F) &&
         (code < 0x2190 || code > 0x2BFF) && (code < 0x3000 || code > 0x3004) &&
         (code < 0xD800 || code > 0xF8FF) && (code < 0xFFF0 || code > 0xFFFF);
}

bool IsJavaIdentifierPart(uint32_t code) {
  if (code < 0x80) {
    return IsJavaIdentifierStart(code) || code - '0' < 10 || code <= 0x08 ||
           (code >= 0x0E && code <= 0x1B) || code == 0x7F;
  }
  return code < 0xA0 || code == 0xAD || IsJavaIdentifierStart(code);
}

void AppendJsonString(std::string_view text, bool escape_pairs, bool ascii,
                      std::string* out) {
  out->push_back('"');
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    bool high = false;
    const char* const stop = FindStringEnd(p, end, &high);
    if (!high || (!escape_pairs && !ascii)) {
      out->append(p, stop);
    } else {
      while (p < stop) {
        const uint32_t lone = SurrogateAt(p, stop);
        const JavaChar c = lone != 0 ? JavaChar{lone, 3} : DecodeJavaChar(p, stop);
        if (c.code > 0xFFFF) {
          AppendEscape(0xD800 + ((c.code - 0x10000) >> 10), out);
          AppendEscape(0xDC00 + ((c.code - 0x10000) & 0x3FF), out);
        } else if (lone != 0 || (ascii && c.code >= 0x80)) {
          AppendEscape(c.code, out);
        } else {
          out->append(p, static_cast<size_t>(c.bytes));
        }
        p += c.bytes;
      }
    }
    p = stop;
    if (p == end) break;
    switch (const uint8_t c = static_cast<uint8_t>(*p++)) {
      case '"':
        out->append("\\\"");
        break;
      case '\\':
        out->append("\\\\");
        break;
      case '\b':
        out->append("\\b");
        break;
      case '\t':
        out->append("\\t");
        break;
      case '\n':
        out->append("\\n");
        break;
      case '\f':
        out->append("\\f");
        break;
      case '\r':
        out->append("\\r");
        break;
      default:
        AppendEscape(c, out);
    }
  }
  out->push_back('"');
}

}  // namespace millrace::expr
