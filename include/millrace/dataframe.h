// Tables that are computed: lazily built plans, and the actions that run them. Spark:
// DataFrame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/column.h"
#include "millrace/functions.h"
#include "millrace/row.h"
#include "millrace/status.h"
#include "millrace/streaming.h"

namespace millrace {

class DataFrame;
class GroupedData;

namespace detail {
struct WriteSpec;
// Texts name columns where Spark takes names or columns.
inline Column ToColumn(const Column& column) { return column; }
inline Column ToColumn(std::string_view name) { return functions::Col(name); }
inline Column ToColumn(const char* name) { return functions::Col(name); }
inline Column ToColumn(const std::string& name) { return functions::Col(name); }

template <typename... Args>
std::vector<Column> ToColumns(const Args&... args) {
  return {ToColumn(args)...};
}
}  // namespace detail

/// Writes a batch result: df.Write().Mode("overwrite").Parquet(path).
class DataFrameWriter {
 public:
  explicit DataFrameWriter(detail::PlanPtr plan);

  DataFrameWriter& Format(std::string_view format);
  /// "error" (default), "append", "overwrite" or "ignore".
  DataFrameWriter& Mode(std::string_view mode);
  DataFrameWriter& Option(std::string_view key, std::string_view value);
  DataFrameWriter& PartitionBy(const std::vector<std::string>& columns);

  Status Save(std::string_view path) const;
  Status Parquet(std::string_view path);

 private:
  std::shared_ptr<detail::WriteSpec> spec_;
};

/// A plan in a session. A value: cheap to copy, immutable. Building one is lazy and
/// cannot fail; actions (the methods that return a Status or Result) say what is wrong.
class DataFrame {
 public:
  explicit DataFrame(detail::PlanPtr plan) : plan_(std::move(plan)) {}

  /// Columns, or names of columns.
  template <typename... Args>
  DataFrame Select(const Args&... columns) const {
    return SelectColumns(detail::ToColumns(columns...));
  }
  DataFrame SelectColumns(const std::vector<Column>& columns) const;
  /// Columns as SQL text: SelectExpr("id", "amount * 2 AS twice").
  template <typename... Args>
  DataFrame SelectExpr(const Args&... expressions) const {
    return SelectColumns({functions::Expr(expressions)...});
  }
  DataFrame Filter(const Column& condition) const;
  /// SQL text: Filter("amount > 1 AND user_id IS NOT NULL").
  DataFrame Filter(std::string_view condition) const {
    return Filter(functions::Expr(condition));
  }
  DataFrame Filter(const char* condition) const {
    return Filter(std::string_view(condition));
  }
  DataFrame Filter(const std::string& condition) const {
    return Filter(std::string_view(condition));
  }
  template <typename Condition>
  DataFrame Where(const Condition& condition) const {
    return Filter(condition);
  }
  DataFrame WithColumn(std::string_view name, const Column& column) const;
  DataFrame WithColumnRenamed(std::string_view from, std::string_view to) const;
  DataFrame Drop(const std::vector<std::string>& names) const;
  DataFrame ToDF(const std::vector<std::string>& names) const;
  DataFrame Alias(std::string_view alias) const;
  /// `delay`: how late rows may come, e.g. "2 minutes".
  DataFrame WithWatermark(std::string_view event_time, std::string_view delay) const;
  template <typename... Args>
  GroupedData GroupBy(const Args&... columns) const;
  template <typename... Args>
  DataFrame Agg(const Args&... aggregates) const;
  /// Of all columns, or of some.
  DataFrame DropDuplicates(const std::vector<std::string>& columns = {}) const;
  DataFrame DropDuplicatesWithinWatermark(
      const std::vector<std::string>& columns = {}) const;
  DataFrame Distinct() const { return DropDuplicates(); }
  /// A column of this DataFrame, for conditions that name columns of several.
  Column Col(std::string_view name) const;
  /// Pairs the rows of two DataFrames. `how`: "inner", "cross", "left", "right", "full"
  /// (each also with "outer"), "semi" or "anti" (also "left_semi", "left_anti"). Without
  /// condition every row meets every row.
  DataFrame Join(const DataFrame& other) const;
  DataFrame Join(const DataFrame& other, const Column& condition,
                 std::string_view how = "inner") const;
  /// By columns that both have, which the result has once.
  DataFrame Join(const DataFrame& other, const std::vector<std::string>& columns,
                 std::string_view how = "inner") const;
  DataFrame Join(const DataFrame& other, const char* column,
                 std::string_view how = "inner") const {
    return Join(other, std::vector<std::string>{column}, how);
  }
  DataFrame CrossJoin(const DataFrame& other) const;
  DataFrame Union(const DataFrame& other) const;
  DataFrame UnionByName(const DataFrame& other, bool allow_missing_columns = false) const;
  DataFrame Limit(int count) const;
  DataFrame Offset(int count) const;
  template <typename... Args>
  DataFrame OrderBy(const Args&... columns) const {
    return Sort(detail::ToColumns(columns...));
  }
  DataFrame Sort(const std::vector<Column>& columns) const;

  /// Prints the first rows to standard output; cells longer than 20 characters are cut.
  Status Show(int rows = 20, bool truncate = true) const;
  /// What Show prints. `truncate`: the longest a cell may be, 0 for no limit.
  Result<std::string> ShowString(int rows = 20, int truncate = 20,
                                 bool vertical = false) const;
  Result<std::vector<Row>> Collect() const;
  Result<int64_t> Count() const;
  /// The schema as printSchema() prints it.
  Result<std::string> SchemaTree() const;
  Result<bool> IsStreaming() const;

  /// Names the plan for SparkSession::Sql and Table, within the session.
  Status CreateOrReplaceTempView(std::string_view name) const;
  /// Errors: TEMP_TABLE_OR_VIEW_ALREADY_EXISTS.
  Status CreateTempView(std::string_view name) const;
  Result<std::string> Explain() const;

  DataFrameWriter Write() const { return DataFrameWriter(plan_); }
  DataStreamWriter WriteStream() const { return DataStreamWriter(plan_); }

  const detail::PlanPtr& plan() const { return plan_; }

 private:
  detail::PlanPtr plan_;
};

/// What GroupBy gives: waits for its aggregates.
class GroupedData {
 public:
  GroupedData(detail::PlanPtr input, std::vector<Column> keys);

  template <typename... Args>
  DataFrame Agg(const Args&... aggregates) const {
    return AggColumns(detail::ToColumns(aggregates...));
  }
  DataFrame AggColumns(const std::vector<Column>& aggregates) const;
  /// Column "count".
  DataFrame Count() const;
  DataFrame Sum(std::string_view column) const;
  DataFrame Avg(std::string_view column) const;
  DataFrame Min(std::string_view column) const;
  DataFrame Max(std::string_view column) const;

 private:
  detail::PlanPtr input_;
  std::vector<Column> keys_;
};

template <typename... Args>
GroupedData DataFrame::GroupBy(const Args&... columns) const {
  return GroupedData(plan_, detail::ToColumns(columns...));
}

template <typename... Args>
DataFrame DataFrame::Agg(const Args&... aggregates) const {
  return GroupedData(plan_, {}).Agg(aggregates...);
}

}  // namespace millrace
