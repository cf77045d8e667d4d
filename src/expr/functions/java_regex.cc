#include "expr/functions/java_regex.h"

#include <array>
#include <map>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/error.h"
#include "expr/functions/utf8.h"

namespace millrace::expr {
namespace {

constexpr std::string_view kNotLineEnd = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]";
constexpr std::string_view kLineEnd = "(?:\\r\\n|[\\n\\r\\x{85}\\x{2028}\\x{2029}])";

struct Named {
  std::string_view java;
  std::string_view re2;  // what stands inside of [...]
};

// \p{…} of Java's POSIX classes.
constexpr auto kProperties = std::to_array<Named>({
    {"Lower", "a-z"},
    {"Upper", "A-Z"},
    {"ASCII", "\\x00-\\x7F"},
    {"Alpha", "a-zA-Z"},
    {"Digit", "0-9"},
    {"Alnum", "a-zA-Z0-9"},
    {"Punct", "[:punct:]"},
    {"Graph", "[:graph:]"},
    {"Print", "[:print:]"},
    {"Blank", " \\t"},
    {"Cntrl", "[:cntrl:]"},
    {"XDigit", "0-9a-fA-F"},
    {"Space", " \\t-\\r"},
    {"IsAlphabetic", "\\pL\\p{Nl}"},
    {"IsDigit", "\\p{Nd}"},
    {"IsLetter", "\\pL"},
    {"IsUppercase", "\\p{Lu}"},
    {"IsLowercase", "\\p{Ll}"},
    {"IsPunctuation", "\\pP"},
    {"javaLowerCase", "\\p{Ll}"},
    {"javaUpperCase", "\\p{Lu}"},
});

// Escapes that stand for a set of characters, by their content in [...].
constexpr auto kSets = std::to_array<Named>({
    {"s", " \\t-\\r"},
    {"h", " \\t\\x{A0}\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}"},
    {"v", "\\n-\\r\\x{85}\\x{2028}\\x{2029}"},
});

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string Run() {
    while (at_ < in_.size() && unsupported_.empty()) Step();
    return std::move(out_);
  }
  const std::string& unsupported() const { return unsupported_; }

