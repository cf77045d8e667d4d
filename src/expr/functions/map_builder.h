// Inside functions/: making a column of maps.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "expr/aggregates/value_codec.h"
#include "expr/kernel.h"

namespace millrace::expr {

/// DUPLICATED_MAP_KEY / 23505 about the key in row `index` of `keys`.
Error DuplicateMapKey(const arrow::Array& keys, int64_t index);
/// NULL_MAP_KEY / 2200E.
Error NullMapKey();

/// Maps whose entries are picked out of a column of keys and one of values.
class MapBuilder {
 public:
  MapBuilder(data::ArrayPtr keys, data::ArrayPtr values)
      : keys_(std::move(keys)),
        values_(std::move(values)),
        codec_(keys_->type(), /*normalize_floats=*/true) {}

  /// An entry of the next map. `value` may be -1 for null. Errors: DUPLICATED_MAP_KEY /
  /// 23505, NULL_MAP_KEY / 2200E.
  Status Append(int32_t key, int32_t value);
  void Commit() {
    offsets_.push_back(static_cast<int32_t>(key_indices_.size()));
    seen_.clear();
  }
  void AppendNull() {
    nulls_.push_back(static_cast<int64_t>(offsets_.size()) - 1);
    Commit();
  }
  Result<data::ArrayPtr> Finish(const data::TypePtr& type);

 private:
  const data::ArrayPtr keys_;
  const data::ArrayPtr values_;
  const ValueCodec codec_;
  std::unordered_set<std::string> seen_;  // keys of the map being built
  std::string scratch_;
  std::vector<int32_t> key_indices_;
  std::vector<int32_t> value_indices_;
  std::vector<int32_t> offsets_{0};
  std::vector<int64_t> nulls_;
};

}  // namespace millrace::expr
