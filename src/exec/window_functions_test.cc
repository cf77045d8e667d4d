#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

using plan::WindowCall;
using plan::WindowFrame;
using testing::ElementsAre;

constexpr char kColumns[] = "g string, v int";

WindowCall Call(WindowCall::Kind kind, const data::TypePtr& type, int64_t number = 0) {
  WindowCall call;
  call.kind = kind;
  call.number = number;
  call.attribute.type = type;
  call.args = {ColumnAt(Ddl(kColumns), 1)};
  return call;
}

WindowCall Sum(WindowFrame frame) {
  WindowCall call = Call(WindowCall::Kind::kAggregate, data::LongType());
  auto bound = expr::BindAggregate("sum", {ColumnAt(Ddl(kColumns), 1)}, {});
  EXPECT_TRUE(bound.ok());
  call.aggregate = *bound;
  call.frame = frame;
  return call;
}

// Partition g, order v: a has 1, 2, 2, 5 and b has 7.
std::vector<std::string> Computed(WindowCall call) {
  WindowFunctionsOptions options;
  const data::SchemaPtr input = Ddl(kColumns);
  options.schema = arrow::schema(
      {input->field(0), input->field(1), arrow::field("r", call.attribute.type)});
  options.partition = {ColumnAt(input, 0)};
  options.order = {{ColumnAt(input, 1), false, true}};
  options.calls = {std::move(call)};
  OperatorRunner runner(MakeWindowFunctions(std::move(options)));
  std::vector<std::string> rows =
      runner.Epoch({{Rows(kColumns, R"([["a", 2], ["a", 5], ["b", 7]])"),
                     Rows(kColumns, R"([["a", 1], ["a", 2]])")}});
  for (std::string& row : rows) row.erase(0, row.rfind('|') + 1);
  return rows;
}

TEST(WindowFunctions, NumberTheRowsOfEachPartition) {
  using Kind = WindowCall::Kind;
  const data::TypePtr number = data::IntType();
  EXPECT_THAT(Computed(Call(Kind::kRowNumber, number)),
              ElementsAre("1", "2", "3", "4", "1"));
  EXPECT_THAT(Computed(Call(Kind::kRank, number)), ElementsAre("1", "2", "2", "4", "1"));
  EXPECT_THAT(Computed(Call(Kind::kDenseRank, number)),
              ElementsAre("1", "2", "2", "3", "1"));
  EXPECT_THAT(Computed(Call(Kind::kNtile, number, 3)),
              ElementsAre("1", "1", "2", "3", "1"));
  EXPECT_THAT(Computed(Call(Kind::kCumeDist, data::DoubleType())),
              ElementsAre("0.25", "0.75", "0.75", "1", "1"));
}

TEST(WindowFunctions, LookBeforeAndAfterARowOfItsPartition) {
  using Kind = WindowCall::Kind;
  EXPECT_THAT(Computed(Call(Kind::kOffset, data::IntType(), -1)),
              ElementsAre("null", "1", "2", "2", "null"));
  EXPECT_THAT(Computed(Call(Kind::kOffset, data::IntType(), 2)),
              ElementsAre("2", "5", "null", "null", "null"));
  WindowCall with_default = Call(Kind::kOffset, data::IntType(), 1);
  with_default.args.push_back(expr::MakeInt(-1));
  EXPECT_THAT(Computed(with_default), ElementsAre("2", "2", "5", "-1", "-1"));
  EXPECT_THAT(Computed(Call(Kind::kNthValue, data::IntType(), 2)),
              ElementsAre("2", "2", "2", "2", "null"));
}

TEST(WindowFunctions, AggregatesLookAtTheirFrame) {
  EXPECT_THAT(Computed(Sum({})), ElementsAre("10", "10", "10", "10", "7"));
  EXPECT_THAT(Computed(Sum({false, std::nullopt, 0})),
              ElementsAre("1", "5", "5", "10", "7"));  // peers
  EXPECT_THAT(Computed(Sum({true, std::nullopt, 0})),
              ElementsAre("1", "3", "5", "10", "7"));
  EXPECT_THAT(Computed(Sum({true, 0, std::nullopt})),
              ElementsAre("10", "9", "7", "5", "7"));
  EXPECT_THAT(Computed(Sum({true, -1, 1})), ElementsAre("3", "5", "9", "7", "7"));
  EXPECT_THAT(Computed(Sum({true, 1, 1})), ElementsAre("2", "2", "5", "null", "null"));
  EXPECT_THAT(Computed(Sum({true, std::nullopt, -2})),
              ElementsAre("null", "null", "1", "3", "null"));
}

