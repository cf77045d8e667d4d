// Tables by name that live only as long as the session: what format("memory") fills.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connector {

struct TableContent {
  data::SchemaPtr schema;
  std::vector<data::Batch> batches;
};

/// Threading: any thread.
class Tables {
 public:
  virtual ~Tables() = default;
  /// The rows as of now of a session's table; nothing where there is none of that name
  /// (without case).
  virtual std::optional<TableContent> Find(std::string_view session_id,
                                           std::string_view name) const = 0;
  /// The session has ended.
  virtual void DropAll(std::string_view session_id) = 0;
};

}  // namespace millrace::connector
