// Answers made by changing valid ones: decoding each gives rows or an error, and neither
// crashes nor hangs nor reads beyond its memory (which a sanitizer sees).
// MILLRACE_FUZZ_ANSWERS says how many, for long runs; MILLRACE_FUZZ_SEED where to begin.
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "connectors/kafka/fetch/test_batches.h"

namespace millrace::connectors::kafka::fetch {
namespace {

int64_t FromEnvironment(const char* name, int64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::atoll(text);
}

std::vector<std::string> Corpus() {
  std::vector<TestMessage> messages = Numbered("a value of some length ", 6);
  messages[1].key = "key";
  messages[2].headers = {{"name", "value"}, {"none", std::nullopt}};
  messages[3].value = std::nullopt;
  std::vector<std::string> corpus;
  for (uint16_t codec = 0; codec <= 4; ++codec) {
    corpus.push_back(EncodeBatch({.messages = messages, .attributes = codec}) +
                     EncodeBatch({.base_offset = 6,
                                  .messages = messages,
                                  .attributes = static_cast<uint16_t>(codec | 0x10),
                                  .producer_id = 7}) +
                     EncodeMarker(12, 7, codec % 2 == 0));
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::string Change(std::string text) {
    for (size_t changes = 1 + Below(4); changes > 0 && !text.empty(); --changes) {
      const size_t at = Below(text.size());
      switch (Below(5)) {
        case 0:
          text[at] = static_cast<char>(random_());
          break;
        case 1:
          text[at] = static_cast<char>(text[at] ^ (1 << Below(8)));
          break;
        case 2:
          text.erase(at, Below(20));
          break;
        case 3:
          text.insert(at, text.substr(Below(text.size()), Below(20)));
          break;
        default:  // a number at its limit
          for (size_t i = at; i < std::min(at + 4, text.size()); ++i) {
            text[i] = static_cast<char>(i == at && Below(2) == 0 ? 0x7F : 0xFF);
          }
      }
    }
    return text;
  }

 private:
  std::mt19937_64 random_;
};

// What gets as far as rows must be rows that can be looked at.
bool TryRead(const std::string& records) {
  const Result<Chunk> chunk = MakeChunk(records, 0, {{7, 6}});
  if (!chunk.ok()) return false;
  const auto batches =
      ReadAll(*chunk, 0, 1'000'000, {.read_committed = true, .check_crcs = false}, 4);
  if (!batches.ok()) return false;
  for (const data::Batch& batch : *batches) EXPECT_TRUE(batch->Validate().ok());
  return !batches->empty();
}

TEST(FetchFuzz, AnyRecordsAreRowsOrAnError) {
  const std::vector<std::string> corpus = Corpus();
  Mutator mutator(static_cast<uint64_t>(FromEnvironment("MILLRACE_FUZZ_SEED", 1)));
  const int64_t count = FromEnvironment("MILLRACE_FUZZ_ANSWERS", 20'000);
  int64_t read = 0;
  for (int64_t i = 0; i < count; ++i) {
    read += TryRead(mutator.Change(corpus[mutator.Below(corpus.size())]));
  }
  // A mutator whose every answer fails at the first byte would test nothing.
  EXPECT_GT(read, count / 10);
  EXPECT_LT(read, count);
}

TEST(FetchFuzz, AnyRecordsBehindACompressedBatchAreRowsOrAnError) {
  Mutator mutator(static_cast<uint64_t>(FromEnvironment("MILLRACE_FUZZ_SEED", 2)));
  const int64_t count = FromEnvironment("MILLRACE_FUZZ_ANSWERS", 20'000) / 4;
  const std::vector<std::string> corpus = Corpus();
  int64_t read = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto codec = static_cast<uint16_t>(1 + mutator.Below(4));
    const std::string& whole = corpus[codec];
    const size_t size = MakeChunk(whole, 0)->extent.size;
    ASSERT_EQ(size, whole.size());
    // The first batch, whose header stays as it is.
    const size_t first = 12 + Load<uint32_t>(AsBytes(whole).data() + 8);
    const TestBatch header = {.messages = Numbered("", 6), .attributes = codec};
    read += TryRead(EncodeBatch(
        header,
        mutator.Change(whole.substr(BatchHeader::kSize, first - BatchHeader::kSize))));
  }
  EXPECT_LT(read, count);
}

TEST(FetchFuzz, AnyAnswerIsDecodedOrAnError) {
  const std::vector<std::string> corpus = Corpus();
  Mutator mutator(static_cast<uint64_t>(FromEnvironment("MILLRACE_FUZZ_SEED", 3)));
  const int64_t count = FromEnvironment("MILLRACE_FUZZ_ANSWERS", 20'000);
  int64_t decoded = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto version = static_cast<int16_t>(kOldestFetch + mutator.Below(3));
    TestAnswer test = {.correlation = 1, .version = version, .answer = {}};
    const std::string& records = corpus[mutator.Below(corpus.size())];
    test.answer.partitions = {
        {"orders", 0, ErrorCode::kNone, 12, 12, {{7, 6}}, AsBytes(records)},
        {"other", 1, ErrorCode::kNone, 12, 12, {}, AsBytes(records)}};
    const std::string bytes = mutator.Change(EncodeAnswer(test));
    const Result<FetchAnswer> answer = DecodeFetch(AsBytes(bytes), 1, version);
    if (!answer.ok()) continue;
    ++decoded;
    for (const FetchAnswer::Partition& partition : answer->partitions) {
      TryRead(std::string(partition.records.begin(), partition.records.end()));
    }
  }
  EXPECT_GT(decoded, count / 10);
  // The other answers are a few numbers; whatever these bytes are, there is an end.
  for (int64_t i = 0; i < count; ++i) {
    const std::string bytes = mutator.Change(std::string("\0\0\0\1\0\0\0\0\0\1\0\1", 12) +
                                             std::string(mutator.Below(40), '\1'));
    static_cast<void>(DecodeFetchVersion(AsBytes(bytes), 1));
    static_cast<void>(DecodeSaslHandshake(AsBytes(bytes), 1, "PLAIN"));
    static_cast<void>(DecodeSaslAuthenticate(AsBytes(bytes), 1));
  }
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
