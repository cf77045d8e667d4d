// The same topics through both read paths, librdkafka's and our own: every field of every
// row has to be the same, whoever wrote the messages, however.
#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "connectors/kafka/client_feed.h"
#include "connectors/kafka/fetch/fetcher.h"
#include "connectors/kafka/partition_split.h"
#include "connectors/kafka/test_cluster.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using Outcome = TestCluster::Outcome;

const std::vector<std::string> kCodecs = {"none", "gzip", "snappy", "lz4", "zstd"};

template <typename T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? std::move(result).value() : T();
}

class ConformanceTest : public testing::Test {
 protected:
  using Settings = std::map<std::string, std::string>;
  enum class Path { kClient, kNative };

  void SetUp() override {
    if (cluster_.servers().empty()) GTEST_FAIL() << "there is no broker";
  }

  std::shared_ptr<const ReadContext> MakeContext(Path path, const Settings& settings) {
    ClientConfig config;
    config.servers = cluster_.servers();
    config.settings = settings;
    auto context = std::make_shared<ReadContext>();
    context->broker = Value(Broker::Make(config));
    context->feeds =
        path == Path::kClient
            ? Value(ClientFeedSet::Make(config))
            : Value(Fetcher::Make(std::get<FetchSettings>(MakeFetchSettings(config)),
                                  context->broker));
    context->loss = std::make_shared<DataLossPolicy>(true, "group", false);
    context->schema = KafkaSchema(true);
    context->poll_timeout = std::chrono::seconds(60);
    context->broker_timeout = std::chrono::seconds(30);
    context->fetch_attempts = 3;
    context->fetch_retry_interval = std::chrono::milliseconds(10);
    return context;
  }

  // All columns of a range as one batch; null where there is no row.
  data::Batch Read(const std::shared_ptr<const ReadContext>& context,
                   const TopicPartition& partition, int64_t from, int64_t end) {
    const auto reader = Value(MakePartitionSplit(context, partition, from, end)->Open());
    std::vector<data::Batch> batches;
    while (const data::Batch batch = Value(reader->Next({}))) {
      EXPECT_TRUE(batch->ValidateFull().ok());
      batches.push_back(batch);
    }
    return batches.empty() ? nullptr : Value(data::Concat(batches));
  }

  // Compares all of each partition, then ranges of it. Gives the rows there are.
  int64_t Compare(const std::string& topic, int partitions, const Settings& settings = {},
                  int ranges = 6) {
    const auto client = MakeContext(Path::kClient, settings);
    const auto native = MakeContext(Path::kNative, settings);
    std::mt19937 random(1);
    int64_t rows = 0;
    for (int32_t p = 0; p < partitions; ++p) {
      const TopicPartition partition = {topic, p};
      const int64_t end = Value(client->broker->Offsets(
          {{partition, kLatestOffset}}, std::chrono::seconds(30), {}))[partition];
      std::vector<std::pair<int64_t, int64_t>> wanted = {{0, end}};
      for (int i = 0; i < ranges && end > 0; ++i) {
        const auto a = static_cast<int64_t>(random() % static_cast<uint64_t>(end + 1));
        const auto b = static_cast<int64_t>(random() % static_cast<uint64_t>(end + 1));
        wanted.emplace_back(std::min(a, b), std::max(a, b));
      }
      for (const auto& [from, until] : wanted) {
        SCOPED_TRACE(fmt::format("{}-{} [{}, {})", topic, p, from, until));
        const data::Batch expected = Read(client, partition, from, until);
        const data::Batch found = Read(native, partition, from, until);
        EXPECT_EQ(found == nullptr, expected == nullptr);
        if (found == nullptr || expected == nullptr) continue;
        EXPECT_TRUE(found->Equals(*expected))
            << found->num_rows() << " rows, expected " << expected->num_rows();
        if (until == end && from == 0) rows += found->num_rows();
      }
    }
    return rows;
  }

