// A sink that takes rows and forgets them, for measuring what comes before it.
// Spark: NoopDataSource.
#pragma once

#include <memory>

#include "connector/sink.h"

namespace millrace::connectors::noop {

std::unique_ptr<connector::SinkProvider> MakeNoopSinkProvider();

}  // namespace millrace::connectors::noop
