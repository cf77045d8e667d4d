#include "plan/catalog.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/ascii.h"
#include "base/error.h"
#include "data/time_text.h"

namespace millrace::plan {
namespace {

struct ConfDefault {
  std::string_view key;
  std::string_view value;
};

// Spark 4.2's defaults of the keys the engine or a client asks for, and ours. Sorted by
// key.
constexpr std::array kDefaults = {
    ConfDefault{"millrace.streaming.watermarkPolicy", "spark"},
    ConfDefault{"spark.connect.execute.reattachable.observerRetryBufferSize",
                "10485760b"},
    ConfDefault{"spark.connect.execute.reattachable.senderMaxStreamDuration", "120000ms"},
    ConfDefault{"spark.connect.execute.reattachable.senderMaxStreamSize", "1073741824b"},
    ConfDefault{"spark.connect.grpc.arrow.maxBatchSize", "134217728b"},
    ConfDefault{"spark.connect.grpc.maxInboundMessageSize", "134217728"},
    ConfDefault{"spark.connect.session.planCompression.defaultAlgorithm", "ZSTD"},
    ConfDefault{"spark.connect.session.planCompression.threshold", "10485760"},
    ConfDefault{"spark.python.sql.dataFrameDebugging.enabled", "true"},
    ConfDefault{"spark.sql.ansi.enabled", "true"},
    ConfDefault{"spark.sql.caseSensitive", "false"},
    ConfDefault{"spark.sql.catalogImplementation", "in-memory"},
    ConfDefault{"spark.sql.connect.serverStacktrace.enabled", "false"},
    ConfDefault{"spark.sql.execution.arrow.maxRecordsPerBatch", "10000"},
    ConfDefault{"spark.sql.execution.arrow.pyspark.enabled", "false"},
    ConfDefault{"spark.sql.execution.arrow.pyspark.fallback.enabled", "true"},
    ConfDefault{"spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false"},
    ConfDefault{"spark.sql.execution.arrow.useLargeVarTypes", "false"},
    ConfDefault{"spark.sql.execution.pandas.convertToArrowArraySafely", "true"},
    ConfDefault{"spark.sql.execution.pandas.inferPandasDictAsMap", "false"},
    ConfDefault{"spark.sql.execution.pandas.structHandlingMode", "legacy"},
    ConfDefault{"spark.sql.execution.pyspark.binaryAsBytes", "true"},
    ConfDefault{"spark.sql.execution.pythonUDF.arrow.enabled", "true"},
    ConfDefault{"spark.sql.execution.pythonUDTF.arrow.enabled", "false"},
    ConfDefault{"spark.sql.json.enablePartialResults", "true"},
    ConfDefault{"spark.sql.legacy.timeParserPolicy", "CORRECTED"},
    ConfDefault{"spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"},
    ConfDefault{"spark.sql.pyspark.jvmStacktrace.enabled", "false"},
    ConfDefault{"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
                "false"},
    ConfDefault{"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"},
    ConfDefault{"spark.sql.pyspark.plotting.max_rows", "1000"},
    ConfDefault{"spark.sql.repl.eagerEval.enabled", "false"},
    ConfDefault{"spark.sql.repl.eagerEval.maxNumRows", "20"},
    ConfDefault{"spark.sql.repl.eagerEval.truncate", "20"},
    ConfDefault{"spark.sql.session.localRelationBatchOfChunksSizeBytes", "1073741824"},
    ConfDefault{"spark.sql.session.localRelationCacheThreshold", "1048576"},
    ConfDefault{"spark.sql.session.localRelationChunkSizeBytes", "16777216"},
    ConfDefault{"spark.sql.session.localRelationChunkSizeRows", "10000"},
    ConfDefault{"spark.sql.session.localRelationSizeLimit", "3221225472"},
    ConfDefault{"spark.sql.session.timeZone", "UTC"},
    ConfDefault{"spark.sql.shuffle.partitions", "200"},
    ConfDefault{"spark.sql.sources.default", "parquet"},
    ConfDefault{"spark.sql.streaming.fileSink.log.compactInterval", "10"},
    ConfDefault{"spark.sql.streaming.minBatchesToRetain", "100"},
    ConfDefault{"spark.sql.streaming.multipleWatermarkPolicy", "min"},
    ConfDefault{"spark.sql.streaming.noDataMicroBatches.enabled", "true"},
    ConfDefault{"spark.sql.streaming.noDataProgressEventInterval", "10000ms"},
    ConfDefault{"spark.sql.streaming.numRecentProgressUpdates", "100"},
    ConfDefault{"spark.sql.streaming.offsetLog.formatVersion", "1"},
    ConfDefault{"spark.sql.streaming.pollingDelay", "10ms"},
    ConfDefault{"spark.sql.streaming.queryEvolution.enableSourceEvolution", "false"},
    ConfDefault{"spark.sql.streaming.stateStore.maxBatchesToRetainInMemory", "2"},
    ConfDefault{"spark.sql.streaming.stateStore.minDeltasForSnapshot", "10"},
    ConfDefault{"spark.sql.streaming.statefulOperator.allowMultiple", "true"},
    ConfDefault{"spark.sql.streaming.stopTimeout", "0ms"},
    ConfDefault{"spark.sql.timestampType", "TIMESTAMP_LTZ"},
    ConfDefault{"spark.sql.warehouse.dir", "spark-warehouse"},
};

const ConfDefault* FindDefault(std::string_view key) {
  const auto* found =
      std::lower_bound(kDefaults.begin(), kDefaults.end(), key,
                       [](const ConfDefault& entry, std::string_view wanted) {
                         return entry.key < wanted;
                       });
  return found != kDefaults.end() && found->key == key ? found : nullptr;
}

// A few of Spark's static SQL keys, which no session may change.
constexpr std::array<std::string_view, 3> kStatic = {
    "spark.sql.warehouse.dir", "spark.sql.catalogImplementation", "spark.sql.extensions"};

// Keys of Spark's core, which are fixed when the cluster starts.
constexpr std::array<std::string_view, 12> kCorePrefixes = {
    "spark.cores.",    "spark.driver.",  "spark.dynamicAllocation.",
    "spark.executor.", "spark.kryo",     "spark.local.",
    "spark.master",    "spark.memory.",  "spark.network.",
    "spark.rdd.",      "spark.shuffle.", "spark.task."};

bool IsCore(std::string_view key) {
  return std::any_of(kCorePrefixes.begin(), kCorePrefixes.end(),
                     [&](std::string_view prefix) { return key.starts_with(prefix); });
}

// Formats that every Spark has and Millrace has not.
bool IsOfSpark(std::string_view format) {
  constexpr std::array<std::string_view, 6> kFormats = {
      "avro", "binaryfile", "jdbc", "orc", "rate-micro-batch", "xml"};
  const std::string name = LowerCase(format);
  return std::find(kFormats.begin(), kFormats.end(), name) != kFormats.end();
}

template <typename Map>
auto FindFormat(const Map& providers, std::string_view format)
    -> Result<decltype(providers.begin()->second.get())> {
  const auto found = providers.find(LowerCase(format));
  if (found != providers.end()) return found->second.get();
  if (IsOfSpark(format)) {
    return UnsupportedError("The data source {} is not supported yet.", format);
  }
  return Error(
             Fault::kUser,
             "Failed to find the data source: {}. Make sure the provider name is correct "
             "and "
             "the package is properly registered and compatible with your Spark version.",
             format)
      .Class("DATA_SOURCE_NOT_FOUND", "42K02")
      .Java("org.apache.spark.SparkClassNotFoundException")
      .Param("provider", std::string(format));
}

// Spark's JavaUtils.timeStringAsMs: a number with a unit, without one milliseconds.
std::optional<int64_t> ParseMillis(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc()) return std::nullopt;
  const std::string unit = LowerCase(std::string_view(end, text.data() + text.size()));
  if (unit.empty() || unit == "ms") return count;
  if (unit == "s") return count * 1000;
  if (unit == "m" || unit == "min") return count * 60'000;
  if (unit == "h") return count * 3'600'000;
  if (unit == "d") return count * 86'400'000;
  return std::nullopt;
}

Status CheckValue(std::string_view key, const std::string& value) {
  const auto invalid = [&](std::string_view wanted) -> Status {
    return Error(Fault::kUser,
                 "The value '{}' in the config \"{}\" is invalid. Expected {}.", value,
                 key, wanted)
        .Class("INVALID_CONF_VALUE.REQUIREMENT", "22022")
        .Java(kIllegalArgumentException);
  };
  if (key == "spark.sql.session.timeZone") return data::TimeZone::Find(value).status();
  if (key == "spark.sql.streaming.multipleWatermarkPolicy" && LowerCase(value) != "min" &&
      LowerCase(value) != "max") {
    return invalid("'min' or 'max'");
  }
  if (key == "millrace.streaming.watermarkPolicy" && value != "spark" &&
      value != "partition-min") {
    return invalid("'spark' or 'partition-min'");
  }
  if (key == "spark.sql.ansi.enabled" && LowerCase(value) != "true") {
    return invalid("'true': Millrace has ANSI semantics only");
  }
  const ConfDefault* entry = FindDefault(key);
  if (entry == nullptr) return Status::OK();
  const bool boolean = entry->value == "true" || entry->value == "false";
  if (boolean && LowerCase(value) != "true" && LowerCase(value) != "false") {
    return invalid("'true' or 'false'");
  }
  if (entry->value.empty() ||
      std::isdigit(static_cast<unsigned char>(entry->value[0])) == 0) {
    return Status::OK();
  }
  int64_t parsed = 0;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, parsed);
  if (entry->value.ends_with("ms")) {
    if (error == std::errc() && parsed >= 0 && ParseMillis(value)) return Status::OK();
    return invalid("a time, e.g. '10s' or '500ms'");
  }
  if (key.starts_with("spark.sql.streaming.") &&
      (error != std::errc() || end != last || parsed < 0)) {
    return invalid("a whole number that is not negative");
  }
  return Status::OK();
}

}  // namespace

