#include "connectors/kafka/fetch/fetch_board.h"

#include <algorithm>
#include <utility>

#include "connector/source.h"

namespace millrace::connectors::kafka::fetch {
namespace {

// What all partitions together may hold that no reader took. Beyond it only partitions
// that have nothing are asked for, so that no reader starves.
constexpr int64_t kMostHeldBytes = 64 << 20;

constexpr int32_t kNobody = -1;

}  // namespace

class FetchBoard::Slot {
 public:
  explicit Slot(TopicPartition name) : partition(std::move(name)) {}

  bool well() const { return followed && !out_of_range && failure.ok(); }

  const TopicPartition partition;
  // All guarded by the board's mutex.
  bool followed = false;
  int64_t next = 0;   // the offset to ask for
  int64_t until = 0;  // nothing from here on is wanted
  uint64_t era = 0;   // counts seeks
  bool asked = false;
  bool caught_up = false;  // the last answer left nothing behind
  std::deque<Chunk> chunks;
  int64_t bytes = 0;  // in chunks
  bool out_of_range = false;
  Status failure;
  int32_t broker = kNobody;
  Clock::time_point not_before{};  // of the search for a leader
  std::condition_variable_any changed;
};

FetchBoard::FetchBoard(int64_t enough_bytes) : enough_bytes_(enough_bytes) {}
FetchBoard::~FetchBoard() = default;

FetchBoard::Slot& FetchBoard::SlotOf(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Slot>& slot = slots_[partition];
  if (slot == nullptr) slot = std::make_unique<Slot>(partition);
  return *slot;
}

bool FetchBoard::IsWanted(const Slot& slot) const {
  return slot.well() && !slot.asked && slot.next < slot.until &&
         slot.bytes < enough_bytes_ &&
         (held_bytes_ < kMostHeldBytes || slot.chunks.empty());
}

void FetchBoard::Changed(const Slot& slot) {
  if (!IsWanted(slot)) return;
  if (slot.broker == kNobody) {
    LookForLeaders();
  } else {
    wakes_[slot.broker].Wake();
  }
}

void FetchBoard::LookForLeaders() {
  homeless_changed_ = true;
  homeless_.notify_all();
}

void FetchBoard::Seek(Slot& slot, int64_t offset, int64_t until) {
  const std::lock_guard lock(mutex_);
  ++slot.era;
  held_bytes_ -= slot.bytes;
  slot.chunks.clear();
  slot.bytes = 0;
  slot.followed = true;
  slot.asked = slot.caught_up = slot.out_of_range = false;
  slot.failure = Status::OK();
  slot.next = offset;
  slot.until = until;
  Changed(slot);
}

void FetchBoard::SetUntil(Slot& slot, int64_t until) {
  const std::lock_guard lock(mutex_);
  slot.until = until;
  Changed(slot);
}

void FetchBoard::Halt(Slot& slot) {
  const std::lock_guard lock(mutex_);
  ++slot.era;
  held_bytes_ -= slot.bytes;
  slot.chunks.clear();
  slot.bytes = 0;
  slot.followed = slot.asked = false;
}

Result<FetchBoard::Arrival> FetchBoard::Await(Slot& slot, Clock::time_point deadline,
                                              std::stop_token stop) {
  std::unique_lock lock(mutex_);
  slot.changed.wait_until(lock, stop, deadline,
                          [&slot] { return !slot.chunks.empty() || !slot.well(); });
  if (stop.stop_requested()) return connector::Cancelled();
  if (!slot.chunks.empty()) return Arrival::kChunks;
  if (!slot.failure.ok()) return slot.failure;
  return slot.out_of_range ? Arrival::kOutOfRange : Arrival::kNone;
}

std::deque<Chunk> FetchBoard::Take(Slot& slot) {
  const std::lock_guard lock(mutex_);
  held_bytes_ -= std::exchange(slot.bytes, 0);
  std::deque<Chunk> chunks = std::exchange(slot.chunks, {});
  Changed(slot);
  return chunks;
}

bool FetchBoard::HasChunks(Slot& slot) {
  const std::lock_guard lock(mutex_);
  return !slot.chunks.empty();
}

void FetchBoard::AwaitAny(std::chrono::milliseconds wait, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  any_arrived_.wait_for(lock, stop, wait, [this] { return arrived_; });
  arrived_ = false;
}

std::string FetchBoard::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void FetchBoard::SetTrouble(std::string reason) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(reason);
}

