#include "connect_plan/query_decoder.h"

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "base/error.h"
#include "base/overloaded.h"
#include "connect_plan/expression_decoder.h"
#include "connect_plan/subquery_decoder.h"
#include "plan/aggregation.h"

namespace millrace::connect_plan {
namespace {

using plan::PlanPtr;
using plan::UnresolvedExpr;

plan::JoinType ToPlan(sql::JoinType type) {
  switch (type) {
    case sql::JoinType::kLeft:
      return plan::JoinType::kLeftOuter;
    case sql::JoinType::kRight:
      return plan::JoinType::kRightOuter;
    case sql::JoinType::kFull:
      return plan::JoinType::kFullOuter;
    case sql::JoinType::kLeftSemi:
      return plan::JoinType::kLeftSemi;
    case sql::JoinType::kLeftAnti:
      return plan::JoinType::kLeftAnti;
    case sql::JoinType::kInner:
    case sql::JoinType::kCross:
      break;
  }
  return plan::JoinType::kInner;
}

class Decoder {
 public:
  Decoder(const plan::PlanBuilder& builder, const sql::ParseOptions& options,
          const TableLookup& tables)
      : builder_(builder), options_(options), tables_(tables) {}

  Result<PlanPtr> Query(const sql::Query& query) {
    scopes_.emplace_back();
    Result<PlanPtr> plan = QueryInScope(query);
    scopes_.pop_back();
    return plan;
  }

 private:
  Result<PlanPtr> QueryInScope(const sql::Query& query) {
    for (const sql::CommonTable& table : query.with) {
      MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, Query(*table.query));
      MILLRACE_ASSIGN_OR_RETURN(
          plan, WithColumnNames(std::move(plan), table.column_names, builder_));
      scopes_.back()[LowerCase(table.name)] = std::move(plan);
    }
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, Body(query));
    if (query.offset) {
      MILLRACE_ASSIGN_OR_RETURN(const int64_t count, Count(*query.offset));
      MILLRACE_ASSIGN_OR_RETURN(plan, builder_.Offset(std::move(plan), count));
    }
    if (query.limit) {
      MILLRACE_ASSIGN_OR_RETURN(const int64_t count, Count(*query.limit));
      MILLRACE_ASSIGN_OR_RETURN(plan, builder_.Limit(std::move(plan), count));
    }
    return plan;
  }

