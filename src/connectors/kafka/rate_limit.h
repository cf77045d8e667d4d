// Splits maxOffsetsPerTrigger among the partitions of a batch.
#pragma once

#include <cstdint>

#include "connectors/kafka/partition_offsets.h"

namespace millrace::connectors::kafka {

/// The ends of a batch from `from` that reads about `limit` offsets of those before
/// `until`: each partition its share in proportion to what remains in it, rounded down,
/// but at least one. So a batch may be a little over or under the limit. `from_new` holds
/// the beginnings of partitions that `from` does not know. Spark:
/// KafkaMicroBatchStream.rateLimit.
PartitionOffsets LimitOffsets(int64_t limit, const PartitionOffsets& from,
                              const PartitionOffsets& from_new,
                              const PartitionOffsets& until);

}  // namespace millrace::connectors::kafka
