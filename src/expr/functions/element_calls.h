// Inside functions/: calling a lambda for elements of arrays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "expr/functions/lists.h"
#include "expr/lambda.h"

namespace millrace::expr {

/// For which elements of which rows a lambda is called, with the element and its index.
/// `lists` must outlive it.
class ElementCalls {
 public:
  explicit ElementCalls(const ListRows& lists) : lists_(lists) {}
  /// For all elements of `rows` rows.
  ElementCalls(const ListRows& lists, int64_t rows);

  /// For element number `place` of the array of `row`.
  void Add(int64_t row, int32_t place);

  /// The row of each call.
  std::span<const int32_t> rows() const { return rows_; }
  Result<data::ArrayPtr> Call(const Lambda& lambda, const LazyInput& in);
  /// After calls for all elements: arrays of the results, null where there was none.
  Result<data::ArrayPtr> MakeLists(const data::TypePtr& type,
                                   const data::ArrayPtr& results) const;

 private:
  const ListRows& lists_;
  int64_t row_count_ = 0;
  std::vector<int32_t> rows_;
  std::vector<int32_t> elements_;
  std::vector<int32_t> places_;
};

}  // namespace millrace::expr
