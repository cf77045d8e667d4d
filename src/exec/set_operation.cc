#include <arrow/record_batch.h>

#include "data/keys.h"
#include "exec/operators.h"
#include "state/key_table.h"

namespace millrace::exec {
namespace {

// Counts the rows of the right input; each takes a row equal to it out of the left one.
class MultisetOperation final : public Operator {
 public:
  explicit MultisetOperation(bool intersects) : intersects_(intersects) {}

  int first_input() const override { return 1; }

  Status BeginEpoch(const Epoch& epoch) override {
    table_ = std::make_unique<state::KeyTable>();
    counts_.clear();
    return Operator::BeginEpoch(epoch);
  }

  Status Process(int input, const Batch& batch, PartitionIndex, Emitter& out) override {
    const int64_t rows = batch->num_rows();
    if (rows == 0) return Status::OK();
    MILLRACE_RETURN_IF_ERROR(data::EncodeKeys(batch->columns(), &encoded_));
    if (input == 1) {
      account().absorbed += rows;
      std::vector<state::Slot> slots;
      std::vector<state::Slot> added;
      table_->FindOrAdd(encoded_, &slots, &added);
      counts_.resize(table_->slot_count(), 0);
      for (const state::Slot slot : slots) ++counts_[slot];
      return Status::OK();
    }
    std::vector<int32_t> kept;
    for (int64_t row = 0; row < rows; ++row) {
      const state::Slot slot = table_->Find(encoded_[row]);
      const bool has_equal = slot != state::kNoSlot && counts_[slot] > 0;
      if (has_equal) --counts_[slot];
      if (has_equal == intersects_) kept.push_back(static_cast<int32_t>(row));
    }
    const auto passed = static_cast<int64_t>(kept.size());
    account().passed += passed;
    account().dropped_filter += rows - passed;
    if (passed == 0) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(Batch taken, data::Take(batch, kept));
    return out.Emit(std::move(taken));
  }

 private:
  const bool intersects_;
  std::unique_ptr<state::KeyTable> table_;
  std::vector<int64_t> counts_;  // by slot: rows of the right input not yet used
  data::EncodedKeys encoded_;
};

}  // namespace

std::unique_ptr<Operator> MakeIntersectAll() {
  return std::make_unique<MultisetOperation>(true);
}
std::unique_ptr<Operator> MakeExceptAll() {
  return std::make_unique<MultisetOperation>(false);
}

}  // namespace millrace::exec
