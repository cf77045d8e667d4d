#include "state/state_log.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <tuple>

#include "base/error.h"
#include "base/mem_file_system.h"
#include "state/operator_infos.h"

namespace millrace::state {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

#define ASSERT_OK(expr) \
  if (const Status ok_status_ = (expr); !ok_status_.ok()) FAIL() << ok_status_.ToString()

using State = std::map<std::tuple<uint32_t, uint32_t, std::string>, std::string>;

constexpr StoreId kStore{0, 0};
const std::string kFolder = "/ck/millrace/state";

Result<State> LoadState(StateLog& log, int64_t batch) {
  State state;
  MILLRACE_RETURN_IF_ERROR(
      log.Load(batch, [&](StoreId store, std::string_view key, std::string_view value) {
        const bool is_new =
            state.emplace(std::tuple(store.operator_id, store.store, key), value).second;
        EXPECT_TRUE(is_new) << key;
        return Status::OK();
      }));
  return state;
}

/// What batch `batch` of a made-up query changes; about half of the keys die again.
struct Change {
  StoreId store;
  std::string key;
  std::optional<std::string> value;
};
std::vector<Change> ChangesOf(int64_t batch, int attempt = 0) {
  std::mt19937 random(static_cast<unsigned>(batch * 100 + attempt));
  std::vector<Change> changes;
  for (int i = 0; i < 20; ++i) {
    Change change{
        {static_cast<uint32_t>(random() % 2), static_cast<uint32_t>(random() % 2)},
        "key" + std::to_string(random() % 30),
        std::nullopt};
    if (random() % 3 != 0) change.value = "v" + std::to_string(random() % 1000);
    changes.push_back(change);
  }
  return changes;
}

StateChanges Recorded(const std::vector<Change>& changes) {
  StateChanges recorded;
  for (const Change& change : changes) {
    if (change.value) {
      recorded.Put(change.store, change.key, *change.value);
    } else {
      recorded.Delete(change.store, change.key);
    }
  }
  return recorded;
}

/// The state after each batch as a plain map has it; `[batch + 1]`, `[0]` is empty.
std::vector<State> ExpectedStates(int64_t batches) {
  std::vector<State> states(1);
  for (int64_t batch = 0; batch < batches; ++batch) {
    State state = states.back();
    for (const Change& change : ChangesOf(batch)) {
      const std::tuple key(change.store.operator_id, change.store.store, change.key);
      if (change.value) {
        state[key] = *change.value;
      } else {
        state.erase(key);
      }
    }
    states.push_back(std::move(state));
  }
  return states;
}

class StateLogTest : public testing::Test {
 protected:
  std::unique_ptr<StateLog> Open(int min_deltas = 3, int retain = 100,
                                 uint32_t groups = 8) {
    auto log = TryOpen(min_deltas, retain, groups);
    EXPECT_TRUE(log.ok()) << log.status().ToString();
    return log.ok() ? std::move(log).value() : nullptr;
  }
  Result<std::unique_ptr<StateLog>> TryOpen(int min_deltas = 3, int retain = 100,
                                            uint32_t groups = 8) {
    return StateLog::Open(&fs_, {.folder = kFolder,
                                 .key_groups = groups,
                                 .min_deltas_for_snapshot = min_deltas,
                                 .batches_to_retain = retain});
  }
  Status Write(StateLog& log, int64_t batch, int attempt = 0) {
    const Status status = log.Write(batch, Recorded(ChangesOf(batch, attempt)));
    log.AwaitSnapshots();
    return status;
  }
  void WriteUpTo(StateLog& log, int64_t last) {
    for (int64_t batch = 0; batch <= last; ++batch) ASSERT_OK(Write(log, batch));
  }
  std::vector<std::string> Files() {
    std::vector<std::string> names;
    const auto files = fs_.List(kFolder);
    EXPECT_TRUE(files.ok());
    for (const FileInfo& file : *files) names.push_back(file.name);
    return names;
  }
  // Changes one byte of a file.
  void Damage(const std::string& name) {
    const std::string path = JoinPath(kFolder, name);
    std::string content = *fs_.ReadFile(path);
    content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
    ASSERT_OK(fs_.WriteFileAtomically(path, content));
  }

  MemFileSystem fs_;
};

TEST_F(StateLogTest, BeforeBatch0ThereIsNothing) {
  const auto log = Open();
  EXPECT_THAT(*LoadState(*log, -1), IsEmpty());
  const Status status = LoadState(*log, 0).status();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message,
              HasSubstr("Wanted the state file '" + kFolder + "/0.delta'"));
}

