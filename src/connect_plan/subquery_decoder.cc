#include "connect_plan/subquery_decoder.h"

#include <algorithm>

#include "base/error.h"
#include "connect_plan/expression_decoder.h"
#include "connect_plan/subquery_terms.h"
#include "plan/aggregation.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::Attribute;
using plan::NamedExpr;
using plan::PlanPtr;
using plan::UnresolvedExpr;
using Kind = UnresolvedExpr::Kind;

// The subqueries in a message, outermost first; not those inside of others.
void FindSubqueries(google::protobuf::Message* message,
                    std::vector<proto::Expression*>* found) {
  if (message->GetDescriptor() == proto::Expression::descriptor()) {
    auto* expression = static_cast<proto::Expression*>(message);
    if (expression->has_subquery_expression()) {
      found->push_back(expression);
      return;
    }
  }
  const auto* reflection = message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      FindSubqueries(reflection->MutableMessage(message, field), found);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
      FindSubqueries(reflection->MutableRepeatedMessage(message, field, i), found);
    }
  }
}

bool HasSubquery(sql::Expression expression) {
  std::vector<proto::Expression*> found;
  FindSubqueries(&expression, &found);
  return !found.empty();
}

void SplitConjuncts(const sql::Expression& condition,
                    std::vector<const sql::Expression*>* conjuncts) {
  const auto& call = condition.unresolved_function();
  if (condition.has_unresolved_function() && call.function_name() == "and") {
    for (const sql::Expression& operand : call.arguments())
      SplitConjuncts(operand, conjuncts);
  } else {
    conjuncts->push_back(&condition);
  }
}

// What stands under any number of NOTs.
const sql::Expression& Unnegated(const sql::Expression& expression, bool* negated) {
  const sql::Expression* bare = &expression;
  while (bare->has_unresolved_function() &&
         bare->unresolved_function().arguments_size() == 1 &&
         (bare->unresolved_function().function_name() == "not" ||
          bare->unresolved_function().function_name() == "!")) {
    *negated = !*negated;
    bare = &bare->unresolved_function().arguments(0);
  }
  return *bare;
}

}  // namespace

std::string SubqueryDecoder::NewName() { return fmt::format("__subquery_{}", names_++); }

Result<const sql::Query*> SubqueryDecoder::Find(const sql::Expression& expression) const {
  const auto found = subqueries_.find(expression.subquery_expression().plan_id());
  if (found == subqueries_.end()) {
    return UnsupportedError("A subquery is not supported here.");
  }
  return found->second.get();
}

Result<PlanPtr> SubqueryDecoder::Where(PlanPtr input, const sql::Expression& condition) {
  std::vector<const sql::Expression*> conjuncts;
  if (HasSubquery(condition)) {
    SplitConjuncts(condition, &conjuncts);
  } else {
    conjuncts.push_back(&condition);
  }
  // What needs no subquery first: fewer rows to join.
  std::stable_partition(conjuncts.begin(), conjuncts.end(),
                        [](const sql::Expression* one) { return !HasSubquery(*one); });
  for (const sql::Expression* conjunct : conjuncts) {
    bool negated = false;
    const sql::Expression& bare = Unnegated(*conjunct, &negated);
    const auto type = bare.subquery_expression().subquery_type();
    if (bare.has_subquery_expression() &&
        type == proto::SubqueryExpression::SUBQUERY_TYPE_EXISTS) {
      MILLRACE_ASSIGN_OR_RETURN(const sql::Query* query, Find(bare));
      MILLRACE_ASSIGN_OR_RETURN(input, Exists(std::move(input), *query, negated));
      continue;
    }
    if (bare.has_subquery_expression() &&
        type == proto::SubqueryExpression::SUBQUERY_TYPE_IN) {
      MILLRACE_ASSIGN_OR_RETURN(input, In(std::move(input), bare, negated));
      continue;
    }
    const size_t width = input->output.size();
    sql::Expression plain = *conjunct;
    MILLRACE_ASSIGN_OR_RETURN(input, AddColumns(std::move(input), false, &plain));
    MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr decoded,
                              DecodeExpression(plain, options_));
    MILLRACE_ASSIGN_OR_RETURN(input, builder_.Filter(std::move(input), decoded));
    if (input->output.size() > width) {
      std::vector<NamedExpr> kept = First(input, width);
      input = Keep(std::move(input), std::move(kept));
    }
  }
  return input;
}

