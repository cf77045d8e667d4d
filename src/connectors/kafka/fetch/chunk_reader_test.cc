// Rows out of record batches written by hand: what real brokers send seldom or never.
#include "connectors/kafka/fetch/chunk_reader.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include "connectors/kafka/fetch/test_batches.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Strings = std::vector<std::string>;

constexpr int64_t kEnd = 1'000'000;

Strings ValuesOf(const Result<std::vector<data::Batch>>& batches) {
  EXPECT_TRUE(batches.ok()) << batches.status().ToString();
  Strings values;
  if (!batches.ok()) return values;
  for (const data::Batch& batch : *batches) {
    EXPECT_TRUE(batch->ValidateFull().ok());
    const auto& column =
        static_cast<const arrow::BinaryViewArray&>(*batch->GetColumnByName("value"));
    for (int64_t i = 0; i < column.length(); ++i) {
      values.push_back(column.IsNull(i) ? "null" : std::string(column.GetView(i)));
    }
  }
  return values;
}

Strings Read(const std::string& records, int64_t from, int64_t end, ReadRules rules = {},
             std::vector<AbortedTransaction> aborted = {}) {
  const Result<Chunk> chunk = MakeChunk(records, from, std::move(aborted));
  EXPECT_TRUE(chunk.ok()) << chunk.status().ToString();
  return ValuesOf(ReadAll(*chunk, from, end, rules));
}

std::string ErrorOf(const std::string& records, ReadRules rules = {}) {
  const Result<Chunk> chunk = MakeChunk(records, 0);
  if (!chunk.ok()) return chunk.status().error().message;
  const auto rows = ReadAll(*chunk, 0, kEnd, rules);
  return rows.ok() ? "" : rows.status().error().message;
}

TEST(ChunkReader, GivesEveryField) {
  const std::string records = EncodeBatch(
      {.base_offset = 40,
       .messages = {{.value = "a value of some length",
                     .key = "k",
                     .headers = {{"h", "x"}, {"h", std::nullopt}, {"", ""}},
                     .timestamp_ms = 1},
                    {.timestamp_ms = -1},
                    {.value = "", .key = "a key of some length", .timestamp_ms = 2}}});
  const auto batches = ReadAll(*MakeChunk(records, 40), 40, kEnd);
  ASSERT_TRUE(batches.ok()) << batches.status().ToString();
  ASSERT_THAT(*batches, SizeIs(1));
  EXPECT_TRUE(batches->front()->ValidateFull().ok());
  const auto expected = data::BatchFromJson(KafkaSchema(true), R"([
      ["k", "a value of some length", "t", 3, 40, "1970-01-01T00:00:01.001Z", 0,
       [["h", "x"], ["h", null], ["", ""]]],
      [null, null, "t", 3, 41, "1970-01-01T00:00:00.999Z", 0, null],
      ["a key of some length", "", "t", 3, 42, "1970-01-01T00:00:01.002Z", 0, null]])");
  ASSERT_TRUE(expected.ok()) << expected.status().ToString();
  EXPECT_TRUE(batches->front()->Equals(**expected)) << batches->front()->ToString();
}

