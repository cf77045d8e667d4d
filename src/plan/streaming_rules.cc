#include "plan/streaming_rules.h"

#include <algorithm>
#include <array>

#include <strings.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/overloaded.h"
#include "plan/join_watermark.h"

namespace millrace::plan {
namespace {

using connector::OutputMode;

// Spark's texts without a class of their own.
Error Legacy3102(std::string_view text) {
  return AnalysisError("_LEGACY_ERROR_TEMP_3102", "", "{}", text)
      .Param("msg", std::string(text));
}

Error UnsupportedMode(OutputMode mode, std::string_view operation) {
  const std::string name = LowerCase(OutputModeName(mode));
  return AnalysisError(
             "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE",
             "Invalid streaming output mode: {}. This output mode is not supported for "
             "{} on streaming DataFrames/DataSets.",
             name, operation)
      .Param("outputMode", name)
      .Param("operation", std::string(operation));
}

bool HasWatermark(const std::vector<Attribute>& attributes) {
  return std::any_of(attributes.begin(), attributes.end(),
                     [](const Attribute& a) { return a.watermark_delay.has_value(); });
}

bool HasStreamingAggregate(const PlanPtr& plan) {
  if (std::holds_alternative<Aggregate>(plan->node) && plan->streaming) return true;
  return std::any_of(plan->children.begin(), plan->children.end(), HasStreamingAggregate);
}

bool HasWatermarkNode(const PlanPtr& plan) {
  if (std::holds_alternative<EventTimeWatermark>(plan->node)) return true;
  return std::any_of(plan->children.begin(), plan->children.end(), HasWatermarkNode);
}

Status CheckAggregate(const PlanPtr& plan, const Aggregate& aggregate, OutputMode mode) {
  for (const AggregateCall& call : aggregate.calls) {
    if (call.distinct) {
      return Legacy3102(
          "Distinct aggregations are not supported on streaming "
          "DataFrames/Datasets. Consider using approx_count_distinct() instead.");
    }
  }
  if (aggregate.session_key >= 0 && mode == OutputMode::kUpdate) {
    return UnsupportedMode(mode, "session window streaming aggregations");
  }
  if (aggregate.session_key >= 0 && aggregate.keys.size() == 1) {
    return AnalysisError(
        "_LEGACY_ERROR_TEMP_3068", "",
        "Global aggregation with session window in streaming query is not "
        "supported.");
  }
  std::vector<Attribute> keys;
  for (const NamedExpr& key : aggregate.keys) keys.push_back(key.attribute);
  if (mode == OutputMode::kAppend && !HasWatermark(keys)) {
    return UnsupportedMode(mode, "streaming aggregations without watermark");
  }
  if (mode != OutputMode::kAppend && HasStreamingAggregate(plan->children[0])) {
    return Legacy3102(
        "Detected pattern of possible 'correctness' issue due to global watermark. The "
        "query "
        "contains stateful operation which can emit rows older than the current "
        "watermark plus "
        "allowed late record delay, which are \"late rows\" in downstream stateful "
        "operations "
        "and these rows can be discarded. Please refer the programming guide doc for "
        "more "
        "details. If you understand the possible risk of correctness issue and still "
        "need to run "
        "the query, you can disable this check by setting the config "
        "`spark.sql.streaming.statefulOperator.checkCorrectness.enabled` to false.");
  }
  return Status::OK();
}

// Whether a row that found no match will be known to find none: by an event time among
// the keys, or by a condition that bounds the kept side's time by the other's watermark.
bool KnowsUnmatched(const PlanPtr& plan, JoinType type) {
  if (EventTimeKey(*plan) >= 0) return true;
  const bool left = !BoundsOfSide(*plan, true).bounds.empty();
  const bool right = !BoundsOfSide(*plan, false).bounds.empty();
  switch (type) {
    case JoinType::kLeftOuter:
    case JoinType::kLeftSemi:
      return left;
    case JoinType::kRightOuter:
      return right;
    case JoinType::kFullOuter:
      return left || right;
    default:
      return true;
  }
}

Status CheckJoinOfStreams(const PlanPtr& plan, JoinType type, OutputMode mode) {
  const std::string_view name = JoinTypeName(type);
  const bool updates = type == JoinType::kInner || type == JoinType::kLeftSemi;
  if (mode == OutputMode::kComplete || (mode == OutputMode::kUpdate && !updates)) {
    return Legacy3102(
        fmt::format("{} join between two streaming DataFrames/Datasets is not supported "
                    "in {} output mode, "
                    "only in {}",
                    name, OutputModeName(mode),
                    updates ? "Append and Update output modes" : "Append output mode"));
  }
  if (KnowsUnmatched(plan, type)) return Status::OK();
  return Legacy3102(
      fmt::format("Stream-stream {} join between two streaming DataFrame/Datasets is not "
                  "supported without a "
                  "watermark in the join keys, or a watermark on the nullable side and "
                  "an appropriate range "
                  "condition",
                  name));
}

Status CheckJoin(const PlanPtr& plan, const Join& join, OutputMode mode) {
  const bool left = plan->children[0]->streaming;
  const bool right = plan->children[1]->streaming;
  const std::string_view name = JoinTypeName(join.type);
  if (join.type == JoinType::kLeftAnti && right) {
    return Legacy3102(
        "LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
        "supported");
  }
  if (left && right) return CheckJoinOfStreams(plan, join.type, mode);
  switch (join.type) {
    case JoinType::kFullOuter:
      return Legacy3102(fmt::format(
          "FullOuter joins with streaming DataFrames/Datasets on the {} and a static "
          "DataFrame/Dataset on the {} is not supported",
          left ? "left" : "right", left ? "right" : "left"));
    case JoinType::kLeftOuter:
    case JoinType::kLeftSemi:
      if (left) return Status::OK();
      return Legacy3102(fmt::format(
          "{} join with a streaming DataFrame/Dataset on the right and a static "
          "DataFrame/Dataset on the left is not supported",
          name));
    case JoinType::kRightOuter:
      if (right) return Status::OK();
      return Legacy3102(fmt::format(
          "{} join with a streaming DataFrame/Dataset on the left and a static "
          "DataFrame/DataSet on the right not supported",
          name));
    default:
      return Status::OK();
  }
}

Status CheckNode(const PlanPtr& plan, OutputMode mode) {
  if (!plan->streaming) return Status::OK();
  for (const PlanPtr& child : plan->children)
    MILLRACE_RETURN_IF_ERROR(CheckNode(child, mode));
  return std::visit(
      Overloaded{
          [&](const Aggregate& aggregate) {
            return CheckAggregate(plan, aggregate, mode);
          },
          [&](const Deduplicate& dedup) -> Status {
            if (dedup.within_watermark && !HasWatermark(plan->children[0]->output)) {
              return Legacy3102(
                  "dropDuplicatesWithinWatermark is not supported on streaming "
                  "DataFrames/DataSets without watermark");
            }
            if (HasStreamingAggregate(plan->children[0]) && mode != OutputMode::kAppend) {
              return Legacy3102(
                  "dropDuplicates is not supported after aggregation on a "
                  "streaming DataFrame/Dataset");
            }
            return Status::OK();
          },
          [&](const Join& join) { return CheckJoin(plan, join, mode); },
          [&](const Union&) -> Status {
            for (const PlanPtr& child : plan->children) {
              if (child->streaming) continue;
              return Legacy3102(
                  "Union between streaming and batch DataFrames/Datasets is not "
                  "supported");
            }
            return Status::OK();
          },
          [&](const MultisetOperation& operation) -> Status {
            if (operation.intersects) {
              return Legacy3102(
                  "Intersect of streaming DataFrames/Datasets is not supported");
            }
            return Legacy3102(
                "Except on a streaming DataFrame/Dataset on the right is not supported");
          },
          [&](const WindowFunctions& window) -> Status {
            return AnalysisError(
                "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING", "42KDE",
                "Window function is not supported in {} on streaming "
                "DataFrames/Datasets.\nStructured Streaming only supports time-window "
                "aggregation using the WINDOW function.",
                window.calls.empty() ? "" : window.calls[0].attribute.name);
          },
          [&](const Sort&) -> Status {
            if (mode == OutputMode::kComplete &&
                HasStreamingAggregate(plan->children[0])) {
              return Status::OK();
            }
            return Legacy3102(
                "Sorting is not supported on streaming DataFrames/Datasets, unless "
                "it is on aggregated DataFrame/Dataset in Complete output mode");
          },
          [&](const Limit&) -> Status {
            if (mode != OutputMode::kUpdate) return Status::OK();
            return Legacy3102(
                "Limits are not supported on streaming DataFrames/Datasets in "
                "Update output mode");
          },
          [&](const Offset&) -> Status {
            if (mode == OutputMode::kComplete) return Status::OK();
            return Legacy3102(
                "Offset is not supported on streaming DataFrames/Datasets, unless "
                "it is on aggregated DataFrame/Dataset in Complete output mode");
          },
          [&](const EventTimeWatermark&) -> Status {
            if (!HasWatermarkNode(plan->children[0])) return Status::OK();
            return Error(Fault::kUser,
                         "Redefining watermark is disallowed. You can set the config "
                         "'spark.sql.streaming.statefulOperator.allowMultiple' to "
                         "'false' to "
                         "restore the previous behavior. Note that multiple stateful "
                         "operators "
                         "will be disallowed.")
                .Java(kSparkException);
          },
          [](const auto&) { return Status::OK(); },
      },
      plan->node);
}

}  // namespace

Status CheckStreaming(const PlanPtr& plan, OutputMode mode) {
  if (!plan->streaming) {
    return AnalysisError(
        "WRITE_STREAM_NOT_ALLOWED", "42601",
        "`writeStream` can be called only on streaming Dataset/DataFrame.");
  }
  if (mode == OutputMode::kComplete && !HasStreamingAggregate(plan)) {
    return UnsupportedMode(mode, "no streaming aggregations");
  }
  return CheckNode(plan, mode);
}

Status CheckBatch(const PlanPtr& plan) {
  if (!plan->streaming) return Status::OK();
  const LogicalPlan* source = plan.get();
  while (!source->children.empty()) {
    for (const PlanPtr& child : source->children) {
      if (child->streaming) {
        source = child.get();
        break;
      }
    }
  }
  const auto& scan = std::get<Scan>(source->node);
  const std::string name = scan.paths.empty()
                               ? std::string(scan.provider->name())
                               : fmt::format("FileSource[{}]", scan.paths[0]);
  const std::string text =
      "Queries with streaming sources must be executed with writeStream.start(), or from "
      "a streaming table or flow definition within a Spark Declarative Pipeline.";
  return AnalysisError("_LEGACY_ERROR_TEMP_3102", "", "{};\n{}", text, name)
      .Param("msg", text);
}

std::string_view OutputModeName(OutputMode mode) {
  switch (mode) {
    case OutputMode::kAppend:
      return "Append";
    case OutputMode::kUpdate:
      return "Update";
    case OutputMode::kComplete:
      return "Complete";
  }
  return "";
}

Result<OutputMode> ParseOutputMode(std::string_view text) {
  for (OutputMode mode :
       {OutputMode::kAppend, OutputMode::kComplete, OutputMode::kUpdate}) {
    const std::string_view name = OutputModeName(mode);
    if (text.size() == name.size() &&
        strncasecmp(text.data(), name.data(), name.size()) == 0) {
      return mode;
    }
  }
  return Error(Fault::kUser,
               "Invalid streaming output mode: {}. Accepted output modes are 'Append', "
               "'Complete', 'Update'.",
               text)
      .Class("STREAMING_OUTPUT_MODE.INVALID", "42KDE")
      .Java(kIllegalArgumentException)
      .Param("outputMode", std::string(text));
}

}  // namespace millrace::plan
