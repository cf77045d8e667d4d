// format("kafka") for reading, as one registers it with the engine.
#pragma once

#include <memory>

#include "connector/source.h"

namespace millrace::connectors::kafka {

std::unique_ptr<connector::SourceProvider> MakeKafkaProvider();

}  // namespace millrace::connectors::kafka
