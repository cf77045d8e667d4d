#include "connectors/kafka/fetch/compression.h"

#include <arrow/buffer.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "connectors/kafka/column_parts.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using Type = arrow::Compression;

// "\x82SNAPPY\0", a version and the oldest version that can read it.
constexpr std::string_view kSnappyJava("\x82SNAPPY\0", 8);
constexpr size_t kSnappyJavaHeader = 16;

// With this much room for its output a codec makes some progress, unless its input is
// wrong.
constexpr int64_t kEnoughRoom = 256 << 10;
constexpr int64_t kMostBytes = std::numeric_limits<int32_t>::max() - kReadAhead;

Type::type ArrowType(Compression codec) {
  switch (codec) {
    case Compression::kGzip:
      return Type::GZIP;
    case Compression::kSnappy:
      return Type::SNAPPY;
    case Compression::kLz4:
      return Type::LZ4_FRAME;
    case Compression::kZstd:
      return Type::ZSTD;
    case Compression::kNone:
      break;
  }
  return Type::UNCOMPRESSED;
}

std::string_view NameOf(Compression codec) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "gzip", "snappy", "lz4",
                                                      "zstd"};
  return kNames[static_cast<size_t>(codec)];
}

Status Malformed(Compression codec, std::string_view why) {
  return ExternalError("its {} data cannot be decompressed: {}", NameOf(codec), why);
}

}  // namespace

// Bytes that grow at their end.
class Decompressor::Output {
 public:
  static Result<Output> Make(int64_t guess) {
    auto buffer = arrow::AllocateResizableBuffer(
        std::clamp<int64_t>(guess, 1024, kMostBytes) + kReadAhead);
    if (!buffer.ok()) return ExternalError("{}", buffer.status().message());
    return Output(std::move(buffer).ValueUnsafe());
  }

  uint8_t* end() { return buffer_->mutable_data() + size_; }
  int64_t room() const { return buffer_->size() - kReadAhead - size_; }
  int64_t size() const { return size_; }
  void Advance(int64_t count) { size_ += count; }

  /// Makes room for `count` more bytes, and for at least as many as there are.
  Status Grow(int64_t count) {
    if (room() >= count) return Status::OK();
    if (count > kMostBytes - size_) return ExternalError("it holds more than 2 GB");
    const int64_t wanted = std::clamp<int64_t>(2 * size_, size_ + count, kMostBytes);
    const arrow::Status status = buffer_->Resize(wanted + kReadAhead, false);
    return status.ok() ? Status::OK() : ExternalError("{}", status.message());
  }

  Result<std::shared_ptr<arrow::Buffer>> Finish() && {
    const arrow::Status status = buffer_->Resize(size_ + kReadAhead, false);
    if (!status.ok()) return ExternalError("{}", status.message());
    std::memset(buffer_->mutable_data() + size_, 0, kReadAhead);
    return std::shared_ptr<arrow::Buffer>(std::move(buffer_));
  }

 private:
  explicit Output(std::unique_ptr<arrow::ResizableBuffer> buffer)
      : buffer_(std::move(buffer)) {}

  std::unique_ptr<arrow::ResizableBuffer> buffer_;
  int64_t size_ = 0;
};

Decompressor::Decompressor() = default;
Decompressor::~Decompressor() = default;

Result<std::shared_ptr<arrow::Buffer>> Decompressor::Decompress(Compression codec,
                                                                Bytes compressed) {
  const auto index = static_cast<size_t>(codec);
  if (codec == Compression::kNone || index >= codecs_.size()) {
    return ExternalError("it names an unknown codec, {}", index);
  }
  if (codecs_[index] == nullptr) {
    auto made = arrow::util::Codec::Create(ArrowType(codec));
    if (!made.ok()) return Malformed(codec, made.status().message());
    codecs_[index] = std::move(made).ValueUnsafe();
  }
  const auto size = static_cast<double>(compressed.size());
  MILLRACE_ASSIGN_OR_RETURN(
      Output out,
      Output::Make(static_cast<int64_t>(std::min(size * ratio_, double{64 << 20}))));
  MILLRACE_RETURN_IF_ERROR(codec == Compression::kSnappy
                               ? Snappy(compressed, &out)
                               : Stream(codec, compressed, &out));
  if (size > 0) ratio_ = 1.1 * static_cast<double>(out.size()) / size;
  return std::move(out).Finish();
}

