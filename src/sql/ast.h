// What a SQL text says, as a tree. Expressions are Spark Connect messages, as a client
// sends them; queries have nodes of their own, since GROUP BY, HAVING, WITH and VALUES
// have no message. Names are not looked up: connect_plan does that, as for all other
// plans.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "spark/connect/expressions.pb.h"

namespace millrace::sql {

using Expression = spark::connect::Expression;

struct Query;
using QueryPtr = std::shared_ptr<const Query>;
struct Relation;
using RelationPtr = std::shared_ptr<const Relation>;

/// A table, view or CTE; or files, as parquet.`/path`.
struct TableName {
  std::vector<std::string> parts;
};

/// VALUES (1, 'a'), (2, 'b'): all rows have the same length.
struct InlineTable {
  std::vector<std::vector<Expression>> rows;
};

/// range(10)
struct TableFunction {
  std::string name;
  std::vector<Expression> arguments;
};

enum class JoinType { kInner, kCross, kLeft, kRight, kFull, kLeftSemi, kLeftAnti };

struct Join {
  RelationPtr left;
  RelationPtr right;
  JoinType type = JoinType::kInner;
  std::optional<Expression> condition;
  std::vector<std::string> using_columns;
  bool natural = false;
};

/// An item of FROM, with the names it is given.
struct Relation {
  std::variant<TableName, QueryPtr, InlineTable, TableFunction, Join> source;
  std::string alias;  // empty if none
  std::vector<std::string> column_names;
};

/// GROUP BY. Several groupings at once are calls of rollup, cube and "grouping sets",
/// whose arguments are keys, or calls of struct over several keys.
struct GroupBy {
  enum class Kind { kNone, kExpressions, kAll };
  Kind kind = Kind::kNone;
  std::vector<Expression> expressions;
};

/// LATERAL VIEW explode(list) alias AS column
struct LateralView {
  Expression generator;
  std::string alias;  // of its columns; empty if none
  std::vector<std::string> column_names;
};

/// SELECT … FROM … WHERE … GROUP BY … HAVING …
struct Select {
  bool distinct = false;
  std::vector<Expression> items;
  RelationPtr from;  // null: one row without columns
  std::vector<LateralView> views;
  std::optional<Expression> where;
  GroupBy group_by;
  std::optional<Expression> having;
  /// The subqueries in its expressions, by the plan_id of the subquery_expression.
  std::map<int64_t, QueryPtr> subqueries;
};

struct SetOperation {
  enum class Kind { kUnion, kIntersect, kExcept };
  Kind kind = Kind::kUnion;
  bool all = false;
  QueryPtr left;
  QueryPtr right;
};

/// WITH name(columns) AS (query)
struct CommonTable {
  std::string name;
  std::vector<std::string> column_names;
  QueryPtr query;
};

struct Query {
  std::vector<CommonTable> with;
  std::variant<Select, SetOperation, RelationPtr> body;
  /// Of kind sort_order. An integer literal is a position in the select list.
  std::vector<Expression> order_by;
  bool order_by_all = false;
  std::optional<Expression> limit;
  std::optional<Expression> offset;
};

/// CREATE [GLOBAL] TEMP VIEW
struct CreateView {
  std::string name;
  std::vector<std::string> column_names;
  bool replace = false;
  bool global = false;
  QueryPtr query;
};

/// DROP VIEW or TABLE
struct DropTable {
  std::vector<std::string> name;
  bool view = false;
  bool if_exists = false;
};

struct CreateTable {
  std::vector<std::string> name;
  bool if_not_exists = false;
  std::string columns;  // DDL; empty: those of the query or of the files
  std::string format;   // empty: the default
  std::vector<std::string> partition_columns;
  std::string location;
  std::string comment;
  std::map<std::string, std::string> options;
  std::map<std::string, std::string> properties;
  QueryPtr query;  // null if none
};

/// INSERT INTO, INSERT OVERWRITE
struct Insert {
  std::vector<std::string> name;
  bool overwrite = false;
  bool by_name = false;
  std::vector<std::string> column_names;  // empty: all
  QueryPtr query;
};

struct CreateDatabase {
  std::string name;
  bool if_not_exists = false;
};

struct DropDatabase {
  std::string name;
  bool if_exists = false;
  bool cascade = false;
};

struct UseDatabase {
  std::string name;
};

/// SET key = value; SET key; SET
struct SetCommand {
  std::string key;                   // empty: all
  std::optional<std::string> value;  // nothing: show
};

/// RESET key; RESET
struct ResetCommand {
  std::string key;  // empty: all
};

struct ShowTables {
  bool views = false;
  std::string database;  // empty: the current one
  std::string pattern;   // empty: all
};

struct ShowDatabases {
  std::string pattern;
};

struct ShowFunctions {
  std::string pattern;
};

/// SHOW COLUMNS IN, SHOW CREATE TABLE, SHOW TBLPROPERTIES; TRUNCATE TABLE, ANALYZE TABLE.
struct TableCommand {
  enum class Kind { kColumns, kCreate, kProperties, kTruncate, kAnalyze };
  Kind kind = Kind::kColumns;
  std::vector<std::string> name;
};

/// DESCRIBE of a table, by `name`, or of a query.
struct DescribeTable {
  std::vector<std::string> name;
  QueryPtr query;
};

/// EXPLAIN query
struct ExplainQuery {
  QueryPtr query;
};

/// CACHE, UNCACHE, REFRESH TABLE …: accepted; there is nothing to do.
struct NoOperation {};

using Statement = std::variant<QueryPtr, CreateView, DropTable, CreateTable, Insert,
                               CreateDatabase, DropDatabase, UseDatabase, SetCommand,
                               ResetCommand, ShowTables, ShowDatabases, ShowFunctions,
                               TableCommand, DescribeTable, ExplainQuery, NoOperation>;

}  // namespace millrace::sql
