#include "connectors/file/arrow_io.h"

#include <algorithm>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/compression.h>

#include "base/error.h"

namespace millrace::connectors::file {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;

/// Carries our status through Arrow's code and back.
class StatusCarrier final : public arrow::StatusDetail {
 public:
  static constexpr const char* kTypeId = "millrace::Status";

  explicit StatusCarrier(Status status) : status_(std::move(status)) {}
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return status_.ToString(); }
  const Status& status() const { return status_; }

 private:
  const Status status_;
};

class BufferedOutput final : public arrow::io::OutputStream {
 public:
  explicit BufferedOutput(WritableFile& file) : file_(file) {}

  arrow::Status Write(const void* data, int64_t bytes) override {
    if (closed_) return arrow::Status::Invalid("the file was given up");
    const auto* begin = static_cast<const char*>(data);
    position_ += bytes;
    if (pending_.size() + static_cast<size_t>(bytes) < kFlushBytes) {
      pending_.append(begin, static_cast<size_t>(bytes));
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Flush());
    return ToArrow(file_.Append({begin, static_cast<size_t>(bytes)}));
  }
  using arrow::io::Writable::Write;

  arrow::Status Flush() override {
    if (pending_.empty()) return arrow::Status::OK();
    const Status status = file_.Append(pending_);
    pending_.clear();
    return ToArrow(status);
  }

  arrow::Status Close() override {
    if (closed_) return arrow::Status::OK();
    closed_ = true;
    return Flush();
  }
  arrow::Status Abort() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return position_; }
  bool closed() const override { return closed_; }

 private:
  WritableFile& file_;
  std::string pending_;
  int64_t position_ = 0;
  bool closed_ = false;
};

class RandomAccess final : public arrow::io::RandomAccessFile {
 public:
  RandomAccess(std::unique_ptr<ReadableFile> file, int64_t size)
      : file_(std::move(file)), size_(size) {}

  arrow::Status Close() override {
    file_.reset();
    return arrow::Status::OK();
  }
  bool closed() const override { return file_ == nullptr; }
  arrow::Result<int64_t> GetSize() override { return size_; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override {
    position_ = position;
    return arrow::Status::OK();
  }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t bytes, void* out) override {
    if (file_ == nullptr) return arrow::Status::Invalid("the file is closed");
    Result<int64_t> read = file_->ReadAt(position, bytes, out);
    if (!read.ok()) return ToArrow(read.status());
    return *read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position,
                                                       int64_t bytes) override {
    // A damaged footer may ask for any number of bytes.
    bytes = std::clamp<int64_t>(bytes, 0, std::max<int64_t>(size_ - position, 0));
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::ResizableBuffer> buffer,
                          arrow::AllocateResizableBuffer(bytes));
    ARROW_ASSIGN_OR_RAISE(const int64_t read,
                          ReadAt(position, bytes, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(read, false));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Result<int64_t> Read(int64_t bytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, bytes, out));
    position_ += read;
    return read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                          ReadAt(position_, bytes));
    position_ += buffer->size();
    return buffer;
  }

 private:
  std::unique_ptr<ReadableFile> file_;
  const int64_t size_;
  int64_t position_ = 0;
};

arrow::Compression::type CompressionOf(std::string_view path) {
  if (path.ends_with(".gz")) return arrow::Compression::GZIP;
  if (path.ends_with(".zst")) return arrow::Compression::ZSTD;
  if (path.ends_with(".bz2")) return arrow::Compression::BZ2;
  return arrow::Compression::UNCOMPRESSED;
}

}  // namespace

std::shared_ptr<arrow::io::OutputStream> MakeOutputStream(WritableFile& file) {
  return std::make_shared<BufferedOutput>(file);
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenRandomAccess(
    FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  MILLRACE_ASSIGN_OR_RETURN(const int64_t size, file->Size());
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<RandomAccess>(std::move(file), size));
}

Result<std::shared_ptr<arrow::io::InputStream>> OpenUncompressed(
    FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::io::RandomAccessFile> file,
                            OpenRandomAccess(fs, path));
  const arrow::Compression::type compression = CompressionOf(path);
  if (compression == arrow::Compression::UNCOMPRESSED) {
    return std::shared_ptr<arrow::io::InputStream>(std::move(file));
  }
  const std::string what = fmt::format("uncompress '{}'", path);
  auto codec = arrow::util::Codec::Create(compression);
  if (!codec.ok()) return FromArrow(codec.status(), what);
  // The stream keeps no reference to the codec after it made its decompressor.
  auto stream = arrow::io::CompressedInputStream::Make(codec->get(), std::move(file));
  if (!stream.ok()) return FromArrow(stream.status(), what);
  return std::shared_ptr<arrow::io::InputStream>(std::move(stream).ValueUnsafe());
}

Status FromArrow(const arrow::Status& status, std::string_view what) {
  if (status.ok()) return Status::OK();
  if (status.detail() != nullptr &&
      std::string_view(status.detail()->type_id()) == StatusCarrier::kTypeId) {
    return static_cast<const StatusCarrier&>(*status.detail()).status();
  }
  return ExternalError("Cannot {}: {}", what, status.message());
}

arrow::Status ToArrow(const Status& status) {
  if (status.ok()) return arrow::Status::OK();
  return arrow::Status(arrow::StatusCode::IOError, status.error().message,
                       std::make_shared<StatusCarrier>(status));
}

Status DamagedFile(std::string_view path, std::string_view format,
                   std::string_view detail) {
  return Error(
             Fault::kData,
             "Encountered error while reading file {}. It is not a readable {} file: {}. "
             "Remove the file or write it again.",
             path, format, detail)
      .Class("FAILED_READ_FILE.NO_HINT", "KD001")
      .Param("path", std::string(path))
      .Java(kSparkException);
}

}  // namespace millrace::connectors::file
