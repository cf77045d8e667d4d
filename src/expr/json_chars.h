// Characters of JSON text the way Java decodes and classifies them: UTF-8 with U+FFFD for
// what is malformed, and where a string ends.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace millrace::expr {

/// One code point and how many bytes it took.
struct JavaChar {
  uint32_t code;
  int bytes;
};

/// The code point at `p` < `end`. Malformed bytes give U+FFFD, as many of them per
/// replacement as java.io.InputStreamReader takes.
JavaChar DecodeJavaChar(const char* p, const char* end);

/// Whether DecodeJavaChar would replace nothing.
bool IsValidUtf8(const char* p, const char* end);

/// Appends a code point; a lone surrogate takes the three bytes UTF-8 would give it, and
/// two that make a pair are joined.
void AppendJavaChar(uint32_t code, std::string* out);

/// Puts "?" for the lone surrogates that AppendJavaChar wrote, as Java's encoder does.
void ReplaceLoneSurrogates(std::string* text);

/// Character.isJavaIdentifierStart and isJavaIdentifierPart, exact for ASCII; of the rest
/// all but punctuation and spaces count.
bool IsJavaIdentifierStart(uint32_t code);
bool IsJavaIdentifierPart(uint32_t code);

/// Appends `text` between quotes. Lone surrogates and, if `escape_pairs`, all characters
/// beyond U+FFFF become \uXXXX (Jackson's UTF8JsonGenerator); if `ascii` all beyond
/// U+007F do.
void AppendJsonString(std::string_view text, bool escape_pairs, bool ascii,
                      std::string* out);

/// The first quote, backslash or control character, or `end`. Sets `*high` if a byte
/// before it is not ASCII.
inline const char* FindStringEnd(const char* p, const char* end, bool* high) {
  *high = false;
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  const char* const begin = p;
  while (p < end) {
    // The last bytes are read together with some before them.
    const int64_t known = end - p >= 16 ? 0 : 16 - (end - p);
    if (p - begin < known) break;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p - known));
    const __m128i stop = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const uint32_t stops = static_cast<uint32_t>(_mm_movemask_epi8(stop)) >> known;
    const uint32_t highs = static_cast<uint32_t>(_mm_movemask_epi8(bytes)) >> known;
    if (stops != 0) {
      const int at = std::countr_zero(stops);
      *high |= (highs & ((1U << at) - 1)) != 0;
      return p + at;
    }
    *high |= highs != 0;
    p += 16 - known;
  }
#endif
  for (; p < end; ++p) {
    const uint8_t c = static_cast<uint8_t>(*p);
    if (c == '"' || c == '\\' || c < 0x20) break;
    *high |= c >= 0x80;
  }
  return p;
}

}  // namespace millrace::expr