TEST_F(StateLogTest, KeepsTheStateOfEachBatchOverARestart) {
  const std::vector<State> expected = ExpectedStates(12);
  {
    const auto log = Open();
    WriteUpTo(*log, 11);
  }
  fs_.Reboot();
  const auto log = Open();
  for (int64_t batch = -1; batch < 12; ++batch) {
    const auto state = LoadState(*log, batch);
    ASSERT_OK(state.status());
    EXPECT_EQ(*state, expected[batch + 1]) << batch;
  }
}

TEST_F(StateLogTest, MakesASnapshotEverySoManyDeltas) {
  const auto log = Open(3);
  WriteUpTo(*log, 6);
  EXPECT_THAT(Files(),
              ElementsAre("0.delta", "1.delta", "2.delta", "2.snapshot", "3.delta",
                          "4.delta", "5.delta", "5.snapshot", "6.delta", "operators"));
}

TEST_F(StateLogTest, ABatchWithoutChangesHasADelta) {
  const auto log = Open();
  ASSERT_OK(log->Write(0, StateChanges()));
  EXPECT_THAT(Files(), ElementsAre("0.delta", "operators"));
  EXPECT_THAT(*LoadState(*log, 0), IsEmpty());
}

TEST_F(StateLogTest, TheLastChangeOfAKeyInABatchCounts) {
  const auto log = Open();
  StateChanges changes;
  changes.Put(kStore, "a", "1");
  changes.Put(kStore, "b", "1");
  changes.Delete(kStore, "a");
  changes.Delete(kStore, "b");
  changes.Put(kStore, "b", "2");
  changes.Delete(kStore, "never there");
  EXPECT_EQ(changes.count(), 6);
  ASSERT_OK(log->Write(0, changes));
  EXPECT_THAT(*LoadState(*log, 0), ElementsAre(Pair(std::tuple(0u, 0u, "b"), "2")));
  changes.Clear();
  EXPECT_TRUE(changes.empty());
}

TEST_F(StateLogTest, LoadStopsAtTheVisitorsError) {
  const auto log = Open();
  ASSERT_OK(Write(*log, 0));
  const Status status =
      log->Load(0, [](StoreId, std::string_view, std::string_view) -> Status {
        return InternalError("enough");
      });
  EXPECT_EQ(status.error().message, "enough");
}

TEST_F(StateLogTest, VisitsKeysInTheSameOrderEachTime) {
  const auto log = Open();
  WriteUpTo(*log, 4);
  auto order = [&] {
    std::vector<std::string> keys;
    EXPECT_TRUE(log->Load(4,
                          [&](StoreId, std::string_view key, std::string_view) {
                            keys.emplace_back(key);
                            return Status::OK();
                          })
                    .ok());
    return keys;
  };
  EXPECT_EQ(order(), order());
}

TEST_F(StateLogTest, LargeDeltasAreSplitByGroup) {
  // More than a section of one group and than what goes unsplit.
  constexpr int kKeys = 20'000;
  const std::string padding(600, 'p');
  for (const uint32_t groups : {1u, 8u}) {
    ASSERT_OK(fs_.RemoveAll(kFolder));
    {
      const auto log = Open(2, 100, groups);
      StateChanges changes;
      for (int i = 0; i < kKeys; ++i) changes.Put(kStore, std::to_string(i), padding);
      ASSERT_OK(log->Write(0, changes));
      changes.Clear();
      for (int i = 0; i < kKeys; i += 2) changes.Delete(kStore, std::to_string(i));
      for (int i = 1; i < kKeys; i += 4)
        changes.Put(kStore, std::to_string(i), padding + "!");
      ASSERT_OK(log->Write(1, changes));
      log->AwaitSnapshots();
    }
    ASSERT_OK(fs_.Remove(JoinPath(kFolder, "0.delta")));  // the snapshot must do
    const auto log = Open();
    const auto state = LoadState(*log, 1);
    ASSERT_OK(state.status());
    EXPECT_EQ(state->size(), kKeys / 2u);
    EXPECT_EQ(state->at({0, 0, "1"}), padding + "!");
    EXPECT_EQ(state->at({0, 0, "3"}), padding);
  }
}