void Connectors::AddSource(std::unique_ptr<connector::SourceProvider> provider) {
  std::string name = LowerCase(provider->name());
  sources_.emplace(std::move(name), std::move(provider));
}

void Connectors::AddSink(std::unique_ptr<connector::SinkProvider> provider) {
  std::string name = LowerCase(provider->name());
  sinks_.emplace(std::move(name), std::move(provider));
}

void Connectors::AddTables(std::shared_ptr<connector::Tables> tables) {
  tables_.push_back(std::move(tables));
}

Result<const connector::SourceProvider*> Connectors::Source(
    std::string_view format) const {
  MILLRACE_ASSIGN_OR_RETURN(auto* provider, FindFormat(sources_, format));
  return static_cast<const connector::SourceProvider*>(provider);
}

Result<const connector::SinkProvider*> Connectors::Sink(std::string_view format) const {
  MILLRACE_ASSIGN_OR_RETURN(auto* provider, FindFormat(sinks_, format));
  return static_cast<const connector::SinkProvider*>(provider);
}

bool SessionConf::IsModifiable(std::string_view key) {
  return std::find(kStatic.begin(), kStatic.end(), key) == kStatic.end() && !IsCore(key);
}

Status SessionConf::Set(const std::string& key, const std::string& value) {
  if (IsCore(key)) {
    return AnalysisError("CANNOT_MODIFY_CONFIG", "46110",
                         "Cannot modify the value of the Spark config: \"{}\".", key)
        .Param("key", "\"" + key + "\"");
  }
  if (!IsModifiable(key)) {
    return AnalysisError("CANNOT_MODIFY_STATIC_CONFIG", "46110",
                         "Cannot modify the value of the static Spark config: \"{}\".",
                         key)
        .Param("key", "\"" + key + "\"");
  }
  MILLRACE_RETURN_IF_ERROR(CheckValue(key, value));
  set_[key] = value;
  return Status::OK();
}

void SessionConf::Unset(const std::string& key) { set_.erase(key); }

std::optional<std::string> SessionConf::Get(std::string_view key) const {
  const auto found = set_.find(key);
  if (found != set_.end()) return found->second;
  const ConfDefault* entry = FindDefault(key);
  if (entry == nullptr) return std::nullopt;
  return std::string(entry->value);
}

std::string SessionConf::GetOr(std::string_view key, std::string_view fallback) const {
  return Get(key).value_or(std::string(fallback));
}

bool SessionConf::GetBool(std::string_view key) const {
  return LowerCase(GetOr(key, "false")) == "true";
}

int64_t SessionConf::GetInt(std::string_view key) const {
  return ParseMillis(GetOr(key, "0")).value_or(0);
}

}  // namespace millrace::plan
