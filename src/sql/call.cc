// Calls: f(a, b), those with words between their arguments, windows, and the types of
// CAST.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "data/types.h"
#include "sql/parser.h"

namespace millrace::sql {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

// Units of timestampadd and timestampdiff.
constexpr auto kTimeUnits = std::to_array<std::string_view>(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFYEAR", "HOUR", "MINUTE", "SECOND",
     "MILLISECOND", "MICROSECOND"});

}  // namespace

// Calls with a syntax of their own; `*found` stays false for all others.
Result<Tree> Parser::SpecialCall(std::string_view word, bool* found) {
  const std::string name = LowerCase(word);
  *found = true;
  if (name == "extract") return ExtractCall();
  if (name == "position") return PositionCall();
  if (name == "substring" || name == "substr") return SubstringCall();
  if (name == "trim") return TrimCall();
  if (name == "overlay") return OverlayCall();
  if (name == "struct") return StructCall();
  const bool adds = name == "timestampadd" || name == "dateadd" || name == "date_add";
  const bool subtracts =
      name == "timestampdiff" || name == "datediff" || name == "date_diff";
  const std::string unit = Upper(Peek(2).text);
  if ((adds || subtracts) && Peek(2).kind == TokenKind::kWord && IsSymbol(",", 3) &&
      std::find(kTimeUnits.begin(), kTimeUnits.end(), unit) != kTimeUnits.end()) {
    return TimeUnitCall(adds ? "timestampadd" : "timestampdiff");
  }
  *found = false;
  return Tree();
}

Result<Tree> Parser::FunctionArgument() {
  if (IsName() && IsSymbol("=>", 1)) {
    MILLRACE_ASSIGN_OR_RETURN(std::string name, Name());
    ++next_;
    MILLRACE_ASSIGN_OR_RETURN(Tree value, ParseExpression());
    Tree named;
    named.height = value.height + 1;
    auto* argument = named.message.mutable_named_argument_expression();
    argument->set_key(std::move(name));
    *argument->mutable_value() = std::move(value.message);
    return named;
  }
  return ParseExpression();
}

Result<Tree> Parser::FunctionCall(const std::string& name, size_t first_token) {
  ++next_;  // (
  const bool distinct = TakeWord("DISTINCT");
  if (!distinct && IsWord("ALL") && !IsSymbol(",", 1) && !IsSymbol(")", 1)) ++next_;
  std::vector<Tree> arguments;
  if (!IsSymbol(")")) {
    do {
      MILLRACE_ASSIGN_OR_RETURN(Tree argument, FunctionArgument());
      arguments.push_back(std::move(argument));
    } while (TakeSymbol(","));
  }
  bool ignore_nulls = TakeWords({"IGNORE", "NULLS"});  // first(x IGNORE NULLS)
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  if (TakeWords({"WITHIN", "GROUP"})) return Unsupported(first_token, "WITHIN GROUP");
  std::optional<Tree> filter;
  if (IsWord("FILTER") && IsSymbol("(", 1) && IsWord("WHERE", 2)) {
    next_ += 3;
    MILLRACE_ASSIGN_OR_RETURN(filter, ParseExpression());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  }
  if (!TakeWords({"RESPECT", "NULLS"}) && TakeWords({"IGNORE", "NULLS"}))
    ignore_nulls = true;
  if (ignore_nulls) arguments.push_back(Boolean(true));
  MILLRACE_ASSIGN_OR_RETURN(Tree call, Call(name, std::move(arguments), distinct));
  if (filter) {
    // Connect has no message for this: an internal function of the call and the
    // condition.
    std::vector<Tree> parts;
    parts.push_back(std::move(call));
    parts.push_back(*std::move(filter));
    MILLRACE_ASSIGN_OR_RETURN(
        call, Call("aggregate_filter", std::move(parts), /*distinct=*/false,
                   /*internal=*/true));
  }
  if (IsWord("OVER")) return Over(std::move(call));
  return call;
}

