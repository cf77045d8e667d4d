#include "base/uuid.h"

#include <fmt/format.h>

#include <cstdint>
#include <random>

namespace millrace {

std::string MakeUuid() {
  // The device itself, not a generator seeded from it: ids must not repeat after a fork.
  std::random_device device;
  auto word = [&device] { return uint64_t{device()} << 32 | device(); };
  const uint64_t high = (word() & ~uint64_t{0xf000}) | 0x4000;               // version 4
  const uint64_t low = (word() & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;  // variant 1
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32,
                     high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffff);
}

}  // namespace millrace
