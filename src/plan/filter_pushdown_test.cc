#include "plan/filter_pushdown.h"

#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "base/clock.h"
#include "base/mem_file_system.h"
#include "base/overloaded.h"
#include "plan/plan_builder.h"

namespace millrace::plan {
namespace {

using testing::ElementsAre;

UnresolvedExpr Name(const std::string& name) { return UnresolvedExpr::Attribute({name}); }
UnresolvedExpr NotNull(const std::string& name) {
  return UnresolvedExpr::Call("isnotnull", {Name(name)});
}

class FilterPushdownTest : public testing::Test {
 protected:
  PlanPtr Stream(bool streaming = true) {
    auto schema = data::ParseDdl("k string, v int, t timestamp");
    std::vector<Attribute> output;
    for (const data::FieldPtr& field : (*schema)->fields()) {
      output.push_back(NewAttribute(field->name(), field->type(), true));
    }
    return MakePlan(Scan(), {}, std::move(output), streaming);
  }
  PlanPtr Watermarked() { return *builder_.WithWatermark(Stream(), "t", "10 seconds"); }
  PlanPtr Where(const PlanPtr& plan, const UnresolvedExpr& condition) {
    return *builder_.Filter(plan, condition);
  }

  // The nodes after the rewrite, the last one first.
  static std::vector<std::string> Nodes(const PlanPtr& plan) {
    std::vector<std::string> nodes;
    AddNodes(*PushFilters(plan), &nodes);
    return nodes;
  }
  static void AddNodes(const LogicalPlan& plan, std::vector<std::string>* nodes) {
    nodes->push_back(std::visit(
        Overloaded{
            [](const Filter& node) {
              return "Filter " + std::regex_replace(node.condition->ToString(),
                                                    std::regex("#\\d+"), "");
            },
            [](const Scan&) { return std::string("Scan"); },
            [](const Project&) { return std::string("Project"); },
            [](const EventTimeWatermark&) { return std::string("EventTimeWatermark"); },
            [](const Aggregate&) { return std::string("Aggregate"); },
            [](const Deduplicate&) { return std::string("Deduplicate"); },
            [](const Union&) { return std::string("Union"); },
            [](const auto&) { return std::string("another node"); },
        },
        plan.node));
    for (const PlanPtr& child : plan.children) AddNodes(*child, nodes);
  }

  Connectors connectors_;
  SessionConf conf_;
  MemFileSystem disk_;
  ManualClock clock_{EpochMillis(std::chrono::milliseconds(0))};
  PlanBuilder builder_{connectors_, conf_, &disk_, &clock_};
};

TEST_F(FilterPushdownTest, RowsThatFailDoNotMakeTheWatermark) {
  EXPECT_THAT(Nodes(Where(Watermarked(), NotNull("k"))),
              ElementsAre("EventTimeWatermark", "Filter (k IS NOT NULL)", "Scan"));
  EXPECT_THAT(Nodes(Where(Watermarked(), NotNull("t"))),
              ElementsAre("Filter (t IS NOT NULL)", "EventTimeWatermark", "Scan"));
  const UnresolvedExpr both = UnresolvedExpr::Call("and", {NotNull("k"), NotNull("t")});
  EXPECT_THAT(Nodes(Where(Watermarked(), both)),
              ElementsAre("Filter (t IS NOT NULL)", "EventTimeWatermark",
                          "Filter (k IS NOT NULL)", "Scan"));
}

TEST_F(FilterPushdownTest, ConditionsAreRewrittenBelowASelect) {
  const UnresolvedExpr named =
      UnresolvedExpr::Alias(UnresolvedExpr::Call("upper", {Name("k")}), {"u"});
  const PlanPtr selected =
      *builder_.Project(Watermarked(), std::vector<UnresolvedExpr>{named, Name("t")});
  EXPECT_THAT(Nodes(Where(selected, NotNull("u"))),
              ElementsAre("Project", "EventTimeWatermark",
                          "Filter (upper(k) IS NOT NULL)", "Scan"));
}

TEST_F(FilterPushdownTest, KeysAreFilteredBeforeTheyAreRemembered) {
  const UnresolvedExpr count =
      UnresolvedExpr::Alias(UnresolvedExpr::Call("count", {Name("v")}), {"n"});
  const PlanPtr counted =
      *builder_.Aggregate(Stream(), std::vector<UnresolvedExpr>{Name("k")},
                          std::vector<UnresolvedExpr>{count});
  EXPECT_THAT(Nodes(Where(counted, NotNull("k"))),
              ElementsAre("Project", "Aggregate", "Filter (k IS NOT NULL)", "Scan"));
  EXPECT_THAT(Nodes(Where(counted, NotNull("n"))),
              ElementsAre("Filter (n IS NOT NULL)", "Project", "Aggregate", "Scan"));
}

TEST_F(FilterPushdownTest, AllInputsOfAUnionAreFiltered) {
  const PlanPtr united = *builder_.Union(Watermarked(), Stream(), false, false);
  EXPECT_THAT(Nodes(Where(united, NotNull("k"))),
              ElementsAre("Union", "EventTimeWatermark", "Filter (k IS NOT NULL)", "Scan",
                          "Filter (k IS NOT NULL)", "Scan"));
}

TEST_F(FilterPushdownTest, WhatIsRememberedByItsKeyAloneStays) {
  const PlanPtr once = *builder_.Deduplicate(Watermarked(), std::vector<std::string>{"v"},
                                             /*within_watermark=*/false);
  EXPECT_THAT(
      Nodes(Where(once, NotNull("k"))),
      ElementsAre("Filter (k IS NOT NULL)", "Deduplicate", "EventTimeWatermark", "Scan"));
}

TEST_F(FilterPushdownTest, BatchesStayAsTheyAre) {
  const PlanPtr plan = Where(Stream(/*streaming=*/false), NotNull("k"));
  EXPECT_EQ(PushFilters(plan), plan);
}

}  // namespace
}  // namespace millrace::plan
