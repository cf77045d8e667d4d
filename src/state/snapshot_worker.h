// The thread that makes snapshots, one at a time, beside the stream.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace millrace::state {

/// Threading: one thread calls; the job runs on the worker's own.
class SnapshotWorker {
 public:
  /// Makes the snapshot of a batch, or gives up when told to stop. Must not throw.
  using Job = std::function<void(int64_t batch, std::stop_token stop)>;

  explicit SnapshotWorker(Job job) : job_(std::move(job)) {}
  /// Stops a job under way and waits for it.
  ~SnapshotWorker();

  /// Does nothing while a job is wanted or under way. False where no thread can be had.
  bool Request(int64_t batch);
  /// Stops a job of `batch` or a later one, and waits until it has ended.
  void CancelFrom(int64_t batch);
  void AwaitIdle();

 private:
  void Run(std::stop_token stop);
  bool idle() const { return !batch_; }

  const Job job_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<int64_t> batch_;  // wanted or under way; guarded by mutex_
  std::stop_source cancel_;       // of batch_; guarded by mutex_
  std::jthread thread_;           // begun by the first request
};

}  // namespace millrace::state
