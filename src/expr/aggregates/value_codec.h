// Single values of any engine type as bytes: what accumulators keep where a slot holds a
// string, a struct or a list (max, first, max_by, collect_list …). The format is in
// README.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/batch.h"
#include "data/types.h"

namespace millrace::expr {

/// Writes, compares and reads values of one type.
/// Threading: all methods may be called from any thread.
class ValueCodec {
 public:
  /// With `normalize_floats`, all NaNs get the same bytes, and so do -0.0 and 0.0.
  explicit ValueCodec(data::TypePtr type, bool normalize_floats = false)
      : type_(std::move(type)), normalize_floats_(normalize_floats) {}

  const data::TypePtr& type() const { return type_; }

  /// Appends the value of a row; null is a value.
  void Append(const arrow::Array& array, int64_t row, std::string* out) const;

  /// Below, at or above 0 as `a` sorts before, with or after `b` in Spark's ascending
  /// order: nulls first, NaN last, -0.0 with 0.0, strings by bytes.
  int Compare(std::string_view a, std::string_view b) const;

  /// Advances `*in` past one value; false where there is none.
  bool Skip(std::string_view* in) const;

  /// An array of the values; a view may hold several, back to back, and an empty one is
  /// null.
  Result<data::ArrayPtr> Decode(std::span<const std::string_view> values) const;

 private:
  const data::TypePtr type_;
  const bool normalize_floats_;
};

}  // namespace millrace::expr
