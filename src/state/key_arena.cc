#include "state/key_arena.h"

#include <algorithm>
#include <cstring>

namespace millrace::state {
namespace {

constexpr size_t kFirstBlock = 4 << 10;
constexpr size_t kLargestBlock = 1 << 20;

}  // namespace

const char* KeyArena::Add(std::string_view bytes) {
  if (next_ == nullptr || bytes.size() > left_) AddBlock(bytes.size());
  char* const copy = next_;
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  next_ += bytes.size();
  left_ -= bytes.size();
  used_ += bytes.size();
  return copy;
}

void KeyArena::AddBlock(size_t at_least) {
  // Grows with what is there, so that small tables stay small.
  const size_t size =
      std::max(at_least, std::clamp(allocated_, kFirstBlock, kLargestBlock));
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  next_ = blocks_.back().get();
  left_ = size;
  allocated_ += size;
}

}  // namespace millrace::state
