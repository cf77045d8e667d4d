#include "data/types.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::data {
namespace {

SchemaPtr Ddl(std::string_view text) {
  Result<SchemaPtr> schema = ParseDdl(text);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return schema.ok() ? *schema : arrow::schema({});
}

TypePtr Type(std::string_view text) {
  Result<TypePtr> type = ParseType(text);
  EXPECT_TRUE(type.ok()) << type.status().ToString();
  return type.ok() ? *type : arrow::null();
}

// Texts below are what Spark 4.2.0 says of the same DDL.
constexpr char kEveryType[] =
    "a boolean, b byte, c tinyint, d short, e smallint, f integer, g long, h bigint, i "
    "real, "
    "j float, k double, l dec, m decimal, n numeric(5), o decimal(38,18), p string, q "
    "binary, "
    "r date, s timestamp, t timestamp_ntz, u timestamp_ltz, v void";

TEST(Types, NamesOfEveryType) {
  const SchemaPtr schema = Ddl(kEveryType);
  const TypePtr type = arrow::struct_(schema->fields());
  EXPECT_EQ(
      SimpleTypeName(*type),
      "struct<a:boolean,b:tinyint,c:tinyint,d:smallint,e:smallint,f:int,g:bigint,h:"
      "bigint,"
      "i:float,j:float,k:double,l:decimal(10,0),m:decimal(10,0),n:decimal(5,0),"
      "o:decimal(38,18),p:string,q:binary,r:date,s:timestamp,t:timestamp_ntz,u:timestamp,"
      "v:void>");
  EXPECT_EQ(
      SqlTypeName(*type),
      "STRUCT<a: BOOLEAN, b: TINYINT, c: TINYINT, d: SMALLINT, e: SMALLINT, f: INT, "
      "g: BIGINT, h: BIGINT, i: FLOAT, j: FLOAT, k: DOUBLE, l: DECIMAL(10,0), "
      "m: DECIMAL(10,0), n: DECIMAL(5,0), o: DECIMAL(38,18), p: STRING, q: BINARY, r: "
      "DATE, "
      "s: TIMESTAMP, t: TIMESTAMP_NTZ, u: TIMESTAMP, v: VOID>");
  EXPECT_EQ(TreeString(*schema),
            "root\n"
            " |-- a: boolean (nullable = true)\n"
            " |-- b: byte (nullable = true)\n"
            " |-- c: byte (nullable = true)\n"
            " |-- d: short (nullable = true)\n"
            " |-- e: short (nullable = true)\n"
            " |-- f: integer (nullable = true)\n"
            " |-- g: long (nullable = true)\n"
            " |-- h: long (nullable = true)\n"
            " |-- i: float (nullable = true)\n"
            " |-- j: float (nullable = true)\n"
            " |-- k: double (nullable = true)\n"
            " |-- l: decimal(10,0) (nullable = true)\n"
            " |-- m: decimal(10,0) (nullable = true)\n"
            " |-- n: decimal(5,0) (nullable = true)\n"
            " |-- o: decimal(38,18) (nullable = true)\n"
            " |-- p: string (nullable = true)\n"
            " |-- q: binary (nullable = true)\n"
            " |-- r: date (nullable = true)\n"
            " |-- s: timestamp (nullable = true)\n"
            " |-- t: timestamp_ntz (nullable = true)\n"
            " |-- u: timestamp (nullable = true)\n"
            " |-- v: void (nullable = true)\n");
}

TEST(Types, DdlGivesTheEnginesArrowTypes) {
  const SchemaPtr schema =
      Ddl("a string, b binary, c timestamp, d timestamp_ntz, e date, f decimal(10, 2), "
          "g interval day to second, h interval year to month, i array<int>, j "
          "map<string,int>");
  const std::vector<TypePtr> expected = {
      arrow::utf8_view(),
      arrow::binary_view(),
      arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
      arrow::timestamp(arrow::TimeUnit::MICRO),
      arrow::date32(),
      arrow::decimal128(10, 2),
      arrow::duration(arrow::TimeUnit::MICRO),
      arrow::month_interval(),
      arrow::list(arrow::field("element", arrow::int32())),
      arrow::map(arrow::utf8_view(), arrow::int32())};
  ASSERT_EQ(schema->num_fields(), static_cast<int>(expected.size()));
  for (int i = 0; i < schema->num_fields(); ++i) {
    EXPECT_TRUE(schema->field(i)->type()->Equals(*expected[i]))
        << schema->field(i)->ToString();
  }
  EXPECT_EQ(schema->field(8)->type()->field(0)->name(), "element");
}

TEST(Types, NestedTypes) {
  const SchemaPtr schema =
      Ddl("a array<int>, b map<string,array<int>>, c struct<x:int,y:struct<z:double not "
          "null>>");
  EXPECT_EQ(TreeString(*schema),
            "root\n"
            " |-- a: array (nullable = true)\n"
            " |    |-- element: integer (containsNull = true)\n"
            " |-- b: map (nullable = true)\n"
            " |    |-- key: string\n"
            " |    |-- value: array (valueContainsNull = true)\n"
            " |    |    |-- element: integer (containsNull = true)\n"
            " |-- c: struct (nullable = true)\n"
            " |    |-- x: integer (nullable = true)\n"
            " |    |-- y: struct (nullable = true)\n"
            " |    |    |-- z: double (nullable = false)\n");
  EXPECT_EQ(
      SchemaToJson(*schema),
      R"({"type":"struct","fields":[{"name":"a","type":{"type":"array","elementType":)"
      R"("integer","containsNull":true},"nullable":true,"metadata":{}},{"name":"b","type":)"
      R"({"type":"map","keyType":"string","valueType":{"type":"array","elementType":)"
      R"("integer","containsNull":true},"valueContainsNull":true},"nullable":true,)"
      R"("metadata":{}},{"name":"c","type":{"type":"struct","fields":[{"name":"x","type":)"
      R"("integer","nullable":true,"metadata":{}},{"name":"y","type":{"type":"struct",)"
      R"("fields":[{"name":"z","type":"double","nullable":false,"metadata":{}}]},"nullable")"
      R"(:true,"metadata":{}}]},"nullable":true,"metadata":{}}]})");
  EXPECT_EQ(
      SqlTypeName(*arrow::struct_(schema->fields())),
      "STRUCT<a: ARRAY<INT>, b: MAP<STRING, ARRAY<INT>>, c: STRUCT<x: INT, y: STRUCT<z: "
      "DOUBLE NOT NULL>>>");
}

TEST(Types, TreeOfNotNullNestedTypes) {
  const SchemaPtr schema =
      arrow::schema({arrow::field("a", ArrayOf(LongType(), false), false),
                     arrow::field("m", MapOf(StringType(), IntType(), false), false)});
  EXPECT_EQ(TreeString(*schema),
            "root\n"
            " |-- a: array (nullable = false)\n"
            " |    |-- element: long (containsNull = false)\n"
            " |-- m: map (nullable = false)\n"
            " |    |-- key: string\n"
            " |    |-- value: integer (valueContainsNull = false)\n");
}

TEST(Types, CommentsAreMetadata) {
  const SchemaPtr schema = Ddl(R"(a INT COMMENT 'it''s', b int comment "q\"q")");
  EXPECT_EQ(
      SchemaToJson(*schema),
      R"({"type":"struct","fields":[{"name":"a","type":"integer","nullable":true,)"
      R"("metadata":{"comment":"it's"}},{"name":"b","type":"integer","nullable":true,)"
      R"("metadata":{"comment":"q\"q"}}]})");
  EXPECT_EQ(SqlTypeName(*arrow::struct_(schema->fields())),
            R"(STRUCT<a: INT COMMENT 'it\'s', b: INT COMMENT 'q"q'>)");
}

