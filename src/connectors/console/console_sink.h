// Prints each batch as a table. Spark: ConsoleTable, ConsoleWrite.
#pragma once

#include <iosfwd>
#include <memory>

#include "connector/sink.h"

namespace millrace::connectors::console {

/// `out` outlives the provider and its sinks. Sinks of one provider take turns on it, a
/// whole batch at a time.
std::unique_ptr<connector::SinkProvider> MakeConsoleSinkProvider(std::ostream& out);

}  // namespace millrace::connectors::console
