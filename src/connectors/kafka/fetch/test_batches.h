// For tests only: record batches and fetch answers as a broker would send them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/fetch/chunk_reader.h"
#include "connectors/kafka/test_cluster.h"

namespace millrace::connectors::kafka::fetch {

struct TestBatch {
  int64_t base_offset = 0;
  std::vector<TestMessage> messages;        // their times are deltas to base_timestamp
  std::vector<int32_t> offset_deltas = {};  // default: 0, 1, 2, …
  std::optional<int32_t> last_offset_delta = std::nullopt;
  uint16_t attributes = 0;
  int64_t base_timestamp = 1'000;
  int64_t max_timestamp = 2'000;
  int64_t producer_id = -1;
};

Bytes AsBytes(const std::string& text);

void AppendVarint(int64_t value, std::string* out);
/// The records without header, as they are compressed.
std::string EncodeRecords(const TestBatch& batch);
/// Compressed as the attributes say.
std::string EncodeBatch(const TestBatch& batch);
/// The same with records of one's own.
std::string EncodeBatch(const TestBatch& batch, const std::string& records);
/// A control batch: the end of a transaction.
std::string EncodeMarker(int64_t offset, int64_t producer_id, bool commit);

/// A chunk of these bytes, as of a fetch from `asked` on.
Result<Chunk> MakeChunk(const std::string& records, int64_t asked,
                        std::vector<AbortedTransaction> aborted = {});

/// All rows of a chunk in [from, end) with all columns, in batches of `most_rows`.
Result<std::vector<data::Batch>> ReadAll(Chunk chunk, int64_t from, int64_t end,
                                         ReadRules rules = {}, int64_t most_rows = 1000);

/// The answer to a Fetch of `version`.
struct TestAnswer {
  int32_t correlation = 0;
  int16_t version = kNewestFetch;
  FetchAnswer answer;
};
std::string EncodeAnswer(const TestAnswer& answer);

}  // namespace millrace::connectors::kafka::fetch
