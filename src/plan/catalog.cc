#include "plan/catalog.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "data/time_text.h"

namespace millrace::plan {
namespace {

struct ConfDefault {
  std::string_view key;
  std::string_view value;
};

// Spark 4.2's defaults of the keys the engine or a client asks for, and ours.
constexpr std::array kDefaults = {
    ConfDefault{"spark.sql.ansi.enabled", "true"},
    ConfDefault{"spark.sql.session.timeZone", "UTC"},
    ConfDefault{"spark.sql.shuffle.partitions", "200"},
    ConfDefault{"spark.sql.streaming.minBatchesToRetain", "100"},
    ConfDefault{"spark.sql.streaming.multipleWatermarkPolicy", "min"},
    ConfDefault{"spark.sql.streaming.noDataMicroBatches.enabled", "true"},
    ConfDefault{"spark.sql.streaming.noDataProgressEventInterval", "10000"},
    ConfDefault{"spark.sql.streaming.numRecentProgressUpdates", "100"},
    ConfDefault{"spark.sql.streaming.offsetLog.formatVersion", "1"},
    ConfDefault{"spark.sql.streaming.pollingDelay", "10"},
    ConfDefault{"spark.sql.streaming.stateStore.minDeltasForSnapshot", "10"},
    ConfDefault{"spark.sql.streaming.statefulOperator.allowMultiple", "true"},
    ConfDefault{"millrace.streaming.watermarkPolicy", "spark"},
};

// A few of Spark's static SQL keys, which no session may change.
constexpr std::array<std::string_view, 3> kStatic = {
    "spark.sql.warehouse.dir", "spark.sql.catalogImplementation", "spark.sql.extensions"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

template <typename Map>
auto FindFormat(const Map& providers, std::string_view format)
    -> Result<decltype(providers.begin()->second.get())> {
  const auto found = providers.find(Lower(format));
  if (found != providers.end()) return found->second.get();
  return Error(Fault::kUser,
               "Failed to find the data source: {}. Make sure the provider name is correct and "
               "the package is properly registered and compatible with your Spark version.",
               format)
      .Class("DATA_SOURCE_NOT_FOUND", "42K02")
      .Java("org.apache.spark.SparkClassNotFoundException")
      .Param("provider", std::string(format));
}

Status CheckValue(std::string_view key, const std::string& value) {
  const auto invalid = [&](std::string_view wanted) -> Status {
    return Error(Fault::kUser,
                 "The value '{}' in the config \"{}\" is invalid. Expected {}.", value, key,
                 wanted)
        .Class("INVALID_CONF_VALUE.REQUIREMENT", "22022")
        .Java(kIllegalArgumentException);
  };
  if (key == "spark.sql.session.timeZone") return data::TimeZone::Find(value).status();
  if (key == "spark.sql.streaming.multipleWatermarkPolicy" && Lower(value) != "min" &&
      Lower(value) != "max") {
    return invalid("'min' or 'max'");
  }
  if (key == "millrace.streaming.watermarkPolicy" && value != "spark" && value != "partition-min") {
    return invalid("'spark' or 'partition-min'");
  }
  if (key == "spark.sql.ansi.enabled" && Lower(value) != "true") {
    return invalid("'true': Millrace has ANSI semantics only");
  }
  for (const ConfDefault& entry : kDefaults) {
    if (entry.key != key) continue;
    const bool number = !entry.value.empty() && std::isdigit(entry.value[0]) != 0;
    int64_t parsed = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (number && (error != std::errc() || end != value.data() + value.size() || parsed < 0)) {
      return invalid("a whole number that is not negative");
    }
    const bool boolean = entry.value == "true" || entry.value == "false";
    if (boolean && Lower(value) != "true" && Lower(value) != "false") {
      return invalid("'true' or 'false'");
    }
  }
  return Status::OK();
}

}  // namespace

void Connectors::AddSource(std::unique_ptr<connector::SourceProvider> provider) {
  std::string name = Lower(provider->name());
  sources_.emplace(std::move(name), std::move(provider));
}

void Connectors::AddSink(std::unique_ptr<connector::SinkProvider> provider) {
  std::string name = Lower(provider->name());
  sinks_.emplace(std::move(name), std::move(provider));
}

void Connectors::AddTables(std::shared_ptr<const connector::Tables> tables) {
  tables_.push_back(std::move(tables));
}

Result<const connector::SourceProvider*> Connectors::Source(std::string_view format) const {
  MILLRACE_ASSIGN_OR_RETURN(auto* provider, FindFormat(sources_, format));
  return static_cast<const connector::SourceProvider*>(provider);
}

Result<const connector::SinkProvider*> Connectors::Sink(std::string_view format) const {
  MILLRACE_ASSIGN_OR_RETURN(auto* provider, FindFormat(sinks_, format));
  return static_cast<const connector::SinkProvider*>(provider);
}

bool SessionConf::IsModifiable(std::string_view key) {
  return std::find(kStatic.begin(), kStatic.end(), key) == kStatic.end();
}

Status SessionConf::Set(const std::string& key, const std::string& value) {
  if (!IsModifiable(key)) {
    return AnalysisError("CANNOT_MODIFY_STATIC_CONFIG", "46110",
                         "Cannot modify the value of the static Spark config: \"{}\".", key)
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
  for (const ConfDefault& entry : kDefaults) {
    if (entry.key == key) return std::string(entry.value);
  }
  return std::nullopt;
}

std::string SessionConf::GetOr(std::string_view key, std::string_view fallback) const {
  return Get(key).value_or(std::string(fallback));
}

bool SessionConf::GetBool(std::string_view key) const {
  return Lower(GetOr(key, "false")) == "true";
}

int64_t SessionConf::GetInt(std::string_view key) const {
  const std::string text = GetOr(key, "0");
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace millrace::plan
