// Characters of UTF-8 text: Spark counts code points, and takes each byte that begins
// none of them for a part of the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::expr {

inline bool IsContinuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
}

inline int64_t CountCharacters(std::string_view text) {
  int64_t count = 0;
  for (const char byte : text) count += IsContinuation(byte) ? 0 : 1;
  return count;
}

/// The byte position `characters` after byte position `at`, at most the end.
inline size_t SkipCharacters(std::string_view text, size_t at, int64_t characters) {
  while (characters > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && IsContinuation(text[at])) ++at;
    --characters;
  }
  return at;
}

inline bool IsAscii(std::string_view text) {
  uint8_t bits = 0;
  for (const char byte : text) bits |= static_cast<uint8_t>(byte);
  return bits < 0x80;
}

/// The code point at byte `*at`, which moves past it; what is not UTF-8 gives U+FFFD.
char32_t NextCodePoint(std::string_view text, size_t* at);
void AppendCodePoint(char32_t code, std::string* out);

/// Unicode's full case mappings without locale, but lower case knows the final sigma.
void AppendUpper(std::string_view text, std::string* out);
void AppendLower(std::string_view text, std::string* out);
/// The first letter of each word between spaces in title case, the others in lower case.
void AppendTitle(std::string_view text, std::string* out);

}  // namespace millrace::expr
