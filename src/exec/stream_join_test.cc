#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include "exec/join.h"
#include "exec/operator_testing.h"
#include "expr/function.h"

namespace millrace::exec {
namespace {

using plan::JoinType;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kColumns[] = "k string, t timestamp";

// l.k = r.k and r.t >= l.t and r.t <= l.t + 5 seconds, both with a watermark.
StreamJoinOptions Within5Seconds(JoinType type) {
  StreamJoinOptions options;
  JoinOptions& join = options.join;
  join.type = type;
  for (JoinSide& side : join.sides) {
    side.schema = Ddl(kColumns);
    side.keys = {ColumnAt(side.schema, 0)};
  }
  join.null_safe = {true};
  join.schema = join.left_only() ? Ddl(kColumns)
                                 : Ddl("k string, t timestamp, k string, t timestamp");
  const data::TypePtr time = data::TimestampType();
  const expr::ExprPtr l = std::make_shared<expr::Column>(1, "l", time, true, 0);
  const expr::ExprPtr r = std::make_shared<expr::Column>(2, "r", time, true, 1);
  auto after = expr::MakeCall(">=", {r, l}, {});
  auto elapsed = expr::MakeCall("-", {r, l}, {});
  EXPECT_TRUE(after.ok() && elapsed.ok());
  const data::TypePtr duration = arrow::duration(arrow::TimeUnit::MICRO);
  const auto five =
      std::make_shared<expr::Literal>(std::make_shared<arrow::DurationArray>(
          duration, 1, arrow::Buffer::FromVector(std::vector<int64_t>{5 * kSecond})));
  auto soon = expr::MakeCall("<=", {*elapsed, five}, {});
  EXPECT_TRUE(soon.ok());
  auto both = expr::MakeCall("and", {*after, *soon}, {});
  EXPECT_TRUE(both.ok());
  join.condition = {*both, {1}, {1}};
  options.event_time[kLeft] = options.event_time[kRight] = 1;
  options.eviction[kLeft].column = options.eviction[kRight].column = 1;
  options.eviction[kLeft].bounds = {{-5 * kSecond, true}};
  options.eviction[kRight].bounds = {{0, true}};
  return options;
}

std::vector<Batch> At(std::string_view json) { return {Rows(kColumns, json)}; }

std::vector<std::string> Times(std::vector<std::string> rows) {
  for (std::string& row : rows) {
    for (size_t at; (at = row.find("1970-01-01 00:")) != std::string::npos;)
      row.erase(at, 14);
    for (size_t at; (at = row.find(".000000")) != std::string::npos;) row.erase(at, 7);
    for (size_t at; (at = row.find("Z")) != std::string::npos;) row.erase(at, 1);
  }
  return rows;
}

TEST(StreamJoin, RowsMeetWhateverEpochTheyComeIn) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kInner)));
  EXPECT_THAT(
      Times(runner.Epoch(
          {At(R"([["a", "1970-01-01T00:00:10Z"]])"),
           At(R"([["a", "1970-01-01T00:00:12Z"], ["a", "1970-01-01T00:00:16Z"]])")})),
      ElementsAre("a|00:10|a|00:12"));
  EXPECT_THAT(Times(runner.Epoch({At(R"([["a", "1970-01-01T00:00:11Z"]])"), {}})),
              ElementsAre("a|00:11|a|00:12", "a|00:11|a|00:16"));
  const auto progress = runner.op().state_progress();
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->operator_name, "symmetricHashJoin");
  EXPECT_EQ(progress->rows_total, 4);
  EXPECT_EQ(progress->rows_updated, 1);
}

TEST(StreamJoin, ForgetsWhatNoRowToComeCanMatch) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kInner)));
  runner.Epoch({At(R"([["a", "1970-01-01T00:00:10Z"], ["b", "1970-01-01T00:00:20Z"]])"),
                At(R"([["c", "1970-01-01T00:00:10Z"]])")});
  // Left rows may match right ones up to 5 seconds later: 10 goes when the watermark is
  // above 15.
  runner.Epoch({{}, {}}, 0, 15 * kSecond);
  EXPECT_EQ(runner.op().state_progress()->rows_total, 2);  // c went
  runner.Epoch({{}, {}}, 15 * kSecond, 15 * kSecond + 1000);
  EXPECT_EQ(runner.op().state_progress()->rows_total, 1);
  EXPECT_EQ(runner.op().state_progress()->rows_removed, 1);
  EXPECT_EQ(runner.changes(), 1);
  EXPECT_TRUE(runner.op().WantsEpoch(1, 2));
  EXPECT_FALSE(runner.op().WantsEpoch(2, 2));
  // Rows that it emits may be as old as the oldest left row that is kept.
  EXPECT_EQ(runner.op().OutputWatermark(60 * kSecond), 55 * kSecond - 1000);
}