TEST(Types, NamesAreQuotedAndEscaped) {
  const SchemaPtr schema =
      Ddl("`a``b` int, `a\nb` struct<`x\ty`:int>, `1` int, _1 int, `a.b` int, 1a int");
  EXPECT_EQ(
      SqlTypeName(*arrow::struct_(schema->fields())),
      "STRUCT<`a``b`: INT, `a\nb`: STRUCT<`x\ty`: INT>, `1`: INT, _1: INT, `a.b`: INT, "
      "`1a`: INT>");
  EXPECT_EQ(TreeString(*schema),
            "root\n"
            " |-- a`b: integer (nullable = true)\n"
            " |-- a\\nb: struct (nullable = true)\n"
            " |    |-- x\\ty: integer (nullable = true)\n"
            " |-- 1: integer (nullable = true)\n"
            " |-- _1: integer (nullable = true)\n"
            " |-- a.b: integer (nullable = true)\n"
            " |-- 1a: integer (nullable = true)\n");
}

TEST(Types, SimpleNameStopsAt25Fields) {
  std::string ddl = "c0 int";
  for (int i = 1; i < 27; ++i) ddl += ",c" + std::to_string(i) + " int";
  const std::string name = SimpleTypeName(*arrow::struct_(Ddl(ddl)->fields()));
  EXPECT_THAT(name, testing::EndsWith("c23:int,c24:int,... 2 more fields>"));
}

