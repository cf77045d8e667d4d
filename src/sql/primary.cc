// What operators are applied to: names, brackets, CASE, CAST, subqueries, lambdas.
#include "sql/parser.h"

#include "base/ascii.h"

namespace millrace::sql {

namespace proto = spark::connect;

// A start, and what may follow it any number of times: [index], .field, ::type.
Result<Tree> Parser::Primary() {
  MILLRACE_ASSIGN_OR_RETURN(Tree tree, PrimaryStart());
  while (true) {
    if (TakeSymbol("[")) {
      MILLRACE_ASSIGN_OR_RETURN(Tree index, ParseExpression());
      MILLRACE_RETURN_IF_ERROR(ExpectSymbol("]"));
      MILLRACE_ASSIGN_OR_RETURN(tree, Extract(std::move(tree), std::move(index)));
    } else if (IsSymbol(".") && IsName(1)) {
      ++next_;
      MILLRACE_ASSIGN_OR_RETURN(const std::string field, Name());
      MILLRACE_ASSIGN_OR_RETURN(tree, Extract(std::move(tree), Text(field)));
    } else if (TakeSymbol("::")) {
      MILLRACE_ASSIGN_OR_RETURN(std::string type, TypeText());
      Tree cast;
      cast.message.mutable_cast()->set_type_str(std::move(type));
      *cast.message.mutable_cast()->mutable_expr() = std::move(tree.message);
      cast.height = tree.height;
      std::vector<Tree> wrapped;
      wrapped.push_back(std::move(cast));
      // Counted as a level by a call that is thrown away again.
      MILLRACE_ASSIGN_OR_RETURN(Tree level, Call("", std::move(wrapped)));
      tree.height = level.height;
      tree.message =
          std::move(*level.message.mutable_unresolved_function()->mutable_arguments(0));
    } else {
      return tree;
    }
  }
}

Result<Tree> Parser::PrimaryStart() {
  if (IsSymbol("(")) return Parenthesised();
  if (TakeSymbol("*")) {
    Tree star;
    star.message.mutable_unresolved_star();
    if (IsAnyWord({"EXCEPT"}) && IsSymbol("(", 1)) {
      return Unsupported(next_ - 1, "A star with EXCEPT");
    }
    return star;
  }
  if (AtLiteral()) return Literal();
  if (IsName()) return NameStart();
  return Unexpected();
}

// (a), (a, b), (SELECT …), (x, y) -> …
Result<Tree> Parser::Parenthesised() {
  if (AtQuery(1) && AtBracketedQuery()) {
    return Subquery(proto::SubqueryExpression::SUBQUERY_TYPE_SCALAR);
  }
  if (AtLambdaParameters()) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> parameters, NameList());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol("->"));
    return Lambda(std::move(parameters));
  }
  ++next_;
  MILLRACE_ASSIGN_OR_RETURN(Tree first, NamedExpression());
  if (!IsSymbol(",")) {
    if (first.message.has_alias()) return Unexpected();
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
    return first;
  }
  // A row: named_struct(col1, a, …), where columns and aliases give their names.
  std::vector<Tree> arguments;
  int position = 0;
  Tree item = std::move(first);
  while (true) {
    ++position;
    std::string name = fmt::format("col{}", position);
    if (item.message.has_alias() && item.message.alias().name_size() == 1) {
      name = item.message.alias().name(0);
      Expression inner = std::move(*item.message.mutable_alias()->mutable_expr());
      item.message = std::move(inner);
    } else if (item.message.has_unresolved_attribute()) {
      MILLRACE_ASSIGN_OR_RETURN(
          const std::vector<Token> parts,
          Tokenize(item.message.unresolved_attribute().unparsed_identifier()));
      if (parts.size() >= 2) name = Unquoted(parts[parts.size() - 2]);
    }
    arguments.push_back(Text(name));
    arguments.push_back(std::move(item));
    if (!TakeSymbol(",")) break;
    MILLRACE_ASSIGN_OR_RETURN(item, NamedExpression());
  }
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call("named_struct", std::move(arguments));
}

Result<Tree> Parser::Case() {
  ++next_;  // CASE
  std::vector<Tree> arguments;
  std::optional<Tree> operand;
  if (!IsWord("WHEN")) {
    MILLRACE_ASSIGN_OR_RETURN(operand, ParseExpression());
  }
  do {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("WHEN"));
    MILLRACE_ASSIGN_OR_RETURN(Tree condition, ParseExpression());
    if (operand) {
      MILLRACE_ASSIGN_OR_RETURN(Tree same, Copy(*operand));
      MILLRACE_ASSIGN_OR_RETURN(condition,
                                Binary("==", std::move(same), std::move(condition)));
    }
    arguments.push_back(std::move(condition));
    MILLRACE_RETURN_IF_ERROR(ExpectWord("THEN"));
    MILLRACE_ASSIGN_OR_RETURN(Tree result, ParseExpression());
    arguments.push_back(std::move(result));
  } while (IsWord("WHEN"));
  if (TakeWord("ELSE")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree result, ParseExpression());
    arguments.push_back(std::move(result));
  }
  MILLRACE_RETURN_IF_ERROR(ExpectWord("END"));
  return Call("when", std::move(arguments));
}

