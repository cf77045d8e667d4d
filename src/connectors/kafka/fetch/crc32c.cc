#include "connectors/kafka/fetch/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace millrace::connectors::kafka::fetch {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // bits reversed

using Table = std::array<uint32_t, 256>;

constexpr Table MakeByteTable() {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr Table kByteTable = MakeByteTable();

uint32_t Extend(uint32_t crc, const uint8_t* at, size_t size) {
  for (; size > 0; --size) crc = (crc >> 8) ^ kByteTable[(crc ^ *at++) & 0xFF];
  return crc;
}

#if defined(__x86_64__)

// The instruction takes three cycles but can begin each cycle: three stripes of a block
// side by side keep it busy. A stripe's sum is moved over the bytes of the stripes behind
// it by a table for each of its bytes.
constexpr size_t kStripe = 1024;

using ShiftTables = std::array<Table, 4>;

// What a sum becomes when kStripe zero bytes follow. Linear: from the effect on each bit.
ShiftTables MakeShiftTables() {
  const std::array<uint8_t, kStripe> zeros{};
  std::array<uint32_t, 32> bits{};
  for (uint32_t bit = 0; bit < 32; ++bit) {
    bits[bit] = Extend(uint32_t{1} << bit, zeros.data(), zeros.size());
  }
  ShiftTables tables{};
  for (uint32_t position = 0; position < 4; ++position) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      for (uint32_t bit = 0; bit < 8; ++bit) {
        if ((byte >> bit) & 1) tables[position][byte] ^= bits[8 * position + bit];
      }
    }
  }
  return tables;
}

uint32_t Shift(const ShiftTables& tables, uint32_t crc) {
  return tables[0][crc & 0xFF] ^ tables[1][(crc >> 8) & 0xFF] ^
         tables[2][(crc >> 16) & 0xFF] ^ tables[3][crc >> 24];
}

uint64_t Word(const uint8_t* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) uint32_t HardwareCrc32c(const uint8_t* at,
                                                          size_t size) {
  static const ShiftTables tables = MakeShiftTables();
  uint64_t crc = 0xFFFFFFFF;
  for (; size >= 3 * kStripe; at += 3 * kStripe, size -= 3 * kStripe) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kStripe; i += 8) {
      crc = _mm_crc32_u64(crc, Word(at + i));
      second = _mm_crc32_u64(second, Word(at + kStripe + i));
      third = _mm_crc32_u64(third, Word(at + 2 * kStripe + i));
    }
    crc = Shift(tables, static_cast<uint32_t>(crc)) ^ second;
    crc = Shift(tables, static_cast<uint32_t>(crc)) ^ third;
  }
  for (; size >= 8; at += 8, size -= 8) crc = _mm_crc32_u64(crc, Word(at));
  auto last = static_cast<uint32_t>(crc);
  for (; size > 0; --size) last = _mm_crc32_u8(last, *at++);
  return ~last;
}

#endif

}  // namespace

uint32_t PortableCrc32c(Bytes bytes) {
  return ~Extend(0xFFFFFFFF, bytes.data(), bytes.size());
}

uint32_t Crc32c(Bytes bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return HardwareCrc32c(bytes.data(), bytes.size());
#endif
  return PortableCrc32c(bytes);
}

}  // namespace millrace::connectors::kafka::fetch
