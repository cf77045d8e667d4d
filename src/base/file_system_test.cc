// What every file system promises, run against the disk and the one in memory.
#include "base/file_system.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/mem_file_system.h"
#include "base/uuid.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  FileSystemTest() {
    if (GetParam()) {
      fs_ = MakeLocalFileSystem();
      root_ = JoinPath(testing::TempDir(), "file_system_test-" + MakeUuid());
    } else {
      fs_ = std::make_unique<MemFileSystem>();
      root_ = "/root";
    }
    EXPECT_TRUE(fs_->MakeDirs(root_).ok());
  }
  ~FileSystemTest() override { EXPECT_TRUE(fs_->RemoveAll(root_).ok()); }

  std::string Path(std::string_view name) const { return JoinPath(root_, name); }

  void Write(std::string_view name, std::string_view content) {
    auto file = fs_->OpenForWrite(Path(name));
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->Append(content).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }
  std::string Read(std::string_view name) {
    const Result<std::string> content = fs_->ReadFile(Path(name));
    return content.ok() ? *content : content.status().ToString();
  }
  std::vector<std::string> Names(std::string_view name) {
    const auto infos = fs_->List(Path(name));
    EXPECT_TRUE(infos.ok());
    std::vector<std::string> names;
    if (infos.ok()) {
      for (const FileInfo& info : *infos) names.push_back(info.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::unique_ptr<FileSystem> fs_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest, testing::Bool(),
                         [](const auto& i) { return i.param ? "Local" : "Mem"; });

TEST_P(FileSystemTest, WritesAndReads) {
  auto file = fs_->OpenForWrite(Path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->Append("hello ").ok());
  EXPECT_TRUE((*file)->Append("world").ok());
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ(Read("a"), "hello world");
  Write("a", "x");
  EXPECT_EQ(Read("a"), "x");
}

TEST_P(FileSystemTest, ReadsAtPositions) {
  Write("a", "0123456789");
  const auto file = fs_->OpenForRead(Path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*(*file)->Size(), 10);
  std::string out(4, '.');
  EXPECT_EQ(*(*file)->ReadAt(3, 4, out.data()), 4);
  EXPECT_EQ(out, "3456");
  EXPECT_EQ(*(*file)->ReadAt(8, 4, out.data()), 2);
  EXPECT_EQ(out, "8956");
  EXPECT_EQ(*(*file)->ReadAt(10, 4, out.data()), 0);
  EXPECT_EQ(*(*file)->ReadAt(99, 4, out.data()), 0);
}

TEST_P(FileSystemTest, ErrorsNamePathAndOperation) {
  const auto missing = fs_->OpenForRead(Path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().error().fault, Fault::kExternal);
  EXPECT_THAT(missing.status().error().message,
              HasSubstr("Cannot open '" + Path("missing") + "': No such file"));
  EXPECT_FALSE(fs_->List(Path("missing")).ok());
  EXPECT_FALSE(fs_->SyncDir(Path("missing")).ok());
  EXPECT_FALSE(fs_->OpenForWrite(Path("missing/a")).ok());
  EXPECT_FALSE(fs_->Rename(Path("missing"), Path("b")).ok());
  EXPECT_FALSE(fs_->OpenForRead(root_).ok());
  EXPECT_FALSE(fs_->OpenForWrite(root_).ok());
  EXPECT_FALSE(fs_->Remove(root_).ok());
}

TEST_P(FileSystemTest, RenameReplaces) {
  Write("a", "new");
  Write("b", "old");
  ASSERT_TRUE(fs_->Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(Read("b"), "new");
  EXPECT_THAT(Names(""), ElementsAre("b"));
}

TEST_P(FileSystemTest, RenameMovesFolders) {
  ASSERT_TRUE(fs_->MakeDirs(Path("a/b")).ok());
  Write("a/b/c", "x");
  ASSERT_TRUE(fs_->Rename(Path("a"), Path("z")).ok());
  EXPECT_EQ(Read("z/b/c"), "x");
}

TEST_P(FileSystemTest, RemoveIsContentWithoutAFile) {
  Write("a", "x");
  EXPECT_TRUE(fs_->Remove(Path("a")).ok());
  EXPECT_TRUE(fs_->Remove(Path("a")).ok());
  EXPECT_THAT(Names(""), IsEmpty());
}

TEST_P(FileSystemTest, MakesAndRemovesFolders) {
  ASSERT_TRUE(fs_->MakeDirs(Path("a/b/c/")).ok());
  ASSERT_TRUE(fs_->MakeDirs(Path("a/b/c")).ok());
  Write("a/b/file", "x");
  EXPECT_FALSE(fs_->MakeDirs(Path("a/b/file")).ok());
  EXPECT_THAT(Names("a/b"), ElementsAre("c", "file"));
  EXPECT_TRUE(fs_->RemoveAll(Path("a")).ok());
  EXPECT_TRUE(fs_->RemoveAll(Path("a")).ok());
  EXPECT_THAT(Names(""), IsEmpty());
}

TEST_P(FileSystemTest, StatTellsFilesFoldersAndNothing) {
  Write("a", "12345");
  const auto file = fs_->Stat(Path("a"));
  ASSERT_TRUE(file.ok() && file->has_value());
  EXPECT_EQ((*file)->name, "a");
  EXPECT_EQ((*file)->size, 5);
  EXPECT_FALSE((*file)->is_directory);
  EXPECT_GT((*file)->modified, EpochMillis());
  const auto folder = fs_->Stat(root_);
  ASSERT_TRUE(folder.ok() && folder->has_value());
  EXPECT_TRUE((*folder)->is_directory);
  const auto nothing = fs_->Stat(Path("b"));
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing->has_value());
  const auto below_file = fs_->Stat(Path("a/b"));
  ASSERT_TRUE(below_file.ok());
  EXPECT_FALSE(below_file->has_value());
}

TEST_P(FileSystemTest, AtomicWriteReplacesAndLeavesNothingElse) {
  ASSERT_TRUE(fs_->WriteFileAtomically(Path("a"), "one").ok());
  ASSERT_TRUE(fs_->WriteFileAtomically(Path("a"), "two").ok());
  EXPECT_EQ(Read("a"), "two");
  EXPECT_THAT(Names(""), ElementsAre("a"));
}

TEST_P(FileSystemTest, FailedAtomicWriteLeavesNoTemporaryFile) {
  ASSERT_TRUE(fs_->MakeDirs(Path("a/b")).ok());
  EXPECT_FALSE(fs_->WriteFileAtomically(Path("a"), "x").ok());  // a folder is in the way
  EXPECT_THAT(Names(""), ElementsAre("a"));
}

TEST_P(FileSystemTest, LockIsExclusiveAndQuotesItsOwner) {
  auto lock = fs_->Lock(Path("lock"), "process 7, query orders");
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  EXPECT_EQ(Read("lock"), "process 7, query orders");
  const auto second = fs_->Lock(Path("lock"), "process 8");
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().error().message, HasSubstr("process 7, query orders"));
  EXPECT_THAT(second.status().error().message, HasSubstr(Path("lock")));
  lock->reset();
  EXPECT_TRUE(fs_->Lock(Path("lock"), "8").ok());
  EXPECT_EQ(Read("lock"), "8");
}

TEST(LocalFileSystem, LockHoldsAcrossProcesses) {
  const auto fs = MakeLocalFileSystem();
  const std::string path = JoinPath(testing::TempDir(), "lock-" + MakeUuid());
  int to_parent[2];
  int to_child[2];
  ASSERT_EQ(pipe(to_parent), 0);
  ASSERT_EQ(pipe(to_child), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  char byte = 0;
  if (child == 0) {
    close(to_child[1]);
    auto lock = MakeLocalFileSystem()->Lock(path, "the child");
    byte = lock.ok() ? 'y' : 'n';
    if (write(to_parent[1], &byte, 1) == 1) (void)!read(to_child[0], &byte, 1);
    _exit(0);  // without unlocking: the system does
  }
  ASSERT_EQ(read(to_parent[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const auto refused = fs->Lock(path, "the parent");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().error().message, HasSubstr("the child"));
  close(to_child[1]);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(fs->Lock(path, "the parent").ok());
  EXPECT_TRUE(fs->Remove(path).ok());
  close(to_parent[0]);
  close(to_parent[1]);
  close(to_child[0]);
}

TEST(Paths, Join) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

TEST(Paths, DirNameAndBaseName) {
  EXPECT_EQ(DirName("/a/b"), "/a");
  EXPECT_EQ(DirName("/a/b/"), "/a");
  EXPECT_EQ(DirName("/a"), "/");
  EXPECT_EQ(DirName("/"), "/");
  EXPECT_EQ(DirName("a"), ".");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("/a/b/"), "b");
  EXPECT_EQ(BaseName("a"), "a");
  EXPECT_EQ(BaseName("/"), "/");
}

TEST(Paths, LocalPathReadsUris) {
  EXPECT_EQ(*LocalPath("file:///x/y z"), "/x/y z");
  EXPECT_EQ(*LocalPath("file:/x"), "/x");
  EXPECT_EQ(*LocalPath("/x"), "/x");
  EXPECT_EQ(*LocalPath("data/x:y"), "data/x:y");
  EXPECT_EQ(*LocalPath("data"), "data");
  EXPECT_EQ(*LocalPath(""), "");
  EXPECT_THAT(LocalPath("s3://bucket/x").status().error().message, HasSubstr("'s3'"));
  EXPECT_FALSE(LocalPath("file://host/x").ok());
  EXPECT_FALSE(LocalPath("file:x").ok());
}

}  // namespace
}  // namespace millrace
