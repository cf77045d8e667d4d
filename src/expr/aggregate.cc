#include "expr/aggregate.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include "base/ascii.h"
#include "expr/aggregates/tables.h"
#include "expr/argument_errors.h"

namespace millrace::expr {
namespace {

class Registry {
 public:
  Registry() {
    for (const auto table :
         {CountAggregates(), SumAggregates(), AverageAggregates(), MinMaxAggregates(),
          BooleanAggregates(), BitAggregates(), FirstLastAggregates(),
          ExtremumByAggregates(), MomentAggregates(), CovarianceAggregates(),
          CollectAggregates(), DistinctCountAggregates(), AllValuesAggregates(),
          ProductAggregates()}) {
      for (const AggregateSpec& spec : table) {
        all_.push_back(&spec);
        by_name_.emplace(spec.name, &spec);
      }
    }
    std::sort(
        all_.begin(), all_.end(),
        [](const AggregateSpec* a, const AggregateSpec* b) { return a->name < b->name; });
  }

  const AggregateSpec* Find(std::string_view name) const {
    const auto found = by_name_.find(LowerCase(name));
    return found == by_name_.end() ? nullptr : found->second;
  }
  const std::vector<const AggregateSpec*>& all() const { return all_; }

 private:
  std::vector<const AggregateSpec*> all_;
  std::unordered_map<std::string, const AggregateSpec*> by_name_;
};

const Registry& TheRegistry() {
  static const Registry* const registry = new Registry();
  return *registry;
}

// count() has an error of its own in Spark.
Status CountWithoutArguments() {
  return AnalysisError(
             "WRONG_NUM_ARGS.WITH_SUGGESTION", "42605",
             "The `count` requires  >= 1 parameters but the actual number is 0. If "
             "you have to call this function with 0 parameters, set the legacy "
             "configuration \"spark.sql.legacy.allowParameterlessCount\" to "
             "\"true\".")
      .Param("functionName", "`count`")
      .Param("expectedNum", " >= 1")
      .Param("actualNum", "0")
      .Param("legacyNum", "0")
      .Param("legacyConfKey", "\"spark.sql.legacy.allowParameterlessCount\"")
      .Param("legacyConfValue", "\"true\"");
}

}  // namespace

const AggregateSpec* FindAggregate(std::string_view name) {
  return TheRegistry().Find(name);
}

std::vector<const AggregateSpec*> AllAggregates() { return TheRegistry().all(); }

Result<BoundAggregate> BindAggregate(std::string_view name, std::vector<ExprPtr> args,
                                     const BindContext& context) {
  const AggregateSpec* const spec = FindAggregate(name);
  if (spec == nullptr) return UnknownRoutine(name);
  const int count = static_cast<int>(args.size());
  if (spec->max_args < 0 && count < spec->min_args) return CountWithoutArguments();
  if (spec->max_args >= 0 && (count < spec->min_args || count > spec->max_args)) {
    const std::string wanted =
        spec->min_args == spec->max_args
            ? fmt::format("{}", spec->min_args)
            : fmt::format("[{}, {}]", spec->min_args, spec->max_args);
    return WrongArgumentCount(spec->name, wanted, count);
  }
  MILLRACE_ASSIGN_OR_RETURN(BoundAggregate bound, spec->bind(args, context));
  bound.name = spec->name;
  return bound;
}

}  // namespace millrace::expr
