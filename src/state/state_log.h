// The durable side of keyed state: one file of changes per query and batch, and snapshots
// made from such files in the background. Operators hold their live state themselves;
// this log gives it back after a restart.
//
// Files (docs/formats/state.md): <folder>/<batch>.delta, <folder>/<batch>.snapshot, each
// whole, compressed and checksummed. <folder> is millrace/state in the checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::state {

/// Names one store: an operator of the plan, and one of its stores (a join has two).
struct StoreId {
  uint32_t operator_id = 0;
  uint32_t store = 0;
  auto operator<=>(const StoreId&) const = default;
};

/// The changes one batch makes. Filled by the operators at the end of the batch.
/// Threading: one thread.
class StateChanges {
 public:
  void Put(StoreId store, std::string_view key, std::string_view value);
  void Delete(StoreId store, std::string_view key);
  bool empty() const { return count_ == 0; }
  int64_t count() const { return count_; }
  const std::string& records() const { return records_; }
  void Clear();

 private:
  std::string records_;  // see docs/formats/state.md, "Records"
  int64_t count_ = 0;
};

/// What one stateful operator declares about itself. Kept in the checkpoint, so that a
/// query whose state does not fit its checkpoint is refused.
struct OperatorStateInfo {
  uint32_t operator_id = 0;
  std::string name;        // Spark's: "stateStoreSave", "dedupe", …
  std::string key_schema;  // data::SchemaToJson
  std::string value_schema;
  auto operator<=>(const OperatorStateInfo&) const = default;
};

/// Threading: one thread; snapshots are made on a thread of its own.
/// Failure: external errors name the file; damage is an error that names file and offset
/// (Fault::kExternal, CANNOT_LOAD_STATE_STORE.UNCATEGORIZED / 58030), a missing delta one
/// that names it (CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS / 58030).
class StateLog {
 public:
  struct Options {
    std::string folder;
    uint32_t key_groups = 128;  // written into the checkpoint at its first batch
    int min_deltas_for_snapshot =
        10;                       // spark.sql.streaming.stateStore.minDeltasForSnapshot
    int batches_to_retain = 100;  // spark.sql.streaming.minBatchesToRetain
  };

  /// `fs` must outlive the log.
  static Result<std::unique_ptr<StateLog>> Open(FileSystem* fs, Options options);
  /// Gives up a snapshot under way.
  ~StateLog();

  /// The number in the checkpoint, where it has one; else that of the options.
  uint32_t key_groups() const;

  /// Compares with what the checkpoint holds, or writes it at the first start. As in
  /// Spark, columns may have other names and may have become nullable. Errors are
  /// Spark's: STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA / 42K03,
  /// STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE / XXKST,
  /// STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE / XXKST.
  Status CheckOperators(const std::vector<OperatorStateInfo>& operators);

  /// Calls `visit` once for each key alive after batch `batch` (-1: calls nothing). Uses
  /// the newest undamaged snapshot up to `batch`. After an error some keys may have been
  /// visited.
  Status Load(int64_t batch, const std::function<Status(StoreId, std::string_view key,
                                                        std::string_view value)>& visit);

  /// Writes the changes of a batch, durable when it returns; needs one call for each
  /// batch, also without changes. Writing a batch again replaces it and forgets all after
  /// it. May start a snapshot in the background; its failure is logged, never an error:
  /// the deltas stay.
  Status Write(int64_t batch, const StateChanges& changes);

  /// Removes files not needed to load any of the last `batches_to_retain` batches up to
  /// `last_batch`, which must be committed.
  Status Purge(int64_t last_batch);

  /// Waits until no snapshot is under way.
  void AwaitSnapshots();

 private:
  class Impl;
  explicit StateLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::state