TEST(Types, DdlLayout) {
  const SchemaPtr schema =
      Ddl("a INT NOT NULL COMMENT 'x' , b\tDOUBLE\n, c /*hi*/ date, order int -- end");
  EXPECT_EQ(SqlTypeName(*arrow::struct_(schema->fields())),
            "STRUCT<a: INT NOT NULL COMMENT 'x', b: DOUBLE, c: DATE, order: INT>");
  EXPECT_FALSE(schema->field(0)->nullable());
  EXPECT_EQ(SimpleTypeName(*arrow::struct_(Ddl("struct<a:int,b string>")->fields())),
            "struct<a:int,b:string>");
  EXPECT_EQ(SimpleTypeName(
                *Type("a timestamp with local time zone, b timestamp without time zone")),
            "struct<a:timestamp,b:timestamp_ntz>");
  EXPECT_EQ(SimpleTypeName(*Type("struct<>")), "struct<>");
  EXPECT_EQ(SimpleTypeName(*Type("array<array<struct<a:map<int,int>>>>")),
            "array<array<struct<a:map<int,int>>>>");
  // Spark reads columns of these two types as STRING.
  EXPECT_EQ(SimpleTypeName(*Type("struct<a:varchar(10),b:char(3)>")),
            "struct<a:string,b:string>");
}

