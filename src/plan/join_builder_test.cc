#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/mem_file_system.h"
#include "plan/explain.h"
#include "plan/join_watermark.h"
#include "plan/optimizer.h"
#include "plan/plan_builder.h"
#include "plan/streaming_rules.h"

namespace millrace::plan {
namespace {

using connector::OutputMode;
using testing::ElementsAre;
using testing::HasSubstr;

UnresolvedExpr Name(std::vector<std::string> parts) {
  return UnresolvedExpr::Attribute(std::move(parts));
}
UnresolvedExpr Of(int64_t plan_id, const std::string& name) {
  UnresolvedExpr attribute = Name({name});
  attribute.plan_id = plan_id;
  return attribute;
}
UnresolvedExpr Call(const std::string& name, std::vector<UnresolvedExpr> args) {
  return UnresolvedExpr::Call(name, std::move(args));
}

class JoinBuilderTest : public testing::Test {
 protected:
  // A relation as clients name it; `streaming` ones have a watermark of 10 seconds on t
  // if wanted.
  PlanPtr Relation(int64_t client_id, const std::string& alias, std::string_view ddl,
                   bool streaming = false, bool watermark = false) {
    auto schema = data::ParseDdl(ddl);
    EXPECT_TRUE(schema.ok());
    std::vector<Attribute> output;
    for (const data::FieldPtr& field : (*schema)->fields()) {
      Attribute attribute;
      attribute.id = NewAttributeId();
      attribute.name = field->name();
      attribute.type = field->type();
      attribute.nullable = field->nullable();
      output.push_back(std::move(attribute));
    }
    Node node = LocalRelation();
    if (streaming) node = Scan();
    PlanPtr plan = MakePlan(std::move(node), {}, std::move(output), streaming);
    if (watermark) plan = *builder_.WithWatermark(plan, "t", "10 seconds");
    plan = *builder_.Alias(plan, alias);
    auto known = std::make_shared<LogicalPlan>(*plan);
    known->client_ids.push_back(client_id);
    return known;
  }

  PlanPtr Joined(const PlanPtr& left, const PlanPtr& right, JoinType type,
                 std::optional<UnresolvedExpr> condition,
                 std::vector<std::string> using_columns = {}) {
    auto joined = builder_.Join(left, right, type,
                                {std::move(condition), std::move(using_columns), false});
    EXPECT_TRUE(joined.ok()) << joined.status().ToString();
    return joined.ok() ? *joined : nullptr;
  }

  static std::vector<std::string> Names(const PlanPtr& plan) {
    std::vector<std::string> names;
    for (const Attribute& attribute : plan->output) {
      names.push_back(attribute.name + (attribute.nullable ? "?" : ""));
    }
    return names;
  }

