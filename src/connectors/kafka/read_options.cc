#include "connectors/kafka/read_options.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/ascii.h"
#include "base/error.h"

namespace millrace::connectors::kafka {
namespace {

constexpr std::string_view kKafkaArgument =
    "org.apache.spark.sql.kafka010.KafkaIllegalArgumentException";

Error NotANumber(std::string_view text) {
  return Error(Fault::kUser, "For input string: \"{}\"", text)
      .Java("java.lang.NumberFormatException");
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<int64_t> ParseLong(std::string_view text) {
  int64_t value = 0;
  const char* begin = text.data();
  if (!text.empty() && *begin == '+') ++begin;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::optional<int64_t>> GetLong(const Options& options, std::string_view key) {
  const std::optional<std::string> text = options.Get(key);
  if (!text) return std::optional<int64_t>();
  const std::optional<int64_t> value = ParseLong(*text);
  if (!value) return NotANumber(*text);
  return value;
}

// Spark takes any number; 0 offsets a trigger would wait for ever.
Result<std::optional<int64_t>> GetPositive(const Options& options, std::string_view key) {
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<int64_t> value, GetLong(options, key));
  if (value && *value <= 0) {
    return ArgumentError("Option '{}' must be a positive number, found: {}", key, *value);
  }
  return value;
}

Result<bool> GetFlag(const Options& options, std::string_view key, bool fallback) {
  const std::optional<std::string> text = options.Get(key);
  if (!text) return fallback;
  const std::string lower = LowerCase(*text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return ArgumentError("For input string: \"{}\"", *text);
}

std::vector<std::string> SplitTopics(std::string_view text) {
  std::vector<std::string> topics;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view topic = Trim(text.substr(0, comma));
    if (!topic.empty()) topics.emplace_back(topic);
    if (comma == std::string_view::npos) return topics;
    text.remove_prefix(comma + 1);
  }
}

// Java's duration texts, "15m", "10s", "200ms"; a number alone is in milliseconds.
// Spark: JavaUtils.timeStringAsMs.
Result<std::chrono::milliseconds> ParseDelay(std::string_view text) {
  const std::string lower = LowerCase(Trim(text));
  int64_t number = 0;
  const char* end = lower.data() + lower.size();
  const auto [rest, error] = std::from_chars(lower.data(), end, number);
  if (error == std::errc()) {
    using std::chrono::milliseconds;
    const std::string_view unit(rest, static_cast<size_t>(end - rest));
    if (unit.empty() || unit == "ms") return milliseconds(number);
    if (unit == "us") return milliseconds(number / 1000);
    if (unit == "s") return milliseconds(std::chrono::seconds(number));
    if (unit == "m" || unit == "min") return milliseconds(std::chrono::minutes(number));
    if (unit == "h") return milliseconds(std::chrono::hours(number));
    if (unit == "d") return milliseconds(std::chrono::hours(24 * number));
  }
  return ArgumentError(
      "Option 'maxTriggerDelay' must be a time as 50s, 100ms, 250us, 15m, 2h or 1d, "
      "found: {}",
      text);
}

// KafkaSourceProvider.validateGeneralOptions
Status CheckGeneral(const Options& options) {
  const int strategies =
      options.Has("subscribe") + options.Has("subscribePattern") + options.Has("assign");
  if (strategies != 1) {
    return ArgumentError(
        "{} of the following options {} be specified for Kafka source: subscribe, "
        "subscribepattern, assign. See the docs for more details.",
        strategies == 0 ? "One" : "Only one", strategies == 0 ? "must" : "can");
  }
  if (const auto assign = options.Get("assign");
      assign && !Trim(*assign).starts_with('{')) {
    return ArgumentError(
        "No topicpartitions to assign as specified value for option 'assign' is '{}'",
        *assign);
  }
  if (const auto topics = options.Get("subscribe");
      topics && SplitTopics(*topics).empty()) {
    return ArgumentError(
        "No topics to subscribe to as specified value for option 'subscribe' is '{}'",
        *topics);
  }
  if (const auto pattern = options.Get("subscribePattern");
      pattern && Trim(*pattern).empty()) {
    return ArgumentError(
        "Pattern to subscribe is empty as specified value for option 'subscribePattern' "
        "is '{}'",
        *pattern);
  }
  for (const std::string_view key : {"minPartitions", "maxRecordsPerPartition"}) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<int64_t> value, GetLong(options, key));
    if (value && *value <= 0) {
      return ArgumentError("{} must be positive",
                           key == "minPartitions" ? std::string(key) : LowerCase(key));
    }
  }
  if (options.Has("kafka.auto.offset.reset")) {
    return ArgumentError(
        "\nKafka option 'auto.offset.reset' is not supported.\n"
        "Instead set the source option 'startingoffsets' to 'earliest' or 'latest'\n"
        "to specify where to start. Structured Streaming manages which offsets are "
        "consumed\n"
        "internally, rather than relying on the kafkaConsumer to do it. This will ensure "
        "that "
        "no\n"
        "data is missed when new topics/partitions are dynamically subscribed. Note "
        "that\n"
        "'startingoffsets' only applies when a new Streaming query is started, and\n"
        "that resuming will always pick up from where the query left off. See the docs "
        "for "
        "more\ndetails.\n         ");
  }
  if (options.Has("kafka.key.deserializer")) {
    return ArgumentError(
        "Kafka option 'key.deserializer' is not supported as keys are deserialized as "
        "byte "
        "arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly "
        "deserialize "
        "the keys.");
  }
  if (options.Has("kafka.value.deserializer")) {
    return ArgumentError(
        "Kafka option 'value.deserializer' is not supported as values are deserialized "
        "as byte "
        "arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly "
        "deserialize "
        "the values.");
  }
  for (const std::string_view key : {"enable.auto.commit", "interceptor.classes"}) {
    if (options.Has(fmt::format("kafka.{}", key))) {
      return ArgumentError("Kafka option '{}' is not supported", key);
    }
  }
  if (!options.Has("kafka.bootstrap.servers")) {
    return ArgumentError(
        "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka "
        "consumer");
  }
  if (options.Has("minOffsetsPerTrigger") && options.Has("maxOffsetsPerTrigger")) {
    MILLRACE_ASSIGN_OR_RETURN(const auto least, GetLong(options, "minOffsetsPerTrigger"));
    MILLRACE_ASSIGN_OR_RETURN(const auto most, GetLong(options, "maxOffsetsPerTrigger"));
    if (*least > *most) {
      return ArgumentError(
          "The value of minOffsetPerTrigger({}) is higher than the "
          "maxOffsetsPerTrigger({}).",
          *least, *most);
    }
  }
  return Status::OK();
}

Result<Subscription> ParseSubscription(const Options& options) {
  Subscription result;
  if (const auto topics = options.Get("subscribe")) {
    result.topics = SplitTopics(*topics);
  } else if (const auto pattern = options.Get("subscribePattern")) {
    result.kind = Subscription::Kind::kPattern;
    result.pattern = Trim(*pattern);
    const RE2 compiled(result.pattern, RE2::Quiet);
    if (!compiled.ok()) {
      return ArgumentError(
          "Option 'subscribePattern' must be a regular expression, without look-around "
          "and back-references ({}), found: {}",
          compiled.error(), result.pattern);
    }
  } else {
    result.kind = Subscription::Kind::kAssign;
    MILLRACE_ASSIGN_OR_RETURN(result.partitions,
                              ParsePartitions(options.GetOr("assign", "")));
  }
  return result;
}

// The keys that say where to begin or to end, the first one present wins.
struct LimitKeys {
  std::string_view timestamp;
  std::string_view timestamps;
  std::string_view offsets;
};
constexpr LimitKeys kStart = {"startingTimestamp", "startingOffsetsByTimestamp",
                              "startingOffsets"};
constexpr LimitKeys kEnd = {"endingTimestamp", "endingOffsetsByTimestamp",
                            "endingOffsets"};

// KafkaSourceProvider.getKafkaOffsetRangeLimit
Result<OffsetLimit> ParseLimit(const Options& options, const LimitKeys& keys,
                               OffsetLimit::Kind fallback) {
  OffsetLimit limit;
  limit.kind = fallback;
  if (const auto strategy = options.Get("startingOffsetsByTimestampStrategy")) {
    const std::string lower = LowerCase(*strategy);
    if (lower != "error" && lower != "latest") {
      return ArgumentError(
          "Option 'startingOffsetsByTimestampStrategy' must be error or latest, found: "
          "{}",
          *strategy);
    }
    limit.latest_if_no_match = lower == "latest";
  }
  if (const auto text = options.Get(keys.timestamp)) {
    const std::optional<int64_t> timestamp = ParseLong(Trim(*text));
    if (!timestamp)
      return ArgumentError("Expected a single long value, got {}", Trim(*text));
    limit.kind = OffsetLimit::Kind::kTimestamp;
    limit.timestamp_ms = *timestamp;
  } else if (const auto json = options.Get(keys.timestamps)) {
    limit.kind = OffsetLimit::Kind::kTimestamps;
    MILLRACE_ASSIGN_OR_RETURN(limit.values, ParseTimestamps(Trim(*json)));
  } else if (const auto offsets = options.Get(keys.offsets)) {
    const std::string_view value = Trim(*offsets);
    if (LowerCase(value) == "latest") {
      limit.kind = OffsetLimit::Kind::kLatest;
    } else if (LowerCase(value) == "earliest") {
      limit.kind = OffsetLimit::Kind::kEarliest;
    } else {
      limit.kind = OffsetLimit::Kind::kOffsets;
      MILLRACE_ASSIGN_OR_RETURN(limit.values, ParseOffsets(value));
      for (const auto& [partition, offset] : limit.values) {
        if (offset >= 0 || offset == kLatestOffset || offset == kEarliestOffset) continue;
        return ArgumentError(
            "Option '{}' must give offsets from 0 on, -1 for latest or -2 for earliest, "
            "found {} for {}.",
            keys.offsets, offset, ToString(partition));
      }
    }
  }
  return limit;
}

// KafkaSourceProvider.validateBatchOptions, the part about offsets
Status CheckBatchLimits(const OffsetLimit& start, const OffsetLimit& end) {
  if (start.kind == OffsetLimit::Kind::kLatest) {
    return ArgumentError("starting offset can't be latest for batch queries on Kafka");
  }
  if (start.kind == OffsetLimit::Kind::kOffsets) {
    for (const auto& [partition, offset] : start.values) {
      if (offset != kLatestOffset) continue;
      return ArgumentError(
          "startingOffsets for {} can't be latest for batch queries on Kafka",
          ToString(partition));
    }
  }
  if (end.kind == OffsetLimit::Kind::kEarliest) {
    return ArgumentError("ending offset can't be earliest for batch queries on Kafka");
  }
  if (end.kind == OffsetLimit::Kind::kOffsets) {
    for (const auto& [partition, offset] : end.values) {
      if (offset != kEarliestOffset) continue;
      return ArgumentError(
          "ending offset for {} can't be earliest for batch queries on Kafka",
          ToString(partition));
    }
  }
  return Status::OK();
}

// KafkaSourceProvider.checkOffsetLimitValidity
Status CheckOrder(const OffsetLimit& start, const OffsetLimit& end) {
  const bool offsets = start.kind == OffsetLimit::Kind::kOffsets;
  if (start.kind != end.kind ||
      (!offsets && start.kind != OffsetLimit::Kind::kTimestamps)) {
    return Status::OK();
  }
  const auto list = [](const PartitionOffsets& values) {
    std::string text = ToString(Keys(values));
    return text.substr(4, text.size() - 5);  // without "Set(" and ")"
  };
  if (Keys(start.values) != Keys(end.values)) {
    return ArgumentError(
               "The specified start offset and end offset should have the same "
               "topic-partitions.\nTopic-partitions for start offset: {}, "
               "topic-partitions for "
               "end offset: {}.",
               list(start.values), list(end.values))
        .Class("MISMATCHED_TOPIC_PARTITIONS_BETWEEN_START_OFFSET_AND_END_OFFSET")
        .Java(kKafkaArgument);
  }
  for (const auto& [partition, from] : start.values) {
    const int64_t until = end.values.at(partition);
    if (from <= until || from < 0 || until < 0) continue;
    return ArgumentError(
               "The specified start {0} {1} is greater than the end {0} {2} for topic "
               "{3} partition {4}.",
               offsets ? "offset" : "timestamp", from, until, partition.topic,
               partition.partition)
        .Class("UNRESOLVED_START_OFFSET_GREATER_THAN_END_OFFSET")
        .Java(kKafkaArgument);
  }
  return Status::OK();
}

Status ParseRest(const Options& options, ReadOptions* out) {
  MILLRACE_ASSIGN_OR_RETURN(out->subscription, ParseSubscription(options));
  MILLRACE_ASSIGN_OR_RETURN(out->fail_on_data_loss,
                            GetFlag(options, "failOnDataLoss", true));
  MILLRACE_ASSIGN_OR_RETURN(out->include_headers, ParseIncludeHeaders(options));
  MILLRACE_ASSIGN_OR_RETURN(out->max_offsets_per_trigger,
                            GetPositive(options, "maxOffsetsPerTrigger"));
  MILLRACE_ASSIGN_OR_RETURN(out->min_offsets_per_trigger,
                            GetPositive(options, "minOffsetsPerTrigger"));
  if (const auto delay = options.Get("maxTriggerDelay")) {
    MILLRACE_ASSIGN_OR_RETURN(out->max_trigger_delay, ParseDelay(*delay));
  }
  MILLRACE_ASSIGN_OR_RETURN(const auto poll,
                            GetPositive(options, "kafkaConsumer.pollTimeoutMs"));
  if (poll) out->poll_timeout = std::chrono::milliseconds(*poll);
  MILLRACE_ASSIGN_OR_RETURN(const auto attempts,
                            GetPositive(options, "fetchOffset.numRetries"));
  if (attempts)
    out->fetch_attempts = static_cast<int>(std::clamp<int64_t>(*attempts, 1, 1000));
  MILLRACE_ASSIGN_OR_RETURN(const auto pause,
                            GetLong(options, "fetchOffset.retryIntervalMs"));
  if (pause && *pause < 0) {
    return ArgumentError(
        "Option 'fetchOffset.retryIntervalMs' must not be negative, found: {}", *pause);
  }
  if (pause) out->fetch_retry_interval = std::chrono::milliseconds(*pause);
  out->group_id = options.Get("kafka.group.id");
  return options.Check("Kafka source", KafkaSourceOptions());
}

}  // namespace

