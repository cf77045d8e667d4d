// Errors in Spark's words, and texts that would be too much.
#include <gmock/gmock.h>

#include <string>

#include "sql/sql.h"

namespace millrace::sql {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view sql) {
  const Result<Statement> statement = ParseStatement(sql);
  return statement.ok() ? "no error" : statement.status().ToString();
}

std::string ClassOf(std::string_view sql) {
  const Result<Statement> statement = ParseStatement(sql);
  return statement.ok() ? "" : statement.status().error().error_class;
}

TEST(ParseErrors, PointAtTheToken) {
  EXPECT_EQ(ErrorOf("SELECT a,, b FROM t"),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near ','. SQLSTATE: 42601 (line 1, "
            "pos 9)\n\n"
            "== SQL ==\n"
            "SELECT a,, b FROM t\n"
            "---------^^^\n");
  EXPECT_EQ(ErrorOf("SELECT 1\n FROM x y z w"),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near 'z'. SQLSTATE: 42601 (line 2, "
            "pos 10)\n\n"
            "== SQL ==\n"
            "SELECT 1\n"
            " FROM x y z w\n"
            "----------^^^\n");
}

TEST(ParseErrors, CountCharacters) {
  EXPECT_THAT(ErrorOf("SELECT 'äö' +"),
              HasSubstr("end of input. SQLSTATE: 42601 (line 1, pos 13)"));
}

TEST(ParseErrors, SayWhatIsTooMuch) {
  EXPECT_THAT(ErrorOf("SELECT 1 2"),
              HasSubstr("Syntax error at or near '2': extra input '2'."));
  EXPECT_THAT(ErrorOf("SELECT 1; SELECT 2"), HasSubstr(": extra input 'SELECT'."));
  EXPECT_THAT(ErrorOf("SELECT a b c FROM t"),
              HasSubstr("Syntax error at or near 'c'. SQL"));
}

TEST(ParseErrors, AboutMeaningsShowThePiece) {
  EXPECT_EQ(ErrorOf("SELECT DATE 'abc',\n  1"),
            "[INVALID_TYPED_LITERAL] The value of the typed literal \"DATE\" is invalid: "
            "'abc'. "
            "SQLSTATE: 42604\n"
            "== SQL (line 1, position 8) ==\n"
            "SELECT DATE 'abc',\n"
            "       ^^^^^^^^^^\n"
            "  1\n");
  EXPECT_THAT(
      ErrorOf("SELECT CAST(1 AS foo)"),
      StartsWith("[UNSUPPORTED_DATATYPE] Unsupported data type \"FOO\". SQLSTATE: 0A000\n"
                 "== SQL (line 1, position 18) ==\n"));
}

TEST(ParseErrors, HaveSparksClasses) {
  EXPECT_EQ(ClassOf(""), "PARSE_EMPTY_STATEMENT");
  EXPECT_EQ(ClassOf(" -- nothing"), "PARSE_EMPTY_STATEMENT");
  EXPECT_EQ(ClassOf("SELECT 1 /* x"), "UNCLOSED_BRACKETED_COMMENT");
  EXPECT_EQ(ClassOf("SELECT 200Y"), "INVALID_NUMERIC_LITERAL_RANGE");
  EXPECT_EQ(ClassOf("SELECT 1e400"), "INVALID_NUMERIC_LITERAL_RANGE");
  EXPECT_EQ(ClassOf("SELECT 123456789012345678901234567890123456789BD"),
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION");
  EXPECT_EQ(ClassOf("SELECT X'1G'"), "INVALID_TYPED_LITERAL");
  EXPECT_EQ(ClassOf("SELECT FOO 'x'"), "UNSUPPORTED_TYPED_LITERAL");
  EXPECT_EQ(ClassOf("SELECT :x"), "UNBOUND_SQL_PARAMETER");
  EXPECT_EQ(ClassOf("SELECT ?"), "UNBOUND_SQL_PARAMETER");
  EXPECT_EQ(ClassOf("SELECT * FROM VALUES (1, 2), (3)"),
            "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH");
  EXPECT_EQ(ClassOf("SELECT 'a"), "PARSE_SYNTAX_ERROR");
  EXPECT_EQ(ClassOf("foo bar"), "PARSE_SYNTAX_ERROR");
  EXPECT_EQ(ClassOf("MERGE INTO t USING s ON true"), "UNSUPPORTED_FEATURE");
  EXPECT_EQ(ClassOf("SELECT a FROM t LATERAL VIEW b x"), "PARSE_SYNTAX_ERROR");
  EXPECT_EQ(ClassOf("SELECT sum(a) OVER w FROM t WINDOW v AS (ORDER BY a)"),
            "MISSING_WINDOW_SPECIFICATION");
}

std::string Repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(ParseErrors, NothingIsTooDeep) {
  constexpr int kMany = 20'000;
  const auto too_complex = [](const std::string& sql) {
    EXPECT_EQ(ClassOf(sql), "FAILED_TO_PARSE_TOO_COMPLEX") << sql.substr(0, 40);
  };
  too_complex("SELECT " + Repeated("(", kMany) + "1" + Repeated(")", kMany));
  too_complex("SELECT " + Repeated("- ", kMany) + "a");
  too_complex("SELECT " + Repeated("NOT ", kMany) + "a");
  too_complex("SELECT " + Repeated("f(", kMany) + Repeated(")", kMany));
  too_complex("SELECT 1" + Repeated(" + 1", kMany));
  too_complex("SELECT a" + Repeated("[0]", kMany));
  too_complex("SELECT a" + Repeated("::int", kMany));
  too_complex(Repeated("SELECT * FROM (", kMany) + "SELECT 1" + Repeated(")", kMany));
  too_complex("SELECT 1" + Repeated(" UNION SELECT 1", kMany));
  too_complex("SELECT 1 FROM a" + Repeated(" JOIN a", kMany));
  too_complex("SELECT " + Repeated("CASE ", 100) + "a" +
              Repeated(" WHEN 1 THEN 1 WHEN 2 THEN 2 END", 100));
}

TEST(ParseErrors, LongConditionsAreFine) {
  EXPECT_EQ(ErrorOf("SELECT a = 0" + Repeated(" OR a = 1 AND b", 20'000)), "no error");
  EXPECT_EQ(ErrorOf("SELECT a IN (0" + Repeated(", 1", 20'000) + ")"), "no error");
}

}  // namespace
}  // namespace millrace::sql
