// CRC-32C (Castagnoli), the checksum of Kafka's record batches.
#pragma once

#include <cstdint>

#include "connectors/kafka/fetch/wire.h"

namespace millrace::connectors::kafka::fetch {

/// Uses the processor's instruction where it has one.
uint32_t Crc32c(Bytes bytes);

/// The same without that instruction; for processors without it, and for tests.
uint32_t PortableCrc32c(Bytes bytes);

}  // namespace millrace::connectors::kafka::fetch
