#include "state/row_table.h"

namespace millrace::state {
namespace {

// Below this the garbage is not worth the copying.
constexpr size_t kLeastGarbage = 64 << 10;

}  // namespace

Slot RowTable::Add(std::string_view bytes) {
  CompactIfWorthIt();
  const Row row{arena_.Add(bytes), static_cast<uint32_t>(bytes.size())};
  if (free_.empty()) {
    rows_.push_back(row);
    return static_cast<Slot>(rows_.size() - 1);
  }
  const Slot slot = free_.back();
  free_.pop_back();
  rows_[slot] = row;
  return slot;
}

void RowTable::Erase(Slot slot) {
  garbage_ += rows_[slot].length;
  rows_[slot] = Row();
  free_.push_back(slot);
}

void RowTable::CompactIfWorthIt() {
  if (garbage_ < kLeastGarbage || garbage_ < arena_.used() / 2) return;
  KeyArena compact;
  for (Row& row : rows_) {
    if (row.data != nullptr) row.data = compact.Add({row.data, row.length});
  }
  arena_ = std::move(compact);
  garbage_ = 0;
}

int64_t RowTable::memory_bytes() const {
  return static_cast<int64_t>(arena_.allocated() + rows_.capacity() * sizeof(Row) +
                              free_.capacity() * sizeof(Slot));
}

}  // namespace millrace::state
