// Encoded keys in, slots out: the index under every keyed operator's state.
// Operators keep their accumulators in vectors addressed by slot.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "data/keys.h"

namespace millrace::state {

/// A dense number, reused after its key was erased.
using Slot = uint32_t;
inline constexpr Slot kNoSlot = 0xffffffff;

/// Threading: one thread.
class KeyTable {
 public:
  KeyTable();
  ~KeyTable();

  /// The slot of each key, new ones made where a key is new. `slots` gets keys.size()
  /// entries; slots made by this call are also appended to `added`, in order. A run of
  /// equal keys costs one look-up.
  void FindOrAdd(const data::EncodedKeys& keys, std::vector<Slot>* slots,
                 std::vector<Slot>* added);
  /// One key at a time; `*added` says whether it was new.
  Slot FindOrAdd(std::string_view key, bool* added);
  /// kNoSlot where there is none.
  Slot Find(std::string_view key) const;
  void Erase(Slot slot);

  /// The bytes of a live slot's key; valid until it is erased or FindOrAdd is called.
  std::string_view key(Slot slot) const;
  bool live(Slot slot) const;
  int64_t size() const;
  /// One more than the largest slot ever given: the length accumulator vectors need.
  Slot slot_count() const;
  /// Bytes held, estimated.
  int64_t memory_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The key group of a key: XXH64 (seed 0) of its bytes modulo `groups`. Part of the
/// checkpoint format; independent of cores.
uint32_t KeyGroup(std::string_view key, uint32_t groups);

}  // namespace millrace::state
