// join(): the part of PlanBuilder that makes Join.
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/function.h"
#include "plan/expr_resolver.h"
#include "plan/plan_builder.h"

namespace millrace::plan {
namespace {

constexpr int kLeft = 0;
constexpr int kRight = 1;

bool Has(const PlanPtr& side, AttributeId id) { return side->IndexOf(id) >= 0; }

// A relation joined with itself: the right one gets columns of its own.
PlanPtr WithNewIds(const PlanPtr& left, PlanPtr right) {
  const bool shared = std::any_of(right->output.begin(), right->output.end(),
                                  [&](const Attribute& a) { return Has(left, a.id); });
  if (!shared) return right;
  std::vector<NamedExpr> columns;
  std::vector<Attribute> output;
  for (const Attribute& attribute : right->output) {
    Attribute renewed = attribute;
    if (Has(left, attribute.id)) renewed.id = NewAttributeId();
    columns.push_back({attribute.ref(), renewed});
    output.push_back(std::move(renewed));
  }
  return MakePlan(Project{std::move(columns)}, {std::move(right)}, std::move(output));
}

void SplitConjuncts(const ExprPtr& condition, std::vector<ExprPtr>* conjuncts) {
  if (expr::CallName(*condition) == "and") {
    for (const ExprPtr& child : condition->children()) SplitConjuncts(child, conjuncts);
    return;
  }
  conjuncts->push_back(condition);
}

Result<const Attribute*> UsingColumn(const PlanPtr& input, const std::string& name,
                                     std::string_view side) {
  const Attribute* found = nullptr;
  for (const Attribute& attribute : input->output) {
    if (!EqualsIgnoreCase(attribute.name, name)) continue;
    if (found != nullptr) {
      return AnalysisError("AMBIGUOUS_REFERENCE", "42704",
                           "Reference `{0}` is ambiguous, could be: [`{0}`, `{0}`].",
                           name)
          .Param("name", "`" + name + "`");
    }
    found = &attribute;
  }
  if (found != nullptr) return found;
  std::string columns;
  for (const Attribute& attribute : input->output) {
    columns += (columns.empty() ? "`" : ", `") + attribute.name + "`";
  }
  return AnalysisError(
             "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703",
             "USING column `{}` cannot be resolved on the {} side of the join. The "
             "{}-side columns: [{}].",
             name, side, side, columns)
      .Param("colName", "`" + name + "`")
      .Param("side", std::string(side))
      .Param("suggestion", columns);
}

// Takes a condition apart: keys, what concerns one side only, and the rest.
class JoinParts {
 public:
  JoinParts(JoinType type, PlanPtr left, PlanPtr right, const expr::BindContext& bind)
      : sides_{std::move(left), std::move(right)}, bind_(bind) {
    join_.type = type;
  }

  Status Add(const ExprPtr& conjunct) {
    if (const auto* literal = dynamic_cast<const expr::Literal*>(conjunct.get())) {
      if (IsTrue(*literal)) return Status::OK();
    }
    if (!conjunct->deterministic()) return And(&join_.condition, conjunct);
    if (AddKey(conjunct)) return Status::OK();
    for (const int side : {kLeft, kRight}) {
      if (!Concerns(conjunct, side)) continue;
      if (CanFilter(side)) return And(&filters_[side], conjunct);
      return And(side == kLeft ? &join_.left_condition : &join_.right_condition,
                 conjunct);
    }
    return And(&join_.condition, conjunct);
  }

  Result<PlanPtr> Finish() {
    for (const int side : {kLeft, kRight}) {
      // What cannot match is not remembered. Spark: InferFiltersFromConstraints.
      if (sides_[kLeft]->streaming && sides_[kRight]->streaming && CanFilter(side)) {
        MILLRACE_RETURN_IF_ERROR(RequireNotNull(side));
      }
      if (filters_[side] == nullptr) continue;
      std::vector<Attribute> columns = sides_[side]->output;
      sides_[side] = MakePlan(Filter{filters_[side]}, {sides_[side]}, std::move(columns));
    }
    std::vector<Attribute> output;
    const auto add = [&](int side, bool nullable) {
      for (Attribute attribute : sides_[side]->output) {
        attribute.nullable = attribute.nullable || nullable;
        output.push_back(std::move(attribute));
      }
    };
    const JoinType type = join_.type;
    add(kLeft, type == JoinType::kRightOuter || type == JoinType::kFullOuter);
    if (type != JoinType::kLeftSemi && type != JoinType::kLeftAnti) {
      add(kRight, type == JoinType::kLeftOuter || type == JoinType::kFullOuter);
    }
    return MakePlan(std::move(join_), {sides_[kLeft], sides_[kRight]}, std::move(output));
  }

