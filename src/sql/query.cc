// Queries: WITH, SELECT, set operations, ORDER BY and LIMIT.
#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "sql/parser.h"

namespace millrace::sql {
namespace {

// Branches of UNION and items of FROM, which make trees that lean to one side.
constexpr int kMaxChain = 400;

std::shared_ptr<Query> MakeSetOperation(SetOperation operation) {
  auto query = std::make_shared<Query>();
  query->body = std::move(operation);
  return query;
}

}  // namespace

// Lookahead
// ---------------------------------------------------------------------------------------

bool Parser::AtQuery(size_t ahead) const {
  while (IsSymbol("(", ahead)) ++ahead;
  if (IsWord("SELECT", ahead) || IsWord("FROM", ahead)) {
    const bool name = IsSymbol(",", ahead + 1) || IsSymbol(")", ahead + 1) ||
                      IsSymbol(".", ahead + 1) || IsSymbol("=", ahead + 1);
    return !name;
  }
  if (IsWord("WITH", ahead)) {
    return IsName(ahead + 1) && (IsWord("AS", ahead + 2) || IsSymbol("(", ahead + 2));
  }
  if (IsWord("VALUES", ahead)) {
    const TokenKind next = Peek(ahead + 1).kind;
    return IsSymbol("(", ahead + 1) || next == TokenKind::kInteger ||
           next == TokenKind::kNumber || next == TokenKind::kString;
  }
  return IsWord("TABLE", ahead) && IsName(ahead + 1);
}

size_t Parser::ClosingBracket(size_t open) const {
  int depth = 0;
  for (size_t i = open; i < tokens_.size(); ++i) {
    if (tokens_[i].kind != TokenKind::kSymbol) continue;
    if (tokens_[i].text == "(") ++depth;
    if (tokens_[i].text == ")" && --depth == 0) return i;
  }
  return tokens_.size() - 1;
}

// A bracket opens here, and behind it or further ones a query begins. Whether this
// bracket's content is that query, rather than an expression or a join that begins with
// it.
bool Parser::AtBracketedQuery() const {
  size_t open = next_;
  while (tokens_[open + 1].kind == TokenKind::kSymbol && tokens_[open + 1].text == "(")
    ++open;
  // From the innermost bracket outwards: a query goes on with these only.
  for (; open > next_; --open) {
    const size_t after = ClosingBracket(open) + 1;
    if (after >= tokens_.size()) return true;
    const size_t saved = after - next_;
    const bool query_goes_on =
        IsSymbol(")", saved) ||
        IsAnyWord({"UNION", "INTERSECT", "EXCEPT", "MINUS", "SETMINUS", "ORDER", "LIMIT",
                   "OFFSET", "SORT", "CLUSTER", "DISTRIBUTE"},
                  saved);
    if (!query_goes_on) return false;
  }
  return true;
}

// Queries
// -----------------------------------------------------------------------------------------

Result<QueryPtr> Parser::ParseQuery() {
  const Level level(&depth_);
  if (TooDeep()) return TooComplex();
  auto query = std::make_shared<Query>();
  if (IsWord("WITH")) MILLRACE_RETURN_IF_ERROR(With(query.get()));
  int height = 0;
  MILLRACE_ASSIGN_OR_RETURN(const QueryPtr body, SetOperations(&height));
  const bool plain = body->with.empty() && body->order_by.empty() &&
                     !body->order_by_all && !body->limit && !body->offset;
  if (plain) {
    query->body = body->body;
  } else {
    auto relation = std::make_shared<Relation>();
    relation->source = body;
    query->body = RelationPtr(std::move(relation));
  }
  MILLRACE_RETURN_IF_ERROR(Organisation(query.get()));
  return QueryPtr(std::move(query));
}

Status Parser::With(Query* query) {
  ++next_;
  if (IsWord("RECURSIVE")) return Unsupported(next_, "WITH RECURSIVE");
  do {
    CommonTable table;
    MILLRACE_ASSIGN_OR_RETURN(table.name, Name());
    if (IsSymbol("(") && !AtQuery(1)) {
      MILLRACE_ASSIGN_OR_RETURN(table.column_names, NameList());
    }
    TakeWord("AS");
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
    MILLRACE_ASSIGN_OR_RETURN(table.query, ParseQuery());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    query->with.push_back(std::move(table));
  } while (TakeSymbol(","));
  return Status::OK();
}

// UNION and EXCEPT, from the left; INTERSECT binds tighter.
Result<QueryPtr> Parser::SetOperations(int* height) {
  MILLRACE_ASSIGN_OR_RETURN(QueryPtr left, Intersections(height));
  while (IsAnyWord({"UNION", "EXCEPT", "MINUS", "SETMINUS"})) {
    if (++*height > kMaxChain) return TooComplex();
    SetOperation operation;
    operation.kind =
        IsWord("UNION") ? SetOperation::Kind::kUnion : SetOperation::Kind::kExcept;
    ++next_;
    operation.all = TakeWord("ALL");
    if (!operation.all) TakeWord("DISTINCT");
    operation.left = std::move(left);
    MILLRACE_ASSIGN_OR_RETURN(operation.right, Intersections(height));
    left = MakeSetOperation(std::move(operation));
  }
  return left;
}

Result<QueryPtr> Parser::Intersections(int* height) {
  MILLRACE_ASSIGN_OR_RETURN(QueryPtr left, QueryPrimary());
  while (TakeWord("INTERSECT")) {
    if (++*height > kMaxChain) return TooComplex();
    SetOperation operation;
    operation.kind = SetOperation::Kind::kIntersect;
    operation.all = TakeWord("ALL");
    if (!operation.all) TakeWord("DISTINCT");
    operation.left = std::move(left);
    MILLRACE_ASSIGN_OR_RETURN(operation.right, QueryPrimary());
    left = MakeSetOperation(std::move(operation));
  }
  return left;
}

Result<QueryPtr> Parser::QueryPrimary() {
  if (TakeSymbol("(")) {
    MILLRACE_ASSIGN_OR_RETURN(QueryPtr query, ParseQuery());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    return query;
  }
  if (IsWord("SELECT")) return SelectQuery(nullptr);
  if (TakeWord("FROM")) {  // FROM t SELECT a
    MILLRACE_ASSIGN_OR_RETURN(RelationPtr from, From());
    if (IsWord("SELECT")) return SelectQuery(std::move(from));
    return Unexpected();
  }
  auto relation = std::make_shared<Relation>();
  if (IsWord("VALUES")) {
    MILLRACE_ASSIGN_OR_RETURN(relation->source, Values());
    MILLRACE_RETURN_IF_ERROR(TableAlias(relation.get()));
  } else if (TakeWord("TABLE")) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> parts, QualifiedName());
    relation->source = TableName{std::move(parts)};
  } else {
    return Unexpected();
  }
  auto query = std::make_shared<Query>();
  query->body = RelationPtr(std::move(relation));
  return QueryPtr(std::move(query));
}

