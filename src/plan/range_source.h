// spark.range(): numbers made when they are read, however many there are.
#pragma once

#include "connector/source.h"

namespace millrace::plan {

/// Not a format one can name; PlanBuilder::Range makes scans of it.
const connector::SourceProvider& RangeSource();

/// The options of such a scan: [start, end) by step, which is not 0.
Options RangeOptions(int64_t start, int64_t end, int64_t step);

}  // namespace millrace::plan