TEST(StreamJoin, LateRowsAreDroppedAndCounted) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kInner)));
  EXPECT_THAT(runner.Epoch({At(R"([["a", "1970-01-01T00:00:10Z"]])"),
                            At(R"([["a", "1970-01-01T00:00:11Z"]])")},
                           10 * kSecond, 10 * kSecond),
              IsEmpty());
  EXPECT_EQ(runner.op().state_progress()->rows_dropped_by_watermark, 1);
}

TEST(StreamJoin, ARowWithoutMatchComesOutWhenItIsForgotten) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kFullOuter)));
  EXPECT_THAT(
      Times(runner.Epoch(
          {At(R"([["a", "1970-01-01T00:00:10Z"], ["b", "1970-01-01T00:00:10Z"], [null, "1970-01-01T00:00:10Z"]])"),
           At(R"([["a", "1970-01-01T00:00:11Z"], ["c", "1970-01-01T00:00:12Z"]])")})),
      ElementsAre("a|00:10|a|00:11"));
  EXPECT_THAT(Times(runner.Epoch({{}, {}}, 0, 20 * kSecond)),
              testing::UnorderedElementsAre("b|00:10|null|null", "null|00:10|null|null",
                                            "null|null|c|00:12"));
  EXPECT_EQ(runner.op().state_progress()->rows_total, 0);
}

TEST(StreamJoin, NullMeetsNullWherePlansLeaveIt) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kFullOuter)));
  EXPECT_THAT(Times(runner.Epoch({At(R"([[null, "1970-01-01T00:00:10Z"]])"),
                                  At(R"([[null, "1970-01-01T00:00:11Z"]])")})),
              ElementsAre("null|00:10|null|00:11"));
}

TEST(StreamJoin, SemiGivesEachLeftRowOnceAndForgetsIt) {
  OperatorRunner runner(MakeStreamJoin(Within5Seconds(JoinType::kLeftSemi)));
  EXPECT_THAT(
      Times(runner.Epoch(
          {At(R"([["a", "1970-01-01T00:00:10Z"], ["b", "1970-01-01T00:00:10Z"]])"),
           At(R"([["a", "1970-01-01T00:00:11Z"], ["a", "1970-01-01T00:00:12Z"]])")})),
      ElementsAre("a|00:10"));
  EXPECT_EQ(runner.op().state_progress()->rows_total, 3);  // b, and both right rows
  EXPECT_THAT(
      Times(runner.Epoch(
          {{}, At(R"([["b", "1970-01-01T00:00:11Z"], ["b", "1970-01-01T00:00:12Z"]])")})),
      ElementsAre("b|00:10"));
  EXPECT_EQ(runner.op().state_progress()->rows_removed, 1);
  EXPECT_THAT(runner.Epoch({{}, At(R"([["b", "1970-01-01T00:00:13Z"]])")}), IsEmpty());
}

// What the checkpoint gives back after each epoch makes an operator that goes on the
// same.
TEST(StreamJoin, GoesOnFromItsCheckpoint) {
  const std::vector<std::vector<std::vector<Batch>>> epochs = {
      {At(R"([["a", "1970-01-01T00:00:10Z"], ["b", "1970-01-01T00:00:11Z"]])"),
       At(R"([["a", "1970-01-01T00:00:12Z"], ["x", "1970-01-01T00:00:12Z"]])")},
      {At(R"([["x", "1970-01-01T00:00:11Z"]])"),
       At(R"([["b", "1970-01-01T00:00:13Z"]])")},
      {{}, {}},
      {At(R"([["a", "1970-01-01T00:00:40Z"]])"),
       At(R"([["a", "1970-01-01T00:00:40Z"]])")},
  };
  const Watermark watermarks[] = {0, 2 * kSecond, 30 * kSecond, 30 * kSecond};
  for (const JoinType type :
       {JoinType::kInner, JoinType::kFullOuter, JoinType::kLeftSemi}) {
    OperatorRunner steady(MakeStreamJoin(Within5Seconds(type)));
    for (size_t epoch = 0; epoch < epochs.size(); ++epoch) {
      SCOPED_TRACE(epoch);
      auto op = MakeStreamJoin(Within5Seconds(type));
      if (epoch > 0) steady.CopyState(*op);
      OperatorRunner restarted(std::move(op));
      EXPECT_THAT(restarted.Epoch(epochs[epoch], 0, watermarks[epoch]),
                  testing::UnorderedElementsAreArray(
                      steady.Epoch(epochs[epoch], 0, watermarks[epoch])));
      EXPECT_EQ(restarted.op().state_progress()->rows_total,
                steady.op().state_progress()->rows_total);
      EXPECT_EQ(restarted.changes(), steady.changes());
    }
  }
}

}  // namespace
}  // namespace millrace::exec
