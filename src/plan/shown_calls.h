// Inside `plan` only: how Spark shows calls of functions by name where that is not just
// what was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/unresolved.h"

namespace millrace::plan {

/// "round(x, 0)" for round(x), "ACOS(x)" for acos(x): a call with the name, the arguments
/// and the defaults that Spark shows.
std::string ShownCallText(std::string_view function, bool distinct,
                          std::vector<std::string> args);

/// int(x) and the like: casts, which Spark does not show.
bool IsCastFunction(std::string_view function);

/// The frame that a window without one has: that of `function`, which may bring its own.
std::string OwnFrameText(const UnresolvedExpr& function, bool ordered);

}  // namespace millrace::plan