  Result<int64_t> Count(const sql::Expression& expression) {
    MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr decoded,
                              DecodeExpression(expression, options_));
    return builder_.LimitCount(decoded);
  }

  Result<std::vector<UnresolvedExpr>> Expressions(
      const std::vector<sql::Expression>& expressions) {
    std::vector<UnresolvedExpr> decoded;
    for (const sql::Expression& expression : expressions) {
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr one,
                                DecodeExpression(expression, options_));
      decoded.push_back(std::move(one));
    }
    return decoded;
  }

  Result<PlanPtr> Body(const sql::Query& query) {
    plan::SelectClauses clauses;
    MILLRACE_ASSIGN_OR_RETURN(clauses.order_by, Expressions(query.order_by));
    clauses.order_by_all = query.order_by_all;
    if (const auto* select = std::get_if<sql::Select>(&query.body)) {
      return Select(*select, std::move(clauses));
    }
    PlanPtr plan;
    if (const auto* operation = std::get_if<sql::SetOperation>(&query.body)) {
      MILLRACE_ASSIGN_OR_RETURN(plan, SetOperation(*operation));
    } else {
      MILLRACE_ASSIGN_OR_RETURN(plan, Relation(*std::get<sql::RelationPtr>(query.body)));
    }
    if (clauses.order_by.empty()) return plan;
    UnresolvedExpr star;
    star.kind = UnresolvedExpr::Kind::kStar;
    clauses.items.push_back(std::move(star));
    return builder_.Select(std::move(plan), clauses);
  }

  Result<PlanPtr> Select(const sql::Select& select, plan::SelectClauses clauses) {
    SubqueryDecoder subqueries(
        builder_, options_, select.subqueries,
        {[this](const sql::Query& query) { return Nested([&] { return Query(query); }); },
         [this](const sql::Relation& relation) {
           return Nested([&] { return Relation(relation); });
         }});
    PlanPtr input;
    if (select.from == nullptr) {
      MILLRACE_ASSIGN_OR_RETURN(input, builder_.OneRow());
    } else {
      MILLRACE_ASSIGN_OR_RETURN(input, Relation(*select.from));
    }
    for (const sql::LateralView& view : select.views) {
      MILLRACE_ASSIGN_OR_RETURN(input, LateralView(std::move(input), view));
    }
    if (select.where) {
      MILLRACE_ASSIGN_OR_RETURN(input, subqueries.Where(std::move(input), *select.where));
    }
    const bool grouped = select.group_by.kind != sql::GroupBy::Kind::kNone ||
                         select.having || AnyAggregate(select.items);
    std::vector<sql::Expression> items = select.items;
    std::optional<sql::Expression> having = select.having;
    if (!select.subqueries.empty()) {
      const size_t width = input->output.size();
      for (sql::Expression& item : items) {
        MILLRACE_ASSIGN_OR_RETURN(
            input, subqueries.AddColumns(std::move(input), grouped, &item));
      }
      if (having) {
        MILLRACE_ASSIGN_OR_RETURN(
            input, subqueries.AddColumns(std::move(input), grouped, &*having));
      }
      const bool star = std::any_of(
          items.begin(), items.end(),
          [](const sql::Expression& item) { return item.has_unresolved_star(); });
      if (star && input->output.size() > width) {
        return UnsupportedError(
            "A star beside a subquery in the list of SELECT is not supported yet: name "
            "the columns.");
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(clauses.items, Expressions(items));
    clauses.distinct = select.distinct;
    switch (select.group_by.kind) {
      case sql::GroupBy::Kind::kNone:
        break;
      case sql::GroupBy::Kind::kExpressions:
        clauses.grouping = plan::SelectClauses::Grouping::kExpressions;
        break;
      case sql::GroupBy::Kind::kAll:
        clauses.grouping = plan::SelectClauses::Grouping::kAll;
        break;
    }
    MILLRACE_ASSIGN_OR_RETURN(clauses.group_by, Expressions(select.group_by.expressions));
    if (having) {
      MILLRACE_ASSIGN_OR_RETURN(clauses.having, DecodeExpression(*having, options_));
    }
    return builder_.Select(std::move(input), clauses);
  }

  // The input's columns, and those of a generator under the view's name.
  Result<PlanPtr> LateralView(PlanPtr input, const sql::LateralView& view) {
    UnresolvedExpr star;
    star.kind = UnresolvedExpr::Kind::kStar;
    std::vector<UnresolvedExpr> columns = {std::move(star)};
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr generator,
                              DecodeExpression(view.generator, options_));
    if (!view.column_names.empty()) {
      generator = UnresolvedExpr::Alias(std::move(generator), view.column_names[0]);
      if (view.column_names.size() > 1) {
        generator.name.clear();
        generator.name_parts = view.column_names;
      }
    }
    columns.push_back(std::move(generator));
    const size_t before = input->output.size();
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, builder_.Project(std::move(input), columns));
    if (view.alias.empty()) return plan;
    auto named = std::make_shared<plan::LogicalPlan>(*plan);
    for (size_t i = before; i < named->output.size(); ++i) {
      named->output[i].qualifier = {view.alias};
    }
    return PlanPtr(std::move(named));
  }

  bool AnyAggregate(const std::vector<sql::Expression>& items) const {
    return std::any_of(items.begin(), items.end(), [&](const sql::Expression& item) {
      const Result<UnresolvedExpr> decoded = DecodeExpression(item, options_);
      return decoded.ok() && plan::HasAggregate(*decoded);
    });
  }

  // Part of a subquery. One that refers to the query around it is read twice, so depth
  // costs time.
  template <typename F>
  Result<PlanPtr> Nested(F decode) {
    constexpr int kMaxNesting = 8;
    if (nesting_ >= kMaxNesting) {
      return UnsupportedError(
          "Subqueries more than {} deep in expressions are not supported yet.",
          kMaxNesting);
    }
    ++nesting_;
    Result<PlanPtr> plan = decode();
    --nesting_;
    return plan;
  }

  Result<PlanPtr> SetOperation(const sql::SetOperation& operation) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr left, Query(*operation.left));
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr right, Query(*operation.right));
    if (operation.kind == sql::SetOperation::Kind::kUnion) {
      MILLRACE_ASSIGN_OR_RETURN(
          PlanPtr all, builder_.Union(std::move(left), std::move(right), false, false));
      if (operation.all) return all;
      return builder_.Deduplicate(std::move(all), {}, false);
    }
    const bool intersect = operation.kind == sql::SetOperation::Kind::kIntersect;
    if (operation.all) {
      return builder_.MultisetOperation(std::move(left), std::move(right), intersect);
    }
    return builder_.SetOperation(
        intersect ? plan::SetOperator::kIntersect : plan::SetOperator::kExcept,
        std::move(left), std::move(right));
  }

  Result<PlanPtr> Relation(const sql::Relation& relation) {
    std::string alias = relation.alias;
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr plan, Source(relation, &alias));
    MILLRACE_ASSIGN_OR_RETURN(
        plan, WithColumnNames(std::move(plan), relation.column_names, builder_));
    return alias.empty() ? plan : builder_.Alias(std::move(plan), alias);
  }

  // A table's own name is its alias unless it has another.
  Result<PlanPtr> Source(const sql::Relation& relation, std::string* alias) {
    return std::visit(
        Overloaded{
            [&](const sql::TableName& table) {
              if (alias->empty()) *alias = table.parts.back();
              return Table(table.parts);
            },
            [&](const sql::QueryPtr& query) { return Query(*query); },
            [&](const sql::InlineTable& table) { return Values(table); },
            [&](const sql::TableFunction& function) { return Function(function); },
            [&](const sql::Join& join) { return Join(join); },
        },
        relation.source);
  }

  Result<PlanPtr> Table(const std::vector<std::string>& parts) {
    if (parts.size() == 1) {
      for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        const auto found = scope->find(LowerCase(parts[0]));
        if (found != scope->end()) return found->second;
      }
    }
    return tables_(parts);
  }

  Result<PlanPtr> Values(const sql::InlineTable& table) {
    std::vector<std::vector<UnresolvedExpr>> rows;
    for (const std::vector<sql::Expression>& row : table.rows) {
      MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> values, Expressions(row));
      rows.push_back(std::move(values));
    }
    return builder_.Values(rows);
  }

  // range(end), range(start, end), range(start, end, step); a number of partitions is
  // ignored.
  Result<PlanPtr> Function(const sql::TableFunction& function) {
    if (LowerCase(function.name) != "range") {
      return AnalysisError(
          "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883",
          "Could not resolve `{}` to a table-valued function.\nPlease make sure "
          "that `{}` is defined as a table-valued function and that all required "
          "parameters are provided correctly.\nIf `{}` is not defined, please "
          "create the table-valued function before using it.\nFor more information about "
          "defining table-valued functions, please refer to the Apache Spark "
          "documentation.",
          function.name, function.name, function.name);
    }
    std::vector<int64_t> numbers;
    for (const sql::Expression& argument : function.arguments) {
      MILLRACE_ASSIGN_OR_RETURN(const int64_t number, Count(argument));
      numbers.push_back(number);
    }
    switch (numbers.size()) {
      case 1:
        return builder_.Range(0, numbers[0], 1);
      case 2:
        return builder_.Range(numbers[0], numbers[1], 1);
      case 3:
      case 4:
        return builder_.Range(numbers[0], numbers[1], numbers[2]);
      default:
        return AnalysisError(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
            "The `range` requires [1, 2, 3, 4] parameters but the actual number "
            "is {}. Please, refer to "
            "'https://spark.apache.org/docs/latest/sql-ref-functions.html' for a fix.",
            numbers.size());
    }
  }

  Result<PlanPtr> Join(const sql::Join& join) {
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr left, Relation(*join.left));
    MILLRACE_ASSIGN_OR_RETURN(PlanPtr right, Relation(*join.right));
    plan::JoinCriteria criteria;
    if (join.condition) {
      MILLRACE_ASSIGN_OR_RETURN(criteria.condition,
                                DecodeExpression(*join.condition, options_));
    }
    criteria.using_columns = join.using_columns;
    criteria.natural = join.natural;
    return builder_.Join(std::move(left), std::move(right), ToPlan(join.type), criteria);
  }

  const plan::PlanBuilder& builder_;
  const sql::ParseOptions& options_;
  const TableLookup& tables_;
  // Common tables by name in lower case, of the queries around.
  std::vector<std::map<std::string, PlanPtr>> scopes_;
  int nesting_ = 0;  // of subqueries in expressions
};

}  // namespace

Result<PlanPtr> DecodeQuery(const sql::Query& query, const plan::PlanBuilder& builder,
                            const sql::ParseOptions& options, const TableLookup& tables) {
  return Decoder(builder, options, tables).Query(query);
}

Result<PlanPtr> WithColumnNames(PlanPtr plan, const std::vector<std::string>& names,
                                const plan::PlanBuilder& builder) {
  if (names.empty()) return plan;
  if (names.size() != plan->output.size()) {
    return AnalysisError(
        "ASSIGNMENT_ARITY_MISMATCH", "42802",
        "The number of columns or variables assigned or aliased: {} does not "
        "match the number of source expressions: {}.",
        plan->output.size(), names.size());
  }
  return builder.ToDf(std::move(plan), names);
}

}  // namespace millrace::connect_plan
