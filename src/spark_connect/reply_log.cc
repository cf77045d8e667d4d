#include "spark_connect/reply_log.h"

#include "spark_connect/errors.h"

namespace millrace::spark_connect {
namespace {

int64_t SizeOf(const spark::connect::ExecutePlanResponse& reply) {
  return static_cast<int64_t>(reply.ByteSizeLong());
}

}  // namespace

Status ReplyLog::Append(spark::connect::ExecutePlanResponse reply, std::stop_token stop) {
  const int64_t size = SizeOf(reply);
  auto shared =
      std::make_shared<const spark::connect::ExecutePlanResponse>(std::move(reply));
  std::unique_lock lock(mutex_);
  const bool has_room = changed_.wait(lock, stop, [&] {
    return finished_ || ahead_bytes_ == 0 || ahead_bytes_ + size <= limits_.ahead_bytes;
  });
  if (!has_room || finished_) return OperationCanceled();
  replies_.push_back(std::move(shared));
  ahead_bytes_ += size;
  changed_.notify_all();
  return Status::OK();
}

void ReplyLog::Finish(Status result) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  result_ = std::move(result);
  changed_.notify_all();
}

int64_t ReplyLog::Attach() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
  return ++reader_;
}

Result<int64_t> ReplyLog::PositionAfter(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (id.empty()) return int64_t{0};
  if (id == dropped_id_)
    return first_;  // a client releases what it has, then reads on after it
  for (size_t i = replies_.size(); i-- > 0;) {
    if (replies_[i]->response_id() == id) return first_ + static_cast<int64_t>(i) + 1;
  }
  return InvalidCursor("POSITION_NOT_FOUND",
                       fmt::format("The cursor position id {} is not found.", id))
      .Param("responseId", id);
}

ReplyLog::Read ReplyLog::Next(int64_t reader, int64_t position,
                              std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto end = [&] { return first_ + static_cast<int64_t>(replies_.size()); };
  const bool ready = changed_.wait_for(
      lock, timeout, [&] { return reader_ != reader || position < end() || finished_; });
  if (!ready) return {Outcome::kTimeout, nullptr, Status::OK()};
  if (reader_ != reader) return {Outcome::kReplaced, nullptr, Status::OK()};
  if (position < first_) {
    return {Outcome::kEnd, nullptr,
            InvalidCursor(
                "POSITION_NOT_AVAILABLE",
                fmt::format("The reply at index {} is no longer available.", position))
                .Param("index", std::to_string(position))};
  }
  if (position >= end()) return {Outcome::kEnd, nullptr, result_};
  Reply reply = replies_[static_cast<size_t>(position - first_)];
  while (sent_ <= position) {
    const int64_t size = SizeOf(*replies_[static_cast<size_t>(sent_ - first_)]);
    ahead_bytes_ -= size;
    sent_bytes_ += size;
    ++sent_;
  }
  TrimSent();
  changed_.notify_all();
  return {Outcome::kReply, std::move(reply), Status::OK()};
}

void ReplyLog::Release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  int64_t until = sent_;
  if (!id.empty()) {
    until = first_;
    for (int64_t i = first_; i < sent_; ++i) {
      if (replies_[static_cast<size_t>(i - first_)]->response_id() == id) until = i + 1;
    }
  }
  while (first_ < until) DropFront();
}

bool ReplyLog::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void ReplyLog::DropFront() {
  sent_bytes_ -= SizeOf(*replies_.front());
  dropped_id_ = replies_.front()->response_id();
  replies_.pop_front();
  ++first_;
}

// The reply that was just read stays, however big: it may not have arrived.
void ReplyLog::TrimSent() {
  while (first_ + 1 < sent_ && (!reattachable_ || sent_bytes_ > limits_.keep_bytes))
    DropFront();
}

}  // namespace millrace::spark_connect