TEST(Types, DdlErrors) {
  struct Case {
    std::string_view text;
    std::string_view error_class;
    std::string_view message;
  };
  const Case cases[] = {
      {"a: int, b: string", "PARSE_SYNTAX_ERROR", "Syntax error at or near ':'."},
      {"a INT DEFAULT 5", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'DEFAULT'."},
      {"a", "PARSE_SYNTAX_ERROR", "Syntax error at or near end of input."},
      {"a int,", "PARSE_SYNTAX_ERROR", "Syntax error at or near end of input."},
      {"a int b string", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'b'."},
      {"array<int>", "PARSE_SYNTAX_ERROR", "Syntax error at or near '<'."},
      {"a int not", "PARSE_SYNTAX_ERROR", "Syntax error at or near end of input."},
      {"a int null", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'null'."},
      {"a.b int", "PARSE_SYNTAX_ERROR", "Syntax error at or near '.'."},
      {"a int;", "PARSE_SYNTAX_ERROR", "Syntax error at or near ';'."},
      {"a interval second to day", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'to'."},
      {"a interval year to day", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'to'."},
      {"a intt", "UNSUPPORTED_DATATYPE", "Unsupported data type \"INTT\"."},
      {"a int(3)", "UNSUPPORTED_DATATYPE", "Unsupported data type \"INT(3)\"."},
      {"a decimal(10,2,3)", "UNSUPPORTED_DATATYPE",
       "Unsupported data type \"DECIMAL(10,2,3)\"."},
      {"a string(3)", "UNSUPPORTED_DATATYPE", "Unsupported data type \"STRING(3)\"."},
      {"a variant", "UNSUPPORTED_DATATYPE", "Unsupported data type \"VARIANT\"."},
      {"a string collate UNICODE", "UNSUPPORTED_DATATYPE", "Unsupported data type"},
      {"a decimal(39,2)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
       "Decimal precision 39 exceeds"},
      {"a decimal(5,7)", "_LEGACY_ERROR_TEMP_1228",
       "Decimal scale (7) cannot be greater than precision (5)."},
      {"a-b int", "INVALID_IDENTIFIER", "The unquoted identifier a-b is invalid"},
      {"a varchar", "DATATYPE_MISSING_SIZE", "DataType \"VARCHAR\" requires a length"},
      {"", "PARSE_EMPTY_STATEMENT", "Syntax error, unexpected empty statement."},
      {"`a int", "PARSE_SYNTAX_ERROR", "Syntax error at or near '`'."},
      {"a int comment 'x", "PARSE_SYNTAX_ERROR", "Syntax error at or near '''."}};
  for (const Case& c : cases) {
    const Result<SchemaPtr> schema = ParseDdl(c.text);
    ASSERT_FALSE(schema.ok()) << c.text;
    EXPECT_EQ(schema.status().error().error_class, c.error_class) << c.text;
    EXPECT_THAT(schema.status().error().message,
                testing::StartsWith(std::string(c.message)))
        << c.text;
  }
  EXPECT_EQ(ParseType("foo").status().error().error_class, "UNSUPPORTED_DATATYPE");
  EXPECT_EQ(ParseType("int,").status().error().error_class, "PARSE_SYNTAX_ERROR");
}

TEST(Types, HostileNestingIsRefused) {
  std::string ddl = "int";
  std::string json = "\"integer\"";
  for (int i = 0; i < 90; ++i) {
    ddl = "array<" + ddl + ">";
    json = R"({"type":"array","containsNull":true,"elementType":)" + json + "}";
  }
  EXPECT_TRUE(ParseType(ddl).ok());
  EXPECT_TRUE(ParseTypeJson(json).ok());
  for (int i = 0; i < 20'000; ++i) ddl = "array<" + ddl;
  EXPECT_FALSE(ParseType(ddl).ok());
  for (int i = 0; i < 20; ++i) {
    json = R"({"type":"array","containsNull":true,"elementType":)" + json + "}";
  }
  EXPECT_FALSE(ParseTypeJson(json).ok());
}

TEST(Types, JsonRoundTrip) {
  const SchemaPtr schema =
      Ddl("a boolean not null, b byte, c smallint, d int, e bigint, f float, g double, "
          "h decimal(38,18), i string comment 'x', j binary, k date, l timestamp, m "
          "timestamp_ntz, "
          "n interval day to second, o interval year to month, p void, q "
          "array<map<string,int>>, "
          "r struct<x:int not null comment 'y'>");
  const std::string json = SchemaToJson(*schema);
  const Result<TypePtr> parsed = ParseTypeJson(json);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_TRUE(
      arrow::schema((*parsed)->fields())->Equals(*schema, /*check_metadata=*/true));
  EXPECT_EQ(TypeToJson(**parsed), json);
  EXPECT_EQ(TypeToJson(*LongType()), "\"long\"");
}

TEST(Types, MetadataSurvivesJson) {
  constexpr char kJson[] =
      R"({"type":"struct","fields":[{"name":"window","type":{"type":"struct","fields":[{"name":)"
      R"("start","type":"timestamp","nullable":true,"metadata":{}}]},"nullable":false,"metadata":)"
      R"({"spark.timeWindow":true,"spark.watermarkDelayMs":600000}}]})";
  const Result<SchemaPtr> schema = ParseSchema(kJson);
  ASSERT_TRUE(schema.ok()) << schema.status().ToString();
  EXPECT_EQ((*schema)->field(0)->metadata()->Get(kSparkMetadataKey).ValueOr(""),
            R"({"spark.timeWindow":true,"spark.watermarkDelayMs":600000})");
  EXPECT_EQ(SchemaToJson(**schema), kJson);
}

TEST(Types, JsonSpellings) {
  const auto simple = [](std::string_view json) {
    const Result<TypePtr> type = ParseTypeJson(json);
    return type.ok() ? SimpleTypeName(**type) : type.status().error().error_class;
  };
  EXPECT_EQ(simple("\"decimal\""), "decimal(10,0)");
  EXPECT_EQ(simple("\"decimal(10,2)\""), "decimal(10,2)");
  EXPECT_EQ(simple("\"null\""), "void");
  EXPECT_EQ(simple("\"varchar(5)\""), "string");
  EXPECT_EQ(simple("\"interval day\""), "interval day");
  EXPECT_EQ(simple("\"interval hour to minute\""), "interval hour to minute");
  EXPECT_EQ(simple("\"interval month\""), "interval month");
  EXPECT_EQ(simple(R"({"type":"struct","fields":[{"name":"a","type":"integer"}]})"),
            "struct<a:int>");
  for (const std::string_view wrong :
       {"\"int\"", "\"bigint\"", "\"foo\"", R"({"type":"struct"})", "{", "5", "[1]",
        R"({"type":"array"})", "\"decimal(40,1)\"", "\"decimal(4\"",
        R"({"type":"struct","fields":[{"name":5,"type":"integer"}]})"}) {
    EXPECT_EQ(simple(wrong), "INVALID_JSON_DATA_TYPE") << wrong;
  }
}

TEST(Types, ParseSchemaTakesBothForms) {
  EXPECT_EQ(SchemaToJson(**ParseSchema("a INT")),
            SchemaToJson(**ParseSchema(SchemaToJson(*Ddl("a INT")))));
  const Result<SchemaPtr> list =
      ParseSchema(R"({"type":"array","elementType":"integer","containsNull":true})");
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.status().error().error_class, "INVALID_SCHEMA.NON_STRUCT_TYPE");
}

TEST(Types, Predicates) {
  EXPECT_TRUE(IsTimestamp(*TimestampType()));
  EXPECT_FALSE(IsTimestamp(*TimestampNtzType()));
  EXPECT_TRUE(IsTimestampNtz(*TimestampNtzType()));
  EXPECT_FALSE(IsTimestampNtz(*LongType()));
  EXPECT_TRUE(IsNumeric(*DecimalOf(10, 2)));
  EXPECT_FALSE(IsNumeric(*DateType()));
  EXPECT_TRUE(IsInteger(*arrow::int8()));
  EXPECT_FALSE(IsInteger(*DoubleType()));
  EXPECT_TRUE(IsString(*StringType()));
  EXPECT_FALSE(IsString(*BinaryType()));
}

}  // namespace
}  // namespace millrace::data
