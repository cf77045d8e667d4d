#include "connectors/file/line_reader.h"

#include <algorithm>
#include <utility>

#include <arrow/io/interfaces.h>

#include "connectors/file/arrow_io.h"

namespace millrace::connectors::file {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

}  // namespace

Result<LineReader> LineReader::Open(FileSystem& fs, const std::string& path,
                                    std::string separator) {
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::io::InputStream> stream,
                            OpenUncompressed(fs, path));
  return LineReader(path, std::move(stream), std::move(separator));
}

Status LineReader::Fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const size_t before = buffer_.size();
  // A line longer than a block makes the blocks grow, so that it is not scanned too
  // often.
  const size_t wanted = std::max(kBlockBytes, before);
  buffer_.resize(before + wanted);
  const auto read = stream_->Read(static_cast<int64_t>(wanted), buffer_.data() + before);
  if (!read.ok()) {
    buffer_.resize(before);
    if (read.status().detail() != nullptr) return FromArrow(read.status(), "read");
    return DamagedFile(path_, "compressed", read.status().message());
  }
  buffer_.resize(before + static_cast<size_t>(*read));
  bytes_read_ += *read;
  at_end_ = *read == 0;
  if (at_start_ && !buffer_.empty()) {
    at_start_ = false;
    SkipByteOrderMark();
  }
  return Status::OK();
}

void LineReader::SkipByteOrderMark() {
  if (buffer_.starts_with("\xEF\xBB\xBF")) used_ = 3;
}

void LineReader::Cut() {
  lines_.clear();
  const std::string_view text(buffer_);
  const std::string_view end = separator_.empty() ? std::string_view("\n") : separator_;
  size_t begin = used_;
  while (begin < text.size()) {
    size_t found = text.find(end, begin);
    if (found == std::string_view::npos) {
      if (!at_end_) break;
      found = text.size();
    }
    std::string_view line = text.substr(begin, found - begin);
    begin = std::min(found + end.size(), text.size());
    if (separator_.empty()) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      for (size_t old; (old = line.find('\r')) != std::string_view::npos;) {
        lines_.push_back(line.substr(0, old));
        line.remove_prefix(old + 1);
      }
    }
    lines_.push_back(line);
  }
  used_ = begin;
}

Result<std::span<const std::string_view>> LineReader::Next() {
  lines_.clear();
  while (lines_.empty() && !at_end_) {
    MILLRACE_RETURN_IF_ERROR(Fill());
    Cut();
  }
  return std::span<const std::string_view>(lines_);
}

Result<std::span<const std::string_view>> LineReader::RestAsLines() {
  MILLRACE_RETURN_IF_ERROR(Rest().status());
  Cut();
  return std::span<const std::string_view>(lines_);
}

Result<std::string_view> LineReader::Rest() {
  while (!at_end_) MILLRACE_RETURN_IF_ERROR(Fill());
  return std::string_view(buffer_).substr(used_);
}

}  // namespace millrace::connectors::file
