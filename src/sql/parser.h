// Inside `sql` only: the parser, by recursive descent; its methods are spread over
// expression.cc, primary.cc, literal.cc, query.cc and statement.cc.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/interval.h"
#include "sql/ast.h"
#include "sql/lexer.h"
#include "sql/parse_error.h"
#include "sql/sql.h"

namespace millrace::sql {

/// An expression and how many levels it has, which is limited: whoever walks the tree
/// recurses.
struct Tree {
  Expression message;
  int height = 1;
};

/// Reads one text. Threading: one thread, used once.
class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens, const ParseOptions& options);

  // The whole text.
  Result<Expression> SingleExpression();
  Result<Statement> SingleStatement();

 private:
  // Counts the recursion; see kMaxDepth.
  class Level {
   public:
    explicit Level(int* depth) : depth_(depth) { ++*depth_; }
    ~Level() { --*depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int* depth_;
  };
  bool TooDeep() const;

  // Tokens (parser.cc). Words compare without case.
  const Token& Peek(size_t ahead = 0) const;
  const Token& Previous() const;
  bool IsWord(std::string_view word, size_t ahead = 0) const;
  bool IsAnyWord(std::initializer_list<std::string_view> words, size_t ahead = 0) const;
  bool IsSymbol(std::string_view symbol, size_t ahead = 0) const;
  bool IsName(size_t ahead = 0) const;  // a word or a quoted name
  bool IsEnd(size_t ahead = 0) const { return Peek(ahead).kind == TokenKind::kEnd; }
  bool TakeWord(std::string_view word);
  bool TakeWords(std::initializer_list<std::string_view> words);
  bool TakeSymbol(std::string_view symbol);
  Status ExpectWord(std::string_view word);
  Status ExpectSymbol(std::string_view symbol);
  /// Semicolons and the end.
  Status ExpectEnd();
  Error Unexpected() const;
  Fragment FragmentFrom(size_t first_token) const;  // up to the token before this one
  Error Unsupported(size_t first_token, std::string_view what) const;

  // Names (parser.cc).
  Result<std::string> Name();
  Result<std::vector<std::string>> QualifiedName();
  Result<std::vector<std::string>> NameList();  // (a, b)
  /// Whether the next word could be an alias that is not announced by AS: it is none of
  /// those that go on with the query.
  bool AtImplicitAlias() const;
  /// The text of the string literals here, joined.
  Result<std::string> Strings();
  Result<std::string> OneString();
  std::string Unquoted(const Token& token) const;

  // Trees (expression.cc).
  Result<Tree> Call(std::string_view name, std::vector<Tree> arguments,
                    bool distinct = false, bool internal = false);
  Result<Tree> Binary(std::string_view name, Tree left, Tree right);
  Result<Tree> Not(Result<Tree> operand);
  Result<Tree> Extract(Tree base, Tree path);
  /// A tree that is used once more; what is repeated is limited in all.
  Result<Tree> Copy(const Tree& tree);
  static Tree Attribute(const std::vector<std::string>& parts);
  static Tree Text(std::string_view value);
  static Tree Integer(int32_t value);
  static Tree Boolean(bool value);

  // Expressions (expression.cc).
  Result<Tree> ParseExpression();
  Result<Tree> And();
  Result<Tree> Negation();
  Result<Tree> Predicated();
  Result<Tree> Predicate(Tree operand, bool negated);
  Result<Tree> InPredicate(Tree operand);
  Result<Tree> LikePredicate(Tree operand, std::string_view name, bool negated);
  Result<Tree> IsPredicate(Tree operand);
  Result<Tree> Value(int min_precedence);
  Result<Tree> Unary();
  Result<Tree> Balanced(std::string_view name, std::vector<Tree> operands);
  /// An expression with or without an alias.
  Result<Tree> NamedExpression();
  Result<std::vector<Expression>> NamedExpressions();
  Result<std::vector<Tree>> ExpressionList();
  Result<Expression> SortItem();
  Result<std::vector<Expression>> SortItems();

  // Primary expressions (primary.cc, call.cc).
  Result<Tree> Primary();
  Result<Tree> PrimaryStart();
  Result<Tree> Parenthesised();
  Result<Tree> Case();
  Result<Tree> Cast();
  Result<Tree> Subquery(spark::connect::SubqueryExpression::SubqueryType type);
  Result<Tree> Lambda(std::vector<std::string> parameters);
  bool AtLambdaParameters() const;
  Result<Tree> NameStart();
  Result<Tree> StarOf(const std::vector<std::string>& parts, size_t first_token);
  Result<Tree> SpecialCall(std::string_view name, bool* found);
  Result<Tree> FunctionCall(const std::string& name, size_t first_token);
  Result<Tree> FunctionArgument();
  Result<Tree> CallRest(std::string_view name, std::vector<Tree> arguments);
  Result<Tree> ExtractCall();
  Result<Tree> PositionCall();
  Result<Tree> SubstringCall();
  Result<Tree> TrimCall();
  Result<Tree> OverlayCall();
  Result<Tree> TimeUnitCall(std::string_view name);
  Result<Tree> StructCall();
  Result<Tree> Over(Tree function);
  std::optional<size_t> NamedWindow(const std::string& name) const;
  Status WindowSpec(Expression::Window* window);
  Result<Expression::Window::WindowFrame> Frame();
  Status FrameBound(Expression::Window::WindowFrame::FrameBoundary* bound);
  /// A type, as text: "decimal(10,2)".
  Result<std::string> TypeText();

  // Literals (literal.cc).
  bool AtLiteral() const;
  Result<Tree> Literal();
  Result<Tree> Number(bool negative);
  Result<Tree> TypedLiteral();
  Result<Tree> Interval();
  Result<Tree> IntervalTree(size_t first_token, const CalendarInterval& value,
                            std::span<const std::string_view> units);
  Result<Tree> IntervalOfUnits(size_t first_token);
  Result<Tree> IntervalFromTo(size_t first_token);
  Result<Tree> Parameter();

  // Queries (query.cc).
  /// Whether a query begins at a token, `ahead` from here: perhaps behind opening
  /// brackets.
  bool AtQuery(size_t ahead = 0) const;
  bool AtBracketedQuery() const;
  size_t ClosingBracket(size_t open) const;
  Result<QueryPtr> ParseQuery();
  Status With(Query* query);
  Result<QueryPtr> SetOperations(int* height);
  Result<QueryPtr> Intersections(int* height);
  Result<QueryPtr> QueryPrimary();
  Result<QueryPtr> SelectQuery(RelationPtr from);
  Status Clauses(Select* select);
  Status ParseGroupBy(GroupBy* group_by);
  Result<Tree> GroupingElement();
  Result<LateralView> ParseLateralView();
  Status WindowClause();
  Status Organisation(Query* query);
  // Relations (relation.cc).
  Result<RelationPtr> From();
  Result<RelationPtr> Joined();
  Result<RelationPtr> JoinRest(RelationPtr left, bool* joined);
  Result<RelationPtr> RelationPrimary();
  Result<InlineTable> Values();
  Status TableAlias(Relation* relation);

  // Statements (statement.cc).
  Result<Statement> ParseStatementHere();
  Result<Statement> Create();
  Result<Statement> Set();
  Result<Statement> Describe();

  // Statements about tables and databases (table_statement.cc).
  Result<Statement> CreateTableStatement(size_t first_token);
  Status TableClauses(CreateTable* table);
  Result<std::string> ColumnDdl();
  Result<std::map<std::string, std::string>> PropertyList();
  bool TakeDatabaseWord();
  bool TakeIfExists() { return TakeWords({"IF", "EXISTS"}); }
  bool TakeIfNotExists() { return TakeWords({"IF", "NOT", "EXISTS"}); }
  Result<Statement> Drop();
  Result<Statement> InsertStatement();
  Result<Statement> Use();
  Result<Statement> Show();
  Result<std::string> ShowPattern();
  Result<Statement> TableCommandRest(TableCommand::Kind kind);
  std::string RestOfText();

  const std::string_view text_;
  const std::vector<Token> tokens_;
  const ParseOptions& options_;
  size_t next_ = 0;
  int depth_ = 0;
  size_t parameters_ = 0;    // ? read so far
  size_t copied_bytes_ = 0;  // by Copy
  int64_t subquery_ids_ = 0;
  std::map<int64_t, QueryPtr> subqueries_;  // of the SELECT that is being read
};

}  // namespace millrace::sql
