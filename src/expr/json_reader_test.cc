#include "expr/json_reader.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "expr/json_chars.h"
#include "expr/json_number.h"
#include "expr/json_test_documents.h"
#include "expr/json_tokens.h"

namespace millrace::expr {
namespace {

const arrow::Array& Field(const arrow::Array& array, int index) {
  static std::vector<std::shared_ptr<arrow::Array>> kept;
  kept.push_back(static_cast<const arrow::StructArray&>(array).field(index));
  return *kept.back();
}

std::string_view View(const arrow::Array& array, int64_t row) {
  return static_cast<const arrow::StringViewArray&>(array).GetView(row);
}

TEST(JsonReader, LongStringsPointIntoTheDocuments) {
  const auto reader = TestReader("a string, b string");
  const std::string documents[] = {R"({"a":"longer than a view holds","b":"short"})",
                                   R"({"a":"with an \n escape: a copy","b":"q"})"};
  const data::ArrayPtr column = TestDocuments(documents);
  const auto read = (*reader)->Read(*column, 0);
  ASSERT_TRUE(read.ok());
  const std::string_view first = View(Field(**read, 0), 0);
  EXPECT_EQ(first, "longer than a view holds");
  const std::string_view document =
      static_cast<const arrow::BinaryViewArray&>(*column).GetView(0);
  EXPECT_EQ(first.data(), document.data() + 6);
  EXPECT_EQ(View(Field(**read, 0), 1), "with an \n escape: a copy");
  EXPECT_EQ(View(Field(**read, 1), 0), "short");
}

TEST(JsonReader, ResultKeepsTheDocumentsBytes) {
  const auto reader = TestReader("a string");
  data::ArrayPtr read;
  {
    const std::string documents[] = {R"({"a":"longer than a view holds"})"};
    read = *(*reader)->Read(*TestDocuments(documents), 0);
  }
  EXPECT_EQ(View(Field(*read, 0), 0), "longer than a view holds");
}

TEST(JsonReader, ResultsDoNotShareBuilders) {
  const auto reader = TestReader("a int, l array<int>");
  const std::string first[] = {R"({"a":1,"l":[1,2]})", R"({"a":2,"l":[3]})"};
  const std::string second[] = {R"({"a":7,"l":[8,9]})"};
  const auto one = (*reader)->Read(*TestDocuments(first), 0);
  const auto two = (*reader)->Read(*TestDocuments(second), 0);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(TestText(**one, 0), "{1, [1, 2]}");
  EXPECT_EQ(TestText(**one, 1), "{2, [3]}");
  EXPECT_EQ(TestText(**two, 0), "{7, [8, 9]}");
}

TEST(JsonReader, ReadsSlicesAndNulls) {
  const auto reader = TestReader("a int");
  const std::string documents[] = {R"({"a":1})", R"({"a":2})", R"({"a":3})"};
  const auto column = TestDocuments(documents)->Slice(1, 2);
  const auto read = (*reader)->Read(*column, 0);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)->length(), 2);
  EXPECT_EQ(TestText(**read, 0), "{2}");
  const auto nulls = data::Nulls(data::StringType(), 3);
  const auto none = (*reader)->Read(**nulls, 0);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ((*none)->null_count(), 3);
  const auto empty = (*reader)->Read(*column->Slice(0, 0), 0);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ((*empty)->length(), 0);
}

TEST(JsonReader, ResultTypeIsNullable) {
  const auto reader = TestReader("a int not null, b array<string>");
  const std::string documents[] = {"{}"};
  const auto read = (*reader)->Read(*TestDocuments(documents), 0);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE((*read)->type()->field(0)->nullable());
  EXPECT_EQ(TestText(**read, 0), "{null, null}");
}

