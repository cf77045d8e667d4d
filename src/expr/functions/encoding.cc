// Text and binaries in other notations, and digests of them.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

Status IllegalArgument(Text message) {
  return Error(Fault::kData, "{}", message).Java(kIllegalArgumentException);
}

// --- hexadecimal

constexpr Text kUpperDigits = "0123456789ABCDEF";
constexpr Text kLowerDigits = "0123456789abcdef";

void AppendHex(Text bytes, Text digits, std::string* out) {
  for (const char byte : bytes) {
    out->push_back(digits[static_cast<uint8_t>(byte) >> 4]);
    out->push_back(digits[static_cast<uint8_t>(byte) & 15]);
  }
}

void AppendHexNumber(int64_t value, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "{:X}", static_cast<uint64_t>(value));
}

Bound BindHex(Args args, const BindContext&) {
  const arrow::DataType& type = *args[0]->type();
  if (data::IsString(type) || type.id() == arrow::Type::BINARY_VIEW) {
    return MakeBound({args[0]}, data::StringType(),
                     TextKernel<Text>([](Text bytes, std::string* out) {
                       AppendHex(bytes, kUpperDigits, out);
                     }));
  }
  return BindWith("hex", args,
                  {Wanted(data::LongType(), "(\"BIGINT\" or \"BINARY\" or \"STRING\")")},
                  data::StringType(), TextKernel<int64_t>(AppendHexNumber));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool AppendUnhexed(Text text, std::string* out) {
  // An odd number of digits stands for a leading 0.
  int high = text.size() % 2 == 1 ? 0 : -1;
  for (const char c : text) {
    const int digit = HexDigit(c);
    if (digit < 0) return false;
    if (high < 0) {
      high = digit;
    } else {
      out->push_back(static_cast<char>(high << 4 | digit));
      high = -1;
    }
  }
  return true;
}

// --- base64, in Java's MIME variant

constexpr Text kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void AppendBase64(Text bytes, std::string* out) {
  constexpr size_t kLine = 76 / 4 * 3;  // bytes that make a line
  for (size_t at = 0; at < bytes.size(); at += 3) {
    if (at > 0 && at % kLine == 0) out->append("\r\n");
    const Text group = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? static_cast<uint8_t>(group[i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
      out->push_back(i > group.size() ? '=' : kBase64[bits >> (18 - 6 * i) & 63]);
    }
  }
}

Status AppendUnbase64(Text text, std::string* out) {
  uint32_t bits = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const size_t digit = kBase64.find(c);
    if (digit == Text::npos) continue;  // line ends and the like
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (++digits == 4) {
      out->push_back(static_cast<char>(bits >> 16));
      out->push_back(static_cast<char>(bits >> 8));
      out->push_back(static_cast<char>(bits));
      digits = 0;
    }
  }
  if (digits == 1) return IllegalArgument("Last unit does not have enough valid bits");
  if (digits >= 2) out->push_back(static_cast<char>(bits >> (6 * digits - 8)));
  if (digits == 3) out->push_back(static_cast<char>(bits >> 2));
  return Status::OK();
}

// --- character sets

enum class Charset { kUtf8, kAscii, kLatin1, kUtf16, kUtf16Big, kUtf16Little, kUtf32 };

struct NamedCharset {
  Text name;
  Charset charset;
};
constexpr NamedCharset kCharsets[] = {
    {"iso-8859-1", Charset::kLatin1},    {"us-ascii", Charset::kAscii},
    {"utf-16", Charset::kUtf16},         {"utf-16be", Charset::kUtf16Big},
    {"utf-16le", Charset::kUtf16Little}, {"utf-32", Charset::kUtf32},
    {"utf-8", Charset::kUtf8},
};

Result<Charset> FindCharset(Text name, Text function) {
  for (const NamedCharset& known : kCharsets) {
    if (EqualsIgnoreCase(known.name, name)) return known.charset;
  }
  constexpr Text kNames =
      "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8";
  return Error(Fault::kUser,
               "The value of parameter(s) `charset` in `{}` is invalid: expects one of "
               "the {}, "
               "but got {}.",
               function, kNames, name)
      .Class("INVALID_PARAMETER_VALUE.CHARSET", "22023")
      .Java(kIllegalArgumentException)
      .Param("functionName", fmt::format("`{}`", function))
      .Param("parameter", "`charset`")
      .Param("charset", std::string(name))
      .Param("charsets", std::string(kNames));
}

Status Malformed(Text function, Text charset) {
  return Error(Fault::kData, "Invalid value found when performing `{}` with {}", function,
               charset)
      .Class("MALFORMED_CHARACTER_CODING", "22000")
      .Java(kSparkRuntimeException)
      .Param("function", fmt::format("`{}`", function))
      .Param("charset", std::string(charset));
}

void AppendUnit(uint32_t unit, int bytes, bool big_endian, std::string* out) {
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (big_endian ? bytes - 1 - i : i);
    out->push_back(static_cast<char>(unit >> shift));
  }
}

