// Arrow's view of our file system, and Arrow's statuses as ours. Private to this module.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/io/type_fwd.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// An output stream that appends to `file` in pieces of at least 64 KiB. Close flushes
/// what is left; it neither syncs nor closes `file`, which must outlive the stream.
std::shared_ptr<arrow::io::OutputStream> MakeOutputStream(WritableFile& file);

/// Reads a file at any position.
Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenRandomAccess(
    FileSystem& fs, const std::string& path);

/// An input stream over a file, uncompressed on the fly by the ending of its name (.gz,
/// .zst, .bz2; anything else is read as it is).
Result<std::shared_ptr<arrow::io::InputStream>> OpenUncompressed(FileSystem& fs,
                                                                 const std::string& path);

/// `what` says what was tried, e.g. "read Parquet file '/a/b'". A status of ours that
/// travelled through Arrow comes back as it was.
Status FromArrow(const arrow::Status& status, std::string_view what);
arrow::Status ToArrow(const Status& status);

/// Reading a file failed because of its content: Spark's FAILED_READ_FILE.
Status DamagedFile(std::string_view path, std::string_view format,
                   std::string_view detail);

}  // namespace millrace::connectors::file
