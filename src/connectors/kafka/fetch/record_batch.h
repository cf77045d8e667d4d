// Kafka's record batches (message format 2, since Kafka 0.11) as they lie in a fetch
// buffer: headers of batches, and single records. Nothing is copied.
#pragma once

#include <cstdint>
#include <optional>

#include "connectors/kafka/fetch/compression.h"
#include "connectors/kafka/fetch/wire.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

/// What stands before the records of a batch.
struct BatchHeader {
  static constexpr size_t kSize = 61;

  int64_t base_offset = 0;
  size_t size = 0;  // of the whole batch, this header included
  uint32_t crc = 0;
  uint16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp = 0;
  int64_t max_timestamp = 0;
  int64_t producer_id = 0;
  int32_t count = 0;

  /// The first offset behind the batch. Compaction takes records away, never this.
  int64_t next_offset() const { return base_offset + last_offset_delta + 1; }
  Compression compression() const { return static_cast<Compression>(attributes & 7); }
  bool log_append_time() const { return (attributes & 0x08) != 0; }
  bool transactional() const { return (attributes & 0x10) != 0; }
  bool control() const { return (attributes & 0x20) != 0; }
};

/// The batch at the beginning of `bytes`; nothing where it is cut off. Errors: lengths
/// and counts that cannot be; another format.
Result<std::optional<BatchHeader>> ReadBatchHeader(Bytes bytes);

/// What is behind the header and, for a batch without compression, its checksum.
inline Bytes RecordsOf(Bytes batch) { return batch.subspan(BatchHeader::kSize); }
/// Whether the bytes of a whole batch are those its producer sent.
bool ChecksumMatches(const BatchHeader& header, Bytes batch);

/// How far a fetch answer's records of one partition go.
struct Extent {
  size_t size = 0;          // of all whole batches
  int64_t next_offset = 0;  // behind the last one; what was asked for if there is none
  int64_t rows = 0;         // at most: some may be aborted or lie before the start
};
/// Errors: as ReadBatchHeader's; a batch that lies before the one ahead of it.
Result<Extent> Measure(Bytes records, int64_t asked);

struct Record {
  int32_t offset_delta = 0;
  int64_t timestamp_delta = 0;
  const uint8_t* key = nullptr;  // null where there is none
  int32_t key_size = 0;
  const uint8_t* value = nullptr;
  int32_t value_size = 0;
  Bytes headers;  // as they lie there
};

/// A 32 or 64-bit number in zigzag and base 128. May read ten bytes from `at` on,
/// whatever they are. False where it does not end in time.
template <typename T>
inline bool ReadVarint(const uint8_t*& at, T* value) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned bits = *at & 0x7F;
  if (*at++ >= 0x80) {
    for (int shift = 7;; shift += 7) {
      if (shift >= static_cast<int>(8 * sizeof(T))) return false;
      bits |= static_cast<Unsigned>(*at & 0x7F) << shift;
      if (*at++ < 0x80) break;
    }
  }
  *value = static_cast<T>((bits >> 1) ^ (~(bits & 1) + 1));
  return true;
}

/// Reads the record at `at` and moves `at` behind it. False where it is malformed.
///
/// Lengths are checked once they were all read, so up to 31 bytes behind `end` are read:
/// buffers have kReadAhead of them.
inline bool ReadRecord(const uint8_t*& at, const uint8_t* end, Record* record) {
  int32_t size = 0;
  if (at >= end || !ReadVarint(at, &size) || size < 0 || size > end - at) return false;
  const uint8_t* const last = at + size;
  const uint8_t* field = at + 1;  // no attribute has a meaning yet
  if (!ReadVarint(field, &record->timestamp_delta) ||
      !ReadVarint(field, &record->offset_delta) ||
      !ReadVarint(field, &record->key_size)) {
    return false;
  }
  record->key = nullptr;
  if (record->key_size >= 0) {
    if (record->key_size > last - field) return false;
    record->key = field;
    field += record->key_size;
  }
  if (!ReadVarint(field, &record->value_size)) return false;
  record->value = nullptr;
  if (record->value_size >= 0) {
    if (record->value_size > last - field) return false;
    record->value = field;
    field += record->value_size;
  }
  if (field > last) return false;
  record->headers = {field, last};
  at = last;
  return true;
}

/// Whether a control batch ends its producer's transaction by aborting it; `records` have
/// kReadAhead readable bytes behind them.
bool IsAbortMarker(Bytes records);

}  // namespace millrace::connectors::kafka::fetch