TEST_F(StateLogTest, AMissingDeltaIsNamed) {
  {
    const auto log = Open(100);
    WriteUpTo(*log, 4);
  }
  ASSERT_OK(fs_.Remove(JoinPath(kFolder, "2.delta")));
  const auto log = Open(100);
  EXPECT_TRUE(LoadState(*log, 1).ok());
  for (const int64_t batch : {2, 4}) {
    const Status status = LoadState(*log, batch).status();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().error_class,
              "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS");
    EXPECT_EQ(status.error().sql_state, "58030");
    EXPECT_THAT(status.error().message, HasSubstr(kFolder + "/2.delta"));
  }
}

TEST_F(StateLogTest, ABatchIsNotWrittenWithoutTheOneBefore) {
  const auto log = Open();
  ASSERT_OK(Write(*log, 0));
  EXPECT_THAT(Write(*log, 2).error().message, HasSubstr(kFolder + "/1.delta"));
  EXPECT_FALSE(Write(*log, -1).ok());
}

TEST_F(StateLogTest, ADamagedDeltaIsNamed) {
  {
    const auto log = Open(100);
    WriteUpTo(*log, 2);
  }
  Damage("1.delta");
  const auto log = Open(100);
  EXPECT_TRUE(LoadState(*log, 0).ok());
  const Status status = LoadState(*log, 2).status();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().error_class, "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED");
  EXPECT_THAT(status.error().message, HasSubstr(kFolder + "/1.delta"));
}

TEST_F(StateLogTest, ADeltaOfAnotherHistoryIsFound) {
  std::string other;
  {
    const auto log = Open(100);
    WriteUpTo(*log, 2);
    other = *fs_.ReadFile(JoinPath(kFolder, "2.delta"));
    ASSERT_OK(Write(*log, 1, /*attempt=*/1));
  }
  ASSERT_OK(fs_.WriteFileAtomically(JoinPath(kFolder, "2.delta"), other));
  const auto log = Open(100);
  EXPECT_TRUE(LoadState(*log, 1).ok());
  const Status status = LoadState(*log, 2).status();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("wanted a delta after"));
}

TEST_F(StateLogTest, ADamagedSnapshotIsReplacedByTheDeltas) {
  const std::vector<State> expected = ExpectedStates(7);
  {
    const auto log = Open(3);
    WriteUpTo(*log, 6);
  }
  Damage("5.snapshot");
  const auto log = Open(3);
  EXPECT_EQ(*LoadState(*log, 6), expected[7]);
}

TEST_F(StateLogTest, ADamagedSnapshotWithoutItsDeltasIsNamed) {
  {
    const auto log = Open(3, 1);
    WriteUpTo(*log, 6);
    ASSERT_OK(log->Purge(6));
  }
  Damage("5.snapshot");
  const auto log = Open(3, 1);
  const Status status = LoadState(*log, 6).status();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr(kFolder + "/5.snapshot' is damaged"));
}

TEST_F(StateLogTest, ARerunReplacesABatchAndItsSnapshot) {
  {
    const auto log = Open(3);
    WriteUpTo(*log, 5);  // with snapshots 2 and 5
  }
  const auto log = Open(3);
  ASSERT_OK(LoadState(*log, 4).status());
  StateChanges changes;
  changes.Put(kStore, "only in the second run", "x");
  ASSERT_OK(log->Write(5, changes));
  log->AwaitSnapshots();
  State expected = ExpectedStates(5).back();
  expected[{0, 0, "only in the second run"}] = "x";
  EXPECT_EQ(*LoadState(*log, 5), expected);
  EXPECT_EQ(*LoadState(*Open(3), 5), expected);
}

TEST_F(StateLogTest, ARerunForgetsLaterBatches) {
  {
    const auto log = Open(2);
    WriteUpTo(*log, 6);
  }
  const auto log = Open(100);
  ASSERT_OK(LoadState(*log, 2).status());
  ASSERT_OK(log->Write(3, StateChanges()));
  EXPECT_THAT(Files(), ElementsAre("0.delta", "1.delta", "1.snapshot", "2.delta",
                                   "3.delta", "operators"));
  EXPECT_EQ(*LoadState(*log, 3), ExpectedStates(3).back());
}