// The fields of a document are looked for where the one before had them.
TEST(JsonReader, FieldsMayChangePlaces) {
  const auto reader = TestReader("a int, b string, c double");
  const std::string documents[] = {R"({"a":1,"b":"x","c":1.5})",
                                   R"({"a":2,"b":"y","c":2.5})",
                                   R"({"c":3.5,"a":3,"b":"z"})",
                                   R"({"a":4,"c":4.5})",
                                   R"({"b":"w"})",
                                   R"({ "a" : 5 , "c" : 5 })",
                                   R"({"a":6,"x":"q","b":"v"})",
                                   R"({"a":7,"x":{},"b":"u"})",
                                   R"({"a":8,"a":9})",
                                   R"({"a": 1, "b": "s", "c": -0.0})"};
  const auto read = (*reader)->Read(*TestDocuments(documents), 0);
  ASSERT_TRUE(read.ok());
  const std::vector<std::string> wanted = {
      "{1, x, 1.5}",     "{2, y, 2.5}",    "{3, z, 3.5}",  "{4, null, 4.5}",
      "{null, w, null}", "{5, null, 5.0}", "{6, v, null}", "{7, u, null}",
      "{9, null, null}", "{1, s, -0.0}"};
  for (size_t row = 0; row < wanted.size(); ++row) {
    EXPECT_EQ(TestText(**read, static_cast<int64_t>(row)), wanted[row]) << documents[row];
  }
}

// A field that comes twice is overwritten, but not by what cannot be read.
TEST(JsonReader, LastOfEqualKeysWins) {
  constexpr std::string_view kSchema =
      "s struct<x:int,y:int>, l array<int>, m map<string,int>";
  EXPECT_EQ(ReadOne(kSchema, R"({"s":{"x":1},"s":{"y":2}})"), "{{null, 2}, null, null}");
  EXPECT_EQ(ReadOne(kSchema, R"({"s":{"x":1},"s":5})"), "{{1, null}, null, null}");
  EXPECT_EQ(ReadOne(kSchema, R"({"l":[1,2],"l":[3]})"), "{null, [3], null}");
  EXPECT_EQ(ReadOne(kSchema, R"({"l":[1,2],"l":["x"]})"), "{null, [1, 2], null}");
  EXPECT_EQ(ReadOne(kSchema, R"({"m":{"a":1},"m":{"b":2}})"), "{null, null, {b -> 2}}");
}

TEST(JsonReader, CorruptColumnHoldsTheDocument) {
  constexpr std::string_view kSchema = "a int, bad string";
  const std::map<std::string, std::string> options = {
      {"columnNameOfCorruptRecord", "bad"}};
  EXPECT_EQ(ReadOne(kSchema, R"({"a":"x","bad":"not read"})", options),
            R"({null, {"a":"x","bad":"not read"}})");
  EXPECT_EQ(ReadOne(kSchema, R"({"a":1,"bad":"not read"})", options), "{1, null}");
  EXPECT_THAT(ReadOne("a int, bad int", "{}", options),
              testing::StartsWith("[INVALID_CORRUPT_RECORD_TYPE] The column `bad`"));
}

