// Relations that are others in disguise: each is built from projections, filters, unions
// and aggregates, as Spark's Dataset does.
#pragma once

#include "plan/plan_builder.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect_plan {

/// df.dropna(). NaN counts as null.
Result<plan::PlanPtr> DropNa(const plan::PlanBuilder& builder, plan::PlanPtr input,
                             const spark::connect::NADrop& node);
/// df.fillna(): only columns of the value's kind (number, text, boolean) are filled.
Result<plan::PlanPtr> FillNa(const plan::PlanBuilder& builder, plan::PlanPtr input,
                             const spark::connect::NAFill& node);
/// df.replace().
Result<plan::PlanPtr> ReplaceValues(const plan::PlanBuilder& builder, plan::PlanPtr input,
                                    const spark::connect::NAReplace& node);
/// df.to(schema): columns by name, in the schema's order, cast to its types.
Result<plan::PlanPtr> ToSchema(const plan::PlanBuilder& builder, plan::PlanPtr input,
                               const data::SchemaPtr& schema);
/// INTERSECT and EXCEPT without ALL, by position.
Result<plan::PlanPtr> IntersectDistinct(const plan::PlanBuilder& builder,
                                        plan::PlanPtr left, plan::PlanPtr right);
Result<plan::PlanPtr> ExceptDistinct(const plan::PlanBuilder& builder, plan::PlanPtr left,
                                     plan::PlanPtr right);
/// df.describe() (columns) and df.summary() (statistics); empty: all columns, Spark's
/// statistics, among them percentiles as "25%".
Result<plan::PlanPtr> Summary(const plan::PlanBuilder& builder, plan::PlanPtr input,
                              std::vector<std::string> columns,
                              const std::vector<std::string>& statistics);
/// df.cov(), df.corr(): one row with the column `name`, of the aggregate `function`.
Result<plan::PlanPtr> PairStatistic(const plan::PlanBuilder& builder, plan::PlanPtr input,
                                    const std::string& function,
                                    const std::string& column1,
                                    const std::string& column2, const std::string& name);

/// df.approxQuantile(): one row, a list for each column of what percentile_approx gives.
Result<plan::PlanPtr> Quantiles(const plan::PlanBuilder& builder, plan::PlanPtr input,
                                const spark::connect::StatApproxQuantile& node);
/// df.unpivot(): a row for each value column, with its name and its value; no value
/// columns: all that are no ids.
Result<plan::PlanPtr> Unpivot(const plan::PlanBuilder& builder, plan::PlanPtr input,
                              const spark::connect::Unpivot& node,
                              const std::vector<plan::UnresolvedExpr>& ids,
                              const std::vector<plan::UnresolvedExpr>& values);

}  // namespace millrace::connect_plan