bool EncodeCode(char32_t code, Charset charset, std::string* out) {
  switch (charset) {
    case Charset::kUtf8:
      AppendCodePoint(code, out);
      return true;
    case Charset::kAscii:
    case Charset::kLatin1:
      if (code >= (charset == Charset::kAscii ? 0x80U : 0x100U)) return false;
      out->push_back(static_cast<char>(code));
      return true;
    case Charset::kUtf32:
      AppendUnit(code, 4, true, out);
      return true;
    default: {
      const bool big_endian = charset != Charset::kUtf16Little;
      if (code >= 0x10000) {
        AppendUnit(0xD800 + ((code - 0x10000) >> 10), 2, big_endian, out);
        AppendUnit(0xDC00 + ((code - 0x10000) & 0x3FF), 2, big_endian, out);
      } else {
        AppendUnit(code, 2, big_endian, out);
      }
      return true;
    }
  }
}

Status Encode(Text text, Text name, std::string* out) {
  MILLRACE_ASSIGN_OR_RETURN(const Charset charset, FindCharset(name, "encode"));
  if (charset == Charset::kUtf16 && !text.empty()) out->append("\xFE\xFF");
  for (size_t at = 0; at < text.size();) {
    if (!EncodeCode(NextCodePoint(text, &at), charset, out))
      return Malformed("encode", name);
  }
  return Status::OK();
}

// Reads code points of a fixed number of bytes; false where one is malformed.
class Decoder {
 public:
  Decoder(Text bytes, Charset charset) : bytes_(bytes), charset_(charset) {
    if (charset == Charset::kUtf16) {
      if (bytes.starts_with("\xFF\xFE")) big_endian_ = false;
      if (!big_endian_ || bytes.starts_with("\xFE\xFF")) at_ = 2;
    } else if (charset == Charset::kUtf16Little) {
      big_endian_ = false;
    }
  }

  bool done() const { return at_ >= bytes_.size(); }

  bool Next(char32_t* code) {
    switch (charset_) {
      case Charset::kUtf8:
        return NextUtf8(code);
      case Charset::kAscii:
      case Charset::kLatin1:
        *code = static_cast<uint8_t>(bytes_[at_++]);
        return charset_ == Charset::kLatin1 || *code < 0x80;
      case Charset::kUtf32:
        return Unit(4, code) && *code < 0x110000;
      default: {
        if (!Unit(2, code) || (*code >= 0xDC00 && *code < 0xE000)) return false;
        if (*code < 0xD800 || *code >= 0xDC00) return true;
        char32_t low = 0;
        if (!Unit(2, &low) || low < 0xDC00 || low >= 0xE000) return false;
        *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
        return true;
      }
    }
  }

 private:
  bool Unit(size_t size, char32_t* unit) {
    if (bytes_.size() - at_ < size) return false;
    *unit = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t from = big_endian_ ? i : size - 1 - i;
      *unit = *unit << 8 | static_cast<uint8_t>(bytes_[at_ + from]);
    }
    at_ += size;
    return true;
  }

  bool NextUtf8(char32_t* code) {
    const size_t begin = at_;
    *code = NextCodePoint(bytes_, &at_);
    std::string again;
    AppendCodePoint(*code, &again);
    const bool surrogate = *code >= 0xD800 && *code < 0xE000;
    return !surrogate && *code < 0x110000 && bytes_.substr(begin, at_ - begin) == again;
  }

  const Text bytes_;
  const Charset charset_;
  size_t at_ = 0;
  bool big_endian_ = true;
};

Status Decode(Text bytes, Text name, std::string* out) {
  MILLRACE_ASSIGN_OR_RETURN(const Charset charset, FindCharset(name, "decode"));
  for (Decoder decoder(bytes, charset); !decoder.done();) {
    char32_t code = 0;
    if (!decoder.Next(&code)) return Malformed("decode", name);
    AppendCodePoint(code, out);
  }
  return Status::OK();
}

