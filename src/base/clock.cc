#include "base/clock.h"

#include <algorithm>

namespace millrace {
namespace {

// Waits are cut into pieces of this length, so that a deadline near the end of time does
// not overflow in the nanoseconds of the system's clock.
constexpr std::chrono::hours kLongestWait{24};

}  // namespace

EpochMillis SystemClock::Now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

bool SystemClock::WaitUntil(EpochMillis deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const long wakes = wakes_;
  auto woken = [this, wakes] { return wakes_ != wakes; };
  while (!woken() && !stop.stop_requested() && Now() < deadline) {
    const EpochMillis until = std::min(deadline, Now() + kLongestWait);
    changed_.wait_until(lock, stop, until, woken);
  }
  return !stop.stop_requested();
}

void SystemClock::Wake() {
  {
    std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

EpochMillis ManualClock::Now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

bool ManualClock::WaitUntil(EpochMillis deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto self = waiters_.insert(waiters_.end(), Waiter{deadline, wakes_, stop});
  changed_.notify_all();  // for AwaitWaiter
  changed_.wait(lock, stop, [this, self] { return !StillWaits(*self); });
  waiters_.erase(self);
  return !stop.stop_requested();
}

void ManualClock::Wake() {
  {
    std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void ManualClock::Advance(std::chrono::milliseconds by) {
  {
    std::lock_guard lock(mutex_);
    now_ += by;
  }
  changed_.notify_all();
}

void ManualClock::AwaitWaiter(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] {
    return std::any_of(waiters_.begin(), waiters_.end(),
                       [this](const Waiter& waiter) { return StillWaits(waiter); });
  });
}

bool ManualClock::StillWaits(const Waiter& waiter) const {
  return now_ < waiter.deadline && wakes_ == waiter.wakes &&
         !waiter.stop.stop_requested();
}

}  // namespace millrace
