// Resolved logical plans: what a query computes, with every name and type known.
// Built bottom-up by PlanBuilder, rewritten by the optimiser, turned into operators by
// exec.
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
#include "plan/window_frame.h"

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

/// A column that is not in any input.
Attribute NewAttribute(std::string name, data::TypePtr type, bool nullable);

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

/// Adds one window column; rows with a null time are dropped, a row in several sliding
/// windows is repeated. Spark's TimeWindowing rule: TimeWindow → Filter(isnotnull) +
/// Expand.
struct TimeWindow {
  ExprPtr time;
  std::chrono::microseconds width{};
  std::chrono::microseconds slide{};
  std::chrono::microseconds start{};
  Attribute window;
};

/// Adds one window column, from a row's time to its time plus its gap; rows with a null
/// time or a gap that is not above zero are dropped. Spark's SessionWindowing rule.
struct SessionWindow {
  ExprPtr time;
  ExprPtr gap;  // a duration or an interval as text
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
  int session_key = -1;  // the key that is a session window: those that touch become one
};

/// Keeps the first row of each key.
struct Deduplicate {
  std::vector<AttributeId> keys;
  bool within_watermark = false;
};

enum class JoinType { kInner, kLeftOuter, kRightOuter, kFullOuter, kLeftSemi, kLeftAnti };

/// Spark's name: "Inner", "LeftOuter", …
std::string_view JoinTypeName(JoinType type);

/// Pairs the rows of two inputs. A pair matches where all keys are equal and all
/// conditions hold. Outputs the left columns, then (except semi and anti) the right ones.
struct Join {
  JoinType type = JoinType::kInner;
  std::vector<ExprPtr> left_keys;   // over the left input
  std::vector<ExprPtr> right_keys;  // over the right input, of the same types
  std::vector<bool> null_safe;      // per key: null equals null (<=>)
  ExprPtr left_condition;           // on left rows by themselves; null if none
  ExprPtr right_condition;          // on right rows by themselves; null if none
  ExprPtr condition;                // on pairs; null if none
};

struct Union {};

/// INTERSECT ALL and EXCEPT ALL: rows of the left input, each as often as both inputs
/// have it, or as it has more of it than the right one.
struct MultisetOperation {
  bool intersects = false;
};

/// Repeats each row once per grouping set, with null for the keys that the set leaves
/// out, and adds which those are. Spark's Expand.
struct Expand {
  std::vector<NamedExpr> keys;
  std::vector<uint64_t> left_out;  // per set: a bit per key, the first key's the highest
  Attribute grouping_id;
};

/// Repeats each row once per element of its array or map, and adds the element as
/// columns: of an array one, or its fields (`inline`), of a map two. Spark's Generate.
struct Generate {
  ExprPtr elements;
  bool with_position = false;  // an int column before the others: posexplode
  bool fields = false;         // one column per field of the structs: inline
  bool outer = false;          // a row without elements stays, with nulls
  std::vector<Attribute> generated;
};

struct Limit {
  int64_t count = 0;
};

/// The last rows.
struct Tail {
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

/// One function over the rows around each row.
struct WindowCall {
  enum class Kind {
    kRowNumber,
    kRank,
    kDenseRank,
    kPercentRank,
    kCumeDist,
    kNtile,   // into `number` buckets
    kOffset,  // args[0] of the row `number` rows after (before, below 0), else args[1] if
              // given
    kNthValue,   // args[0] of row `number` of the frame
    kAggregate,  // `aggregate` over the frame
  };
  Kind kind = Kind::kRowNumber;
  std::vector<ExprPtr> args;
  int64_t number = 0;
  expr::BoundAggregate aggregate;
  WindowFrame frame;
  Attribute attribute;
};

/// Adds one column per call, computed over the rows with equal `partition`, in `order`.
/// Spark's Window.
struct WindowFunctions {
  std::vector<ExprPtr> partition;
  std::vector<SortKey> order;
  std::vector<WindowCall> calls;
};

using Node =
    std::variant<Scan, LocalRelation, Project, Filter, EventTimeWatermark, TimeWindow,
                 SessionWindow, Aggregate, Deduplicate, Join, Union, MultisetOperation,
                 Expand, Generate, Limit, Tail, Offset, Sort, WindowFunctions>;

/// Immutable; children are shared.
struct LogicalPlan {
  Node node;
  std::vector<PlanPtr> children;
  std::vector<Attribute> output;
  bool streaming = false;  // some scan below is a stream
  /// What clients call the relations this node stands for: `df.a` names one of them.
  std::vector<int64_t> client_ids;
  /// Columns of the child that are not in `output`, but may still be named: the keys of
  /// both sides after a join with USING. Only under a Project.
  std::vector<Attribute> hidden;

  data::SchemaPtr schema() const;
  /// Position of a column in `output`; -1 where it is not.
  int IndexOf(AttributeId id) const;
};

/// Makes a node; `streaming` follows from the children (and from `streaming` for a scan).
PlanPtr MakePlan(Node node, std::vector<PlanPtr> children, std::vector<Attribute> output,
                 bool streaming = false);

}  // namespace millrace::plan
