// URLs: their parts, and text in them. Java's URI, URLEncoder and URLDecoder, which Spark
// uses, say what is one.
#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return LowerCase(c) >= 'a' && LowerCase(c) <= 'z'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || IsLetter(c); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = LowerCase(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// --- text in URLs

void Encode(Text text, std::string* out) {
  constexpr Text kKept = ".-*_";
  constexpr Text kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsAlphanumeric(c) || kKept.find(c) != Text::npos) {
      out->push_back(c);
    } else if (c == ' ') {
      out->push_back('+');
    } else {
      const auto byte = static_cast<uint8_t>(c);
      *out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

bool TryDecode(Text text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out->push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out->push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

Status Decode(Text text, std::string* out) {
  if (TryDecode(text, out)) return Status::OK();
  return Error(Fault::kData,
               "The provided URL cannot be decoded: {}. Please ensure that the URL is "
               "properly formatted and try again.",
               text)
      .Class("CANNOT_DECODE_URL", "22546")
      .Java("org.apache.spark.SparkIllegalArgumentException")
      .Param("url", std::string(text));
}

// --- parts

// The parts of a URL as they are written; those that are not there point nowhere.
struct Url {
  Text scheme, authority, path, query, fragment, user, host;
  bool opaque = false;  // mailto:x, which has no parts behind the scheme
};

bool IsThere(Text part) { return part.data() != nullptr; }

bool HasLegalCharacters(Text text) {
  constexpr Text kIllegal = "\"<>\\^`{|} ";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7F || kIllegal.find(text[i]) != Text::npos) return false;
    if (text[i] == '%' && (i + 2 >= text.size() || HexDigit(text[i + 1]) < 0 ||
                           HexDigit(text[i + 2]) < 0)) {
      return false;
    }
  }
  return true;
}

bool IsScheme(Text text) {
  return !text.empty() && IsLetter(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlphanumeric(c) || c == '+' || c == '-' || c == '.';
         });
}

