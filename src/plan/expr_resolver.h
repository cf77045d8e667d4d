// Resolves one unresolved expression against the columns of a relation: names, functions,
// types.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/catalog.h"
#include "plan/logical_plan.h"
#include "plan/unresolved.h"

namespace millrace::plan {

/// An expression of a select list after resolution.
struct ResolvedColumn {
  ExprPtr expr;
  Attribute
      attribute;  // a new one, or the input's where the expression is a plain column
};

/// Threading: one thread.
class ExprResolver {
 public:
  ExprResolver(const std::vector<Attribute>& input, const SessionConf& conf);
  /// Over the columns of a plan, which may also be named by the relation they were taken
  /// from.
  ExprResolver(const PlanPtr& input, const SessionConf& conf);
  /// Over the columns of two plans side by side, `input`.
  ExprResolver(const std::vector<Attribute>& input, std::vector<PlanPtr> below,
               const SessionConf& conf);

  /// Errors: UNRESOLVED_COLUMN.WITH_SUGGESTION / 42703, AMBIGUOUS_REFERENCE / 42704,
  /// CANNOT_RESOLVE_DATAFRAME_COLUMN / 42704, AMBIGUOUS_COLUMN_REFERENCE / 42702, and
  /// those of functions and casts. An aggregate function is refused here.
  Result<ExprPtr> Resolve(const UnresolvedExpr& expression) const;

  /// One item of a select list: a star gives several columns.
  Result<std::vector<ResolvedColumn>> ResolveColumns(
      const UnresolvedExpr& expression) const;

  /// Called for each function call before it is looked up as a scalar function; what it
  /// returns (if anything) is used in its place. Aggregates and windows hook in here.
  using CallHook =
      std::function<Result<std::optional<ExprPtr>>(const UnresolvedExpr& call)>;
  void set_call_hook(CallHook hook) { hook_ = std::move(hook); }
  /// Gives the column of an expression of kind kWindow; without it such a one is refused.
  using WindowHook = std::function<Result<ExprPtr>(const UnresolvedExpr& window)>;
  void set_window_hook(WindowHook hook) { window_hook_ = std::move(hook); }

  const expr::BindContext& bind_context() const { return bind_; }
  /// The column a name means.
  Result<const Attribute*> FindAttribute(const std::vector<std::string>& parts,
                                         size_t* used_parts) const;
  /// The column that `expression`, an attribute, means.
  Result<const Attribute*> FindAttribute(const UnresolvedExpr& expression,
                                         size_t* used_parts) const;

 private:
  Result<const Attribute*> FindInRelation(const UnresolvedExpr& expression,
                                          size_t* used_parts) const;
  const Attribute* FindId(AttributeId id) const;
  Result<ExprPtr> ResolveAttribute(const UnresolvedExpr& expression) const;
  Result<ExprPtr> ResolveCall(const UnresolvedExpr& expression) const;
  // lambda_resolver.cc
  Result<ExprPtr> ResolveLambdaVariable(const UnresolvedExpr& expression) const;
  /// Of the arguments of a call, those that are lambdas; the others are known already.
  Status ResolveLambdas(const UnresolvedExpr& call, std::vector<ExprPtr>* args) const;
  Result<std::vector<ExprPtr>> NamedFields(const std::vector<UnresolvedExpr>& children,
                                           std::vector<ExprPtr> values) const;
  Error UnresolvedColumn(const std::vector<std::string>& parts) const;

  const std::vector<Attribute>& input_;
  const std::vector<PlanPtr> below_;
  const std::vector<Attribute>* hidden_ = nullptr;
  expr::BindContext bind_;
  CallHook hook_;
  WindowHook window_hook_;
  struct LambdaVariable {
    std::string name;
    std::shared_ptr<const expr::Column> column;
  };
  std::vector<LambdaVariable>
      lambda_variables_;  // of the lambdas around, outermost first
};

/// The column an expression becomes: keeps id and metadata of a plain column under a new
/// name.
Attribute ToAttribute(const ExprPtr& expr, std::string name,
                      const std::vector<Attribute>& input);

}  // namespace millrace::plan