TEST(ChunkReader, TheBrokersTimeIsThatOfTheBatch) {
  const std::string records = EncodeBatch(
      {.messages = Values({"a"}), .attributes = 0x08, .max_timestamp = 5'000});
  const auto batches = ReadAll(*MakeChunk(records, 0), 0, kEnd);
  ASSERT_TRUE(batches.ok());
  const auto& batch = *batches->front();
  EXPECT_EQ(static_cast<const arrow::TimestampArray&>(*batch.GetColumnByName("timestamp"))
                .Value(0),
            5'000'000);
  EXPECT_EQ(static_cast<const arrow::Int32Array&>(*batch.GetColumnByName("timestampType"))
                .Value(0),
            1);
}

TEST(ChunkReader, ReadsAPartOfABatch) {
  const std::string records =
      EncodeBatch({.messages = Numbered("m", 10)}) +
      EncodeBatch({.base_offset = 10, .messages = Numbered("n", 3)});
  EXPECT_THAT(Read(records, 8, 11), ElementsAre("m8", "m9", "n0"));
  EXPECT_THAT(Read(records, 3, 5), ElementsAre("m3", "m4"));
  EXPECT_THAT(Read(records, 12, 13), ElementsAre("n2"));
}

TEST(ChunkReader, GoesOnWhereItStopped) {
  const std::string records =
      EncodeBatch({.messages = Numbered("m", 10)}) +
      EncodeBatch({.base_offset = 10, .messages = Numbered("n", 3)});
  const auto batches = ReadAll(*MakeChunk(records, 0), 1, 12, {}, 4);
  ASSERT_TRUE(batches.ok());
  EXPECT_THAT(*batches, SizeIs(3));
  EXPECT_THAT(ValuesOf(batches), ElementsAre("m1", "m2", "m3", "m4", "m5", "m6", "m7",
                                             "m8", "m9", "n0", "n1"));
}

TEST(ChunkReader, DecompressesEveryCodec) {
  std::vector<TestMessage> messages = Numbered("a value that repeats itself ", 5'000);
  for (uint16_t codec = 0; codec <= 4; ++codec) {
    SCOPED_TRACE(codec);
    const std::string records = EncodeBatch({.messages = messages, .attributes = codec});
    const Strings values = Read(records, 0, kEnd);
    ASSERT_THAT(values, SizeIs(5'000));
    EXPECT_EQ(values.front(), "a value that repeats itself 0");
    EXPECT_EQ(values.back(), "a value that repeats itself 4999");
  }
}

TEST(ChunkReader, CompactionLeavesGaps) {
  const std::string records =
      EncodeBatch({.base_offset = 5,
                   .messages = Values({"a", "b"}),
                   .offset_deltas = {2, 7},
                   .last_offset_delta = 9}) +
      EncodeBatch({.base_offset = 20, .messages = {}, .last_offset_delta = 4}) +
      EncodeBatch({.base_offset = 30, .messages = Values({"c"})});
  EXPECT_EQ(MakeChunk(records, 3)->extent.next_offset, 31);
  EXPECT_THAT(Read(records, 3, kEnd), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Read(records, 8, 12), IsEmpty());
  EXPECT_THAT(Read(records, 8, 13), ElementsAre("b"));
}

TEST(ChunkReader, AnAbortedTransactionIsLeftOut) {
  constexpr uint16_t kTransactional = 0x10;
  const auto batch = [](int64_t offset, const std::string& value, int64_t producer) {
    return EncodeBatch({.base_offset = offset,
                        .messages = Values({value}),
                        .attributes = kTransactional,
                        .producer_id = producer});
  };
  // Two producers at once; 1 aborts, then commits; 2 commits.
  const std::string records =
      batch(0, "1 gone", 1) + batch(1, "2 stays", 2) + batch(2, "1 gone too", 1) +
      EncodeMarker(3, 1, false) + batch(4, "1 stays", 1) + EncodeMarker(5, 2, true) +
      EncodeMarker(6, 1, true) +
      EncodeBatch({.base_offset = 7, .messages = Values({"plain"})});
  const std::vector<AbortedTransaction> aborted = {{1, 0}};
  EXPECT_THAT(Read(records, 0, kEnd, {.read_committed = true}, aborted),
              ElementsAre("2 stays", "1 stays", "plain"));
  // From within the transaction: the broker names it as well.
  EXPECT_THAT(Read(records, 2, kEnd, {.read_committed = true}, aborted),
              ElementsAre("1 stays", "plain"));
  EXPECT_THAT(Read(records, 0, kEnd, {.read_committed = false}, aborted),
              ElementsAre("1 gone", "2 stays", "1 gone too", "1 stays", "plain"));
}

TEST(ChunkReader, ABatchThatIsCutOffWaitsForTheNextFetch) {
  const std::string whole = EncodeBatch({.messages = Values({"a", "b"})});
  const std::string next = EncodeBatch({.base_offset = 2, .messages = Values({"c"})});
  for (size_t size = 0; size < next.size(); ++size) {
    const std::string records = whole + next.substr(0, size);
    EXPECT_EQ(MakeChunk(records, 0)->extent.next_offset, 2);
    EXPECT_THAT(Read(records, 0, kEnd), ElementsAre("a", "b"));
  }
  EXPECT_EQ(MakeChunk(whole.substr(0, 30), 0)->extent.next_offset, 0);
}

TEST(ChunkReader, AWrongChecksumIsAnError) {
  std::string records = EncodeBatch({.messages = Values({"abcdef"})});
  records[records.size() - 3] ^= 1;
  EXPECT_THAT(ErrorOf(records), HasSubstr("batch at offset 0 is corrupt: its checksum"));
  EXPECT_EQ(ErrorOf(records, {.check_crcs = false}), "");
}

TEST(ChunkReader, MalformedRecordsAreErrors) {
  const TestBatch two = {.messages = Values({"a", "b"})};
  const std::string records = EncodeRecords(two);
  EXPECT_THAT(ErrorOf(EncodeBatch(two, records.substr(0, records.size() - 1))),
              HasSubstr("a record is malformed"));
  EXPECT_THAT(ErrorOf(EncodeBatch(two, records + "x")),
              HasSubstr("bytes follow its last record"));
  EXPECT_THAT(
      ErrorOf(EncodeBatch(
          {.messages = Values({"a"}), .offset_deltas = {3}, .last_offset_delta = 2})),
      HasSubstr("a record is malformed"));
  EXPECT_THAT(ErrorOf(EncodeBatch({.messages = Values({"a"}), .attributes = 5}, "x")),
              HasSubstr("unknown codec, 5"));
  EXPECT_THAT(ErrorOf(EncodeBatch({.messages = Values({"a"}), .attributes = 4}, "x")),
              HasSubstr("zstd data cannot be decompressed"));
  for (const uint16_t codec : {1, 2, 3, 4}) {
    const TestBatch batch = {.messages = Numbered("m", 1000), .attributes = codec};
    const std::string whole = EncodeBatch(batch).substr(BatchHeader::kSize);
    EXPECT_THAT(ErrorOf(EncodeBatch(batch, whole.substr(0, whole.size() / 2))),
                HasSubstr("is corrupt"))
        << codec;
  }
}

TEST(ChunkReader, OldFormatsAreErrors) {
  std::string records = EncodeBatch({.messages = Values({"a"})});
  records[16] = 1;
  EXPECT_THAT(ErrorOf(records), HasSubstr("are in format 1, wanted 2"));
}

TEST(ChunkReader, BatchesComeInOrder) {
  const std::string a = EncodeBatch({.base_offset = 5, .messages = Values({"a"})});
  const std::string b = EncodeBatch({.base_offset = 4, .messages = Values({"b"})});
  EXPECT_THAT(ErrorOf(a + b), HasSubstr("batch at offset 4 lies before offset 6"));
  EXPECT_EQ(MakeChunk(b, 9)->extent.next_offset, 9);
}

TEST(ChunkReader, ATimeThatDoesNotFitIsSparksError) {
  const std::string records = EncodeBatch(
      {.messages = Values({"a"}), .base_timestamp = std::numeric_limits<int64_t>::max()});
  EXPECT_THAT(ErrorOf(records), HasSubstr("has timestamp value 9223372036854775807"));
}

TEST(ChunkReader, ReadsOnlyWantedColumns) {
  const data::SchemaPtr all = KafkaSchema(false);
  const data::SchemaPtr schema = arrow::schema({all->field(4), all->field(1)});
  RecordColumns columns = *RecordColumns::Make(schema, {"t", 0}, 10);
  Decompressor decompressor;
  ChunkReader reader(*MakeChunk(EncodeBatch({.messages = Values({"a"})}), 0), {},
                     &decompressor);
  EXPECT_EQ(*reader.Read(0, kEnd, 100, &columns), 1);
  const auto batch = std::move(columns).Finish();
  ASSERT_TRUE(batch.ok());
  EXPECT_THAT((*batch)->schema()->field_names(), ElementsAre("offset", "value"));
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
