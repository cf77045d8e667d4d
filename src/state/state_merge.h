// What a snapshot and the deltas after it amount to, key group by key group, so that no
// more than one group of a large state is in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "millrace/status.h"
#include "state/record.h"
#include "state/state_file.h"

namespace millrace::state {

/// The files of one state: a snapshot or none, and the deltas after it, oldest first.
struct StateFiles {
  std::unique_ptr<StateFileReader> snapshot;
  std::vector<std::unique_ptr<StateFileReader>> deltas;
};

/// Calls `visit` once for each key alive, in an order that depends on the files only.
/// Between two groups it calls `end_group` with the group that is done; an error ends the
/// merge.
Status MergeStateFiles(const StateFiles& files, uint32_t key_groups,
                       const std::function<Status(const Record&)>& visit,
                       const std::function<Status(uint32_t group)>& end_group);

}  // namespace millrace::state
