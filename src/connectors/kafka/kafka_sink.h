// format("kafka") for writing, as one registers it with the engine.
#pragma once

#include <memory>

#include "connector/sink.h"

namespace millrace::connectors::kafka {

/// Streams and batches whose rows become messages. A batch that is repeated after a crash
/// sends its messages again: at least once, as in Spark.
std::unique_ptr<connector::SinkProvider> MakeKafkaSinkProvider();

}  // namespace millrace::connectors::kafka
