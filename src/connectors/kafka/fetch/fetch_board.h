// What is wanted of each partition, and what has come: where readers, the threads that
// fetch and the one that finds leaders meet.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "connectors/kafka/feed.h"
#include "connectors/kafka/fetch/chunk_reader.h"
#include "connectors/kafka/fetch/wake_fd.h"

namespace millrace::connectors::kafka::fetch {

/// Threading: all methods may be called from any thread; nothing of a Slot may be touched
/// outside.
class FetchBoard {
 public:
  using Clock = std::chrono::steady_clock;
  class Slot;  // one partition; lives as long as the board

  /// A partition is not asked for while it has `enough_bytes` that no reader took.
  explicit FetchBoard(int64_t enough_bytes);
  ~FetchBoard();

  // For readers.

  Slot& SlotOf(const TopicPartition& partition);
  /// Begins anew at `offset`: what came before is dropped.
  void Seek(Slot& slot, int64_t offset, int64_t until);
  void SetUntil(Slot& slot, int64_t until);
  void Halt(Slot& slot);
  enum class Arrival { kChunks, kOutOfRange, kNone };
  /// Waits for chunks. Errors: why this partition cannot be read.
  Result<Arrival> Await(Slot& slot, Clock::time_point deadline, std::stop_token stop);
  /// All that came, in order.
  std::deque<Chunk> Take(Slot& slot);
  bool HasChunks(Slot& slot);
  /// Until something comes for any partition since the last call.
  void AwaitAny(std::chrono::milliseconds wait, std::stop_token stop);
  std::string trouble();

  // For the thread that fetches from a broker.

  struct Wanted {
    Slot* slot = nullptr;
    uint64_t era = 0;  // of the slot: what was asked before a seek is dropped
    TopicPartition partition;
    int64_t offset = 0;
  };
  enum class Only { kAll, kUrgent };
  /// What to ask a broker for: all that nobody asked for yet, or of that only what is
  /// urgent, since it was just sought or has more than the last answer brought.
  std::vector<Wanted> Next(int32_t broker, Only only);
  void Deliver(const Wanted& wanted, Chunk chunk, bool caught_up);
  void DeliverOutOfRange(const Wanted& wanted);
  void DeliverFailure(const Wanted& wanted, Status failure);
  /// Its leader is elsewhere, or not ready: to be found again after `pause`.
  void DeliverMoved(const Wanted& wanted, std::chrono::milliseconds pause);
  /// There will be no answer; it may be asked for again.
  void GiveUp(const std::vector<Wanted>& wanted);
  /// The same for all partitions of a broker that cannot be reached: other leaders are
  /// looked for after `pause`.
  void Abandon(int32_t broker, std::chrono::milliseconds pause, std::string reason);
  void SetTrouble(std::string reason);
  /// Gets readable when Next has more to give.
  WakeFd& WakeOf(int32_t broker);

  // For the thread that finds leaders.

  /// Partitions that are wanted and have no leader. Waits until there is one; none when
  /// `stop` was requested.
  PartitionSet AwaitHomeless(std::stop_token stop);
  void Assign(const TopicPartition& partition, int32_t broker);
  void Postpone(const PartitionSet& partitions, std::chrono::milliseconds pause);
  /// A broker said that it does not exist.
  void MarkGone(const TopicPartition& partition);

 private:
  // All guarded by mutex_.
  bool IsWanted(const Slot& slot) const;
  void Changed(const Slot& slot);
  void LookForLeaders();
  /// The slot, if its answer still counts; it is not asked for any more.
  Slot* Answered(const Wanted& wanted);
  void Arrived(Slot& slot);

  const int64_t enough_bytes_;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<Slot>> slots_;
  std::map<int32_t, WakeFd> wakes_;
  std::condition_variable_any any_arrived_;
  std::condition_variable_any homeless_;
  bool arrived_ = false;
  bool homeless_changed_ = false;
  int64_t held_bytes_ = 0;
  size_t turn_ = 0;  // which partition comes first in a request
  std::string trouble_;
};

}  // namespace millrace::connectors::kafka::fetch