TEST_F(StateLogTest, AStaleSnapshotIsNotUsed) {
  std::string stale;
  {
    const auto log = Open(3);
    WriteUpTo(*log, 5);
    stale = *fs_.ReadFile(JoinPath(kFolder, "5.snapshot"));
    ASSERT_OK(Write(*log, 5, /*attempt=*/1));
    ASSERT_OK(log->Write(6, StateChanges()));
  }
  const State expected = *LoadState(*Open(3), 6);
  EXPECT_NE(expected, ExpectedStates(6).back());
  ASSERT_OK(fs_.WriteFileAtomically(JoinPath(kFolder, "5.snapshot"), stale));
  const auto log = Open(3);
  EXPECT_EQ(*LoadState(*log, 5), expected);
  EXPECT_EQ(*LoadState(*log, 6), expected);
}

TEST_F(StateLogTest, PurgeKeepsWhatTheLastBatchesNeed) {
  const std::vector<State> expected = ExpectedStates(13);
  {
    const auto log = Open(3, 4);
    for (int64_t batch = 0; batch <= 12; ++batch) {
      ASSERT_OK(Write(*log, batch));
      ASSERT_OK(log->Purge(batch));
      for (int64_t kept = std::max<int64_t>(0, batch - 3); kept <= batch; ++kept) {
        EXPECT_EQ(*LoadState(*log, kept), expected[kept + 1])
            << kept << " after " << batch;
      }
    }
    // 9 … 12 are kept, 8.snapshot is the newest up to 9.
    EXPECT_THAT(Files(), ElementsAre("10.delta", "11.delta", "11.snapshot", "12.delta",
                                     "8.snapshot", "9.delta", "operators"));
  }
  const auto log = Open(3, 4);
  for (int64_t batch = 9; batch <= 12; ++batch) {
    EXPECT_EQ(*LoadState(*log, batch), expected[batch + 1]) << batch;
  }
  EXPECT_FALSE(LoadState(*log, 7).ok());
  ASSERT_OK(LoadState(*log, 12).status());
  ASSERT_OK(Write(*log, 13));
}

TEST_F(StateLogTest, GoesOnBehindASnapshotWhoseDeltaIsGone) {
  {
    const auto log = Open(3, 1);
    WriteUpTo(*log, 5);
    ASSERT_OK(log->Purge(5));
    EXPECT_THAT(Files(), ElementsAre("5.snapshot", "operators"));
  }
  const auto log = Open(3, 1);
  ASSERT_OK(Write(*log, 6));  // also without loading
  EXPECT_EQ(*LoadState(*log, 6), ExpectedStates(7).back());
}

TEST_F(StateLogTest, LeftoversOfACrashAreSwept) {
  ASSERT_OK(fs_.MakeDirs(kFolder));
  ASSERT_OK(fs_.WriteFileAtomically(JoinPath(kFolder, ".5.snapshot.0af.tmp"), "x"));
  ASSERT_OK(fs_.WriteFileAtomically(JoinPath(kFolder, "notes"), "x"));
  Open();
  EXPECT_THAT(Files(), ElementsAre("notes"));
}

TEST_F(StateLogTest, AFailedSnapshotIsNoError) {
  const std::vector<State> expected = ExpectedStates(4);
  const auto log = Open(3);
  ASSERT_OK(Write(*log, 0));
  ASSERT_OK(Write(*log, 1));
  // The next write takes 5 operations (create, append, sync, rename, sync); its snapshot
  // fails.
  fs_.CrashAt(6);
  ASSERT_OK(Write(*log, 2));
  EXPECT_TRUE(fs_.crashed());
  fs_.Reboot();
  EXPECT_THAT(Files(), Not(testing::Contains("2.snapshot")));
  ASSERT_OK(Write(*log, 3));  // tries again
  EXPECT_THAT(Files(), testing::Contains("3.snapshot"));
  EXPECT_EQ(*LoadState(*log, 3), expected[4]);
}

TEST_F(StateLogTest, AFullDiskIsAnErrorOfTheBatch) {
  const auto log = Open();
  ASSERT_OK(Write(*log, 0));
  fs_.SetFull(true);
  EXPECT_THAT(Write(*log, 1).error().message, HasSubstr("No space left on device"));
  fs_.SetFull(false);
  ASSERT_OK(Write(*log, 1));
  EXPECT_EQ(*LoadState(*log, 1), ExpectedStates(2).back());
}

