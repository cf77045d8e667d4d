// Operators that look at one row after the other: window, watermark, filter, limit, sort,
// union.
#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "exec/operators.h"
#include "exec/watermark.h"
#include "expr/function.h"

namespace millrace::exec {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kColumns[] = "t timestamp, v int";

std::vector<std::vector<Batch>> At(std::string_view json) {
  return {{Rows(kColumns, json)}};
}

std::vector<std::string> Values(std::vector<std::string> rows) {
  for (std::string& row : rows) row.erase(0, row.find('|') + 1);
  return rows;
}

WindowOptions Windows(seconds width, seconds slide) {
  WindowOptions options;
  options.schema =
      Ddl("t timestamp, v int, window struct<start: timestamp, end: timestamp>");
  options.time = ColumnAt(Ddl(kColumns), 0);
  options.width = width;
  options.slide = slide;
  return options;
}

TEST(Window, ARowIsInOneTumblingWindow) {
  OperatorRunner runner(MakeWindow(Windows(seconds(5), seconds(5))));
  const auto rows = runner.Epoch(At(R"([["1970-01-01T00:00:04.999999Z", 1],
                                        ["1970-01-01T00:00:05Z", 2], [null, 3]])"));
  ASSERT_THAT(rows, testing::SizeIs(2));
  EXPECT_THAT(rows[0], testing::HasSubstr("1970-01-01 00:00:00"));
  EXPECT_THAT(rows[1], testing::HasSubstr("1970-01-01 00:00:10"));
  EXPECT_EQ(runner.op().account().dropped_null_time, 1);
}

TEST(Window, ARowIsInEverySlidingWindowThatHoldsIt) {
  OperatorRunner runner(MakeWindow(Windows(seconds(10), seconds(5))));
  EXPECT_THAT(
      runner.Epoch(At(R"([["1970-01-01T00:00:07Z", 1], ["1969-12-31T23:59:59Z", 2]])")),
      testing::SizeIs(4));
  EXPECT_EQ(runner.op().account().expanded, 2);
}

TEST(EventTimeWatermark, WatchesTimesAndPassesRowsOn) {
  EventTimeStats* stats = nullptr;
  OperatorRunner runner(MakeEventTimeWatermark(0, seconds(10), &stats));
  EXPECT_THAT(Values(runner.Epoch(At(R"([["1970-01-01T00:00:07Z", 1], [null, 2],
                                         ["1970-01-01T00:00:03Z", 3]])"))),
              ElementsAre("1", "2", "3"));
  EXPECT_EQ(stats->epoch_times().max, 7 * kSecond);
  EXPECT_EQ(stats->epoch_times().min, 3 * kSecond);
  EXPECT_EQ(stats->epoch_times().count, 2);
  runner.Epoch({{}});
  EXPECT_EQ(stats->epoch_times().count, 0);
}

TEST(Filter, KeepsRowsForWhichTheConditionIsTrue) {
  auto condition =
      expr::MakeCall(">", {ColumnAt(Ddl(kColumns), 1), expr::MakeInt(1)}, {});
  ASSERT_TRUE(condition.ok());
  OperatorRunner runner(MakeFilter(*condition));
  EXPECT_THAT(Values(runner.Epoch(At(R"([[null, 1], [null, 2], [null, null]])"))),
              ElementsAre("2"));
  EXPECT_EQ(runner.op().account().dropped_filter, 2);
}

TEST(Limit, CountsRowsOfTheWholeStreamOrOfEachEpoch) {
  for (const bool across : {true, false}) {
    OperatorRunner runner(MakeLimit(3, across));
    EXPECT_THAT(Values(runner.Epoch(At("[[null, 1], [null, 2]]"))),
                ElementsAre("1", "2"));
    EXPECT_THAT(runner.Epoch(At("[[null, 3], [null, 4]]")),
                testing::SizeIs(across ? 1 : 2));
    auto op = MakeLimit(3, across);
    runner.CopyState(*op);
    OperatorRunner restarted(std::move(op));
    EXPECT_THAT(restarted.Epoch(At("[[null, 5]]")), testing::SizeIs(across ? 0 : 1));
  }
}

TEST(Offset, DropsTheFirstRowsOfAnEpoch) {
  OperatorRunner runner(MakeOffset(3));
  EXPECT_THAT(Values(runner.Epoch({{Rows(kColumns, "[[null, 1], [null, 2]]"),
                                    Rows(kColumns, "[[null, 3], [null, 4]]")}})),
              ElementsAre("4"));
}

TEST(Sort, OrdersAnEpochStablyWithNullsWhereTheyBelong) {
  const data::SchemaPtr schema = Ddl("k int, v int");
  const auto sorted = [&](bool descending, bool nulls_first) {
    OperatorRunner runner(MakeSort({{ColumnAt(schema, 0), descending, nulls_first}}));
    return runner.Epoch({{Rows("k int, v int", "[[2, 1], [null, 2], [1, 3]]"),
                          Rows("k int, v int", "[[2, 4], [1, 5]]")}});
  };
  EXPECT_THAT(sorted(false, true), ElementsAre("null|2", "1|3", "1|5", "2|1", "2|4"));
  EXPECT_THAT(sorted(true, false), ElementsAre("2|1", "2|4", "1|3", "1|5", "null|2"));
}

TEST(Union, PassesTheRowsOfAllInputsOnUnderItsColumns) {
  OperatorRunner runner(MakeUnion(Ddl("a timestamp, b int")));
  EXPECT_THAT(Values(runner.Epoch({{Rows(kColumns, "[[null, 1]]")},
                                   {Rows("x timestamp, y int", "[[null, 2]]")}})),
              ElementsAre("1", "2"));
}

}  // namespace
}  // namespace millrace::exec