Result<QueryPtr> Parser::SelectQuery(RelationPtr from) {
  ++next_;  // SELECT
  std::map<int64_t, QueryPtr> around = std::exchange(subqueries_, {});
  Select select;
  select.from = std::move(from);
  select.distinct =
      IsWord("DISTINCT") && !IsSymbol(",", 1) && !IsEnd(1) && TakeWord("DISTINCT");
  if (!select.distinct && IsWord("ALL") && !IsSymbol(",", 1) && !IsEnd(1)) ++next_;
  MILLRACE_ASSIGN_OR_RETURN(select.items, NamedExpressions());
  MILLRACE_RETURN_IF_ERROR(Clauses(&select));
  select.subqueries = std::exchange(subqueries_, std::move(around));
  auto query = std::make_shared<Query>();
  query->body = std::move(select);
  return QueryPtr(std::move(query));
}

Status Parser::Clauses(Select* select) {
  if (select->from == nullptr && TakeWord("FROM")) {
    MILLRACE_ASSIGN_OR_RETURN(select->from, From());
  }
  while (TakeWords({"LATERAL", "VIEW"})) {
    MILLRACE_ASSIGN_OR_RETURN(LateralView view, ParseLateralView());
    select->views.push_back(std::move(view));
  }
  if (IsAnyWord({"PIVOT", "UNPIVOT"}) && IsSymbol("(", 1)) {
    return Unsupported(next_, "PIVOT and UNPIVOT");
  }
  if (TakeWord("WHERE")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree condition, ParseExpression());
    select->where = std::move(condition.message);
  }
  if (TakeWords({"GROUP", "BY"}))
    MILLRACE_RETURN_IF_ERROR(ParseGroupBy(&select->group_by));
  if (TakeWord("HAVING")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree condition, ParseExpression());
    select->having = std::move(condition.message);
  }
  if (IsWord("WINDOW") && IsName(1)) return WindowClause();
  return Status::OK();
}

