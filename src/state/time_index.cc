#include "state/time_index.h"

namespace millrace::state {

std::vector<Slot> TimeIndex::TakeUpTo(int64_t upto) {
  const auto end = by_time_.upper_bound(upto);
  std::vector<Slot> taken;
  for (auto entry = by_time_.begin(); entry != end; ++entry) {
    taken.insert(taken.end(), entry->second.begin(), entry->second.end());
  }
  by_time_.erase(by_time_.begin(), end);
  return taken;
}

}  // namespace millrace::state
