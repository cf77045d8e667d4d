// The rows a stream-stream join remembers of one side: by join key, in the order they
// came. Spark: SymmetricHashJoinStateManager.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exec/event_time.h"
#include "exec/operator.h"
#include "state/key_table.h"
#include "state/row_table.h"
#include "state/time_index.h"

namespace millrace::exec {

/// Threading: one thread.
class JoinState {
 public:
  /// A row without a time (kNullTime) is kept for good.
  state::Slot Add(std::string_view key, std::string_view row, int64_t time, bool matched);
  void Remove(state::Slot row);

  /// The first row with a key, and the one after a row; kNoSlot where there is none.
  state::Slot First(std::string_view key) const;
  state::Slot Next(state::Slot row) const { return entries_[row].next; }

  std::string_view row(state::Slot row) const { return rows_.row(row); }
  bool matched(state::Slot row) const { return entries_[row].matched; }
  void SetMatched(state::Slot row);
  bool live(state::Slot row) const { return rows_.live(row) && !entries_[row].removed; }

  /// The rows with a time at or below `upto`, earliest first. They must be removed next.
  std::vector<state::Slot> Expired(Watermark upto);

  int64_t size() const { return size_; }
  int64_t memory_bytes() const;

  // The durable side. A row's key in the log is its join key and a number of its own.
  void BeginEpoch();
  void Save(state::StoreId store, state::StateChanges* changes) const;
  Status Restore(std::string_view log_key, std::string_view value);

 private:
  struct Entry {
    state::Slot key = state::kNoSlot;
    state::Slot next = state::kNoSlot;
    state::Slot previous = state::kNoSlot;
    int64_t time = kNullTime;
    uint64_t number = 0;  // unique and ascending, for good
    bool matched = false;
    bool changed = false;  // in this epoch
    bool durable = false;  // the log has it
    bool removed = false;  // but its slot waits in expiry_
  };
  struct Chain {
    state::Slot first = state::kNoSlot;
    state::Slot last = state::kNoSlot;
  };

  state::Slot Insert(std::string_view key, std::string_view row, const Entry& entry);
  void Unlink(const Entry& entry);
  std::string LogKey(const Entry& entry) const;

  state::KeyTable keys_;
  std::vector<Chain> chains_;  // by slot of the key
  state::RowTable rows_;
  std::vector<Entry> entries_;  // by slot of the row
  state::TimeIndex expiry_;
  uint64_t next_number_ = 0;
  int64_t size_ = 0;

  // Of the current epoch.
  std::vector<state::Slot> changed_;
  std::vector<std::string> deleted_;  // keys of the log
};

}  // namespace millrace::exec
