// Reads a scan with several threads: each takes a split, reads it and runs the scan's row
// chain, while the pipeline's thread does what follows.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "connector/source.h"
#include "exec/pipeline.h"

namespace millrace::exec {

/// What became of one batch of a split's rows.
struct ScannedRows {
  size_t split = 0;
  int64_t rows_read = 0;
  std::vector<Batch> batches;
};

/// Threading: made and used on the pipeline's thread. Its own threads start when they are
/// first needed and end with it.
class ScanLanes {
 public:
  using Splits = std::vector<std::unique_ptr<connector::Split>>;
  /// Runs on the thread that called Read.
  using Take = std::function<Status(const ScannedRows&)>;

  /// At most `threads` (at least one) splits are read at a time.
  ScanLanes(Pipeline* pipeline, size_t scan, size_t threads);
  ~ScanLanes();

  /// Gives `take` all rows of `splits`: the rows of a split in their order, and if
  /// `in_order` the splits one after the other. Adds what the chains did to the
  /// pipeline's account. Errors: the first of a split or of `take`; Cancelled after a
  /// stop. No thread uses a split any more when it returns.
  Status Read(const Epoch& epoch, Splits splits, bool in_order, std::stop_token stop,
              const Take& take);

 private:
  struct Lane {
    std::unique_ptr<RowChain> chain;
    std::jthread thread;
  };

  Status StartLanes(const Epoch& epoch, size_t splits);
  void Work(RowChain& chain);
  Status ReadSplit(size_t index, RowChain& chain, const std::stop_token& stop);
  // False where the read was given up.
  bool Put(ScannedRows rows);
  bool HasRoom(size_t split) const;
  // The split whose rows are to be taken next; nothing while there are none.
  std::optional<size_t> Ready() const;
  bool Finished() const;
  Status TakeAll(const Take& take);
  void Abandon();

  Pipeline* const pipeline_;
  const size_t scan_;
  const size_t threads_;
  std::vector<Lane> lanes_;  // the pipeline's thread only

  std::mutex mutex_;
  std::condition_variable to_do_;  // a split to read, or the end
  std::condition_variable done_;   // rows to take, or a split ended
  std::condition_variable room_;   // rows were taken, or the read was given up
  // Guarded by mutex_; splits_ does not change while a lane works.
  Splits splits_;
  bool in_order_ = false;
  bool closing_ = false;
  bool abandoned_ = false;  // the read
  size_t next_split_ = 0;
  size_t current_ = 0;                            // in order: whose rows are taken
  size_t working_ = 0;                            // lanes
  size_t held_ = 0;                               // batches of rows not yet taken
  std::vector<std::deque<ScannedRows>> scanned_;  // per split
  std::vector<bool> ended_;
  Status failure_;
  std::stop_source stop_;
};

}  // namespace millrace::exec
