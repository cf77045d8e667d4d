#include "state/state_file.h"

#include <lz4.h>
#include <xxhash.h>

#include <bit>
#include <cstring>

// GCC 12 takes the inline buffer of a std::string that was moved for uninitialized.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace millrace::state {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they are");

constexpr std::string_view kBegin = "MRSTATE\n";
constexpr std::string_view kEnd = "\nMREND.\n";
constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderSize = 32;
constexpr size_t kIndexEntrySize = 40;
constexpr size_t kFooterSize = 24;
constexpr uint32_t kStored = 0;
constexpr uint32_t kLz4 = 1;

template <typename T>
void AppendInteger(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

template <typename T>
T TakeInteger(std::string_view* bytes) {
  T value;
  std::memcpy(&value, bytes->data(), sizeof(T));
  bytes->remove_prefix(sizeof(T));
  return value;
}

std::string HeaderBytes(const StateFileHeader& header) {
  std::string bytes(kBegin);
  AppendInteger(kVersion, &bytes);
  AppendInteger(static_cast<uint8_t>(header.kind), &bytes);
  AppendInteger(uint16_t{0}, &bytes);
  AppendInteger(header.key_groups, &bytes);
  AppendInteger(header.batch, &bytes);
  AppendInteger(header.link, &bytes);
  return bytes;
}

std::string Describe(const StateFileHeader& header) {
  return fmt::format("{} of batch {} with {} key groups",
                     header.kind == StateFileKind::kDelta ? "delta" : "snapshot",
                     header.batch, header.key_groups);
}

uint64_t Checksum(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

/// Compresses `raw` to `out`; kStored, with `out` untouched, where that does not help.
uint32_t Compress(std::string_view raw, std::string* out) {
  if (raw.size() > LZ4_MAX_INPUT_SIZE) return kStored;
  const int size = static_cast<int>(raw.size());
  const int bound = LZ4_compressBound(size);
  if (out->size() < static_cast<size_t>(bound)) out->resize(static_cast<size_t>(bound));
  const int compressed = LZ4_compress_default(raw.data(), out->data(), size, bound);
  if (compressed <= 0 || compressed >= size) return kStored;
  out->resize(static_cast<size_t>(compressed));
  return kLz4;
}

}  // namespace

Error DamagedStateFile(std::string_view path, int64_t offset, std::string_view wanted,
                       std::string_view found) {
  return ExternalError(
             "The state file '{}' is damaged at offset {}: wanted {}, found {}. Restore "
             "it "
             "from a backup, or start with a new checkpoint.",
             path, offset, wanted, found)
      .Class("CANNOT_LOAD_STATE_STORE.UNCATEGORIZED", "58030")
      .Retryable(false);
}

StateFileWriter::StateFileWriter(const StateFileHeader& header, Append append)
    : header_(HeaderBytes(header)), append_(std::move(append)) {}

Status StateFileWriter::AppendHeader() {
  if (begun_) return Status::OK();
  begun_ = true;
  return append_(header_);
}

Status StateFileWriter::AddSection(uint32_t group, std::string_view raw,
                                   uint64_t records) {
  if (raw.empty()) return Status::OK();
  MILLRACE_RETURN_IF_ERROR(AppendHeader());
  const uint32_t codec = Compress(raw, &compressed_);
  const std::string_view stored = codec == kStored ? raw : std::string_view(compressed_);
  AppendInteger(group, &index_);
  AppendInteger(codec, &index_);
  AppendInteger(uint64_t{stored.size()}, &index_);
  AppendInteger(uint64_t{raw.size()}, &index_);
  AppendInteger(records, &index_);
  AppendInteger(Checksum(stored), &index_);
  ++sections_;
  return append_(stored);
}

Result<uint64_t> StateFileWriter::Finish() {
  MILLRACE_RETURN_IF_ERROR(AppendHeader());
  std::string tail = std::move(index_);
  AppendInteger(sections_, &tail);
  const uint64_t digest = Checksum(header_ + tail);
  AppendInteger(digest, &tail);
  tail += kEnd;
  MILLRACE_RETURN_IF_ERROR(append_(tail));
  return digest;
}

StateFileReader::StateFileReader(std::string path, std::unique_ptr<ReadableFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

Result<std::unique_ptr<StateFileReader>> StateFileReader::Open(
    FileSystem* fs, const std::string& path, const StateFileHeader& expected) {
  MILLRACE_ASSIGN_OR_RETURN(auto file, fs->OpenForRead(path));
  std::unique_ptr<StateFileReader> reader(new StateFileReader(path, std::move(file)));
  MILLRACE_RETURN_IF_ERROR(reader->ReadFrame(expected));
  return reader;
}

Status StateFileReader::ReadFrame(const StateFileHeader& expected) {
  MILLRACE_ASSIGN_OR_RETURN(const int64_t file_size, file_->Size());
  const auto size = static_cast<uint64_t>(file_size);
  if (size < kHeaderSize + kFooterSize) {
    return DamagedStateFile(path_, file_size,
                            fmt::format("at least {} bytes", kHeaderSize + kFooterSize),
                            fmt::format("{}", size));
  }
  const auto footer_offset = static_cast<int64_t>(size - kFooterSize);
  MILLRACE_ASSIGN_OR_RETURN(const std::string footer,
                            ReadBytes(footer_offset, kFooterSize));
  std::string_view rest = footer;
  const auto count = TakeInteger<uint64_t>(&rest);
  digest_ = TakeInteger<uint64_t>(&rest);
  if (rest != kEnd || count > (size - kHeaderSize - kFooterSize) / kIndexEntrySize) {
    return DamagedStateFile(path_, footer_offset, "a footer", "something else");
  }

  MILLRACE_ASSIGN_OR_RETURN(const std::string header, ReadBytes(0, kHeaderSize));
  const uint64_t index_size = count * kIndexEntrySize;
  const auto index_offset = footer_offset - static_cast<int64_t>(index_size);
  MILLRACE_ASSIGN_OR_RETURN(const std::string index, ReadBytes(index_offset, index_size));
  const std::string_view count_bytes = std::string_view(footer).substr(0, sizeof(count));
  if (Checksum(header + index + std::string(count_bytes)) != digest_) {
    return DamagedStateFile(path_, index_offset,
                            "header and index of the digest in the footer",
                            "another digest");
  }
  MILLRACE_RETURN_IF_ERROR(ParseHeader(header, expected));
  MILLRACE_RETURN_IF_ERROR(ParseIndex(index));
  const int64_t end =
      sections_.empty()
          ? static_cast<int64_t>(kHeaderSize)
          : sections_.back().offset + static_cast<int64_t>(sections_.back().stored_size);
  if (end != index_offset) {
    return DamagedStateFile(path_, end,
                            fmt::format("sections up to offset {}", index_offset),
                            fmt::format("sections up to {}", end));
  }
  return Status::OK();
}

Status StateFileReader::ParseHeader(std::string_view bytes,
                                    const StateFileHeader& expected) {
  if (!bytes.starts_with(kBegin)) {
    return DamagedStateFile(path_, 0, "a state file", "something else");
  }
  bytes.remove_prefix(kBegin.size());
  const auto version = TakeInteger<uint8_t>(&bytes);
  if (version != kVersion) {
    return DamagedStateFile(path_, kBegin.size(), fmt::format("version {}", kVersion),
                            fmt::format("version {}, of another Millrace", version));
  }
  header_.kind = static_cast<StateFileKind>(TakeInteger<uint8_t>(&bytes));
  TakeInteger<uint16_t>(&bytes);
  header_.key_groups = TakeInteger<uint32_t>(&bytes);
  header_.batch = TakeInteger<int64_t>(&bytes);
  header_.link = TakeInteger<uint64_t>(&bytes);
  StateFileHeader wanted = expected;
  wanted.link = header_.link;
  if (header_ != wanted) {
    return DamagedStateFile(path_, 0, fmt::format("the {}", Describe(wanted)),
                            fmt::format("the {}", Describe(header_)));
  }
  return Status::OK();
}

Status StateFileReader::ParseIndex(std::string_view bytes) {
  int64_t offset = kHeaderSize;
  while (!bytes.empty()) {
    Section section;
    section.group = TakeInteger<uint32_t>(&bytes);
    section.codec = TakeInteger<uint32_t>(&bytes);
    section.stored_size = TakeInteger<uint64_t>(&bytes);
    section.raw_size = TakeInteger<uint64_t>(&bytes);
    section.records = TakeInteger<uint64_t>(&bytes);
    section.checksum = TakeInteger<uint64_t>(&bytes);
    section.offset = offset;
    offset += static_cast<int64_t>(section.stored_size);
    const bool may_be_mixed = header_.kind == StateFileKind::kDelta;
    if (section.group >= header_.key_groups &&
        !(may_be_mixed && section.group == kMixedGroups)) {
      return DamagedStateFile(path_, section.offset,
                              fmt::format("a key group below {}", header_.key_groups),
                              fmt::format("{}", section.group));
    }
    sections_.push_back(section);
  }
  return Status::OK();
}

Result<std::string> StateFileReader::ReadBytes(int64_t offset, uint64_t length) const {
  std::string bytes(length, '\0');
  MILLRACE_ASSIGN_OR_RETURN(
      const int64_t read,
      file_->ReadAt(offset, static_cast<int64_t>(length), bytes.data()));
  if (static_cast<uint64_t>(read) != length) {
    return DamagedStateFile(path_, offset, fmt::format("{} bytes", length),
                            fmt::format("{}", read));
  }
  return bytes;
}

Result<std::string> StateFileReader::ReadStored(const Section& section) const {
  MILLRACE_ASSIGN_OR_RETURN(std::string stored,
                            ReadBytes(section.offset, section.stored_size));
  if (Checksum(stored) != section.checksum) {
    return DamagedStateFile(path_, section.offset,
                            "a section of the checksum in the index", "another checksum");
  }
  return stored;
}

Result<std::string> StateFileReader::ReadSection(const Section& section) const {
  MILLRACE_ASSIGN_OR_RETURN(std::string stored, ReadStored(section));
  if (section.codec == kStored) return stored;
  if (section.codec != kLz4 || section.raw_size > LZ4_MAX_INPUT_SIZE) {
    return DamagedStateFile(path_, section.offset, "LZ4 or no compression",
                            fmt::format("codec {}", section.codec));
  }
  std::string raw(section.raw_size, '\0');
  const int size =
      LZ4_decompress_safe(stored.data(), raw.data(), static_cast<int>(stored.size()),
                          static_cast<int>(raw.size()));
  if (size < 0 || static_cast<uint64_t>(size) != section.raw_size) {
    return DamagedStateFile(path_, section.offset,
                            fmt::format("{} bytes of LZ4", section.raw_size),
                            "something else");
  }
  return raw;
}

Status StateFileReader::CheckSections() const {
  for (const Section& section : sections_) {
    MILLRACE_RETURN_IF_ERROR(ReadStored(section).status());
  }
  return Status::OK();
}

}  // namespace millrace::state
