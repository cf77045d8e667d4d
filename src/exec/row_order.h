// The order of values inside one column, as Spark sorts them: NaN after all numbers and
// equal to itself, -0.0 equal to 0.0, strings by bytes, structs and arrays element by
// element.
#pragma once

#include <cstdint>
#include <functional>

#include "data/batch.h"
#include "exec/operators.h"

namespace millrace::exec {

/// Compares two non-null rows of one array: negative, zero or positive.
using RowComparison = std::function<int(int64_t, int64_t)>;

/// `array` must outlive the result. Errors: maps have no order
/// (DATATYPE_MISMATCH.INVALID_ ORDERING_TYPE / 42K09).
Result<RowComparison> MakeRowComparison(const arrow::Array& array);

/// The order of the rows of one batch by several columns, each in its direction.
class RowOrder {
 public:
  static Result<RowOrder> Make(const std::vector<SortColumn>& columns, const Batch& batch,
                               const expr::EvalContext& context);
  /// Below, at or above 0 as row `a` comes before, with or after row `b`.
  int Compare(int64_t a, int64_t b) const;

 private:
  struct Key {
    data::ArrayPtr values;
    RowComparison compare;
    bool descending = false;
    bool nulls_first = true;
  };
  std::vector<Key> keys_;
};

}  // namespace millrace::exec
