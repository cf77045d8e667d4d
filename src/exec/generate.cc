#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "data/arrow_status.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

constexpr int32_t kNone = -1;  // data::Take gives null for it

// Spark: GenerateExec with ExplodeBase and Inline.
class Generate final : public Operator {
 public:
  explicit Generate(GenerateOptions options) : options_(std::move(options)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    MILLRACE_ASSIGN_OR_RETURN(
        const data::ArrayPtr lists,
        expr::EvaluateToArray(*options_.elements, batch, epoch().eval));
    // A map is a list of its entries.
    Repeat(static_cast<const arrow::ListArray&>(*lists));
    const auto rows = static_cast<int64_t>(rows_.size());
    account().passed += rows;
    if (rows == 0) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const Batch repeated, data::Take(batch, rows_));
    std::vector<data::ArrayPtr> columns = repeated->columns();
    if (options_.with_position) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr positions, Positions());
      columns.push_back(std::move(positions));
    }
    MILLRACE_RETURN_IF_ERROR(
        AddElements(static_cast<const arrow::ListArray&>(*lists), &columns));
    return out.Emit(arrow::RecordBatch::Make(options_.schema, rows, std::move(columns)));
  }

 private:
  void Repeat(const arrow::ListArray& lists) {
    rows_.clear();
    elements_.clear();
    positions_.clear();
    for (int64_t row = 0; row < lists.length(); ++row) {
      const int64_t length = lists.IsNull(row) ? 0 : lists.value_length(row);
      if (length == 0) {
        if (options_.outer) Add(row, kNone, 0);
        account().dropped_filter += options_.outer ? 0 : 1;
        continue;
      }
      const auto begin = static_cast<int32_t>(lists.value_offset(row));
      for (int32_t i = 0; i < length; ++i) Add(row, begin + i, i);
      account().expanded += length - 1;
    }
  }

  void Add(int64_t row, int32_t element, int32_t position) {
    rows_.push_back(static_cast<int32_t>(row));
    elements_.push_back(element);
    positions_.push_back(position);
  }

  // Null where a row has no element.
  Result<data::ArrayPtr> Positions() const {
    const auto numbers = std::make_shared<arrow::Int32Array>(
        static_cast<int64_t>(positions_.size()), arrow::Buffer::FromVector(positions_));
    std::vector<int32_t> picked(positions_.size());
    for (size_t i = 0; i < picked.size(); ++i) {
      picked[i] = elements_[i] == kNone ? kNone : static_cast<int32_t>(i);
    }
    return data::Take(*numbers, picked);
  }

  Status AddElements(const arrow::ListArray& lists,
                     std::vector<data::ArrayPtr>* columns) const {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr taken,
                              data::Take(*lists.values(), elements_));
    if (!options_.fields && lists.type_id() != arrow::Type::MAP) {
      columns->push_back(std::move(taken));
      return Status::OK();
    }
    // The fields of a null struct are null as well.
    MILLRACE_ASSIGN_OR_RETURN_ARROW(
        const arrow::ArrayVector fields,
        static_cast<const arrow::StructArray&>(*taken).Flatten());
    columns->insert(columns->end(), fields.begin(), fields.end());
    return Status::OK();
  }

  const GenerateOptions options_;
  // Per row that is emitted: the input's row, the element, its position in its list.
  std::vector<int32_t> rows_;
  std::vector<int32_t> elements_;
  std::vector<int32_t> positions_;
};

}  // namespace

std::unique_ptr<Operator> MakeGenerate(GenerateOptions options) {
  return std::make_unique<Generate>(std::move(options));
}

}  // namespace millrace::exec
