#include "checkpoint/checksum.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/error.h"

namespace millrace::checkpoint {
namespace {

constexpr std::string_view kMagic("crc\0", 4);
constexpr size_t kHeader = 8;  // the magic and the size of a piece
constexpr size_t kPiece = 512;
constexpr size_t kSum = 4;

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    }
    table[i] = crc;
  }
  return table;
}

uint32_t Crc32(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ crc >> 8;
  }
  return ~crc;
}

void AppendNumber(uint32_t value, std::string* out) {
  for (const int shift : {24, 16, 8, 0}) *out += static_cast<char>(value >> shift & 0xFF);
}

uint32_t ReadNumber(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, kSum)) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

std::string Make(std::string_view content, size_t piece) {
  std::string out(kMagic);
  AppendNumber(static_cast<uint32_t>(piece), &out);
  for (size_t at = 0; at < content.size(); at += piece) {
    AppendNumber(Crc32(content.substr(at, piece)), &out);
  }
  return out;
}

}  // namespace

std::string ChecksumName(std::string_view name) { return fmt::format(".{}.crc", name); }

std::string MakeChecksum(std::string_view content) { return Make(content, kPiece); }

bool Contradicts(std::string_view checksum, std::string_view content) {
  if (checksum.size() < kHeader || !checksum.starts_with(kMagic)) return false;
  const size_t piece = ReadNumber(checksum.substr(kMagic.size()));
  if (piece == 0 || (checksum.size() - kHeader) % kSum != 0) return false;
  const std::string expected = Make(content, piece);
  return checksum.size() >= expected.size() && checksum != expected;
}

Status WriteChecked(FileSystem& fs, const std::string& path, const std::string& content) {
  const std::string checksum = JoinPath(DirName(path), ChecksumName(BaseName(path)));
  MILLRACE_ASSIGN_OR_RETURN(const auto stale, fs.Stat(checksum));
  if (stale) MILLRACE_RETURN_IF_ERROR(fs.Remove(checksum));
  MILLRACE_RETURN_IF_ERROR(fs.WriteFileAtomically(path, content));
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                            fs.OpenForWrite(checksum));
  MILLRACE_RETURN_IF_ERROR(file->Append(MakeChecksum(content)));
  return file->Close();
}

Result<std::string> ReadChecked(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::string content, fs.ReadFile(path));
  const std::string checksum = JoinPath(DirName(path), ChecksumName(BaseName(path)));
  MILLRACE_ASSIGN_OR_RETURN(const auto info, fs.Stat(checksum));
  if (!info) return content;
  MILLRACE_ASSIGN_OR_RETURN(const std::string sums, fs.ReadFile(checksum));
  if (!Contradicts(sums, content)) return content;
  return ExternalError(
             "Cannot read '{}': wanted what its checksum '{}' stands for, found another "
             "content. Restore the file from a backup, or start with a new checkpoint. "
             "If you changed it on purpose, remove its checksum.",
             path, BaseName(checksum))
      .Retryable(false);
}

}  // namespace millrace::checkpoint