 private:
  static bool IsTrue(const expr::Literal& literal) {
    return literal.value()->type_id() == arrow::Type::BOOL &&
           literal.value()->IsValid(0) &&
           static_cast<const arrow::BooleanArray&>(*literal.value()).Value(0);
  }

  // Whether rows of a side that match nothing leave no trace in the result.
  bool CanFilter(int side) const {
    switch (join_.type) {
      case JoinType::kInner:
      case JoinType::kLeftSemi:
        return true;
      case JoinType::kLeftOuter:
      case JoinType::kLeftAnti:
        return side == kRight;
      case JoinType::kRightOuter:
        return side == kLeft;
      case JoinType::kFullOuter:
        return false;
    }
    return false;
  }

  // Whether an expression reads columns of that side only, and some.
  bool Concerns(const ExprPtr& expression, int side) const {
    std::vector<AttributeId> ids;
    expr::CollectColumns(expression, &ids);
    return !ids.empty() && std::all_of(ids.begin(), ids.end(), [&](AttributeId id) {
      return Has(sides_[side], id);
    });
  }

  bool AddKey(const ExprPtr& conjunct) {
    const std::string_view name = expr::CallName(*conjunct);
    const bool null_safe = name == "<=>";
    if (name != "=" && name != "==" && !null_safe) return false;
    const ExprPtr& a = conjunct->children()[0];
    const ExprPtr& b = conjunct->children()[1];
    const bool in_order = Concerns(a, kLeft) && Concerns(b, kRight);
    if (!in_order && !(Concerns(a, kRight) && Concerns(b, kLeft))) return false;
    if (!a->type()->Equals(*b->type())) return false;  // structs may meet by position
    join_.left_keys.push_back(in_order ? a : b);
    join_.right_keys.push_back(in_order ? b : a);
    join_.null_safe.push_back(null_safe);
    return true;
  }

  Status And(ExprPtr* condition, const ExprPtr& conjunct) const {
    if (*condition == nullptr) {
      *condition = conjunct;
      return Status::OK();
    }
    MILLRACE_ASSIGN_OR_RETURN(*condition,
                              expr::MakeCall("and", {*condition, conjunct}, bind_));
    return Status::OK();
  }

  // What no matching row of a side has null: keys, and plain columns in comparisons.
  Status RequireNotNull(int side) {
    std::vector<ExprPtr> columns;
    const auto add = [&](const ExprPtr& operand) {
      const auto* column = dynamic_cast<const expr::Column*>(operand.get());
      if (column == nullptr || !Has(sides_[side], column->id()) || !column->nullable())
        return;
      const bool known =
          std::any_of(columns.begin(), columns.end(), [&](const ExprPtr& other) {
            const auto* named = dynamic_cast<const expr::Column*>(other.get());
            return named != nullptr && named->id() == column->id();
          });
      if (!known) columns.push_back(operand);
    };
    const std::vector<ExprPtr>& keys = side == kLeft ? join_.left_keys : join_.right_keys;
    for (size_t i = 0; i < keys.size(); ++i) {
      // As seen on Spark: it pairs null keys of these types.
      const bool floating = arrow::is_floating(keys[i]->type()->id());
      if (join_.null_safe[i] || floating) continue;
      add(keys[i]);
      const bool plain = dynamic_cast<const expr::Column*>(keys[i].get()) != nullptr;
      if (!plain && keys[i]->nullable()) columns.push_back(keys[i]);
    }
    std::vector<ExprPtr> conjuncts;
    if (join_.condition != nullptr) SplitConjuncts(join_.condition, &conjuncts);
    for (const ExprPtr& conjunct : conjuncts) {
      static constexpr std::string_view kComparisons[] = {
          "<", "<=", ">", ">=", "=", "==", "!="};
      if (std::find(std::begin(kComparisons), std::end(kComparisons),
                    expr::CallName(*conjunct)) == std::end(kComparisons)) {
        continue;
      }
      for (const ExprPtr& operand : conjunct->children()) AddOperandColumns(operand, add);
    }
    for (const ExprPtr& column : columns) {
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr not_null,
                                expr::MakeCall("isnotnull", {column}, bind_));
      MILLRACE_RETURN_IF_ERROR(And(&filters_[side], not_null));
    }
    return Status::OK();
  }

  // A column by itself, or moved by an interval or cast: null exactly where the operand
  // is.
  template <typename F>
  static void AddOperandColumns(const ExprPtr& operand, const F& add) {
    const std::string_view name = expr::CallName(*operand);
    if (name == "+" || name == "-" || name == "cast") {
      for (const ExprPtr& child : operand->children()) AddOperandColumns(child, add);
    } else {
      add(operand);
    }
  }

