// Where a KeyTable keeps the bytes of its keys: back to back in blocks, no allocation per
// key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace millrace::state {

/// Bytes are never freed one by one: the owner counts its garbage and copies what lives
/// into a new arena. Threading: one thread.
class KeyArena {
 public:
  /// Copies `bytes`; never null, also for no bytes.
  const char* Add(std::string_view bytes);

  /// Bytes added so far.
  size_t used() const { return used_; }
  /// Bytes allocated.
  size_t allocated() const { return allocated_; }

 private:
  void AddBlock(size_t at_least);

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
  size_t allocated_ = 0;
};

}  // namespace millrace::state
