#include "metrics/progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace millrace::metrics {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

// Spark leaves a rate out where it would divide by nothing.
void SetRate(Json* json, const char* key, int64_t rows, double seconds) {
  if (seconds > 0) {
    (*json)[key] = static_cast<double>(rows) / seconds;
  } else if (std::string_view(key) == "inputRowsPerSecond") {
    (*json)[key] = 0.0;
  }
}

Json StateJson(const StateOperatorProgress& state) {
  return {{"operatorName", state.operator_name},
          {"numRowsTotal", state.rows_total},
          {"numRowsUpdated", state.rows_updated},
          {"allUpdatesTimeMs", 0},
          {"numRowsRemoved", state.rows_removed},
          {"allRemovalsTimeMs", 0},
          {"commitTimeMs", state.commit_millis},
          {"memoryUsedBytes", state.memory_bytes},
          {"numRowsDroppedByWatermark", state.rows_dropped_by_watermark},
          {"numShufflePartitions", 1},
          {"numStateStoreInstances", 1},
          {"customMetrics", Json::object()}};
}

}  // namespace

std::string FormatInstant(EpochMillis time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

int64_t StreamingQueryProgress::input_rows() const {
  int64_t rows = 0;
  for (const SourceProgress& source : sources) rows += source.input_rows;
  return rows;
}

namespace {

// An offset is JSON as a rule; a source's own text stays a text.
Json OffsetJson(const std::optional<std::string>& offset) {
  if (!offset) return nullptr;
  Json parsed = Json::parse(*offset, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(*offset) : parsed;
}

Json ProgressJson(const StreamingQueryProgress& progress, bool is_event);

}  // namespace

std::string StreamingQueryProgress::ToJson() const {
  return ProgressJson(*this, false).dump();
}

std::string StreamingQueryProgress::ToEventJson() const {
  return ProgressJson(*this, true).dump();
}

namespace {

// Clients want the rate of every batch, also of one that took no millisecond.
double BatchSeconds(const StreamingQueryProgress& progress) {
  return static_cast<double>(std::max<int64_t>(1, progress.batch_duration_millis)) / 1000;
}

Json ProgressJson(const StreamingQueryProgress& progress, bool is_event) {
  Json json;
  json["id"] = progress.id;
  json["runId"] = progress.run_id;
  json["name"] = OrNull(progress.name);
  json["timestamp"] = FormatInstant(progress.timestamp);
  json["batchId"] = progress.batch_id;
  json["batchDuration"] = progress.batch_duration_millis;
  if (is_event) {
    json["numInputRows"] = progress.input_rows();
    SetRate(&json, "inputRowsPerSecond", progress.input_rows(),
            progress.seconds_since_last);
    SetRate(&json, "processedRowsPerSecond", progress.input_rows(),
            BatchSeconds(progress));
  }
  json["durationMs"] = Json::object();
  for (const auto& [phase, millis] : progress.duration_millis)
    json["durationMs"][phase] = millis;
  json["eventTime"] = Json::object();
  const auto add_time = [&](const char* key, const std::optional<EpochMillis>& time) {
    if (time) json["eventTime"][key] = FormatInstant(*time);
  };
  add_time("min", progress.event_time.min);
  add_time("avg", progress.event_time.avg);
  add_time("max", progress.event_time.max);
  add_time("watermark", progress.event_time.watermark);
  json["stateOperators"] = Json::array();
  for (const StateOperatorProgress& state : progress.state_operators) {
    json["stateOperators"].push_back(StateJson(state));
  }
  json["sources"] = Json::array();
  for (const SourceProgress& source : progress.sources) {
    Json entry;
    entry["description"] = source.description;
    const auto offset = is_event ? OffsetJson : OrNull;
    entry["startOffset"] = offset(source.start_offset);
    entry["endOffset"] = offset(source.end_offset);
    entry["latestOffset"] = offset(source.latest_offset);
    entry["numInputRows"] = source.input_rows;
    SetRate(&entry, "inputRowsPerSecond", source.input_rows, progress.seconds_since_last);
    SetRate(&entry, "processedRowsPerSecond", source.input_rows, BatchSeconds(progress));
    entry["metrics"] = source.metrics;
    json["sources"].push_back(std::move(entry));
  }
  json["sink"] = {{"description", progress.sink_description},
                  {"numOutputRows", progress.output_rows},
                  {"metrics", Json::object()}};
  json["observedMetrics"] = Json::object();
  if (!progress.dropped_rows.empty()) json["droppedRows"] = progress.dropped_rows;
  return json;
}

}  // namespace

}  // namespace millrace::metrics
