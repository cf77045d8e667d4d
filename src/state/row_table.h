// Rows as bytes, addressed by slot: what operators remember that keep whole rows.
#pragma once

#include <string_view>
#include <vector>

#include "state/key_arena.h"
#include "state/key_table.h"

namespace millrace::state {

/// Allocates per block, not per row. Threading: one thread.
class RowTable {
 public:
  /// Copies `bytes`. Slots are dense and reused. May move other rows.
  Slot Add(std::string_view bytes);
  void Erase(Slot slot);

  /// Valid until the next Add.
  std::string_view row(Slot slot) const { return {rows_[slot].data, rows_[slot].length}; }
  bool live(Slot slot) const { return rows_[slot].data != nullptr; }
  int64_t size() const { return static_cast<int64_t>(rows_.size() - free_.size()); }
  /// One more than the largest slot ever given.
  Slot slot_count() const { return static_cast<Slot>(rows_.size()); }
  /// Bytes held, estimated.
  int64_t memory_bytes() const;

 private:
  struct Row {
    const char* data = nullptr;  // null where the slot is free
    uint32_t length = 0;
  };

  void CompactIfWorthIt();

  std::vector<Row> rows_;
  std::vector<Slot> free_;
  KeyArena arena_;
  size_t garbage_ = 0;  // bytes of erased rows in the arena
};

}  // namespace millrace::state
