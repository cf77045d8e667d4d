// Requests and answers as bytes.
#include "connectors/kafka/fetch/messages.h"

#include <gmock/gmock.h>

#include "connectors/kafka/fetch/crc32c.h"
#include "connectors/kafka/fetch/test_batches.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string ApiVersions(int16_t oldest_fetch, int16_t newest_fetch) {
  WireWriter out;
  out.Number(int32_t{7});
  out.Number(int16_t{0});
  out.Array(2);
  for (const int16_t number : {int16_t{0}, int16_t{3}, int16_t{9}}) out.Number(number);
  for (const int16_t number : {int16_t{1}, oldest_fetch, newest_fetch})
    out.Number(number);
  return out.Take();
}

TEST(Messages, TheNewestCommonVersionOfFetchIsTaken) {
  const auto version = [](int16_t oldest, int16_t newest) {
    return DecodeFetchVersion(AsBytes(ApiVersions(oldest, newest)), 7);
  };
  EXPECT_EQ(*version(0, 10), 10);  // Kafka 2.1
  EXPECT_EQ(*version(0, 11), 11);  // Kafka 2.3
  EXPECT_EQ(*version(4, 17), 12);  // Kafka 4
  EXPECT_THAT(version(0, 7).status().error().message,
              HasSubstr("speaks versions 0 to 7 of Fetch, wanted one of 10 to 12"));
  EXPECT_THAT(version(13, 20).status().error().message, HasSubstr("13 to 20"));
}

TEST(Messages, AnAnswerToAnotherRequestIsRefused) {
  EXPECT_FALSE(DecodeFetchVersion(AsBytes(ApiVersions(4, 17)), 8).ok());
}

TEST(Messages, AFetchNamesEachTopicOnce) {
  FetchRequest request;
  request.version = 10;
  request.read_committed = true;
  request.max_wait_ms = 500;
  request.max_bytes = 1000;
  request.max_partition_bytes = 100;
  request.partitions = {{"a", 0, 5}, {"a", 1, 6}, {"b", 0, 7}};
  const std::string bytes = EncodeFetch(3, "me", request);
  WireReader in(AsBytes(bytes));
  EXPECT_EQ(in.Number<int16_t>(), 1);   // Fetch
  EXPECT_EQ(in.Number<int16_t>(), 10);  // version
  EXPECT_EQ(in.Number<int32_t>(), 3);   // correlation
  EXPECT_EQ(in.String(), "me");
  EXPECT_EQ(in.Number<int32_t>(), -1);  // a consumer
  EXPECT_EQ(in.Number<int32_t>(), 500);
  EXPECT_EQ(in.Number<int32_t>(), 1);  // least bytes
  EXPECT_EQ(in.Number<int32_t>(), 1000);
  EXPECT_EQ(in.Number<int8_t>(), 1);
  EXPECT_EQ(in.Number<int32_t>(), 0);   // no session
  EXPECT_EQ(in.Number<int32_t>(), -1);  // its epoch
  const std::vector<std::pair<std::string, std::vector<std::pair<int, int>>>> expected = {
      {"a", {{0, 5}, {1, 6}}}, {"b", {{0, 7}}}};
  ASSERT_EQ(in.Array(1), expected.size());
  for (const auto& [topic, partitions] : expected) {
    EXPECT_EQ(in.String(), topic);
    ASSERT_EQ(in.Array(1), partitions.size());
    for (const auto& [partition, offset] : partitions) {
      EXPECT_EQ(in.Number<int32_t>(), partition);
      EXPECT_EQ(in.Number<int32_t>(), -1);  // leader's epoch
      EXPECT_EQ(in.Number<int64_t>(), offset);
      EXPECT_EQ(in.Number<int64_t>(), -1);  // log start
      EXPECT_EQ(in.Number<int32_t>(), 100);
    }
  }
  EXPECT_EQ(in.Array(1), 0U);  // forgotten topics
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.left(), 0U);
}

TEST(Messages, AFetchAnswerIsReadInEveryVersion) {
  const std::string records = "some bytes";
  for (int16_t version = kOldestFetch; version <= kNewestFetch; ++version) {
    SCOPED_TRACE(version);
    TestAnswer test = {.correlation = 5, .version = version, .answer = {}};
    test.answer.throttle_ms = 12;
    test.answer.partitions = {
        {"orders",
         3,
         ErrorCode::kNone,
         300,
         250,
         {{77, 100}, {78, 200}},
         AsBytes(records)},
        {"empty", 0, ErrorCode::kNotLeaderOrFollower, -1, -1, {}, {}}};
    const std::string bytes = EncodeAnswer(test);
    const Result<FetchAnswer> answer = DecodeFetch(AsBytes(bytes), 5, version);
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->throttle_ms, 12);
    ASSERT_THAT(answer->partitions, SizeIs(2));
    const FetchAnswer::Partition& first = answer->partitions[0];
    EXPECT_EQ(first.topic, "orders");
    EXPECT_EQ(first.partition, 3);
    EXPECT_EQ(first.high_watermark, 300);
    EXPECT_EQ(first.last_stable_offset, 250);
    ASSERT_THAT(first.aborted, SizeIs(2));
    EXPECT_EQ(first.aborted[1].producer_id, 78);
    EXPECT_EQ(first.aborted[1].first_offset, 200);
    EXPECT_EQ(std::string(first.records.begin(), first.records.end()), records);
    EXPECT_EQ(answer->partitions[1].error, ErrorCode::kNotLeaderOrFollower);
    EXPECT_THAT(answer->partitions[1].records, SizeIs(0));
    // Whatever is missing at its end, it is no answer.
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DecodeFetch(AsBytes(bytes).first(size), 5, version).ok()) << size;
    }
  }
}

TEST(Messages, ARefusedLoginIsSaid) {
  WireWriter out;
  out.Number(int32_t{2});
  out.Number(static_cast<int16_t>(ErrorCode::kSaslAuthenticationFailed));
  out.String("wrong password");
  out.Number(int32_t{-1});
  const auto token = DecodeSaslAuthenticate(AsBytes(out.Take()), 2);
  EXPECT_EQ(token.status().error().message,
            "a Kafka broker refused the login: wrong password "
            "(SASL_AUTHENTICATION_FAILED)");
}

TEST(Messages, AMechanismTheBrokerDoesNotTakeIsSaid) {
  WireWriter out;
  out.Number(int32_t{2});
  out.Number(static_cast<int16_t>(ErrorCode::kUnsupportedSaslMechanism));
  out.Array(2);
  out.String("PLAIN");
  out.String("GSSAPI");
  EXPECT_THAT(
      DecodeSaslHandshake(AsBytes(out.Take()), 2, "SCRAM-SHA-256").error().message,
      HasSubstr("it takes PLAIN, GSSAPI"));
}

TEST(Crc32c, IsCastagnolis) {
  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(AsBytes(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(AsBytes(std::string(32, '\xFF'))), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, BothWaysAgreeOnEverySize) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += static_cast<char>(i * i + i / 7);
  for (size_t size = 0; size < text.size(); size += size < 100 ? 1 : 997) {
    const Bytes bytes = AsBytes(text).first(size);
    EXPECT_EQ(Crc32c(bytes), PortableCrc32c(bytes)) << size;
  }
}

}  // namespace
}  // namespace millrace::connectors::kafka::fetch
