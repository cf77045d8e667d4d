#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/mem_file_system.h"
#include "checkpoint/checksum.h"

namespace millrace::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

#define ASSERT_OK(expr) \
  if (const Status ok_status_ = (expr); !ok_status_.ok()) FAIL() << ok_status_.ToString()

std::vector<std::string> Names(FileSystem& fs, const std::string& folder) {
  std::vector<std::string> names;
  const auto files = fs.List(folder);
  EXPECT_TRUE(files.ok());
  if (files.ok()) {
    for (const FileInfo& file : *files) names.push_back(file.name);
  }
  return names;
}

void Write(FileSystem& fs, const std::string& path, std::string_view content) {
  ASSERT_OK(fs.MakeDirs(DirName(path)));
  ASSERT_OK(fs.WriteFileAtomically(path, content));
}

class MetadataLogTest : public testing::Test {
 protected:
  MemFileSystem fs_;
  MetadataLog log_{&fs_, "/ck/offsets"};
};

TEST_F(MetadataLogTest, IsEmptyWithoutAFolder) {
  EXPECT_EQ(*log_.LatestId(), std::nullopt);
  EXPECT_THAT(*log_.Ids(), IsEmpty());
  EXPECT_EQ(*log_.Get(0), std::nullopt);
  EXPECT_TRUE(log_.PurgeBelow(5).ok());
}

TEST_F(MetadataLogTest, KeepsWhatIsAdded) {
  ASSERT_OK(log_.Add(0, "zero"));
  ASSERT_OK(log_.Add(10, "ten"));
  ASSERT_OK(log_.Add(9, "nine"));
  EXPECT_THAT(*log_.Get(10), Optional(std::string("ten")));
  EXPECT_EQ(*log_.Get(1), std::nullopt);
  EXPECT_THAT(*log_.Ids(), ElementsAre(0, 9, 10));
  EXPECT_THAT(*log_.LatestId(), Optional(10));
  fs_.Reboot();
  EXPECT_THAT(*log_.Get(9), Optional(std::string("nine")));
}

TEST_F(MetadataLogTest, AnEntryIsWrittenOnce) {
  ASSERT_OK(log_.Add(3, "a"));
  const Status status = log_.Add(3, "b");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().error_class, "CONCURRENT_STREAM_LOG_UPDATE");
  EXPECT_THAT(status.error().message, HasSubstr("/ck/offsets/3"));
  EXPECT_THAT(*log_.Get(3), Optional(std::string("a")));
}

TEST_F(MetadataLogTest, OtherNamesDoNotCount) {
  for (const char* name : {".5.crc", ".6.0af.tmp", "7.compact", "x", "08", "-1", "9 "}) {
    Write(fs_, JoinPath("/ck/offsets", name), "x");
  }
  ASSERT_OK(fs_.MakeDirs("/ck/offsets/11"));
  ASSERT_OK(log_.Add(4, "x"));
  EXPECT_THAT(*log_.Ids(), ElementsAre(4));
}

TEST_F(MetadataLogTest, PurgeRemovesChecksumsAndLeftovers) {
  for (const char* name : {"3", ".3.crc", "4", ".4.crc", "5", ".5.crc", ".4.0af.tmp",
                           "..4.0af.tmp.crc", "2.compact"}) {
    Write(fs_, JoinPath("/ck/offsets", name), "x");
  }
  ASSERT_OK(log_.PurgeBelow(5));
  EXPECT_THAT(Names(fs_, "/ck/offsets"), ElementsAre(".5.crc", "2.compact", "5"));
  ASSERT_OK(log_.Add(6, "x"));
  ASSERT_OK(log_.PurgeBelow(6));  // without listing again
  EXPECT_THAT(Names(fs_, "/ck/offsets"), ElementsAre(".6.crc", "2.compact", "6"));
  ASSERT_OK(log_.PurgeBelow(3));
  EXPECT_THAT(*log_.Ids(), ElementsAre(6));
}

TEST_F(MetadataLogTest, AnEntryHasItsChecksumBesideIt) {
  Write(fs_, "/ck/offsets/.5.crc", "of a file that somebody removed");
  ASSERT_OK(log_.Add(5, "x"));
  EXPECT_THAT(Names(fs_, "/ck/offsets"), ElementsAre(".5.crc", "5"));
  EXPECT_EQ(*fs_.ReadFile("/ck/offsets/.5.crc"), MakeChecksum("x"));
}