Result<PlanPtr> SubqueryDecoder::AddColumns(PlanPtr input, bool grouped,
                                            sql::Expression* expression) {
  std::vector<proto::Expression*> found;
  FindSubqueries(expression, &found);
  for (proto::Expression* one : found) {
    const std::string name = NewName();
    MILLRACE_ASSIGN_OR_RETURN(const sql::Query* query, Find(*one));
    const auto type = one->subquery_expression().subquery_type();
    if (type == proto::SubqueryExpression::SUBQUERY_TYPE_IN) {
      MILLRACE_ASSIGN_OR_RETURN(input, AddMembership(std::move(input), *one, name));
    } else {
      const bool exists = type == proto::SubqueryExpression::SUBQUERY_TYPE_EXISTS;
      MILLRACE_ASSIGN_OR_RETURN(input, AddScalar(std::move(input), *query, exists, name));
    }
    proto::Expression column;
    column.mutable_unresolved_attribute()->set_unparsed_identifier(
        fmt::format("`{}`.`{}`", name, kSubqueryColumn));
    if (grouped) {  // the same for all rows of a group
      auto* any = one->mutable_unresolved_function();
      any->set_function_name("any_value");
      *any->add_arguments() = std::move(column);
    } else {
      *one = std::move(column);
    }
  }
  return input;
}

// A subquery that is no plan by itself: `without` says why.
Result<SubqueryDecoder::Correlated> SubqueryDecoder::Correlate(const sql::Query& query,
                                                               const Status& without) {
  const auto* select = std::get_if<sql::Select>(&query.body);
  const bool plain = select != nullptr && select->from != nullptr && select->where &&
                     !query.limit && !query.offset && !select->having &&
                     query.with.empty() &&
                     select->group_by.kind == sql::GroupBy::Kind::kNone;
  if (!without.error().error_class.starts_with("UNRESOLVED_COLUMN") || !plain) {
    return without;
  }
  Correlated inner;
  inner.select = select;
  MILLRACE_ASSIGN_OR_RETURN(inner.plan, parts_.relation(*select->from));
  std::vector<const sql::Expression*> conjuncts;
  SplitConjuncts(*select->where, &conjuncts);
  for (const sql::Expression* conjunct : conjuncts) {
    if (HasSubquery(*conjunct)) {
      SubqueryDecoder inside(builder_, options_, select->subqueries, parts_);
      MILLRACE_ASSIGN_OR_RETURN(inner.plan,
                                inside.Where(std::move(inner.plan), *conjunct));
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr decoded,
                              DecodeExpression(*conjunct, options_));
    Result<PlanPtr> filtered = builder_.Filter(inner.plan, decoded);
    if (filtered.ok()) {
      inner.plan = *std::move(filtered);
    } else if (filtered.status().error().error_class.starts_with("UNRESOLVED_COLUMN")) {
      inner.conditions.push_back(std::move(decoded));
    } else {
      return filtered.status();
    }
  }
  if (inner.conditions.empty()) return without;
  return inner;
}

Result<PlanPtr> SubqueryDecoder::Exists(PlanPtr input, const sql::Query& query,
                                        bool negated) {
  const plan::JoinType type =
      negated ? plan::JoinType::kLeftAnti : plan::JoinType::kLeftSemi;
  plan::JoinCriteria criteria;
  Result<PlanPtr> plan = parts_.query(query);
  if (plan.ok()) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr one, builder_.Limit(*std::move(plan), 1));
    criteria.condition = True();
    return builder_.Join(std::move(input), std::move(one), type, criteria);
  }
  MILLRACE_ASSIGN_OR_RETURN(Correlated inner, Correlate(query, plan.status()));
  criteria.condition = AllOf(std::move(inner.conditions));
  Result<PlanPtr> joined =
      builder_.Join(std::move(input), std::move(inner.plan), type, criteria);
  // A name that neither has is first of all one that the subquery has not.
  if (!joined.ok() &&
      joined.status().error().error_class.starts_with("UNRESOLVED_COLUMN")) {
    return plan.status();
  }
  return joined;
}

