#include "state/snapshot_worker.h"

#include <system_error>

namespace millrace::state {

SnapshotWorker::~SnapshotWorker() {
  {
    std::lock_guard lock(mutex_);
    cancel_.request_stop();
  }
  // The thread's destructor tells it to stop, and joins.
}

bool SnapshotWorker::Request(int64_t batch) {
  std::lock_guard lock(mutex_);
  if (!idle()) return true;
  if (!thread_.joinable()) {
    try {
      thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
    } catch (const std::system_error&) {
      return false;
    }
  }
  batch_ = batch;
  cancel_ = std::stop_source();
  changed_.notify_all();
  return true;
}

void SnapshotWorker::CancelFrom(int64_t batch) {
  std::unique_lock lock(mutex_);
  if (idle() || *batch_ < batch) return;
  cancel_.request_stop();
  changed_.wait(lock, [this] { return idle(); });
}

void SnapshotWorker::AwaitIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return idle(); });
}

void SnapshotWorker::Run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !idle(); })) {
    const int64_t batch = *batch_;
    const std::stop_token cancel = cancel_.get_token();
    lock.unlock();
    job_(batch, cancel);
    lock.lock();
    batch_.reset();
    changed_.notify_all();
    if (stop.stop_requested()) return;
  }
}

}  // namespace millrace::state
