// A feed whose messages come from the fetch board and become columns where they lie.
#pragma once

#include <deque>

#include "connectors/kafka/feed.h"
#include "connectors/kafka/fetch/chunk_reader.h"
#include "connectors/kafka/fetch/fetch_board.h"

namespace millrace::connectors::kafka::fetch {

class NativeFeed final : public Feed {
 public:
  NativeFeed(const TopicPartition& partition, FetchBoard& board, ReadRules rules);

  Status Seek(int64_t offset, int64_t until) override;
  int64_t position() const override { return position_; }
  Result<State> Fill(int64_t end, size_t enough, std::chrono::milliseconds wait,
                     std::stop_token stop) override;
  Result<Taken> Take(int64_t end, size_t most_rows, int64_t most_bytes,
                     const data::SchemaPtr& schema) override;
  void SkipTo(int64_t end) override;
  bool HasNew() override;
  void Halt() override;

 private:
  /// Of the messages taken in; some may be aborted or lie behind a batch's end.
  int64_t HeldRows() const;
  /// Takes in what has arrived. Whether there was any.
  bool TakeIn();
  void Clear();
  Status Failed(const Status& status) const;

  FetchBoard& board_;
  FetchBoard::Slot& slot_;
  const ReadRules rules_;
  Decompressor decompressor_;
  std::deque<ChunkReader> readers_;
  bool started_ = false;
  bool lost_ = false;  // out of range, or an error: only a new start helps
  int64_t position_ = 0;
  int64_t reached_ = 0;  // all offsets from position_ to here were taken in
};

}  // namespace millrace::connectors::kafka::fetch
