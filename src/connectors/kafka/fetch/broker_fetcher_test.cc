// The thread that fetches, and a broker that does what real ones do seldom.
#include "connectors/kafka/fetch/broker_fetcher.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include <condition_variable>

#include "connectors/kafka/fetch/native_feed.h"
#include "connectors/kafka/fetch/test_broker.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int32_t kBroker = 4;
constexpr std::chrono::seconds kPatience(30);

class BrokerFetcherTest : public testing::Test {
 protected:
  BrokerFetcherTest() {
    ClientConfig config;
    config.servers = "unused:1";
    settings_ = std::get<FetchSettings>(MakeFetchSettings(config));
  }

  // A feed that begins at 0, whose leader is the broker.
  NativeFeed& FeedOf(int32_t partition) {
    const TopicPartition name = {"t", partition};
    feeds_.push_back(std::make_unique<NativeFeed>(name, board_, ReadRules{}));
    EXPECT_TRUE(feeds_.back()->Seek(0, Feed::kNoEnd).ok());
    board_.Assign(name, kBroker);
    return *feeds_.back();
  }

  std::unique_ptr<BrokerFetcher> Fetch(const TestBroker& broker) {
    return std::make_unique<BrokerFetcher>(kBroker, broker.endpoint(), settings_, nullptr,
                                           board_);
  }

  // The offsets of the rows before `end`.
  std::vector<int64_t> Read(NativeFeed& feed, int64_t end) {
    const data::SchemaPtr all = KafkaSchema(false);
    const data::SchemaPtr schema = arrow::schema({all->field(4)});
    std::vector<int64_t> offsets;
    while (feed.position() < end) {
      const auto state = feed.Fill(end, 1, kPatience, {});
      EXPECT_TRUE(state.ok()) << state.status().ToString();
      if (!state.ok() || *state != Feed::State::kMessages) {
        ADD_FAILURE() << "there are no messages";
        break;
      }
      const auto taken = feed.Take(end, 100, 1 << 20, schema);
      EXPECT_TRUE(taken.ok()) << taken.status().ToString();
      if (!taken.ok()) break;
      const auto& column =
          static_cast<const arrow::Int64Array&>(*taken->batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) offsets.push_back(column.Value(i));
    }
    return offsets;
  }

  static std::string Messages(int64_t from, int count) {
    return EncodeBatch({.base_offset = from, .messages = Numbered("m", count)});
  }

  FetchSettings settings_;
  FetchBoard board_{1 << 20};
  std::vector<std::unique_ptr<NativeFeed>> feeds_;
};

