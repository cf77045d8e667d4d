// Patterns (regular expressions, date formats, zone names …) that a kernel turns into
// objects: a literal one once, when the call is bound; others again whenever the text
// changes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "expr/expr.h"

namespace millrace::expr {

template <typename Object>
using CompilePattern = std::function<Result<Object>(std::string_view)>;

/// What is known when a call is bound. Copied into its kernel.
/// Threading: immutable after construction.
template <typename Object>
class CompiledPatterns {
 public:
  /// Compiles `pattern` if it is a literal; one that is wrong stays an error of the rows.
  CompiledPatterns(const ExprPtr& pattern, CompilePattern<Object> compile)
      : compile_(std::move(compile)) {
    if (const auto text = StringLiteral(pattern); text.has_value()) {
      if (Result<Object> compiled = compile_(*text); compiled.ok()) fixed_ = *compiled;
    }
  }

  /// Whether compiling cannot fail any more.
  bool fixed() const { return fixed_.has_value(); }

  /// The patterns of one evaluation.
  class Cursor {
   public:
    explicit Cursor(const CompiledPatterns& patterns) : patterns_(patterns) {}

    /// Valid until the next call.
    Result<const Object*> Get(std::string_view text) {
      if (patterns_.fixed_.has_value()) return &*patterns_.fixed_;
      if (!last_.has_value() || text != last_text_) {
        MILLRACE_ASSIGN_OR_RETURN(last_, patterns_.compile_(text));
        last_text_ = text;
      }
      return &*last_;
    }

   private:
    const CompiledPatterns& patterns_;
    std::optional<Object> last_;
    std::string last_text_;
  };

 private:
  CompilePattern<Object> compile_;
  std::optional<Object> fixed_;
};

}  // namespace millrace::expr
