#include "exec/join_state.h"

#include <cstring>

#include "base/error.h"

namespace millrace::exec {

using state::kNoSlot;
using state::Slot;

namespace {

constexpr size_t kNumberBytes = sizeof(uint64_t);
// matched, time; then the row.
constexpr size_t kValueHead = 1 + sizeof(int64_t);

}  // namespace

Slot JoinState::Insert(std::string_view key, std::string_view row, const Entry& entry) {
  bool is_new = false;
  const Slot key_slot = keys_.FindOrAdd(key, &is_new);
  if (chains_.size() < keys_.slot_count()) chains_.resize(keys_.slot_count());
  if (is_new) chains_[key_slot] = Chain();
  const Slot slot = rows_.Add(row);
  if (entries_.size() < rows_.slot_count()) entries_.resize(rows_.slot_count());
  Entry& added = entries_[slot];
  added = entry;
  added.key = key_slot;
  Chain& chain = chains_[key_slot];
  added.previous = chain.last;
  if (chain.last != kNoSlot) {
    entries_[chain.last].next = slot;
  } else {
    chain.first = slot;
  }
  chain.last = slot;
  if (added.time != kNullTime) expiry_.Add(added.time, slot);
  ++size_;
  return slot;
}

Slot JoinState::Add(std::string_view key, std::string_view row, int64_t time,
                    bool matched) {
  Entry entry;
  entry.time = time;
  entry.number = next_number_++;
  entry.matched = matched;
  entry.changed = true;
  const Slot slot = Insert(key, row, entry);
  changed_.push_back(slot);
  return slot;
}

void JoinState::SetMatched(Slot row) {
  Entry& entry = entries_[row];
  if (entry.matched) return;
  entry.matched = true;
  if (entry.changed) return;
  entry.changed = true;
  changed_.push_back(row);
}

void JoinState::Unlink(const Entry& entry) {
  Chain& chain = chains_[entry.key];
  (entry.previous == kNoSlot ? chain.first : entries_[entry.previous].next) = entry.next;
  (entry.next == kNoSlot ? chain.last : entries_[entry.next].previous) = entry.previous;
  if (chain.first == kNoSlot) keys_.Erase(entry.key);
}

void JoinState::Remove(Slot row) {
  Entry& entry = entries_[row];
  if (entry.durable) deleted_.push_back(LogKey(entry));
  Unlink(entry);
  entry.removed = true;
  --size_;
  // A slot that expiry_ still names must not be given to another row.
  if (entry.time == kNullTime) rows_.Erase(row);
}

Slot JoinState::First(std::string_view key) const {
  const Slot slot = keys_.Find(key);
  return slot == kNoSlot ? kNoSlot : chains_[slot].first;
}

std::vector<Slot> JoinState::Expired(Watermark upto) {
  std::vector<Slot> expired;
  for (const Slot slot : expiry_.TakeUpTo(upto)) {
    entries_[slot].time = kNullTime;  // expiry_ does not name it any more
    if (entries_[slot].removed) {
      rows_.Erase(slot);
    } else {
      expired.push_back(slot);
    }
  }
  return expired;
}

int64_t JoinState::memory_bytes() const {
  return keys_.memory_bytes() + rows_.memory_bytes() +
         static_cast<int64_t>(chains_.capacity() * sizeof(Chain) +
                              entries_.capacity() * sizeof(Entry));
}

std::string JoinState::LogKey(const Entry& entry) const {
  std::string key(keys_.key(entry.key));
  key.append(reinterpret_cast<const char*>(&entry.number), kNumberBytes);
  return key;
}

void JoinState::BeginEpoch() {
  for (const Slot slot : changed_) {
    if (!live(slot)) continue;
    entries_[slot].changed = false;
    entries_[slot].durable = true;
  }
  changed_.clear();
  deleted_.clear();
}

void JoinState::Save(state::StoreId store, state::StateChanges* changes) const {
  std::string value;
  for (const Slot slot : changed_) {
    if (!live(slot) || !entries_[slot].changed) continue;
    const Entry& entry = entries_[slot];
    value.assign(1, entry.matched ? 1 : 0);
    value.append(reinterpret_cast<const char*>(&entry.time), sizeof(entry.time));
    value.append(rows_.row(slot));
    changes->Put(store, LogKey(entry), value);
  }
  for (const std::string& key : deleted_) changes->Delete(store, key);
}

Status JoinState::Restore(std::string_view log_key, std::string_view value) {
  if (log_key.size() < kNumberBytes || value.size() < kValueHead) {
    return InternalError("a join's state has a key of {} and a value of {} bytes",
                         log_key.size(), value.size());
  }
  Entry entry;
  const size_t key_length = log_key.size() - kNumberBytes;
  std::memcpy(&entry.number, log_key.data() + key_length, kNumberBytes);
  std::memcpy(&entry.time, value.data() + 1, sizeof(entry.time));
  entry.matched = value[0] != 0;
  entry.durable = true;
  next_number_ = std::max(next_number_, entry.number + 1);
  Insert(log_key.substr(0, key_length), value.substr(kValueHead), entry);
  return Status::OK();
}

}  // namespace millrace::exec
