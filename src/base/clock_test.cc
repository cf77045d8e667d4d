#include "base/clock.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr EpochMillis kStart{milliseconds(1000)};

TEST(SystemClock, ReturnsAtOnceWhenTheDeadlineHasPassed) {
  SystemClock clock;
  EXPECT_TRUE(clock.WaitUntil(clock.Now(), std::stop_token()));
  EXPECT_TRUE(clock.WaitUntil(clock.Now() + milliseconds(1), std::stop_token()));
}

TEST(SystemClock, StopEndsAWaitWithoutEnd) {
  SystemClock clock;
  std::promise<bool> result;
  std::jthread waiter([&](std::stop_token stop) {
    result.set_value(clock.WaitUntil(EpochMillis::max(), stop));
  });
  waiter.request_stop();
  EXPECT_FALSE(result.get_future().get());
}

TEST(SystemClock, WakeEndsAWait) {
  SystemClock clock;
  std::future<bool> result = std::async(std::launch::async, [&] {
    return clock.WaitUntil(EpochMillis::max(), std::stop_token());
  });
  // A wake before the wait began does not count, so wake until it ends.
  while (result.wait_for(milliseconds(0)) != std::future_status::ready) clock.Wake();
  EXPECT_TRUE(result.get());
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(kStart);
  EXPECT_EQ(clock.Now(), kStart);
  clock.Advance(milliseconds(5));
  EXPECT_EQ(clock.Now(), kStart + milliseconds(5));
  EXPECT_TRUE(clock.WaitUntil(kStart + milliseconds(5), std::stop_token()));
}

TEST(ManualClock, AdvanceEndsAWaitAtItsDeadlineNotBefore) {
  ManualClock clock(kStart);
  std::future<EpochMillis> woken = std::async(std::launch::async, [&] {
    EXPECT_TRUE(clock.WaitUntil(kStart + milliseconds(10), std::stop_token()));
    return clock.Now();
  });
  clock.AwaitWaiter(std::stop_token());
  clock.Advance(milliseconds(9));
  clock.AwaitWaiter(std::stop_token());  // it still waits
  clock.Advance(milliseconds(1));
  EXPECT_EQ(woken.get(), kStart + milliseconds(10));
}

TEST(ManualClock, AwaitWaiterSeesTheNextWaitNotTheLastOne) {
  ManualClock clock(kStart);
  constexpr int kRounds = 200;
  std::jthread waiter([&] {
    for (int i = 1; i <= kRounds; ++i) {
      EXPECT_TRUE(clock.WaitUntil(kStart + milliseconds(i), std::stop_token()));
      EXPECT_EQ(clock.Now(), kStart + milliseconds(i));
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    clock.AwaitWaiter(std::stop_token());
    clock.Advance(milliseconds(1));
  }
}

TEST(ManualClock, StopAndWakeEndAWait) {
  ManualClock clock(kStart);
  std::stop_source stop;
  std::future<bool> stopped = std::async(std::launch::async, [&] {
    return clock.WaitUntil(EpochMillis::max(), stop.get_token());
  });
  clock.AwaitWaiter(std::stop_token());
  stop.request_stop();
  EXPECT_FALSE(stopped.get());

  std::future<bool> woken = std::async(std::launch::async, [&] {
    return clock.WaitUntil(EpochMillis::max(), std::stop_token());
  });
  clock.AwaitWaiter(std::stop_token());
  clock.Wake();
  EXPECT_TRUE(woken.get());
}

TEST(ManualClock, AwaitWaiterCanBeStopped) {
  ManualClock clock(kStart);
  std::stop_source stop;
  stop.request_stop();
  clock.AwaitWaiter(stop.get_token());
}

}  // namespace
}  // namespace millrace
