// A numbered log the engine keeps for a source or sink inside the query's checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "millrace/status.h"

namespace millrace::connector {

/// Entries are durable when Add returns.
/// Threading: one thread.
class DurableLog {
 public:
  virtual ~DurableLog() = default;
  /// An error where `id` exists.
  virtual Status Add(int64_t id, const std::string& content) = 0;
  virtual Result<std::optional<std::string>> Get(int64_t id) const = 0;
  virtual Result<std::vector<int64_t>> Ids() const = 0;
  virtual Status PurgeBelow(int64_t id) = 0;
  /// The folder it lies in, for a source with files of other names (compacted logs).
  virtual std::string folder() const = 0;
};

}  // namespace millrace::connector
