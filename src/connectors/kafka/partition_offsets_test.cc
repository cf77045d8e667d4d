#include "connectors/kafka/partition_offsets.h"

#include <gtest/gtest.h>

namespace millrace::connectors::kafka {
namespace {

TEST(PartitionOffsets, JsonIsCompactAndAscending) {
  const PartitionOffsets offsets = {
      {{"b", 10}, 7}, {{"b", 2}, 6}, {{"a", 0}, 5}, {{"a", 1}, 12345678901}};
  EXPECT_EQ(ToJson(offsets), R"({"a":{"0":5,"1":12345678901},"b":{"2":6,"10":7}})");
  EXPECT_EQ(ToJson({}), "{}");
}

TEST(PartitionOffsets, ReadsBackWhatItWrites) {
  const PartitionOffsets offsets = {{{"with \"quotes\"", 0}, 5},
                                    {{"t", 3}, kEarliestOffset}};
  const auto parsed = ParseOffsets(ToJson(offsets));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, offsets);
}

TEST(PartitionOffsets, TakesNumbersInQuotes) {
  const auto parsed = ParseOffsets(R"({"t":{"0":"5"}})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->at({"t", 0}), 5);
}

TEST(PartitionOffsets, RefusesOtherTextsWithSparksMessage) {
  for (const char* text :
       {"bad", "[]", R"({"t":5})", R"({"t":{"x":5}})", R"({"t":{"0":1.5}})",
        R"({"t":{"0":5}} trailing)", R"({"t":{"0":99999999999999999999}})"}) {
    const auto parsed = ParseOffsets(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().error().message,
              std::string(
                  R"(Expected e.g. {"topicA":{"0":23,"1":-1},"topicB":{"0":-2}}, got )") +
                  text);
    EXPECT_EQ(parsed.status().error().java_class, "java.lang.IllegalArgumentException");
  }
}

TEST(PartitionOffsets, ReadsPartitions) {
  const auto parsed = ParsePartitions(R"({"b":[1,0],"a":[2]})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(ToString(*parsed), "Set(a-2, b-0, b-1)");
  EXPECT_EQ(ParsePartitions("{x").status().error().message,
            R"(Expected e.g. {"topicA":[0,1],"topicB":[0,1]}, got {x)");
}

TEST(PartitionOffsets, TimestampsHaveAMessageOfTheirOwn) {
  EXPECT_EQ(
      ParseTimestamps("x").status().error().message,
      "Expected e.g. {\"topicA\": {\"0\": 123456789, \"1\": 123456789},\n\"topicB\": "
      "{\"0\": 123456789, \"1\": 123456789}}, got x");
}

TEST(PartitionOffsets, MapsPrintAsScalaPrintsThem) {
  EXPECT_EQ(ToString(PartitionOffsets{{{"t", 0}, 5}, {{"t", 1}, 6}}),
            "Map(t-0 -> 5, t-1 -> 6)");
}

}  // namespace
}  // namespace millrace::connectors::kafka
