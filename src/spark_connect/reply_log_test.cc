#include "spark_connect/reply_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace millrace::spark_connect {
namespace {

using std::chrono::milliseconds;
using Outcome = ReplyLog::Outcome;

constexpr milliseconds kLong(60'000);

spark::connect::ExecutePlanResponse Reply(const std::string& id, size_t bytes = 0) {
  spark::connect::ExecutePlanResponse reply;
  reply.set_response_id(id);
  reply.mutable_arrow_batch()->set_data(std::string(bytes, 'x'));
  return reply;
}

std::string IdAt(ReplyLog& log, int64_t reader, int64_t position) {
  const ReplyLog::Read read = log.Next(reader, position, kLong);
  return read.outcome == Outcome::kReply ? read.reply->response_id()
                                         : read.result.ToString();
}

TEST(ReplyLog, KeepsWhatWasReadUntilItIsReleased) {
  ReplyLog log({}, true);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(log.Append(Reply(id), {}).ok());
  log.Finish(Status::OK());
  const int64_t reader = log.Attach();
  EXPECT_EQ(IdAt(log, reader, 0), "a");
  EXPECT_EQ(IdAt(log, reader, 1), "b");
  EXPECT_EQ(*log.PositionAfter("a"), 1);
  log.Release("a");
  EXPECT_EQ(*log.PositionAfter("a"), 1);  // the last one that was released can be named
  EXPECT_EQ(IdAt(log, log.Attach(), 1), "b");
  EXPECT_FALSE(log.PositionAfter("nothing").ok());
  EXPECT_EQ(log.Next(log.Attach(), 0, kLong).result.error().error_class,
            "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
  const int64_t last = log.Attach();
  EXPECT_EQ(IdAt(log, last, 2), "c");
  EXPECT_EQ(log.Next(last, 3, kLong).outcome, Outcome::kEnd);
}

TEST(ReplyLog, ReleasesOnlyWhatWasRead) {
  ReplyLog log({}, true);
  for (const char* id : {"a", "b"}) ASSERT_TRUE(log.Append(Reply(id), {}).ok());
  log.Release("b");
  log.Release("");
  EXPECT_EQ(IdAt(log, log.Attach(), 0), "a");
}

TEST(ReplyLog, DropsTheOldestBeyondItsLimit) {
  ReplyLog log({.keep_bytes = 1'000, .ahead_bytes = 1 << 20}, true);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(log.Append(Reply(id, 600), {}).ok());
  const int64_t reader = log.Attach();
  for (int64_t i = 0; i < 3; ++i) log.Next(reader, i, kLong);
  EXPECT_FALSE(log.PositionAfter("a").ok());
  EXPECT_EQ(*log.PositionAfter("b"), 2);
}

TEST(ReplyLog, ANewReaderEndsTheOneBefore) {
  ReplyLog log({}, true);
  const int64_t first = log.Attach();
  std::thread other([&] { log.Attach(); });
  EXPECT_EQ(log.Next(first, 0, kLong).outcome, Outcome::kReplaced);
  other.join();
  EXPECT_EQ(log.Next(log.Attach(), 0, milliseconds(0)).outcome, Outcome::kTimeout);
}

TEST(ReplyLog, TheWriterWaitsForASlowReader) {
  ReplyLog log({.keep_bytes = 1 << 20, .ahead_bytes = 1'000}, true);
  std::atomic<int> appended = 0;
  std::thread writer([&] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(log.Append(Reply(std::to_string(i), 600), {}).ok());
      ++appended;
    }
    log.Finish(Status::OK());
  });
  const int64_t reader = log.Attach();
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(IdAt(log, reader, i), std::to_string(i));
    EXPECT_LE(appended, i + 3);  // one read, one waiting to be, one about to be counted
  }
  EXPECT_EQ(log.Next(reader, 5, kLong).outcome, Outcome::kEnd);
  writer.join();
}

TEST(ReplyLog, AWriterThatWaitsIsCancelled) {
  ReplyLog log({.keep_bytes = 0, .ahead_bytes = 100}, true);
  ASSERT_TRUE(log.Append(Reply("a", 600), {}).ok());
  std::stop_source stop;
  std::thread canceller([&] { stop.request_stop(); });
  EXPECT_EQ(log.Append(Reply("b", 600), stop.get_token()).error().error_class,
            "OPERATION_CANCELED");
  canceller.join();
}

}  // namespace
}  // namespace millrace::spark_connect
