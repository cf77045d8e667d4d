// Spark's hashes of values: Murmur3 (hash, Catalyst's Murmur3Hash) and XXH64 (xxhash64,
// approx_count_distinct). Both chain: the hash so far is the seed of the next value, and
// a null leaves it as it is.
#pragma once

#include <cstdint>
#include <span>

#include "expr/expr.h"

namespace millrace::expr {

inline constexpr int64_t kHashSeed = 42;

/// Murmur3 for the 32-bit hash, XXH64 for the 64-bit one.
enum class HashKind { kMurmur3, kXxHash64 };

/// hashes[i] = hash of row i with seed hashes[i]. Murmur3 uses the lower 32 bits, and
/// leaves them sign-extended. Every engine type has a hash.
void HashColumn(HashKind kind, const Value& column, std::span<int64_t> hashes);

}  // namespace millrace::expr