TEST(Expand, RepeatsEachRowPerGroupingSet) {
  ExpandOptions options;
  options.schema = Ddl("g string, v int, kg string, kv int, id bigint");
  options.keys = {ColumnAt(Ddl(kColumns), 0), ColumnAt(Ddl(kColumns), 1)};
  options.left_out = {0, 1, 3};
  OperatorRunner runner(MakeExpand(std::move(options)));
  EXPECT_THAT(runner.Epoch({{Rows(kColumns, R"([["a", 1]])")}}),
              ElementsAre("a|1|a|1|0", "a|1|a|null|1", "a|1|null|null|3"));
  EXPECT_EQ(runner.op().account().expanded, 2);
}

std::vector<std::string> Generated(const std::string& input, const std::string& output,
                                   GenerateOptions options, const std::string& rows) {
  options.schema = Ddl(output);
  options.elements = ColumnAt(Ddl(input), 1);
  OperatorRunner runner(MakeGenerate(std::move(options)));
  return runner.Epoch({{Rows(input, rows)}});
}

TEST(Generate, RepeatsEachRowPerElement) {
  const std::string input = "k int, xs array<string>";
  const std::string rows = R"([[1, ["a", null]], [2, []], [3, null], [4, ["b"]]])";
  EXPECT_THAT(Generated(input, input + ", col string", {}, rows),
              ElementsAre(testing::EndsWith("|a"), testing::EndsWith("|null"),
                          testing::EndsWith("|b")));
  GenerateOptions outer;
  outer.outer = outer.with_position = true;
  EXPECT_THAT(Generated(input, input + ", pos int, col string", std::move(outer), rows),
              ElementsAre(testing::EndsWith("|0|a"), testing::EndsWith("|1|null"),
                          testing::EndsWith("|null|null"),
                          testing::EndsWith("|null|null"), testing::EndsWith("|0|b")));
}

TEST(Generate, TakesFieldsApart) {
  const std::string input = "k int, xs array<struct<a: int, b: string>>";
  GenerateOptions options;
  options.fields = true;
  EXPECT_THAT(Generated(input, input + ", a int, b string", std::move(options),
                        R"([[1, [[7, "x"], null]]])"),
              ElementsAre(testing::EndsWith("|7|x"), testing::EndsWith("|null|null")));
}

TEST(MultisetOperation, CountsHowOftenARowIsThere) {
  const std::vector<std::vector<Batch>> inputs = {
      {Rows("v int", "[[1], [1], [1], [null], [2]]")},
      {Rows("v int", "[[1], [1], [null], [3]]")}};
  OperatorRunner both(MakeIntersectAll());
  EXPECT_THAT(both.Epoch(inputs), ElementsAre("1", "1", "null"));
  OperatorRunner rest(MakeExceptAll());
  EXPECT_THAT(rest.Epoch(inputs), ElementsAre("1", "2"));
  EXPECT_THAT(rest.Epoch({{Rows("v int", "[[1]]")}, {}}),
              ElementsAre("1"));  // a new epoch
}

TEST(Tail, PassesTheLastRowsOn) {
  for (const auto& [count, expected] :
       std::vector<std::pair<int64_t, std::vector<std::string>>>{
           {0, {}}, {1, {"4"}}, {3, {"2", "3", "4"}}, {9, {"1", "2", "3", "4"}}}) {
    OperatorRunner runner(MakeTail(count));
    EXPECT_THAT(
        runner.Epoch({{Rows("v int", "[[1], [2]]"), Rows("v int", "[[3], [4]]")}}),
        testing::ElementsAreArray(expected));
  }
}

}  // namespace
}  // namespace millrace::exec
