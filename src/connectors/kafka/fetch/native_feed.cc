#include "connectors/kafka/fetch/native_feed.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "connector/source.h"

namespace millrace::connectors::kafka::fetch {

NativeFeed::NativeFeed(const TopicPartition& partition, FetchBoard& board,
                       ReadRules rules)
    : Feed(partition), board_(board), slot_(board.SlotOf(partition)), rules_(rules) {}

Status NativeFeed::Seek(int64_t offset, int64_t until) {
  TakeIn();
  if (started_ && !lost_ && offset >= position_ && offset <= reached_) {
    board_.SetUntil(slot_, until);
    SkipTo(offset);
    return Status::OK();
  }
  Clear();
  position_ = reached_ = offset;
  started_ = true;
  lost_ = false;
  board_.Seek(slot_, offset, until);
  return Status::OK();
}

void NativeFeed::Halt() {
  board_.Halt(slot_);
  Clear();
  started_ = false;
}

void NativeFeed::Clear() { readers_.clear(); }

bool NativeFeed::TakeIn() {
  if (!started_) return false;
  std::deque<Chunk> chunks = board_.Take(slot_);
  for (Chunk& chunk : chunks) {
    readers_.emplace_back(std::move(chunk), rules_, &decompressor_);
    reached_ = readers_.back().next_offset();
  }
  return !chunks.empty();
}

int64_t NativeFeed::HeldRows() const {
  int64_t rows = 0;
  for (const ChunkReader& reader : readers_) rows += reader.rows();
  return rows;
}

Result<Feed::State> NativeFeed::Fill(int64_t end, size_t enough,
                                     std::chrono::milliseconds wait,
                                     std::stop_token stop) {
  const auto deadline = FetchBoard::Clock::now() + wait;
  while (reached_ < end && HeldRows() < static_cast<int64_t>(enough)) {
    if (stop.stop_requested()) return connector::Cancelled();
    if (TakeIn()) continue;
    const Result<FetchBoard::Arrival> arrival = board_.Await(slot_, deadline, stop);
    if (!arrival.ok()) {
      lost_ = true;
      return arrival.status();
    }
    if (*arrival == FetchBoard::Arrival::kChunks) continue;
    if (!readers_.empty()) break;
    if (*arrival == FetchBoard::Arrival::kNone) return State::kWaiting;
    lost_ = true;
    return State::kOutOfRange;
  }
  return readers_.empty() ? State::kEnd : State::kMessages;
}

Result<Feed::Taken> NativeFeed::Take(int64_t end, size_t most_rows, int64_t most_bytes,
                                     const data::SchemaPtr& schema) {
  const int64_t rows =
      std::clamp<int64_t>(HeldRows(), 1, static_cast<int64_t>(most_rows));
  MILLRACE_ASSIGN_OR_RETURN(RecordColumns columns,
                            RecordColumns::Make(schema, partition(), rows));
  while (!readers_.empty()) {
    ChunkReader& reader = readers_.front();
    const Result<int64_t> read = reader.Read(position_, end, most_bytes, &columns);
    if (!read.ok()) return Failed(read.status());
    position_ = *read;
    if (position_ < reader.next_offset()) break;
    readers_.pop_front();
  }
  Taken taken;
  if (columns.rows() == 0) return taken;
  taken.bytes = columns.bytes();
  MILLRACE_ASSIGN_OR_RETURN(taken.batch, std::move(columns).Finish());
  return taken;
}

Status NativeFeed::Failed(const Status& status) const {
  ErrorInfo error = status.error();
  if (error.fault == Fault::kExternal) {
    error.message =
        fmt::format("Reading {} failed: {}", ToString(partition()), error.message);
  }
  return Status(std::move(error));
}

void NativeFeed::SkipTo(int64_t end) {
  position_ = std::max(position_, end);
  while (!readers_.empty() && readers_.front().next_offset() <= position_) {
    readers_.pop_front();
  }
}

bool NativeFeed::HasNew() {
  return started_ && (!readers_.empty() || board_.HasChunks(slot_));
}

}  // namespace millrace::connectors::kafka::fetch
