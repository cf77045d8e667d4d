#include "expr/functions/value_hash.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include "expr/kernel.h"

namespace millrace::expr {
namespace {

template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// Murmur3_x86_32 with Spark's treatment of the tail: each byte, as a signed number, is
// mixed in as if it were a whole word.
struct Murmur3 {
  using Hash = int32_t;

  static uint32_t MixWord(uint32_t word) {
    return std::rotl(word * 0xcc9e2d51U, 15) * 0x1b873593U;
  }
  static uint32_t Mix(uint32_t hash, uint32_t word) {
    return std::rotl(hash ^ MixWord(word), 13) * 5 + 0xe6546b64U;
  }
  static int32_t Finish(uint32_t hash, uint32_t length) {
    hash ^= length;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6bU;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35U;
    return static_cast<int32_t>(hash ^ (hash >> 16));
  }

  static int64_t OfInt(int32_t value, int64_t seed) {
    return Finish(Mix(static_cast<uint32_t>(seed), static_cast<uint32_t>(value)), 4);
  }
  static int64_t OfLong(int64_t value, int64_t seed) {
    const auto bits = static_cast<uint64_t>(value);
    const uint32_t low = Mix(static_cast<uint32_t>(seed), static_cast<uint32_t>(bits));
    return Finish(Mix(low, static_cast<uint32_t>(bits >> 32)), 8);
  }
  static int64_t OfBytes(std::string_view bytes, int64_t seed) {
    auto hash = static_cast<uint32_t>(seed);
    size_t at = 0;
    for (; at + 4 <= bytes.size(); at += 4) hash = Mix(hash, Load<uint32_t>(&bytes[at]));
    for (; at < bytes.size(); ++at) {
      hash = Mix(hash, static_cast<uint32_t>(int32_t{static_cast<int8_t>(bytes[at])}));
    }
    return Finish(hash, static_cast<uint32_t>(bytes.size()));
  }
};

struct XxHash64 {
  static constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
  static constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
  static constexpr uint64_t kPrime3 = 0x165667B19E3779F9ULL;
  static constexpr uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
  static constexpr uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

  static int64_t Finish(uint64_t hash) {
    hash = (hash ^ (hash >> 33)) * kPrime2;
    hash = (hash ^ (hash >> 29)) * kPrime3;
    return static_cast<int64_t>(hash ^ (hash >> 32));
  }
  static uint64_t Round(uint64_t lane, uint64_t word) {
    return std::rotl(lane + word * kPrime2, 31) * kPrime1;
  }
  static uint64_t MergeLane(uint64_t hash, uint64_t lane) {
    return (hash ^ Round(0, lane)) * kPrime1 + kPrime4;
  }
  static uint64_t MixLong(uint64_t hash, uint64_t word) {
    return std::rotl(hash ^ Round(0, word), 27) * kPrime1 + kPrime4;
  }
  static uint64_t MixInt(uint64_t hash, uint32_t word) {
    return std::rotl(hash ^ (word * kPrime1), 23) * kPrime2 + kPrime3;
  }

  static int64_t OfInt(int32_t value, int64_t seed) {
    const uint64_t hash = static_cast<uint64_t>(seed) + kPrime5 + 4;
    return Finish(MixInt(hash, static_cast<uint32_t>(value)));
  }
  static int64_t OfLong(int64_t value, int64_t seed) {
    const uint64_t hash = static_cast<uint64_t>(seed) + kPrime5 + 8;
    return Finish(MixLong(hash, static_cast<uint64_t>(value)));
  }
  static int64_t OfBytes(std::string_view bytes, int64_t signed_seed) {
    const auto seed = static_cast<uint64_t>(signed_seed);
    size_t at = 0;
    uint64_t hash = seed + kPrime5;
    if (bytes.size() >= 32) {
      uint64_t lanes[4] = {seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                           seed - kPrime1};
      for (; at + 32 <= bytes.size(); at += 32) {
        for (size_t i = 0; i < 4; ++i) {
          lanes[i] = Round(lanes[i], Load<uint64_t>(&bytes[at + 8 * i]));
        }
      }
      hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
             std::rotl(lanes[3], 18);
      for (const uint64_t lane : lanes) hash = MergeLane(hash, lane);
    }
    hash += bytes.size();
    for (; at + 8 <= bytes.size(); at += 8)
      hash = MixLong(hash, Load<uint64_t>(&bytes[at]));
    if (at + 4 <= bytes.size()) {
      hash = MixInt(hash, Load<uint32_t>(&bytes[at]));
      at += 4;
    }
    for (; at < bytes.size(); ++at) {
      hash = std::rotl(hash ^ (static_cast<uint8_t>(bytes[at]) * kPrime5), 11) * kPrime1;
    }
    return Finish(hash);
  }
};

// One physical value. Floats are hashed as Java's floatToIntBits: one NaN, and -0.0 as
// 0.0.
template <typename Kind, typename T>
int64_t OfNumber(T value, int64_t seed) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
    if (value == T{0}) value = T{0};
    if constexpr (sizeof(T) == sizeof(int32_t)) {
      return Kind::OfInt(std::bit_cast<int32_t>(value), seed);
    } else {
      return Kind::OfLong(std::bit_cast<int64_t>(value), seed);
    }
  } else if constexpr (sizeof(T) == sizeof(int64_t)) {
    return Kind::OfLong(value, seed);
  } else {
    return Kind::OfInt(value, seed);
  }
}