  Connectors connectors_;
  SessionConf conf_;
  MemFileSystem disk_;
  ManualClock clock_{EpochMillis(std::chrono::milliseconds(0))};
  PlanBuilder builder_{connectors_, conf_, &disk_, &clock_};
};

TEST_F(JoinBuilderTest, TakesTheConditionApart) {
  const PlanPtr left = Relation(1, "l", "k int, v int");
  const PlanPtr right = Relation(2, "r", "k int, w int");
  const UnresolvedExpr condition =
      Call("and", {Call("and", {Call("==", {Name({"r", "k"}), Name({"l", "k"})}),
                                Call("<", {Name({"v"}), Name({"w"})})}),
                   Call("isnotnull", {Name({"v"})})});
  const PlanPtr inner = Joined(left, right, JoinType::kInner, condition);
  const auto& join = std::get<Join>(inner->node);
  EXPECT_EQ(join.left_keys.size(), 1U);
  EXPECT_EQ(static_cast<const expr::Column&>(*join.left_keys[0]).id(),
            left->output[0].id);
  EXPECT_EQ(expr::CallName(*join.condition), "<");
  EXPECT_EQ(join.left_condition, nullptr);  // filters the left side before
  EXPECT_TRUE(std::holds_alternative<Filter>(inner->children[0]->node));

  const PlanPtr outer = Joined(left, right, JoinType::kLeftOuter, condition);
  EXPECT_NE(std::get<Join>(outer->node).left_condition, nullptr);
  EXPECT_FALSE(std::holds_alternative<Filter>(outer->children[0]->node));
}

TEST_F(JoinBuilderTest, NamesAndNullabilityOfTheResult) {
  const PlanPtr left = Relation(1, "l", "k int not null, v int not null");
  const PlanPtr right = Relation(2, "r", "k int not null, w int not null");
  const auto names = [&](JoinType type) {
    return Names(Joined(left, right, type, Call("==", {Of(1, "k"), Of(2, "k")})));
  };
  EXPECT_THAT(names(JoinType::kInner), ElementsAre("k", "v", "k", "w"));
  EXPECT_THAT(names(JoinType::kLeftOuter), ElementsAre("k", "v", "k?", "w?"));
  EXPECT_THAT(names(JoinType::kRightOuter), ElementsAre("k?", "v?", "k", "w"));
  EXPECT_THAT(names(JoinType::kFullOuter), ElementsAre("k?", "v?", "k?", "w?"));
  EXPECT_THAT(names(JoinType::kLeftSemi), ElementsAre("k", "v"));
  EXPECT_THAT(Names(Joined(left, right, JoinType::kFullOuter, std::nullopt, {"K"})),
              ElementsAre("k?", "v?", "w?"));
}

TEST_F(JoinBuilderTest, ARelationMayBeJoinedWithItself) {
  const PlanPtr view = Relation(1, "v", "k int, v int");
  const PlanPtr joined = Joined(view, view, JoinType::kInner, std::nullopt, {"k"});
  const auto& below = joined->children[0]->children;
  EXPECT_NE(below[0]->output[0].id, below[1]->output[0].id);
}

TEST_F(JoinBuilderTest, WrongColumnsHaveSparksErrors) {
  const PlanPtr left = Relation(1, "l", "k int, v int");
  const PlanPtr right = Relation(2, "r", "k int, w int");
  const auto error = [&](const UnresolvedExpr& condition) {
    return builder_.Join(left, right, JoinType::kInner, {condition, {}, false})
        .status()
        .ToString();
  };
  EXPECT_THAT(error(Call("==", {Name({"k"}), Name({"w"})})),
              HasSubstr("AMBIGUOUS_REFERENCE"));
  EXPECT_THAT(error(Call("==", {Of(1, "w"), Of(2, "w")})),
              HasSubstr("CANNOT_RESOLVE_DATAFRAME_COLUMN"));
  EXPECT_THAT(error(Name({"v"})), HasSubstr("JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE"));
  EXPECT_THAT(
      builder_.Join(left, right, JoinType::kInner, {std::nullopt, {"v"}, false})
          .status()
          .ToString(),
      HasSubstr("USING column `v` cannot be resolved on the right side of the join. The "
                "right-side columns: [`k`, `w`]."));
}

TEST_F(JoinBuilderTest, OptimizingKeepsWhatTheJoinReads) {
  const PlanPtr left = Relation(1, "l", "k int, v int, x int");
  const PlanPtr right = Relation(2, "r", "k int, w int, y int");
  const PlanPtr joined =
      Joined(left, right, JoinType::kInner, Call("==", {Of(1, "k"), Of(2, "k")}));
  const std::vector<UnresolvedExpr> columns = {Name({"v"})};
  const PlanPtr plan = Optimize(*builder_.Project(joined, columns));
  EXPECT_THAT(Names(plan), ElementsAre("v?"));
  EXPECT_THAT(Names(plan->children[0]->children[0]), ElementsAre("k?", "v?"));
  EXPECT_THAT(Names(plan->children[0]->children[1]), ElementsAre("k?"));
  EXPECT_THAT(TreeText(plan), HasSubstr("Join Inner, (k#"));
}

// Streams
// ------------------------------------------------------------------------------------

class StreamJoinRulesTest : public JoinBuilderTest {
 protected:
  PlanPtr Streams(JoinType type, bool left_watermark, bool right_watermark,
                  const UnresolvedExpr& condition) {
    return Joined(Relation(1, "l", "k string, t timestamp", true, left_watermark),
                  Relation(2, "r", "k string, t timestamp", true, right_watermark), type,
                  condition);
  }

