// Statements about tables and databases.
#include "sql/parser.h"

namespace millrace::sql {

// CREATE [EXTERNAL] TABLE …; CREATE DATABASE name
Result<Statement> Parser::CreateTableStatement(size_t first_token) {
  if (TakeDatabaseWord()) {
    CreateDatabase database;
    database.if_not_exists = TakeIfNotExists();
    MILLRACE_ASSIGN_OR_RETURN(database.name, Name());
    if (!IsEnd() && !IsSymbol(";")) {
      ++next_;
      return Unsupported(first_token, "CREATE DATABASE with a comment or properties");
    }
    return Statement(std::move(database));
  }
  TakeWord("EXTERNAL");
  MILLRACE_RETURN_IF_ERROR(ExpectWord("TABLE"));
  CreateTable table;
  table.if_not_exists = TakeIfNotExists();
  MILLRACE_ASSIGN_OR_RETURN(table.name, QualifiedName());
  if (IsSymbol("(") && !AtQuery()) {
    MILLRACE_ASSIGN_OR_RETURN(table.columns, ColumnDdl());
  }
  MILLRACE_RETURN_IF_ERROR(TableClauses(&table));
  const bool as = TakeWord("AS");
  if (as || AtQuery()) {
    MILLRACE_ASSIGN_OR_RETURN(table.query, ParseQuery());
  }
  return Statement(std::move(table));
}

// The clauses behind the columns, in any order.
Status Parser::TableClauses(CreateTable* table) {
  for (;;) {
    if (TakeWord("USING")) {
      MILLRACE_ASSIGN_OR_RETURN(table->format, Name());
    } else if (TakeWords({"PARTITIONED", "BY"})) {
      MILLRACE_ASSIGN_OR_RETURN(table->partition_columns, NameList());
    } else if (TakeWord("LOCATION")) {
      MILLRACE_ASSIGN_OR_RETURN(table->location, OneString());
    } else if (TakeWord("COMMENT")) {
      MILLRACE_ASSIGN_OR_RETURN(table->comment, OneString());
    } else if (TakeWord("OPTIONS")) {
      MILLRACE_ASSIGN_OR_RETURN(table->options, PropertyList());
    } else if (TakeWord("TBLPROPERTIES")) {
      MILLRACE_ASSIGN_OR_RETURN(table->properties, PropertyList());
    } else if (IsAnyWord({"CLUSTERED", "CLUSTER", "ROW", "STORED", "SKEWED"})) {
      const size_t first = next_++;
      return Unsupported(first, fmt::format("CREATE TABLE … {}", tokens_[first].text));
    } else {
      return Status::OK();
    }
  }
}

// (a INT NOT NULL, b STRING), without its brackets: data::ParseDdl reads it.
Result<std::string> Parser::ColumnDdl() {
  const size_t open = next_;
  const size_t close = ClosingBracket(open);
  if (tokens_[close].kind == TokenKind::kEnd) {
    next_ = close;
    return Unexpected();
  }
  next_ = close + 1;
  return std::string(
      text_.substr(tokens_[open].end(), tokens_[close].begin - tokens_[open].end()));
}

// ('key' = 'value', a.b = 1)
Result<std::map<std::string, std::string>> Parser::PropertyList() {
  std::map<std::string, std::string> properties;
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol("("));
  do {
    std::string key;
    if (Peek().kind == TokenKind::kString) {
      MILLRACE_ASSIGN_OR_RETURN(key, OneString());
    } else {
      MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, QualifiedName());
      for (const std::string& part : parts) key += (key.empty() ? "" : ".") + part;
    }
    TakeSymbol("=");
    if (Peek().kind == TokenKind::kString) {
      MILLRACE_ASSIGN_OR_RETURN(properties[key], OneString());
    } else if (Peek().kind == TokenKind::kInteger || Peek().kind == TokenKind::kNumber ||
               IsAnyWord({"TRUE", "FALSE"})) {
      properties[key] = std::string(Peek().text);
      ++next_;
    } else {
      return Unexpected();
    }
  } while (TakeSymbol(","));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(")"));
  return properties;
}

bool Parser::TakeDatabaseWord() {
  return TakeWord("DATABASE") || TakeWord("SCHEMA") || TakeWord("NAMESPACE");
}

Result<Statement> Parser::Drop() {
  const size_t first = next_++;
  if (TakeDatabaseWord()) {
    DropDatabase drop;
    drop.if_exists = TakeIfExists();
    MILLRACE_ASSIGN_OR_RETURN(drop.name, Name());
    drop.cascade = TakeWord("CASCADE");
    TakeWord("RESTRICT");
    return Statement(std::move(drop));
  }
  DropTable drop;
  TakeWord("TEMPORARY");
  drop.view = IsWord("VIEW");
  if (!TakeWord("TABLE") && !TakeWord("VIEW")) {
    if (IsName()) ++next_;
    return Unsupported(first, "DROP of anything but a TABLE, VIEW or DATABASE");
  }
  drop.if_exists = TakeIfExists();
  MILLRACE_ASSIGN_OR_RETURN(drop.name, QualifiedName());
  TakeWord("PURGE");
  return Statement(std::move(drop));
}

