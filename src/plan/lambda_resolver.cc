// Lambdas: the part of ExprResolver that gives their parameters types.
#include <arrow/type.h>

#include <algorithm>
#include <span>

#include <fmt/ranges.h>
#include "base/ascii.h"
#include "expr/function.h"
#include "expr/lambda.h"
#include "plan/expr_resolver.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

constexpr std::string_view kInvalid = "Invalid lambda function call.";

// A lambda as errors show it while its parameters have no types: with their names.
UnresolvedExpr WithNames(UnresolvedExpr expression) {
  if (expression.kind == Kind::kLambdaVariable) expression.kind = Kind::kAttribute;
  for (UnresolvedExpr& child : expression.children) child = WithNames(std::move(child));
  return expression;
}

Error NoLambdaWanted() {
  return AnalysisError(
      "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION", "42K0D",
      "{} You passed a lambda function to a parameter that does not accept it. Please "
      "check if lambda function argument is in the correct position.",
      kInvalid);
}

Error NoHigherOrder(const std::string& function) {
  return AnalysisError("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", "42K0D",
                       "{} A lambda function should only be used in a higher order "
                       "function. However, its class is {}, which is not a higher order "
                       "function.",
                       kInvalid, function)
      .Param("class", function);
}

Error WrongParameterCount(size_t given, size_t wanted) {
  return AnalysisError("INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "42K0D",
                       "{} A higher order function expects {} arguments, but got {}.",
                       kInvalid, given, wanted)
      .Param("expectedNumArgs", fmt::to_string(given))
      .Param("actualNumArgs", fmt::to_string(wanted));
}

Status CheckNames(std::span<const UnresolvedExpr> parameters) {
  std::vector<std::string> names;
  bool twice = false;
  for (const UnresolvedExpr& parameter : parameters) {
    std::string name = fmt::format("`{}`", LowerCase(parameter.name_parts[0]));
    twice = twice || std::find(names.begin(), names.end(), name) != names.end();
    names.push_back(std::move(name));
  }
  if (!twice) return Status::OK();
  const std::string list = fmt::format("{}", fmt::join(names, ", "));
  return AnalysisError("INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES", "42K0D",
                       "{} The lambda function has duplicate arguments {}. Please, "
                       "consider to rename the argument names or set "
                       "\"spark.sql.caseSensitive\" to \"true\".",
                       kInvalid, list)
      .Param("args", list)
      .Param("caseSensitiveConfig", "\"spark.sql.caseSensitive\"");
}

}  // namespace

Result<ExprPtr> ExprResolver::ResolveLambdaVariable(
    const UnresolvedExpr& expression) const {
  const std::vector<std::string>& parts = expression.name_parts;
  for (auto it = lambda_variables_.rbegin(); it != lambda_variables_.rend(); ++it) {
    if (!EqualsIgnoreCase(it->name, parts[0])) continue;
    ExprPtr result = it->column;
    for (size_t i = 1; i < parts.size(); ++i) {
      MILLRACE_ASSIGN_OR_RETURN(result,
                                expr::MakeExtract(result, expr::MakeString(parts[i])));
    }
    return result;
  }
  return ResolveAttribute(expression);
}

Status ExprResolver::ResolveLambdas(const UnresolvedExpr& call,
                                    std::vector<ExprPtr>* args) const {
  const std::vector<UnresolvedExpr>& given = call.children;
  std::vector<ExprPtr> known = *args;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].kind != Kind::kLambda) continue;
    if (!expr::IsHigherOrder(call.name)) return NoHigherOrder(call.name);
    if (known.size() != given.size()) return NoLambdaWanted();  // a star among them
    known[i] = std::make_shared<expr::Column>(0, PrettySql(WithNames(given[i])),
                                              data::NullType(), true);
  }
  if (!expr::IsHigherOrder(call.name) || known.size() != given.size()) {
    return Status::OK();
  }
  const expr::FunctionSpec* const spec = expr::FindFunction(call.name);
  const bool enough = static_cast<int>(given.size()) >= spec->min_args &&
                      static_cast<int>(given.size()) <= spec->max_args;
  *args = known;
  if (!enough) return Status::OK();  // the call says so
  for (size_t i = 0; i < given.size(); ++i) {
    const bool is_lambda = given[i].kind == Kind::kLambda;
    const size_t wanted = is_lambda ? given[i].children.size() - 1 : 1;
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<expr::LambdaParameter> parameters,
                              expr::LambdaParameters(call.name, known, i, wanted));
    if (parameters.empty()) {
      if (is_lambda) return NoLambdaWanted();
      continue;
    }
    std::vector<std::shared_ptr<const expr::Column>> columns;
    for (size_t k = 0; k < parameters.size(); ++k) {
      columns.push_back(
          expr::MakeLambdaParameter(lambda_variables_.size() + k, parameters[k]));
    }
    ExprPtr body = known[i];  // without parameters, where it looks at none
    if (is_lambda) {
      const auto names = std::span(given[i].children).subspan(1);
      if (names.size() != parameters.size()) {
        return WrongParameterCount(names.size(), parameters.size());
      }
      MILLRACE_RETURN_IF_ERROR(CheckNames(names));
      ExprResolver inside = *this;
      for (size_t k = 0; k < names.size(); ++k) {
        inside.lambda_variables_.push_back({names[k].name_parts[0], columns[k]});
      }
      MILLRACE_ASSIGN_OR_RETURN(body, inside.Resolve(given[i].children[0]));
    }
    (*args)[i] = std::make_shared<expr::Lambda>(std::move(columns), std::move(body));
  }
  return Status::OK();
}

}  // namespace millrace::plan
