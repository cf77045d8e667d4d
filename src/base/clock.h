// Wall-clock time behind an interface, so that tests decide what time it is and never
// sleep.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <stop_token>

namespace millrace {

/// Milliseconds since 1970-01-01T00:00:00Z.
using EpochMillis = std::chrono::sys_time<std::chrono::milliseconds>;

/// Threading: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual EpochMillis Now() const = 0;

  /// Blocks until `deadline` has passed, `stop` is requested or Wake() is called by
  /// another thread after this call began. Returns false only when stop was requested.
  virtual bool WaitUntil(EpochMillis deadline, std::stop_token stop) = 0;

  /// Ends every wait under way.
  virtual void Wake() = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
 public:
  EpochMillis Now() const override;
  bool WaitUntil(EpochMillis deadline, std::stop_token stop) override;
  void Wake() override;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  long wakes_ = 0;  // guarded by mutex_
};

/// Stands still until told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(EpochMillis now) : now_(now) {}

  EpochMillis Now() const override;
  bool WaitUntil(EpochMillis deadline, std::stop_token stop) override;
  void Wake() override;

  void Advance(std::chrono::milliseconds by);

  /// Blocks until some thread is inside WaitUntil, one that was not told to go on
  /// already.
  void AwaitWaiter(std::stop_token stop);

 private:
  struct Waiter {
    EpochMillis deadline;
    long wakes;  // wakes_ when it began
    std::stop_token stop;
  };
  bool StillWaits(const Waiter& waiter) const;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  EpochMillis now_;            // guarded by mutex_
  long wakes_ = 0;             // guarded by mutex_
  std::list<Waiter> waiters_;  // guarded by mutex_
};

}  // namespace millrace
