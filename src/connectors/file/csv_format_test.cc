// CSV as Spark 4.2 reads it: each case was run there.
#include <gmock/gmock.h>

#include <arrow/type.h>

#include "connectors/file/csv_cells.h"
#include "connectors/file/file_testing.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CsvFormatTest : public testing::Test {
 protected:
  Result<std::vector<std::string>> Read(
      std::string_view text, OptionMap options = {}, std::string schema = {},
      std::optional<std::vector<std::string>> columns = {}) {
    WriteText(fs_, "/d/a.csv", text);
    return ReadBatch(*provider_, fs_, "/d/a.csv",
                     {.options = std::move(options),
                      .schema = std::move(schema),
                      .columns = std::move(columns)});
  }
  std::string SchemaOf(std::string_view text, OptionMap options) {
    WriteText(fs_, "/d/a.csv", text);
    connector::SourceContext context;
    context.fs = &fs_;
    const auto schema = Must(provider_->Schema(Options(std::move(options)), {"/d/a.csv"},
                                               nullptr, false, context));
    return data::SimpleTypeName(*arrow::struct_(schema->fields()));
  }

  MemFileSystem fs_;
  std::unique_ptr<connector::SourceProvider> provider_ = MakeCsvProvider();
};

TEST_F(CsvFormatTest, CellsAndQuotes) {
  const OptionMap header = {{"header", "true"}};
  EXPECT_THAT(
      Must(Read("a,b,c\n1,,\"\"\n2,\" x \", y \n\n3,\"q\"\"q\",\"e\\\"s\"\n", header)),
      ElementsAre("[1, null, null]", "[2,  x ,  y ]", "[3, \"q\"\"q\", e\"s]"));
  EXPECT_THAT(Must(Read("\"a\\,b\",\"c\\\\d\",e\"f,\"g\"h\n")),
              ElementsAre("[a\\,b, c\\d, e\"f, \"g\"h]"));
  EXPECT_THAT(Must(Read("\"abc\"def,2\n\"abc,3\n4,5\n")),
              ElementsAre("[\"abc\"def, 2]", "[abc,3, null]", "[4, 5]"));
  EXPECT_THAT(Must(Read("\"a\",b\n", {{"quote", ""}})), ElementsAre("[\"a\", b]"));
  EXPECT_THAT(Must(Read("a,b\r\n1,2\r\n", header)), ElementsAre("[1, 2]"));
  EXPECT_THAT(Must(Read("1,2\n3,4")), ElementsAre("[1, 2]", "[3, 4]"));
}

TEST_F(CsvFormatTest, SeparatorsCommentsAndBlanks) {
  EXPECT_THAT(Must(Read("1||2\n", {{"sep", "||"}})), ElementsAre("[1, 2]"));
  EXPECT_THAT(Must(Read("1\t2\n", {{"delimiter", "\\t"}})), ElementsAre("[1, 2]"));
  EXPECT_THAT(Must(Read("#x\n1,2\n", {{"comment", "#"}})), ElementsAre("[1, 2]"));
  EXPECT_THAT(Must(Read(" 1 , 2\n", {{"ignoreLeadingWhiteSpace", "true"},
                                     {"ignoreTrailingWhiteSpace", "true"}})),
              ElementsAre("[1, 2]"));
  EXPECT_THAT(Must(Read(" 1 , 2\n", {}, "a int, b double")), ElementsAre("[null, 2.0]"));
}

TEST_F(CsvFormatTest, NullAndEmpty) {
  EXPECT_THAT(
      Must(Read("a,b\n1,\"\"\n2,NULL\n", {{"header", "true"}, {"nullValue", "NULL"}})),
      ElementsAre("[1, ]", "[2, null]"));
  EXPECT_THAT(Must(Read("a\n\n1\n\"\"\n", {}, "a int")),
              ElementsAre("[null]", "[1]", "[null]"));
}

TEST_F(CsvFormatTest, InfersTypes) {
  const OptionMap infer = {{"header", "true"}, {"inferSchema", "true"}};
  constexpr char kText[] =
      "i,l,d,f,t,dt,b,s,e,dec\n"
      "1,3000000000,1.5,1e3,2024-01-01 00:00:00,2024-01-01,true,x,,12345678901234567890\n"
      "2,1,2,3,2024-01-01T00:00:01.5,2024-01-02,False,1,,1\n";
  EXPECT_EQ(
      SchemaOf(kText, infer),
      "struct<i:int,l:bigint,d:double,f:double,t:timestamp,dt:date,b:boolean,s:string,"
      "e:string,dec:decimal(20,0)>");
  EXPECT_THAT(
      Must(Read(kText, infer)),
      ElementsAre("[1, 3000000000, 1.5, 1000.0, 2024-01-01 00:00:00, 2024-01-01, true, "
                  "x, null, 12345678901234567890]",
                  "[2, 1, 2.0, 3.0, 2024-01-01 00:00:01.5, 2024-01-02, false, 1, null, "
                  "1]"));
  EXPECT_EQ(SchemaOf("a,b,c\n1,2024-01-01,1\n1.5,2024-01-01 10:00:00,true\n", infer),
            "struct<a:double,b:timestamp,c:string>");
  EXPECT_EQ(SchemaOf("1,2\n", {}), "struct<_c0:string,_c1:string>");
  EXPECT_EQ(SchemaOf("a,a,,B,b\n1,2,3,4,5\n", {{"header", "true"}}),
            "struct<a0:string,a1:string,_c2:string,B3:string,b4:string>");
  EXPECT_EQ(SchemaOf("", {}), "struct<>");
  EXPECT_THAT(Must(Read("a,b\n", {{"header", "true"}})), IsEmpty());
  EXPECT_THAT(Must(Read("a,b\n1,2,3\n4\n", {{"header", "true"}})),
              ElementsAre("[1, 2]", "[4, null]"));
}

