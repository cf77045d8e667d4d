#include "connectors/kafka/rate_limit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace millrace::connectors::kafka {

PartitionOffsets LimitOffsets(int64_t limit, const PartitionOffsets& from,
                              const PartitionOffsets& from_new,
                              const PartitionOffsets& until) {
  const auto begin_of = [&](const TopicPartition& partition) -> std::optional<int64_t> {
    for (const PartitionOffsets* known : {&from, &from_new}) {
      if (const auto it = known->find(partition); it != known->end()) return it->second;
    }
    return std::nullopt;
  };
  double total = 0;
  for (const auto& [partition, end] : until) {
    const std::optional<int64_t> begin = begin_of(partition);
    if (begin && end > *begin) total += static_cast<double>(end - *begin);
  }
  if (total < 1) return until;

  PartitionOffsets limited;
  for (const auto& [partition, end] : until) {
    int64_t& out = limited[partition];
    out = end;
    const std::optional<int64_t> begin = begin_of(partition);
    if (!begin || end <= *begin) continue;
    const double share =
        static_cast<double>(limit) * (static_cast<double>(end - *begin) / total);
    const double rounded = share < 1 ? std::ceil(share) : std::floor(share);
    // Compared as doubles first: a great limit need not fit behind `begin`.
    if (rounded < static_cast<double>(end - *begin)) {
      out = std::min(end, *begin + static_cast<int64_t>(rounded));
    }
  }
  return limited;
}

}  // namespace millrace::connectors::kafka
