#include "data/show.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::data {
namespace {

using Json = nlohmann::json;

Batch Rows(std::string_view ddl, std::string_view json) {
  const Result<SchemaPtr> schema = ParseDdl(ddl);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  Result<Batch> batch = BatchFromJson(*schema, json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

std::string Show(const Batch& batch, const ShowOptions& options) {
  // Two batches, so that the border between them is crossed.
  const int64_t half = batch->num_rows() / 2;
  const std::vector<Batch> parts = {batch->Slice(0, half), batch->Slice(half)};
  const Result<std::string> text = ShowString(*batch->schema(), parts, options);
  EXPECT_TRUE(text.ok()) << text.status().ToString();
  return text.ok() ? *text : "";
}

// Compares with what Spark 4.2.0 shows of the same rows under several options.
void ExpectAsSpark(std::string_view name, const Batch& batch) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/data/testdata/show_cases.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    if (json["name"] != name) continue;
    const ShowOptions options{.num_rows = json["n"],
                              .truncate = json["t"],
                              .vertical = json["v"],
                              .time_zone = "UTC"};
    EXPECT_EQ(Show(batch, options), json["text"].get<std::string>()) << line;
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

TEST(Show, EveryType) {
  ExpectAsSpark(
      "types",
      Rows(
          "i int, s string, d double, ar array<int>, mp map<string,int>, "
          "st struct<x:int,y:string>, bn binary, b boolean, dt date, ts timestamp, "
          "tn timestamp_ntz, dc decimal(10,3), f float",
          R"([[1, "a", 1.5, [1,null], {"a":1,"b":null}, [1,null], "ajZ", true, "2024-01-01",
                "2024-01-01 00:00:01.5", "2024-01-01", "1.5", 1.1],
               [null,null,null,null,null,null,null,null,null,null,null,null,null],
               [-5, "a long text of more than twenty", "NaN", [], {}, [null,"z"], "", false,
                "0001-01-01", "1960-01-01", "0001-01-01", "-0.001", "Infinity"]])"));
}

TEST(Show, TextsAreEscapedMeasuredAndCut) {
  const std::string faces = "😀😀😀😀😀😀😀😀😀😀😀😀";
  const Json rows = {{"日本語"},
                     {"tab\tnl\nx\r\f\b\v\a"},
                     {faces},
                     {"a" + faces},
                     {"한글 ｆｕｌｌ"},
                     {"é"},
                     {"12345678901234567890"},
                     {"123456789012345678901"},
                     {""}};
  ExpectAsSpark("text", Rows("`na\tme` string", rows.dump()));
}

TEST(Show, NoRows) { ExpectAsSpark("empty", Rows("id int, a_long_name string", "[]")); }

TEST(Show, NoColumns) {
  ExpectAsSpark("nocols",
                arrow::RecordBatch::Make(arrow::schema({}), 2, arrow::ArrayVector()));
}

TEST(Show, ColumnsOfOneName) { ExpectAsSpark("dups", Rows("a int, a int", "[[1,2]]")); }

TEST(Show, MoreRowsThanShown) {
  Json rows = Json::array();
  for (int i = 0; i < 30; ++i) rows.push_back({i});
  ExpectAsSpark("range", Rows("id bigint", rows.dump()));
}

TEST(Show, BytesThatAreNotUtf8) {
  const std::vector<std::string> texts = {
      "a\xFF"
      "b\xC3",
      "\xF0\x9F\x98", "\xC0\xAF", "\xED\xA0\x80", "\xE0\x80\x80\x80\xF5"};
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (size_t i = 0; i < texts.size(); ++i) {
    arrow::StringViewBuilder builder;
    ASSERT_TRUE(builder.Append(std::string_view(texts[i])).ok());
    columns.push_back(builder.Finish().ValueOrDie());
    fields.push_back(arrow::field(std::string(1, "stuwy"[i]), StringType()));
  }
  ExpectAsSpark("binstr", arrow::RecordBatch::Make(arrow::schema(fields), 1, columns));
}

TEST(Show, TimesAreLocal) {
  const Batch batch = Rows("t timestamp, n timestamp_ntz",
                           R"([["2024-07-01T00:00:00Z", "2024-07-01T00:00:00"]])");
  EXPECT_EQ(Show(batch, {.time_zone = "America/New_York"}),
            "+-------------------+-------------------+\n"
            "|                  t|                  n|\n"
            "+-------------------+-------------------+\n"
            "|2024-06-30 20:00:00|2024-07-01 00:00:00|\n"
            "+-------------------+-------------------+\n");
  EXPECT_EQ(ShowString(*batch->schema(), {}, {.time_zone = "Nowhere"})
                .status()
                .error()
                .error_class,
            "INVALID_TIMEZONE");
}

// The window column of a streaming aggregation, as the console sink prints it.
TEST(Show, WindowsUntruncated) {
  const Batch batch =
      Rows("window struct<start:timestamp,end:timestamp>, user_id string, total double",
           R"([[["2024-01-01","2024-01-01T00:05:00"], "b", 2.0]])");
  EXPECT_EQ(Show(batch, {.truncate = 0}),
            "+------------------------------------------+-------+-----+\n"
            "|window                                    |user_id|total|\n"
            "+------------------------------------------+-------+-----+\n"
            "|{2024-01-01 00:00:00, 2024-01-01 00:05:00}|b      |2.0  |\n"
            "+------------------------------------------+-------+-----+\n");
}

std::string Text(std::string_view type, std::string_view json, NullText style) {
  const Batch batch = Rows("c " + std::string(type), "[[" + std::string(json) + "]]");
  std::string text;
  AppendValue(*batch->column(0), 0, "UTC", style, &text);
  return text;
}

// Texts are those of Spark 4.2.0.
TEST(AppendValue, Nested) {
  const std::string lists = "array<struct<a:array<int>,b:map<int,array<string>>>>";
  const std::string list_json = R"([[[1,2], [[1, ["x", null]]]], null])";
  EXPECT_EQ(Text(lists, list_json, NullText::kPretty),
            "[{[1, 2], {1 -> [x, NULL]}}, NULL]");
  EXPECT_EQ(Text(lists, list_json, NullText::kCast),
            "[{[1, 2], {1 -> [x, null]}}, null]");
  EXPECT_EQ(Text("map<struct<k:int>,array<void>>", "[[[1], [null]]]", NullText::kPretty),
            "{{1} -> [NULL]}");
  const std::string row = "struct<b:binary,t:timestamp,d:decimal(3,2),n:void>";
  const std::string row_json = R"(["A", "2024-01-01", "1.5", null])";
  EXPECT_EQ(Text(row, row_json, NullText::kPretty),
            "{[41], 2024-01-01 00:00:00, 1.50, NULL}");
  EXPECT_EQ(Text(row, row_json, NullText::kCast), "{A, 2024-01-01 00:00:00, 1.50, null}");
  EXPECT_EQ(Text("array<binary>", R"(["\nA", null])", NullText::kPretty),
            "[[0A 41], NULL]");
  EXPECT_EQ(Text("array<binary>", R"(["\nA", null])", NullText::kCast), "[\nA, null]");
  EXPECT_EQ(Text("array<array<int>>", "[[]]", NullText::kPretty), "[[]]");
  EXPECT_EQ(Text("struct<>", "[]", NullText::kCast), "{}");
  EXPECT_EQ(Text("map<int,int>", "[]", NullText::kCast), "{}");
}

TEST(AppendValue, RespectsOffsets) {
  const Batch batch = Rows("a array<int>, m map<int,int>, s struct<x:int>",
                           "[[[1],[[1,2]],[1]], [[2,3],[[3,4]],[2]], [[4],[[5,6]],[3]]]");
  const Batch slice = batch->Slice(1);
  std::string text;
  for (const ArrayPtr& column : slice->columns()) {
    AppendValue(*column, 0, "UTC", NullText::kCast, &text);
    AppendValue(*column, 1, "UTC", NullText::kCast, &text);
  }
  EXPECT_EQ(text, "[2, 3][4]{3 -> 4}{5 -> 6}{2}{3}");
}

TEST(AppendValue, Decimals) {
  EXPECT_EQ(Text("decimal(10,9)", R"("0.0000001")", NullText::kCast), "0.000000100");
  EXPECT_EQ(Text("decimal(38,18)", R"("-12345678901234567890.123456789012345678")",
                 NullText::kCast),
            "-12345678901234567890.123456789012345678");
  EXPECT_EQ(Text("decimal(38,18)", R"("0")", NullText::kCast), "0.000000000000000000");
  EXPECT_EQ(Text("decimal(5,0)", R"("12")", NullText::kCast), "12");
  EXPECT_EQ(Text("decimal(10,3)", R"("-0.001")", NullText::kCast), "-0.001");
}

TEST(AppendValue, Intervals) {
  const auto day_time = [](std::string_view micros) {
    return Text("interval day to second", micros, NullText::kCast);
  };
  EXPECT_EQ(day_time("93784500000"), "INTERVAL '1 02:03:04.5' DAY TO SECOND");
  EXPECT_EQ(day_time("-93784000000"), "INTERVAL '-1 02:03:04' DAY TO SECOND");
  EXPECT_EQ(day_time("1"), "INTERVAL '0 00:00:00.000001' DAY TO SECOND");
  EXPECT_EQ(day_time("8640000000000"), "INTERVAL '100 00:00:00' DAY TO SECOND");
  EXPECT_EQ(day_time("-9223372036854775808"),
            "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND");
  EXPECT_EQ(Text("interval year to month", "14", NullText::kCast),
            "INTERVAL '1-2' YEAR TO MONTH");
  EXPECT_EQ(Text("interval year to month", "-5", NullText::kCast),
            "INTERVAL '-0-5' YEAR TO MONTH");
  EXPECT_EQ(Text("interval day", "86400000000", NullText::kCast), "INTERVAL '1' DAY");
  EXPECT_EQ(Text("interval hour", "21600000000", NullText::kCast), "INTERVAL '06' HOUR");
  EXPECT_EQ(Text("interval minute", "5400000000", NullText::kCast),
            "INTERVAL '90' MINUTE");
  EXPECT_EQ(Text("interval day to hour", "93600000000", NullText::kCast),
            "INTERVAL '1 02' DAY TO HOUR");
  EXPECT_EQ(Text("interval month", "1", NullText::kCast), "INTERVAL '1' MONTH");
  EXPECT_EQ(Text("interval year", "24", NullText::kCast), "INTERVAL '2' YEAR");
}

std::string Double(double value) {
  std::string text;
  AppendDouble(value, &text);
  return text;
}

std::string Float(float value) {
  std::string text;
  AppendFloat(value, &text);
  return text;
}

TEST(AppendDouble, AsJava) {
  EXPECT_EQ(Double(0.0), "0.0");
  EXPECT_EQ(Double(-0.0), "-0.0");
  EXPECT_EQ(Double(1.0), "1.0");
  EXPECT_EQ(Double(-1.5), "-1.5");
  EXPECT_EQ(Double(100.0), "100.0");
  EXPECT_EQ(Double(123456.789), "123456.789");
  EXPECT_EQ(Double(9999999.999), "9999999.999");
  EXPECT_EQ(Double(1e7), "1.0E7");
  EXPECT_EQ(Double(12345678.0), "1.2345678E7");
  EXPECT_EQ(Double(0.001), "0.001");
  EXPECT_EQ(Double(0.002), "0.002");
  EXPECT_EQ(Double(0.0123), "0.0123");
  EXPECT_EQ(Double(9.99e-4), "9.99E-4");
  EXPECT_EQ(Double(1e-5), "1.0E-5");
  EXPECT_EQ(Double(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Double(1e22), "1.0E22");
  EXPECT_EQ(Double(9007199254740993.0), "9.007199254740992E15");
  EXPECT_EQ(Double(1.7976931348623157e308), "1.7976931348623157E308");
  EXPECT_EQ(Double(2.2250738585072014e-308), "2.2250738585072014E-308");
  EXPECT_EQ(Double(4.9e-324), "4.9E-324");
  EXPECT_EQ(Double(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(Double(-std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(Double(std::nan("")), "NaN");
}

TEST(AppendDouble, FloatsAsJava) {
  EXPECT_EQ(Float(0.1F), "0.1");
  EXPECT_EQ(Float(123456.789F), "123456.79");
  EXPECT_EQ(Float(0.33333334F), "0.33333334");
  EXPECT_EQ(Float(1.0E10F), "1.0E10");
  EXPECT_EQ(Float(3.4028235e38F), "3.4028235E38");
  EXPECT_EQ(Float(1.4e-45F), "1.4E-45");
}

}  // namespace
}  // namespace millrace::data
