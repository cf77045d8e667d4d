// The tables of aggregate functions, one for each file of this folder; aggregate.cc joins
// them.
#pragma once

#include <span>

#include "expr/aggregate.h"

namespace millrace::expr {

std::span<const AggregateSpec> AllValuesAggregates();
std::span<const AggregateSpec> CountAggregates();
std::span<const AggregateSpec> SumAggregates();
std::span<const AggregateSpec> AverageAggregates();
std::span<const AggregateSpec> MinMaxAggregates();
std::span<const AggregateSpec> BooleanAggregates();
std::span<const AggregateSpec> BitAggregates();
std::span<const AggregateSpec> FirstLastAggregates();
std::span<const AggregateSpec> ExtremumByAggregates();
std::span<const AggregateSpec> MomentAggregates();
std::span<const AggregateSpec> ProductAggregates();
std::span<const AggregateSpec> CovarianceAggregates();
std::span<const AggregateSpec> CollectAggregates();
std::span<const AggregateSpec> DistinctCountAggregates();

}  // namespace millrace::expr
