// The lines of a text file, a block at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/type_fwd.h>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// Threading: one thread.
class LineReader {
 public:
  /// Without `separator`, lines end at \r, \n or both. A byte order mark is skipped.
  /// Files whose names end in .gz, .zst or .bz2 are uncompressed.
  static Result<LineReader> Open(FileSystem& fs, const std::string& path,
                                 std::string separator = "");

  /// The lines of the next block, without their ends; none at the end of the file. The
  /// views are good until the next call.
  Result<std::span<const std::string_view>> Next();

  /// The whole rest of the file as one text; good as long as the reader.
  Result<std::string_view> Rest();

  /// The lines of the rest of the file; none when called again.
  Result<std::span<const std::string_view>> RestAsLines();

  int64_t bytes_read() const { return bytes_read_; }

 private:
  LineReader(std::string path, std::shared_ptr<arrow::io::InputStream> stream,
             std::string separator)
      : path_(std::move(path)),
        stream_(std::move(stream)),
        separator_(std::move(separator)) {}
  Status Fill();
  void Cut();
  void SkipByteOrderMark();

  std::string path_;
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::string separator_;
  std::string buffer_;
  size_t used_ = 0;  // bytes of buffer_ already given out
  std::vector<std::string_view> lines_;
  int64_t bytes_read_ = 0;
  bool at_start_ = true;
  bool at_end_ = false;
};

}  // namespace millrace::connectors::file
