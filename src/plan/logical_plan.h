// Resolved logical plans: what a query computes, with every name and type known.
// Built bottom-up by PlanBuilder, rewritten by the optimiser, turned into operators by exec.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/options.h"
#include "connector/source.h"
#include "expr/aggregate.h"
#include "expr/expr.h"

namespace millrace::plan {

using expr::AttributeId;
using expr::ExprPtr;

/// One output column of a plan node.
struct Attribute {
  AttributeId id = 0;
  std::string name;
  data::TypePtr type;
  bool nullable = true;
  std::vector<std::string> qualifier;  // from alias("o"): o.name
  /// Set on the event-time column from withWatermark on, and on windows made of it.
  std::optional<std::chrono::microseconds> watermark_delay;
  bool is_window = false;  // made by window(): a struct<start,end>
  std::string metadata;    // further column metadata as JSON; empty if none

  ExprPtr ref() const;
};

/// A new id, unique in the process.
AttributeId NewAttributeId();

struct LogicalPlan;
using PlanPtr = std::shared_ptr<const LogicalPlan>;

/// An expression and the column it becomes.
struct NamedExpr {
  ExprPtr expr;
  Attribute attribute;
};

/// Reads a source. `output` of the plan is a subset of `schema` after column pruning.
struct Scan {
  const connector::SourceProvider* provider = nullptr;
  Options options;
  std::vector<std::string> paths;
  data::SchemaPtr schema;  // all columns
  std::string name;        // readStream.name(…); empty if none
};

/// Rows given with the plan.
struct LocalRelation {
  std::vector<data::Batch> batches;
};

struct Project {
  std::vector<NamedExpr> columns;
};

struct Filter {
  ExprPtr condition;
};

/// withWatermark: Spark's EventTimeWatermark.
struct EventTimeWatermark {
  AttributeId event_time = 0;
  std::chrono::microseconds delay{};
};

/// Adds one window column; rows with a null time are dropped, a row in several sliding windows is
/// repeated. Spark's TimeWindowing rule: TimeWindow → Filter(isnotnull) + Expand.
struct TimeWindow {
  ExprPtr time;
  std::chrono::microseconds width{};
  std::chrono::microseconds slide{};
  std::chrono::microseconds start{};
  Attribute window;
};

struct AggregateCall {
  expr::BoundAggregate aggregate;
  Attribute attribute;
  bool distinct = false;
};

/// Groups by `keys`; outputs the keys, then one column per call.
struct Aggregate {
  std::vector<NamedExpr> keys;
  std::vector<AggregateCall> calls;
};

/// Keeps the first row of each key.
struct Deduplicate {
  std::vector<AttributeId> keys;
  bool within_watermark = false;
};

struct Union {};

struct Limit {
  int64_t count = 0;
};

struct Offset {
  int64_t count = 0;
};

struct SortKey {
  ExprPtr expr;
  bool descending = false;
  bool nulls_first = true;
};

struct Sort {
  std::vector<SortKey> keys;
};

using Node = std::variant<Scan, LocalRelation, Project, Filter, EventTimeWatermark, TimeWindow,
                          Aggregate, Deduplicate, Union, Limit, Offset, Sort>;

/// Immutable; children are shared.
struct LogicalPlan {
  Node node;
  std::vector<PlanPtr> children;
  std::vector<Attribute> output;
  bool streaming = false;  // some scan below is a stream

  data::SchemaPtr schema() const;
  /// Position of a column in `output`; -1 where it is not.
  int IndexOf(AttributeId id) const;
};

/// Makes a node; `streaming` follows from the children (and from `streaming` for a scan).
PlanPtr MakePlan(Node node, std::vector<PlanPtr> children, std::vector<Attribute> output,
                 bool streaming = false);

/// Helps std::visit: Overloaded{[](const Scan&) {…}, [](const auto&) {…}}.
template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace millrace::plan
