#include <arrow/type.h>

#include "exec/join.h"
#include "exec/operator_testing.h"
#include "expr/function.h"

namespace millrace::exec {
namespace {

using plan::JoinType;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kLeftColumns[] = "k string, v int";
constexpr char kRightColumns[] = "k string, w int";

JoinOptions OnKey(JoinType type, bool null_safe = false) {
  JoinOptions options;
  options.type = type;
  options.sides[kLeft].schema = Ddl(kLeftColumns);
  options.sides[kRight].schema = Ddl(kRightColumns);
  for (JoinSide& side : options.sides) side.keys = {ColumnAt(side.schema, 0)};
  options.null_safe = {null_safe};
  options.schema =
      options.left_only() ? Ddl(kLeftColumns) : Ddl("k string, v int, k string, w int");
  return options;
}

// v < w, over pairs.
PairCondition Less() {
  auto less =
      expr::MakeCall("<",
                     {std::make_shared<expr::Column>(1, "v", data::IntType(), true, 0),
                      std::make_shared<expr::Column>(2, "w", data::IntType(), true, 1)},
                     {});
  EXPECT_TRUE(less.ok());
  return {*less, {1}, {1}};
}

std::vector<Batch> Left() {
  return {Rows(kLeftColumns, R"([["a", 1], ["b", 2]])"),
          Rows(kLeftColumns, R"([[null, 3], ["a", 9]])")};
}
std::vector<Batch> Right() {
  return {Rows(kRightColumns, R"([["a", 5], [null, 6]])"),
          Rows(kRightColumns, R"([["a", 7], ["c", 8]])")};
}

std::vector<std::string> Join(JoinOptions options, int build_side = kRight) {
  OperatorRunner runner(MakeHashJoin(std::move(options), build_side));
  return runner.Epoch({Left(), Right()});
}

TEST(HashJoin, InnerPairsEqualKeysInOrderAndNullWithNothing) {
  EXPECT_THAT(Join(OnKey(JoinType::kInner)),
              ElementsAre("a|1|a|5", "a|1|a|7", "a|9|a|5", "a|9|a|7"));
}

TEST(HashJoin, NullSafeKeysPairNullWithNull) {
  EXPECT_THAT(Join(OnKey(JoinType::kInner, true)), testing::Contains("null|3|null|6"));
}

TEST(HashJoin, OuterJoinsKeepRowsWithoutMatchOnce) {
  EXPECT_THAT(Join(OnKey(JoinType::kLeftOuter)),
              ElementsAre("a|1|a|5", "a|1|a|7", "b|2|null|null", "null|3|null|null",
                          "a|9|a|5", "a|9|a|7"));
  for (const int build : {kLeft, kRight}) {
    EXPECT_THAT(Join(OnKey(JoinType::kRightOuter), build),
                UnorderedElementsAre("a|1|a|5", "a|1|a|7", "a|9|a|5", "a|9|a|7",
                                     "null|null|null|6", "null|null|c|8"));
    EXPECT_THAT(
        Join(OnKey(JoinType::kFullOuter), build),
        UnorderedElementsAre("a|1|a|5", "a|1|a|7", "a|9|a|5", "a|9|a|7", "b|2|null|null",
                             "null|3|null|null", "null|null|null|6", "null|null|c|8"));
  }
}

TEST(HashJoin, SemiAndAntiGiveEachLeftRowAtMostOnce) {
  EXPECT_THAT(Join(OnKey(JoinType::kLeftSemi)), ElementsAre("a|1", "a|9"));
  EXPECT_THAT(Join(OnKey(JoinType::kLeftAnti)), ElementsAre("b|2", "null|3"));
}

TEST(HashJoin, AConditionOnPairsDecidesWhatMatches) {
  const auto with = [](JoinType type) {
    JoinOptions options = OnKey(type);
    options.condition = Less();
    return Join(std::move(options));
  };
  EXPECT_THAT(with(JoinType::kInner), ElementsAre("a|1|a|5", "a|1|a|7"));
  EXPECT_THAT(with(JoinType::kLeftOuter),
              ElementsAre("a|1|a|5", "a|1|a|7", "b|2|null|null", "null|3|null|null",
                          "a|9|null|null"));
  EXPECT_THAT(with(JoinType::kLeftSemi), ElementsAre("a|1"));
  EXPECT_THAT(with(JoinType::kLeftAnti), ElementsAre("b|2", "null|3", "a|9"));
  EXPECT_THAT(
      with(JoinType::kFullOuter),
      UnorderedElementsAre("a|1|a|5", "a|1|a|7", "b|2|null|null", "null|3|null|null",
                           "a|9|null|null", "null|null|null|6", "null|null|c|8"));
}

TEST(HashJoin, AConditionOnOneSideExcludesItsRowsFromMatching) {
  JoinOptions options = OnKey(JoinType::kLeftOuter);
  auto small =
      expr::MakeCall("<", {ColumnAt(Ddl(kLeftColumns), 1), expr::MakeInt(5)}, {});
  ASSERT_TRUE(small.ok());
  options.sides[kLeft].condition = *small;
  EXPECT_THAT(Join(std::move(options)), ElementsAre("a|1|a|5", "a|1|a|7", "b|2|null|null",
                                                    "null|3|null|null", "a|9|null|null"));
}

TEST(HashJoin, WithoutKeysEveryRowMeetsEveryRow) {
  JoinOptions options = OnKey(JoinType::kInner);
  for (JoinSide& side : options.sides) side.keys.clear();
  options.null_safe.clear();
  EXPECT_THAT(Join(options), testing::SizeIs(16));
  options.condition = Less();
  EXPECT_THAT(Join(options), testing::SizeIs(12));  // all but those of v = 9
}

TEST(HashJoin, KeysMeetAsSparkComparesFloats) {
  JoinOptions options;
  for (JoinSide& side : options.sides) {
    side.schema = Ddl("d double");
    side.keys = {ColumnAt(side.schema, 0)};
  }
  options.null_safe = {false};
  options.schema = Ddl("d double, d double");
  OperatorRunner runner(MakeHashJoin(std::move(options), kRight));
  EXPECT_THAT(runner.Epoch({{Rows("d double", "[[-0.0], [\"NaN\"]]")},
                            {Rows("d double", "[[0.0], [\"NaN\"], [null]]")}}),
              ElementsAre("-0|0", "nan|nan"));
}

// More pairs than are put together at once; a row's pairs then lie in several pieces.
TEST(HashJoin, ManyPairsOfOneRowCountAsOneRow) {
  std::string many = "[";
  for (int i = 0; i < 20'000; ++i)
    many += (i == 0 ? "" : ",") + std::string("[\"a\", 1]");
  many += "]";
  JoinOptions options = OnKey(JoinType::kLeftOuter);
  options.condition = Less();
  OperatorRunner runner(MakeHashJoin(options, kRight));
  EXPECT_THAT(runner.Epoch({{Rows(kLeftColumns, R"([["a", 0], ["a", 1]])")},
                            {Rows(kRightColumns, many)}}),
              testing::SizeIs(20'001));
  options = OnKey(JoinType::kLeftSemi);
  options.condition = Less();
  OperatorRunner semi(MakeHashJoin(options, kRight));
  EXPECT_THAT(semi.Epoch({{Rows(kLeftColumns, R"([["a", 0], ["a", 1]])")},
                          {Rows(kRightColumns, many)}}),
              ElementsAre("a|0"));
}

TEST(HashJoin, HoldsOnlyTheRowsOfTheEpoch) {
  OperatorRunner runner(MakeHashJoin(OnKey(JoinType::kInner), kRight));
  EXPECT_THAT(runner.Epoch({Left(), Right()}), testing::SizeIs(4));
  EXPECT_THAT(runner.Epoch({Left(), {}}), IsEmpty());
}

}  // namespace
}  // namespace millrace::exec
