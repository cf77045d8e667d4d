// Operators, from the loosest (OR) to the tightest (signs), and the trees they make.
#include <algorithm>
#include <array>

#include "sql/parser.h"

namespace millrace::sql {
namespace {

namespace proto = spark::connect;

// Levels of a tree: connect_plan takes 500 of what a client sends.
constexpr int kMaxHeight = 400;
// What CASE x WHEN … and x LIKE ANY … repeat may double with each level.
constexpr size_t kMaxCopiedBytes = 16 << 20;

struct BinaryOperator {
  std::string_view symbol;
  int precedence;
  std::string_view function;
};

// All of these are left-associative.
constexpr auto kBinaryOperators = std::to_array<BinaryOperator>({
    {"=", 1, "=="},    {"==", 1, "=="}, {"<=>", 1, "<=>"}, {"<>", 1, "!="},
    {"!=", 1, "!="},   {"<", 1, "<"},   {"<=", 1, "<="},   {"!>", 1, "<="},
    {">", 1, ">"},     {">=", 1, ">="}, {"!<", 1, ">="},   {"|", 2, "|"},
    {"^", 3, "^"},     {"&", 4, "&"},   {"<<", 5, "<<"},   {">>", 5, ">>"},
    {">>>", 5, ">>>"}, {"+", 6, "+"},   {"-", 6, "-"},     {"||", 6, "concat"},
    {"*", 7, "*"},     {"/", 7, "/"},   {"%", 7, "%"},     {"DIV", 7, "div"},
});

// A part of a name as it must be written to be read back.
std::string Quoted(const std::string& part) {
  const bool plain = !part.empty() && part.find_first_of(".`") == std::string::npos;
  if (plain) return part;
  std::string quoted = "`";
  for (const char c : part) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

}  // namespace

// Trees
// -------------------------------------------------------------------------------------------

Result<Tree> Parser::Call(std::string_view name, std::vector<Tree> arguments,
                          bool distinct, bool internal) {
  Tree tree;
  auto* function = tree.message.mutable_unresolved_function();
  function->set_function_name(std::string(name));
  function->set_is_distinct(distinct);
  if (internal) function->set_is_internal(true);
  for (Tree& argument : arguments) {
    tree.height = std::max(tree.height, argument.height + 1);
    *function->add_arguments() = std::move(argument.message);
  }
  if (tree.height > kMaxHeight) return TooComplex();
  return tree;
}

Result<Tree> Parser::Binary(std::string_view name, Tree left, Tree right) {
  std::vector<Tree> operands;
  operands.push_back(std::move(left));
  operands.push_back(std::move(right));
  if (name == "!=") return Not(Call("==", std::move(operands)));
  return Call(name, std::move(operands));
}

Result<Tree> Parser::Not(Result<Tree> operand) {
  if (!operand.ok()) return operand;
  std::vector<Tree> operands;
  operands.push_back(*std::move(operand));
  return Call("not", std::move(operands));
}

Result<Tree> Parser::Extract(Tree base, Tree path) {
  Tree tree;
  tree.height = std::max(base.height, path.height) + 1;
  if (tree.height > kMaxHeight) return TooComplex();
  auto* extract = tree.message.mutable_unresolved_extract_value();
  *extract->mutable_child() = std::move(base.message);
  *extract->mutable_extraction() = std::move(path.message);
  return tree;
}

Result<Tree> Parser::Copy(const Tree& tree) {
  copied_bytes_ += tree.message.ByteSizeLong();
  if (copied_bytes_ > kMaxCopiedBytes) return TooComplex();
  return tree;
}

Tree Parser::Attribute(const std::vector<std::string>& parts) {
  std::string name;
  for (const std::string& part : parts) name += (name.empty() ? "" : ".") + Quoted(part);
  Tree tree;
  tree.message.mutable_unresolved_attribute()->set_unparsed_identifier(std::move(name));
  return tree;
}

Tree Parser::Text(std::string_view value) {
  Tree tree;
  tree.message.mutable_literal()->set_string(std::string(value));
  return tree;
}

Tree Parser::Integer(int32_t value) {
  Tree tree;
  tree.message.mutable_literal()->set_integer(value);
  return tree;
}

Tree Parser::Boolean(bool value) {
  Tree tree;
  tree.message.mutable_literal()->set_boolean(value);
  return tree;
}

// Operators
// ---------------------------------------------------------------------------------------

Result<Tree> Parser::ParseExpression() {
  const Level level(&depth_);
  if (TooDeep()) return TooComplex();
  std::vector<Tree> operands;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree operand, And());
    operands.push_back(std::move(operand));
  } while (TakeWord("OR"));
  return Balanced("or", std::move(operands));
}

