// sources/<i> of a checkpoint as the DurableLog a source gets.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "connector/durable_log.h"

namespace millrace::streaming {

/// `fs` must outlive it.
std::unique_ptr<connector::DurableLog> MakeSourceLog(FileSystem* fs, std::string folder);

}  // namespace millrace::streaming
