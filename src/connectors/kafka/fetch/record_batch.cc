#include "connectors/kafka/fetch/record_batch.h"

#include <algorithm>

#include "base/error.h"
#include "connectors/kafka/fetch/crc32c.h"

namespace millrace::connectors::kafka::fetch {
namespace {

// Where the fields lie.
constexpr size_t kLengthAt = 8;
constexpr size_t kLengthEnd = 12;  // what the length counts begins here
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;  // what the checksum covers begins here
constexpr size_t kLastOffsetDeltaAt = 23;
constexpr size_t kBaseTimestampAt = 27;
constexpr size_t kMaxTimestampAt = 35;
constexpr size_t kProducerIdAt = 43;
constexpr size_t kCountAt = 57;

constexpr int8_t kMagic = 2;

}  // namespace

Result<std::optional<BatchHeader>> ReadBatchHeader(Bytes bytes) {
  if (bytes.size() <= kMagicAt) return std::optional<BatchHeader>();
  const uint8_t* const at = bytes.data();
  const auto base_offset = Load<int64_t>(at);
  if (const auto magic = Load<int8_t>(at + kMagicAt); magic != kMagic) {
    return ExternalError(
        "the messages at offset {} are in format {}, wanted {}, which Kafka writes since "
        "0.11",
        base_offset, magic, kMagic);
  }
  if (bytes.size() < BatchHeader::kSize) return std::optional<BatchHeader>();
  BatchHeader header;
  header.base_offset = base_offset;
  const auto length = Load<int32_t>(at + kLengthAt);
  header.crc = Load<uint32_t>(at + kCrcAt);
  header.attributes = Load<uint16_t>(at + kAttributesAt);
  header.last_offset_delta = Load<int32_t>(at + kLastOffsetDeltaAt);
  header.base_timestamp = Load<int64_t>(at + kBaseTimestampAt);
  header.max_timestamp = Load<int64_t>(at + kMaxTimestampAt);
  header.producer_id = Load<int64_t>(at + kProducerIdAt);
  header.count = Load<int32_t>(at + kCountAt);
  constexpr int64_t kMostOffset = int64_t{1} << 62;
  if (length < static_cast<int32_t>(BatchHeader::kSize - kLengthEnd) ||
      header.base_offset < 0 || header.base_offset > kMostOffset ||
      header.last_offset_delta < 0 || header.count < 0 ||
      header.count - 1 > header.last_offset_delta) {
    return ExternalError("the record batch at offset {} is malformed", base_offset);
  }
  header.size = kLengthEnd + static_cast<size_t>(length);
  if (header.size > bytes.size()) return std::optional<BatchHeader>();
  return std::optional<BatchHeader>(header);
}

bool ChecksumMatches(const BatchHeader& header, Bytes batch) {
  return Crc32c(batch.subspan(kAttributesAt)) == header.crc;
}

Result<Extent> Measure(Bytes records, int64_t asked) {
  Extent extent;
  extent.next_offset = asked;
  int64_t behind = 0;  // the batch before
  while (true) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<BatchHeader> header,
                              ReadBatchHeader(records.subspan(extent.size)));
    if (!header) return extent;
    if (header->base_offset < behind) {
      return ExternalError("the record batch at offset {} lies before offset {}",
                           header->base_offset, behind);
    }
    behind = header->next_offset();
    extent.size += header->size;
    extent.next_offset = std::max(asked, behind);
    if (!header->control()) extent.rows += header->count;
  }
}

bool IsAbortMarker(Bytes records) {
  constexpr int16_t kAbort = 0;
  Record marker;
  const uint8_t* at = records.data();
  if (!ReadRecord(at, records.data() + records.size(), &marker)) return false;
  // Its key is a version and a type.
  return marker.key_size >= 4 && Load<int16_t>(marker.key + 2) == kAbort;
}

}  // namespace millrace::connectors::kafka::fetch
