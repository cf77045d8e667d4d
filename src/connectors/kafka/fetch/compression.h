// Decompresses the records of a batch, in the forms that Kafka's producers and brokers
// write them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include <arrow/type_fwd.h>

#include "connectors/kafka/fetch/wire.h"
#include "millrace/status.h"

namespace arrow::util {
class Codec;
class Decompressor;
}  // namespace arrow::util

namespace millrace::connectors::kafka::fetch {

/// The numbers of a record batch's attributes.
enum class Compression : uint8_t {
  kNone = 0,
  kGzip = 1,
  kSnappy = 2,
  kLz4 = 3,
  kZstd = 4
};

/// Keeps the codecs' memory from batch to batch. Threading: one thread at a time.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();

  /// The bytes that `compressed` stands for, with kReadAhead readable bytes behind them.
  /// Snappy may be raw or in the frames of snappy-java, which Kafka's own clients write.
  /// Errors: malformed; an unknown codec; more than 2 GB.
  Result<std::shared_ptr<arrow::Buffer>> Decompress(Compression codec, Bytes compressed);

 private:
  class Output;

  Status Stream(Compression codec, Bytes compressed, Output* out);
  Status Snappy(Bytes compressed, Output* out);
  Status SnappyBlock(Bytes block, Output* out);

  std::array<std::unique_ptr<arrow::util::Codec>, 5> codecs_;
  std::array<std::shared_ptr<arrow::util::Decompressor>, 5> streams_;
  double ratio_ = 4;  // of the last batch: a guess at the next one's size
};

}  // namespace millrace::connectors::kafka::fetch
