// offsets/N: what batch N is going to read, durable before anything of N becomes visible.
// Spark's OffsetSeqLog, formats v1 and v2: docs/formats/checkpoint.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/status.h"

namespace millrace::checkpoint {

/// The settings a batch was planned with, in Spark's order of keys.
using Conf = std::vector<std::pair<std::string, std::string>>;

/// One file of the offset log.
struct OffsetSeq {
  int64_t batch_watermark_ms = 0;
  int64_t batch_timestamp_ms = 0;
  Conf conf;
  /// Source number -> its offset as JSON text; nothing where it has none yet ("-").
  std::vector<std::optional<std::string>> offsets;
  int format_version = 1;  // 1 or 2; what was read is written again

  bool operator==(const OffsetSeq&) const = default;
};

/// Spark's text of it, without a trailing newline.
std::string Serialize(const OffsetSeq& offsets);
/// Errors name what is wrong with the text; `file` is used in them.
Result<OffsetSeq> ParseOffsetSeq(const std::string& text, const std::string& file);

/// commits/N: batch N is done.
struct CommitMetadata {
  int64_t next_batch_watermark_ms = 0;

  bool operator==(const CommitMetadata&) const = default;
};
std::string Serialize(const CommitMetadata& commit);
Result<CommitMetadata> ParseCommitMetadata(const std::string& text,
                                           const std::string& file);

}  // namespace millrace::checkpoint