std::string Subscription::ToString() const {
  std::string list;
  const auto append = [&list](std::string_view item) {
    if (!list.empty()) list += ", ";
    list += item;
  };
  switch (kind) {
    case Kind::kTopics:
      for (const std::string& topic : topics) append(topic);
      return fmt::format("Subscribe[{}]", list);
    case Kind::kPattern:
      return fmt::format("SubscribePattern[{}]", pattern);
    case Kind::kAssign:
      for (const TopicPartition& partition : partitions)
        append(kafka::ToString(partition));
      return fmt::format("Assign[{}]", list);
  }
  return "";
}

Result<bool> ParseIncludeHeaders(const Options& options) {
  return GetFlag(options, "includeHeaders", false);
}

Result<ReadOptions> ParseStreamOptions(const Options& options) {
  if (options.Has("endingOffsets")) {
    return ArgumentError("ending offset not valid in streaming queries");
  }
  if (options.Has("endingOffsetsByTimestamp")) {
    return ArgumentError("ending timestamp not valid in streaming queries");
  }
  MILLRACE_RETURN_IF_ERROR(CheckGeneral(options));
  ReadOptions result;
  MILLRACE_ASSIGN_OR_RETURN(result.start,
                            ParseLimit(options, kStart, OffsetLimit::Kind::kLatest));
  result.group_id_prefix = options.GetOr("groupIdPrefix", "spark-kafka-source");
  MILLRACE_RETURN_IF_ERROR(ParseRest(options, &result));
  return result;
}

Result<ReadOptions> ParseBatchOptions(const Options& options) {
  ReadOptions result;
  MILLRACE_ASSIGN_OR_RETURN(result.start,
                            ParseLimit(options, kStart, OffsetLimit::Kind::kEarliest));
  MILLRACE_ASSIGN_OR_RETURN(result.end,
                            ParseLimit(options, kEnd, OffsetLimit::Kind::kLatest));
  MILLRACE_RETURN_IF_ERROR(CheckBatchLimits(result.start, result.end));
  MILLRACE_RETURN_IF_ERROR(CheckGeneral(options));
  MILLRACE_RETURN_IF_ERROR(CheckOrder(result.start, result.end));
  result.group_id_prefix = options.GetOr("groupIdPrefix", "spark-kafka-relation");
  MILLRACE_RETURN_IF_ERROR(ParseRest(options, &result));
  return result;
}

}  // namespace millrace::connectors::kafka
