#include "state/key_table.h"

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>
#include <xxhash.h>

#include <array>

#include "state/key_arena.h"

namespace millrace::state {
namespace {

struct Entry {
  const char* data = nullptr;  // null where the slot is free
  uint32_t length = 0;
  size_t hash = 0;  // kept, so that growing and erasing read no keys

  std::string_view key() const { return {data, length}; }
};

/// A key on its way into the set.
struct HashedKey {
  std::string_view key;
  size_t hash;
};

HashedKey Hashed(std::string_view key) { return {key, absl::HashOf(key)}; }

struct SlotHash {
  using is_transparent = void;
  const std::vector<Entry>* entries;
  size_t operator()(Slot slot) const { return (*entries)[slot].hash; }
  size_t operator()(const HashedKey& key) const { return key.hash; }
};

struct SlotEqual {
  using is_transparent = void;
  const std::vector<Entry>* entries;
  bool operator()(Slot a, Slot b) const { return a == b; }
  bool operator()(Slot slot, const HashedKey& key) const {
    const Entry& entry = (*entries)[slot];
    return entry.hash == key.hash && entry.key() == key.key;
  }
  bool operator()(const HashedKey& key, Slot slot) const { return (*this)(slot, key); }
};

using SlotSet = absl::flat_hash_set<Slot, SlotHash, SlotEqual>;

// Below this the garbage is not worth the copying.
constexpr size_t kLeastGarbage = 64 << 10;
// From this many keys on the table does not fit the fast caches, and is fetched ahead.
constexpr size_t kPrefetchFrom = 32 << 10;

}  // namespace

class KeyTable::Impl {
 public:
  Slot FindOrAdd(const HashedKey& key, bool* added) {
    *added = false;
    const auto found = set_.lazy_emplace(key, [&](const SlotSet::constructor& construct) {
      *added = true;
      construct(NewSlot(key));
    });
    return *found;
  }

  void FindOrAdd(const data::EncodedKeys& keys, std::vector<Slot>* slots,
                 std::vector<Slot>* added) {
    const int64_t count = keys.size();
    slots->resize(static_cast<size_t>(count));
    if (count == 0) return;
    CompactIfWorthIt();
    constexpr int64_t kAhead = 16;
    std::array<HashedKey, kAhead> hashed;
    std::string_view previous;
    Slot slot = kNoSlot;
    for (int64_t begin = 0; begin < count; begin += kAhead) {
      const int64_t end = std::min(begin + kAhead, count);
      for (int64_t row = begin; row < end; ++row) hashed[row - begin] = Hashed(keys[row]);
      if (set_.size() >= kPrefetchFrom) {
        for (int64_t row = begin; row < end; ++row) set_.prefetch(hashed[row - begin]);
      }
      for (int64_t row = begin; row < end; ++row) {
        const HashedKey& key = hashed[row - begin];
        if (slot == kNoSlot || key.key != previous) {
          bool is_new = false;
          slot = FindOrAdd(key, &is_new);
          if (is_new) added->push_back(slot);
          previous = key.key;
        }
        (*slots)[row] = slot;
      }
    }
  }

  Slot Find(const HashedKey& key) const {
    const auto found = set_.find(key);
    return found == set_.end() ? kNoSlot : *found;
  }

  void Erase(Slot slot) {
    set_.erase(slot);
    Entry& entry = entries_[slot];
    garbage_ += entry.length;
    entry = Entry();
    free_.push_back(slot);
    if (set_.empty()) {
      arena_ = KeyArena();
      garbage_ = 0;
    }
  }

  // Only between calls that add: keys stay where they are while slots are erased.
  void CompactIfWorthIt() {
    if (garbage_ < kLeastGarbage || garbage_ < arena_.used() / 2) return;
    KeyArena compact;
    for (Entry& entry : entries_) {
      if (entry.data != nullptr) entry.data = compact.Add(entry.key());
    }
    arena_ = std::move(compact);
    garbage_ = 0;
    if (set_.size() < set_.capacity() / 8) set_.rehash(0);
  }

  const Entry& entry(Slot slot) const { return entries_[slot]; }
  bool live(Slot slot) const {
    return slot < entries_.size() && entries_[slot].data != nullptr;
  }
  int64_t size() const { return static_cast<int64_t>(set_.size()); }
  Slot slot_count() const { return static_cast<Slot>(entries_.size()); }
  int64_t memory_bytes() const {
    return static_cast<int64_t>(arena_.allocated() + entries_.capacity() * sizeof(Entry) +
                                free_.capacity() * sizeof(Slot) +
                                set_.capacity() * (sizeof(Slot) + 1));
  }

 private:
  Slot NewSlot(const HashedKey& key) {
    Slot slot = static_cast<Slot>(entries_.size());
    if (free_.empty()) {
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    entries_[slot] = Entry{.data = arena_.Add(key.key),
                           .length = static_cast<uint32_t>(key.key.size()),
                           .hash = key.hash};
    return slot;
  }

  std::vector<Entry> entries_;  // by slot
  std::vector<Slot> free_;
  KeyArena arena_;
  size_t garbage_ = 0;  // bytes of erased keys in arena_
  SlotSet set_{0, SlotHash{&entries_}, SlotEqual{&entries_}};
};

KeyTable::KeyTable() : impl_(std::make_unique<Impl>()) {}
KeyTable::~KeyTable() = default;

void KeyTable::FindOrAdd(const data::EncodedKeys& keys, std::vector<Slot>* slots,
                         std::vector<Slot>* added) {
  impl_->FindOrAdd(keys, slots, added);
}

Slot KeyTable::FindOrAdd(std::string_view key, bool* added) {
  impl_->CompactIfWorthIt();
  return impl_->FindOrAdd(Hashed(key), added);
}

Slot KeyTable::Find(std::string_view key) const { return impl_->Find(Hashed(key)); }
void KeyTable::Erase(Slot slot) { impl_->Erase(slot); }
std::string_view KeyTable::key(Slot slot) const { return impl_->entry(slot).key(); }
bool KeyTable::live(Slot slot) const { return impl_->live(slot); }
int64_t KeyTable::size() const { return impl_->size(); }
Slot KeyTable::slot_count() const { return impl_->slot_count(); }
int64_t KeyTable::memory_bytes() const { return impl_->memory_bytes(); }

uint32_t KeyGroup(std::string_view key, uint32_t groups) {
  return static_cast<uint32_t>(XXH64(key.data(), key.size(), 0) % groups);
}

}  // namespace millrace::state