bool IsHost(Text host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return true;
  if (host.ends_with('.')) host.remove_suffix(1);
  const size_t last = host.rfind('.') + 1;
  const bool numeric = host.find_first_not_of("0123456789.") == Text::npos;
  if (!numeric && (last >= host.size() || !IsLetter(host[last]))) return false;
  if (numeric && std::count(host.begin(), host.end(), '.') != 3) return false;
  for (size_t begin = 0; begin <= host.size();) {
    const size_t end = std::min(host.find('.', begin), host.size());
    const Text label = host.substr(begin, end - begin);
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-'; })) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

// user@host:port; where it is none, the authority is a name of a registry.
void ReadServer(Url* url) {
  Text rest = url->authority;
  Text user;
  if (const size_t at = rest.rfind('@'); at != Text::npos) {
    user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  const size_t bracket = rest.rfind(']');
  const size_t colon = rest.find(':', bracket == Text::npos ? 0 : bracket);
  const Text host = rest.substr(0, colon);
  if (colon != Text::npos &&
      rest.find_first_not_of("0123456789", colon + 1) != Text::npos) {
    return;
  }
  if (!IsHost(host)) return;
  url->host = host;
  url->user = user;
}

// RFC 2396, as java.net.URI reads it. False where the text is no URL.
bool ReadUrl(Text text, Url* url) {
  if (!HasLegalCharacters(text)) return false;
  if (const size_t hash = text.find('#'); hash != Text::npos) {
    url->fragment = text.substr(hash + 1);
    if (url->fragment.find('#') != Text::npos) return false;
    text = text.substr(0, hash);
  }
  const size_t colon = text.find_first_of(":/?");
  if (colon != Text::npos && text[colon] == ':') {
    url->scheme = text.substr(0, colon);
    if (!IsScheme(url->scheme)) return false;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
    url->opaque = text[0] != '/';
    if (url->opaque) return true;
  }
  if (const size_t mark = text.find('?'); mark != Text::npos) {
    url->query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const size_t slash = std::min(text.find('/'), text.size());
    url->authority = slash == 0 ? Text() : text.substr(0, slash);
    if (slash == 0 && text.empty()) return false;
    text.remove_prefix(slash);
    if (IsThere(url->authority)) ReadServer(url);
  }
  url->path = text;
  return true;
}

// What a query has for a key: the text after "key=", up to the next "&".
std::optional<Text> ValueOf(Text query, Text key) {
  for (size_t begin = 0; begin <= query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    const Text pair = query.substr(begin, end - begin);
    if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=') {
      return pair.substr(key.size() + 1);
    }
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> PartOf(const Url& url, Text part) {
  const auto present = [](Text text) -> std::optional<std::string> {
    if (!IsThere(text)) return std::nullopt;
    return std::string(text);
  };
  if (part == "HOST") return present(url.host);
  if (part == "PATH")
    return url.opaque ? std::nullopt : std::optional(std::string(url.path));
  if (part == "QUERY") return present(url.query);
  if (part == "REF") return present(url.fragment);
  if (part == "PROTOCOL") return present(url.scheme);
  if (part == "AUTHORITY") return present(url.authority);
  if (part == "USERINFO") return present(url.user);
  if (part == "FILE" && !url.opaque) {
    std::string file(url.path);
    if (IsThere(url.query)) file += fmt::format("?{}", url.query);
    return file;
  }
  return std::nullopt;
}

// False for null.
Result<bool> AppendPart(Text text, Text part, const Text* key, bool tries,
                        std::string* out) {
  Url url;
  if (!ReadUrl(text, &url)) {
    if (tries) return false;
    return Error(Fault::kData,
                 "The url is invalid: {}. Use `try_parse_url` to tolerate invalid URL "
                 "and return NULL instead.",
                 text)
        .Class("INVALID_URL", "22P02")
        .Java("org.apache.spark.SparkIllegalArgumentException")
        .Param("url", std::string(text));
  }
  if (key != nullptr) {
    if (part != "QUERY" || !IsThere(url.query)) return false;
    const std::optional<Text> value = ValueOf(url.query, *key);
    if (value) out->append(*value);
    return value.has_value();
  }
  const std::optional<std::string> found = PartOf(url, part);
  if (found) out->append(*found);
  return found.has_value();
}

Bound BindParseUrl(Text name, Args args, bool tries) {
  const Kernel kernel =
      args.size() == 2
          ? TextKernel<Text, Text>([tries](Text url, Text part, std::string* out) {
              return AppendPart(url, part, nullptr, tries, out);
            })
          : TextKernel<Text, Text, Text>(
                [tries](Text url, Text part, Text key, std::string* out) {
                  return AppendPart(url, part, &key, tries, out);
                });
  return BindWith(name, args, {data::StringType()}, data::StringType(), kernel,
                  {.makes_nulls = true, .can_fail = !tries});
}

constexpr FunctionSpec kFunctions[] = {
    {"parse_url", 2, 3,
     [](Args args, const BindContext&) { return BindParseUrl("parse_url", args, false); },
     "A part of a URL: HOST, PATH, QUERY (also of one key), REF, PROTOCOL, FILE, "
     "AUTHORITY or USERINFO.",
     "parse_url('http://spark.apache.org/path?query=1', 'QUERY', 'query') → 1"},
    {"try_parse_url", 2, 3,
     [](Args args, const BindContext&) {
       return BindParseUrl("try_parse_url", args, true);
     },
     "As parse_url; null for a text that is no URL.",
     "try_parse_url('http://spark.apache.org/path?query=1', 'HOST') → spark.apache.org"},
    {"try_url_decode", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("try_url_decode", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(TryDecode), {.makes_nulls = true});
     },
     "As url_decode; null where that fails.",
     "try_url_decode('https%3A%2F%2Fspark.apache.org') → https://spark.apache.org"},
    {"url_decode", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("url_decode", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(Decode), {.makes_nulls = true, .can_fail = true});
     },
     "The text that was written for a URL.",
     "url_decode('https%3A%2F%2Fspark.apache.org') → https://spark.apache.org"},
    {"url_encode", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("url_encode", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(Encode), {.makes_nulls = true});
     },
     "A text as a URL may hold it.",
     "url_encode('https://spark.apache.org') → https%3A%2F%2Fspark.apache.org"},
};

}  // namespace

std::span<const FunctionSpec> UrlFunctions() { return kFunctions; }

}  // namespace millrace::expr
