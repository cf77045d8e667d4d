// FROM: tables, joins, subqueries, VALUES, and the names they are given.
#include <algorithm>

#include "sql/parser.h"

namespace millrace::sql {
namespace {

constexpr int kMaxChain = 400;

RelationPtr MakeJoin(Join join) {
  auto relation = std::make_shared<Relation>();
  relation->source = std::move(join);
  return relation;
}

}  // namespace

// Comma-separated relations are a cross join, unless WHERE says how they fit.
Result<RelationPtr> Parser::From() {
  MILLRACE_ASSIGN_OR_RETURN(RelationPtr relation, Joined());
  for (int count = 0; TakeSymbol(","); ++count) {
    if (count > kMaxChain) return TooComplex();
    Join join;
    join.left = std::move(relation);
    MILLRACE_ASSIGN_OR_RETURN(join.right, Joined());
    relation = MakeJoin(std::move(join));
  }
  return relation;
}

Result<RelationPtr> Parser::Joined() {
  if (IsWord("LATERAL")) return Unsupported(next_, "LATERAL");
  MILLRACE_ASSIGN_OR_RETURN(RelationPtr relation, RelationPrimary());
  bool joined = true;
  for (int count = 0; joined; ++count) {
    if (count > kMaxChain) return TooComplex();
    MILLRACE_ASSIGN_OR_RETURN(relation, JoinRest(std::move(relation), &joined));
  }
  return relation;
}

// [NATURAL] [type] JOIN relation [ON … | USING (…)], if it is there.
Result<RelationPtr> Parser::JoinRest(RelationPtr left, bool* joined) {
  Join join;
  join.natural = IsWord("NATURAL");
  size_t ahead = join.natural ? 1 : 0;
  const auto take = [&](std::string_view word) {
    if (!IsWord(word, ahead)) return false;
    ++ahead;
    return true;
  };
  if (take("CROSS")) {
    join.type = JoinType::kCross;
  } else if (take("INNER")) {
    join.type = JoinType::kInner;
  } else if (take("FULL")) {
    join.type = JoinType::kFull;
    take("OUTER");
  } else if (take("RIGHT")) {
    join.type = JoinType::kRight;
    take("OUTER");
  } else {
    const bool is_left = take("LEFT");
    if (is_left) join.type = JoinType::kLeft;
    if (take("SEMI")) {
      join.type = JoinType::kLeftSemi;
    } else if (take("ANTI")) {
      join.type = JoinType::kLeftAnti;
    } else if (is_left) {
      take("OUTER");
    }
  }
  *joined = IsWord("JOIN", ahead);
  if (!*joined) {
    if (ahead == 0) return left;
    next_ += ahead;
    return Unexpected();
  }
  next_ += ahead + 1;
  if (IsWord("LATERAL")) return Unsupported(next_, "LATERAL");
  join.left = std::move(left);
  MILLRACE_ASSIGN_OR_RETURN(join.right, RelationPrimary());
  if (TakeWord("ON")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree condition, ParseExpression());
    join.condition = std::move(condition.message);
  } else if (TakeWord("USING")) {
    MILLRACE_ASSIGN_OR_RETURN(join.using_columns, NameList());
  }
  return MakeJoin(std::move(join));
}

Result<RelationPtr> Parser::RelationPrimary() {
  const Level level(&depth_);
  if (TooDeep()) return TooComplex();
  auto relation = std::make_shared<Relation>();
  if (IsSymbol("(")) {
    const bool query = AtQuery(1) && AtBracketedQuery();
    ++next_;
    if (query) {
      MILLRACE_ASSIGN_OR_RETURN(relation->source, ParseQuery());
      MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    } else {
      MILLRACE_ASSIGN_OR_RETURN(RelationPtr inner, Joined());
      MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
      if (!IsWord("AS") && !AtImplicitAlias()) return inner;
      auto renamed = std::make_shared<Query>();
      renamed->body = std::move(inner);
      relation->source = QueryPtr(std::move(renamed));
    }
  } else if (IsWord("VALUES") && AtQuery()) {
    MILLRACE_ASSIGN_OR_RETURN(relation->source, Values());
  } else {
    const size_t first = next_;
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> parts, QualifiedName());
    if (parts.size() == 1 && IsSymbol("(")) {
      TableFunction function;
      function.name = std::move(parts[0]);
      ++next_;
      if (!IsSymbol(")")) {
        MILLRACE_ASSIGN_OR_RETURN(std::vector<Tree> arguments, ExpressionList());
        for (Tree& argument : arguments) {
          function.arguments.push_back(std::move(argument.message));
        }
      }
      MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
      relation->source = std::move(function);
    } else {
      relation->source = TableName{std::move(parts)};
    }
    if (IsWord("TABLESAMPLE")) return Unsupported(first, "TABLESAMPLE");
  }
  MILLRACE_RETURN_IF_ERROR(TableAlias(relation.get()));
  return RelationPtr(std::move(relation));
}

// [[AS] name [(column, …)]]
Status Parser::TableAlias(Relation* relation) {
  const bool announced = TakeWord("AS");
  if (!announced && !AtImplicitAlias()) return Status::OK();
  MILLRACE_ASSIGN_OR_RETURN(relation->alias, Name());
  if (IsSymbol("(")) {
    MILLRACE_ASSIGN_OR_RETURN(relation->column_names, NameList());
  }
  return Status::OK();
}

Result<InlineTable> Parser::Values() {
  const size_t first = next_++;
  InlineTable table;
  do {
    std::vector<Expression> row;
    if (IsSymbol("(") && !AtQuery(1)) {
      const size_t close = ClosingBracket(next_);
      const Token& after = tokens_[std::min(close + 1, tokens_.size() - 1)];
      const bool whole_row = after.kind != TokenKind::kSymbol || after.text == "," ||
                             after.text == ")" || after.text == ";";
      if (whole_row) {
        ++next_;
        MILLRACE_ASSIGN_OR_RETURN(row, NamedExpressions());
        MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
      }
    }
    if (row.empty()) {
      MILLRACE_ASSIGN_OR_RETURN(Tree value, ParseExpression());
      row.push_back(std::move(value.message));
    }
    table.rows.push_back(std::move(row));
  } while (TakeSymbol(","));
  for (size_t i = 1; i < table.rows.size(); ++i) {
    if (table.rows[i].size() == table.rows[0].size()) continue;
    return ParseError(
        FragmentFrom(first), "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "42000",
        "Invalid inline table. Inline table expected {} columns but found {} "
        "columns in row {}.",
        table.rows[0].size(), table.rows[i].size(), i);
  }
  return table;
}

}  // namespace millrace::sql
