// Every function's example is true.
#include <set>
#include <string>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "expr/cast.h"
#include "expr/function.h"
#include "sql_expression.h"

namespace millrace::expr {
namespace {

std::string Evaluated(std::string_view sql) {
  Result<ExprPtr> expr = ParseExpression(sql);
  if (!expr.ok()) return expr.status().ToString();
  Result<ExprPtr> text = MakeCast(*expr, data::StringType());
  if (!text.ok()) return text.status().ToString();
  text = BindColumns(*text, {});  // parameters of lambdas
  if (!text.ok()) return text.status().ToString();
  const data::Batch row = arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 1,
                                                   std::vector<data::ArrayPtr>{});
  Result<data::ArrayPtr> array = EvaluateToArray(**text, row, EvalContext());
  if (!array.ok()) return array.status().ToString();
  if ((*array)->IsNull(0)) return "NULL";
  return std::string(static_cast<const arrow::StringViewArray&>(**array).GetView(0));
}

TEST(FunctionExamples, AreTrue) {
  for (const FunctionSpec* spec : AllFunctions()) {
    const std::string_view example = spec->example;
    constexpr std::string_view kArrow = " → ";
    const size_t arrow = example.find(kArrow);
    if (example.empty()) {
      // Only what is never the same twice may do without.
      Result<ExprPtr> call = ParseExpression(std::string(spec->name) + "()");
      ASSERT_TRUE(call.ok()) << spec->name << ": " << call.status().ToString();
      EXPECT_FALSE((*call)->deterministic()) << spec->name;
      continue;
    }
    ASSERT_NE(arrow, std::string_view::npos) << example;
    EXPECT_NE(example.find(spec->name), std::string_view::npos) << example;
    EXPECT_EQ(Evaluated(example.substr(0, arrow)), example.substr(arrow + kArrow.size()))
        << example;
  }
}

TEST(FunctionExamples, NamesAreUniqueAndInLowerCase) {
  std::set<std::string_view> names;
  for (const FunctionSpec* spec : AllFunctions()) {
    EXPECT_TRUE(names.insert(spec->name).second) << spec->name;
    for (const char c : spec->name) EXPECT_FALSE(c >= 'A' && c <= 'Z') << spec->name;
    EXPECT_FALSE(spec->doc.empty()) << spec->name;
  }
}

}  // namespace
}  // namespace millrace::expr
