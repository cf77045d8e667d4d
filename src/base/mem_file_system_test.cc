#include "base/mem_file_system.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"

namespace millrace {
namespace {

using testing::HasSubstr;

class MemFileSystemTest : public testing::Test {
 protected:
  // The content of a file, or "none".
  std::string Read(const std::string& path) {
    const auto info = disk_.Stat(path);
    EXPECT_TRUE(info.ok());
    if (!info.ok() || !info->has_value()) return "none";
    return *disk_.ReadFile(path);
  }
  std::unique_ptr<WritableFile> Open(const std::string& path) {
    auto file = disk_.OpenForWrite(path);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return std::move(file).value();
  }

  MemFileSystem disk_;
};

TEST_F(MemFileSystemTest, UnsyncedNameIsLost) {
  auto file = Open("/a");
  ASSERT_TRUE(file->Append("x").ok());
  ASSERT_TRUE(file->Sync().ok());
  disk_.Reboot();
  EXPECT_EQ(Read("/a"), "none");
}

TEST_F(MemFileSystemTest, UnsyncedBytesAreLost) {
  auto file = Open("/a");
  ASSERT_TRUE(file->Append("synced").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Append(" not").ok());
  ASSERT_TRUE(disk_.SyncDir("/").ok());
  EXPECT_EQ(Read("/a"), "synced not");
  disk_.Reboot();
  EXPECT_EQ(Read("/a"), "synced");
}

TEST_F(MemFileSystemTest, TruncationIsUnsyncedToo) {
  ASSERT_TRUE(disk_.WriteFileAtomically("/a", "old").ok());
  auto file = Open("/a");
  EXPECT_EQ(Read("/a"), "");
  disk_.Reboot();
  EXPECT_EQ(Read("/a"), "old");
}

TEST_F(MemFileSystemTest, RenameWithoutSyncDirIsUndone) {
  ASSERT_TRUE(disk_.WriteFileAtomically("/a", "old").ok());
  ASSERT_TRUE(disk_.WriteFileAtomically("/b", "new").ok());
  ASSERT_TRUE(disk_.Rename("/b", "/a").ok());
  disk_.Reboot();
  EXPECT_EQ(Read("/a"), "old");
  EXPECT_EQ(Read("/b"), "new");
}

TEST_F(MemFileSystemTest, RenameBetweenFoldersIsDurableFolderByFolder) {
  ASSERT_TRUE(disk_.MakeDirs("/from").ok());
  ASSERT_TRUE(disk_.MakeDirs("/to").ok());
  ASSERT_TRUE(disk_.WriteFileAtomically("/from/a", "x").ok());
  ASSERT_TRUE(disk_.Rename("/from/a", "/to/a").ok());
  ASSERT_TRUE(disk_.SyncDir("/to").ok());
  disk_.Reboot();
  EXPECT_EQ(Read("/from/a"), "x");
  EXPECT_EQ(Read("/to/a"), "x");
}

TEST_F(MemFileSystemTest, RemovalWithoutSyncDirIsUndone) {
  ASSERT_TRUE(disk_.WriteFileAtomically("/a", "x").ok());
  ASSERT_TRUE(disk_.MakeDirs("/folder").ok());
  ASSERT_TRUE(disk_.WriteFileAtomically("/folder/b", "y").ok());
  ASSERT_TRUE(disk_.Remove("/a").ok());
  ASSERT_TRUE(disk_.RemoveAll("/folder").ok());
  disk_.Reboot();
  EXPECT_EQ(Read("/a"), "x");
  EXPECT_EQ(Read("/folder/b"), "y");
}

TEST_F(MemFileSystemTest, MadeFoldersStay) {
  ASSERT_TRUE(disk_.MakeDirs("/a/b").ok());
  disk_.Reboot();
  EXPECT_TRUE((*disk_.Stat("/a/b"))->is_directory);
}

TEST_F(MemFileSystemTest, WhenOnlyTheProcessDiesAllIsKept) {
  auto file = Open("/a");
  ASSERT_TRUE(file->Append("x").ok());
  disk_.Reboot(Unsynced::kKept);
  EXPECT_EQ(Read("/a"), "x");
  disk_.Reboot();  // what the first one kept is durable
  EXPECT_EQ(Read("/a"), "x");
}

TEST_F(MemFileSystemTest, NamesMayStayWithoutTheirBytes) {
  auto file = Open("/a");
  ASSERT_TRUE(file->Append("x").ok());
  ASSERT_TRUE(disk_.Rename("/a", "/b").ok());
  disk_.Reboot(Unsynced::kNamesKept);
  EXPECT_EQ(Read("/a"), "none");
  EXPECT_EQ(Read("/b"), "");
}

TEST_F(MemFileSystemTest, CrashFailsTheNthChangeAndAllAfter) {
  ASSERT_TRUE(disk_.WriteFileAtomically("/a", "x").ok());
  disk_.CrashAt(2);
  EXPECT_TRUE(disk_.ReadFile("/a").ok());  // reading does not count
  auto file = disk_.OpenForWrite("/b");    // 1
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE(disk_.crashed());
  EXPECT_FALSE((*file)->Append("abcd").ok());  // 2: the crash
  EXPECT_TRUE(disk_.crashed());
  EXPECT_EQ(disk_.operations(), 2);
  EXPECT_FALSE((*file)->Sync().ok());
  EXPECT_FALSE((*file)->Close().ok());
  EXPECT_FALSE(disk_.ReadFile("/a").ok());
  EXPECT_FALSE(disk_.Stat("/a").ok());
  EXPECT_FALSE(disk_.List("/").ok());
  EXPECT_FALSE(disk_.MakeDirs("/").ok());
  EXPECT_FALSE(disk_.Remove("/a").ok());
  EXPECT_FALSE(disk_.Lock("/lock", "").ok());
  disk_.Reboot(Unsynced::kKept);
  EXPECT_EQ(Read("/a"), "x");
  EXPECT_EQ(Read("/b"), "ab");              // the append was torn
  EXPECT_FALSE((*file)->Append("x").ok());  // dead since the reboot
  EXPECT_TRUE(disk_.WriteFileAtomically("/b", "y").ok());
}

TEST_F(MemFileSystemTest, EachChangingOperationCountsOnce) {
  auto count = [this](auto&& operation) {
    disk_.CrashAt(0);
    EXPECT_TRUE(operation().ok());
    return disk_.operations();
  };
  EXPECT_EQ(count([&] { return disk_.MakeDirs("/a/b"); }), 2);
  EXPECT_EQ(count([&] { return disk_.MakeDirs("/a/b"); }), 0);
  EXPECT_EQ(count([&] { return disk_.WriteFileAtomically("/a/x", "1"); }), 5);
  EXPECT_EQ(count([&] { return disk_.Rename("/a/x", "/a/y"); }), 1);
  EXPECT_EQ(count([&] { return disk_.Remove("/a/none"); }), 0);
  EXPECT_EQ(count([&] { return disk_.RemoveAll("/a"); }), 3);
  EXPECT_EQ(count([&] { return disk_.Lock("/lock", "").status(); }), 1);
}

TEST_F(MemFileSystemTest, AtomicWriteGivesOldOrNewAtEveryCrashPoint) {
  for (const Unsynced unsynced :
       {Unsynced::kLost, Unsynced::kNamesKept, Unsynced::kKept}) {
    bool finished = false;
    for (int n = 1; !finished; ++n) {
      MemFileSystem disk;
      ASSERT_TRUE(disk.WriteFileAtomically("/a", "old").ok());
      disk.CrashAt(n);
      finished = disk.WriteFileAtomically("/a", "new").ok();
      disk.Reboot(unsynced);
      const Result<std::string> content = disk.ReadFile("/a");
      ASSERT_TRUE(content.ok()) << "crash at " << n;
      if (finished) {
        EXPECT_EQ(*content, "new");
      } else {
        EXPECT_THAT(*content, testing::AnyOf("old", "new")) << "crash at " << n;
      }
    }
  }
}

TEST_F(MemFileSystemTest, RebootFreesLocks) {
  auto lock = disk_.Lock("/lock", "one");
  ASSERT_TRUE(lock.ok());
  disk_.Reboot(Unsynced::kKept);
  auto second = disk_.Lock("/lock", "two");
  ASSERT_TRUE(second.ok());
  lock->reset();  // must not free the second one
  EXPECT_FALSE(disk_.Lock("/lock", "three").ok());
}

TEST_F(MemFileSystemTest, FullDiskRefusesChanges) {
  ASSERT_TRUE(disk_.WriteFileAtomically("/a", "x").ok());
  auto file = Open("/b");
  disk_.SetFull(true);
  EXPECT_THAT(file->Append("x").error().message, HasSubstr("No space left on device"));
  EXPECT_FALSE(disk_.WriteFileAtomically("/c", "x").ok());
  EXPECT_EQ(Read("/a"), "x");
  disk_.SetFull(false);
  EXPECT_TRUE(file->Append("x").ok());
}

TEST_F(MemFileSystemTest, OpenFilesOutliveTheFileSystem) {
  std::unique_ptr<WritableFile> file;
  std::unique_ptr<FileLock> lock;
  {
    MemFileSystem disk;
    file = std::move(disk.OpenForWrite("/a")).value();
    lock = std::move(disk.Lock("/lock", "")).value();
  }
  EXPECT_TRUE(file->Append("x").ok());
}

TEST_F(MemFileSystemTest, ThreadsShareIt) {
  constexpr int kFiles = 100;
  {
    std::vector<std::jthread> threads;
    for (const char* name : {"/a", "/b"}) {
      threads.emplace_back([this, name] {
        for (int i = 0; i < kFiles; ++i) {
          EXPECT_TRUE(disk_.WriteFileAtomically(name + std::to_string(i), "x").ok());
        }
      });
    }
  }
  EXPECT_EQ(disk_.List("/")->size(), 2u * kFiles);
}

}  // namespace
}  // namespace millrace
