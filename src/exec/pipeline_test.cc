#include "exec/pipeline.h"

#include <arrow/type.h>

#include "exec/operator_testing.h"
#include "expr/function.h"

namespace millrace::exec {
namespace {

using plan::PlanPtr;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

plan::Attribute Named(const std::string& name, const data::TypePtr& type) {
  plan::Attribute attribute;
  attribute.id = plan::NewAttributeId();
  attribute.name = name;
  attribute.type = type;
  return attribute;
}

PlanPtr Scan(const std::string& name, bool streaming = false) {
  plan::Scan scan;
  scan.name = name;
  return plan::MakePlan(std::move(scan), {}, {Named(name, data::IntType())}, streaming);
}

PlanPtr Local(std::string_view json) {
  return plan::MakePlan(plan::LocalRelation{{Rows("w int", json)}}, {},
                        {Named("w", data::IntType())});
}

PlanPtr Join(const PlanPtr& left, const PlanPtr& right, plan::JoinType type) {
  plan::Join join;
  join.type = type;
  join.left_keys = {left->output[0].ref()};
  join.right_keys = {right->output[0].ref()};
  join.null_safe = {false};
  std::vector<plan::Attribute> output = left->output;
  output.insert(output.end(), right->output.begin(), right->output.end());
  return plan::MakePlan(std::move(join), {left, right}, std::move(output));
}

std::unique_ptr<Pipeline> Make(const PlanPtr& plan, bool streaming = false) {
  auto made = Pipeline::Make(plan, {streaming, OutputMode::kAppend});
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  return *std::move(made);
}

TEST(Pipeline, AJoinReadsTheSideItHoldsFirst) {
  const PlanPtr left = Scan("a");
  const PlanPtr right = Scan("b");
  const auto inner = Make(Join(left, right, plan::JoinType::kInner));
  EXPECT_EQ(inner->scans()[0], left);  // plan order
  EXPECT_THAT(inner->read_order(), ElementsAre(1, 0));
  EXPECT_THAT(Make(Join(left, right, plan::JoinType::kRightOuter))->read_order(),
              ElementsAre(0, 1));
  // A stream streams past what is none.
  EXPECT_THAT(
      Make(Join(left, Scan("s", true), plan::JoinType::kInner), true)->read_order(),
      ElementsAre(0, 1));
}

TEST(Pipeline, RowsOfEveryLeafMeetInTheJoin) {
  // (a join local) join b: three leaves, one of them given with the plan.
  const auto pipeline =
      Make(Join(Join(Scan("a"), Local("[[1], [2]]"), plan::JoinType::kInner), Scan("b"),
                plan::JoinType::kInner));
  for (int epoch = 0; epoch < 2; ++epoch) {
    Collected out;
    ASSERT_TRUE(pipeline->BeginEpoch(Epoch(), &out).ok());
    for (const size_t scan : pipeline->read_order()) {
      ASSERT_TRUE(
          pipeline
              ->Push(scan, Rows("x int", scan == 0 ? "[[1], [2], [3]]" : "[[2], [3]]"), 0)
              .ok());
      ASSERT_TRUE(pipeline->EndScan(scan).ok());
    }
    ASSERT_TRUE(pipeline->EndEpoch().ok());
    EXPECT_THAT(out.rows, UnorderedElementsAre("2|2|2"));
    const auto account = pipeline->TakeAccount();
    ASSERT_TRUE(account.ok()) << account.status().ToString();
    EXPECT_EQ(account->rows_out, 5 + 2 + 2 + 1);  // leaves, inner join, outer join
  }
}

TEST(Pipeline, RefusesRowsOutOfOrderAndAnEpochThatEndsEarly) {
  const auto pipeline = Make(Join(Scan("a"), Scan("b"), plan::JoinType::kInner));
  Collected out;
  ASSERT_TRUE(pipeline->BeginEpoch(Epoch(), &out).ok());
  EXPECT_FALSE(pipeline->Push(0, Rows("x int", "[[1]]"), 0).ok());
  EXPECT_FALSE(pipeline->EndScan(0).ok());
  EXPECT_FALSE(pipeline->EndEpoch().ok());
}

// Join, then aggregate: what the join may still emit is older than the query's watermark.
TEST(Pipeline, EachOperatorHasTheWatermarkThatItsInputsPromise) {
  const auto timed = [](const std::string& name) {
    const PlanPtr scan =
        plan::MakePlan(plan::Scan(), {}, {Named(name, data::TimestampType())}, true);
    std::vector<plan::Attribute> output = scan->output;
    output[0].watermark_delay = std::chrono::seconds(0);
    return plan::MakePlan(plan::EventTimeWatermark{output[0].id, {}}, {scan}, output);
  };
  const PlanPtr left = timed("l");
  const PlanPtr right = timed("r");
  plan::Join join;
  auto condition = expr::MakeCall(
      "and",
      {*expr::MakeCall(">=", {right->output[0].ref(), left->output[0].ref()}, {}),
       *expr::MakeCall("<=", {right->output[0].ref(), left->output[0].ref()}, {})},
      {});
  ASSERT_TRUE(condition.ok());
  join.condition = *condition;
  std::vector<plan::Attribute> output = left->output;
  output.push_back(right->output[0]);
  const PlanPtr joined = plan::MakePlan(std::move(join), {left, right}, output);
  plan::Deduplicate dedup;
  dedup.keys = {output[0].id};
  const auto pipeline = Make(plan::MakePlan(std::move(dedup), {joined}, output), true);
  ASSERT_EQ(pipeline->state_infos().size(), 2U);
  EXPECT_EQ(pipeline->watermarks().size(), 2U);
  // The deduplication's watermark stays a millisecond behind: 0 means none for it yet.
  EXPECT_TRUE(pipeline->WantsEpoch(0, 1000));
  const auto at = [](int64_t seconds) { return seconds * kSecond; };
  const auto run = [&](Watermark watermark, std::string_view rows) {
    Collected out;
    Epoch epoch;
    epoch.late_watermark = epoch.evict_watermark = watermark;
    EXPECT_TRUE(pipeline->BeginEpoch(epoch, &out).ok());
    for (const size_t scan : pipeline->read_order()) {
      EXPECT_TRUE(pipeline->Push(scan, Rows("t timestamp", rows), 0).ok());
      EXPECT_TRUE(pipeline->EndScan(scan).ok());
    }
    EXPECT_TRUE(pipeline->EndEpoch().ok());
    return out.rows.size();
  };
  EXPECT_EQ(run(0, R"([["1970-01-01T00:00:10Z"], ["1970-01-01T00:00:11Z"]])"), 2U);
  run(at(10), "[]");
  // 10 is not above the join's own bound (the watermark less a millisecond) until it
  // moves on.
  EXPECT_EQ(pipeline->state_progress()[0].rows_total, 2);
  run(at(10) + 1000, "[]");
  EXPECT_EQ(pipeline->state_progress()[0].rows_total, 1);
}

}  // namespace
}  // namespace millrace::exec