TEST_F(MetadataLogTest, AnotherContentThanTheChecksumsIsNamed) {
  ASSERT_OK(log_.Add(5, "{\"t\":{\"0\":1000}}"));
  Write(fs_, "/ck/offsets/5", "{\"t\":{\"0\":1001}}");
  const auto damaged = log_.Get(5);
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(damaged.status().error().message,
              testing::AllOf(HasSubstr("'/ck/offsets/5'"), HasSubstr("'.5.crc'")));
  ASSERT_OK(fs_.Remove("/ck/offsets/.5.crc"));
  EXPECT_THAT(*log_.Get(5), Optional(HasSubstr("1001")));
}

TEST_F(MetadataLogTest, AChecksumCutShortByACrashSaysNothing) {
  ASSERT_OK(log_.Add(5, std::string(2000, 'x')));
  const std::string sums = *fs_.ReadFile("/ck/offsets/.5.crc");
  for (size_t size = 0; size < sums.size(); ++size) {
    Write(fs_, "/ck/offsets/.5.crc", sums.substr(0, size));
    EXPECT_TRUE(log_.Get(5).ok()) << size;
  }
}

OffsetSeq Planned(int64_t batch) {
  return OffsetSeq{.batch_watermark_ms = batch * 1000,
                   .batch_timestamp_ms = batch,
                   .conf = {{"spark.sql.shuffle.partitions", "4"}},
                   .offsets = {"{\"t\":{\"0\":" + std::to_string(batch) + "}}"}};
}

CommitMetadata Committed(int64_t batch) { return CommitMetadata{(batch + 1) * 1000}; }

class CheckpointTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Checkpoint>> Open() {
    return Checkpoint::Open(&fs_, "/ck", "orders");
  }

  // Writes offsets of batches 0 … planned and commits of 0 … committed (-1: none).
  void Fill(int64_t planned, int64_t committed) {
    auto checkpoint = Open();
    ASSERT_OK(checkpoint.status());
    for (int64_t id = 0; id <= planned; ++id) {
      ASSERT_OK((*checkpoint)->offsets().Add(id, Serialize(Planned(id))));
    }
    for (int64_t id = 0; id <= committed; ++id) {
      ASSERT_OK((*checkpoint)->commits().Add(id, Serialize(Committed(id))));
    }
  }

  MemFileSystem fs_;
};

TEST_F(CheckpointTest, KeepsTheQueryId) {
  std::string id;
  {
    const auto checkpoint = Open();
    ASSERT_OK(checkpoint.status());
    EXPECT_TRUE((*checkpoint)->is_new());
    id = (*checkpoint)->query_id();
    EXPECT_EQ(*fs_.ReadFile("/ck/metadata"), "{\"id\":\"" + id + "\"}");
    EXPECT_EQ((*checkpoint)->source_folder(2), "/ck/sources/2");
    EXPECT_EQ((*checkpoint)->own_folder("state"), "/ck/millrace/state");
  }
  fs_.Reboot();
  const auto again = Open();
  ASSERT_OK(again.status());
  EXPECT_FALSE((*again)->is_new());
  EXPECT_EQ((*again)->query_id(), id);
}

TEST_F(CheckpointTest, IsLockedWhileOpen) {
  auto first = Open();
  ASSERT_OK(first.status());
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().error().message, HasSubstr("/ck/millrace/lock"));
  EXPECT_THAT(second.status().error().message,
              testing::ContainsRegex("process [0-9]+ on host .+, query orders, since 2"));
  first->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(CheckpointTest, BatchesWithoutMetadataAreRefused) {
  for (const char* folder : {"offsets", "commits"}) {
    MemFileSystem fs;
    Write(fs, JoinPath(JoinPath("/ck", folder), "0"), "x");
    const auto checkpoint = Checkpoint::Open(&fs, "/ck", "");
    ASSERT_FALSE(checkpoint.ok());
    EXPECT_EQ(
        checkpoint.status().ToString(),
        "[STREAMING_CHECKPOINT_MISSING_METADATA_FILE] Checkpoint location /ck is in an "
        "inconsistent state: the metadata file is missing but offset and/or commit logs "
        "contain data. Please restore the metadata file or create a new checkpoint "
        "directory. SQLSTATE: 42K03");
  }
}

TEST_F(CheckpointTest, AFolderOfForeignFilesStartsANewQuery) {
  Write(fs_, "/ck/notes.txt", "x");
  Write(fs_, "/ck/.metadata.crc", "of a file that somebody removed");
  const auto checkpoint = Open();
  ASSERT_OK(checkpoint.status());
  EXPECT_TRUE((*checkpoint)->is_new());
  EXPECT_THAT(Names(fs_, "/ck"),
              ElementsAre(".metadata.crc", "metadata", "millrace", "notes.txt"));
}

