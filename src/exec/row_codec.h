// Whole rows as bytes, and back: how operators remember rows across epochs. Values keep
// their exact bits, unlike keys. The format is part of the checkpoint:
// docs/formats/state.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "expr/aggregates/value_codec.h"

namespace millrace::exec {

/// Threading: all methods may be called from any thread.
class RowCodec {
 public:
  explicit RowCodec(data::SchemaPtr schema);

  const data::SchemaPtr& schema() const { return schema_; }
  /// Appends one row of a batch of that schema.
  void Append(const data::Batch& batch, int64_t row, std::string* out) const;
  /// A batch of rows written by Append. Errors: bytes that are no such row.
  Result<data::Batch> Decode(std::span<const std::string_view> rows) const;

 private:
  const data::SchemaPtr schema_;
  std::vector<expr::ValueCodec> columns_;
};

}  // namespace millrace::exec
