#include "connectors/kafka/fetch/test_batches.h"

#include <arrow/buffer.h>
#include <arrow/util/compression.h>
#include <gtest/gtest.h>

#include <cstring>

#include "connectors/kafka/fetch/crc32c.h"

namespace millrace::connectors::kafka::fetch {
namespace {

std::string Compress(Compression codec, const std::string& text) {
  using Type = arrow::Compression;
  constexpr std::array kTypes = {Type::UNCOMPRESSED, Type::GZIP, Type::SNAPPY,
                                 Type::LZ4_FRAME, Type::ZSTD};
  const auto made = arrow::util::Codec::Create(kTypes[static_cast<size_t>(codec)]);
  EXPECT_TRUE(made.ok());
  const auto size = static_cast<int64_t>(text.size());
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  std::string out(static_cast<size_t>((*made)->MaxCompressedLen(size, data)), '\0');
  const auto written = (*made)->Compress(size, data, static_cast<int64_t>(out.size()),
                                         reinterpret_cast<uint8_t*>(out.data()));
  EXPECT_TRUE(written.ok());
  out.resize(static_cast<size_t>(*written));
  return out;
}

void AppendPiece(const std::optional<std::string>& piece, std::string* out) {
  AppendVarint(piece ? static_cast<int64_t>(piece->size()) : -1, out);
  if (piece) *out += *piece;
}

}  // namespace

Bytes AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void AppendVarint(int64_t value, std::string* out) {
  auto bits = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) *out += static_cast<char>(bits | 0x80);
  *out += static_cast<char>(bits);
}

std::string EncodeRecords(const TestBatch& batch) {
  std::string records;
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    const TestMessage& message = batch.messages[i];
    std::string record(1, '\0');
    AppendVarint(message.timestamp_ms, &record);
    AppendVarint(
        batch.offset_deltas.empty() ? static_cast<int64_t>(i) : batch.offset_deltas[i],
        &record);
    AppendPiece(message.key, &record);
    AppendPiece(message.value, &record);
    AppendVarint(static_cast<int64_t>(message.headers.size()), &record);
    for (const auto& [name, value] : message.headers) {
      AppendPiece(name, &record);
      AppendPiece(value, &record);
    }
    AppendVarint(static_cast<int64_t>(record.size()), &records);
    records += record;
  }
  return records;
}

std::string EncodeBatch(const TestBatch& batch) {
  const std::string records = EncodeRecords(batch);
  const auto codec = static_cast<Compression>(batch.attributes & 7);
  return EncodeBatch(batch,
                     codec == Compression::kNone ? records : Compress(codec, records));
}

std::string EncodeBatch(const TestBatch& batch, const std::string& records) {
  const auto count = static_cast<int32_t>(batch.messages.size());
  WireWriter covered;  // by the checksum
  covered.Number(batch.attributes);
  covered.Number(batch.last_offset_delta.value_or(
      batch.offset_deltas.empty() ? count - 1 : batch.offset_deltas.back()));
  covered.Number(batch.base_timestamp);
  covered.Number(batch.max_timestamp);
  covered.Number(batch.producer_id);
  covered.Number(int16_t{0});   // producer's epoch
  covered.Number(int32_t{-1});  // sequence
  covered.Number(count);
  covered.Raw(records);
  const std::string rest = covered.Take();
  WireWriter out;
  out.Number(batch.base_offset);
  out.Number(static_cast<int32_t>(4 + 1 + 4 + rest.size()));
  out.Number(int32_t{0});  // leader's epoch
  out.Number(int8_t{2});
  out.Number(Crc32c(AsBytes(rest)));
  out.Raw(rest);
  return out.Take();
}

std::string EncodeMarker(int64_t offset, int64_t producer_id, bool commit) {
  WireWriter key;
  key.Number(int16_t{0});
  key.Number(static_cast<int16_t>(commit ? 1 : 0));
  return EncodeBatch({.base_offset = offset,
                      .messages = {{.value = std::string(6, '\0'), .key = key.Take()}},
                      .attributes = 0x30,
                      .producer_id = producer_id});
}

Result<Chunk> MakeChunk(const std::string& records, int64_t asked,
                        std::vector<AbortedTransaction> aborted) {
  // Memory of exactly this size, so that a sanitizer sees what reads beyond it.
  MILLRACE_ASSIGN_OR_RETURN(
      std::shared_ptr<arrow::Buffer> buffer,
      AllocateBytes(static_cast<int64_t>(records.size()) + kReadAhead));
  std::memset(buffer->mutable_data(), 0xFF, static_cast<size_t>(buffer->size()));
  std::memcpy(buffer->mutable_data(), records.data(), records.size());
  Chunk chunk;
  chunk.records = {buffer->data(), records.size()};
  chunk.aborted = std::move(aborted);
  MILLRACE_ASSIGN_OR_RETURN(chunk.extent, Measure(chunk.records, asked));
  chunk.records = chunk.records.first(chunk.extent.size);
  chunk.buffer = std::move(buffer);
  return chunk;
}

Result<std::vector<data::Batch>> ReadAll(Chunk chunk, int64_t from, int64_t end,
                                         ReadRules rules, int64_t most_rows) {
  Decompressor decompressor;
  ChunkReader reader(std::move(chunk), rules, &decompressor);
  std::vector<data::Batch> batches;
  const int64_t last = std::min(end, std::max(from, reader.next_offset()));
  while (from < last) {
    MILLRACE_ASSIGN_OR_RETURN(
        RecordColumns columns,
        RecordColumns::Make(KafkaSchema(true), {"t", 3}, most_rows));
    MILLRACE_ASSIGN_OR_RETURN(from, reader.Read(from, end, 1 << 20, &columns));
    if (columns.rows() == 0) continue;
    MILLRACE_ASSIGN_OR_RETURN(data::Batch batch, std::move(columns).Finish());
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::string EncodeAnswer(const TestAnswer& test) {
  const FetchAnswer& answer = test.answer;
  WireWriter out(test.version >= 12);
  out.Number(test.correlation);
  out.Tags();
  out.Number(answer.throttle_ms);
  out.Number(static_cast<int16_t>(answer.error));
  out.Number(int32_t{0});
  out.Array(answer.partitions.size());  // each under a topic of its own
  for (const FetchAnswer::Partition& partition : answer.partitions) {
    out.String(partition.topic);
    out.Array(1);
    out.Number(partition.partition);
    out.Number(static_cast<int16_t>(partition.error));
    out.Number(partition.high_watermark);
    out.Number(partition.last_stable_offset);
    out.Number(int64_t{0});
    out.Array(partition.aborted.size());
    for (const AbortedTransaction& aborted : partition.aborted) {
      out.Number(aborted.producer_id);
      out.Number(aborted.first_offset);
      out.Tags();
    }
    if (test.version >= 11) out.Number(int32_t{-1});
    if (test.version >= 12) {
      out.Unsigned(static_cast<uint32_t>(partition.records.size() + 1));
    } else {
      out.Number(static_cast<int32_t>(partition.records.size()));
    }
    out.Raw({reinterpret_cast<const char*>(partition.records.data()),
             partition.records.size()});
    out.Tags();
    out.Tags();
  }
  out.Tags();
  return out.Take();
}

}  // namespace millrace::connectors::kafka::fetch
