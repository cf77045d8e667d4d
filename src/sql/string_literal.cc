#include "sql/string_literal.h"

#include <cstdint>
#include <optional>

namespace millrace::sql {
namespace {

void AppendUtf8(uint32_t code, std::string* out) {
  const auto byte = [out](uint32_t value) { out->push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

class Unescaper {
 public:
  explicit Unescaper(std::string_view text) : text_(text) {}

  std::string Run(char quote) {
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) {
        ++at_;  // a doubled quote is one quote
        out += c;
      } else if (c != '\\' || at_ == text_.size()) {
        out += c;
      } else {
        Escape(&out);
      }
    }
    return out;
  }

 private:
  // The next `count` digits of a base; nothing where they are not there.
  std::optional<uint32_t> Digits(size_t begin, size_t count, uint32_t base) const {
    if (begin + count > text_.size()) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = begin; i < begin + count; ++i) {
      const char c = text_[i];
      uint32_t digit = 99;
      if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
      if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
      if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
      if (digit >= base) return std::nullopt;
      value = value * base + digit;
    }
    return value;
  }

  void Escape(std::string* out) {
    const char c = text_[at_];
    if (c == 'u') {
      if (std::optional<uint32_t> code = Digits(at_ + 1, 4, 16)) {
        at_ += 5;
        // A pair of surrogates, as Java writes characters beyond 16 bits.
        if (*code >= 0xD800 && *code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
          const std::optional<uint32_t> low = Digits(at_ + 2, 4, 16);
          if (low && *low >= 0xDC00 && *low < 0xE000) {
            at_ += 6;
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
          }
        }
        const bool surrogate = *code >= 0xD800 && *code < 0xE000;
        AppendUtf8(surrogate ? '?' : *code, out);
        return;
      }
    } else if (c == 'U') {
      const std::optional<uint32_t> code = Digits(at_ + 1, 8, 16);
      if (code && *code <= 0x10FFFF && (*code < 0xD800 || *code >= 0xE000)) {
        at_ += 9;
        AppendUtf8(*code, out);
        return;
      }
    } else if (c == '0' || c == '1') {
      if (const std::optional<uint32_t> code = Digits(at_, 3, 8)) {
        at_ += 3;
        AppendUtf8(*code, out);
        return;
      }
    }
    ++at_;
    switch (c) {
      case '0':
        out->push_back('\0');
        break;
      case 'b':
        out->push_back('\b');
        break;
      case 'n':
        out->push_back('\n');
        break;
      case 'r':
        out->push_back('\r');
        break;
      case 't':
        out->push_back('\t');
        break;
      case 'Z':
        out->push_back('\x1A');
        break;
      case '%':
      case '_':  // LIKE wants to see that these were escaped
        out->push_back('\\');
        out->push_back(c);
        break;
      default:
        out->push_back(c);
    }
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string UnescapeString(std::string_view quoted) {
  const bool raw = quoted.front() == 'r' || quoted.front() == 'R';
  if (raw) return std::string(quoted.substr(2, quoted.size() - 3));
  return Unescaper(quoted.substr(1, quoted.size() - 2)).Run(quoted.front());
}

std::string UnescapeName(std::string_view quoted) {
  std::string name;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '`') ++i;
    name += quoted[i];
  }
  return name;
}

}  // namespace millrace::sql
