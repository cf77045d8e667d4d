#include "state/row_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace millrace::state {
namespace {

TEST(RowTable, GivesRowsBackAndReusesSlots) {
  RowTable table;
  const Slot a = table.Add("alpha");
  const Slot empty = table.Add("");
  EXPECT_EQ(table.row(a), "alpha");
  EXPECT_EQ(table.row(empty), "");
  EXPECT_TRUE(table.live(empty));
  table.Erase(a);
  EXPECT_FALSE(table.live(a));
  EXPECT_EQ(table.size(), 1);
  EXPECT_EQ(table.Add("beta"), a);
  EXPECT_EQ(table.row(a), "beta");
  EXPECT_EQ(table.slot_count(), 2U);
}

// Rows come and go until the bytes have moved many times; what lives keeps its value.
TEST(RowTable, KeepsLiveRowsWhileGarbageIsCollected) {
  RowTable table;
  std::map<Slot, std::string> expected;
  std::mt19937 random(7);
  for (int i = 0; i < 50'000; ++i) {
    const std::string row(random() % 60, static_cast<char>('a' + i % 26));
    expected[table.Add(row)] = row;
    if (expected.size() > 300) {
      const auto victim = std::next(expected.begin(), static_cast<long>(random() % 300));
      table.Erase(victim->first);
      expected.erase(victim);
    }
  }
  ASSERT_EQ(table.size(), static_cast<int64_t>(expected.size()));
  for (const auto& [slot, row] : expected) EXPECT_EQ(table.row(slot), row);
  EXPECT_LT(table.memory_bytes(), 1 << 20);
}

}  // namespace
}  // namespace millrace::state
