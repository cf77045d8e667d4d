// What expressions mean: precedence, special forms, literals. Trees are shown as calls.
#include <gmock/gmock.h>

#include <string>

#include "sql/sql.h"

namespace millrace::sql {
namespace {

std::string Show(const Expression& e);

template <typename List>
std::string ShowAll(const List& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + Show(item);
  return text;
}

std::string ShowLiteral(const Expression::Literal& literal) {
  switch (literal.literal_type_case()) {
    case Expression::Literal::kNull:
      return "null";
    case Expression::Literal::kBoolean:
      return literal.boolean() ? "true" : "false";
    case Expression::Literal::kByte:
      return std::to_string(literal.byte()) + "Y";
    case Expression::Literal::kShort:
      return std::to_string(literal.short_()) + "S";
    case Expression::Literal::kInteger:
      return std::to_string(literal.integer());
    case Expression::Literal::kLong:
      return std::to_string(literal.long_()) + "L";
    case Expression::Literal::kFloat:
      return std::to_string(literal.float_()) + "F";
    case Expression::Literal::kDouble:
      return std::to_string(literal.double_()) + "D";
    case Expression::Literal::kDecimal:
      return literal.decimal().value() + ":" +
             std::to_string(literal.decimal().precision()) + "," +
             std::to_string(literal.decimal().scale());
    case Expression::Literal::kString:
      return "'" + literal.string() + "'";
    case Expression::Literal::kBinary:
      return "X'" + literal.binary() + "'";
    case Expression::Literal::kDate:
      return "date " + std::to_string(literal.date());
    case Expression::Literal::kTimestamp:
      return "timestamp " + std::to_string(literal.timestamp());
    case Expression::Literal::kTimestampNtz:
      return "ntz " + std::to_string(literal.timestamp_ntz());
    case Expression::Literal::kDayTimeInterval:
      return "micros " + std::to_string(literal.day_time_interval());
    case Expression::Literal::kYearMonthInterval:
      return "months " + std::to_string(literal.year_month_interval());
    default:
      return literal.ShortDebugString();
  }
}

std::string Show(const Expression& e) {
  switch (e.expr_type_case()) {
    case Expression::kLiteral:
      return ShowLiteral(e.literal());
    case Expression::kUnresolvedAttribute:
      return e.unresolved_attribute().unparsed_identifier();
    case Expression::kUnresolvedStar:
      return e.unresolved_star().has_unparsed_target()
                 ? e.unresolved_star().unparsed_target()
                 : "*";
    case Expression::kUnresolvedFunction: {
      const auto& function = e.unresolved_function();
      return function.function_name() + "(" +
             (function.is_distinct() ? "DISTINCT " : "") + ShowAll(function.arguments()) +
             ")";
    }
    case Expression::kUnresolvedExtractValue:
      return Show(e.unresolved_extract_value().child()) + "[" +
             Show(e.unresolved_extract_value().extraction()) + "]";
    case Expression::kCast:
      return std::string(e.cast().eval_mode() == Expression::Cast::EVAL_MODE_TRY ? "try_"
                                                                                 : "") +
             "cast(" + Show(e.cast().expr()) + " as " + e.cast().type_str() + ")";
    case Expression::kAlias:
      return Show(e.alias().expr()) + " as " + e.alias().name(0);
    case Expression::kLambdaFunction: {
      std::string names;
      for (const auto& argument : e.lambda_function().arguments()) {
        names += argument.name_parts(0) + " ";
      }
      return names + "-> " + Show(e.lambda_function().function());
    }
    default:
      return e.ShortDebugString();
  }
}

std::string Read(std::string_view sql) {
  const Result<Expression> expression = ParseExpression(sql);
  return expression.ok() ? Show(*expression) : expression.status().ToString();
}

struct Case {
  std::string_view sql;
  std::string_view tree;
};

void ExpectTrees(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(Read(c.sql), c.tree) << c.sql;
}

TEST(ParseExpression, BinaryOperatorsByPrecedence) {
  ExpectTrees({
      {"1 + 2 * 3", "+(1, *(2, 3))"},
      {"1 - 2 - 3", "-(-(1, 2), 3)"},
      {"1 + 2 || 3", "concat(+(1, 2), 3)"},
      {"7 div 2 % 3", "%(div(7, 2), 3)"},
      {"1 << 2 + 3", "<<(1, +(2, 3))"},
      {"1 & 2 << 3", "&(1, <<(2, 3))"},
      {"1 | 2 ^ 3 & 4", "|(1, ^(2, &(3, 4)))"},
      {"a = b | c", "==(a, |(b, c))"},
      {"1 < 2 = 3", "==(<(1, 2), 3)"},
      {"a <> b", "not(==(a, b))"},
      {"a !> b", "<=(a, b)"},
      {"(1 + 2) * 3", "*(+(1, 2), 3)"},
  });
}

TEST(ParseExpression, SignsBindTighterThanOperators) {
  ExpectTrees({
      {"-a * b", "*(-(a), b)"},
      {"- -1", "-(-1)"},
      {"5 -1", "-(5, 1)"},
      {"~a[0]", "~(a[0])"},
      {"-1::string", "cast(-1 as string)"},
      {"+a", "positive(a)"},
  });
}

TEST(ParseExpression, LogicIsLooserThanPredicates) {
  ExpectTrees({
      {"NOT a AND b OR c", "or(and(not(a), b), c)"},
      {"NOT a = b", "not(==(a, b))"},
      {"!a = b", "not(==(a, b))"},
      {"a BETWEEN 1 AND 2 AND c", "and(between(a, 1, 2), c)"},
      {"a OR b AND c", "or(a, and(b, c))"},
  });
}

TEST(ParseExpression, Predicates) {
  ExpectTrees({
      {"a NOT BETWEEN 1 AND 2 + 3", "not(between(a, 1, +(2, 3)))"},
      {"a IN (1, 2)", "in(a, 1, 2)"},
      {"a NOT IN (1)", "not(in(a, 1))"},
      {"a LIKE 'x'", "like(a, 'x')"},
      {"a NOT ILIKE 'x' ESCAPE '!'", "not(ilike(a, 'x', '!'))"},
      {"a REGEXP 'x'", "rlike(a, 'x')"},
      {"a LIKE ANY ('x', 'y')", "or(like(a, 'x'), like(a, 'y'))"},
      {"a NOT LIKE ALL ('x', 'y')", "and(not(like(a, 'x')), not(like(a, 'y')))"},
      {"a IS NULL", "isnull(a)"},
      {"a IS NOT UNKNOWN", "isnotnull(a)"},
      {"a IS NOT TRUE", "not(<=>(a, true))"},
      {"a IS DISTINCT FROM b", "not(<=>(a, b))"},
      {"a IS NOT DISTINCT FROM b", "<=>(a, b)"},
  });
}

TEST(ParseExpression, Names) {
  ExpectTrees({
      {"a.b.c", "a.b.c"},
      {"`a.b`.`c``d`", "`a.b`.`c``d`"},
      {"t.*", "t.*"},
      {"a.b['k'][0].c", "a.b['k'][0]['c']"},
      {"f(a).b", "f(a)['b']"},
      {"date", "date"},
      {"select", "select"},
      {"case", "case"},
      {"interval", "interval"},
      {"timestamp.x", "timestamp.x"},
      {"1a", "1a"},
  });
}

TEST(ParseExpression, Calls) {
  ExpectTrees({
      {"f()", "f()"},
      {"count(DISTINCT a, b)", "count(DISTINCT a, b)"},
      {"count(*)", "count(*)"},
      {"sum(a) FILTER (WHERE b > 1)", "aggregate_filter(sum(a), >(b, 1))"},
      {"first(a IGNORE NULLS)", "first(a, true)"},
      {"last(a) IGNORE NULLS", "last(a, true)"},
      {"extract(YEAR FROM a)", "extract('YEAR', a)"},
      {"position('a' IN b)", "locate('a', b, 1)"},
      {"substring(a FROM 2 FOR 3)", "substring(a, 2, 3)"},
      {"trim(LEADING 'x' FROM a)", "ltrim('x', a)"},
      {"trim(BOTH FROM a)", "trim(a)"},
      {"overlay(a PLACING b FROM 3)", "overlay(a, b, 3)"},
      {"dateadd(day, 1, a)", "timestampadd('DAY', 1, a)"},
      {"date_add(a, 1)", "date_add(a, 1)"},
      {"current_date", "current_date()"},
      {"struct(a, b AS c)", "struct(a, b as c)"},
      {"(a, 1, b AS c)", "named_struct('a', a, 'col2', 1, 'c', b)"},
      {"transform(a, x -> x + 1)", "transform(a, x -> +(x, 1))"},
      {"aggregate(a, 0, (x, y) -> x + y)", "aggregate(a, 0, x y -> +(x, y))"},
      {"left(a, 1)", "left(a, 1)"},
  });
}

TEST(ParseExpression, CasesAndCasts) {
  ExpectTrees({
      {"CASE WHEN a THEN 1 ELSE 2 END", "when(a, 1, 2)"},
      {"CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END",
       "when(==(a, 1), 'x', ==(a, 2), 'y')"},
      {"CAST(a AS DECIMAL(10, 2))", "cast(a as DECIMAL(10, 2))"},
      {"TRY_CAST(a AS ARRAY<STRUCT<x: INT>>)", "try_cast(a as ARRAY<STRUCT<x: INT>>)"},
      {"a::int::string", "cast(cast(a as int) as string)"},
      {"CAST(a AS INTERVAL DAY TO SECOND)", "cast(a as INTERVAL DAY TO SECOND)"},
      {"a::timestamp without time zone", "cast(a as timestamp without time zone)"},
  });
}

TEST(ParseExpression, Numbers) {
  ExpectTrees({
      {"2147483647", "2147483647"},
      {"2147483648", "2147483648L"},
      {"-2147483648", "-2147483648"},
      {"9223372036854775808", "9223372036854775808:19,0"},
      {"1L", "1L"},
      {"-128Y", "-128Y"},
      {"1S", "1S"},
      {"1.50", "1.50:3,2"},
      {".5", "0.5:1,1"},
      {"00.10", "0.10:2,2"},
      {"1.5e3BD", "1500:4,0"},
      {"1e3", "1000.000000D"},
      {"1.5D", "1.500000D"},
      {"1.5F", "1.500000F"},
  });
}

TEST(ParseExpression, TextsAndTimes) {
  ExpectTrees({
      {R"('a' "b" 'it''s')", "'abit's'"},
      {R"('\n\t\\\'\101\u00e9\%')", "'\n\t\\'A\u00e9\\%'"},
      {R"(r'\n')", R"('\n')"},
      {"X'4142'", "X'AB'"},
      {"DATE '1970-01-02'", "date 1"},
      {"TIMESTAMP '1970-01-01 00:00:01'", "timestamp 1000000"},
      {"TIMESTAMP_NTZ '1970-01-01 00:00:01'", "ntz 1000000"},
      {"NULL", "null"},
      {"TRUE", "true"},
  });
}

TEST(ParseExpression, TimesAreThoseOfTheSession) {
  ParseOptions options;
  options.zone = *data::TimeZone::Find("+01:00");
  const Result<Expression> expression =
      ParseExpression("TIMESTAMP '1970-01-01 01:00:01'", options);
  ASSERT_TRUE(expression.ok());
  EXPECT_EQ(expression->literal().timestamp(), 1'000'000);
}

TEST(ParseExpression, Intervals) {
  ExpectTrees({
      {"INTERVAL 1 DAY", "micros 86400000000"},
      {"INTERVAL '1' DAY", "micros 86400000000"},
      {"INTERVAL -2 HOURS", "micros -7200000000"},
      {"INTERVAL 1 YEAR 2 MONTHS", "months 14"},
      {"INTERVAL '1-2' YEAR TO MONTH", "months 14"},
      {"INTERVAL '1 02:03:04.5' DAY TO SECOND", "micros 93784500000"},
      {"INTERVAL -'1 2' DAY TO HOUR", "micros -93600000000"},
      {"INTERVAL '1 day 2 hours'", "micros 93600000000"},
      {"INTERVAL 1 WEEK 5 MILLISECONDS", "micros 604800005000"},
  });
}

TEST(ParseExpression, Aliases) {
  ExpectTrees({
      {"a + 1 AS b", "+(a, 1) as b"},
      {"a b", "a as b"},
      {"a AS `b c`", "a as b c"},
  });
}

TEST(ParseExpression, Parameters) {
  ParseOptions named;
  named.named_arguments["x"].mutable_literal()->set_integer(7);
  const Result<Expression> by_name = ParseExpression("f(:x, :x)", named);
  ASSERT_TRUE(by_name.ok()) << by_name.status().ToString();
  EXPECT_EQ(Show(*by_name), "f(7, 7)");

  ParseOptions positional;
  positional.positional_arguments.resize(2);
  positional.positional_arguments[0].mutable_literal()->set_string("p");
  positional.positional_arguments[1].mutable_literal()->set_boolean(true);
  const Result<Expression> by_place = ParseExpression("f(?, ?)", positional);
  ASSERT_TRUE(by_place.ok()) << by_place.status().ToString();
  EXPECT_EQ(Show(*by_place), "f('p', true)");

  const Result<Expression> mixed = ParseExpression("f(:x, ?)", named);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.status().error().error_class, "INVALID_QUERY_MIXED_QUERY_PARAMETERS");
}

}  // namespace
}  // namespace millrace::sql
