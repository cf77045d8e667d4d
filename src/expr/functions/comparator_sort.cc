#include "expr/functions/comparator_sort.h"

#include <algorithm>

#include <arrow/record_batch.h>

#include "base/error.h"
#include "data/show.h"
#include "expr/functions/lists.h"
#include "expr/lambda.h"

namespace millrace::expr {
namespace {

// Two sorted runs that become one: [left, middle) and [right, end) into [out, …).
struct RunPair {
  int32_t row;
  size_t left;
  size_t middle;
  size_t right;
  size_t end;
  size_t out;
};

std::string ElementText(const arrow::Array& elements, int64_t index) {
  std::string text;
  data::AppendValue(elements, index, "UTC", data::NullText::kCast, &text);
  return text;
}

Status NoOrder(const arrow::Array& elements, int32_t left, int32_t right) {
  const std::string first = ElementText(elements, left);
  const std::string second = ElementText(elements, right);
  return Error(Fault::kData,
               "The comparator has returned a NULL for a comparison between {} and "
               "{}.\nIt should return a positive integer for \"greater than\", 0 for "
               "\"equal\" and a negative integer for \"less than\".\nTo revert to "
               "deprecated behavior where NULL is treated as 0 (equal), you must set "
               "\"spark.sql.legacy.allowNullComparisonResultInArraySort\" to \"true\".",
               first, second)
      .Class("COMPARATOR_RETURNS_NULL", "22004")
      .Param("firstValue", first)
      .Param("secondValue", second);
}

// Merge sort of all rows at once: each call of the lambda compares one pair for every two
// runs that are being merged.
class Sorter {
 public:
  Sorter(const LazyInput& in, const ListRows& lists, int64_t rows)
      : in_(in), lists_(lists) {
    for (int64_t row = 0; row < rows; ++row) {
      starts_.push_back(order_.size());
      if (lists.IsNull(row)) continue;
      for (int32_t i = lists.begin(row); i < lists.end(row); ++i) order_.push_back(i);
      longest_ = std::max(longest_, static_cast<size_t>(lists.size(row)));
    }
    starts_.push_back(order_.size());
  }

  Status Sort() {
    for (size_t width = 1; width < longest_; width *= 2) {
      MILLRACE_RETURN_IF_ERROR(MergeRuns(width));
    }
    return Status::OK();
  }

  std::span<const int32_t> order(int64_t row) const {
    const auto at = static_cast<size_t>(row);
    return std::span(order_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

 private:
  Status MergeRuns(size_t width) {
    merged_ = order_;
    std::vector<RunPair> open;
    for (size_t row = 0; row + 1 < starts_.size(); ++row) {
      const size_t end = starts_[row + 1];
      for (size_t at = starts_[row]; at + width < end; at += 2 * width) {
        open.push_back({static_cast<int32_t>(row), at, at + width, at + width,
                        std::min(at + 2 * width, end), at});
      }
    }
    while (!open.empty()) {
      MILLRACE_RETURN_IF_ERROR(Step(open));
      std::erase_if(open, [this](const RunPair& pair) { return Finished(pair); });
    }
    order_.swap(merged_);
    return Status::OK();
  }

  // Copies what is left where one of the runs has ended.
  bool Finished(const RunPair& pair) {
    if (pair.left < pair.middle && pair.right < pair.end) return false;
    size_t out = pair.out;
    for (size_t i = pair.left; i < pair.middle; ++i) merged_[out++] = order_[i];
    for (size_t i = pair.right; i < pair.end; ++i) merged_[out++] = order_[i];
    return true;
  }

  Status Step(std::span<RunPair> open) {
    rows_.clear();
    left_.clear();
    right_.clear();
    for (const RunPair& pair : open) {
      rows_.push_back(pair.row);
      left_.push_back(order_[pair.left]);
      right_.push_back(order_[pair.right]);
    }
    data::ArrayPtr arguments[2];
    MILLRACE_ASSIGN_OR_RETURN(arguments[0], data::Take(lists_.elements(), left_));
    MILLRACE_ASSIGN_OR_RETURN(arguments[1], data::Take(lists_.elements(), right_));
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results,
                              CallLambda(*AsLambda(in_.args[1]), in_, rows_, arguments));
    const Reader<int32_t> order(*results);
    for (size_t i = 0; i < open.size(); ++i) {
      if (order.IsNull(static_cast<int64_t>(i))) {
        return NoOrder(lists_.elements(), left_[i], right_[i]);
      }
      RunPair& pair = open[i];
      const bool keep = order[static_cast<int64_t>(i)] <= 0;
      merged_[pair.out++] = order_[keep ? pair.left++ : pair.right++];
    }
    return Status::OK();
  }

  const LazyInput& in_;
  const ListRows& lists_;
  std::vector<size_t> starts_;  // of each row's elements in order_; one more at the end
  std::vector<int32_t> order_;
  std::vector<int32_t> merged_;
  size_t longest_ = 0;
  std::vector<int32_t> rows_;
  std::vector<int32_t> left_;
  std::vector<int32_t> right_;
};

}  // namespace

Result<Value> SortByComparator(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value input,
                            in.args[0]->Evaluate(in.batch, in.context));
  const ListRows lists(input);
  const bool constant = input.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  Sorter sorter(in, lists, rows);
  MILLRACE_RETURN_IF_ERROR(sorter.Sort());
  ListBuilder out;
  for (int64_t row = 0; row < rows; ++row) {
    if (lists.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    for (const int32_t element : sorter.order(row)) out.Append(element);
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, lists.elements()));
  return Value{std::move(array), constant};
}

}  // namespace millrace::expr
