// Columns of a query: names, literals and what is computed from them. Spark: Column.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

namespace detail {
struct ColumnNode;  // src/client/nodes.h
using ColumnPtr = std::shared_ptr<const ColumnNode>;
}  // namespace detail

/// An expression. A value: cheap to copy, immutable. Numbers, booleans and texts convert
/// into literals, so `Col("amount") > 10` works. Nothing is checked before an action
/// runs.
class Column {
 public:
  Column(bool value);               // NOLINT: literals convert
  Column(int32_t value);            // NOLINT
  Column(int64_t value);            // NOLINT
  Column(double value);             // NOLINT
  Column(const char* text);         // NOLINT
  Column(const std::string& text);  // NOLINT
  explicit Column(detail::ColumnPtr node) : node_(std::move(node)) {}

  /// The same column under another name.
  Column Alias(std::string_view name) const;
  Column As(std::string_view name) const { return Alias(name); }
  /// CAST(column AS type); `type` is Spark's, e.g. "timestamp", "decimal(10,2)".
  Column Cast(std::string_view type) const;
  Column TryCast(std::string_view type) const;

  Column IsNull() const;
  Column IsNotNull() const;
  Column Between(const Column& lower, const Column& upper) const;
  Column IsIn(const std::vector<Column>& values) const;
  Column Like(std::string_view pattern) const;
  Column RLike(std::string_view pattern) const;
  Column StartsWith(const Column& prefix) const;
  Column EndsWith(const Column& suffix) const;
  Column Contains(const Column& part) const;
  Column EqNullSafe(const Column& other) const;
  /// Characters from `position` (1 is the first).
  Column Substr(int position, int length) const;

  /// A field of a struct, an element of an array (by number, 0 is the first) or of a map.
  Column GetField(std::string_view name) const;
  Column GetItem(const Column& key) const;

  Column Asc() const;   // nulls first
  Column Desc() const;  // nulls last
  Column AscNullsLast() const;
  Column DescNullsFirst() const;

  /// After functions::When: the next branch, and the value of rows no branch takes.
  Column When(const Column& condition, const Column& value) const;
  Column Otherwise(const Column& value) const;

  const detail::ColumnPtr& node() const { return node_; }

 private:
  detail::ColumnPtr node_;
};

Column operator+(const Column& a, const Column& b);
Column operator-(const Column& a, const Column& b);
Column operator*(const Column& a, const Column& b);
Column operator/(const Column& a, const Column& b);
Column operator%(const Column& a, const Column& b);
Column operator-(const Column& a);
Column operator==(const Column& a, const Column& b);
Column operator!=(const Column& a, const Column& b);
Column operator<(const Column& a, const Column& b);
Column operator<=(const Column& a, const Column& b);
Column operator>(const Column& a, const Column& b);
Column operator>=(const Column& a, const Column& b);
Column operator&&(const Column& a, const Column& b);
Column operator||(const Column& a, const Column& b);
Column operator!(const Column& a);

}  // namespace millrace
