// Builds a column of arrays of strings, out of parts of other strings.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "expr/kernel.h"

namespace millrace::expr {

/// Append the parts of a row, then call Commit; or AppendNull. The bytes must stay until
/// Finish.
class TextListBuilder {
 public:
  void Append(std::string_view part) { parts_.push_back(part); }
  void Commit() { offsets_.push_back(static_cast<int32_t>(parts_.size())); }
  void AppendNull() {
    nulls_.push_back(static_cast<int64_t>(offsets_.size()) - 1);
    Commit();
  }
  Result<data::ArrayPtr> Finish(const data::TypePtr& type);

 private:
  std::vector<std::string_view> parts_;
  std::vector<int32_t> offsets_{0};
  std::vector<int64_t> nulls_;
};

/// Runs f(Args…, TextListBuilder*) -> Status over the rows of `in`, as MapText does.
template <typename... Args, typename F>
Result<Value> MapTextLists(const KernelInput& in, F&& f) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity,
                            IntersectValidity(in.args.first(sizeof...(Args)), rows));
  if (validity.all_null) return NullConstant(in.type);
  TextListBuilder out;
  const auto readers = internal::MakeReaders<Args...>(in.args);
  for (int64_t row = 0; row < rows; ++row) {
    if (validity.bits != nullptr &&
        !arrow::bit_util::GetBit(validity.bits->data(), row)) {
      out.AppendNull();
      continue;
    }
    MILLRACE_RETURN_IF_ERROR(std::apply(
        [&](const auto&... reader) -> Status { return f(reader[row]..., &out); },
        readers));
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), constant};
}

}  // namespace millrace::expr
