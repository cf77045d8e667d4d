// describe(), summary(), cov(), corr(), approxQuantile(): aggregates under other names.
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/ascii.h"
#include "base/error.h"
#include "connect_plan/derived_relations.h"
#include "connect_plan/subquery_terms.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::Attribute;
using plan::PlanPtr;
using plan::UnresolvedExpr;
using Exprs = std::vector<UnresolvedExpr>;

UnresolvedExpr Percentile(UnresolvedExpr value, double share) {
  return Call("percentile_approx",
              {std::move(value), LiteralOf(expr::MakeDouble(share))});
}

// 0.25 of "25%".
double ShareOf(const std::string& percentile) {
  return std::strtod(percentile.c_str(), nullptr) / 100;
}

// Spark: StatFunctions.summary.
Status CheckStatistic(const std::string& statistic) {
  constexpr std::array<std::string_view, 5> kNamed = {"count", "mean", "stddev", "min",
                                                      "max"};
  if (std::find(kNamed.begin(), kNamed.end(), statistic) != kNamed.end()) {
    return Status::OK();
  }
  if (statistic == "count_distinct" || statistic == "approx_count_distinct") {
    return UnsupportedError("The statistic {} of summary() is not supported yet.",
                            statistic);
  }
  char* end = nullptr;
  const double share = std::strtod(statistic.c_str(), &end);
  if (std::string_view(end) == "%" && share >= 0 && share <= 100) return Status::OK();
  return ArgumentError("{} is not a recognised statistic", statistic);
}

}  // namespace

Result<PlanPtr> Summary(const plan::PlanBuilder& builder, PlanPtr input,
                        std::vector<std::string> columns,
                        const std::vector<std::string>& statistics) {
  for (const std::string& statistic : statistics) {
    MILLRACE_RETURN_IF_ERROR(CheckStatistic(statistic));
  }
  if (columns.empty()) {
    for (const Attribute& attribute : input->output) {
      if (data::IsNumeric(*attribute.type) || data::IsString(*attribute.type)) {
        columns.push_back(attribute.name);
      }
    }
  }
  PlanPtr all;
  for (const std::string& statistic : statistics) {
    Exprs aggregates = {UnresolvedExpr::Alias(
        Call("max", {LiteralOf(expr::MakeString(statistic))}), "summary")};
    for (const std::string& name : columns) {
      const auto found = std::find_if(
          input->output.begin(), input->output.end(),
          [&](const Attribute& a) { return EqualsIgnoreCase(a.name, name); });
      UnresolvedExpr value = Named(name);
      const bool is_text = found != input->output.end() && data::IsString(*found->type);
      const bool percentile = statistic.ends_with('%');
      if (is_text && (statistic == "mean" || statistic == "stddev" || percentile)) {
        value = UnresolvedExpr::Cast(std::move(value), data::DoubleType());
        value.cast_mode = expr::CastMode::kTry;
      }
      UnresolvedExpr result =
          percentile ? Percentile(std::move(value), ShareOf(statistic))
                     : Call(statistic == "mean" ? "avg" : statistic, {std::move(value)});
      if (percentile && found != input->output.end() &&
          found->type->id() == arrow::Type::DECIMAL128) {
        // Spark forgets the scale of these.
        result = UnresolvedExpr::Cast(std::move(result), data::DoubleType());
      }
      aggregates.push_back(UnresolvedExpr::Alias(
          UnresolvedExpr::Cast(std::move(result), data::StringType()), name));
    }
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr row, builder.Aggregate(input, {}, aggregates));
    if (all == nullptr) {
      all = std::move(row);
    } else {
      MILLRACE_ASSIGN_OR_RETURN(
          all, builder.Union(std::move(all), std::move(row), false, false));
    }
  }
  return all;
}

Result<PlanPtr> PairStatistic(const plan::PlanBuilder& builder, PlanPtr input,
                              const std::string& function, const std::string& column1,
                              const std::string& column2, const std::string& name) {
  const Exprs aggregates = {
      UnresolvedExpr::Alias(Call(function, {Named(column1), Named(column2)}), name)};
  return builder.Aggregate(std::move(input), {}, aggregates);
}

Result<PlanPtr> Quantiles(const plan::PlanBuilder& builder, PlanPtr input,
                          const proto::StatApproxQuantile& node) {
  Exprs lists;
  for (const std::string& name : node.cols()) {
    Exprs quantiles;
    const UnresolvedExpr value = UnresolvedExpr::Cast(Named(name), data::DoubleType());
    for (const double share : node.probabilities()) {
      quantiles.push_back(Percentile(value, share));
    }
    lists.push_back(Call("array", std::move(quantiles)));
  }
  const Exprs aggregates = {
      UnresolvedExpr::Alias(Call("array", std::move(lists)), "approx_quantile")};
  return builder.Aggregate(std::move(input), {}, aggregates);
}

}  // namespace millrace::connect_plan
