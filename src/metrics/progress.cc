#include "metrics/progress.h"

#include <nlohmann/json.hpp>


#include <fmt/format.h>

namespace millrace::metrics {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

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

std::string StreamingQueryProgress::ToJson() const {
  Json json;
  json["id"] = id;
  json["runId"] = run_id;
  json["name"] = OrNull(name);
  json["timestamp"] = FormatInstant(timestamp);
  json["batchId"] = batch_id;
  json["batchDuration"] = batch_duration_millis;
  json["durationMs"] = Json::object();
  for (const auto& [phase, millis] : duration_millis) json["durationMs"][phase] = millis;
  json["eventTime"] = Json::object();
  const auto add_time = [&](const char* key, const std::optional<EpochMillis>& time) {
    if (time) json["eventTime"][key] = FormatInstant(*time);
  };
  add_time("min", event_time.min);
  add_time("avg", event_time.avg);
  add_time("max", event_time.max);
  add_time("watermark", event_time.watermark);
  json["stateOperators"] = Json::array();
  for (const StateOperatorProgress& state : state_operators) {
    json["stateOperators"].push_back(StateJson(state));
  }
  json["sources"] = Json::array();
  for (const SourceProgress& source : sources) {
    Json entry;
    entry["description"] = source.description;
    entry["startOffset"] = OrNull(source.start_offset);
    entry["endOffset"] = OrNull(source.end_offset);
    entry["latestOffset"] = OrNull(source.latest_offset);
    entry["numInputRows"] = source.input_rows;
    SetRate(&entry, "inputRowsPerSecond", source.input_rows, seconds_since_last);
    SetRate(&entry, "processedRowsPerSecond", source.input_rows,
            static_cast<double>(batch_duration_millis) / 1000);
    entry["metrics"] = source.metrics;
    json["sources"].push_back(std::move(entry));
  }
  json["sink"] = {{"description", sink_description},
                  {"numOutputRows", output_rows},
                  {"metrics", Json::object()}};
  json["observedMetrics"] = Json::object();
  if (!dropped_rows.empty()) json["droppedRows"] = dropped_rows;
  return json.dump();
}

}  // namespace millrace::metrics
