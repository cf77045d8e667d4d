// The window functions found while resolving a select list: f(…) OVER (PARTITION BY …
// ORDER BY …).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/expr_resolver.h"
#include "plan/logical_plan.h"

namespace millrace::plan {

/// Whether it is a function that means something only with over(): row_number, lag, ….
bool IsWindowFunction(std::string_view name);

/// Threading: one thread.
class WindowCollector {
 public:
  /// The column that an expression of kind kWindow becomes. Errors:
  /// UNSUPPORTED_EXPR_FOR_WINDOW / 42P20, WINDOW_FUNCTION_FRAME_NOT_ORDERED / 42601 where
  /// a ranking function has no order, and those of functions.
  Result<ExprPtr> Add(const UnresolvedExpr& window, const ExprResolver& resolver);

  /// `input` with the columns of all functions found: one node for each window.
  PlanPtr Over(PlanPtr input);

 private:
  struct Group {
    std::string spec;  // the window as text
    WindowFunctions node;
  };

  Status Bind(const UnresolvedExpr& call, const ExprResolver& resolver,
              WindowCall* bound) const;

  std::vector<Group> groups_;
};

}  // namespace millrace::plan
