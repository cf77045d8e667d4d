// Calls of the functions about JSON, compared with Apache Spark 4.2.0
// (testdata/json_functions.jsonl), and what binding must not do.
#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "expr/function.h"
#include "expr/json_test_documents.h"
#include "sql_expression.h"

namespace millrace::expr {
namespace {

using nlohmann::json;

data::Batch OneRow() {
  return arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 1,
                                  std::vector<data::ArrayPtr>{});
}

Result<data::ArrayPtr> Evaluate(std::string_view sql) {
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpression(sql));
  return EvaluateToArray(*expr, OneRow(), EvalContext());
}

json Found(const arrow::Array& array) {
  if (array.IsNull(0)) return json();
  if (array.type_id() != arrow::Type::LIST) {
    const std::string text = TestText(array, 0);
    return data::IsInteger(*array.type()) ? json::parse(text) : json(text);
  }
  const auto elements = static_cast<const arrow::ListArray&>(array).value_slice(0);
  json list = json::array();
  for (int64_t i = 0; i < elements->length(); ++i) list.push_back(TestText(*elements, i));
  return list;
}

TEST(JsonFunctions, MatchSpark) {
  int cases = 0;
  for (const std::string& line : TestLines("json_functions.jsonl")) {
    SCOPED_TRACE(line);
    const json c = json::parse(line);
    const Result<data::ArrayPtr> value = Evaluate(c["sql"].get<std::string>());
    ++cases;
    if (c.contains("error")) {
      ASSERT_FALSE(value.ok()) << Found(**value);
      EXPECT_THAT(value.status().ToString(), testing::HasSubstr(c["error"]));
      continue;
    }
    ASSERT_TRUE(value.ok()) << value.status().ToString();
    EXPECT_EQ(Found(**value), c["row"]);
  }
  EXPECT_GT(cases, 1200);
  RecordProperty("cases", cases);
}

TEST(JsonFunctions, FromJsonReadsColumns) {
  const std::string documents[] = {R"({"a":1,"b":"x"})", "", R"({"a":"bad"})"};
  const data::ArrayPtr column =
      TestDocuments(documents)->View(data::StringType()).ValueOrDie();
  const ExprPtr text = std::make_shared<Column>(7, "j", data::StringType(), true);
  const auto call = MakeCall("from_json", {text, MakeString("a int, b string")}, {});
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_EQ(data::SimpleTypeName(*(*call)->type()), "struct<a:int,b:string>");
  EXPECT_FALSE((*call)->can_fail());
  const AttributeId ids[] = {7};
  const auto bound = BindColumns(*call, ids);
  ASSERT_TRUE(bound.ok());
  const data::Batch batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("j", data::StringType())}), 3, {column});
  const auto value = EvaluateToArray(**bound, batch, EvalContext());
  ASSERT_TRUE(value.ok()) << value.status().ToString();
  EXPECT_EQ(TestText(**value, 0), "{1, x}");
  EXPECT_EQ(TestText(**value, 1), "NULL");
  EXPECT_EQ(TestText(**value, 2), "{null, null}");
}

TEST(JsonFunctions, OnlyFailFastCanFail) {
  const ExprPtr text = std::make_shared<Column>(7, "j", data::StringType(), true);
  const auto options = ParseExpression("map('mode', 'failfast')");
  ASSERT_TRUE(options.ok());
  const auto call = MakeCall("from_json", {text, MakeString("a int"), *options}, {});
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_TRUE((*call)->can_fail());
}

// "T12:00" depends on the day, so that such a call must wait for the batch.
TEST(JsonFunctions, TimesOfTodayAreNotFolded) {
  const auto call = ParseExpression(R"(from_json('{"t":"T12:00:00"}', 't timestamp'))");
  ASSERT_TRUE(call.ok());
  EvalContext context;
  context.now_micros = 86'400'000'000;
  const auto value = EvaluateToArray(**call, OneRow(), context);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(TestText(**value, 0), "{1970-01-02 12:00:00}");
}

}  // namespace
}  // namespace millrace::expr
