// How each operator is made. One .cc file per operator, named after it.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "exec/operator.h"
#include "expr/aggregate.h"
#include "plan/logical_plan.h"

namespace millrace::exec {

/// Drops rows for which `predicate` is not true.
std::unique_ptr<Operator> MakeFilter(expr::ExprPtr predicate);

/// Computes the columns of `schema`.
std::unique_ptr<Operator> MakeProject(data::SchemaPtr schema,
                                      std::vector<expr::ExprPtr> expressions);

/// Passes on the rows of all inputs under the columns of `schema`, by position.
std::unique_ptr<Operator> MakeUnion(data::SchemaPtr schema);

struct WindowOptions {
  data::SchemaPtr schema;  // the input's columns and the window, last
  expr::ExprPtr time;      // timestamp with or without zone
  std::chrono::microseconds width{};
  std::chrono::microseconds slide{};
  std::chrono::microseconds start{};
};
/// Adds the window column; drops rows without time, repeats rows that lie in several
/// windows.
std::unique_ptr<Operator> MakeWindow(WindowOptions options);

struct SessionWindowOptions {
  data::SchemaPtr schema;  // the input's columns and the window, last
  expr::ExprPtr time;      // timestamp with or without zone
  expr::ExprPtr gap;       // a duration, or a text that is an interval
};
/// Adds the window column, from a row's time to its time plus its gap; drops rows without
/// time or with a gap that is not above zero.
std::unique_ptr<Operator> MakeSessionWindow(SessionWindowOptions options);

/// Where the event time lies in an operator's key or input.
struct EventTimeColumn {
  int index = -1;          // -1: none
  bool is_window = false;  // a struct<start,end>, whose end counts
};

struct AggregateOptions {
  data::SchemaPtr schema;  // keys, then results
  std::vector<expr::ExprPtr> keys;
  std::vector<expr::BoundAggregate> calls;
  std::vector<bool>
      distinct;  // per call: fold each value of its arguments once per group
  EventTimeColumn event_time;  // among the keys
  bool streaming = false;
  OutputMode mode = OutputMode::kAppend;
};
/// Groups rows by keys. A stream keeps groups across epochs: append emits a group when
/// the watermark passes its event time and then forgets it, update emits the groups an
/// epoch changed, complete emits all. A batch query emits all at its end.
std::unique_ptr<Operator> MakeAggregate(AggregateOptions options);

/// The same where key number `session_key` is a session window: windows of one group that
/// touch become one. No distinct calls; a stream in append or complete mode only.
std::unique_ptr<Operator> MakeSessionAggregate(AggregateOptions options, int session_key);

struct DeduplicateOptions {
  std::vector<int> keys;       // positions in the input
  EventTimeColumn event_time;  // in the input; -1 without watermark
  bool event_time_in_keys = false;
  bool within_watermark = false;
  std::chrono::microseconds delay{};  // of the watermark, for within_watermark
  data::SchemaPtr schema;
  bool streaming = false;
};
/// Passes on the first row of each key.
std::unique_ptr<Operator> MakeDeduplicate(DeduplicateOptions options);

/// Passes on the first `count` rows: of the whole stream in append mode
/// (`across_epochs`), else of each epoch.
std::unique_ptr<Operator> MakeLimit(int64_t count, bool across_epochs);
/// Drops the first `count` rows of the epoch.
std::unique_ptr<Operator> MakeOffset(int64_t count);

struct SortColumn {
  expr::ExprPtr expr;
  bool descending = false;
  bool nulls_first = true;
};
/// Emits the rows of an epoch in order, at its end. Stable.
std::unique_ptr<Operator> MakeSort(std::vector<SortColumn> columns);

/// Passes on the last `count` rows of the epoch, at its end.
std::unique_ptr<Operator> MakeTail(int64_t count);

/// Left rows, each as often as both inputs have it, or as the left one has more of it.
/// Holds the distinct rows of the right input.
std::unique_ptr<Operator> MakeIntersectAll();
std::unique_ptr<Operator> MakeExceptAll();

struct ExpandOptions {
  data::SchemaPtr schema;  // the input's columns, the keys, the grouping id
  std::vector<expr::ExprPtr> keys;
  std::vector<uint64_t>
      left_out;  // per set: a bit per key that it leaves out, as plan::Expand
};
/// Repeats each row once per grouping set.
std::unique_ptr<Operator> MakeExpand(ExpandOptions options);

struct GenerateOptions {
  data::SchemaPtr schema;  // the input's columns, then what is generated, as plan::Generate
  expr::ExprPtr elements;  // an array or a map
  bool with_position = false;
  bool fields = false;
  bool outer = false;
};
/// Repeats each row once per element of an array or map.
std::unique_ptr<Operator> MakeGenerate(GenerateOptions options);

struct WindowFunctionsOptions {
  data::SchemaPtr schema;  // the input's columns, then one per call
  std::vector<expr::ExprPtr> partition;
  std::vector<SortColumn> order;
  std::vector<plan::WindowCall> calls;  // with bound arguments
};
/// Adds what functions make of the rows around each row. Holds the rows of an epoch;
/// emits them at its end by partition, each in its order.
std::unique_ptr<Operator> MakeWindowFunctions(WindowFunctionsOptions options);

}  // namespace millrace::exec
