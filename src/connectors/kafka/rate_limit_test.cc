#include "connectors/kafka/rate_limit.h"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::connectors::kafka {
namespace {

PartitionOffsets Offsets(std::initializer_list<int64_t> values) {
  PartitionOffsets offsets;
  int32_t partition = 0;
  for (const int64_t value : values) offsets[{"t", partition++}] = value;
  return offsets;
}

// Observed on Spark 4.2.0: ten rows in two partitions, limit 4.
TEST(RateLimit, EqualPartitionsGetEqualShares) {
  const PartitionOffsets end = Offsets({5, 5});
  EXPECT_EQ(LimitOffsets(4, Offsets({0, 0}), {}, end), Offsets({2, 2}));
  EXPECT_EQ(LimitOffsets(4, Offsets({2, 2}), {}, end), Offsets({4, 4}));
  EXPECT_EQ(LimitOffsets(4, Offsets({4, 4}), {}, end), Offsets({5, 5}));
}

// Observed on Spark 4.2.0: 9 and 5 offsets, limit 3.
TEST(RateLimit, SharesFollowWhatRemains) {
  const PartitionOffsets end = Offsets({9, 5});
  EXPECT_EQ(LimitOffsets(3, Offsets({0, 0}), {}, end), Offsets({1, 1}));
  EXPECT_EQ(LimitOffsets(3, Offsets({1, 1}), {}, end), Offsets({3, 2}));
  EXPECT_EQ(LimitOffsets(3, Offsets({3, 2}), {}, end), Offsets({5, 3}));
  EXPECT_EQ(LimitOffsets(3, Offsets({5, 3}), {}, end), Offsets({7, 4}));
  EXPECT_EQ(LimitOffsets(3, Offsets({7, 4}), {}, end), Offsets({9, 5}));
}

TEST(RateLimit, SmallPartitionsAreNotStarved) {
  EXPECT_EQ(LimitOffsets(10, Offsets({0, 0}), {}, Offsets({1'000'000, 1})),
            Offsets({9, 1}));
}

TEST(RateLimit, AddedPartitionsCountFromTheirBeginning) {
  const PartitionOffsets until = Offsets({100, 150});
  const PartitionOffsets added = {{{"t", 1}, 50}};
  EXPECT_EQ(LimitOffsets(20, Offsets({0}), added, until), Offsets({10, 60}));
}

TEST(RateLimit, PartitionsOfUnknownBeginningGoToTheirEnd) {
  EXPECT_EQ(LimitOffsets(20, Offsets({0}), {}, Offsets({100, 150})), Offsets({20, 150}));
}

TEST(RateLimit, NothingNewGivesTheEnd) {
  EXPECT_EQ(LimitOffsets(3, Offsets({5, 5}), {}, Offsets({5, 5})), Offsets({5, 5}));
}

TEST(RateLimit, AnEndThatWentBackIsPassedOn) {
  EXPECT_EQ(LimitOffsets(2, Offsets({100, 0}), {}, Offsets({4, 10})), Offsets({4, 2}));
}

TEST(RateLimit, GreatLimitsDoNotOverflow) {
  EXPECT_EQ(LimitOffsets(std::numeric_limits<int64_t>::max(), Offsets({10, 20}), {},
                         Offsets({30, 40})),
            Offsets({30, 40}));
}

}  // namespace
}  // namespace millrace::connectors::kafka
