// Arrays inside a column: reading them row by row, and making new ones out of their
// elements.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/array/array_nested.h>

#include "expr/kernel.h"

namespace millrace::expr {

/// The array of each row of a Value of list type (or map, whose entries are its
/// elements).
class ListRows {
 public:
  explicit ListRows(const Value& value)
      : list_(static_cast<const arrow::ListArray&>(*value.array)),
        value_(value),
        nulls_(value) {}

  bool IsNull(int64_t row) const { return nulls_.IsNull(row); }
  int32_t begin(int64_t row) const { return list_.value_offset(value_.index(row)); }
  int32_t end(int64_t row) const { return list_.value_offset(value_.index(row) + 1); }
  int32_t size(int64_t row) const { return end(row) - begin(row); }
  /// What begin and end point into.
  const arrow::Array& elements() const { return *list_.values(); }
  const data::ArrayPtr& shared_elements() const { return list_.values(); }

 private:
  const arrow::ListArray& list_;
  const Value& value_;
  const NullReader nulls_;
};

/// Collects for each row which elements its new array has.
class ListBuilder {
 public:
  /// An index into the elements given to Finish, or -1 for null.
  void Append(int32_t element) { elements_.push_back(element); }
  void Commit() { offsets_.push_back(static_cast<int32_t>(elements_.size())); }
  /// A row without array; nothing was appended for it.
  void AppendNull() {
    nulls_.push_back(static_cast<int64_t>(offsets_.size()) - 1);
    Commit();
  }
  std::vector<int32_t>* elements() { return &elements_; }

  /// `type` is a list whose elements have the type of `elements`.
  Result<data::ArrayPtr> Finish(const data::TypePtr& type, const arrow::Array& elements);

 private:
  std::vector<int32_t> elements_;
  std::vector<int32_t> offsets_{0};
  std::vector<int64_t> nulls_;
};

/// A kernel over args[0], an array: f(in, ListRows, row, ListBuilder*) -> bool appends
/// elements of the array of that row, and gives false for null. Not called where an
/// argument is null.
template <typename F>
Kernel ListKernel(F f) {
  return [f = std::move(f)](const KernelInput& in) -> Result<Value> {
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    std::vector<NullReader> nulls(in.args.begin(), in.args.end());
    const ListRows lists(in.args[0]);
    ListBuilder out;
    for (int64_t row = 0; row < rows; ++row) {
      bool valid = true;
      for (const NullReader& reader : nulls) valid = valid && !reader.IsNull(row);
      if (!valid) {
        out.AppendNull();
        continue;
      }
      const Result<bool> present = f(in, lists, row, &out);
      if (!present.ok()) return present.status();
      if (*present) {
        out.Commit();
      } else {
        out.AppendNull();
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array,
                              out.Finish(in.type, lists.elements()));
    return Value{std::move(array), constant};
  };
}

}  // namespace millrace::expr
