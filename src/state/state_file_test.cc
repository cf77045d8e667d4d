#include "state/state_file.h"

#include <gmock/gmock.h>

#include "base/mem_file_system.h"
#include "state/record.h"

namespace millrace::state {
namespace {

using testing::HasSubstr;

#define ASSERT_OK(expr) \
  if (const Status ok_status_ = (expr); !ok_status_.ok()) FAIL() << ok_status_.ToString()

const std::string kPath = "/5.delta";
constexpr StateFileHeader kHeader{.kind = StateFileKind::kDelta,
                                  .key_groups = 4,
                                  .batch = 5,
                                  .link = 0x1122334455667788};

class StateFileTest : public testing::Test {
 protected:
  // Two sections: one that LZ4 makes smaller and one that it does not.
  std::string MakeContent(const StateFileHeader& header = kHeader) {
    std::string content;
    StateFileWriter writer(header, [&content](std::string_view bytes) {
      content += bytes;
      return Status::OK();
    });
    EXPECT_TRUE(writer.AddSection(1, std::string(300, 'a'), 3).ok());
    EXPECT_TRUE(writer.AddSection(2, "", 0).ok());
    EXPECT_TRUE(writer.AddSection(3, "xyz", 1).ok());
    const auto digest = writer.Finish();
    EXPECT_TRUE(digest.ok());
    digest_ = *digest;
    return content;
  }

  // Reads all there is, the sections too.
  Status ReadAll(const std::string& content) {
    auto file = fs_.OpenForWrite(kPath);
    MILLRACE_RETURN_IF_ERROR(file.status());
    MILLRACE_RETURN_IF_ERROR((*file)->Append(content));
    MILLRACE_ASSIGN_OR_RETURN(const auto reader,
                              StateFileReader::Open(&fs_, kPath, kHeader));
    for (const Section& section : reader->sections()) {
      MILLRACE_RETURN_IF_ERROR(reader->ReadSection(section).status());
    }
    return reader->CheckSections();
  }

  MemFileSystem fs_;
  uint64_t digest_ = 0;
};

TEST_F(StateFileTest, GivesBackWhatWasWritten) {
  ASSERT_OK(ReadAll(MakeContent()));
  const auto reader = StateFileReader::Open(&fs_, kPath, kHeader);
  ASSERT_OK(reader.status());
  EXPECT_EQ((*reader)->header(), kHeader);
  EXPECT_EQ((*reader)->digest(), digest_);
  const auto& sections = (*reader)->sections();
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(sections[0].group, 1u);
  EXPECT_EQ(sections[0].records, 3u);
  EXPECT_LT(sections[0].stored_size, 300u);
  EXPECT_EQ(*(*reader)->ReadSection(sections[0]), std::string(300, 'a'));
  EXPECT_EQ(sections[1].group, 3u);
  EXPECT_EQ(*(*reader)->ReadSection(sections[1]), "xyz");
}

TEST_F(StateFileTest, MayHoldNothing) {
  std::string content;
  StateFileWriter writer(kHeader, [&content](std::string_view bytes) {
    content += bytes;
    return Status::OK();
  });
  ASSERT_OK(writer.Finish().status());
  ASSERT_OK(ReadAll(content));
}

TEST_F(StateFileTest, EveryTruncationIsFound) {
  const std::string content = MakeContent();
  for (size_t length = 0; length < content.size(); ++length) {
    const Status status = ReadAll(content.substr(0, length));
    ASSERT_FALSE(status.ok()) << length;
    EXPECT_EQ(status.error().error_class, "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED");
    EXPECT_EQ(status.error().sql_state, "58030");
    EXPECT_EQ(status.error().fault, Fault::kExternal);
    EXPECT_THAT(status.error().message, HasSubstr("'/5.delta' is damaged at offset"));
  }
}

TEST_F(StateFileTest, EveryFlippedBitIsFound) {
  const std::string content = MakeContent();
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    std::string damaged = content;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const Status status = ReadAll(damaged);
    ASSERT_FALSE(status.ok()) << "bit " << bit;
    EXPECT_THAT(status.error().message, HasSubstr("/5.delta"));
  }
}

TEST_F(StateFileTest, BytesTooManyAreFound) {
  const std::string content = MakeContent();
  EXPECT_FALSE(ReadAll(content + "x").ok());
  EXPECT_FALSE(ReadAll("x" + content).ok());
  EXPECT_FALSE(ReadAll(content + content).ok());
}

TEST_F(StateFileTest, AFileOfAnotherNameIsFound) {
  StateFileHeader header = kHeader;
  header.batch = 6;
  EXPECT_THAT(
      ReadAll(MakeContent(header)).error().message,
      HasSubstr("wanted the delta of batch 5 with 4 key groups, found the delta of "
                "batch 6 with 4 key groups"));
  header = kHeader;
  header.kind = StateFileKind::kSnapshot;
  EXPECT_FALSE(ReadAll(MakeContent(header)).ok());
  header = kHeader;
  header.key_groups = 128;
  EXPECT_FALSE(ReadAll(MakeContent(header)).ok());
  header = kHeader;
  header.link = 1;  // the caller compares links
  EXPECT_TRUE(ReadAll(MakeContent(header)).ok());
}

TEST_F(StateFileTest, DigestStandsForTheContent) {
  (void)MakeContent();
  const uint64_t digest = digest_;
  StateFileHeader header = kHeader;
  header.link = 1;
  (void)MakeContent(header);
  EXPECT_NE(digest_, digest);
  (void)MakeContent();
  EXPECT_EQ(digest_, digest);
}

TEST(Record, GivesBackWhatWasWritten) {
  std::string bytes;
  const std::string long_key(300, 'k');
  AppendRecord({{0, 0}, "", ""}, &bytes);
  AppendRecord({{1, 2}, "key", std::nullopt}, &bytes);
  AppendRecord({{0xffffffff, 127}, long_key, std::string_view("v\0w", 3)}, &bytes);
  RecordReader reader(bytes);
  Record record;
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.store, (StoreId{0, 0}));
  EXPECT_EQ(record.key, "");
  EXPECT_EQ(record.value, "");
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.store, (StoreId{1, 2}));
  EXPECT_EQ(record.key, "key");
  EXPECT_EQ(record.value, std::nullopt);
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_EQ(record.store, (StoreId{0xffffffff, 127}));
  EXPECT_EQ(record.key, long_key);
  EXPECT_EQ(record.value, std::string_view("v\0w", 3));
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_EQ(reader.position(), bytes.size());
}

TEST(Record, HalfARecordIsNone) {
  std::string bytes;
  AppendRecord({{300, 1}, "key", "value"}, &bytes);
  for (size_t length = 1; length < bytes.size(); ++length) {
    RecordReader reader(std::string_view(bytes).substr(0, length));
    Record record;
    EXPECT_FALSE(reader.Next(&record)) << length;
  }
  const std::string endless(20, '\xff');
  RecordReader reader(endless);
  Record record;
  EXPECT_FALSE(reader.Next(&record));
}

}  // namespace
}  // namespace millrace::state