TEST_F(StateLogTest, SnapshotsRunBesideTheStream) {
  const std::vector<State> expected = ExpectedStates(60);
  {
    const auto log = Open(1, 5);
    for (int64_t batch = 0; batch < 60; ++batch) {
      ASSERT_OK(log->Write(batch, Recorded(ChangesOf(batch))));
      ASSERT_OK(log->Purge(batch));
      if (batch % 7 == 0) ASSERT_OK(log->Write(batch, Recorded(ChangesOf(batch))));
    }
  }  // gives up a snapshot under way
  const auto log = Open(1, 5);
  EXPECT_EQ(*LoadState(*log, 59), expected[60]);
}

/// Holds snapshots back at the gate, and tells whether a delta was replaced meanwhile.
class GatedFileSystem final : public FileSystem {
 public:
  explicit GatedFileSystem(FileSystem* fs) : fs_(fs) {}

  // Blocks until a snapshot is at the gate.
  void AwaitSnapshot() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return at_gate_; });
    renames_ = 0;
  }
  // Returns how many files were renamed since AwaitSnapshot.
  int OpenGate() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
    return renames_;
  }

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    if (path.find(".snapshot") != std::string::npos) {
      std::unique_lock lock(mutex_);
      at_gate_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    return fs_->OpenForWrite(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    {
      std::lock_guard lock(mutex_);
      ++renames_;
    }
    return fs_->Rename(from, to);
  }
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    return fs_->OpenForRead(path);
  }
  Status Remove(const std::string& path) override { return fs_->Remove(path); }
  Status MakeDirs(const std::string& path) override { return fs_->MakeDirs(path); }
  Status RemoveAll(const std::string& path) override { return fs_->RemoveAll(path); }
  Result<std::vector<FileInfo>> List(const std::string& path) override {
    return fs_->List(path);
  }
  Result<std::optional<FileInfo>> Stat(const std::string& path) override {
    return fs_->Stat(path);
  }
  Status SyncDir(const std::string& path) override { return fs_->SyncDir(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                         std::string_view owner) override {
    return fs_->Lock(path, owner);
  }

 private:
  FileSystem* const fs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool at_gate_ = false;  // guarded by mutex_
  bool open_ = false;     // guarded by mutex_
  int renames_ = 0;       // guarded by mutex_
};

TEST_F(StateLogTest, ARerunWaitsForTheSnapshotOfTheFirstRun) {
  GatedFileSystem gated(&fs_);
  const auto log = StateLog::Open(
      &gated, {.folder = kFolder, .key_groups = 4, .min_deltas_for_snapshot = 2});
  ASSERT_OK(log.status());
  ASSERT_OK((*log)->Write(0, Recorded(ChangesOf(0))));
  ASSERT_OK((*log)->Write(1, Recorded(ChangesOf(1))));
  gated.AwaitSnapshot();
  std::future<Status> rerun = std::async(std::launch::async, [&] {
    return (*log)->Write(1, Recorded(ChangesOf(1, /*attempt=*/1)));
  });
  for (int i = 0; i < 10'000; ++i) std::this_thread::yield();
  EXPECT_EQ(gated.OpenGate(), 0);  // the delta was not replaced under the snapshot
  ASSERT_OK(rerun.get());
  (*log)->AwaitSnapshots();
  const State loaded = *LoadState(**log, 1);
  ASSERT_OK(fs_.Remove(JoinPath(kFolder, "1.snapshot")));
  EXPECT_EQ(loaded, *LoadState(*Open(), 1));
}

TEST_F(StateLogTest, TheFirstNumberOfKeyGroupsStays) {
  {
    const auto log = Open(3, 100, 8);
    EXPECT_EQ(log->key_groups(), 8u);
    WriteUpTo(*log, 3);
  }
  const auto log = Open(3, 100, 64);
  EXPECT_EQ(log->key_groups(), 8u);
  ASSERT_OK(Write(*log, 4));
  EXPECT_EQ(*LoadState(*log, 4), ExpectedStates(5).back());
  EXPECT_FALSE(TryOpen(3, 100, 0).ok());
}

std::string Struct(const std::string& name, const std::string& type, bool nullable) {
  return R"({"type":"struct","fields":[{"name":")" + name + R"(","type":)" + type +
         R"(,"nullable":)" + (nullable ? "true" : "false") + R"(,"metadata":{}}]})";
}

const std::string kLong = R"("long")";
const std::string kText = R"("string")";

TEST_F(StateLogTest, OperatorsAreRemembered) {
  const std::vector<OperatorStateInfo> operators = {
      {0, "stateStoreSave", Struct("k", kText, false), Struct("v", kLong, true)},
      {1, "dedupe", Struct("k", kText, true), Struct("v", kLong, true)}};
  ASSERT_OK(Open()->CheckOperators(operators));
  fs_.Reboot();
  const auto log = Open();
  EXPECT_TRUE(log->CheckOperators(operators).ok());
  EXPECT_TRUE(log->CheckOperators({operators[1], operators[0]}).ok());

  auto renamed = operators;
  renamed[0].value_schema = Struct("other", kLong, true);
  renamed[0].key_schema = Struct("k", kText, true);  // may be null now
  EXPECT_TRUE(log->CheckOperators(renamed).ok());

  const Status removed = log->CheckOperators({operators[0]});
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(
      removed.ToString(),
      "[STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA] Streaming stateful "
      "operator name does not match with the operator in state metadata. This likely to "
      "happen when user adds/removes/changes stateful operator of existing streaming "
      "query.\nStateful operators in the metadata: [(OperatorId: 0 -> OperatorName: "
      "stateStoreSave), (OperatorId: 1 -> OperatorName: dedupe)]; Stateful operators in "
      "current batch: [(OperatorId: 0 -> OperatorName: stateStoreSave)]. SQLSTATE: "
      "42K03");

  auto changed_key = operators;
  changed_key[1].key_schema = Struct("k", kLong, true);
  const Status key = log->CheckOperators(changed_key);
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().error_class, "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
  EXPECT_EQ(key.error().sql_state, "XXKST");

  auto changed_value = operators;
  changed_value[0].value_schema = Struct("v", kLong, false);  // could hold nulls before
  const Status value = log->CheckOperators(changed_value);
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().error_class, "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");
  EXPECT_THAT(value.error().message, HasSubstr(operators[0].value_schema));
}