TEST_F(CsvFormatTest, MalformedRecords) {
  constexpr char kText[] = "1,2,3\n4\n5,6,7,8\nx,1,2\n";
  constexpr char kColumns[] = "a int, b int, c string";
  EXPECT_THAT(Must(Read(kText, {}, kColumns)),
              ElementsAre("[1, 2, 3]", "[4, null, null]", "[5, 6, 7]", "[null, 1, 2]"));
  EXPECT_THAT(Must(Read(kText, {}, std::string(kColumns) + ", _corrupt_record string")),
              ElementsAre("[1, 2, 3, null]", "[4, null, null, 4]", "[5, 6, 7, 5,6,7,8]",
                          "[null, 1, 2, x,1,2]"));
  EXPECT_THAT(Must(Read(kText, {{"mode", "DROPMALFORMED"}}, kColumns)),
              ElementsAre("[1, 2, 3]"));
  // Only what is read can be malformed.
  EXPECT_THAT(Must(Read(kText, {{"mode", "DROPMALFORMED"}}, kColumns, {{"c"}})),
              ElementsAre("[3]", "[null]", "[7]", "[2]"));
  const Status failed = Read("1,2,3\nx,5,6\n", {{"mode", "failfast"}}, kColumns).status();
  EXPECT_EQ(failed.error().error_class, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
  EXPECT_THAT(failed.error().message, HasSubstr("x,5,6"));
}

TEST_F(CsvFormatTest, Values) {
  EXPECT_THAT(
      Must(Read("true,T,yes,0\n", {}, "a boolean, b boolean, c boolean, d boolean")),
      ElementsAre("[true, null, null, null]"));
  EXPECT_THAT(Must(Read("+5,1d,NaN,Inf,-Infinity,0x10\n", {},
                        "a int, b double, c double, d double, e double, f int")),
              ElementsAre("[5, 1.0, NaN, Infinity, -Infinity, null]"));
  EXPECT_THAT(Must(Read("\"1,234.567\",1e2,abc\n", {},
                        "a decimal(10,2), b decimal(5,1), c decimal(3,1)")),
              ElementsAre("[1234.57, 100.0, null]"));
  EXPECT_THAT(Must(Read("2024-01-01T00:00:00+02:00,2024-1-1,12\n", {},
                        "a timestamp, b date, c timestamp_ntz")),
              ElementsAre("[2023-12-31 22:00:00, 2024-01-01, null]"));
  EXPECT_THAT(Must(Read("01/02/2024 10:11,03.04.2024\n",
                        {{"timestampFormat", "dd/MM/yyyy HH:mm"},
                         {"dateFormat", "dd.MM.yyyy"},
                         {"timeZone", "+01:00"}},
                        "a timestamp, b date")),
              ElementsAre("[2024-02-01 09:11:00, 2024-04-03]"));
  EXPECT_THAT(
      Must(Read("127,128,-32769,99999999999999999999,1e400,1e-400\n", {},
                "a tinyint, b tinyint, c smallint, d bigint, e double, f double")),
      ElementsAre("[127, null, null, null, Infinity, 0.0]"));
}

TEST_F(CsvFormatTest, RecordsOverSeveralLines) {
  constexpr char kText[] = "a,b\n1,\"x\ny\"\n2,z\n";
  EXPECT_THAT(Must(Read(kText, {{"header", "true"}, {"multiLine", "true"}})),
              ElementsAre("[1, x\ny]", "[2, z]"));
  EXPECT_THAT(Must(Read(kText, {{"header", "true"}})),
              ElementsAre("[1, x]", "[y\", null]", "[2, z]"));
}

TEST_F(CsvFormatTest, HeadersMayBeChecked) {
  EXPECT_THAT(Must(Read("b,a\n1,2\n", {{"header", "true"}}, "a int, b int")),
              ElementsAre("[1, 2]"));
  EXPECT_THAT(
      Read("b,a\n1,2\n", {{"header", "true"}, {"enforceSchema", "false"}}, "a int, b int")
          .status()
          .error()
          .message,
      HasSubstr("CSV header does not conform to the schema"));
}

TEST_F(CsvFormatTest, LargeFilesComeInBatches) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{},\"q\\\"{}\"\n", i, i);
  const auto rows = Must(Read(text, {}, "a int, b string"));
  ASSERT_EQ(rows.size(), 50'000u);
  EXPECT_EQ(rows[49'999], "[49999, q\"49999]");
}

TEST_F(CsvFormatTest, BlankLinesAtTheEndOfABlockHarmNothing) {
  // The reader takes blocks of a mebibyte; the rows before the blank lines must outlive
  // the next.
  std::string text = "first row of a block,1\n" + std::string((1 << 20) + 100, '\n');
  for (int i = 0; i < 1000; ++i) text += "0123456789,2\n";
  const auto rows = Must(Read(text, {}, "a string, b int"));
  ASSERT_EQ(rows.size(), 1001u);
  EXPECT_EQ(rows[0], "[first row of a block, 1]");
}

TEST_F(CsvFormatTest, RefusesNestedTypes) {
  EXPECT_EQ(Read("1\n", {}, "a array<int>").status().error().error_class,
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE");
}

}  // namespace
}  // namespace millrace::connectors::file
