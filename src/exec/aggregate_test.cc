#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kColumns[] = "t timestamp, v int";

// count(v) and sum(v) by t, which is an event time.
std::unique_ptr<Operator> CountAndSum(OutputMode mode, bool streaming = true,
                                      bool distinct = false) {
  const data::SchemaPtr input = Ddl(kColumns);
  AggregateOptions options;
  options.schema = Ddl("t timestamp, n bigint, s bigint");
  options.keys = {ColumnAt(input, 0)};
  for (const char* name : {"count", "sum"}) {
    auto call = expr::BindAggregate(name, {ColumnAt(input, 1)}, {});
    EXPECT_TRUE(call.ok());
    options.calls.push_back(*call);
    options.distinct.push_back(distinct);
  }
  options.event_time = {0, false};
  options.streaming = streaming;
  options.mode = mode;
  return MakeAggregate(std::move(options));
}

std::vector<std::vector<Batch>> At(std::string_view json) {
  return {{Rows(kColumns, json)}};
}

// Only what is beyond the time: "n|s".
std::vector<std::string> Results(std::vector<std::string> rows) {
  for (std::string& row : rows) row.erase(0, row.find('|') + 1);
  return rows;
}

TEST(Aggregate, ABatchQueryEmitsAllGroupsAtItsEnd) {
  OperatorRunner runner(CountAndSum(OutputMode::kAppend, false));
  EXPECT_THAT(Results(runner.Epoch(
                  At(R"([["1970-01-01T00:00:01Z", 1], ["1970-01-01T00:00:01Z", 2],
                                          [null, null], [null, 5]])"))),
              UnorderedElementsAre("2|3", "1|5"));
  EXPECT_FALSE(runner.op().state_info(0).has_value());
}

TEST(Aggregate, DistinctFoldsEachValueOncePerGroup) {
  OperatorRunner runner(CountAndSum(OutputMode::kAppend, false, true));
  EXPECT_THAT(Results(runner.Epoch(
                  At(R"([["1970-01-01T00:00:01Z", 2], ["1970-01-01T00:00:01Z", 2],
                                          ["1970-01-01T00:00:02Z", 2]])"))),
              UnorderedElementsAre("1|2", "1|2"));
}

TEST(Aggregate, WithoutKeysThereIsOneRowEvenWithoutInput) {
  AggregateOptions options;
  options.schema = Ddl("n bigint");
  auto call = expr::BindAggregate("count", {expr::MakeInt(1)}, {});
  ASSERT_TRUE(call.ok());
  options.calls = {*call};
  OperatorRunner runner(MakeAggregate(std::move(options)));
  EXPECT_THAT(runner.Epoch({{}}), ElementsAre("0"));
}

TEST(Aggregate, UpdateEmitsWhatAnEpochChanged) {
  OperatorRunner runner(CountAndSum(OutputMode::kUpdate));
  runner.Epoch(At(R"([["1970-01-01T00:00:01Z", 1], ["1970-01-01T00:00:02Z", 2]])"));
  EXPECT_THAT(Results(runner.Epoch(At(R"([["1970-01-01T00:00:02Z", 5]])"))),
              ElementsAre("2|7"));
  EXPECT_EQ(runner.changes(), 1);
  EXPECT_EQ(runner.op().state_progress()->rows_total, 2);
  // The watermark passes both: they go without a word.
  EXPECT_THAT(runner.Epoch({{}}, 0, 2 * kSecond), IsEmpty());
  EXPECT_EQ(runner.op().state_progress()->rows_removed, 2);
}

TEST(Aggregate, AppendEmitsAGroupWhenTheWatermarkPassesIt) {
  OperatorRunner runner(CountAndSum(OutputMode::kAppend));
  EXPECT_THAT(
      runner.Epoch(At(R"([["1970-01-01T00:00:01Z", 1], ["1970-01-01T00:00:02Z", 2]])")),
      IsEmpty());
  EXPECT_THAT(Results(runner.Epoch({{}}, 0, kSecond)), ElementsAre("1|1"));
  EXPECT_EQ(runner.changes(), 1);  // a deletion
  EXPECT_TRUE(runner.op().WantsEpoch(kSecond, 2 * kSecond));
  EXPECT_FALSE(runner.op().WantsEpoch(kSecond, kSecond));
}

TEST(Aggregate, CompleteEmitsAllAndForgetsNothing) {
  OperatorRunner runner(CountAndSum(OutputMode::kComplete));
  runner.Epoch(At(R"([["1970-01-01T00:00:01Z", 1]])"));
  EXPECT_THAT(Results(runner.Epoch(At(R"([["1970-01-01T00:00:02Z", 2]])"), 9 * kSecond,
                                   9 * kSecond)),
              UnorderedElementsAre("1|1", "1|2"));
  EXPECT_FALSE(runner.op().WantsEpoch(1, 2));
}

TEST(Aggregate, LateRowsAreCountedByKey) {
  OperatorRunner runner(CountAndSum(OutputMode::kUpdate));
  EXPECT_THAT(Results(runner.Epoch(
                  At(R"([["1970-01-01T00:00:01Z", 1], ["1970-01-01T00:00:01Z", 2],
                                          ["1970-01-01T00:00:02Z", 3], ["1970-01-01T00:00:03Z", 4]])"),
                  2 * kSecond, 2 * kSecond)),
              ElementsAre("1|4"));
  EXPECT_EQ(runner.op().state_progress()->rows_dropped_by_watermark, 2);
  EXPECT_EQ(runner.op().account().dropped_late, 3);
}

TEST(Aggregate, GoesOnFromItsCheckpoint) {
  OperatorRunner first(CountAndSum(OutputMode::kUpdate));
  first.Epoch(At(R"([["1970-01-01T00:00:01Z", 1], ["1970-01-01T00:00:02Z", 2]])"));
  auto op = CountAndSum(OutputMode::kUpdate);
  first.CopyState(*op);
  OperatorRunner second(std::move(op));
  EXPECT_THAT(Results(second.Epoch(At(R"([["1970-01-01T00:00:02Z", 5]])"))),
              ElementsAre("2|7"));
  second.Epoch({{}}, 0, 2 * kSecond);
  EXPECT_EQ(second.op().state_progress()->rows_total, 0);  // times came back too
}

}  // namespace
}  // namespace millrace::exec