TEST(CheckCompatible, LooksIntoNestedTypes) {
  auto compatible = [](const std::string& stored, const std::string& declared) {
    return CheckCompatible({{0, "a", Struct("k", stored, true), ""}},
                           {{0, "a", Struct("k", declared, true), ""}})
        .ok();
  };
  const std::string list =
      R"({"type":"array","elementType":"long","containsNull":false})";
  const std::string null_list =
      R"({"type":"array","elementType":"long","containsNull":true})";
  const std::string text_list =
      R"({"type":"array","elementType":"string","containsNull":true})";
  EXPECT_TRUE(compatible(list, null_list));
  EXPECT_FALSE(compatible(null_list, list));
  EXPECT_FALSE(compatible(list, text_list));
  EXPECT_FALSE(compatible(list, kLong));
  const std::string map =
      R"({"type":"map","keyType":"long","valueType":"long","valueContainsNull":true})";
  const std::string text_map =
      R"({"type":"map","keyType":"string","valueType":"long","valueContainsNull":true})";
  EXPECT_TRUE(compatible(map, map));
  EXPECT_FALSE(compatible(map, text_map));
  EXPECT_TRUE(compatible(Struct("a", kLong, false), Struct("b", kLong, true)));
  EXPECT_FALSE(compatible(Struct("a", kLong, false), Struct("a", kText, false)));
  EXPECT_FALSE(compatible("\"decimal(10,2)\"", "\"decimal(10,3)\""));
}

TEST_F(StateLogTest, EveryDamageOfTheOperatorsFileIsFound) {
  ASSERT_OK(Open()->CheckOperators({{0, "dedupe", Struct("k", kText, false), "{}"}}));
  const std::string path = JoinPath(kFolder, "operators");
  const std::string content = *fs_.ReadFile(path);
  auto open_with = [&](const std::string& damaged) {
    EXPECT_TRUE(fs_.WriteFileAtomically(path, damaged).ok());
    return TryOpen().status();
  };
  EXPECT_TRUE(open_with(content).ok());
  for (size_t length = 0; length < content.size(); ++length) {
    ASSERT_FALSE(open_with(content.substr(0, length)).ok()) << length;
  }
  for (size_t bit = 0; bit < 8 * content.size(); ++bit) {
    std::string damaged = content;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const Status status = open_with(damaged);
    ASSERT_FALSE(status.ok()) << bit;
    EXPECT_THAT(status.error().message, HasSubstr(path));
  }
}

