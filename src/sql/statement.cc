// Statements: a query, or a command about temporary views and settings.
#include "sql/parser.h"

namespace millrace::sql {

Result<Statement> Parser::ParseStatementHere() {
  // A text that begins like a query is one, if perhaps a wrong one.
  if (AtQuery() || IsAnyWord({"SELECT", "FROM", "WITH", "VALUES"})) {
    MILLRACE_ASSIGN_OR_RETURN(QueryPtr query, ParseQuery());
    return Statement(std::move(query));
  }
  if (IsWord("CREATE")) return Create();
  if (IsWord("DROP")) return Drop();
  if (IsWord("SET")) return Set();
  if (IsWord("SHOW")) return Show();
  if (IsWord("INSERT")) return InsertStatement();
  if (IsWord("USE")) return Use();
  if (IsAnyWord({"DESCRIBE", "DESC"})) return Describe();
  const size_t first = next_;
  if (TakeWord("RESET")) {
    ResetCommand reset{RestOfText()};
    return Statement(std::move(reset));
  }
  if (TakeWord("EXPLAIN")) {
    if (IsAnyWord({"EXTENDED", "FORMATTED", "CODEGEN", "COST"})) ++next_;
    MILLRACE_ASSIGN_OR_RETURN(QueryPtr query, ParseQuery());
    return Statement(ExplainQuery{std::move(query)});
  }
  if (IsAnyWord({"CACHE", "UNCACHE", "REFRESH", "CLEAR"})) {
    if (TakeWords({"CLEAR", "CACHE"})) return Statement(NoOperation());
    const bool cache = IsWord("CACHE");
    ++next_;
    TakeWord("LAZY");
    if (!TakeWord("TABLE")) return Unexpected();
    TakeWords({"IF", "EXISTS"});
    MILLRACE_RETURN_IF_ERROR(QualifiedName().status());
    if (cache && !IsEnd() && !IsSymbol(";"))
      return Unsupported(first, "CACHE TABLE … AS");
    return Statement(NoOperation());
  }
  if (TakeWords({"TRUNCATE", "TABLE"})) {
    return TableCommandRest(TableCommand::Kind::kTruncate);
  }
  if (TakeWords({"ANALYZE", "TABLE"})) {
    return TableCommandRest(TableCommand::Kind::kAnalyze);
  }
  if (IsAnyWord({"ALTER", "MERGE", "DELETE", "UPDATE", "TRUNCATE", "ANALYZE", "LOAD",
                 "ADD", "REPLACE", "MSCK", "GRANT", "REVOKE", "DECLARE", "CALL",
                 "EXECUTE"})) {
    ++next_;
    return Unsupported(first, fmt::format("The statement {}", tokens_[first].text));
  }
  return Unexpected();
}

// CREATE [OR REPLACE] [GLOBAL] TEMP VIEW name [(columns)] AS query; other things are in
// table_statement.cc
Result<Statement> Parser::Create() {
  const size_t first = next_++;
  CreateView view;
  view.replace = TakeWords({"OR", "REPLACE"});
  if (!view.replace && IsAnyWord({"TABLE", "EXTERNAL", "DATABASE", "SCHEMA"})) {
    return CreateTableStatement(first);
  }
  view.global = TakeWord("GLOBAL");
  const bool temporary = TakeWord("TEMPORARY") || TakeWord("TEMP");
  if (!temporary || !TakeWord("VIEW")) {
    if (IsName()) ++next_;
    return Unsupported(first, "CREATE of anything but a TABLE, DATABASE or TEMP VIEW");
  }
  if (TakeWords({"IF", "NOT", "EXISTS"})) {
    return ParseError(FragmentFrom(first),
                      "INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_IF_NOT_EXISTS", "42000",
                      "Invalid SQL syntax: It is not allowed to define a TEMPORARY view "
                      "with IF NOT EXISTS.");
  }
  MILLRACE_ASSIGN_OR_RETURN(view.name, Name());
  if (IsSymbol("(")) {
    MILLRACE_ASSIGN_OR_RETURN(view.column_names, NameList());
  }
  if (TakeWord("USING")) return Unsupported(first, "CREATE TEMP VIEW … USING");
  MILLRACE_RETURN_IF_ERROR(ExpectWord("AS"));
  MILLRACE_ASSIGN_OR_RETURN(view.query, ParseQuery());
  return Statement(std::move(view));
}

// Keys and values need no quotes, so they are read as text.
Result<Statement> Parser::Set() {
  const size_t first = next_++;
  SetCommand set;
  if (TakeWords({"TIME", "ZONE"})) {
    set.key = "spark.sql.session.timeZone";
    if (TakeWord("LOCAL")) return Unsupported(first, "SET TIME ZONE LOCAL");
    MILLRACE_ASSIGN_OR_RETURN(set.value, OneString());
    return Statement(std::move(set));
  }
  const std::string rest = RestOfText();
  const auto trimmed = [](std::string text) {
    const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    text = text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
    const bool quoted = text.size() >= 2 && text.front() == '`' && text.back() == '`';
    return quoted ? text.substr(1, text.size() - 2) : text;
  };
  const size_t equals = rest.find('=');
  set.key = trimmed(rest.substr(0, equals));
  if (equals != std::string::npos) set.value = trimmed(rest.substr(equals + 1));
  if (set.key == "-v") set.key.clear();
  return Statement(std::move(set));
}

// DESCRIBE [TABLE] [EXTENDED] name; DESCRIBE QUERY query
Result<Statement> Parser::Describe() {
  const size_t first = next_++;
  if (IsAnyWord({"FUNCTION", "DATABASE", "SCHEMA", "NAMESPACE", "CATALOG"}) &&
      IsName(1)) {
    ++next_;
    return Unsupported(first, "DESCRIBE of anything but a table or a query");
  }
  if (IsWord("QUERY") && IsName(1)) ++next_;
  if (AtQuery()) {
    MILLRACE_ASSIGN_OR_RETURN(QueryPtr query, ParseQuery());
    return Statement(DescribeTable{{}, std::move(query)});
  }
  if (IsWord("TABLE") && IsName(1)) ++next_;
  if (IsAnyWord({"EXTENDED", "FORMATTED"}) && IsName(1)) {
    return Unsupported(first, "DESCRIBE EXTENDED");
  }
  DescribeTable describe;
  MILLRACE_ASSIGN_OR_RETURN(describe.name, QualifiedName());
  return Statement(std::move(describe));
}

// What is left, without blanks around it and semicolons at its end; all of it is taken.
std::string Parser::RestOfText() {
  const size_t begin = Peek().begin;
  next_ = tokens_.size() - 1;
  std::string_view rest = text_.substr(begin);
  const size_t end = rest.find_last_not_of(" \t\r\n;");
  return std::string(rest.substr(0, end + 1));
}

}  // namespace millrace::sql
