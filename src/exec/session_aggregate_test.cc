#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kColumns[] =
    "session_window struct<start: timestamp, end: timestamp>, k string, v int";

std::unique_ptr<Operator> Sessions(OutputMode mode, bool streaming = true) {
  const data::SchemaPtr input = Ddl(kColumns);
  AggregateOptions options;
  options.schema =
      Ddl("session_window struct<start: timestamp, end: timestamp>, k string, n bigint, "
          "l int");
  options.keys = {ColumnAt(input, 0), ColumnAt(input, 1)};
  for (const char* name : {"count", "max"}) {
    auto call = expr::BindAggregate(name, {ColumnAt(input, 2)}, {});
    EXPECT_TRUE(call.ok());
    options.calls.push_back(*call);
  }
  options.event_time = {0, true};
  options.streaming = streaming;
  options.mode = mode;
  return MakeSessionAggregate(std::move(options), 0);
}

// Rows "key second", each a session of five seconds; the value is the second.
std::vector<std::vector<Batch>> At(std::vector<std::pair<std::string, int>> rows) {
  std::string json = "[";
  for (const auto& [key, second] : rows) {
    if (json.size() > 1) json += ",";
    const auto time = [](int at) {
      return "\"1970-01-01T00:00:" + std::string(at < 10 ? "0" : "") +
             std::to_string(at) + "Z\"";
    };
    json += "[[" + time(second) + "," + time(second + 5) + "],\"" + key + "\"," +
            std::to_string(second) + "]";
  }
  return {{Rows(kColumns, json + "]")}};
}

// "key count [values]", without the window.
std::vector<std::string> Short(std::vector<std::string> rows) {
  for (std::string& row : rows) row.erase(0, row.find("}|") + 2);
  return rows;
}

TEST(SessionAggregate, WindowsThatTouchBecomeOne) {
  OperatorRunner runner(Sessions(OutputMode::kAppend, false));
  // 10 and 15 touch; 21 begins anew; b is another group.
  EXPECT_THAT(Short(runner.Epoch(At({{"a", 15}, {"a", 10}, {"a", 21}, {"b", 12}}))),
              UnorderedElementsAre(testing::HasSubstr("a|2|"), testing::HasSubstr("a|1|"),
                                   testing::HasSubstr("b|1|")));
}

TEST(SessionAggregate, ARowMayJoinTwoSessionsOfEarlierEpochs) {
  OperatorRunner runner(Sessions(OutputMode::kComplete));
  EXPECT_THAT(runner.Epoch(At({{"a", 10}, {"a", 20}})), testing::SizeIs(2));
  const auto rows = runner.Epoch(At({{"a", 15}}));
  ASSERT_THAT(rows, testing::SizeIs(1));
  EXPECT_THAT(rows[0], testing::HasSubstr("a|3|"));
  const auto progress = runner.op().state_progress();
  EXPECT_EQ(progress->rows_total, 1);
  EXPECT_EQ(progress->rows_updated, 1);
  EXPECT_EQ(progress->rows_removed, 1);
}

TEST(SessionAggregate, AppendEmitsASessionWhenTheWatermarkPassesItsEnd) {
  OperatorRunner runner(Sessions(OutputMode::kAppend));
  EXPECT_THAT(runner.Epoch(At({{"a", 10}})), IsEmpty());
  EXPECT_THAT(runner.Epoch(At({{"a", 14}}), 0, 15 * kSecond),
              IsEmpty());  // it grew to 19
  EXPECT_THAT(Short(runner.Epoch({{}}, 15 * kSecond, 19 * kSecond)),
              ElementsAre(testing::HasSubstr("a|2|")));
  EXPECT_EQ(runner.op().state_progress()->rows_total, 0);
  EXPECT_EQ(runner.op().state_progress()->rows_removed, 1);
  // A row whose own session has ended is late.
  EXPECT_THAT(runner.Epoch(At({{"a", 13}}), 19 * kSecond, 19 * kSecond), IsEmpty());
  EXPECT_EQ(runner.op().state_progress()->rows_dropped_by_watermark, 1);
}

TEST(SessionAggregate, GoesOnFromItsCheckpoint) {
  OperatorRunner first(Sessions(OutputMode::kAppend));
  first.Epoch(At({{"a", 10}, {"a", 20}, {"b", 11}}));
  auto op = Sessions(OutputMode::kAppend);
  first.CopyState(*op);
  OperatorRunner second(std::move(op));
  second.Epoch(At({{"a", 15}}));
  EXPECT_EQ(second.op().state_progress()->rows_total, 2);
  EXPECT_THAT(
      Short(second.Epoch({{}}, 0, 25 * kSecond)),
      UnorderedElementsAre(testing::HasSubstr("a|3|"), testing::HasSubstr("b|1|")));
}

}  // namespace
}  // namespace millrace::exec