Result<Tree> Parser::And() {
  std::vector<Tree> operands;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree operand, Negation());
    operands.push_back(std::move(operand));
  } while (TakeWord("AND"));
  return Balanced("and", std::move(operands));
}

// As in Spark, long chains become bushy trees: conditions made by programs have thousands
// of parts.
Result<Tree> Parser::Balanced(std::string_view name, std::vector<Tree> operands) {
  constexpr size_t kLongChain = 8;
  if (operands.size() < kLongChain) {
    Tree tree = std::move(operands[0]);
    for (size_t i = 1; i < operands.size(); ++i) {
      MILLRACE_ASSIGN_OR_RETURN(tree,
                                Binary(name, std::move(tree), std::move(operands[i])));
    }
    return tree;
  }
  while (operands.size() > 1) {
    std::vector<Tree> pairs;
    for (size_t i = 0; i + 1 < operands.size(); i += 2) {
      MILLRACE_ASSIGN_OR_RETURN(
          Tree pair, Binary(name, std::move(operands[i]), std::move(operands[i + 1])));
      pairs.push_back(std::move(pair));
    }
    if (operands.size() % 2 == 1) pairs.push_back(std::move(operands.back()));
    operands = std::move(pairs);
  }
  return std::move(operands[0]);
}

Result<Tree> Parser::Negation() {
  const bool negated = (IsWord("NOT") || IsSymbol("!")) && !IsSymbol(".", 1);
  if (!negated) return Predicated();
  const Level level(&depth_);
  if (TooDeep()) return TooComplex();
  ++next_;
  return Not(Negation());
}

Result<Tree> Parser::Predicated() {
  if (IsWord("EXISTS") && IsSymbol("(", 1) && AtQuery(2)) {
    ++next_;
    return Subquery(proto::SubqueryExpression::SUBQUERY_TYPE_EXISTS);
  }
  MILLRACE_ASSIGN_OR_RETURN(Tree operand, Value(0));
  const bool negated = IsWord("NOT") || IsSymbol("!");
  const bool follows =
      IsAnyWord({"BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"}, negated ? 1 : 0);
  if (follows) {
    next_ += negated ? 1 : 0;
    return Predicate(std::move(operand), negated);
  }
  if (TakeWord("IS")) return IsPredicate(std::move(operand));
  return operand;
}

Result<Tree> Parser::Predicate(Tree operand, bool negated) {
  const auto finish = [&](Result<Tree> tree) -> Result<Tree> {
    return negated ? Not(std::move(tree)) : tree;
  };
  if (TakeWord("BETWEEN")) {
    std::vector<Tree> operands;
    operands.push_back(std::move(operand));
    MILLRACE_ASSIGN_OR_RETURN(Tree low, Value(0));
    MILLRACE_RETURN_IF_ERROR(ExpectWord("AND"));
    MILLRACE_ASSIGN_OR_RETURN(Tree high, Value(0));
    operands.push_back(std::move(low));
    operands.push_back(std::move(high));
    return finish(Call("between", std::move(operands)));
  }
  if (TakeWord("IN")) return finish(InPredicate(std::move(operand)));
  if (TakeWord("RLIKE") || TakeWord("REGEXP")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree pattern, Value(0));
    return finish(Binary("rlike", std::move(operand), std::move(pattern)));
  }
  const std::string_view name = IsWord("LIKE") ? "like" : "ilike";
  ++next_;
  return LikePredicate(std::move(operand), name, negated);
}

