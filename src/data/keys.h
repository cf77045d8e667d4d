// Canonical bytes of grouping keys: two rows get the same bytes exactly if Spark's GROUP
// BY puts them in one group (null equals null, NaN equals NaN, -0.0 equals 0.0). The
// format is part of the checkpoint: docs/formats/state.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"

namespace millrace::data {

/// The keys of a batch's rows, back to back in one buffer.
struct EncodedKeys {
  std::string bytes;
  std::vector<int32_t> offsets;  // rows + 1
  std::string_view operator[](int64_t row) const {
    return std::string_view(bytes).substr(offsets[row], offsets[row + 1] - offsets[row]);
  }
  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

/// Encodes the rows of `columns` (all of one length). Reuses the storage of `out`.
/// Errors: a map column (Spark: GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE).
Status EncodeKeys(std::span<const ArrayPtr> columns, EncodedKeys* out);

/// Gives the columns back from keys. -0.0 comes back as 0.0.
Result<std::vector<ArrayPtr>> DecodeKeys(std::span<const std::string_view> keys,
                                         std::span<const TypePtr> types);

}  // namespace millrace::data