TEST_F(CheckpointTest, DamagedMetadataIsNamed) {
  for (const char* content : {"", "{\"id\":", "{\"id\":5}", "[]"}) {
    Write(fs_, "/ck/metadata", content);
    const auto checkpoint = Open();
    ASSERT_FALSE(checkpoint.ok()) << content;
    EXPECT_THAT(checkpoint.status().error().message, HasSubstr("/ck/metadata"));
  }
}

TEST_F(CheckpointTest, ANewQueryBeginsWithBatch0) {
  const auto checkpoint = Open();
  ASSERT_OK(checkpoint.status());
  const auto point = (*checkpoint)->Recover();
  ASSERT_OK(point.status());
  EXPECT_EQ(point->next_batch, 0);
  EXPECT_EQ(point->planned, std::nullopt);
  EXPECT_EQ(point->previous, std::nullopt);
}

TEST_F(CheckpointTest, GoesOnBehindACommittedBatch) {
  Fill(3, 3);
  const auto point = (*Open())->Recover();
  ASSERT_OK(point.status());
  EXPECT_EQ(point->next_batch, 4);
  EXPECT_EQ(point->planned, std::nullopt);
  EXPECT_EQ(point->previous, Planned(3));
  EXPECT_EQ(point->previous_commit, Committed(3));
  EXPECT_EQ(point->before_previous, Planned(2));
}

TEST_F(CheckpointTest, RunsAPlannedBatchAgain) {
  Fill(3, 2);
  const auto point = (*Open())->Recover();
  ASSERT_OK(point.status());
  EXPECT_EQ(point->next_batch, 3);
  EXPECT_EQ(point->planned, Planned(3));
  EXPECT_EQ(point->previous, Planned(2));
  EXPECT_EQ(point->previous_commit, Committed(2));
  EXPECT_EQ(point->before_previous, Planned(1));
}

TEST_F(CheckpointTest, RunsBatch0Again) {
  Fill(0, -1);
  const auto point = (*Open())->Recover();
  ASSERT_OK(point.status());
  EXPECT_EQ(point->next_batch, 0);
  EXPECT_EQ(point->planned, Planned(0));
  EXPECT_EQ(point->previous, std::nullopt);
}

TEST_F(CheckpointTest, MissingEntriesAreNamed) {
  Fill(3, 3);
  ASSERT_OK(fs_.Remove("/ck/offsets/3"));
  const auto uncovered = (*Open())->Recover();
  ASSERT_FALSE(uncovered.ok());
  EXPECT_THAT(uncovered.status().error().message, HasSubstr("Wanted '/ck/offsets/3'"));
  EXPECT_THAT(uncovered.status().error().message, HasSubstr("'/ck/commits/3'"));

  ASSERT_OK(fs_.Remove("/ck/commits/3"));
  ASSERT_OK(fs_.Remove("/ck/commits/2"));
  ASSERT_OK(fs_.Remove("/ck/offsets/1"));
  const auto without_start = (*Open())->Recover();
  ASSERT_FALSE(without_start.ok());
  EXPECT_THAT(without_start.status().error().message,
              HasSubstr("Wanted '/ck/offsets/1'"));
}

TEST_F(CheckpointTest, DamagedEntriesAreNamed) {
  Fill(3, 3);
  Write(fs_, "/ck/offsets/2", "v1\n{\"batchWa");
  const auto point = (*Open())->Recover();
  ASSERT_FALSE(point.ok());
  EXPECT_THAT(point.status().error().message, HasSubstr("/ck/offsets/2"));
}

TEST_F(CheckpointTest, PurgeKeepsWhatSparkKeeps) {
  const auto checkpoint = Open();
  ASSERT_OK(checkpoint.status());
  for (int64_t batch = 0; batch <= 6; ++batch) {
    ASSERT_OK((*checkpoint)->offsets().Add(batch, "x"));
    ASSERT_OK((*checkpoint)->commits().Add(batch, "x"));
    ASSERT_OK((*checkpoint)->Purge(batch, 2));
  }
  EXPECT_THAT(*(*checkpoint)->offsets().Ids(), ElementsAre(4, 5, 6));
  EXPECT_THAT(*(*checkpoint)->commits().Ids(), ElementsAre(4, 5, 6));
}

