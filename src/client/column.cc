#include "millrace/column.h"

#include <utility>

#include "client/nodes.h"

namespace millrace {
namespace {

namespace proto = spark::connect;
using detail::ExpressionOf;
using detail::MakeCall;

template <typename Fill>
Column Make(Fill&& fill) {
  auto node = std::make_shared<detail::ColumnNode>();
  fill(node->expression);
  return Column(std::move(node));
}

Column MakeCast(const Column& column, std::string_view type, bool try_cast) {
  return Make([&](proto::Expression& expression) {
    auto* cast = expression.mutable_cast();
    *cast->mutable_expr() = ExpressionOf(column);
    cast->set_type_str(std::string(type));
    if (try_cast) cast->set_eval_mode(proto::Expression::Cast::EVAL_MODE_TRY);
  });
}

Column MakeSortOrder(const Column& column, bool descending, bool nulls_first) {
  using Order = proto::Expression::SortOrder;
  return Make([&](proto::Expression& expression) {
    auto* order = expression.mutable_sort_order();
    *order->mutable_child() = ExpressionOf(column);
    order->set_direction(descending ? Order::SORT_DIRECTION_DESCENDING
                                    : Order::SORT_DIRECTION_ASCENDING);
    order->set_null_ordering(nulls_first ? Order::SORT_NULLS_FIRST
                                         : Order::SORT_NULLS_LAST);
  });
}

detail::ColumnPtr LiteralNode(auto&& set) {
  auto node = std::make_shared<detail::ColumnNode>();
  set(*node->expression.mutable_literal());
  return node;
}

}  // namespace

namespace detail {

Column MakeCall(std::string_view name, const std::vector<Column>& args, bool distinct) {
  return Make([&](proto::Expression& expression) {
    auto* function = expression.mutable_unresolved_function();
    function->set_function_name(std::string(name));
    function->set_is_distinct(distinct);
    for (const Column& arg : args) *function->add_arguments() = ExpressionOf(arg);
  });
}

}  // namespace detail

Column::Column(bool value) : node_(LiteralNode([&](auto& l) { l.set_boolean(value); })) {}
Column::Column(int32_t value)
    : node_(LiteralNode([&](auto& l) { l.set_integer(value); })) {}
Column::Column(int64_t value)
    : node_(LiteralNode([&](auto& l) { l.set_long_(value); })) {}
Column::Column(double value)
    : node_(LiteralNode([&](auto& l) { l.set_double_(value); })) {}
Column::Column(const char* text)
    : node_(LiteralNode([&](auto& l) { l.set_string(text); })) {}
Column::Column(const std::string& text)
    : node_(LiteralNode([&](auto& l) { l.set_string(text); })) {}

Column Column::Alias(std::string_view name) const {
  return Make([&](proto::Expression& expression) {
    *expression.mutable_alias()->mutable_expr() = ExpressionOf(*this);
    expression.mutable_alias()->add_name(std::string(name));
  });
}

Column Column::Cast(std::string_view type) const { return MakeCast(*this, type, false); }
Column Column::TryCast(std::string_view type) const {
  return MakeCast(*this, type, true);
}

Column Column::IsNull() const { return MakeCall("isNull", {*this}); }
Column Column::IsNotNull() const { return MakeCall("isNotNull", {*this}); }
Column Column::Between(const Column& lower, const Column& upper) const {
  return *this >= lower && *this <= upper;
}
Column Column::IsIn(const std::vector<Column>& values) const {
  std::vector<Column> args = {*this};
  args.insert(args.end(), values.begin(), values.end());
  return MakeCall("in", args);
}
Column Column::Like(std::string_view pattern) const {
  return MakeCall("like", {*this, Column(std::string(pattern))});
}
Column Column::RLike(std::string_view pattern) const {
  return MakeCall("rlike", {*this, Column(std::string(pattern))});
}
Column Column::StartsWith(const Column& prefix) const {
  return MakeCall("startswith", {*this, prefix});
}
Column Column::EndsWith(const Column& suffix) const {
  return MakeCall("endswith", {*this, suffix});
}
Column Column::Contains(const Column& part) const {
  return MakeCall("contains", {*this, part});
}
Column Column::EqNullSafe(const Column& other) const {
  return MakeCall("<=>", {*this, other});
}
Column Column::Substr(int position, int length) const {
  return MakeCall("substr", {*this, position, length});
}

Column Column::GetField(std::string_view name) const {
  return GetItem(Column(std::string(name)));
}
Column Column::GetItem(const Column& key) const {
  return Make([&](proto::Expression& expression) {
    auto* extract = expression.mutable_unresolved_extract_value();
    *extract->mutable_child() = ExpressionOf(*this);
    *extract->mutable_extraction() = ExpressionOf(key);
  });
}

Column Column::Asc() const { return MakeSortOrder(*this, false, true); }
Column Column::Desc() const { return MakeSortOrder(*this, true, false); }
Column Column::AscNullsLast() const { return MakeSortOrder(*this, false, false); }
Column Column::DescNullsFirst() const { return MakeSortOrder(*this, true, true); }

Column Column::When(const Column& condition, const Column& value) const {
  return Make([&](proto::Expression& expression) {
    expression = ExpressionOf(*this);
    auto* function = expression.mutable_unresolved_function();
    *function->add_arguments() = ExpressionOf(condition);
    *function->add_arguments() = ExpressionOf(value);
  });
}

Column Column::Otherwise(const Column& value) const {
  return Make([&](proto::Expression& expression) {
    expression = ExpressionOf(*this);
    *expression.mutable_unresolved_function()->add_arguments() = ExpressionOf(value);
  });
}

Column operator+(const Column& a, const Column& b) { return MakeCall("+", {a, b}); }
Column operator-(const Column& a, const Column& b) { return MakeCall("-", {a, b}); }
Column operator*(const Column& a, const Column& b) { return MakeCall("*", {a, b}); }
Column operator/(const Column& a, const Column& b) { return MakeCall("/", {a, b}); }
Column operator%(const Column& a, const Column& b) { return MakeCall("%", {a, b}); }
Column operator-(const Column& a) { return MakeCall("negative", {a}); }
Column operator==(const Column& a, const Column& b) { return MakeCall("==", {a, b}); }
Column operator!=(const Column& a, const Column& b) { return !(a == b); }
Column operator<(const Column& a, const Column& b) { return MakeCall("<", {a, b}); }
Column operator<=(const Column& a, const Column& b) { return MakeCall("<=", {a, b}); }
Column operator>(const Column& a, const Column& b) { return MakeCall(">", {a, b}); }
Column operator>=(const Column& a, const Column& b) { return MakeCall(">=", {a, b}); }
Column operator&&(const Column& a, const Column& b) { return MakeCall("and", {a, b}); }
Column operator||(const Column& a, const Column& b) { return MakeCall("or", {a, b}); }
Column operator!(const Column& a) { return MakeCall("not", {a}); }

}  // namespace millrace
