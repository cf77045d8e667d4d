// Walks the record batches that one fetch brought for one partition, and gives the rows
// of a range of offsets.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "connectors/kafka/fetch/compression.h"
#include "connectors/kafka/fetch/messages.h"
#include "connectors/kafka/fetch/record_columns.h"

namespace millrace::connectors::kafka::fetch {

/// What one fetch brought for one partition.
struct Chunk {
  std::shared_ptr<arrow::Buffer> buffer;  // the whole answer, kReadAhead bytes behind it
  Bytes records;                          // whole batches in there, measured
  std::vector<AbortedTransaction> aborted;
  Extent extent;
};

struct ReadRules {
  bool read_committed = false;
  bool check_crcs = true;
};

/// Threading: one thread.
/// Failure: any bytes are an error or rows, never a crash. After an error nothing more
/// can be read.
class ChunkReader {
 public:
  /// `decompressor` may serve other chunks, one after the other.
  ChunkReader(Chunk chunk, ReadRules rules, Decompressor* decompressor);

  /// Appends the rows with offsets from `from` on, before `end`, until `columns` are
  /// full or hold `most_bytes`. Returns the offset up to which there is no other row;
  /// that is `end`, unless the chunk ends or the columns are full before it.
  Result<int64_t> Read(int64_t from, int64_t end, int64_t most_bytes,
                       RecordColumns* columns);

  /// The offset behind all batches.
  int64_t next_offset() const { return chunk_.extent.next_offset; }
  /// Of which `Read` may still give some; some of them may be aborted.
  int64_t rows() const { return rows_; }

 private:
  /// Opens the next batch, or skips it where none of its rows is wanted.
  Status Enter(const BatchHeader& header, int64_t from);
  bool Skips(const BatchHeader& header, Bytes batch);
  Status Corrupt(std::string_view what) const;

  const Chunk chunk_;
  const ReadRules rules_;
  Decompressor* const decompressor_;

  std::vector<AbortedTransaction> aborted_;  // latest first
  std::set<int64_t> aborting_;               // producers whose messages are dropped
  size_t next_ = 0;                          // in chunk_.records: the next batch
  int64_t rows_;

  // The batch that is open.
  BatchHeader header_;
  std::shared_ptr<arrow::Buffer> buffer_;  // its records lie in it
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  int32_t left_ = 0;
};

}  // namespace millrace::connectors::kafka::fetch