Result<Tree> Parser::Cast() {
  const bool is_try = IsWord("TRY_CAST");
  next_ += 2;  // CAST (
  MILLRACE_ASSIGN_OR_RETURN(Tree operand, ParseExpression());
  MILLRACE_RETURN_IF_ERROR(ExpectWord("AS"));
  MILLRACE_ASSIGN_OR_RETURN(std::string type, TypeText());
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  Tree tree;
  tree.height = operand.height + 1;
  auto* cast = tree.message.mutable_cast();
  cast->set_type_str(std::move(type));
  *cast->mutable_expr() = std::move(operand.message);
  if (is_try) cast->set_eval_mode(Expression::Cast::EVAL_MODE_TRY);
  return tree;
}

Result<Tree> Parser::Subquery(proto::SubqueryExpression::SubqueryType type) {
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
  MILLRACE_ASSIGN_OR_RETURN(QueryPtr query, ParseQuery());
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  const int64_t id = ++subquery_ids_;
  subqueries_.emplace(id, std::move(query));
  Tree tree;
  tree.message.mutable_subquery_expression()->set_plan_id(id);
  tree.message.mutable_subquery_expression()->set_subquery_type(type);
  return tree;
}

// Lambdas
// -----------------------------------------------------------------------------------------

bool Parser::AtLambdaParameters() const {
  size_t ahead = 1;
  while (IsName(ahead) && IsSymbol(",", ahead + 1)) ahead += 2;
  return IsName(ahead) && IsSymbol(")", ahead + 1) && IsSymbol("->", ahead + 2);
}

Result<Tree> Parser::Lambda(std::vector<std::string> parameters) {
  MILLRACE_ASSIGN_OR_RETURN(Tree body, ParseExpression());
  Tree tree;
  tree.height = body.height + 1;
  auto* lambda = tree.message.mutable_lambda_function();
  *lambda->mutable_function() = std::move(body.message);
  for (std::string& name : parameters)
    lambda->add_arguments()->add_name_parts(std::move(name));
  return tree;
}

// Names
// -------------------------------------------------------------------------------------------

// A column, a qualified star, a call, a lambda, or a word with a syntax of its own.
Result<Tree> Parser::NameStart() {
  const size_t first = next_;
  if (Peek().kind == TokenKind::kWord) {
    const bool is_column =
        IsEnd(1) || IsSymbol(",", 1) || IsSymbol(")", 1) || IsSymbol(".", 1);
    if (IsWord("CASE") && !is_column) return Case();
    if (IsAnyWord({"CAST", "TRY_CAST"}) && IsSymbol("(", 1)) return Cast();
    if (IsAnyWord({"CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_TIME", "CURRENT_USER",
                   "USER", "SESSION_USER", "LOCALTIMESTAMP"}) &&
        !IsSymbol("(", 1) && !IsSymbol(".", 1)) {
      return Call(LowerCase(tokens_[next_++].text), {});
    }
  }
  if (IsSymbol("->", 1)) {
    MILLRACE_ASSIGN_OR_RETURN(std::string parameter, Name());
    ++next_;
    return Lambda({std::move(parameter)});
  }
  if (IsSymbol("(", 1) && Peek().kind == TokenKind::kWord) {
    bool found = false;
    MILLRACE_ASSIGN_OR_RETURN(Tree special, SpecialCall(Peek().text, &found));
    if (found) return special;
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, QualifiedName());
  if (IsSymbol("(")) {
    std::string name;
    for (const std::string& part : parts) name += (name.empty() ? "" : ".") + part;
    return FunctionCall(name, first);
  }
  if (IsSymbol(".") && IsSymbol("*", 1)) return StarOf(parts, first);
  return Attribute(parts);
}

Result<Tree> Parser::StarOf(const std::vector<std::string>& parts, size_t first_token) {
  next_ += 2;
  if (IsWord("EXCEPT") && IsSymbol("(", 1)) {
    return Unsupported(first_token, "A star with EXCEPT");
  }
  Tree star = Attribute(parts);
  std::string target = star.message.unresolved_attribute().unparsed_identifier() + ".*";
  star.message.mutable_unresolved_star()->set_unparsed_target(std::move(target));
  return star;
}

}  // namespace millrace::sql