// Up to 18 digits a decimal is hashed as bigint, beyond as the shortest big-endian
// two's-complement bytes of its unscaled value.
template <typename Kind>
int64_t OfDecimal(const arrow::Decimal128& value, int precision, int64_t seed) {
  constexpr int kMaxLongDigits = 18;
  if (precision <= kMaxLongDigits) {
    return Kind::OfLong(static_cast<int64_t>(value.low_bits()), seed);
  }
  char bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] =
        static_cast<char>(static_cast<uint64_t>(value.high_bits()) >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(value.low_bits() >> (56 - 8 * i));
  }
  size_t skip = 0;
  const char fill = value.high_bits() < 0 ? '\xff' : '\0';
  while (skip < 15 && bytes[skip] == fill && ((bytes[skip + 1] ^ fill) & 0x80) == 0)
    ++skip;
  return Kind::OfBytes({bytes + skip, sizeof(bytes) - skip}, seed);
}

template <typename Kind>
int64_t OfRow(const arrow::Array& array, int64_t row, int64_t seed) {
  if (array.type_id() == arrow::Type::NA || array.IsNull(row)) return seed;
  int64_t hash = seed;
  const bool number = VisitNumber(*array.type(), [&]<typename T>(std::type_identity<T>) {
    hash = OfNumber<Kind>(array.data()->GetValues<T>(1)[row], seed);
  });
  if (number) return hash;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return Kind::OfInt(Reader<bool>(array)[row] ? 1 : 0, seed);
    case arrow::Type::DECIMAL128:
      return OfDecimal<Kind>(
          Reader<arrow::Decimal128>(array)[row],
          static_cast<const arrow::Decimal128Type&>(*array.type()).precision(), seed);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return Kind::OfBytes(static_cast<const arrow::BinaryViewArray&>(array).GetView(row),
                           seed);
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
        hash = OfRow<Kind>(*list.values(), i, hash);
      }
      return hash;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
        hash = OfRow<Kind>(*map.keys(), i, hash);
        hash = OfRow<Kind>(*map.items(), i, hash);
      }
      return hash;
    }
    case arrow::Type::STRUCT: {
      const auto& structs = static_cast<const arrow::StructArray&>(array);
      for (int field = 0; field < structs.num_fields(); ++field) {
        hash = OfRow<Kind>(*structs.field(field), row, hash);
      }
      return hash;
    }
    default:
      return seed;
  }
}

template <typename Kind>
void HashRows(const Value& column, std::span<int64_t> hashes) {
  const arrow::Array& array = *column.array;
  const auto rows = static_cast<int64_t>(hashes.size());
  const NullReader nulls(column);
  const auto fold = [&](const auto& reader, const auto& hash_of) {
    for (int64_t row = 0; row < rows; ++row) {
      if (nulls.IsNull(row)) continue;
      hashes[static_cast<size_t>(row)] =
          hash_of(reader[row], hashes[static_cast<size_t>(row)]);
    }
  };
  const bool number = VisitNumber(*array.type(), [&]<typename T>(std::type_identity<T>) {
    fold(Reader<T>(column), OfNumber<Kind, T>);
  });
  if (number) return;
  if (array.type_id() == arrow::Type::STRING_VIEW ||
      array.type_id() == arrow::Type::BINARY_VIEW) {
    fold(Reader<std::string_view>(column), Kind::OfBytes);
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    int64_t& hash = hashes[static_cast<size_t>(row)];
    hash = OfRow<Kind>(array, column.index(row), hash);
  }
}

}  // namespace

void HashColumn(HashKind kind, const Value& column, std::span<int64_t> hashes) {
  if (kind == HashKind::kMurmur3) {
    HashRows<Murmur3>(column, hashes);
  } else {
    HashRows<XxHash64>(column, hashes);
  }
}

}  // namespace millrace::expr