Result<Tree> Parser::InPredicate(Tree operand) {
  if (!IsSymbol("(")) return Unexpected();
  if (AtQuery(1)) {
    MILLRACE_ASSIGN_OR_RETURN(Tree query,
                              Subquery(proto::SubqueryExpression::SUBQUERY_TYPE_IN));
    *query.message.mutable_subquery_expression()->add_in_subquery_values() =
        std::move(operand.message);
    query.height = operand.height + 1;
    return query;
  }
  const size_t first = next_ - 1;
  ++next_;
  if (TakeSymbol(")")) {
    return ParseError(
        FragmentFrom(first), "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", "42000",
        "Invalid SQL syntax: IN predicate requires at least one value. Empty IN "
        "clauses like 'IN ()' are not allowed. Consider using 'WHERE FALSE' if you "
        "need an always-false condition, or provide at least one value in the IN "
        "list.");
  }
  std::vector<Tree> operands;
  operands.push_back(std::move(operand));
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree value, ParseExpression());
    operands.push_back(std::move(value));
  } while (TakeSymbol(","));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call("in", std::move(operands));
}

Result<Tree> Parser::LikePredicate(Tree operand, std::string_view name, bool negated) {
  const bool any = IsAnyWord({"ANY", "SOME"}) && IsSymbol("(", 1);
  if (any || (IsWord("ALL") && IsSymbol("(", 1))) {
    // NOT LIKE ANY (p, q): unlike one of them; NOT LIKE ALL: unlike all of them.
    next_ += 2;
    std::vector<Tree> tests;
    do {
      MILLRACE_ASSIGN_OR_RETURN(Tree pattern, ParseExpression());
      MILLRACE_ASSIGN_OR_RETURN(Tree same, Copy(operand));
      Result<Tree> test = Binary(name, std::move(same), std::move(pattern));
      if (negated) test = Not(std::move(test));
      if (!test.ok()) return test;
      tests.push_back(*std::move(test));
    } while (TakeSymbol(","));
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    return Balanced(any ? "or" : "and", std::move(tests));
  }
  std::vector<Tree> operands;
  operands.push_back(std::move(operand));
  MILLRACE_ASSIGN_OR_RETURN(Tree pattern, Value(0));
  operands.push_back(std::move(pattern));
  if (TakeWord("ESCAPE")) {
    const size_t first = next_;
    MILLRACE_ASSIGN_OR_RETURN(const std::string escape, OneString());
    if (escape.size() != 1) {
      return ParseError(
          FragmentFrom(first), "INVALID_ESC", "42604",
          "Found an invalid escape string: {}. The escape string must contain only "
          "one character.",
          tokens_[first].text);
    }
    operands.push_back(Text(escape));
  }
  Result<Tree> like = Call(name, std::move(operands));
  return negated ? Not(std::move(like)) : like;
}

Result<Tree> Parser::IsPredicate(Tree operand) {
  const bool negated = TakeWord("NOT");
  Result<Tree> tree = Tree();
  if (TakeWord("NULL") || TakeWord("UNKNOWN")) {
    std::vector<Tree> operands;
    operands.push_back(std::move(operand));
    return Call(negated ? "isnotnull" : "isnull", std::move(operands));
  }
  if (IsWord("TRUE") || IsWord("FALSE")) {
    const bool value = IsWord("TRUE");
    ++next_;
    tree = Binary("<=>", std::move(operand), Boolean(value));
    return negated ? Not(std::move(tree)) : tree;
  }
  MILLRACE_RETURN_IF_ERROR(ExpectWord("DISTINCT"));
  MILLRACE_RETURN_IF_ERROR(ExpectWord("FROM"));
  MILLRACE_ASSIGN_OR_RETURN(Tree other, Value(0));
  tree = Binary("<=>", std::move(operand), std::move(other));
  return negated ? tree : Not(std::move(tree));
}

