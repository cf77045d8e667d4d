#include "state/key_table.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace millrace::state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

data::EncodedKeys Encoded(const std::vector<std::string>& keys) {
  data::EncodedKeys encoded;
  encoded.offsets.push_back(0);
  for (const std::string& key : keys) {
    encoded.bytes += key;
    encoded.offsets.push_back(static_cast<int32_t>(encoded.bytes.size()));
  }
  return encoded;
}

TEST(KeyTable, GivesEachKeyItsSlot) {
  KeyTable table;
  std::vector<Slot> slots;
  std::vector<Slot> added;
  table.FindOrAdd(Encoded({"a", "a", "b", "a", "", "c", ""}), &slots, &added);
  EXPECT_THAT(slots, ElementsAre(0, 0, 1, 0, 2, 3, 2));
  EXPECT_THAT(added, ElementsAre(0, 1, 2, 3));
  table.FindOrAdd(Encoded({"c", "d"}), &slots, &added);
  EXPECT_THAT(slots, ElementsAre(3, 4));
  EXPECT_THAT(added, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(table.size(), 5);
  EXPECT_EQ(table.slot_count(), 5u);
  EXPECT_EQ(table.key(1), "b");
  EXPECT_EQ(table.key(2), "");
  table.FindOrAdd(Encoded({}), &slots, &added);
  EXPECT_THAT(slots, IsEmpty());
}

TEST(KeyTable, FindsAndAddsOneByOne) {
  KeyTable table;
  bool added = false;
  EXPECT_EQ(table.FindOrAdd("x", &added), 0u);
  EXPECT_TRUE(added);
  EXPECT_EQ(table.FindOrAdd("x", &added), 0u);
  EXPECT_FALSE(added);
  EXPECT_EQ(table.Find("x"), 0u);
  EXPECT_EQ(table.Find("y"), kNoSlot);
  EXPECT_EQ(table.Find(""), kNoSlot);
}

TEST(KeyTable, ErasedSlotsAreReused) {
  KeyTable table;
  bool added = false;
  for (const char* key : {"a", "b", "c"}) table.FindOrAdd(key, &added);
  table.Erase(1);
  EXPECT_FALSE(table.live(1));
  EXPECT_TRUE(table.live(0));
  EXPECT_FALSE(table.live(99));
  EXPECT_EQ(table.Find("b"), kNoSlot);
  EXPECT_EQ(table.size(), 2);
  EXPECT_EQ(table.FindOrAdd("d", &added), 1u);
  EXPECT_TRUE(added);
  EXPECT_EQ(table.key(1), "d");
  EXPECT_EQ(table.slot_count(), 3u);
}

TEST(KeyTable, KeysStayWhereTheyAreWhileOthersAreErased) {
  KeyTable table;
  bool added = false;
  const Slot kept = table.FindOrAdd(std::string(100, 'k'), &added);
  for (int i = 0; i < 10'000; ++i)
    table.FindOrAdd(std::string(100, 'x') + std::to_string(i), &added);
  const std::string_view view = table.key(kept);
  for (Slot slot = 1; slot < table.slot_count(); ++slot) table.Erase(slot);
  EXPECT_EQ(view.data(), table.key(kept).data());
  EXPECT_EQ(view, std::string(100, 'k'));
}

TEST(KeyTable, MemoryOfErasedKeysIsReclaimed) {
  KeyTable table;
  bool added = false;
  int64_t after_first_round = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 2'000; ++i) {
      table.FindOrAdd(
          "round " + std::to_string(round) + std::string(200, 'x') + std::to_string(i),
          &added);
    }
    if (round == 0) after_first_round = table.memory_bytes();
    for (Slot slot = 0; slot < table.slot_count(); ++slot) {
      // One key of each round stays, so that no round's memory is wholly free.
      if (table.live(slot) && !table.key(slot).ends_with("x7")) table.Erase(slot);
    }
  }
  EXPECT_EQ(table.size(), 50);
  table.FindOrAdd("one more", &added);
  EXPECT_LT(table.memory_bytes(), 3 * after_first_round);
  for (int round = 0; round < 50; ++round) {
    EXPECT_NE(table.Find("round " + std::to_string(round) + std::string(200, 'x') + "7"),
              kNoSlot);
  }
}

TEST(KeyTable, AgreesWithAPlainMapUnderRandomUse) {
  KeyTable table;
  std::unordered_map<std::string, Slot> expected;
  std::mt19937 random(1);
  std::vector<Slot> slots;
  for (int step = 0; step < 400; ++step) {
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) {
      keys.push_back(std::string(random() % 40, 'p') + std::to_string(random() % 60'000));
      if (random() % 4 == 0) keys.push_back(keys.back());
    }
    std::vector<Slot> added;
    table.FindOrAdd(Encoded(keys), &slots, &added);
    ASSERT_EQ(slots.size(), keys.size());
    size_t next_added = 0;
    for (size_t row = 0; row < keys.size(); ++row) {
      const auto [entry, is_new] = expected.emplace(keys[row], slots[row]);
      ASSERT_EQ(entry->second, slots[row]);
      if (is_new) {
        ASSERT_LT(next_added, added.size());
        ASSERT_EQ(added[next_added++], slots[row]);
      }
    }
    ASSERT_EQ(next_added, added.size());
    for (auto entry = expected.begin(); entry != expected.end();) {
      ASSERT_EQ(table.key(entry->second), entry->first);
      if (step % 3 == 0 && random() % 3 != 0) {
        table.Erase(entry->second);
        entry = expected.erase(entry);
      } else {
        ++entry;
      }
    }
    ASSERT_EQ(table.size(), static_cast<int64_t>(expected.size()));
  }
  std::unordered_set<Slot> distinct;
  for (const auto& [key, slot] : expected) distinct.insert(slot);
  EXPECT_EQ(distinct.size(), expected.size());
}

TEST(KeyTable, LargeTablesAreLookedUpAheadTheSameWay) {
  KeyTable table;
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<Slot> first;
  std::vector<Slot> added;
  table.FindOrAdd(Encoded(keys), &first, &added);
  EXPECT_EQ(added.size(), keys.size());
  std::vector<Slot> second;
  added.clear();
  table.FindOrAdd(Encoded(keys), &second, &added);
  EXPECT_EQ(first, second);
  EXPECT_THAT(added, IsEmpty());
}

// The groups are part of the checkpoint format: these numbers must never change.
TEST(KeyGroup, IsXxh64ModuloGroups) {
  EXPECT_EQ(KeyGroup("", 1u << 31), 0xef46db3751d8e999u % (1u << 31));
  EXPECT_EQ(KeyGroup("a", 1u << 31), 0xd24ec4f1a98c6e5bu % (1u << 31));
  EXPECT_EQ(KeyGroup("a", 128), 0xd24ec4f1a98c6e5bu % 128);
}

}  // namespace
}  // namespace millrace::state
