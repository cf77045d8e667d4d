// Which slots expire up to a given time, without scanning the others.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "state/key_table.h"

namespace millrace::state {

/// Threading: one thread.
class TimeIndex {
 public:
  /// `slot` expires at `time` (any unit, the caller's). A slot may be added once.
  void Add(int64_t time, Slot slot) { by_time_[time].push_back(slot); }

  /// Removes and returns all slots with time <= `upto`, earliest first.
  std::vector<Slot> TakeUpTo(int64_t upto);

  bool AnyUpTo(int64_t upto) const {
    return !by_time_.empty() && by_time_.begin()->first <= upto;
  }

 private:
  std::map<int64_t, std::vector<Slot>> by_time_;
};

}  // namespace millrace::state
