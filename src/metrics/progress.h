// What a streaming query tells about each batch: Spark's StreamingQueryProgress and
// StreamingQueryStatus, and their JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace millrace::metrics {

/// One entry of "stateOperators".
struct StateOperatorProgress {
  std::string operator_name;
  int64_t rows_total = 0;
  int64_t rows_updated = 0;
  int64_t rows_removed = 0;
  int64_t rows_dropped_by_watermark = 0;
  int64_t commit_millis = 0;
  int64_t memory_bytes = 0;
};

/// One entry of "sources". Offsets are JSON texts.
struct SourceProgress {
  std::string description;
  std::optional<std::string> start_offset;
  std::optional<std::string> end_offset;
  std::optional<std::string> latest_offset;
  int64_t input_rows = 0;
  std::map<std::string, std::string> metrics;
};

/// "eventTime": present parts only.
struct EventTimeProgress {
  std::optional<EpochMillis> min;
  std::optional<EpochMillis> avg;
  std::optional<EpochMillis> max;
  std::optional<EpochMillis> watermark;
};

struct StreamingQueryProgress {
  std::string id;
  std::string run_id;
  std::optional<std::string> name;
  EpochMillis timestamp;  // when the trigger began
  int64_t batch_id = 0;
  int64_t batch_duration_millis = 0;
  /// Phase -> milliseconds, in the order they ran.
  std::vector<std::pair<std::string, int64_t>> duration_millis;
  EventTimeProgress event_time;
  std::vector<StateOperatorProgress> state_operators;
  std::vector<SourceProgress> sources;
  std::string sink_description;
  int64_t output_rows = -1;
  /// Seconds between this trigger and the one before; 0 for the first.
  double seconds_since_last = 0;
  /// Rows that went wrong or nowhere, by reason; Millrace's own.
  std::map<std::string, int64_t> dropped_rows;

  int64_t input_rows() const;
  /// The JSON of recentProgress: offsets as escaped text.
  std::string ToJson() const;
  /// The JSON that listeners get: offsets as JSON, and the rates of all sources together.
  std::string ToEventJson() const;
};

struct StreamingQueryStatus {
  std::string message = "Initializing sources";
  bool is_data_available = false;
  bool is_trigger_active = false;
};

/// "2026-11-22T16:20:17.436Z"
std::string FormatInstant(EpochMillis time);

}  // namespace millrace::metrics
