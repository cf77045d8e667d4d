// JSON and CSV files as Spark 4.2 wrote them for the same rows.
#include "connectors/file/text_writer.h"

#include <gmock/gmock.h>

#include <arrow/record_batch.h>

#include "connectors/file/file_testing.h"

namespace millrace::connectors::file {
namespace {

std::string Write(const RowFileFormat& format, const data::Batch& batch) {
  MemFileSystem fs;
  {
    const auto file = Must(fs.OpenForWrite("/f"));
    const auto writer = Must(format.open(*file, batch->schema()));
    Must(writer->Write(batch));
    Must(writer->Close());
  }
  return Must(fs.ReadFile("/f"));
}

constexpr char kColumns[] =
    "i int, n string, d double, e double, t timestamp, tn timestamp_ntz, dt date, s "
    "string, "
    "em string, dec decimal(5,2), b boolean, f float";
constexpr char kRow[] =
    R"([[1, null, 1.5, 1e10, "2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123456",
         "2024-01-01", "a\"b\\c\n\tä/", "", "1.50", true, 0.1]])";

TEST(JsonLines, AreSparks) {
  const data::Batch batch = Rows(kColumns, kRow);
  EXPECT_EQ(
      Write(Must(JsonLinesFormat(Options(), "America/New_York")), batch),
      R"({"i":1,"d":1.5,"e":1.0E10,"t":"2023-12-31T19:00:00.123-05:00",)"
      R"("tn":"2024-01-01T00:00:00.123","dt":"2024-01-01","s":"a\"b\\c\n\tä/","em":"",)"
      R"("dec":1.50,"b":true,"f":0.1})"
      "\n");
}

TEST(JsonLines, NestedValuesAndNulls) {
  const data::Batch batch =
      Rows("a array<int>, m map<string,int>, st struct<x:int,y:int>, bin binary",
           R"([[[1, null], [["k", 2]], [null, null], "ab"], [null, null, null, null]])");
  EXPECT_EQ(Write(Must(JsonLinesFormat(Options(), "UTC")), batch),
            R"({"a":[1,null],"m":{"k":2},"st":{},"bin":"YWI="})"
            "\n{}\n");
  EXPECT_EQ(Write(Must(JsonLinesFormat(Options(OptionMap{{"ignoreNullFields", "false"}}),
                                       "UTC")),
                  batch),
            R"({"a":[1,null],"m":{"k":2},"st":{"x":null,"y":null},"bin":"YWI="})"
            "\n"
            R"({"a":null,"m":null,"st":null,"bin":null})"
            "\n");
}

TEST(CsvLines, AreSparks) {
  EXPECT_EQ(
      Write(Must(CsvLinesFormat(Options(OptionMap{{"header", "true"}}),
                                "America/New_York")),
            Rows(kColumns, kRow)),
      "i,n,d,e,t,tn,dt,s,em,dec,b,f\n"
      "1,,1.5,1.0E10,2023-12-31T19:00:00.123-05:00,2024-01-01T00:00:00.123,2024-01-01,"
      "\"a\\\"b\\\\c\n\tä/\",\"\",1.50,true,0.1\n");
  EXPECT_EQ(
      Write(Must(CsvLinesFormat(Options(), "UTC")),
            Rows("a string, b string, c string, d string, e string, f string, g string",
                 R"([[" x ", "a,b", "q\"q", "e\\e", "", null, "\"q\""]])")),
      "x,\"a,b\",\"q\\\"q\",e\\e,\"\",,\"\\\"q\\\"\"\n");
}

TEST(CsvLines, ReadBack) {
  const data::Batch batch = Rows("a string, n bigint", R"([["x,\"y\"", 1], ["\\", 2]])");
  MemFileSystem fs;
  WriteText(fs, "/d/a.csv", Write(Must(CsvLinesFormat(Options(), "UTC")), batch));
  EXPECT_EQ(
      Must(ReadBatch(*MakeCsvProvider(), fs, "/d", {.schema = "a string, n bigint"})),
      RowTexts(batch));
}

TEST(CsvLines, RefuseNestedColumns) {
  EXPECT_FALSE(CheckCsvSchema(Ddl("a array<int>")).ok());
  EXPECT_FALSE(CheckCsvSchema(Ddl("a binary")).ok());
  EXPECT_TRUE(CheckCsvSchema(Ddl("a int, b string")).ok());
}

}  // namespace
}  // namespace millrace::connectors::file
