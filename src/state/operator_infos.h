// The file `operators` of a state folder: the number of key groups, and what the stateful
// operators said about themselves. docs/formats/state.md, "operators".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/status.h"
#include "state/state_log.h"

namespace millrace::state {

struct StateLayout {
  uint32_t key_groups = 0;
  /// Nothing until StateLog::CheckOperators was called.
  std::optional<std::vector<OperatorStateInfo>> operators;
};

std::string Serialize(const StateLayout& layout);
/// Damage is an error that names `file`.
Result<StateLayout> ParseStateLayout(std::string_view text, const std::string& file);

/// Whether a query with operators `declared` may go on with the state of `stored`.
Status CheckCompatible(std::vector<OperatorStateInfo> stored,
                       std::vector<OperatorStateInfo> declared);

}  // namespace millrace::state