Status Decompressor::Stream(Compression codec, Bytes compressed, Output* out) {
  const auto index = static_cast<size_t>(codec);
  if (streams_[index] == nullptr) {
    auto made = codecs_[index]->MakeDecompressor();
    if (!made.ok()) return Malformed(codec, made.status().message());
    streams_[index] = std::move(made).ValueUnsafe();
  } else if (const arrow::Status reset = streams_[index]->Reset(); !reset.ok()) {
    return Malformed(codec, reset.message());
  }
  arrow::util::Decompressor& stream = *streams_[index];
  const uint8_t* at = compressed.data();
  auto left = static_cast<int64_t>(compressed.size());
  while (true) {
    MILLRACE_RETURN_IF_ERROR(out->Grow(1));
    const auto step = stream.Decompress(left, at, out->room(), out->end());
    if (!step.ok()) return Malformed(codec, step.status().message());
    at += step->bytes_read;
    left -= step->bytes_read;
    out->Advance(step->bytes_written);
    if (stream.IsFinished()) {
      if (left == 0) return Status::OK();
      const arrow::Status reset = stream.Reset();  // another frame follows
      if (!reset.ok()) return Malformed(codec, reset.message());
    } else if (step->bytes_read == 0 && step->bytes_written == 0) {
      // Some codecs ask for more room here, whatever they got.
      if (left == 0 || out->room() >= kEnoughRoom) {
        return Malformed(codec, "it ends too early");
      }
      MILLRACE_RETURN_IF_ERROR(out->Grow(kEnoughRoom));
    }
  }
}

Status Decompressor::Snappy(Bytes compressed, Output* out) {
  const std::string_view text(reinterpret_cast<const char*>(compressed.data()),
                              compressed.size());
  if (!text.starts_with(kSnappyJava)) return SnappyBlock(compressed, out);
  if (compressed.size() < kSnappyJavaHeader) {
    return Malformed(Compression::kSnappy, "it ends too early");
  }
  for (Bytes left = compressed.subspan(kSnappyJavaHeader); !left.empty();) {
    if (left.size() < sizeof(int32_t)) {
      return Malformed(Compression::kSnappy, "it ends too early");
    }
    const auto size = Load<uint32_t>(left.data());
    left = left.subspan(sizeof(int32_t));
    if (size > left.size()) return Malformed(Compression::kSnappy, "it ends too early");
    MILLRACE_RETURN_IF_ERROR(SnappyBlock(left.first(size), out));
    left = left.subspan(size);
  }
  return Status::OK();
}

// A block begins with the number of bytes it stands for.
Status Decompressor::SnappyBlock(Bytes block, Output* out) {
  WireReader in(block);
  const uint32_t size = in.Unsigned();
  if (!in.ok()) return Malformed(Compression::kSnappy, "it ends too early");
  // Snappy shrinks nothing below a 64th: what claims more is not worth the memory.
  if (size / 64 > block.size()) return Malformed(Compression::kSnappy, "wrong size");
  MILLRACE_RETURN_IF_ERROR(out->Grow(size));
  const auto written = codecs_[static_cast<size_t>(Compression::kSnappy)]->Decompress(
      static_cast<int64_t>(block.size()), block.data(), out->room(), out->end());
  if (!written.ok()) return Malformed(Compression::kSnappy, written.status().message());
  out->Advance(*written);
  return Status::OK();
}

}  // namespace millrace::connectors::kafka::fetch