TEST_F(BrokerFetcherTest, AsksForWhatFollows) {
  TestBroker broker([](const TestBroker::Fetch& fetch) {
    EXPECT_EQ(fetch.partitions.size(), 1U);
    const int64_t from = fetch.partitions.at(0).second;
    return ReplyWith(fetch, 0, ErrorCode::kNone, Messages(from, 3));
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  EXPECT_THAT(Read(feed, 7), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Read(feed, 10), ElementsAre(7, 8, 9));
}

TEST_F(BrokerFetcherTest, NothingBehindTheEndIsAskedFor) {
  std::mutex mutex;
  int64_t furthest = 0;  // of partition 0
  TestBroker broker([&](const TestBroker::Fetch& fetch) {
    const std::lock_guard lock(mutex);
    for (const auto& [partition, offset] : fetch.partitions) {
      if (partition == 0) furthest = std::max(furthest, offset);
    }
    return ReplyWith(fetch, fetch.partitions.at(0).first, ErrorCode::kNone,
                     Messages(fetch.partitions.at(0).second, 2));
  });
  NativeFeed& feed = FeedOf(0);
  ASSERT_TRUE(feed.Seek(0, 4).ok());
  const auto fetcher = Fetch(broker);
  EXPECT_THAT(Read(feed, 4), ElementsAre(0, 1, 2, 3));
  // Another partition's fetch comes later than one behind the end would have.
  EXPECT_THAT(Read(FeedOf(1), 2), ElementsAre(0, 1));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(furthest, 2);
}

TEST_F(BrokerFetcherTest, ALeaderThatMovedIsLookedForAgain) {
  for (const ErrorCode error :
       {ErrorCode::kNotLeaderOrFollower, ErrorCode::kFencedLeaderEpoch,
        ErrorCode::kUnknownLeaderEpoch, ErrorCode::kLeaderNotAvailable,
        ErrorCode::kKafkaStorageError, ErrorCode::kOffsetNotAvailable,
        ErrorCode::kReplicaNotAvailable, ErrorCode::kUnknownTopicOrPartition}) {
    SCOPED_TRACE(NameOf(error));
    TestBroker broker([&](const TestBroker::Fetch& fetch) {
      const int64_t from = fetch.partitions.at(0).second;
      return fetch.number == 1 ? ReplyWith(fetch, 0, error, "")
                               : ReplyWith(fetch, 0, ErrorCode::kNone, Messages(from, 2));
    });
    NativeFeed& feed = FeedOf(0);
    const auto fetcher = Fetch(broker);
    EXPECT_THAT(board_.AwaitHomeless({}), ElementsAre(TopicPartition{"t", 0}));
    EXPECT_THAT(Read(feed, 2), ElementsAre(0, 1));  // it came before
    board_.Assign({"t", 0}, kBroker);
    EXPECT_THAT(Read(feed, 4), ElementsAre(2, 3));
    feed.Halt();
  }
}

TEST_F(BrokerFetcherTest, WhatIsRefusedIsAnError) {
  TestBroker broker([](const TestBroker::Fetch& fetch) {
    return ReplyWith(fetch, 0, ErrorCode::kTopicAuthorizationFailed, "");
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  EXPECT_EQ(feed.Fill(1, 1, kPatience, {}).status().error().message,
            "Reading t-0 failed: TOPIC_AUTHORIZATION_FAILED");
}

TEST_F(BrokerFetcherTest, AnOffsetOutOfRangeNeedsASeek) {
  TestBroker broker([](const TestBroker::Fetch& fetch) {
    const int64_t from = fetch.partitions.at(0).second;
    return from < 50 ? ReplyWith(fetch, 0, ErrorCode::kOffsetOutOfRange, "")
                     : ReplyWith(fetch, 0, ErrorCode::kNone, Messages(from, 2));
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  const auto state = feed.Fill(60, 1, kPatience, {});
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(*state, Feed::State::kOutOfRange);
  ASSERT_TRUE(feed.Seek(50, Feed::kNoEnd).ok());
  EXPECT_THAT(Read(feed, 52), ElementsAre(50, 51));
}

TEST_F(BrokerFetcherTest, CorruptRecordsAreAnErrorThatNamesThem) {
  TestBroker broker([](const TestBroker::Fetch& fetch) {
    std::string records = Messages(0, 2);
    records.back() ^= 1;
    return ReplyWith(fetch, 0, ErrorCode::kNone, records);
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  ASSERT_TRUE(feed.Fill(2, 1, kPatience, {}).ok());
  EXPECT_THAT(
      feed.Take(2, 100, 1 << 20, KafkaSchema(false)).status().error().message,
      HasSubstr("Reading t-0 failed: the record batch at offset 0 is corrupt: its "
                "checksum is wrong"));
}

TEST_F(BrokerFetcherTest, ABrokenConnectionIsMadeAnew) {
  TestBroker broker([](const TestBroker::Fetch& fetch) -> std::optional<std::string> {
    const int64_t from = fetch.partitions.at(0).second;
    switch (fetch.number) {
      case 1:
        return std::nullopt;
      case 3:
        return "no answer to a fetch";
      case 5: {  // an answer that ends too early
        const std::string whole =
            ReplyWith(fetch, 0, ErrorCode::kNone, Messages(from, 2));
        return whole.substr(0, whole.size() / 2);
      }
      default:
        return ReplyWith(fetch, 0, ErrorCode::kNone, Messages(from, 1));
    }
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  EXPECT_THAT(Read(feed, 4), ElementsAre(0, 1, 2, 3));
}

TEST_F(BrokerFetcherTest, ABrokerThatCannotBeReachedIsAbandoned) {
  Endpoint nowhere;
  {
    nowhere = TestBroker([](const TestBroker::Fetch&) { return ""; }).endpoint();
  }
  NativeFeed& feed = FeedOf(0);
  BrokerFetcher fetcher(kBroker, nowhere, settings_, nullptr, board_);
  EXPECT_THAT(board_.AwaitHomeless({}), ElementsAre(TopicPartition{"t", 0}));
  EXPECT_THAT(board_.trouble(), HasSubstr(ToString(nowhere) + ": Connection refused"));
  TestBroker broker([](const TestBroker::Fetch& fetch) {
    return ReplyWith(fetch, 0, ErrorCode::kNone,
                     Messages(fetch.partitions.at(0).second, 1));
  });
  fetcher.SetEndpoint(broker.endpoint());
  board_.Assign({"t", 0}, kBroker);
  EXPECT_THAT(Read(feed, 2), ElementsAre(0, 1));
  EXPECT_EQ(board_.trouble(), "");
}

TEST_F(BrokerFetcherTest, ASeekDoesNotWaitForALongPoll) {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  TestBroker broker([&](const TestBroker::Fetch& fetch) {
    const auto& [partition, offset] = fetch.partitions.at(0);
    if (fetch.number == 0) {  // waits for messages that do not come
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return released; });
      return ReplyWith(fetch, partition, ErrorCode::kNone, "", offset);
    }
    return ReplyWith(fetch, partition, ErrorCode::kNone, Messages(offset, 1));
  });
  NativeFeed& quiet = FeedOf(0);
  const auto fetcher = Fetch(broker);
  EXPECT_EQ(*quiet.Fill(1, 1, std::chrono::milliseconds(200), {}), Feed::State::kWaiting);
  EXPECT_THAT(Read(FeedOf(1), 3), ElementsAre(0, 1, 2));
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  changed.notify_all();
  EXPECT_THAT(Read(quiet, 1), ElementsAre(0));
}

TEST_F(BrokerFetcherTest, AnswersToWhatWasAskedBeforeASeekAreDropped) {
  std::mutex mutex;
  std::condition_variable changed;
  bool sought = false;
  bool asked = false;
  TestBroker broker([&](const TestBroker::Fetch& fetch) {
    const int64_t offset = fetch.partitions.at(0).second;
    if (fetch.number == 0) {
      std::unique_lock lock(mutex);
      asked = true;
      changed.notify_all();
      changed.wait(lock, [&] { return sought; });
    }
    return ReplyWith(fetch, 0, ErrorCode::kNone, Messages(offset, 2));
  });
  NativeFeed& feed = FeedOf(0);
  const auto fetcher = Fetch(broker);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asked; });
    ASSERT_TRUE(feed.Seek(100, Feed::kNoEnd).ok());
    sought = true;
  }
  changed.notify_all();
  EXPECT_THAT(Read(feed, 103), ElementsAre(100, 101, 102));
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