  static UnresolvedExpr Keys() { return Call("==", {Of(1, "k"), Of(2, "k")}); }
  // l.k = r.k and r.t >= l.t
  static UnresolvedExpr Range() {
    return Call("and", {Keys(), Call(">=", {Of(2, "t"), Of(1, "t")})});
  }
};

TEST_F(StreamJoinRulesTest, ConditionsBoundWhatIsRemembered) {
  const PlanPtr joined = Streams(JoinType::kInner, true, true, Range());
  EXPECT_EQ(EventTimeKey(*joined), -1);
  EXPECT_TRUE(BoundsOfSide(*joined, true).bounds.empty());
  const JoinTimeBounds right = BoundsOfSide(*joined, false);
  ASSERT_EQ(right.bounds.size(), 1U);
  EXPECT_EQ(right.bounds[0].offset_micros, 0);
  EXPECT_TRUE(right.bounds[0].inclusive);
  EXPECT_EQ(*right.event_time, joined->children[1]->output[1].id);
  // Without the other side's watermark nothing is known.
  EXPECT_TRUE(BoundsOfSide(*Streams(JoinType::kInner, false, true, Range()), false)
                  .bounds.empty());
}

TEST_F(StreamJoinRulesTest, AnEventTimeKeyBoundsBothSides) {
  EXPECT_EQ(
      EventTimeKey(*Streams(JoinType::kInner, false, true,
                            Call("and", {Keys(), Call("==", {Of(1, "t"), Of(2, "t")})}))),
      1);
}

TEST_F(StreamJoinRulesTest, OuterJoinsNeedAWayToKnowThatNoMatchWillCome) {
  EXPECT_THAT(
      CheckStreaming(Streams(JoinType::kLeftOuter, true, true, Keys()),
                     OutputMode::kAppend)
          .ToString(),
      HasSubstr("Stream-stream LeftOuter join between two streaming "
                "DataFrame/Datasets is not supported without a watermark in the join "
                "keys, or a watermark on the nullable side and an appropriate range "
                "condition"));
  EXPECT_TRUE(CheckStreaming(Streams(JoinType::kRightOuter, true, true, Range()),
                             OutputMode::kAppend)
                  .ok());
  EXPECT_TRUE(
      CheckStreaming(Streams(JoinType::kInner, false, false, Keys()), OutputMode::kAppend)
          .ok());
}

TEST_F(StreamJoinRulesTest, ModesAreThoseOfSpark) {
  EXPECT_TRUE(
      CheckStreaming(Streams(JoinType::kInner, true, true, Range()), OutputMode::kUpdate)
          .ok());
  EXPECT_THAT(
      CheckStreaming(Streams(JoinType::kFullOuter, true, true, Range()),
                     OutputMode::kUpdate)
          .ToString(),
      HasSubstr(
          "FullOuter join between two streaming DataFrames/Datasets is not supported in "
          "Update output mode, only in Append output mode"));
  EXPECT_THAT(
      CheckStreaming(Streams(JoinType::kLeftAnti, true, true, Range()),
                     OutputMode::kAppend)
          .ToString(),
      HasSubstr("LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
                "supported"));
}

TEST_F(StreamJoinRulesTest, AStreamMayKeepItsOwnRowsBesideAStaticSide) {
  const PlanPtr stream = Relation(1, "l", "k string, v int", true);
  const PlanPtr fixed = Relation(2, "r", "k string, w int");
  const auto check = [&](const PlanPtr& left, const PlanPtr& right, JoinType type) {
    return CheckStreaming(Joined(left, right, type, std::nullopt, {"k"}),
                          OutputMode::kAppend);
  };
  EXPECT_TRUE(check(stream, fixed, JoinType::kLeftOuter).ok());
  EXPECT_TRUE(check(fixed, stream, JoinType::kRightOuter).ok());
  EXPECT_TRUE(check(stream, fixed, JoinType::kLeftAnti).ok());
  EXPECT_THAT(
      check(fixed, stream, JoinType::kLeftSemi).ToString(),
      HasSubstr("LeftSemi join with a streaming DataFrame/Dataset on the right and a "
                "static DataFrame/Dataset on the left is not supported"));
  EXPECT_THAT(
      check(stream, fixed, JoinType::kRightOuter).ToString(),
      HasSubstr("RightOuter join with a streaming DataFrame/Dataset on the left and a "
                "static DataFrame/DataSet on the right not supported"));
  EXPECT_THAT(
      check(stream, fixed, JoinType::kFullOuter).ToString(),
      HasSubstr("FullOuter joins with streaming DataFrames/Datasets on the left and a "
                "static DataFrame/Dataset on the right is not supported"));
}

}  // namespace
}  // namespace millrace::plan
