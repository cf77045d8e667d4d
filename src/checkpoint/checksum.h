// The checksum files Hadoop keeps beside each file, ".<name>.crc": Spark's local
// checkpoints have them, and so have ours.
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::checkpoint {

/// ".5.crc" for "5".
std::string ChecksumName(std::string_view name);

/// What Hadoop's ChecksumFileSystem writes beside a file of this content: "crc\0", the
/// number of bytes each sum stands for (512), and the CRC-32 of each such piece; numbers
/// are big-endian.
std::string MakeChecksum(std::string_view content);

/// Whether `checksum` belongs to another content. One that is itself cut short, as a
/// crash leaves it, says nothing.
bool Contradicts(std::string_view checksum, std::string_view content);

/// Writes a file atomically, and its checksum beside it; one that outlived an older file
/// is removed first. The checksum is not synced: no crash loses more than the check.
Status WriteChecked(FileSystem& fs, const std::string& path, const std::string& content);

/// The content of a file; an error where its checksum says that it was something else.
Result<std::string> ReadChecked(FileSystem& fs, const std::string& path);

}  // namespace millrace::checkpoint
