// Lambdas: the functions that higher-order functions call for each element of an array or
// entry of a map. A lambda is evaluated once for the elements of all rows: over a batch
// with a row for each call, which holds the columns of the call's row, and behind them
// the lambda's arguments.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "expr/function.h"

namespace millrace::expr {

/// What a lambda is called with.
struct LambdaParameter {
  data::TypePtr type;
  bool nullable = true;
};

/// An argument of a higher-order function. Its only child is its body, in which its
/// parameters are columns like others. It has no value of its own.
class Lambda final : public Expr {
 public:
  Lambda(std::vector<std::shared_ptr<const Column>> parameters, ExprPtr body);
  const std::vector<std::shared_ptr<const Column>>& parameters() const {
    return parameters_;
  }
  const Expr& body() const { return *children()[0]; }

  Result<Value> Evaluate(const data::Batch& input,
                         const EvalContext& context) const override;
  ExprPtr WithChildren(std::vector<ExprPtr> children) const override;
  std::string ToString() const override;

 private:
  const std::vector<std::shared_ptr<const Column>> parameters_;
};

/// The lambda that an expression is; nullptr for others.
const Lambda* AsLambda(const ExprPtr& expr);

/// Parameter number `position` of all the lambdas around an expression, the outermost
/// lambda's first. Equal lambdas get equal parameters.
std::shared_ptr<const Column> MakeLambdaParameter(size_t position,
                                                  const LambdaParameter& what);

/// Whether a function takes lambdas.
bool IsHigherOrder(std::string_view function);
/// What the lambda that is argument `index` of a higher-order function is called with.
/// `args` are all arguments, lambdas with anything in their place. `wanted` is how many
/// parameters the lambda has; where that does not fit, a possible number of them is
/// given. Empty: no lambda may stand there. Errors: those of the function's other
/// arguments.
Result<std::vector<LambdaParameter>> LambdaParameters(std::string_view function,
                                                      std::span<const ExprPtr> args,
                                                      size_t index, size_t wanted);

/// The type that the keys of two maps are cast to, to be compared; none for texts and
/// others.
std::optional<data::TypePtr> CommonKeyType(const arrow::MapType& left,
                                           const arrow::MapType& right);

/// The results of the calls of a lambda: call i belongs to row rows[i] of the batch and
/// has the i-th value of each of `arguments` (those the lambda has no parameter for are
/// ignored).
Result<data::ArrayPtr> CallLambda(const Lambda& lambda, const LazyInput& in,
                                  std::span<const int32_t> rows,
                                  std::span<const data::ArrayPtr> arguments);

/// Whether the lambdas among `args` look at nothing but their parameters, and give the
/// same for the same.
bool LambdasAreClosed(std::span<const ExprPtr> args);

}  // namespace millrace::expr