// --- digests

void AppendDigest(const EVP_MD* algorithm, Text bytes, std::string* out) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr);
  AppendHex({reinterpret_cast<const char*>(digest.data()), size}, kLowerDigits, out);
}

Result<ExprPtr> BytesArgument(Text name, Args args) {
  if (data::IsString(*args[0]->type())) return args[0];
  return CastTo(name, args, 0, data::BinaryType());
}

Bound BindDigest(Text name, Args args, const EVP_MD* (*algorithm)()) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr bytes, BytesArgument(name, args));
  return MakeBound({std::move(bytes)}, data::StringType(),
                   TextKernel<Text>([algorithm](Text value, std::string* out) {
                     AppendDigest(algorithm(), value, out);
                   }));
}

bool AppendSha2(Text bytes, int32_t bits, std::string* out) {
  switch (bits) {
    case 224:
      AppendDigest(EVP_sha224(), bytes, out);
      return true;
    case 0:
    case 256:
      AppendDigest(EVP_sha256(), bytes, out);
      return true;
    case 384:
      AppendDigest(EVP_sha384(), bytes, out);
      return true;
    case 512:
      AppendDigest(EVP_sha512(), bytes, out);
      return true;
    default:
      return false;
  }
}

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

int64_t Crc32(Text bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ crc >> 8;
  }
  return int64_t{~crc};
}

// --- sounds and spellings

// UTF8String.soundex: English letters only, others end a sound.
void AppendSoundex(Text text, std::string* out) {
  constexpr Text kCodes = "01230127022455012623017202";
  const auto upper = [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  };
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (text.empty() || !letter(upper(text[0]))) {
    out->append(text);
    return;
  }
  std::string sound(1, upper(text[0]));
  char last = kCodes[static_cast<size_t>(sound[0] - 'A')];
  for (const char c : text.substr(1)) {
    const char l = upper(c);
    if (!letter(l)) {
      last = '0';
      continue;
    }
    const char code = kCodes[static_cast<size_t>(l - 'A')];
    if (code == '7') continue;  // h and w do not part equal sounds
    if (code != '0' && code != last) {
      sound.push_back(code);
      if (sound.size() == 4) break;
    }
    last = code;
  }
  sound.resize(4, '0');
  out->append(sound);
}

std::vector<char32_t> CodePoints(Text text) {
  std::vector<char32_t> codes;
  for (size_t at = 0; at < text.size();) codes.push_back(NextCodePoint(text, &at));
  return codes;
}

int32_t Levenshtein(Text left, Text right) {
  const std::vector<char32_t> a = CodePoints(left);
  const std::vector<char32_t> b = CodePoints(right);
  std::vector<int32_t> costs(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) costs[j] = static_cast<int32_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int32_t diagonal = costs[0];
    costs[0] = static_cast<int32_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int32_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = costs[j];
      costs[j] = std::min({costs[j] + 1, costs[j - 1] + 1, replaced});
    }
  }
  return costs[b.size()];
}

Bound BindLevenshtein(Args args, const BindContext&) {
  if (args.size() == 2) {
    return BindWith("levenshtein", args, {data::StringType()}, data::IntType(),
                    BinaryKernel<Text, Text, int32_t>(Levenshtein));
  }
  return BindWith("levenshtein", args,
                  {data::StringType(), data::StringType(), data::IntType()},
                  data::IntType(),
                  TernaryKernel<Text, Text, int32_t, int32_t>(
                      [](Text left, Text right, int32_t limit) {
                        const int32_t distance = Levenshtein(left, right);
                        return distance <= limit ? distance : -1;
                      }));
}

Bound BindChr(Text name, Args args) {
  return BindWith(name, args, {data::LongType()}, data::StringType(),
                  TextKernel<int64_t>([](int64_t code, std::string* out) {
                    if (code >= 0)
                      AppendCodePoint(static_cast<char32_t>(code & 0xFF), out);
                  }));
}

