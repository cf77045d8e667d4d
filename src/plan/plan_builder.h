// Turns relations with unresolved expressions into resolved plans, one relation at a
// time, children first. Every error a wrong query can have before it runs comes from
// here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/catalog.h"
#include "plan/logical_plan.h"
#include "plan/table_catalog.h"
#include "plan/unresolved.h"

namespace millrace::plan {

class Aggregation;
class ExprResolver;

/// How join() pairs rows: by a condition, by columns of one name in both inputs, or by
/// neither.
struct JoinCriteria {
  std::optional<UnresolvedExpr> condition;
  std::vector<std::string> using_columns;
  bool natural = false;  // USING all names that both have
};

/// The clauses of a SELECT but for FROM and WHERE.
struct SelectClauses {
  enum class Grouping { kNone, kExpressions, kAll };

  std::vector<UnresolvedExpr> items{};
  bool distinct = false;
  Grouping grouping = Grouping::kNone;
  std::vector<UnresolvedExpr> group_by{};  // an integer literal is a position in `items`
  std::optional<UnresolvedExpr> having{};
  std::vector<UnresolvedExpr> order_by{};  // of kind kSortOrder; positions as above
  bool order_by_all = false;               // order_by[0] says how
};

enum class SetOperator { kIntersect, kExcept };

/// Threading: one thread. References must outlive it.
class PlanBuilder {
 public:
  PlanBuilder(const Connectors& connectors, const SessionConf& conf, FileSystem* fs,
              Clock* clock);

  Result<PlanPtr> Read(std::string_view format, const Options& options,
                       const std::vector<std::string>& paths, const std::string& schema,
                       bool streaming, const std::string& source_name) const;
  /// A table by name: of a memory sink of the session, or of the catalogue. Errors:
  /// TABLE_OR_VIEW_NOT_FOUND / 42P01.
  Result<PlanPtr> Table(const std::vector<std::string>& name_parts,
                        bool streaming = false) const;
  /// Whether a format's files can be read as a table, as parquet.`/path` in SQL.
  bool HasFileFormat(const std::string& format) const;
  Result<PlanPtr> Local(data::SchemaPtr schema, std::vector<data::Batch> batches) const;
  /// [start, end) by step as column "id".
  Result<PlanPtr> Range(int64_t start, int64_t end, int64_t step) const;

  Result<PlanPtr> Project(PlanPtr input,
                          std::span<const UnresolvedExpr> expressions) const;
  Result<PlanPtr> Filter(PlanPtr input, const UnresolvedExpr& condition) const;
  Result<PlanPtr> WithColumns(PlanPtr input,
                              std::span<const UnresolvedExpr> aliases) const;
  Result<PlanPtr> WithColumnsRenamed(
      PlanPtr input, std::span<const std::pair<std::string, std::string>> renames) const;
  Result<PlanPtr> Drop(PlanPtr input, std::span<const UnresolvedExpr> columns) const;
  Result<PlanPtr> ToDf(PlanPtr input, std::span<const std::string> names) const;
  Result<PlanPtr> Alias(PlanPtr input, const std::string& alias) const;
  Result<PlanPtr> WithWatermark(PlanPtr input, const std::string& event_time,
                                const std::string& delay) const;
  Result<PlanPtr> Aggregate(PlanPtr input, std::span<const UnresolvedExpr> grouping,
                            std::span<const UnresolvedExpr> aggregates) const;
  /// Grouping by several sets of keys at once: per set, the keys it leaves out, a bit per
  /// key, the first key's the highest. grouping(key) and grouping_id() may stand in
  /// `aggregates`.
  Result<PlanPtr> GroupingSets(PlanPtr input, std::span<const UnresolvedExpr> keys,
                               std::vector<uint64_t> left_out,
                               std::span<const UnresolvedExpr> aggregates) const;
  /// Groups by `grouping`, with one column per value of `column` and aggregate.
  Result<PlanPtr> Pivot(PlanPtr input, std::span<const UnresolvedExpr> grouping,
                        const UnresolvedExpr& column,
                        std::span<const UnresolvedExpr> values,
                        std::span<const UnresolvedExpr> aggregates) const;
  /// What a SELECT makes of the rows of its FROM and WHERE. Names in HAVING, ORDER BY
  /// and, where the input has no such column, GROUP BY and later items may be those of
  /// items. Errors: besides those of Project and Aggregate, GROUP_BY_POS_* and
  /// ORDER_BY_POS_OUT_OF_RANGE / 42805.
  Result<PlanPtr> Select(PlanPtr input, const SelectClauses& clauses) const;
  /// VALUES: each column has the widest type of its values. All rows have the same
  /// length.
  Result<PlanPtr> Values(std::span<const std::vector<UnresolvedExpr>> rows) const;
  /// One row without columns: what SELECT without FROM reads.
  Result<PlanPtr> OneRow() const;
  /// Rows of both inputs, or of the left only, each once; nulls are equal.
  Result<PlanPtr> SetOperation(SetOperator what, PlanPtr left, PlanPtr right) const;
  /// The value of a constant, as LIMIT and OFFSET take it. Errors:
  /// INVALID_LIMIT_LIKE_EXPRESSION.* / 42K0E.
  Result<int64_t> LimitCount(const UnresolvedExpr& expression) const;

  /// `columns` empty: all columns.
  Result<PlanPtr> Deduplicate(PlanPtr input, std::span<const std::string> columns,
                              bool within_watermark) const;
  Result<PlanPtr> Join(PlanPtr left, PlanPtr right, JoinType type,
                       const JoinCriteria& criteria) const;
  Result<PlanPtr> Union(PlanPtr left, PlanPtr right, bool by_name,
                        bool allow_missing_columns) const;
  /// INTERSECT ALL, or EXCEPT ALL.
  Result<PlanPtr> MultisetOperation(PlanPtr left, PlanPtr right, bool intersects) const;
  Result<PlanPtr> Limit(PlanPtr input, int64_t count) const;
  Result<PlanPtr> Tail(PlanPtr input, int64_t count) const;
  Result<PlanPtr> Offset(PlanPtr input, int64_t count) const;
  Result<PlanPtr> Sort(PlanPtr input, std::span<const UnresolvedExpr> order) const;

  const SessionConf& conf() const { return conf_; }
  TableCatalog tables() const { return TableCatalog(conf_, fs_); }
  const Clock& clock() const { return *clock_; }

 private:
  friend class Aggregation;

  /// `input` with one more column, last: the window that the call window(…) or
  /// session_window(…) makes.
  Result<PlanPtr> AddWindow(PlanPtr input, const UnresolvedExpr& call,
                            const ExprResolver& resolver) const;
  Result<PlanPtr> AddSessionWindow(PlanPtr input, const UnresolvedExpr& call,
                                   const ExprResolver& resolver) const;
  Result<PlanPtr> AddTimeWindow(PlanPtr input, const UnresolvedExpr& call,
                                const ExprResolver& resolver) const;

  const Connectors& connectors_;
  const SessionConf& conf_;
  FileSystem* const fs_;
  Clock* const clock_;
};

}  // namespace millrace::plan