 private:
  bool At(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  void Take(std::string_view re2, size_t consumed) {
    out_.append(re2);
    at_ += consumed;
  }

  void Step() {
    const char c = in_[at_];
    if (c == '\\') return Escape(/*in_class=*/false);
    if (c == '[') return Class();
    if (c == '.') return Take(dot_matches_all_ ? "." : kNotLineEnd, 1);
    if (c == '(' && At("(?")) return Group();
    if ((c == '*' || c == '+' || c == '?' || c == '}') && at_ + 1 < in_.size() &&
        in_[at_ + 1] == '+' && at_ > 0) {
      unsupported_ = "possessive quantifiers";
      return;
    }
    Take(in_.substr(at_, 1), 1);
  }

  void Group() {
    if (At("(?=") || At("(?!") || At("(?<=") || At("(?<!")) {
      unsupported_ = "look-ahead and look-behind";
    } else if (At("(?>")) {
      unsupported_ = "atomic groups";
    } else if (At("(?<")) {
      Take("(?P<", 3);
    } else {
      // Flags: (?i) or (?i:…); s changes what '.' is, for the rest of the pattern.
      size_t end = at_ + 2;
      bool on = true;
      while (
          end < in_.size() &&
          (std::isalpha(static_cast<unsigned char>(in_[end])) != 0 || in_[end] == '-')) {
        if (in_[end] == '-') on = false;
        if (in_[end] == 's') dot_matches_all_ = on;
        if (in_[end] == 'x' || in_[end] == 'd' || in_[end] == 'u' || in_[end] == 'U') {
          unsupported_ = fmt::format("the flag {}", in_[end]);
        }
        ++end;
      }
      Take(in_.substr(at_, end - at_), end - at_);
    }
  }

  void Class() {
    Take("[", 1);
    if (at_ < in_.size() && in_[at_] == '^') Take("^", 1);
    for (bool first = true; at_ < in_.size() && unsupported_.empty(); first = false) {
      const char c = in_[at_];
      if (c == ']' && !first) return Take("]", 1);
      if (c == '\\') {
        Escape(/*in_class=*/true);
      } else if (c == '[') {
        unsupported_ = "character classes inside others";
      } else if (At("&&")) {
        unsupported_ = "intersections of character classes";
      } else {
        Take(in_.substr(at_, 1), 1);
      }
    }
  }

  void TakeSet(std::string_view content, bool in_class, bool negated, size_t consumed) {
    if (in_class && negated) {
      unsupported_ = "negated classes inside others";
      return;
    }
    if (in_class) return Take(content, consumed);
    Take(fmt::format("[{}{}]", negated ? "^" : "", content), consumed);
  }

  void Escape(bool in_class) {
    if (at_ + 1 >= in_.size()) return Take("\\", 1);
    const char c = in_[at_ + 1];
    for (const Named& set : kSets) {
      if (c == set.java[0]) return TakeSet(set.re2, in_class, false, 2);
      if (c == set.java[0] - 'a' + 'A') return TakeSet(set.re2, in_class, true, 2);
    }
    switch (c) {
      case 'u':
        if (in_.size() >= at_ + 6) {
          return Take(fmt::format("\\x{{{}}}", in_.substr(at_ + 2, 4)), 6);
        }
        break;
      case 'R':
        return Take(kLineEnd, 2);
      case 'Z':
        return Take(fmt::format("{}?\\z", kLineEnd), 2);
      case 'e':
        return Take("\\x1B", 2);
      case '0': {
        size_t end = at_ + 2;
        int value = 0;
        while (end < in_.size() && end < at_ + 5 && in_[end] >= '0' && in_[end] <= '7') {
          value = value * 8 + (in_[end++] - '0');
        }
        return Take(fmt::format("\\x{{{:x}}}", value), end - at_);
      }
      case 'k':
      case 'G':
        unsupported_ = c == 'k' ? "back references" : "\\G";
        return;
      case 'p':
      case 'P':
        if (const size_t close = in_.find('}', at_);
            At(c == 'p' ? "\\p{" : "\\P{") && close != std::string_view::npos) {
          return Property(in_.substr(at_ + 3, close - at_ - 3), in_class, c == 'P',
                          close + 1 - at_);
        }
        break;
      case 'Q': {
        const size_t end = in_.find("\\E", at_);
        const size_t stop = end == std::string_view::npos ? in_.size() : end + 2;
        return Take(in_.substr(at_, stop - at_), stop - at_);
      }
      default:
        if (c >= '1' && c <= '9' && !in_class) {
          unsupported_ = "back references";
          return;
        }
    }
    // Java takes an escaped character that is no letter for itself; RE2 wants ASCII ones.
    if (static_cast<unsigned char>(c) >= 0x80) return Take("", 1);
    Take(in_.substr(at_, 2), 2);
  }

  void Property(std::string_view name, bool in_class, bool negated, size_t consumed) {
    for (const Named& property : kProperties) {
      if (property.java == name)
        return TakeSet(property.re2, in_class, negated, consumed);
    }
    if (name.starts_with("Is")) name.remove_prefix(2);
    if (name.starts_with("In")) {
      unsupported_ = "Unicode blocks";
      return;
    }
    Take(fmt::format("\\{}{{{}}}", negated ? 'P' : 'p', name), consumed);
  }

  const std::string_view in_;
  size_t at_ = 0;
  std::string out_;
  std::string unsupported_;
  bool dot_matches_all_ = false;
};

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class JavaRegex::Impl {
 public:
  explicit Impl(const std::string& pattern) : re2(pattern, Options()) {}

  static RE2::Options Options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(int64_t{64} << 20);
    return options;
  }

  const RE2 re2;
};

JavaRegex::JavaRegex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JavaRegex::~JavaRegex() = default;