const FunctionSpec kFunctions[] = {
    {"ascii", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith(
           "ascii", args, {data::StringType()}, data::IntType(),
           UnaryKernel<Text, int32_t>([](Text text) {
             size_t at = 0;
             return text.empty() ? 0 : static_cast<int32_t>(NextCodePoint(text, &at));
           }));
     },
     "The code point of the first character; 0 for an empty string.",
     "ascii('234') → 50"},
    {"base64", 1, 1,
     [](Args args, const BindContext&) -> Bound {
       MILLRACE_ASSIGN_OR_RETURN(ExprPtr bytes, BytesArgument("base64", args));
       return MakeBound({std::move(bytes)}, data::StringType(),
                        TextKernel<Text>(AppendBase64));
     },
     "Base64 in lines of 76 characters.", "base64('Spark SQL') → U3BhcmsgU1FM"},
    {"char", 1, 1, [](Args args, const BindContext&) { return BindChr("char", args); },
     "The character with that code, modulo 256.", "char(65) → A"},
    {"chr", 1, 1, [](Args args, const BindContext&) { return BindChr("chr", args); },
     "The character with that code, modulo 256.", "chr(65) → A"},
    {"crc32", 1, 1,
     [](Args args, const BindContext&) -> Bound {
       MILLRACE_ASSIGN_OR_RETURN(ExprPtr bytes, BytesArgument("crc32", args));
       return MakeBound({std::move(bytes)}, data::LongType(),
                        UnaryKernel<Text, int64_t>(Crc32));
     },
     "The CRC-32 checksum.", "crc32('Spark') → 1557323817"},
    {"decode", 2, 2,
     [](Args args, const BindContext&) {
       return BindWith("decode", args, {data::BinaryType(), data::StringType()},
                       data::StringType(), TextKernel<Text, Text>(Decode),
                       {.makes_nulls = true, .can_fail = true});
     },
     "A binary in a character set as string.",
     "decode(encode('abc', 'utf-8'), 'utf-8') → abc"},
    {"encode", 2, 2,
     [](Args args, const BindContext&) {
       return BindWith("encode", args, {data::StringType()}, data::BinaryType(),
                       TextKernel<Text, Text>(Encode),
                       {.makes_nulls = true, .can_fail = true});
     },
     "A string in a character set.", "encode('abc', 'utf-8') → abc"},
    {"hex", 1, 1, BindHex, "A bigint, string or binary in hexadecimal.",
     "hex('Spark SQL') → 537061726B2053514C"},
    {"levenshtein", 2, 3, BindLevenshtein,
     "The number of edits between two strings; -1 beyond a limit.",
     "levenshtein('kitten', 'sitting') → 3"},
    {"md5", 1, 1,
     [](Args args, const BindContext&) { return BindDigest("md5", args, EVP_md5); },
     "The MD5 digest in hexadecimal.", "md5('Spark') → 8cde774d6f7333752ed72cacddb05126"},
    {"sha", 1, 1,
     [](Args args, const BindContext&) { return BindDigest("sha", args, EVP_sha1); },
     "The same as sha1.", "sha('Spark') → 85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"},
    {"sha1", 1, 1,
     [](Args args, const BindContext&) { return BindDigest("sha1", args, EVP_sha1); },
     "The SHA-1 digest in hexadecimal.",
     "sha1('Spark') → 85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"},
    {"sha2", 2, 2,
     [](Args args, const BindContext&) -> Bound {
       MILLRACE_ASSIGN_OR_RETURN(ExprPtr bytes, BytesArgument("sha2", args));
       MILLRACE_ASSIGN_OR_RETURN(ExprPtr bits, CastTo("sha2", args, 1, data::IntType()));
       return MakeBound({std::move(bytes), std::move(bits)}, data::StringType(),
                        TextKernel<Text, int32_t>(AppendSha2), {.makes_nulls = true});
     },
     "The SHA-2 digest of 224, 256 (or 0), 384 or 512 bits in hexadecimal.",
     "sha2('Spark', 256) → "
     "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"},
    {"soundex", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("soundex", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(AppendSoundex));
     },
     "The Soundex code of an English word.", "soundex('Miller') → M460"},
    {"unbase64", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("unbase64", args, {data::StringType()}, data::BinaryType(),
                       TextKernel<Text>(AppendUnbase64), {.can_fail = true});
     },
     "The binary that was written in base64.", "unbase64('U3BhcmsgU1FM') → Spark SQL"},
    {"unhex", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("unhex", args, {data::StringType()}, data::BinaryType(),
                       TextKernel<Text>(AppendUnhexed), {.makes_nulls = true});
     },
     "The binary that was written in hexadecimal; null where it was not.",
     "unhex('537061726B2053514C') → Spark SQL"},
};

}  // namespace

std::span<const FunctionSpec> EncodingFunctions() { return kFunctions; }

}  // namespace millrace::expr