// Rows are kept where a row of the subquery is equal; negated, where every row of it is
// certainly different.
Result<PlanPtr> SubqueryDecoder::In(PlanPtr input, const sql::Expression& in,
                                    bool negated) {
  const auto& subquery = in.subquery_expression();
  MILLRACE_ASSIGN_OR_RETURN(const sql::Query* query, Find(in));
  const size_t width = input->output.size();
  // (a, b) IN (SELECT …): the row's values.
  std::vector<UnresolvedExpr> values;
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr value,
                            DecodeExpression(subquery.in_subquery_values(0), options_));
  if (value.kind == Kind::kCall && value.name == "named_struct") {
    for (size_t i = 1; i < value.children.size(); i += 2)
      values.push_back(value.children[i]);
  } else {
    values.push_back(std::move(value));
  }
  const std::string name = NewName();
  const auto left_name = [&](size_t i) { return fmt::format("{}_left_{}", name, i); };
  const auto right_name = [&](size_t i) { return fmt::format("{}_right_{}", name, i); };

  std::vector<UnresolvedExpr> conditions;
  Result<PlanPtr> plan = parts_.query(*query);
  PlanPtr right;
  size_t columns = 0;
  if (plan.ok()) {
    right = *std::move(plan);
    columns = right->output.size();
    std::vector<std::string> names;
    for (size_t i = 0; i < columns; ++i) names.push_back(right_name(i));
    MILLRACE_ASSIGN_OR_RETURN(right, builder_.ToDf(std::move(right), names));
  } else {
    MILLRACE_ASSIGN_OR_RETURN(Correlated inner, Correlate(*query, plan.status()));
    conditions = std::move(inner.conditions);
    std::vector<UnresolvedExpr> aliases;
    for (const sql::Expression& item : inner.select->items) {
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr decoded, DecodeExpression(item, options_));
      if (plan::HasAggregate(decoded) || decoded.kind == Kind::kStar) {
        return plan.status();
      }
      aliases.push_back(
          UnresolvedExpr::Alias(std::move(decoded), right_name(aliases.size())));
    }
    columns = aliases.size();
    MILLRACE_ASSIGN_OR_RETURN(right,
                              builder_.WithColumns(std::move(inner.plan), aliases));
  }
  if (columns != values.size()) {
    std::string left_list;
    std::string right_list;
    for (const UnresolvedExpr& one : values) {
      left_list +=
          fmt::format("{}\"{}\"", left_list.empty() ? "" : ", ", plan::PrettySql(one));
    }
    MILLRACE_ASSIGN_OR_RETURN(const PlanPtr again, parts_.query(*query));
    for (const Attribute& attribute : again->output) {
      right_list +=
          fmt::format("{}\"{}\"", right_list.empty() ? "" : ", ", attribute.name);
    }
    return AnalysisError(
        "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", "42K09",
        "Cannot resolve \"({} IN (listquery()))\" due to data type mismatch: The number "
        "of columns in the left hand side of an IN subquery does not match the number of "
        "columns in the output of subquery. Left hand side columns(length: {}): [{}], "
        "right hand side columns(length: {}): [{}].",
        plan::PrettySql(values[0]), values.size(), left_list, columns, right_list);
  }
  std::vector<UnresolvedExpr> aliases;
  std::vector<UnresolvedExpr> equal;
  for (size_t i = 0; i < values.size(); ++i) {
    aliases.push_back(UnresolvedExpr::Alias(std::move(values[i]), left_name(i)));
    equal.push_back(Call("==", {Named(left_name(i)), Named(right_name(i))}));
  }
  MILLRACE_ASSIGN_OR_RETURN(input, builder_.WithColumns(std::move(input), aliases));
  UnresolvedExpr all_equal = AllOf(std::move(equal));
  conditions.push_back(negated ? Call("coalesce", {std::move(all_equal), True()})
                               : std::move(all_equal));
  plan::JoinCriteria criteria;
  criteria.condition = AllOf(std::move(conditions));
  MILLRACE_ASSIGN_OR_RETURN(
      PlanPtr joined,
      builder_.Join(std::move(input), std::move(right),
                    negated ? plan::JoinType::kLeftAnti : plan::JoinType::kLeftSemi,
                    criteria));
  std::vector<NamedExpr> kept = First(joined, width);
  return Keep(std::move(joined), std::move(kept));
}

}  // namespace millrace::connect_plan