// WINDOW w AS (…), …: those who use them have read them already; see Over.
Status Parser::WindowClause() {
  ++next_;
  do {
    MILLRACE_RETURN_IF_ERROR(Name().status());
    MILLRACE_RETURN_IF_ERROR(ExpectWord("AS"));
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
    Expression::Window window;
    MILLRACE_RETURN_IF_ERROR(WindowSpec(&window));
  } while (TakeSymbol(","));
  return Status::OK();
}

// [OUTER] function(…) [alias] [AS column, …]
Result<LateralView> Parser::ParseLateralView() {
  LateralView view;
  const bool outer = TakeWord("OUTER");
  const size_t first = next_;
  MILLRACE_ASSIGN_OR_RETURN(Tree call, ParseExpression());
  view.generator = std::move(call.message);
  if (!view.generator.has_unresolved_function()) {
    return SyntaxError({text_, tokens_[first].begin, tokens_[first].end()});
  }
  if (outer) {
    auto* function = view.generator.mutable_unresolved_function();
    if (!LowerCase(function->function_name()).ends_with("_outer")) {
      function->set_function_name(function->function_name() + "_outer");
    }
  }
  if (!IsWord("AS") && AtImplicitAlias()) {
    MILLRACE_ASSIGN_OR_RETURN(view.alias, Name());
  }
  if (TakeWord("AS")) {
    do {
      MILLRACE_ASSIGN_OR_RETURN(std::string name, Name());
      view.column_names.push_back(std::move(name));
    } while (TakeSymbol(","));
  }
  return view;
}

Status Parser::ParseGroupBy(GroupBy* group_by) {
  using Kind = GroupBy::Kind;
  group_by->kind = Kind::kExpressions;
  const bool all = IsWord("ALL") && !IsSymbol(",", 1) && !IsSymbol(".", 1);
  if (all) {
    ++next_;
    group_by->kind = Kind::kAll;
    return Status::OK();
  }
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree element, GroupingElement());
    group_by->expressions.push_back(std::move(element.message));
  } while (TakeSymbol(","));
  const bool rollup = IsWord("WITH") && IsWord("ROLLUP", 1);
  if (!rollup && !(IsWord("WITH") && IsWord("CUBE", 1))) return Status::OK();
  next_ += 2;
  Expression groupings;
  auto* const function = groupings.mutable_unresolved_function();
  function->set_function_name(rollup ? "rollup" : "cube");
  for (Expression& expression : group_by->expressions) {
    *function->add_arguments() = std::move(expression);
  }
  group_by->expressions.clear();
  group_by->expressions.push_back(std::move(groupings));
  return Status::OK();
}

// A key; ROLLUP (…) and CUBE (…), which read like calls; GROUPING SETS ((a, b), c, ()).
Result<Tree> Parser::GroupingElement() {
  if (!IsWord("GROUPING") || !IsWord("SETS", 1)) return ParseExpression();
  next_ += 2;
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
  std::vector<Tree> sets;
  do {
    std::vector<Tree> keys;
    if (TakeSymbol("(")) {
      if (!IsSymbol(")")) {
        MILLRACE_ASSIGN_OR_RETURN(keys, ExpressionList());
      }
      MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    } else {
      MILLRACE_ASSIGN_OR_RETURN(Tree key, ParseExpression());
      keys.push_back(std::move(key));
    }
    MILLRACE_ASSIGN_OR_RETURN(Tree set, Call("struct", std::move(keys)));
    sets.push_back(std::move(set));
  } while (TakeSymbol(","));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call("grouping sets", std::move(sets));
}

// ORDER BY … LIMIT … OFFSET …
Status Parser::Organisation(Query* query) {
  if (TakeWords({"ORDER", "BY"})) {
    const bool all = IsWord("ALL") && !IsSymbol(".", 1) && !IsSymbol("(", 1);
    if (all) {
      query->order_by_all = true;
    }
    MILLRACE_ASSIGN_OR_RETURN(query->order_by, SortItems());
  } else if (IsAnyWord({"CLUSTER", "DISTRIBUTE", "SORT"}) && IsWord("BY", 1)) {
    return Unsupported(next_, "CLUSTER BY, DISTRIBUTE BY and SORT BY");
  }
  if (TakeWord("LIMIT") && !TakeWord("ALL")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree limit, ParseExpression());
    query->limit = std::move(limit.message);
  }
  if (TakeWord("OFFSET")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree offset, ParseExpression());
    query->offset = std::move(offset.message);
  }
  return Status::OK();
}

}  // namespace millrace::sql