  PlanPtr sides_[2];
  const expr::BindContext& bind_;
  plan::Join join_;
  ExprPtr filters_[2];
};

}  // namespace

Result<PlanPtr> PlanBuilder::Join(PlanPtr left, PlanPtr right, JoinType type,
                                  const JoinCriteria& criteria) const {
  right = WithNewIds(left, std::move(right));
  std::vector<Attribute> both = left->output;
  both.insert(both.end(), right->output.begin(), right->output.end());
  const ExprResolver resolver(both, {left, right}, conf_);
  JoinParts parts(type, left, right, resolver.bind_context());

  std::vector<std::string> names = criteria.using_columns;
  if (criteria.natural) {
    for (const Attribute& attribute : left->output) {
      if (std::any_of(right->output.begin(), right->output.end(),
                      [&](const Attribute& other) {
                        return EqualsIgnoreCase(attribute.name, other.name);
                      })) {
        names.push_back(attribute.name);
      }
    }
  }
  std::vector<std::pair<Attribute, Attribute>> shared;
  for (const std::string& name : names) {
    MILLRACE_ASSIGN_OR_RETURN(const Attribute* a, UsingColumn(left, name, "left"));
    MILLRACE_ASSIGN_OR_RETURN(const Attribute* b, UsingColumn(right, name, "right"));
    MILLRACE_ASSIGN_OR_RETURN(
        const ExprPtr equal,
        expr::MakeCall("=", {a->ref(), b->ref()}, resolver.bind_context()));
    MILLRACE_RETURN_IF_ERROR(parts.Add(equal));
    shared.emplace_back(*a, *b);
  }
  if (criteria.condition) {
    MILLRACE_ASSIGN_OR_RETURN(const ExprPtr condition,
                              resolver.Resolve(*criteria.condition));
    if (condition->type()->id() != arrow::Type::BOOL) {
      return AnalysisError(
                 "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE", "42K0E",
                 "The join condition \"{}\" has the invalid type \"{}\", expected "
                 "\"BOOLEAN\".",
                 PrettySql(*criteria.condition), data::SqlTypeName(*condition->type()))
          .Param("joinCondition", "\"" + PrettySql(*criteria.condition) + "\"")
          .Param("conditionType", "\"" + data::SqlTypeName(*condition->type()) + "\"");
    }
    std::vector<ExprPtr> conjuncts;
    SplitConjuncts(condition, &conjuncts);
    for (const ExprPtr& conjunct : conjuncts)
      MILLRACE_RETURN_IF_ERROR(parts.Add(conjunct));
  }
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr join, parts.Finish());
  if (shared.empty()) return join;

  // USING: each shared column once and first, then the others. Spark:
  // commonNaturalJoinProcessing.
  std::vector<NamedExpr> columns;
  std::vector<Attribute> hidden;
  const auto is_shared = [&](AttributeId id) {
    return std::any_of(shared.begin(), shared.end(), [&](const auto& pair) {
      return pair.first.id == id || pair.second.id == id;
    });
  };
  const auto joined = [&](AttributeId id) { return join->output[join->IndexOf(id)]; };
  for (const auto& [a, b] : shared) {
    if (type == JoinType::kFullOuter) {
      MILLRACE_ASSIGN_OR_RETURN(
          ExprPtr either,
          expr::MakeCall("coalesce", {joined(a.id).ref(), joined(b.id).ref()},
                         resolver.bind_context()));
      Attribute attribute = ToAttribute(either, a.name, {});
      columns.push_back({std::move(either), std::move(attribute)});
    } else {
      const Attribute kept = joined(type == JoinType::kRightOuter ? b.id : a.id);
      columns.push_back({kept.ref(), kept});
    }
  }
  for (const Attribute& attribute : join->output) {
    if (is_shared(attribute.id)) {
      const bool kept = std::any_of(
          columns.begin(), columns.end(),
          [&](const NamedExpr& column) { return column.attribute.id == attribute.id; });
      if (!kept) hidden.push_back(attribute);
    } else {
      columns.push_back({attribute.ref(), attribute});
    }
  }
  std::vector<Attribute> output;
  for (const NamedExpr& column : columns) output.push_back(column.attribute);
  auto result = std::make_shared<LogicalPlan>();
  result->node = plan::Project{std::move(columns)};
  result->streaming = join->streaming;
  result->children = {std::move(join)};
  result->output = std::move(output);
  result->hidden = std::move(hidden);
  return PlanPtr(std::move(result));
}

}  // namespace millrace::plan
