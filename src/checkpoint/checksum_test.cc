#include "checkpoint/checksum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::checkpoint {
namespace {

TEST(Checksum, IsHadoops) {
  // "123456789" has the CRC-32 CBF43926.
  EXPECT_EQ(MakeChecksum("123456789"),
            std::string("crc\0\x00\x00\x02\x00\xCB\xF4\x39\x26", 12));
  EXPECT_EQ(MakeChecksum(""), std::string("crc\0\x00\x00\x02\x00", 8));
  EXPECT_EQ(MakeChecksum(std::string(512, 'a')).size(), 12U);
  EXPECT_EQ(MakeChecksum(std::string(513, 'a')).size(), 16U);
}

TEST(Checksum, FindsEveryFlippedBitAndTruncation) {
  std::string content;
  for (int i = 0; i < 700; ++i) content += static_cast<char>('a' + i % 26);
  const std::string sums = MakeChecksum(content);
  EXPECT_FALSE(Contradicts(sums, content));
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    std::string damaged = content;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(Contradicts(sums, damaged)) << bit;
  }
  for (size_t size = 0; size < content.size(); ++size) {
    ASSERT_TRUE(Contradicts(sums, content.substr(0, size))) << size;
  }
}

TEST(Checksum, OtherTextsSayNothing) {
  EXPECT_FALSE(Contradicts("", "x"));
  EXPECT_FALSE(Contradicts("hello, world", "x"));
  EXPECT_FALSE(Contradicts(std::string(16, '\0'), "x"));
}

}  // namespace
}  // namespace millrace::checkpoint
