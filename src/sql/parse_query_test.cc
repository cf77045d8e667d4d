// The shape of queries and commands; what they give is in test/sql.
#include <gmock/gmock.h>

#include "sql/sql.h"

namespace millrace::sql {
namespace {

using testing::ElementsAre;

Statement Read(std::string_view sql) {
  Result<Statement> statement = ParseStatement(sql);
  EXPECT_TRUE(statement.ok()) << sql << ": " << statement.status().ToString();
  return statement.ok() ? *std::move(statement) : Statement(NoOperation());
}

const Query& QueryOf(const Statement& statement) {
  return *std::get<QueryPtr>(statement);
}
const Select& SelectOf(const Statement& statement) {
  return std::get<Select>(QueryOf(statement).body);
}
const Relation& FromOf(const Statement& statement) { return *SelectOf(statement).from; }

TEST(ParseQuery, HasTheClausesOfASelect) {
  const Statement statement = Read(
      "SELECT DISTINCT a, b FROM t WHERE c GROUP BY a, b HAVING d ORDER BY a DESC, b "
      "NULLS LAST "
      "LIMIT 3 OFFSET 2");
  const Select& select = SelectOf(statement);
  EXPECT_TRUE(select.distinct);
  EXPECT_EQ(select.items.size(), 2U);
  EXPECT_TRUE(select.where.has_value());
  EXPECT_EQ(select.group_by.kind, GroupBy::Kind::kExpressions);
  EXPECT_EQ(select.group_by.expressions.size(), 2U);
  EXPECT_TRUE(select.having.has_value());
  const Query& query = QueryOf(statement);
  ASSERT_EQ(query.order_by.size(), 2U);
  EXPECT_EQ(query.order_by[0].sort_order().direction(),
            Expression::SortOrder::SORT_DIRECTION_DESCENDING);
  EXPECT_EQ(query.order_by[0].sort_order().null_ordering(),
            Expression::SortOrder::SORT_NULLS_LAST);
  EXPECT_EQ(query.order_by[1].sort_order().null_ordering(),
            Expression::SortOrder::SORT_NULLS_LAST);
  EXPECT_EQ(query.limit->literal().integer(), 3);
  EXPECT_EQ(query.offset->literal().integer(), 2);
}

TEST(ParseQuery, NamesRelations) {
  const Statement aliased = Read("SELECT * FROM a.b AS t(x, y)");
  EXPECT_THAT(std::get<TableName>(FromOf(aliased).source).parts, ElementsAre("a", "b"));
  EXPECT_EQ(FromOf(aliased).alias, "t");
  EXPECT_THAT(FromOf(aliased).column_names, ElementsAre("x", "y"));
  const Statement file = Read("SELECT * FROM parquet.`/a/b.parquet`");
  EXPECT_THAT(std::get<TableName>(FromOf(file).source).parts,
              ElementsAre("parquet", "/a/b.parquet"));
  const Statement query = Read("SELECT * FROM (SELECT 1) q");
  EXPECT_TRUE(std::holds_alternative<QueryPtr>(FromOf(query).source));
  const Statement values = Read("SELECT * FROM VALUES (1, 2), (3, 4) AS t(a, b)");
  EXPECT_EQ(std::get<InlineTable>(FromOf(values).source).rows.size(), 2U);
  const Statement function = Read("SELECT * FROM range(1, 2) r");
  EXPECT_EQ(std::get<TableFunction>(FromOf(function).source).arguments.size(), 2U);
}

TEST(ParseQuery, KnowsAllJoins) {
  const std::pair<std::string_view, JoinType> kJoins[] = {
      {"JOIN", JoinType::kInner},           {"INNER JOIN", JoinType::kInner},
      {"CROSS JOIN", JoinType::kCross},     {"LEFT JOIN", JoinType::kLeft},
      {"LEFT OUTER JOIN", JoinType::kLeft}, {"RIGHT OUTER JOIN", JoinType::kRight},
      {"FULL OUTER JOIN", JoinType::kFull}, {"LEFT SEMI JOIN", JoinType::kLeftSemi},
      {"SEMI JOIN", JoinType::kLeftSemi},   {"ANTI JOIN", JoinType::kLeftAnti},
  };
  for (const auto& [text, type] : kJoins) {
    const Statement statement =
        Read("SELECT * FROM a " + std::string(text) + " b ON a.x = b.x");
    const Join& join = std::get<Join>(FromOf(statement).source);
    EXPECT_EQ(join.type, type) << text;
    EXPECT_TRUE(join.condition.has_value());
  }
  const Statement by_columns =
      Read("SELECT * FROM a JOIN b USING (x, y) NATURAL LEFT JOIN c");
  const Join& natural = std::get<Join>(FromOf(by_columns).source);
  EXPECT_TRUE(natural.natural);
  EXPECT_EQ(natural.type, JoinType::kLeft);
  EXPECT_THAT(std::get<Join>(natural.left->source).using_columns, ElementsAre("x", "y"));
  const Statement commas = Read("SELECT * FROM a, b, (c JOIN d)");
  EXPECT_EQ(std::get<Join>(FromOf(commas).source).type, JoinType::kInner);
}

TEST(ParseQuery, SetOperationsGoFromTheLeftAndIntersectBindsTighter) {
  const Statement statement =
      Read("SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3 INTERSECT SELECT 4");
  const auto& except = std::get<SetOperation>(QueryOf(statement).body);
  EXPECT_EQ(except.kind, SetOperation::Kind::kExcept);
  EXPECT_EQ(std::get<SetOperation>(except.left->body).kind, SetOperation::Kind::kUnion);
  EXPECT_TRUE(std::get<SetOperation>(except.left->body).all);
  EXPECT_EQ(std::get<SetOperation>(except.right->body).kind,
            SetOperation::Kind::kIntersect);
}

TEST(ParseQuery, TellsBracketsOfQueriesFromThoseOfExpressionsAndJoins) {
  Read("((SELECT 1) UNION (SELECT 2)) ORDER BY 1");
  Read("SELECT * FROM ((SELECT 1) UNION (SELECT 2)) t");
  Read("SELECT * FROM ((SELECT 1 AS a) x JOIN (SELECT 2 AS b) y)");
  Read("SELECT ((1 + 2)) * (3), (from), (a).b FROM t");
  Read("SELECT 1 FROM");
  Read("SELECT a FROM t WHERE");
}

TEST(ParseQuery, Commands) {
  const auto view =
      std::get<CreateView>(Read("CREATE OR REPLACE TEMP VIEW v(a) AS SELECT 1;"));
  EXPECT_EQ(view.name, "v");
  EXPECT_TRUE(view.replace);
  EXPECT_THAT(view.column_names, ElementsAre("a"));
  EXPECT_TRUE(std::get<DropTable>(Read("DROP VIEW IF EXISTS v")).if_exists);
  const auto set = std::get<SetCommand>(Read("SET a.b = x 'y' ; "));
  EXPECT_EQ(set.key, "a.b");
  EXPECT_EQ(set.value, "x 'y'");
  EXPECT_EQ(std::get<SetCommand>(Read("SET a.b")).value, std::nullopt);
  EXPECT_EQ(std::get<SetCommand>(Read("SET")).key, "");
  EXPECT_EQ(std::get<SetCommand>(Read("SET TIME ZONE 'UTC'")).key,
            "spark.sql.session.timeZone");
  EXPECT_EQ(std::get<ResetCommand>(Read("RESET a.b")).key, "a.b");
  EXPECT_TRUE(std::get<ShowTables>(Read("SHOW VIEWS")).views);
  EXPECT_TRUE(std::holds_alternative<DescribeTable>(Read("DESCRIBE TABLE t")));
  EXPECT_TRUE(std::holds_alternative<ExplainQuery>(Read("EXPLAIN EXTENDED SELECT 1")));
  EXPECT_TRUE(std::holds_alternative<NoOperation>(Read("CACHE LAZY TABLE t")));
}

TEST(ParseQuery, CommandsAboutTables) {
  const auto made = std::get<CreateTable>(
      Read("CREATE TABLE IF NOT EXISTS d.t (a DECIMAL(5,2) NOT NULL, `b c` STRING) USING "
           "csv OPTIONS (sep = ';', 'x' 1) PARTITIONED BY (a) LOCATION '/p' COMMENT 'c' "
           "TBLPROPERTIES (a.b = 'v')"));
  EXPECT_THAT(made.name, ElementsAre("d", "t"));
  EXPECT_TRUE(made.if_not_exists);
  EXPECT_EQ(made.columns, "a DECIMAL(5,2) NOT NULL, `b c` STRING");
  EXPECT_EQ(made.format, "csv");
  EXPECT_EQ(made.options.at("sep"), ";");
  EXPECT_EQ(made.options.at("x"), "1");
  EXPECT_THAT(made.partition_columns, ElementsAre("a"));
  EXPECT_EQ(made.location, "/p");
  EXPECT_EQ(made.comment, "c");
  EXPECT_EQ(made.properties.at("a.b"), "v");
  EXPECT_EQ(made.query, nullptr);
  EXPECT_NE(std::get<CreateTable>(Read("CREATE TABLE t AS (SELECT 1)")).query, nullptr);
  const auto insert =
      std::get<Insert>(Read("INSERT OVERWRITE TABLE t (b, a) VALUES (1, 2)"));
  EXPECT_TRUE(insert.overwrite);
  EXPECT_THAT(insert.column_names, ElementsAre("b", "a"));
  EXPECT_TRUE(std::get<Insert>(Read("INSERT INTO t (SELECT 1)")).column_names.empty());
  EXPECT_TRUE(std::get<Insert>(Read("INSERT INTO t BY NAME SELECT 1 AS a")).by_name);
  EXPECT_FALSE(std::get<DropTable>(Read("DROP TABLE t")).view);
  EXPECT_EQ(std::get<CreateDatabase>(Read("CREATE SCHEMA d")).name, "d");
  EXPECT_TRUE(std::get<DropDatabase>(Read("DROP DATABASE d CASCADE")).cascade);
  EXPECT_EQ(std::get<UseDatabase>(Read("USE d")).name, "d");
  EXPECT_EQ(std::get<UseDatabase>(Read("USE DATABASE d")).name, "d");
  const auto tables = std::get<ShowTables>(Read("SHOW TABLES IN d LIKE 'a*'"));
  EXPECT_EQ(tables.database, "d");
  EXPECT_EQ(tables.pattern, "a*");
  EXPECT_EQ(std::get<ShowDatabases>(Read("SHOW DATABASES 'x'")).pattern, "x");
  EXPECT_EQ(std::get<TableCommand>(Read("SHOW CREATE TABLE t")).kind,
            TableCommand::Kind::kCreate);
  EXPECT_EQ(std::get<TableCommand>(Read("ANALYZE TABLE t COMPUTE STATISTICS")).kind,
            TableCommand::Kind::kAnalyze);
}

}  // namespace
}  // namespace millrace::sql
