// One .delta or .snapshot file: sections of records, compressed and checksummed.
// Format: docs/formats/state.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::state {

enum class StateFileKind : uint8_t { kDelta = 1, kSnapshot = 2 };

/// What a file says about itself.
struct StateFileHeader {
  StateFileKind kind = StateFileKind::kDelta;
  uint32_t key_groups = 0;
  int64_t batch = 0;
  /// Of a delta: the digest of the delta before it, 0 for batch 0. Of a snapshot: the
  /// digest of the batch's delta. So a file that belongs to another history is told.
  uint64_t link = 0;

  bool operator==(const StateFileHeader&) const = default;
};

/// The group of a section whose records are of any group.
inline constexpr uint32_t kMixedGroups = 0xffffffff;

struct Section {
  uint32_t group = kMixedGroups;
  uint32_t codec = 0;
  uint64_t stored_size = 0;
  uint64_t raw_size = 0;
  uint64_t records = 0;
  uint64_t checksum = 0;  // XXH64 of the stored bytes
  int64_t offset = 0;     // in the file; not stored
};

/// Fault::kExternal, CANNOT_LOAD_STATE_STORE.UNCATEGORIZED / 58030.
Error DamagedStateFile(std::string_view path, int64_t offset, std::string_view wanted,
                       std::string_view found);

/// Gives the bytes of a file, piece by piece, to `append`.
/// Threading: one thread.
class StateFileWriter {
 public:
  using Append = std::function<Status(std::string_view)>;

  StateFileWriter(const StateFileHeader& header, Append append);

  /// `records` is how many `raw` holds; an empty section is left out.
  Status AddSection(uint32_t group, std::string_view raw, uint64_t records);
  /// Last call. Returns the file's digest, which stands for its whole content.
  Result<uint64_t> Finish();

 private:
  Status AppendHeader();

  const std::string header_;
  const Append append_;
  bool begun_ = false;
  std::string index_;
  uint64_t sections_ = 0;
  std::string compressed_;
};

/// Threading: one thread.
/// Failure: damage is an error that names file and offset.
class StateFileReader {
 public:
  /// Checks all but the sections. `expected`: `link` is not compared.
  static Result<std::unique_ptr<StateFileReader>> Open(FileSystem* fs,
                                                       const std::string& path,
                                                       const StateFileHeader& expected);

  const std::string& path() const { return path_; }
  const StateFileHeader& header() const { return header_; }
  uint64_t digest() const { return digest_; }
  const std::vector<Section>& sections() const { return sections_; }

  /// The records of a section, its checksum checked.
  Result<std::string> ReadSection(const Section& section) const;
  /// Checks the checksum of each section.
  Status CheckSections() const;

 private:
  StateFileReader(std::string path, std::unique_ptr<ReadableFile> file);
  Status ReadFrame(const StateFileHeader& expected);
  Status ParseHeader(std::string_view bytes, const StateFileHeader& expected);
  Status ParseIndex(std::string_view bytes);
  Result<std::string> ReadBytes(int64_t offset, uint64_t length) const;
  Result<std::string> ReadStored(const Section& section) const;

  const std::string path_;
  const std::unique_ptr<ReadableFile> file_;
  StateFileHeader header_;
  uint64_t digest_ = 0;
  std::vector<Section> sections_;
};

}  // namespace millrace::state
