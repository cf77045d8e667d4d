#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr char kColumns[] = "k string, t timestamp";

DeduplicateOptions ByKey() {
  DeduplicateOptions options;
  options.schema = Ddl(kColumns);
  options.keys = {0};
  options.streaming = true;
  return options;
}

std::vector<std::vector<Batch>> At(std::string_view json) {
  return {{Rows(kColumns, json)}};
}

TEST(Deduplicate, PassesTheFirstRowOfEachKeyForGood) {
  OperatorRunner runner(MakeDeduplicate(ByKey()));
  EXPECT_THAT(
      runner.Epoch(At(R"([["a", null], ["a", null], [null, null], [null, null]])")),
      SizeIs(2));
  EXPECT_THAT(runner.Epoch(At(R"([["a", null]])"), 100 * kSecond, 100 * kSecond),
              IsEmpty());
  EXPECT_EQ(runner.op().account().dropped_duplicate, 1);
  EXPECT_EQ(runner.op().state_progress()->operator_name, "dedupe");
}

TEST(Deduplicate, AKeyWithAnEventTimeGoesWithTheWatermark) {
  DeduplicateOptions options = ByKey();
  options.keys = {0, 1};
  options.event_time = {1, false};
  options.event_time_in_keys = true;
  OperatorRunner runner(MakeDeduplicate(options));
  runner.Epoch(At(R"([["a", "1970-01-01T00:00:10Z"], ["b", "1970-01-01T00:00:20Z"]])"));
  runner.Epoch({{}}, 0, 10 * kSecond);
  EXPECT_EQ(runner.op().state_progress()->rows_total, 1);
  EXPECT_EQ(runner.op().state_progress()->rows_removed, 1);
  EXPECT_THAT(
      runner.Epoch(At(R"([["a", "1970-01-01T00:00:10Z"]])"), 10 * kSecond, 10 * kSecond),
      IsEmpty());  // late, not new
  EXPECT_EQ(runner.op().state_progress()->rows_dropped_by_watermark, 1);
}

TEST(Deduplicate, WithinTheWatermarkAKeyLivesForTheDelay) {
  DeduplicateOptions options = ByKey();
  options.event_time = {1, false};
  options.within_watermark = true;
  options.delay = std::chrono::seconds(5);
  OperatorRunner runner(MakeDeduplicate(options));
  runner.Epoch(At(R"([["a", "1970-01-01T00:00:10Z"]])"));
  EXPECT_THAT(runner.Epoch(At(R"([["a", "1970-01-01T00:00:16Z"]])"), 0, 14 * kSecond),
              IsEmpty());
  runner.Epoch({{}}, 14 * kSecond, 15 * kSecond);
  EXPECT_EQ(runner.op().state_progress()->rows_total, 0);
  EXPECT_THAT(
      runner.Epoch(At(R"([["a", "1970-01-01T00:00:16Z"]])"), 15 * kSecond, 15 * kSecond),
      SizeIs(1));
  EXPECT_TRUE(runner.op().WantsEpoch(1, 2));
}

TEST(Deduplicate, GoesOnFromItsCheckpoint) {
  DeduplicateOptions options = ByKey();
  options.keys = {0, 1};
  options.event_time = {1, false};
  options.event_time_in_keys = true;
  OperatorRunner first(MakeDeduplicate(options));
  first.Epoch(At(R"([["a", "1970-01-01T00:00:10Z"]])"));
  auto op = MakeDeduplicate(options);
  first.CopyState(*op);
  OperatorRunner second(std::move(op));
  EXPECT_THAT(second.Epoch(At(R"([["a", "1970-01-01T00:00:10Z"]])")), IsEmpty());
  second.Epoch({{}}, 0, 10 * kSecond);
  EXPECT_EQ(second.op().state_progress()->rows_total, 0);
}

}  // namespace
}  // namespace millrace::exec