  // Messages of all kinds: keys, values and headers that are null, empty, short and long.
  static std::vector<TestMessage> Various(int count, uint32_t seed) {
    std::mt19937 random(seed);
    const auto piece = [&]() -> std::optional<std::string> {
      switch (random() % 5) {
        case 0:
          return std::nullopt;
        case 1:
          return "";
        case 2:
          return std::string(random() % 13, 'x');
        case 3:
          return fmt::format(R"({{"user":"u{}","amount":{}}})", random() % 100, random());
        default:
          return std::string(random() % 300, static_cast<char>(random()));
      }
    };
    std::vector<TestMessage> messages;
    for (int i = 0; i < count; ++i) {
      TestMessage message = {.value = piece(), .key = piece()};
      message.timestamp_ms = 1'700'000'000'000 + static_cast<int64_t>(random() % 100'000);
      for (uint32_t h = random() % 4; h > 1; --h) {
        message.headers.emplace_back(fmt::format("header {}", random() % 10), piece());
      }
      messages.push_back(std::move(message));
    }
    return messages;
  }

  TestCluster cluster_;
};

TEST_F(ConformanceTest, EveryCodecOfTheProducer) {
  for (const std::string& codec : kCodecs) {
    SCOPED_TRACE(codec);
    const std::string topic = cluster_.NewTopic(2, codec);
    for (int p = 0; p < 2; ++p) {
      cluster_.ProduceWith({{"compression.type", codec}, {"linger.ms", "20"}}, topic, p,
                           Various(3000, static_cast<uint32_t>(p)));
    }
    EXPECT_EQ(Compare(topic, 2), 6000);
  }
}

// The broker compresses anew, with Java's libraries.
TEST_F(ConformanceTest, EveryCodecOfTheBroker) {
  for (const std::string& codec : kCodecs) {
    SCOPED_TRACE(codec);
    const std::string topic = cluster_.NewTopic(1, "unused") + "-" + codec;
    cluster_.CreateTopic(
        topic, 1, {{"compression.type", codec == "none" ? "uncompressed" : codec}});
    cluster_.ProduceWith({{"linger.ms", "20"}}, topic, 0, Various(3000, 1));
    EXPECT_EQ(Compare(topic, 1), 3000);
  }
}

TEST_F(ConformanceTest, ManySmallBatches) {
  for (const std::string codec : {"none", "lz4"}) {
    const std::string topic = cluster_.NewTopic(1, "small");
    cluster_.ProduceWith({{"batch.num.messages", "1"}, {"compression.type", codec}},
                         topic, 0, Various(500, 2));
    EXPECT_EQ(Compare(topic, 1), 500);
  }
}

TEST_F(ConformanceTest, TimesOfTheBroker) {
  const std::string topic = cluster_.NewTopic() + "-log-append-time";
  cluster_.CreateTopic(topic, 1, {{"message.timestamp.type", "LogAppendTime"}});
  cluster_.Produce(topic, 0, Various(100, 3));
  EXPECT_EQ(Compare(topic, 1), 100);
}

TEST_F(ConformanceTest, TransactionsUnderBothLevels) {
  for (const std::string codec : {"none", "zstd"}) {
    const std::string topic = cluster_.NewTopic(1, "transactions");
    for (uint32_t i = 0; i < 5; ++i) {
      cluster_.ProduceTransaction(topic, 0, Various(20, 10 * i),
                                  i % 2 == 0 ? Outcome::kAbort : Outcome::kCommit);
      cluster_.ProduceWith({{"compression.type", codec}}, topic, 0, Various(7, i));
    }
    EXPECT_EQ(Compare(topic, 1, {{"isolation.level", "read_committed"}}, 30),
              2 * 20 + 5 * 7);
    EXPECT_EQ(Compare(topic, 1, {{"isolation.level", "read_uncommitted"}}, 30),
              5 * 20 + 5 * 7);
  }
}

TEST_F(ConformanceTest, TransactionsSideBySide) {
  const std::string topic = cluster_.NewTopic(1, "interleaved");
  {
    const TestCluster::OpenTransaction open(cluster_, topic, 0, Various(5, 1));
    cluster_.ProduceTransaction(topic, 0, Various(6, 2), Outcome::kAbort, /*wait=*/false);
    cluster_.Produce(topic, 0, Various(7, 3));
    // Nothing behind the first message is stable yet.
    EXPECT_EQ(Compare(topic, 1, {{"isolation.level", "read_committed"}}), 0);
    EXPECT_EQ(Compare(topic, 1), 18);
  }
  cluster_.AwaitStable(topic, 0, 5 + 6 + 7 + 2);
  EXPECT_EQ(Compare(topic, 1, {{"isolation.level", "read_committed"}}, 20), 12);
}

TEST_F(ConformanceTest, BigMessagesAndSmallFetches) {
  const std::string topic = cluster_.NewTopic() + "-big";
  cluster_.CreateTopic(topic, 3, {{"max.message.bytes", "10000000"}});
  for (int p = 0; p < 3; ++p) {
    std::vector<TestMessage> messages = Various(20, 4);
    for (const size_t size : {3'000'000, 10, 700'000, 5'000'000}) {
      messages.push_back({.value = std::string(size, 'b')});
    }
    cluster_.ProduceWith({{"message.max.bytes", "9000000"}}, topic, p, messages);
  }
  EXPECT_EQ(Compare(topic, 3), 72);
  // A message that is larger than what was asked for still comes.
  EXPECT_EQ(Compare(topic, 3,
                    {{"fetch.message.max.bytes", "1000"},
                     {"fetch.max.bytes", "9000000"},
                     {"message.max.bytes", "9000000"}}),
            72);
}

TEST_F(ConformanceTest, ManyPartitionsSomeOfThemEmpty) {
  const std::string topic = cluster_.NewTopic(24, "many");
  for (int p = 0; p < 24; p += 3) {
    cluster_.Produce(topic, p, Various(10 * p, static_cast<uint32_t>(p)));
  }
  EXPECT_EQ(Compare(topic, 24, {}, 1), 10 * 3 * 28);
}

TEST_F(ConformanceTest, CompactedTopics) {
  const std::string topic = cluster_.NewTopic() + "-compacted";
  cluster_.CreateTopic(topic, 1,
                       {{"cleanup.policy", "compact"},
                        {"segment.ms", "1"},
                        {"min.cleanable.dirty.ratio", "0.001"}});
  for (uint32_t round = 0; round < 6; ++round) {
    std::vector<TestMessage> messages = Various(40, round);
    for (size_t i = 0; i < messages.size(); ++i) {
      messages[i].key = fmt::format("{}", i % (8 + round));
    }
    cluster_.Produce(topic, 0, messages);
  }
  cluster_.Produce(topic, 0, {{.value = "end", .key = "end"}});
  // The cleaner works beside the two reads until nothing is left to clean.
  const auto client = MakeContext(Path::kClient, {});
  const auto native = MakeContext(Path::kNative, {});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  data::Batch expected;
  data::Batch found;
  do {
    expected = Read(client, {topic, 0}, 0, 241);
    found = Read(native, {topic, 0}, 0, 241);
    ASSERT_NE(expected, nullptr);
    ASSERT_NE(found, nullptr);
  } while ((found->num_rows() > 60 || !found->Equals(*expected)) &&
           std::chrono::steady_clock::now() < deadline);
  EXPECT_LE(found->num_rows(), 60);
  EXPECT_TRUE(found->Equals(*expected));
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
