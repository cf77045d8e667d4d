#include "connectors/kafka/fetch/chunk_reader.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"

namespace millrace::connectors::kafka::fetch {

ChunkReader::ChunkReader(Chunk chunk, ReadRules rules, Decompressor* decompressor)
    : chunk_(std::move(chunk)),
      rules_(rules),
      decompressor_(decompressor),
      aborted_(chunk_.aborted),
      rows_(chunk_.extent.rows) {
  std::ranges::sort(aborted_, std::greater<>(), &AbortedTransaction::first_offset);
  header_.last_offset_delta = -1;  // no batch: it ends before offset 0
}

Result<int64_t> ChunkReader::Read(int64_t from, int64_t end, int64_t most_bytes,
                                  RecordColumns* columns) {
  int64_t position = from;
  while (true) {
    if (left_ > 0) columns->Begin(buffer_, header_);
    while (left_ > 0) {
      if (columns->full() || columns->bytes() >= most_bytes) return position;
      Record record;
      const uint8_t* after = at_;
      if (!ReadRecord(after, end_, &record) || record.offset_delta < 0 ||
          record.offset_delta > header_.last_offset_delta) {
        return Corrupt("a record is malformed");
      }
      const int64_t offset = header_.base_offset + record.offset_delta;
      if (offset >= end) return end;
      at_ = after;
      --left_;
      --rows_;
      if (offset < position) continue;
      MILLRACE_RETURN_IF_ERROR(columns->Append(record));
      position = offset + 1;
    }
    if (at_ != end_) return Corrupt("bytes follow its last record");
    position = std::max(position, std::min(header_.next_offset(), end));
    buffer_.reset();

    MILLRACE_ASSIGN_OR_RETURN(const std::optional<BatchHeader> header,
                              ReadBatchHeader(chunk_.records.subspan(next_)));
    if (!header) return std::clamp(next_offset(), position, std::max(position, end));
    if (header->base_offset >= end) return end;
    MILLRACE_RETURN_IF_ERROR(Enter(*header, position));
  }
}

bool ChunkReader::Skips(const BatchHeader& header, Bytes batch) {
  if (rules_.read_committed) {
    while (!aborted_.empty() && aborted_.back().first_offset < header.next_offset()) {
      aborting_.insert(aborted_.back().producer_id);
      aborted_.pop_back();
    }
    if (header.control() && IsAbortMarker(RecordsOf(batch))) {
      aborting_.erase(header.producer_id);
    }
  }
  if (header.control()) return true;
  return header.transactional() && aborting_.contains(header.producer_id);
}

Status ChunkReader::Enter(const BatchHeader& header, int64_t from) {
  const Bytes batch = chunk_.records.subspan(next_, header.size);
  next_ += header.size;
  header_ = header;
  at_ = end_ = nullptr;
  const bool unwanted = Skips(header, batch) || header.next_offset() <= from;
  if (unwanted || header.count == 0) {
    if (!header.control()) rows_ -= header.count;
    return Status::OK();
  }
  if (rules_.check_crcs && !ChecksumMatches(header, batch)) {
    return Corrupt("its checksum is wrong");
  }
  Bytes records = RecordsOf(batch);
  if (header.compression() == Compression::kNone) {
    buffer_ = chunk_.buffer;
  } else {
    auto whole = decompressor_->Decompress(header.compression(), records);
    if (!whole.ok()) return Corrupt(whole.status().error().message);
    buffer_ = std::move(whole).value();
    records = {buffer_->data(), static_cast<size_t>(buffer_->size() - kReadAhead)};
  }
  at_ = records.data();
  end_ = at_ + records.size();
  left_ = header.count;
  return Status::OK();
}

Status ChunkReader::Corrupt(std::string_view what) const {
  return ExternalError("the record batch at offset {} is corrupt: {}",
                       header_.base_offset, what);
}

}  // namespace millrace::connectors::kafka::fetch
