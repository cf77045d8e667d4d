#include "checkpoint/offset_log.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace millrace::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNoOffset = "-";

/// The lines of a text; a newline at its end makes no empty last line.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Error Damaged(const std::string& file, std::string_view wanted, std::string_view found) {
  constexpr size_t kShown = 80;
  return ExternalError(
             "Cannot read '{}': wanted {}, found: '{}'. Restore the file from a backup, "
             "or "
             "start with a new checkpoint.",
             file, wanted, found.substr(0, kShown))
      .Retryable(false);
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<int> ParseVersion(std::string_view line, const std::string& file) {
  if (line == "v1") return 1;
  if (line == "v2") return 2;
  return Damaged(file, "a version line 'v1' or 'v2'", line);
}

Result<Json> ParseObject(std::string_view text, std::string_view what,
                         const std::string& file) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Damaged(file, what, text);
  return json;
}

// A member that may be missing, as in logs of older Sparks.
Result<int64_t> IntegerMember(const Json& json, const char* key,
                              const std::string& file) {
  const auto member = json.find(key);
  if (member == json.end()) return int64_t{0};
  if (!member->is_number_integer()) {
    return Damaged(file, fmt::format("a whole number as '{}'", key), Dump(*member));
  }
  return member->get<int64_t>();
}

Result<Conf> ParseConf(const Json& metadata, const std::string& file) {
  Conf conf;
  const auto member = metadata.find("conf");
  if (member == metadata.end()) return conf;
  if (!member->is_object()) return Damaged(file, "an object as 'conf'", Dump(*member));
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) {
      return Damaged(file, fmt::format("a text as setting '{}'", key), Dump(value));
    }
    conf.emplace_back(key, value.get<std::string>());
  }
  return conf;
}

Result<std::optional<std::string>> ParseOffset(std::string_view text,
                                               const std::string& file) {
  if (text == kNoOffset) return std::optional<std::string>();
  // Kept as it is, but looked at, so that half a file is not taken for a whole one.
  if (!Json::accept(text)) return Damaged(file, "the JSON of an offset, or '-'", text);
  return std::optional<std::string>(text);
}

// v2 puts "<source>:" in front of an offset.
Result<size_t> ParseSourceId(std::string_view* line, const std::string& file) {
  const size_t colon = line->find(':');
  size_t id = 0;
  const char* const end = line->data() + std::min(colon, line->size());
  const auto parsed = std::from_chars(line->data(), end, id);
  if (colon == std::string_view::npos || line->starts_with('{')) {
    return Damaged(file, "a line '<source>:<offset>'", *line);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return UnsupportedError(
        "The checkpoint file '{}' belongs to a query with named sources, which Millrace "
        "does "
        "not have, found: '{}'. Start with a new checkpoint.",
        file, line->substr(0, colon));
  }
  line->remove_prefix(colon + 1);
  return id;
}

Status ParseOffsetsV2(const std::vector<std::string_view>& lines, const std::string& file,
                      OffsetSeq* out) {
  out->offsets.resize(lines.size());
  std::vector<bool> seen(lines.size(), false);
  for (std::string_view line : lines) {
    const std::string_view whole = line;
    MILLRACE_ASSIGN_OR_RETURN(const size_t id, ParseSourceId(&line, file));
    if (id >= seen.size() || seen[id]) {
      return Damaged(file, fmt::format("each source from 0 to {} once", lines.size() - 1),
                     whole);
    }
    seen[id] = true;
    MILLRACE_ASSIGN_OR_RETURN(out->offsets[id], ParseOffset(line, file));
  }
  return Status::OK();
}

}  // namespace

std::string Serialize(const OffsetSeq& offsets) {
  Json conf = Json::object();
  for (const auto& [key, value] : offsets.conf) conf[key] = value;
  Json metadata = {{"batchWatermarkMs", offsets.batch_watermark_ms},
                   {"batchTimestampMs", offsets.batch_timestamp_ms},
                   {"conf", std::move(conf)}};
  const bool v2 = offsets.format_version == 2;
  if (v2) metadata["sourceMetadataInfo"] = Json::object();

  std::string text = fmt::format("v{}\n{}", offsets.format_version, Dump(metadata));
  for (size_t source = 0; source < offsets.offsets.size(); ++source) {
    text += '\n';
    if (v2) text += fmt::format("{}:", source);
    text += offsets.offsets[source].value_or(std::string(kNoOffset));
  }
  return text;
}

Result<OffsetSeq> ParseOffsetSeq(const std::string& text, const std::string& file) {
  std::vector<std::string_view> lines = Lines(text);
  if (lines.size() < 2)
    return Damaged(file, "a version line and a line of metadata", text);
  OffsetSeq parsed;
  MILLRACE_ASSIGN_OR_RETURN(parsed.format_version, ParseVersion(lines[0], file));
  MILLRACE_ASSIGN_OR_RETURN(
      const Json metadata, ParseObject(lines[1], "the JSON of a batch's metadata", file));
  MILLRACE_ASSIGN_OR_RETURN(parsed.batch_watermark_ms,
                            IntegerMember(metadata, "batchWatermarkMs", file));
  MILLRACE_ASSIGN_OR_RETURN(parsed.batch_timestamp_ms,
                            IntegerMember(metadata, "batchTimestampMs", file));
  MILLRACE_ASSIGN_OR_RETURN(parsed.conf, ParseConf(metadata, file));
  const auto sources = metadata.find("sourceMetadataInfo");
  if (sources != metadata.end() && !sources->empty()) {
    return UnsupportedError(
        "The checkpoint file '{}' holds metadata of sources, which Millrace does not "
        "know, "
        "found: '{}'. Start with a new checkpoint.",
        file, Dump(*sources));
  }

  lines.erase(lines.begin(), lines.begin() + 2);
  if (parsed.format_version == 2) {
    MILLRACE_RETURN_IF_ERROR(ParseOffsetsV2(lines, file, &parsed));
    return parsed;
  }
  for (const std::string_view line : lines) {
    MILLRACE_ASSIGN_OR_RETURN(parsed.offsets.emplace_back(), ParseOffset(line, file));
  }
  return parsed;
}

std::string Serialize(const CommitMetadata& commit) {
  return fmt::format("v1\n{{\"nextBatchWatermarkMs\":{}}}",
                     commit.next_batch_watermark_ms);
}

Result<CommitMetadata> ParseCommitMetadata(const std::string& text,
                                           const std::string& file) {
  const std::vector<std::string_view> lines = Lines(text);
  if (lines.size() != 2) return Damaged(file, "a version line and a line of JSON", text);
  MILLRACE_RETURN_IF_ERROR(ParseVersion(lines[0], file).status());
  MILLRACE_ASSIGN_OR_RETURN(const Json json,
                            ParseObject(lines[1], "the JSON of a commit", file));
  CommitMetadata commit;
  MILLRACE_ASSIGN_OR_RETURN(commit.next_batch_watermark_ms,
                            IntegerMember(json, "nextBatchWatermarkMs", file));
  return commit;
}

}  // namespace millrace::checkpoint
