#include "streaming/query_state.h"

namespace millrace::streaming {

void QueryState::SetStatus(std::string message, bool data_available,
                           bool trigger_active) {
  const std::lock_guard lock(mutex_);
  status_ = {std::move(message), data_available, trigger_active};
}

void QueryState::AddProgress(metrics::StreamingQueryProgress progress, bool ran) {
  if (listener_ != nullptr)
    ran ? listener_->OnProgress(progress) : listener_->OnIdle(progress);
  const std::lock_guard lock(mutex_);
  progress_.push_back(std::move(progress));
  if (progress_.size() > max_progress_) progress_.pop_front();
}

void QueryState::ReportIdle(long trigger) {
  const std::lock_guard lock(mutex_);
  idle_trigger_ = trigger;
  changed_.notify_all();
}

void QueryState::Finish(Status result) {
  const std::lock_guard lock(mutex_);
  active_ = false;
  failure_ = std::move(result);
  status_ = {"Stopped", false, false};
  if (!failure_.ok()) {
    // Without the STREAM_FAILED around the cause, as in Spark.
    const auto cause = failure_.error().parameters.find("message");
    status_.message = "Terminated with exception: " +
                      (cause == failure_.error().parameters.end() ? failure_.ToString()
                                                                  : cause->second);
  }
  changed_.notify_all();
}

long QueryState::BeginTrigger() {
  const std::lock_guard lock(mutex_);
  return ++triggers_;
}

long QueryState::idle_requests() const {
  const std::lock_guard lock(mutex_);
  return idle_requests_;
}

metrics::StreamingQueryStatus QueryState::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::vector<metrics::StreamingQueryProgress> QueryState::recent_progress() const {
  const std::lock_guard lock(mutex_);
  return {progress_.begin(), progress_.end()};
}

bool QueryState::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

Status QueryState::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void QueryState::AwaitIdle(const std::function<void()>& wake, std::stop_token stop) {
  // The query may be about to wait when it is woken, so one call is not enough.
  constexpr std::chrono::milliseconds kWakeEvery(2);
  std::unique_lock lock(mutex_);
  const long wanted = triggers_ + 1;
  ++idle_requests_;
  const auto done = [&] {
    return !active_ || idle_trigger_ >= wanted || stop.stop_requested();
  };
  while (!changed_.wait_for(lock, kWakeEvery, done)) {
    lock.unlock();
    wake();
    lock.lock();
  }
}

bool QueryState::AwaitEnd(std::optional<std::chrono::milliseconds> timeout,
                          std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto ended = [&] { return !active_; };
  if (timeout) return changed_.wait_for(lock, stop, *timeout, ended);
  return changed_.wait(lock, stop, ended);
}

}  // namespace millrace::streaming
