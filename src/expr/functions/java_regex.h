// Regular expressions in Java's notation, run by RE2: in time linear in the text, and
// therefore without look-around, back references, possessive quantifiers and nested
// classes. What else differs from java.util.regex is listed in README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/status.h"

namespace millrace::expr {

/// A compiled pattern. Immutable.
/// Threading: all methods may be called from any thread.
class JavaRegex {
 public:
  /// INVALID_PARAMETER_VALUE.PATTERN / 22023 for a pattern that is wrong,
  /// UNSUPPORTED_FEATURE / 0A000 for one that Java has and RE2 has not. `function` is for
  /// the error.
  static Result<std::shared_ptr<const JavaRegex>> Compile(std::string_view pattern,
                                                          std::string_view function);
  ~JavaRegex();
  JavaRegex(const JavaRegex&) = delete;
  JavaRegex& operator=(const JavaRegex&) = delete;

  /// Number of groups without group 0.
  int num_groups() const;

  /// Whether the pattern is found anywhere: Matcher.find().
  bool Matches(std::string_view text) const;

  /// The first match at or after byte `from`. groups[0] is the whole match; a group that
  /// took no part has no data(). False where there is none.
  bool Find(std::string_view text, size_t from,
            std::vector<std::string_view>* groups) const;

  /// Calls f(groups) for each match, as repeated Matcher.find() do, until it gives false.
  template <typename F>
  void ForEachMatch(std::string_view text, F&& f) const {
    std::vector<std::string_view> groups;
    for (size_t from = 0; from <= text.size() && Find(text, from, &groups);) {
      if (!f(groups)) return;
      from = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      if (groups[0].empty()) from = NextCharacter(text, from);
    }
  }

  /// Appends `text` with every match replaced; `$1`, `${name}` and `\` in `replacement`
  /// as in Matcher.replaceAll. False where the replacement is malformed or names no
  /// group.
  bool ReplaceAll(std::string_view text, std::string_view replacement,
                  std::string* out) const;

 private:
  class Impl;
  explicit JavaRegex(std::unique_ptr<Impl> impl);
  static size_t NextCharacter(std::string_view text, size_t at);
  bool AppendReplacement(std::string_view replacement,
                         const std::vector<std::string_view>& groups,
                         std::string* out) const;

  const std::unique_ptr<Impl> impl_;
};

/// `pattern` in RE2's notation; empty `*unsupported` unless it holds something RE2 has
/// not, which it then names. For tests.
std::string TranslateJavaRegex(std::string_view pattern, std::string* unsupported);

}  // namespace millrace::expr
