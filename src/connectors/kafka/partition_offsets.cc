#include "connectors/kafka/partition_offsets.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

using nlohmann::json;

template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  T value;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Spark's JSON reader takes numbers in quotes too.
template <typename T>
std::optional<T> IntegerOf(const json& value) {
  if (value.is_string()) return ParseInteger<T>(value.get_ref<const std::string&>());
  if (!value.is_number_integer()) return std::nullopt;
  return ParseInteger<T>(value.dump());
}

std::optional<PartitionOffsets> ReadMap(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return std::nullopt;
  PartitionOffsets result;
  for (const auto& [topic, partitions] : root.items()) {
    if (!partitions.is_object()) return std::nullopt;
    for (const auto& [key, value] : partitions.items()) {
      const auto partition = ParseInteger<int32_t>(key);
      const auto offset = IntegerOf<int64_t>(value);
      if (!partition || !offset) return std::nullopt;
      result[{topic, *partition}] = *offset;
    }
  }
  return result;
}

}  // namespace

std::string ToString(const TopicPartition& partition) {
  return fmt::format("{}-{}", partition.topic, partition.partition);
}

std::string ToJson(const PartitionOffsets& offsets) {
  std::string out = "{";
  const std::string* topic = nullptr;
  for (const auto& [partition, offset] : offsets) {
    if (topic == nullptr || *topic != partition.topic) {
      if (topic != nullptr) out += "},";
      out += json(partition.topic).dump();
      out += ":{";
      topic = &partition.topic;
    } else {
      out += ',';
    }
    fmt::format_to(std::back_inserter(out), "\"{}\":{}", partition.partition, offset);
  }
  if (topic != nullptr) out += '}';
  out += '}';
  return out;
}

Result<PartitionOffsets> ParseOffsets(std::string_view text) {
  if (auto offsets = ReadMap(text)) return *std::move(offsets);
  return ArgumentError(
      R"(Expected e.g. {{"topicA":{{"0":23,"1":-1}},"topicB":{{"0":-2}}}}, got {})",
      text);
}

Result<PartitionOffsets> ParseTimestamps(std::string_view text) {
  if (auto timestamps = ReadMap(text)) return *std::move(timestamps);
  return ArgumentError(
      "Expected e.g. {{\"topicA\": {{\"0\": 123456789, \"1\": 123456789}},\n"
      "\"topicB\": {{\"0\": 123456789, \"1\": 123456789}}}}, got {}",
      text);
}

Result<PartitionSet> ParsePartitions(std::string_view text) {
  const Error wrong =
      ArgumentError(R"(Expected e.g. {{"topicA":[0,1],"topicB":[0,1]}}, got {})", text);
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return Error(wrong);
  PartitionSet result;
  for (const auto& [topic, partitions] : root.items()) {
    if (!partitions.is_array()) return Error(wrong);
    for (const json& value : partitions) {
      const auto partition = IntegerOf<int32_t>(value);
      if (!partition) return Error(wrong);
      result.insert({topic, *partition});
    }
  }
  return result;
}

std::string ToString(const PartitionSet& partitions) {
  std::string out = "Set(";
  const char* separator = "";
  for (const TopicPartition& partition : partitions) {
    out += separator;
    out += ToString(partition);
    separator = ", ";
  }
  return out + ")";
}

std::string ToString(const PartitionOffsets& offsets) {
  std::string out = "Map(";
  const char* separator = "";
  for (const auto& [partition, offset] : offsets) {
    out += fmt::format("{}{} -> {}", separator, ToString(partition), offset);
    separator = ", ";
  }
  return out + ")";
}

PartitionSet Keys(const PartitionOffsets& offsets) {
  PartitionSet keys;
  for (const auto& [partition, offset] : offsets) keys.insert(keys.end(), partition);
  return keys;
}

}  // namespace millrace::connectors::kafka
