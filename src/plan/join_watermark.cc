#include "plan/join_watermark.h"

#include <arrow/array/array_primitive.h>
#include <arrow/type.h>

#include <algorithm>

#include "expr/function.h"

namespace millrace::plan {
namespace {

// A sum of times and constants: sign * column, and an offset in microseconds.
struct Terms {
  std::vector<std::pair<AttributeId, int>> columns;
  double offset_micros = 0;
  bool valid = true;
};

double MicrosOfLiteral(const expr::Literal& literal, Terms* terms) {
  const arrow::Array& value = *literal.value();
  if (value.IsNull(0)) {
    terms->valid = false;
    return 0;
  }
  switch (value.type_id()) {
    case arrow::Type::DURATION:
      return static_cast<double>(
          static_cast<const arrow::DurationArray&>(value).Value(0));
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: {
      const auto interval =
          static_cast<const arrow::MonthDayNanoIntervalArray&>(value).GetValue(0);
      if (interval.months > 0) terms->valid = false;  // no fixed length
      return static_cast<double>(interval.nanoseconds) / 1000;
    }
    case arrow::Type::TIMESTAMP:
      return static_cast<double>(
          static_cast<const arrow::TimestampArray&>(value).Value(0));
    default:
      break;
  }
  // Other numbers count seconds.
  const expr::ExprPtr number = std::make_shared<expr::Literal>(literal.value());
  if (const auto seconds = expr::IntegerLiteral(number)) {
    return static_cast<double>(*seconds) * 1e6;
  }
  if (value.type_id() == arrow::Type::DOUBLE) {
    return static_cast<const arrow::DoubleArray&>(value).Value(0) * 1e6;
  }
  terms->valid = false;
  return 0;
}

void Collect(const expr::Expr& expr, int sign, Terms* terms) {
  if (const auto* column = dynamic_cast<const expr::Column*>(&expr)) {
    terms->columns.emplace_back(column->id(), sign);
    return;
  }
  if (const auto* literal = dynamic_cast<const expr::Literal*>(&expr)) {
    terms->offset_micros += sign * MicrosOfLiteral(*literal, terms);
    return;
  }
  const std::string_view name = expr::CallName(expr);
  const auto& children = expr.children();
  const arrow::Type::type type = expr.type()->id();
  if ((name == "+" || name == "-") && children.size() == 2) {
    Collect(*children[0], sign, terms);
    Collect(*children[1], name == "+" ? sign : -sign, terms);
  } else if ((name == "-" || name == "negative") && children.size() == 1) {
    Collect(*children[0], -sign, terms);
  } else if (name == "cast" &&
             (type == arrow::Type::TIMESTAMP || arrow::is_numeric(type))) {
    Collect(*children[0], sign, terms);
  } else {
    terms->valid = false;
  }
}

bool Has(const std::vector<Attribute>& side, AttributeId id) {
  return std::any_of(side.begin(), side.end(),
                     [&](const Attribute& a) { return a.id == id; });
}

const Attribute* EventTime(const std::vector<Attribute>& side) {
  const auto found = std::find_if(side.begin(), side.end(), [](const Attribute& a) {
    return a.watermark_delay.has_value();
  });
  return found == side.end() ? nullptr : &*found;
}

// From `lesser` < `greater` (or <=): a bound on the one column of `side`, where it is on
// the greater end: other + offset < column.
std::optional<int64_t> SolveFor(const std::vector<Attribute>& side,
                                const std::vector<Attribute>& other,
                                const expr::Expr& lesser, const expr::Expr& greater) {
  Terms terms;  // lesser - greater < 0
  Collect(lesser, 1, &terms);
  Collect(greater, -1, &terms);
  if (!terms.valid || terms.columns.size() != 2) return std::nullopt;
  bool bounded = false;
  bool by_watermark = false;
  for (const auto& [id, sign] : terms.columns) {
    if (Has(side, id)) {
      bounded = sign < 0;
    } else {
      const Attribute* time = EventTime(other);
      by_watermark = sign > 0 && time != nullptr && time->id == id;
    }
  }
  if (!bounded || !by_watermark) return std::nullopt;
  return static_cast<int64_t>(terms.offset_micros);
}

void AddBounds(const ExprPtr& condition, const std::vector<Attribute>& side,
               const std::vector<Attribute>& other, std::vector<TimeBound>* bounds) {
  if (condition == nullptr) return;
  const std::string_view name = expr::CallName(*condition);
  const auto& operands = condition->children();
  if (name == "and") {
    for (const ExprPtr& operand : operands) AddBounds(operand, side, other, bounds);
    return;
  }
  const bool less = name == "<" || name == "<=";
  if (!less && name != ">" && name != ">=") return;
  const std::optional<int64_t> offset =
      less ? SolveFor(side, other, *operands[0], *operands[1])
           : SolveFor(side, other, *operands[1], *operands[0]);
  if (offset) bounds->push_back({*offset, name.size() == 2});
}

}  // namespace

int EventTimeKey(const LogicalPlan& plan) {
  const auto& join = std::get<Join>(plan.node);
  for (const bool left : {true, false}) {
    const std::vector<Attribute>& side = plan.children[left ? 0 : 1]->output;
    const std::vector<ExprPtr>& keys = left ? join.left_keys : join.right_keys;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto* column = dynamic_cast<const expr::Column*>(keys[i].get());
      if (column == nullptr) continue;
      for (const Attribute& attribute : side) {
        if (attribute.id == column->id() && attribute.watermark_delay) {
          return static_cast<int>(i);
        }
      }
    }
  }
  return -1;
}

JoinTimeBounds BoundsOfSide(const LogicalPlan& plan, bool left) {
  const auto& join = std::get<Join>(plan.node);
  const std::vector<Attribute>& side = plan.children[left ? 0 : 1]->output;
  const std::vector<Attribute>& other = plan.children[left ? 1 : 0]->output;
  JoinTimeBounds result;
  if (const Attribute* time = EventTime(side)) result.event_time = time->id;
  AddBounds(join.condition, side, other, &result.bounds);
  return result;
}

}  // namespace millrace::plan
