// Generators of a select list, explode() and its like: a row for each element.
// Spark counterpart: ExtractGenerator.
#pragma once

#include <span>
#include <vector>

#include "plan/expr_resolver.h"
#include "plan/logical_plan.h"

namespace millrace::plan {

/// What the generators of a select list make.
struct Generated {
  PlanPtr plan;  // the input, and behind its columns what is generated
  /// Per item of the list: the columns it stands for; none where it is no generator.
  std::vector<std::vector<Attribute>> columns;
};

/// Several generators give every combination. `resolver` is over `input`. Errors:
/// UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS / 42K0E; UDTF_ALIAS_NUMBER_MISMATCH /
/// 42802; DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE / 42K09.
Result<Generated> ApplyGenerators(PlanPtr input, std::span<const UnresolvedExpr> items,
                                  const ExprResolver& resolver);

}  // namespace millrace::plan