// extract(YEAR FROM x)
Result<Tree> Parser::ExtractCall() {
  if (!IsWord("FROM", 3)) {
    const size_t first = next_++;
    return FunctionCall(std::string(tokens_[first].text), first);
  }
  next_ += 2;
  std::vector<Tree> arguments;
  const bool text = Peek().kind == TokenKind::kString;
  if (!text && !IsName()) return Unexpected();
  arguments.push_back(Text(Unquoted(tokens_[next_++])));
  MILLRACE_RETURN_IF_ERROR(ExpectWord("FROM"));
  MILLRACE_ASSIGN_OR_RETURN(Tree source, Value(0));
  arguments.push_back(std::move(source));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call("extract", std::move(arguments));
}

// The rest of a call whose first arguments are read.
Result<Tree> Parser::CallRest(std::string_view name, std::vector<Tree> arguments) {
  while (TakeSymbol(",")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree argument, ParseExpression());
    arguments.push_back(std::move(argument));
  }
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call(name, std::move(arguments));
}

// position(a IN b), position(a, b)
Result<Tree> Parser::PositionCall() {
  const std::string_view name = Peek().text;
  next_ += 2;
  std::vector<Tree> arguments;
  if (IsSymbol(")")) return CallRest(name, {});
  MILLRACE_ASSIGN_OR_RETURN(Tree part, Value(0));
  arguments.push_back(std::move(part));
  if (!TakeWord("IN")) return CallRest(name, std::move(arguments));
  MILLRACE_ASSIGN_OR_RETURN(Tree whole, Value(0));
  arguments.push_back(std::move(whole));
  arguments.push_back(Integer(1));
  return CallRest("locate", std::move(arguments));
}

// substring(a FROM b FOR c), substring(a, b, c)
Result<Tree> Parser::SubstringCall() {
  const std::string_view name = Peek().text;
  next_ += 2;
  if (IsSymbol(")")) return CallRest(name, {});
  std::vector<Tree> arguments;
  MILLRACE_ASSIGN_OR_RETURN(Tree text, ParseExpression());
  arguments.push_back(std::move(text));
  if (!TakeWord("FROM")) return CallRest(name, std::move(arguments));
  MILLRACE_ASSIGN_OR_RETURN(Tree begin, Value(0));
  arguments.push_back(std::move(begin));
  if (TakeWord("FOR")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree length, Value(0));
    arguments.push_back(std::move(length));
  }
  return CallRest("substring", std::move(arguments));
}

// trim(BOTH 'x' FROM y), trim('x' FROM y), trim(y)
Result<Tree> Parser::TrimCall() {
  std::string_view name = Peek().text;
  next_ += 2;
  const bool ends = IsAnyWord({"BOTH", "LEADING", "TRAILING"}) && !IsSymbol(",", 1) &&
                    !IsSymbol(")", 1) && !IsSymbol(".", 1);
  if (ends) {
    name = IsWord("BOTH") ? "trim" : IsWord("LEADING") ? "ltrim" : "rtrim";
    ++next_;
  }
  std::vector<Tree> arguments;
  if (!IsWord("FROM") && !IsSymbol(")")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree what, ParseExpression());
    arguments.push_back(std::move(what));
  }
  if (TakeWord("FROM")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree source, Value(0));
    arguments.push_back(std::move(source));
  } else if (ends) {
    return Unexpected();
  }
  return CallRest(name, std::move(arguments));
}

// overlay(a PLACING b FROM c FOR d), overlay(a, b, c, d)
Result<Tree> Parser::OverlayCall() {
  const std::string_view name = Peek().text;
  next_ += 2;
  if (IsSymbol(")")) return CallRest(name, {});
  std::vector<Tree> arguments;
  MILLRACE_ASSIGN_OR_RETURN(Tree text, Value(0));
  arguments.push_back(std::move(text));
  if (!TakeWord("PLACING")) return CallRest(name, std::move(arguments));
  MILLRACE_ASSIGN_OR_RETURN(Tree replacement, Value(0));
  arguments.push_back(std::move(replacement));
  MILLRACE_RETURN_IF_ERROR(ExpectWord("FROM"));
  MILLRACE_ASSIGN_OR_RETURN(Tree position, Value(0));
  arguments.push_back(std::move(position));
  if (TakeWord("FOR")) {
    MILLRACE_ASSIGN_OR_RETURN(Tree length, Value(0));
    arguments.push_back(std::move(length));
  }
  return CallRest("overlay", std::move(arguments));
}