// Texts of Apache Spark 4.2.0.
TEST(JsonReader, FailFastErrors) {
  const std::map<std::string, std::string> options = {{"mode", "FAILFAST"}};
  constexpr std::string_view kMode =
      "\nParse Mode: FAILFAST. To process malformed records as null result, try setting "
      "the "
      "option 'mode' as 'PERMISSIVE'. ";
  const auto message = [&](std::string_view kind, std::string_view record,
                           std::string_view more) {
    return fmt::format(
        "[MALFORMED_RECORD_IN_PARSING.{}] Malformed records are detected in record "
        "parsing: "
        "{}.{}{} SQLSTATE: 22023",
        kind, record, kMode, more);
  };
  EXPECT_EQ(
      ReadOne("a struct<x:double>, b int", R"({"a":{"x":"it's"},"b":"z"})", options),
      message("CANNOT_PARSE_STRING_AS_DATATYPE", R"({"a":{"x":"it's"},"b":"z"})",
              "Cannot parse the value 'it\\'s' of the field `x` as target spark data "
              "type DoubleType from the input type StringType."));
  EXPECT_EQ(ReadOne("a int", "[1]", options),
            message("CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS", "[1]",
                    "Parsing JSON arrays as structs is forbidden."));
  EXPECT_EQ(
      ReadOne("a array<struct<x:int,y:string>>, d decimal(10,2), t timestamp, e date, "
              "m map<string,int>, f float, g boolean, q int",
              R"({"a":[{"x":1,"y":"k"},null],"d":1.5,"t":"2024-01-01T00:00:00",)"
              R"("e":"2024-01-01","m":{"a":1,"b":null},"f":2.5,"g":true,"q":"bad"})",
              options),
      message("WITHOUT_SUGGESTION",
              "[[[1,k],null],1.50,1704067200000000,19723,keys: [a,b], values: "
              "[1,null],2.5,true,null]",
              ""));
  EXPECT_EQ(ReadOne("array<struct<x:int>>", R"([{"x":"k"}])", options),
            message("WITHOUT_SUGGESTION", "[[[null]]]", ""));
  EXPECT_EQ(ReadOne("a int, _corrupt_record string", R"({"a":)", options),
            message("WITHOUT_SUGGESTION", R"([null,{"a":])", ""));
}

TEST(JsonReader, RefusesTypesAndOptions) {
  EXPECT_THAT(
      ReadOne("a interval day to second", "{}"),
      testing::StartsWith("[UNSUPPORTED_FEATURE] JSON cannot be read into values"));
  EXPECT_THAT(ReadOne("a map<int,int>", "{}"),
              testing::StartsWith("[DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE]"));
  EXPECT_THAT(ReadOne("int", "{}"),
              testing::StartsWith("[DATATYPE_MISMATCH.INVALID_JSON_SCHEMA]"));
  EXPECT_THAT(
      ReadOne("a int", "{}", {{"locale", "de-DE"}}),
      testing::HasSubstr("The JSON option locale is not built yet, found: de-DE"));
  EXPECT_THAT(ReadOne("a int", "{}", {{"allowComments", "perhaps"}}),
              testing::HasSubstr("allowComments"));
  EXPECT_THAT(ReadOne("a int", "{}", {{"maxNumLen", "-1"}}),
              testing::HasSubstr("maxNumLen"));
}

TEST(JsonReader, NestingIsLimited) {
  const auto nested = [](int depth) {
    return R"({"a":)" + std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']') + R"(,"b":1})";
  };
  EXPECT_THAT(ReadOne("a string, b int", nested(999)), testing::EndsWith("]]]]]], 1}"));
  EXPECT_EQ(ReadOne("b int", nested(999)), "{1}");
  EXPECT_EQ(ReadOne("b int", nested(1000)), "{null}");
  EXPECT_EQ(ReadOne("a string, b int", nested(200'000)), "{null, null}");
}

TEST(JsonReader, LongValues) {
  const std::string text(3 << 20, 'x');
  const auto reader = TestReader("a string");
  const std::string documents[] = {R"({"a":")" + text + R"("})",
                                   R"({"a":"\t)" + text + R"("})",
                                   R"({"a":[")" + text + R"("]})"};
  const auto read = (*reader)->Read(*TestDocuments(documents), 0);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(View(Field(**read, 0), 0), text);
  EXPECT_EQ(View(Field(**read, 0), 1), "\t" + text);
  EXPECT_EQ(View(Field(**read, 0), 2), "[\"" + text + "\"]");
  EXPECT_EQ(ReadOne("a string", documents[0], {{"maxStringLen", "1000"}}), "{null}");
}

TEST(JsonReader, ManyRowsOfLists) {
  const auto reader = TestReader("l array<struct<x:int,y:array<string>>>");
  std::vector<std::string> documents;
  for (int i = 0; i < 1000; ++i) {
    documents.push_back(
        fmt::format(R"({{"l":[{{"x":{0},"y":["a{0}","b"]}},null,{{"x":{0}}}]}})", i));
    documents.push_back(R"({"l":[{"x":1},5]})");
  }
  const auto read = (*reader)->Read(*TestDocuments(documents), 0);
  ASSERT_TRUE(read.ok());
  ASSERT_TRUE((*read)->ValidateFull().ok()) << (*read)->ValidateFull().ToString();
  EXPECT_EQ(TestText(**read, 1998), "{[{999, [a999, b]}, null, {999, null}]}");
  EXPECT_EQ(TestText(**read, 1999), "{null}");
}

TEST(JsonReader, LinesOfManyRows) {
  const auto reader = TestReader("a int, s string", {}, "UTC", "json");
  const std::string_view lines[] = {R"([{"a":1},{"a":2,"s":"long enough not to fit"}])",
                                    "", "[]", R"({"a":3})"};
  const auto read = (*reader)->ReadLines(lines, 0);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ((*read)->num_rows(), 3);
  EXPECT_EQ((*read)->schema()->field(1)->name(), "s");
  EXPECT_EQ(View(*(*read)->column(1), 1), "long enough not to fit");
  const auto none = (*reader)->ReadLines({}, 0);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ((*none)->num_rows(), 0);
  const auto list = TestReader("array<int>", {}, "UTC", "json");
  EXPECT_FALSE((*list)->ReadLines(lines, 0).ok());
}

TEST(JsonNumber, Doubles) {
  EXPECT_EQ(ParseJsonDouble("0.1"), 0.1);
  EXPECT_EQ(ParseJsonDouble("9007199254740993"), 9007199254740992.0);
  EXPECT_EQ(ParseJsonDouble("123456789012345678e-20"), 123456789012345678e-20);
  EXPECT_EQ(ParseJsonDouble("4.9e-324"), 4.9e-324);
  EXPECT_EQ(ParseJsonDouble("2.4e-324"), 0.0);
  EXPECT_EQ(ParseJsonDouble("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(ParseJsonDouble("-1e-400")));
  EXPECT_EQ(ParseJsonDouble("1e400"), HUGE_VAL);
  EXPECT_EQ(ParseJsonDouble("-0.001e999999999999999999"), -HUGE_VAL);
  EXPECT_EQ(ParseJsonDouble("0.0e999999999999999999"), 0.0);
  EXPECT_EQ(ParseJsonFloat("3.5e38"), HUGE_VALF);
  EXPECT_EQ(ParseJsonFloat("1e-60"), 0.0F);
  JsonNumber number;
  const std::string text = "12.50,";
  EXPECT_EQ(ScanJsonNumber(text.data(), text.data() + text.size(), &number),
            text.data() + 5);
  EXPECT_EQ(JsonNumberToDouble(number, "12.50"), 12.5);
}

TEST(JsonNumber, ScanRefusesWhatMayGoOn) {
  for (const std::string text :
       {"", "-", "01,", "1", "1.", "1.,", "1e", "1e+,", "-.5,", "x"}) {
    JsonNumber number;
    EXPECT_EQ(ScanJsonNumber(text.data(), text.data() + text.size(), &number), nullptr)
        << text;
  }
}

TEST(JsonChars, StringsEndAtQuotesBackslashesAndControls) {
  for (const char stop : {'"', '\\', '\n', '\0'}) {
    for (size_t at = 0; at < 40; ++at) {
      std::string text(40, 'a');
      text[at] = stop;
      if (at > 0) text[at - 1] = '\xC3';
      bool high = false;
      const char* const end = text.data() + text.size();
      EXPECT_EQ(FindStringEnd(text.data(), end, &high), text.data() + at);
      EXPECT_EQ(high, at > 0);
    }
  }
}

TEST(JsonTokens, NamesOfStartsAreThoseOfTheFieldOutside) {
  JsonTokens tokens{JsonSyntax()};
  tokens.Reset(R"({"a":{"b":[1]}})");
  std::vector<std::string> names;
  for (JsonToken token = tokens.Next(); token != JsonToken::kNone;
       token = tokens.Next()) {
    ASSERT_NE(token, JsonToken::kError);
    names.push_back(tokens.has_name() ? std::string(tokens.name()) : "-");
  }
  // { a { b [ 1 ] } }
  EXPECT_THAT(names, testing::ElementsAre("-", "a", "a", "b", "b", "-", "b", "a", "-"));
}

}  // namespace
}  // namespace millrace::expr
