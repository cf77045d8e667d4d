#include "exec/scan_lanes.h"

#include <arrow/record_batch.h>

#include <algorithm>

namespace millrace::exec {
namespace {

// Batches that a lane may be ahead: enough that neither side waits for the other at each
// batch, few enough to stay in the cache.
constexpr size_t kAhead = 4;

}  // namespace

ScanLanes::ScanLanes(Pipeline* pipeline, size_t scan, size_t threads)
    : pipeline_(pipeline), scan_(scan), threads_(std::max<size_t>(threads, 1)) {}

ScanLanes::~ScanLanes() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  to_do_.notify_all();
  lanes_.clear();  // the threads end before what they use
}

Status ScanLanes::Read(const Epoch& epoch, Splits splits, bool in_order,
                       std::stop_token stop, const Take& take) {
  if (splits.empty()) return Status::OK();
  MILLRACE_RETURN_IF_ERROR(StartLanes(epoch, splits.size()));
  {
    const std::lock_guard lock(mutex_);
    in_order_ = in_order;
    next_split_ = current_ = held_ = 0;
    scanned_.assign(splits.size(), {});
    ended_.assign(splits.size(), false);
    failure_ = Status::OK();
    abandoned_ = false;
    stop_ = std::stop_source();
    splits_ = std::move(splits);
  }
  to_do_.notify_all();
  Status status;
  {
    const std::stop_callback given_up(stop, [this] { Abandon(); });
    status = TakeAll(take);
  }
  Abandon();
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return working_ == 0; });
  if (status.ok()) status = failure_;
  splits_.clear();
  scanned_.clear();
  lock.unlock();
  MILLRACE_RETURN_IF_ERROR(status);
  for (const Lane& lane : lanes_) {
    MILLRACE_ASSIGN_OR_RETURN(const RowAccount account, lane.chain->Account());
    pipeline_->AddChainAccount(account);
  }
  return Status::OK();
}

Status ScanLanes::StartLanes(const Epoch& epoch, size_t splits) {
  while (lanes_.size() < std::min(threads_, splits)) {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<RowChain> chain,
                              pipeline_->MakeChain(scan_));
    RowChain* const given = chain.get();
    lanes_.push_back({std::move(chain), std::jthread([this, given] { Work(*given); })});
  }
  for (const Lane& lane : lanes_) MILLRACE_RETURN_IF_ERROR(lane.chain->BeginEpoch(epoch));
  return Status::OK();
}

// Lanes stop where they are, and no split is begun any more.
void ScanLanes::Abandon() {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    next_split_ = splits_.size();
    stop = stop_;
  }
  stop.request_stop();  // outside of the lock: a reader's own callbacks run in it
  room_.notify_all();
  done_.notify_all();
}

void ScanLanes::Work(RowChain& chain) {
  std::unique_lock lock(mutex_);
  while (true) {
    to_do_.wait(lock, [this] { return closing_ || next_split_ < splits_.size(); });
    if (closing_) return;
    const size_t split = next_split_++;
    ++working_;
    const std::stop_token stop = stop_.get_token();
    lock.unlock();
    Status status = ReadSplit(split, chain, stop);
    lock.lock();
    --working_;
    ended_[split] = true;
    if (!status.ok() && failure_.ok()) failure_ = std::move(status);
    done_.notify_all();
  }
}

Status ScanLanes::ReadSplit(size_t index, RowChain& chain, const std::stop_token& stop) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<connector::Reader> reader,
                            splits_[index]->Open());
  while (true) {
    if (stop.stop_requested()) return connector::Cancelled();
    MILLRACE_ASSIGN_OR_RETURN(Batch batch, reader->Next(stop));
    if (batch == nullptr) return Status::OK();
    ScannedRows rows;
    rows.split = index;
    rows.rows_read = batch->num_rows();
    MILLRACE_ASSIGN_OR_RETURN(rows.batches, chain.Run(std::move(batch)));
    if (!Put(std::move(rows))) return connector::Cancelled();
  }
}

bool ScanLanes::HasRoom(size_t split) const {
  // In order, the split that is taken never waits for the others to be taken.
  return in_order_ ? scanned_[split].size() < kAhead : held_ < kAhead * threads_;
}

bool ScanLanes::Put(ScannedRows rows) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return abandoned_ || HasRoom(rows.split); });
  if (abandoned_) return false;
  ++held_;
  scanned_[rows.split].push_back(std::move(rows));
  done_.notify_all();
  return true;
}

std::optional<size_t> ScanLanes::Ready() const {
  if (in_order_) {
    if (current_ == scanned_.size() || scanned_[current_].empty()) return std::nullopt;
    return current_;
  }
  for (size_t i = 0; i < scanned_.size(); ++i) {
    if (!scanned_[i].empty()) return i;
  }
  return std::nullopt;
}

bool ScanLanes::Finished() const {
  return next_split_ == splits_.size() && working_ == 0;
}

Status ScanLanes::TakeAll(const Take& take) {
  std::unique_lock lock(mutex_);
  while (true) {
    while (in_order_ && current_ < ended_.size() && ended_[current_] &&
           scanned_[current_].empty()) {
      ++current_;
    }
    const std::optional<size_t> ready = Ready();
    if (!failure_.ok()) return failure_;
    if (abandoned_) return connector::Cancelled();
    if (!ready) {
      if (Finished()) return Status::OK();
      done_.wait(lock);
      continue;
    }
    const ScannedRows rows = std::move(scanned_[*ready].front());
    scanned_[*ready].pop_front();
    --held_;
    lock.unlock();
    room_.notify_all();
    MILLRACE_RETURN_IF_ERROR(take(rows));
    lock.lock();
  }
}

}  // namespace millrace::exec
