// Exactly once, from source to lake: the machine stops at the n-th disk operation, for
// every n, comes back without what was not synced, and the query goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine.h"

namespace millrace {
namespace {

using functions::Col;
using functions::Count;
using functions::SessionWindow;
using functions::Sum;
using functions::Window;

Rows Undisturbed(MakeQuery make_query) {
  Machine machine;
  for (const std::string& rows : Input()) {
    machine.Add(rows);
    const Status status = machine.Run(make_query);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  return machine.Lake();
}

void ExpectExactlyOnce(MakeQuery make_query) {
  const Rows expected = Undisturbed(make_query);
  ASSERT_GT(expected.size(), 2U);
  for (int step = 1;; ++step) {
    SCOPED_TRACE(testing::Message() << "crash at disk operation " << step);
    Machine machine;
    machine.disk().CrashAt(step);
    bool crashed = false;
    for (const std::string& rows : Input()) {
      machine.Add(rows);
      if (machine.Run(make_query).ok()) continue;
      ASSERT_TRUE(machine.disk().crashed());
      ASSERT_FALSE(crashed) << "the query failed again after the machine came back";
      crashed = true;
      machine.disk().Reboot();
      const Status again = machine.Run(make_query);
      ASSERT_TRUE(again.ok()) << again.ToString();
    }
    ASSERT_THAT(machine.Lake(), testing::ContainerEq(expected));
    if (!crashed) break;  // the crash lay beyond the last operation: all were tried
  }
}

DataFrame Refined(const DataFrame& orders) {
  return orders.Filter(Col("user_id").IsNotNull());
}

DataFrame Revenue(const DataFrame& orders) {
  return orders.WithWatermark("ts", "2 minutes")
      .GroupBy(Window(Col("ts"), "1 minute"))
      .Agg(Sum(Col("amount")).Alias("revenue"), Count(Col("*")).Alias("orders"));
}

DataFrame FirstOfEachUser(const DataFrame& orders) {
  return orders.WithWatermark("ts", "1 minute").DropDuplicates({"user_id"});
}

// Each order beside the earlier ones of its user: two streams of the same orders.
DataFrame WithEarlierOrders(const DataFrame& orders) {
  const DataFrame known = Refined(orders).WithWatermark("ts", "2 minutes");
  return known.Alias("l")
      .Join(known.Alias("r"),
            Col("l.user_id") == Col("r.user_id") && Col("r.ts") < Col("l.ts"), "left")
      .Select(Col("l.user_id").Alias("user_id"), Col("l.ts").Alias("ts"),
              Col("r.ts").Alias("earlier"));
}

DataFrame Sessions(const DataFrame& orders) {
  return orders.WithWatermark("ts", "2 minutes")
      .GroupBy(SessionWindow(Col("ts"), "1 minute"), Col("user_id"))
      .Agg(Sum(Col("amount")).Alias("revenue"), Count(Col("*")).Alias("orders"));
}

TEST(PipelineCrash, EveryRowIsInTheLakeOnce) { ExpectExactlyOnce(Refined); }

TEST(PipelineCrash, EveryWindowIsEmittedOnceWithAllItsRows) {
  ExpectExactlyOnce(Revenue);
}

TEST(PipelineCrash, NoDuplicateSlipsThrough) { ExpectExactlyOnce(FirstOfEachUser); }

TEST(PipelineCrash, EveryPairIsJoinedOnce) { ExpectExactlyOnce(WithEarlierOrders); }

TEST(PipelineCrash, EverySessionIsEmittedOnceWithAllItsRows) {
  ExpectExactlyOnce(Sessions);
}

TEST(PipelineCrash, AFullDiskIsAnErrorAndNothingIsLost) {
  Machine machine;
  machine.Add(Input()[0]);
  ASSERT_TRUE(machine.Run(Refined).ok());
  machine.Add(Input()[1]);
  machine.disk().SetFull(true);
  const Status full = machine.Run(Refined);
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(full.ToString(), testing::HasSubstr("No space left on device"));
  machine.disk().SetFull(false);
  ASSERT_TRUE(machine.Run(Refined).ok());
  EXPECT_THAT(machine.Lake(), testing::SizeIs(5));  // the header and four orders
}

}  // namespace
}  // namespace millrace