Result<Tree> Parser::Value(int min_precedence) {
  MILLRACE_ASSIGN_OR_RETURN(Tree left, Unary());
  while (true) {
    const auto found = std::find_if(
        kBinaryOperators.begin(), kBinaryOperators.end(),
        [&](const BinaryOperator& candidate) {
          return candidate.symbol == "DIV" ? IsWord("DIV") : IsSymbol(candidate.symbol);
        });
    if (found == kBinaryOperators.end() || found->precedence < min_precedence)
      return left;
    ++next_;
    MILLRACE_ASSIGN_OR_RETURN(Tree right, Value(found->precedence + 1));
    MILLRACE_ASSIGN_OR_RETURN(left,
                              Binary(found->function, std::move(left), std::move(right)));
  }
}

Result<Tree> Parser::Unary() {
  const bool minus = IsSymbol("-");
  if (!minus && !IsSymbol("+") && !IsSymbol("~")) return Primary();
  const TokenKind following = Peek(1).kind;
  if (minus && (following == TokenKind::kInteger || following == TokenKind::kNumber)) {
    return Primary();  // a negative literal
  }
  const Level level(&depth_);
  if (TooDeep()) return TooComplex();
  const std::string_view name = minus ? "-" : IsSymbol("+") ? "positive" : "~";
  ++next_;
  std::vector<Tree> operands;
  MILLRACE_ASSIGN_OR_RETURN(Tree operand, Unary());
  operands.push_back(std::move(operand));
  return Call(name, std::move(operands));
}

// Lists
// -------------------------------------------------------------------------------------------

Result<Tree> Parser::NamedExpression() {
  MILLRACE_ASSIGN_OR_RETURN(Tree tree, ParseExpression());
  std::vector<std::string> names;
  const bool announced = TakeWord("AS");
  if (IsSymbol("(") && announced) {
    MILLRACE_ASSIGN_OR_RETURN(names, NameList());
  } else if (announced || AtImplicitAlias()) {
    MILLRACE_ASSIGN_OR_RETURN(std::string name, Name());
    names.push_back(std::move(name));
  } else {
    return tree;
  }
  Tree named;
  named.height = tree.height + 1;
  auto* alias = named.message.mutable_alias();
  *alias->mutable_expr() = std::move(tree.message);
  for (std::string& name : names) alias->add_name(std::move(name));
  return named;
}

Result<std::vector<Expression>> Parser::NamedExpressions() {
  std::vector<Expression> items;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree item, NamedExpression());
    items.push_back(std::move(item.message));
  } while (TakeSymbol(","));
  return items;
}

Result<std::vector<Tree>> Parser::ExpressionList() {
  std::vector<Tree> trees;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Tree tree, ParseExpression());
    trees.push_back(std::move(tree));
  } while (TakeSymbol(","));
  return trees;
}

Result<Expression> Parser::SortItem() {
  using Order = Expression::SortOrder;
  MILLRACE_ASSIGN_OR_RETURN(Tree tree, ParseExpression());
  Expression item;
  Order* order = item.mutable_sort_order();
  *order->mutable_child() = std::move(tree.message);
  const bool descending = TakeWord("DESC");
  if (!descending) TakeWord("ASC");
  order->set_direction(descending ? Order::SORT_DIRECTION_DESCENDING
                                  : Order::SORT_DIRECTION_ASCENDING);
  order->set_null_ordering(descending ? Order::SORT_NULLS_LAST : Order::SORT_NULLS_FIRST);
  if (TakeWords({"NULLS", "FIRST"})) {
    order->set_null_ordering(Order::SORT_NULLS_FIRST);
  } else if (TakeWord("NULLS")) {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("LAST"));
    order->set_null_ordering(Order::SORT_NULLS_LAST);
  }
  return item;
}

Result<std::vector<Expression>> Parser::SortItems() {
  std::vector<Expression> items;
  do {
    MILLRACE_ASSIGN_OR_RETURN(Expression item, SortItem());
    items.push_back(std::move(item));
  } while (TakeSymbol(","));
  return items;
}

}  // namespace millrace::sql