TEST_F(CheckpointTest, TellsStateThatSparkWrote) {
  const auto checkpoint = Open();
  ASSERT_OK(checkpoint.status());
  EXPECT_FALSE(*(*checkpoint)->HasSparkState());
  ASSERT_OK(fs_.MakeDirs("/ck/state/_x"));
  EXPECT_FALSE(*(*checkpoint)->HasSparkState());
  ASSERT_OK(fs_.MakeDirs("/ck/state/0/0"));
  EXPECT_TRUE(*(*checkpoint)->HasSparkState());
}

TEST(CheckpointOfSpark, IsTakenOver) {
  const std::string root =
      JoinPath(testing::TempDir(), "checkpoint_test-" + std::to_string(getpid()));
  std::filesystem::remove_all(root);
  std::filesystem::copy(
      std::string(MILLRACE_SOURCE_DIR) + "/src/checkpoint/testdata/filesource_compact",
      root, std::filesystem::copy_options::recursive);
  const auto fs = MakeLocalFileSystem();
  {
    const auto checkpoint = Checkpoint::Open(fs.get(), root, "");
    ASSERT_OK(checkpoint.status());
    EXPECT_EQ((*checkpoint)->query_id(), "33a6c358-04a7-4970-859d-402ae4988a63");
    const auto point = (*checkpoint)->Recover();
    ASSERT_OK(point.status());
    EXPECT_EQ(point->next_batch, 5);
    EXPECT_EQ(point->previous->offsets[0], "{\"logOffset\":4}");
    EXPECT_EQ(point->before_previous->offsets[0], "{\"logOffset\":3}");
    ASSERT_OK((*checkpoint)->offsets().Add(5, Serialize(*point->previous)));
  }
  std::filesystem::remove_all(root);
}

// Runs batches up to 4 from wherever the checkpoint stands.
Status RunQuery(FileSystem& fs) {
  MILLRACE_ASSIGN_OR_RETURN(const auto checkpoint,
                            Checkpoint::Open(&fs, "/data/ck", "orders"));
  MILLRACE_ASSIGN_OR_RETURN(const RecoveryPoint point, checkpoint->Recover());
  for (int64_t batch = point.next_batch; batch <= 4; ++batch) {
    if (batch == point.next_batch && point.planned) {
      EXPECT_EQ(*point.planned, Planned(batch));
    } else {
      MILLRACE_RETURN_IF_ERROR(
          checkpoint->offsets().Add(batch, Serialize(Planned(batch))));
    }
    MILLRACE_RETURN_IF_ERROR(
        checkpoint->commits().Add(batch, Serialize(Committed(batch))));
    MILLRACE_RETURN_IF_ERROR(checkpoint->Purge(batch, 2));
  }
  return Status::OK();
}

TEST(CheckpointCrash, GoesOnFromEveryCrashPoint) {
  for (const Unsynced unsynced :
       {Unsynced::kLost, Unsynced::kNamesKept, Unsynced::kKept}) {
    bool finished = false;
    for (int n = 1; !finished; ++n) {
      SCOPED_TRACE(testing::Message() << "crash at operation " << n);
      MemFileSystem disk;
      disk.CrashAt(n);
      finished = RunQuery(disk).ok();
      disk.Reboot(unsynced);
      {
        const auto checkpoint = Checkpoint::Open(&disk, "/data/ck", "orders");
        ASSERT_OK(checkpoint.status());
        const auto point = (*checkpoint)->Recover();
        ASSERT_OK(point.status());
        const int64_t next = point->next_batch;
        if (finished) {
          EXPECT_EQ(next, 5);
        }
        if (next > 0) {
          EXPECT_EQ(point->previous, Planned(next - 1));
          EXPECT_EQ(point->previous_commit, Committed(next - 1));
        }
      }
      ASSERT_OK(RunQuery(disk));
      EXPECT_THAT(Names(disk, "/data/ck/commits"),
                  testing::IsSupersetOf({"2", "3", "4"}));
      EXPECT_EQ(*disk.ReadFile("/data/ck/offsets/4"), Serialize(Planned(4)));
    }
  }
}

TEST(CheckpointCrash, AnAddThatReturnedIsDurable) {
  MemFileSystem disk;
  ASSERT_OK(RunQuery(disk));
  disk.Reboot(Unsynced::kLost);
  const auto checkpoint = Checkpoint::Open(&disk, "/data/ck", "orders");
  ASSERT_OK(checkpoint.status());
  EXPECT_FALSE((*checkpoint)->is_new());
  EXPECT_EQ((*checkpoint)->Recover()->next_batch, 5);
}

}  // namespace
}  // namespace millrace::checkpoint
