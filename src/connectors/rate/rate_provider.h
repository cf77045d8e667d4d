// format("rate"): rows that count up, so many a second. For demos and tests of a
// pipeline. Spark counterparts: RateStreamProvider, RateStreamMicroBatchStream.
#pragma once

#include <cstdint>
#include <memory>

#include "connector/source.h"

namespace millrace::connectors::rate {

std::unique_ptr<connector::SourceProvider> MakeRateProvider();

/// How many rows come in a stream's first `seconds`. In the first `ramp_up_seconds` the
/// speed grows step by step to `rows_per_second`.
int64_t RowsUntil(int64_t seconds, int64_t rows_per_second, int64_t ramp_up_seconds);

}  // namespace millrace::connectors::rate