Result<std::shared_ptr<const JavaRegex>> JavaRegex::Compile(std::string_view pattern,
                                                            std::string_view function) {
  std::string unsupported;
  const std::string translated = TranslateJavaRegex(pattern, &unsupported);
  if (!unsupported.empty()) {
    return UnsupportedError(
        "The regular expression '{}' of {} uses {}, which Millrace does not have. "
        "Rewrite it "
        "without.",
        pattern, function, unsupported);
  }
  auto impl = std::make_unique<Impl>(translated);
  if (!impl->re2.ok()) {
    return Error(Fault::kUser,
                 "The value of parameter(s) `regexp` in `{}` is invalid: '{}'.", function,
                 pattern)
        .Class("INVALID_PARAMETER_VALUE.PATTERN", "22023")
        .Java(kSparkRuntimeException)
        .Param("parameter", "`regexp`")
        .Param("functionName", fmt::format("`{}`", function))
        .Param("value", fmt::format("'{}'", pattern));
  }
  return std::shared_ptr<const JavaRegex>(new JavaRegex(std::move(impl)));
}

int JavaRegex::num_groups() const { return impl_->re2.NumberOfCapturingGroups(); }

bool JavaRegex::Matches(std::string_view text) const {
  return impl_->re2.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool JavaRegex::Find(std::string_view text, size_t from,
                     std::vector<std::string_view>* groups) const {
  const auto count = static_cast<size_t>(num_groups()) + 1;
  std::vector<re2::StringPiece> pieces(count);
  if (!impl_->re2.Match(Piece(text), from, text.size(), RE2::UNANCHORED, pieces.data(),
                        static_cast<int>(count))) {
    return false;
  }
  groups->resize(count);
  for (size_t i = 0; i < count; ++i) {
    (*groups)[i] = std::string_view(pieces[i].data(), pieces[i].size());
  }
  return true;
}

size_t JavaRegex::NextCharacter(std::string_view text, size_t at) {
  return at >= text.size() ? at + 1 : SkipCharacters(text, at, 1);
}

bool JavaRegex::ReplaceAll(std::string_view text, std::string_view replacement,
                           std::string* out) const {
  size_t done = 0;
  bool valid = true;
  ForEachMatch(text, [&](const std::vector<std::string_view>& groups) {
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    out->append(text.substr(done, begin - done));
    done = begin + groups[0].size();
    valid = AppendReplacement(replacement, groups, out);
    return valid;
  });
  out->append(text.substr(done));
  return valid;
}

bool JavaRegex::AppendReplacement(std::string_view replacement,
                                  const std::vector<std::string_view>& groups,
                                  std::string* out) const {
  const auto digit = [&](size_t at) {
    return at < replacement.size() && replacement[at] >= '0' && replacement[at] <= '9';
  };
  for (size_t at = 0; at < replacement.size();) {
    const char c = replacement[at++];
    if (c == '\\') {
      if (at >= replacement.size()) return false;
      out->push_back(replacement[at++]);
    } else if (c != '$') {
      out->push_back(c);
    } else if (digit(at)) {
      auto group = static_cast<size_t>(replacement[at++] - '0');
      if (group >= groups.size()) return false;
      while (digit(at)) {
        const size_t longer = group * 10 + static_cast<size_t>(replacement[at] - '0');
        if (longer >= groups.size()) break;
        group = longer;
        ++at;
      }
      out->append(groups[group]);
    } else {
      const size_t close = replacement.find('}', at);
      if (at >= replacement.size() || replacement[at] != '{' ||
          close == std::string_view::npos) {
        return false;
      }
      const auto& names = impl_->re2.NamedCapturingGroups();
      const auto found =
          names.find(std::string(replacement.substr(at + 1, close - at - 1)));
      if (found == names.end()) return false;
      out->append(groups[static_cast<size_t>(found->second)]);
      at = close + 1;
    }
  }
  return true;
}

std::string TranslateJavaRegex(std::string_view pattern, std::string* unsupported) {
  Translator translator(pattern);
  std::string translated = translator.Run();
  *unsupported = translator.unsupported();
  return translated;
}

}  // namespace millrace::expr