// timestampadd(DAY, 1, t)
Result<Tree> Parser::TimeUnitCall(std::string_view name) {
  std::vector<Tree> arguments;
  arguments.push_back(Text(Upper(Peek(2).text)));
  next_ += 3;
  return CallRest(name, std::move(arguments));
}

// struct(a, b AS c): its arguments may have names.
Result<Tree> Parser::StructCall() {
  next_ += 2;
  std::vector<Tree> arguments;
  if (!IsSymbol(")")) {
    do {
      MILLRACE_ASSIGN_OR_RETURN(Tree argument, NamedExpression());
      arguments.push_back(std::move(argument));
    } while (TakeSymbol(","));
  }
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return Call("struct", std::move(arguments));
}

// Windows
// -----------------------------------------------------------------------------------------

// f(x) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN …)
Result<Tree> Parser::Over(Tree function) {
  ++next_;
  Tree tree;
  tree.height = function.height + 1;
  auto* window = tree.message.mutable_window();
  *window->mutable_window_function() = std::move(function.message);
  if (TakeSymbol("(")) {
    MILLRACE_RETURN_IF_ERROR(WindowSpec(window));
    return tree;
  }
  const size_t named_at = next_;
  MILLRACE_ASSIGN_OR_RETURN(const std::string name, Name());
  const std::optional<size_t> open = NamedWindow(name);
  if (!open) {
    return ParseError(FragmentFrom(named_at), "MISSING_WINDOW_SPECIFICATION", "42P20",
                      "Window specification is not defined in the WINDOW clause for {}. "
                      "For more information about WINDOW clauses, please refer to "
                      "'https://spark.apache.org/docs/latest/"
                      "sql-ref-syntax-qry-select-window.html'.",
                      name)
        .Param("windowName", name);
  }
  const size_t after = next_;
  next_ = *open + 1;
  MILLRACE_RETURN_IF_ERROR(WindowSpec(window));
  next_ = after;
  return tree;
}

// Where the specification of a window opens that the WINDOW clause of this query, further
// on, gives a name: WINDOW w AS (…), v AS (…).
std::optional<size_t> Parser::NamedWindow(const std::string& name) const {
  int depth = 0;
  bool in_clause = false;
  for (size_t i = next_; i + 2 < tokens_.size() && depth >= 0; ++i) {
    const Token& token = tokens_[i];
    if (token.kind == TokenKind::kSymbol && token.text == "(") ++depth;
    if (token.kind == TokenKind::kSymbol && token.text == ")") --depth;
    if (depth != 0) continue;
    const size_t ahead = i - next_;
    in_clause = in_clause || (IsWord("WINDOW", ahead) && IsWord("AS", ahead + 2));
    if (in_clause && IsWord("AS", ahead + 1) && IsSymbol("(", ahead + 2) &&
        EqualsIgnoreCase(token.text, name)) {
      return i + 2;
    }
  }
  return std::nullopt;
}

// What stands between the brackets of a window, and the closing one.
Status Parser::WindowSpec(Expression::Window* window) {
  if (TakeWords({"PARTITION", "BY"}) || TakeWords({"DISTRIBUTE", "BY"})) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<Tree> keys, ExpressionList());
    for (Tree& key : keys) *window->add_partition_spec() = std::move(key.message);
  }
  if (TakeWords({"ORDER", "BY"}) || TakeWords({"SORT", "BY"})) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<Expression> items, SortItems());
    for (Expression& item : items) {
      *window->add_order_spec() = std::move(*item.mutable_sort_order());
    }
  }
  if (IsAnyWord({"ROWS", "RANGE"})) {
    MILLRACE_ASSIGN_OR_RETURN(*window->mutable_frame_spec(), Frame());
  }
  return ExpectSymbol(")");
}

