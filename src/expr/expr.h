// Bound expressions: typed trees that turn the columns of a batch into one column.
// Made by the plan's resolver out of names and function calls; run by exec.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "data/time_text.h"
#include "data/types.h"
#include "millrace/status.h"

namespace millrace::expr {

/// Names one column of a plan for good, whatever it is called; Spark's ExprId.
using AttributeId = uint64_t;

/// What evaluation depends on besides the rows. One per micro-batch.
struct EvalContext {
  const data::TimeZone* zone = data::TimeZone::Utc();  // spark.sql.session.timeZone
  int64_t now_micros =
      0;  // current_timestamp(): fixed for a batch (offsets/N batchTimestampMs)
};

/// A column of `rows` values: an array of that length, or, if `constant`, an array of
/// length one that stands for all rows.
struct Value {
  data::ArrayPtr array;
  bool constant = false;

  /// The array position of a row.
  int64_t index(int64_t row) const { return constant ? 0 : row; }
};

/// Immutable; shared between plans.
///
/// Threading: Evaluate may be called from any thread.
class Expr {
 public:
  virtual ~Expr() = default;

  const data::TypePtr& type() const { return type_; }
  bool nullable() const { return nullable_; }
  const std::vector<std::shared_ptr<const Expr>>& children() const { return children_; }

  /// One value per row of `input`. An error is the first row's that fails: whoever must
  /// not evaluate some rows (CASE, AND, …) passes a batch without them.
  virtual Result<Value> Evaluate(const data::Batch& input,
                                 const EvalContext& context) const = 0;

  /// Whether some row could make Evaluate fail (ANSI overflow, bad cast, FAILFAST …),
  /// children included. Such an expression is never evaluated for a row the query would
  /// not.
  virtual bool can_fail() const;
  /// Whether equal inputs give equal results, children included.
  virtual bool deterministic() const;

  /// The same expression over other children (same number and types).
  virtual std::shared_ptr<const Expr> WithChildren(
      std::vector<std::shared_ptr<const Expr>> children) const = 0;

  /// For explain: "(amount#3 > 1.0)".
  virtual std::string ToString() const = 0;

 protected:
  Expr(data::TypePtr type, bool nullable,
       std::vector<std::shared_ptr<const Expr>> children);

 private:
  const data::TypePtr type_;
  const bool nullable_;
  const std::vector<std::shared_ptr<const Expr>> children_;
};

using ExprPtr = std::shared_ptr<const Expr>;

/// A column by id. Evaluate works only after BindColumns.
class Column final : public Expr {
 public:
  Column(AttributeId id, std::string name, data::TypePtr type, bool nullable,
         int ordinal = -1);
  AttributeId id() const { return id_; }
  const std::string& name() const { return name_; }
  int ordinal() const { return ordinal_; }

  Result<Value> Evaluate(const data::Batch& input,
                         const EvalContext& context) const override;
  ExprPtr WithChildren(std::vector<ExprPtr> children) const override;
  std::string ToString() const override;

 private:
  const AttributeId id_;
  const std::string name_;
  const int ordinal_;  // position in the input batch; -1 before BindColumns
};

/// A constant: an array of length one.
class Literal final : public Expr {
 public:
  explicit Literal(data::ArrayPtr value);
  const data::ArrayPtr& value() const { return value_; }
  bool is_null() const;

  Result<Value> Evaluate(const data::Batch& input,
                         const EvalContext& context) const override;
  ExprPtr WithChildren(std::vector<ExprPtr> children) const override;
  std::string ToString() const override;

 private:
  const data::ArrayPtr value_;
};

ExprPtr MakeNull(const data::TypePtr& type);
ExprPtr MakeBoolean(bool value);
ExprPtr MakeInt(int32_t value);
ExprPtr MakeLong(int64_t value);
ExprPtr MakeDouble(double value);
ExprPtr MakeString(std::string_view value);

/// The text of a string literal; nothing where `expr` is not a non-null string literal.
std::optional<std::string> StringLiteral(const ExprPtr& expr);
/// The value of an integer literal of any width.
std::optional<int64_t> IntegerLiteral(const ExprPtr& expr);

/// The same tree with each Column pointing at the position of its id in `input`. An id
/// that is not there is an internal error.
Result<ExprPtr> BindColumns(const ExprPtr& expr, std::span<const AttributeId> input);

/// Adds the ids of all columns in a tree.
void CollectColumns(const ExprPtr& expr, std::vector<AttributeId>* ids);

/// `expr` as an array of `batch->num_rows()` values (constants are repeated).
Result<data::ArrayPtr> EvaluateToArray(const Expr& expr, const data::Batch& batch,
                                       const EvalContext& context);
/// A constant spread over `rows` rows; other values as they are.
Result<data::ArrayPtr> Materialize(const Value& value, int64_t rows);

/// The rows of `batch` for which a boolean expression is true (null is not).
Result<std::vector<int32_t>> EvaluatePredicate(const Expr& predicate,
                                               const data::Batch& batch,
                                               const EvalContext& context);

}  // namespace millrace::expr
