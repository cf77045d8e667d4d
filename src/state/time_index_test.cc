#include "state/time_index.h"

#include <gmock/gmock.h>

#include <limits>

namespace millrace::state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TimeIndex, TakesWhatExpiresEarliestFirst) {
  TimeIndex index;
  index.Add(30, 3);
  index.Add(10, 1);
  index.Add(20, 2);
  index.Add(10, 4);
  EXPECT_FALSE(index.AnyUpTo(9));
  EXPECT_THAT(index.TakeUpTo(9), IsEmpty());
  EXPECT_TRUE(index.AnyUpTo(10));
  EXPECT_THAT(index.TakeUpTo(20), ElementsAre(1, 4, 2));
  EXPECT_FALSE(index.AnyUpTo(29));
  EXPECT_THAT(index.TakeUpTo(std::numeric_limits<int64_t>::max()), ElementsAre(3));
  EXPECT_THAT(index.TakeUpTo(std::numeric_limits<int64_t>::max()), IsEmpty());
}

TEST(TimeIndex, TakesNegativeTimes) {
  TimeIndex index;
  index.Add(std::numeric_limits<int64_t>::min(), 1);
  index.Add(-1, 2);
  EXPECT_THAT(index.TakeUpTo(std::numeric_limits<int64_t>::min()), ElementsAre(1));
  EXPECT_THAT(index.TakeUpTo(0), ElementsAre(2));
}

TEST(TimeIndex, ATakenSlotMayBeAddedAgain) {
  TimeIndex index;
  index.Add(1, 7);
  EXPECT_THAT(index.TakeUpTo(1), ElementsAre(7));
  index.Add(1, 7);
  EXPECT_THAT(index.TakeUpTo(1), ElementsAre(7));
}

}  // namespace
}  // namespace millrace::state