std::vector<FetchBoard::Wanted> FetchBoard::Next(int32_t broker, Only only) {
  const std::lock_guard lock(mutex_);
  std::vector<Wanted> plan;
  for (const auto& [partition, slot] : slots_) {
    if (slot->broker != broker || !IsWanted(*slot)) continue;
    if (only == Only::kUrgent && slot->caught_up) continue;
    slot->asked = true;
    plan.push_back({slot.get(), slot->era, partition, slot->next});
  }
  // A broker fills its answer from the front until that is long enough.
  if (!plan.empty()) {
    const size_t first = turn_++ % plan.size();
    std::rotate(plan.begin(), plan.begin() + static_cast<ptrdiff_t>(first), plan.end());
  }
  return plan;
}

FetchBoard::Slot* FetchBoard::Answered(const Wanted& wanted) {
  if (wanted.slot->era != wanted.era) return nullptr;
  wanted.slot->asked = false;
  if (wanted.slot->broker == kNobody) LookForLeaders();
  return wanted.slot;
}

void FetchBoard::Arrived(Slot& slot) {
  slot.changed.notify_all();
  arrived_ = true;
  any_arrived_.notify_all();
}

void FetchBoard::Deliver(const Wanted& wanted, Chunk chunk, bool caught_up) {
  const std::lock_guard lock(mutex_);
  trouble_.clear();
  Slot* const slot = Answered(wanted);
  if (slot == nullptr) return;
  slot->caught_up = caught_up;
  if (chunk.extent.size == 0) return;
  slot->next = chunk.extent.next_offset;
  slot->bytes += static_cast<int64_t>(chunk.extent.size);
  held_bytes_ += static_cast<int64_t>(chunk.extent.size);
  slot->chunks.push_back(std::move(chunk));
  Arrived(*slot);
}

void FetchBoard::DeliverOutOfRange(const Wanted& wanted) {
  const std::lock_guard lock(mutex_);
  if (Slot* const slot = Answered(wanted)) {
    slot->out_of_range = true;
    Arrived(*slot);
  }
}

void FetchBoard::DeliverFailure(const Wanted& wanted, Status failure) {
  const std::lock_guard lock(mutex_);
  if (Slot* const slot = Answered(wanted)) {
    slot->failure = std::move(failure);
    Arrived(*slot);
  }
}

void FetchBoard::DeliverMoved(const Wanted& wanted, std::chrono::milliseconds pause) {
  const std::lock_guard lock(mutex_);
  if (Slot* const slot = Answered(wanted)) {
    slot->broker = kNobody;
    slot->not_before = Clock::now() + pause;
    LookForLeaders();
  }
}

void FetchBoard::GiveUp(const std::vector<Wanted>& wanted) {
  const std::lock_guard lock(mutex_);
  for (const Wanted& one : wanted) Answered(one);
}

void FetchBoard::Abandon(int32_t broker, std::chrono::milliseconds pause,
                         std::string reason) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(reason);
  for (const auto& [partition, slot] : slots_) {
    if (slot->broker != broker) continue;
    slot->broker = kNobody;
    slot->not_before = Clock::now() + pause;
  }
  LookForLeaders();
}

WakeFd& FetchBoard::WakeOf(int32_t broker) {
  const std::lock_guard lock(mutex_);
  return wakes_[broker];
}

PartitionSet FetchBoard::AwaitHomeless(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    homeless_changed_ = false;
    PartitionSet found;
    std::optional<Clock::time_point> later;
    const Clock::time_point now = Clock::now();
    for (const auto& [partition, slot] : slots_) {
      if (slot->broker != kNobody || !IsWanted(*slot)) continue;
      if (slot->not_before <= now) {
        found.insert(found.end(), partition);
      } else {
        later = std::min(later.value_or(slot->not_before), slot->not_before);
      }
    }
    if (!found.empty()) return found;
    const auto changed = [this] { return homeless_changed_; };
    if (later) {
      homeless_.wait_until(lock, stop, *later, changed);
    } else {
      homeless_.wait(lock, stop, changed);
    }
  }
  return {};
}

void FetchBoard::Assign(const TopicPartition& partition, int32_t broker) {
  const std::lock_guard lock(mutex_);
  Slot& slot = *slots_.at(partition);
  slot.broker = broker;
  Changed(slot);
}

void FetchBoard::Postpone(const PartitionSet& partitions,
                          std::chrono::milliseconds pause) {
  const std::lock_guard lock(mutex_);
  for (const TopicPartition& partition : partitions) {
    slots_.at(partition)->not_before = Clock::now() + pause;
  }
}

void FetchBoard::MarkGone(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  Slot& slot = *slots_.at(partition);
  slot.out_of_range = true;
  Arrived(slot);
}

}  // namespace millrace::connectors::kafka::fetch