TEST_F(StateLogTest, StateWithoutTheOperatorsFileIsRefused) {
  {
    const auto log = Open();
    WriteUpTo(*log, 0);
  }
  ASSERT_OK(fs_.Remove(JoinPath(kFolder, "operators")));
  EXPECT_THAT(TryOpen().status().error().message, HasSubstr(kFolder + "/operators"));
}

constexpr int64_t kCrashBatches = 7;
const std::string kCommitted = "/ck/committed";

// Runs the query from where /ck/committed says, as the engine does: load the last
// committed batch, then write each batch and commit it. A rerun changes other things than
// the first run, unless `attempt` is the same.
Status RunQuery(FileSystem& fs, int attempt, State* final_state) {
  MILLRACE_RETURN_IF_ERROR(fs.MakeDirs("/ck"));
  int64_t committed = -1;
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs.Stat(kCommitted));
  if (info) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(kCommitted));
    committed = std::stoll(text);
  }
  MILLRACE_ASSIGN_OR_RETURN(const auto log,
                            StateLog::Open(&fs, {.folder = kFolder,
                                                 .key_groups = 4,
                                                 .min_deltas_for_snapshot = 2,
                                                 .batches_to_retain = 1}));
  MILLRACE_RETURN_IF_ERROR(log->CheckOperators({{0, "dedupe", "{}", "{}"}}));
  MILLRACE_ASSIGN_OR_RETURN(State state, LoadState(*log, committed));
  for (int64_t batch = committed + 1; batch < kCrashBatches; ++batch) {
    std::vector<Change> changes = ChangesOf(batch);
    changes.push_back({kStore, "attempt", std::to_string(attempt)});
    for (const Change& change : changes) {
      const std::tuple key(change.store.operator_id, change.store.store, change.key);
      if (change.value) {
        state[key] = *change.value;
      } else {
        state.erase(key);
      }
    }
    MILLRACE_RETURN_IF_ERROR(log->Write(batch, Recorded(changes)));
    log->AwaitSnapshots();
    MILLRACE_RETURN_IF_ERROR(fs.WriteFileAtomically(kCommitted, std::to_string(batch)));
    MILLRACE_RETURN_IF_ERROR(log->Purge(batch));
  }
  *final_state = std::move(state);
  return Status::OK();
}

TEST(StateLogCrash, GoesOnFromEveryCrashPoint) {
  const State expected = ExpectedStates(kCrashBatches).back();
  for (const Unsynced unsynced :
       {Unsynced::kLost, Unsynced::kNamesKept, Unsynced::kKept}) {
    bool finished = false;
    int crashes = 0;
    for (int n = 1; !finished; ++n) {
      SCOPED_TRACE(testing::Message() << "crash at operation " << n);
      MemFileSystem disk;
      disk.CrashAt(n);
      State state;
      finished = RunQuery(disk, 1, &state).ok() && !disk.crashed();
      crashes += !finished;
      disk.Reboot(unsynced);
      ASSERT_OK(RunQuery(disk, 2, &state));
      // Once more from the files only.
      const auto log = StateLog::Open(&disk, {.folder = kFolder});
      ASSERT_OK(log.status());
      const auto loaded = LoadState(**log, kCrashBatches - 1);
      ASSERT_OK(loaded.status());
      EXPECT_EQ(*loaded, state);
      State without_attempt = *loaded;
      without_attempt.erase({0, 0, "attempt"});
      EXPECT_EQ(without_attempt, expected);
    }
    EXPECT_GT(crashes, 50);
  }
}

// A second crash, in the run that recovers from the first one.
TEST(StateLogCrash, GoesOnFromASecondCrash) {
  for (int first = 3; first < 100; first += 4) {
    bool finished = false;
    for (int second = 1; !finished; second += 2) {
      SCOPED_TRACE(testing::Message()
                   << "crashes at operations " << first << ", " << second);
      MemFileSystem disk;
      State state;
      disk.CrashAt(first);
      (void)RunQuery(disk, 1, &state);
      disk.Reboot(Unsynced::kKept);
      disk.CrashAt(second);
      finished = RunQuery(disk, 2, &state).ok() && !disk.crashed();
      disk.Reboot(Unsynced::kLost);
      ASSERT_OK(RunQuery(disk, 3, &state));
      const auto log = StateLog::Open(&disk, {.folder = kFolder});
      ASSERT_OK(log.status());
      EXPECT_EQ(*LoadState(**log, kCrashBatches - 1), state);
    }
  }
}

}  // namespace
}  // namespace millrace::state