Result<Expression::Window::WindowFrame> Parser::Frame() {
  using WindowFrame = Expression::Window::WindowFrame;
  WindowFrame frame;
  frame.set_frame_type(IsWord("ROWS") ? WindowFrame::FRAME_TYPE_ROW
                                      : WindowFrame::FRAME_TYPE_RANGE);
  ++next_;
  const bool between = TakeWord("BETWEEN");
  MILLRACE_RETURN_IF_ERROR(FrameBound(frame.mutable_lower()));
  if (!between) {
    frame.mutable_upper()->set_current_row(true);
    return frame;
  }
  MILLRACE_RETURN_IF_ERROR(ExpectWord("AND"));
  MILLRACE_RETURN_IF_ERROR(FrameBound(frame.mutable_upper()));
  return frame;
}

Status Parser::FrameBound(Expression::Window::WindowFrame::FrameBoundary* bound) {
  if (TakeWords({"CURRENT", "ROW"})) {
    bound->set_current_row(true);
    return Status::OK();
  }
  if (TakeWord("UNBOUNDED")) {
    bound->set_unbounded(true);
    if (TakeWord("PRECEDING")) return Status::OK();
    return ExpectWord("FOLLOWING");
  }
  MILLRACE_ASSIGN_OR_RETURN(Tree value, ParseExpression());
  if (TakeWord("PRECEDING")) {
    std::vector<Tree> operands;
    operands.push_back(std::move(value));
    MILLRACE_ASSIGN_OR_RETURN(value, Call("-", std::move(operands)));
  } else {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("FOLLOWING"));
  }
  *bound->mutable_value() = std::move(value.message);
  return Status::OK();
}

// Types
// -------------------------------------------------------------------------------------------

// Finds where the type ends; data::ParseType reads it.
Result<std::string> Parser::TypeText() {
  const size_t first = next_;
  const std::string word = Upper(Peek().text);
  if (!IsName()) return Unexpected();
  ++next_;
  if (word == "INTERVAL") {
    if (IsName()) ++next_;
    if (IsWord("TO") && IsName(1)) next_ += 2;
  } else if (word == "TIMESTAMP") {
    TakeWords({"WITHOUT", "TIME", "ZONE"}) ||
        TakeWords({"WITH", "LOCAL", "TIME", "ZONE"});
  } else if (word == "DOUBLE") {
    TakeWord("PRECISION");
  }
  int open = 0;
  if (IsSymbol("(") || IsSymbol("<")) {
    do {
      if (IsEnd()) return Unexpected();
      const Token& token = tokens_[next_++];
      if (token.kind != TokenKind::kSymbol) continue;
      if (token.text == "(" || token.text == "<") ++open;
      if (token.text == ")" || token.text == ">") --open;
      if (token.text == ">>") open -= 2;
      if (token.text == ">>>") open -= 3;
    } while (open > 0);
  } else if (IsSymbol("<>")) {
    ++next_;
  }
  if (TakeWord("COLLATE")) MILLRACE_RETURN_IF_ERROR(Name().status());
  const Fragment fragment = FragmentFrom(first);
  std::string type(text_.substr(fragment.begin, fragment.end - fragment.begin));
  const Status known = data::ParseType(type).status();
  if (known.ok()) return type;
  if (known.error().error_class == "PARSE_SYNTAX_ERROR") {
    return SyntaxError({text_, tokens_[first].begin, tokens_[first].end()});
  }
  if (known.error().error_class == "UNSUPPORTED_DATATYPE") {
    return ParseError(fragment, "UNSUPPORTED_DATATYPE", "0A000",
                      "Unsupported data type \"{}\".", Upper(type))
        .Param("typeName", fmt::format("\"{}\"", Upper(type)));
  }
  return known;
}

}  // namespace millrace::sql