// INSERT INTO|OVERWRITE [TABLE] name [BY NAME] [(columns)] query
Result<Statement> Parser::InsertStatement() {
  const size_t first = next_++;
  Insert insert;
  insert.overwrite = TakeWord("OVERWRITE");
  if (!insert.overwrite) MILLRACE_RETURN_IF_ERROR(ExpectWord("INTO"));
  TakeWord("TABLE");
  if (IsWord("DIRECTORY")) {
    ++next_;
    return Unsupported(first, "INSERT OVERWRITE DIRECTORY");
  }
  MILLRACE_ASSIGN_OR_RETURN(insert.name, QualifiedName());
  if (IsAnyWord({"PARTITION", "REPLACE", "IF"})) {
    ++next_;
    return Unsupported(first, "INSERT … PARTITION or REPLACE");
  }
  insert.by_name = TakeWords({"BY", "NAME"});
  if (IsSymbol("(") && !AtQuery()) {
    MILLRACE_ASSIGN_OR_RETURN(insert.column_names, NameList());
  }
  MILLRACE_ASSIGN_OR_RETURN(insert.query, ParseQuery());
  return Statement(std::move(insert));
}

Result<Statement> Parser::Use() {
  const size_t first = next_++;
  TakeDatabaseWord();
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, QualifiedName());
  if (parts.size() > 1) return Unsupported(first, "USE of another catalog");
  return Statement(UseDatabase{parts[0]});
}

// [[LIKE] 'pattern']
Result<std::string> Parser::ShowPattern() {
  const bool like = TakeWord("LIKE");
  if (!like && Peek().kind != TokenKind::kString) return std::string();
  return OneString();
}

Result<Statement> Parser::TableCommandRest(TableCommand::Kind kind) {
  TableCommand command;
  command.kind = kind;
  MILLRACE_ASSIGN_OR_RETURN(command.name, QualifiedName());
  if (kind == TableCommand::Kind::kAnalyze) {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("COMPUTE"));
    MILLRACE_RETURN_IF_ERROR(ExpectWord("STATISTICS"));
    TakeWord("NOSCAN");
    if (TakeWords({"FOR", "ALL", "COLUMNS"})) return Statement(std::move(command));
    if (TakeWords({"FOR", "COLUMNS"})) {
      do {
        MILLRACE_RETURN_IF_ERROR(Name().status());
      } while (TakeSymbol(","));
    }
  }
  return Statement(std::move(command));
}

Result<Statement> Parser::Show() {
  const size_t first = next_++;
  if (IsAnyWord({"TABLES", "VIEWS"})) {
    ShowTables show;
    show.views = IsWord("VIEWS");
    ++next_;
    if (TakeWord("IN") || TakeWord("FROM")) {
      MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, QualifiedName());
      show.database = parts.back();
    }
    MILLRACE_ASSIGN_OR_RETURN(show.pattern, ShowPattern());
    return Statement(std::move(show));
  }
  if (IsAnyWord({"DATABASES", "SCHEMAS", "NAMESPACES"})) {
    ++next_;
    ShowDatabases show;
    MILLRACE_ASSIGN_OR_RETURN(show.pattern, ShowPattern());
    return Statement(std::move(show));
  }
  if (IsWord("FUNCTIONS") ||
      (IsAnyWord({"USER", "SYSTEM", "ALL"}) && IsWord("FUNCTIONS", 1))) {
    TakeWord("SYSTEM");
    TakeWord("ALL");
    if (IsWord("USER")) return Unsupported(first, "SHOW USER FUNCTIONS");
    ++next_;
    ShowFunctions show;
    MILLRACE_ASSIGN_OR_RETURN(show.pattern, ShowPattern());
    return Statement(std::move(show));
  }
  if (TakeWord("COLUMNS")) {
    if (!TakeWord("IN") && !TakeWord("FROM")) return Unexpected();
    return TableCommandRest(TableCommand::Kind::kColumns);
  }
  if (TakeWords({"CREATE", "TABLE"})) {
    return TableCommandRest(TableCommand::Kind::kCreate);
  }
  if (TakeWord("TBLPROPERTIES")) {
    return TableCommandRest(TableCommand::Kind::kProperties);
  }
  if (IsName()) ++next_;
  return Unsupported(first,
                     "SHOW of anything but tables, views, databases, functions, columns "
                     "and properties");
}

}  // namespace millrace::sql
