#include "expr/expr.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "expr/cast.h"
#include "expr/function.h"

namespace millrace::expr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ExprPtr IntColumn(AttributeId id, std::string name) {
  return std::make_shared<Column>(id, std::move(name), data::IntType(), true);
}

ExprPtr Make(std::string_view name, std::vector<ExprPtr> args) {
  Result<ExprPtr> call = MakeCall(name, std::move(args), BindContext());
  EXPECT_TRUE(call.ok()) << call.status().ToString();
  return call.ok() ? *call : nullptr;
}

data::Batch Rows(const char* json) {
  const data::SchemaPtr schema = arrow::schema(
      {arrow::field("a", data::IntType()), arrow::field("b", data::IntType())});
  return data::BatchFromJson(schema, json).value();
}

TEST(Expr, ColumnsAreBoundByIdAndNotByName) {
  const ExprPtr sum = Make("+", {IntColumn(7, "x"), IntColumn(3, "x")});
  const AttributeId input[] = {3, 7};
  Result<ExprPtr> bound = BindColumns(sum, input);
  ASSERT_TRUE(bound.ok());
  const data::Batch batch = Rows("[[1, 10], [2, null], [3, 30]]");
  Result<data::ArrayPtr> array = EvaluateToArray(**bound, batch, EvalContext());
  ASSERT_TRUE(array.ok()) << array.status().ToString();
  EXPECT_EQ((*array)->GetScalar(0).ValueOrDie()->ToString(), "11");
  EXPECT_TRUE((*array)->IsNull(1));
  EXPECT_EQ((*array)->GetScalar(2).ValueOrDie()->ToString(), "33");
}

TEST(Expr, AnUnknownColumnIsADefect) {
  const AttributeId input[] = {3};
  Result<ExprPtr> bound = BindColumns(IntColumn(7, "x"), input);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.status().error().fault, Fault::kInternal);
  // So is evaluating without binding.
  EXPECT_FALSE(IntColumn(7, "x")->Evaluate(Rows("[]"), EvalContext()).ok());
}

TEST(Expr, CollectsColumnsWithRepetition) {
  std::vector<AttributeId> ids;
  CollectColumns(
      Make("*", {IntColumn(1, "a"), Make("+", {IntColumn(2, "b"), MakeInt(1)})}), &ids);
  EXPECT_THAT(ids, ElementsAre(1, 2));
}

TEST(Expr, PredicatesKeepTrueRowsOnly) {
  const AttributeId input[] = {1, 2};
  const ExprPtr above =
      BindColumns(Make(">", {IntColumn(1, "a"), MakeInt(1)}), input).value();
  const data::Batch batch = Rows("[[1, 0], [2, 0], [null, 0], [3, 0]]");
  EXPECT_THAT(*EvaluatePredicate(*above, batch, EvalContext()), ElementsAre(1, 3));
  EXPECT_THAT(*EvaluatePredicate(*MakeBoolean(true), batch, EvalContext()),
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(*EvaluatePredicate(*MakeBoolean(false), batch, EvalContext()), IsEmpty());
  EXPECT_THAT(*EvaluatePredicate(*MakeNull(data::BooleanType()), batch, EvalContext()),
              IsEmpty());
}

TEST(Expr, CallsOfConstantsAreFolded) {
  const ExprPtr three = Make("+", {MakeInt(1), MakeInt(2)});
  EXPECT_EQ(IntegerLiteral(three), 3);
  EXPECT_FALSE(three->can_fail());
}

TEST(Expr, CallsThatFailAreNotFoldedAndFailOnlyForRows) {
  const ExprPtr bad = Make("/", {MakeInt(1), MakeInt(0)});
  EXPECT_EQ(CallName(*bad), "/");
  EXPECT_TRUE(bad->can_fail());
  EXPECT_TRUE(bad->Evaluate(Rows("[]"), EvalContext()).ok());
  Result<Value> value = bad->Evaluate(Rows("[[1, 1]]"), EvalContext());
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.status().error().error_class, "DIVIDE_BY_ZERO");
  EXPECT_EQ(value.status().error().fault, Fault::kData);
}

TEST(Expr, FailureAndDeterminismComeFromBelow) {
  const ExprPtr column = IntColumn(1, "a");
  EXPECT_FALSE(Make("=", {column, MakeInt(1)})->can_fail());
  EXPECT_TRUE(Make("isnull", {Make("+", {column, MakeInt(1)})})->can_fail());
  BoundFunction random;
  random.type = data::IntType();
  random.deterministic = false;
  random.kernel = [](const KernelInput&) -> Result<Value> { return Value{}; };
  const ExprPtr call = MakeCall("random", std::move(random));
  EXPECT_EQ(CallName(*call), "random");  // not folded
  EXPECT_FALSE(Make("isnull", {call})->deterministic());
  EXPECT_TRUE(Make("isnull", {column})->deterministic());
}

TEST(Expr, TextShowsIdsAndOperators) {
  const ExprPtr a = IntColumn(3, "amount");
  EXPECT_EQ(Make(">", {a, MakeDouble(1)})->ToString(),
            "(CAST(amount#3 AS DOUBLE) > 1.0)");
  EXPECT_EQ(Make("and", {Make("isnotnull", {a}), Make("in", {a, MakeInt(1), MakeInt(2)})})
                ->ToString(),
            "((amount#3 IS NOT NULL) AND (amount#3 IN (1, 2)))");
  EXPECT_EQ(Make("when", {Make("=", {a, MakeInt(1)}), MakeString("x"), MakeString("y")})
                ->ToString(),
            "CASE WHEN (amount#3 = 1) THEN x ELSE y END");
}

TEST(Expr, WithChildrenKeepsTheFunction) {
  const ExprPtr sum = Make("+", {IntColumn(1, "a"), IntColumn(2, "b")});
  const ExprPtr other = sum->WithChildren({MakeInt(40), MakeInt(2)});
  Result<data::ArrayPtr> array = EvaluateToArray(*other, Rows("[[0, 0]]"), EvalContext());
  ASSERT_TRUE(array.ok());
  EXPECT_EQ((*array)->GetScalar(0).ValueOrDie()->ToString(), "42");
}

TEST(Expr, LiteralsAreReadByKind) {
  EXPECT_EQ(StringLiteral(MakeString("x")), "x");
  EXPECT_EQ(StringLiteral(MakeInt(1)), std::nullopt);
  EXPECT_EQ(StringLiteral(MakeNull(data::StringType())), std::nullopt);
  EXPECT_EQ(IntegerLiteral(MakeLong(int64_t{1} << 40)), int64_t{1} << 40);
  EXPECT_EQ(IntegerLiteral(MakeDouble(1)), std::nullopt);
  EXPECT_EQ(IntegerLiteral(MakeNull(data::IntType())), std::nullopt);
}

TEST(Expr, ConstantsAreSpreadOverRows) {
  Result<data::ArrayPtr> texts = EvaluateToArray(*MakeString("a text longer than a view"),
                                                 Rows("[[0, 0], [0, 0]]"), EvalContext());
  ASSERT_TRUE(texts.ok());
  EXPECT_EQ((*texts)->length(), 2);
  EXPECT_EQ((*texts)->GetScalar(1).ValueOrDie()->ToString(), "a text longer than a view");
  Result<data::ArrayPtr> nulls = EvaluateToArray(*MakeNull(data::NullType()),
                                                 Rows("[[0, 0], [0, 0]]"), EvalContext());
  ASSERT_TRUE(nulls.ok());
  EXPECT_EQ((*nulls)->length(), 2);
}

TEST(Expr, UnknownFunctionsAndArgumentCountsAreErrors) {
  Result<ExprPtr> unknown = MakeCall("frobnicate", {}, BindContext());
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.status().error().error_class, "UNRESOLVED_ROUTINE");
  EXPECT_THAT(unknown.status().ToString(), HasSubstr("`frobnicate`"));
  Result<ExprPtr> count = MakeCall("isNull", {}, BindContext());
  ASSERT_FALSE(count.ok());
  EXPECT_EQ(count.status().error().error_class, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION");
  EXPECT_NE(FindFunction("IsNotNull"), nullptr);
}

TEST(Expr, NullabilityIsThatOfSparksSchemas) {
  const ExprPtr i = std::make_shared<Column>(1, "i", data::IntType(), false);
  const ExprPtr s = std::make_shared<Column>(2, "s", data::StringType(), false);
  const ExprPtr d = std::make_shared<Column>(3, "d", data::DecimalOf(10, 2), false);
  const ExprPtr list =
      std::make_shared<Column>(4, "l", data::ArrayOf(data::IntType(), false), false);
  EXPECT_FALSE(Make("+", {i, d})->nullable());
  EXPECT_TRUE(Make("+", {s, MakeInt(1)})->nullable());  // the cast of a string
  EXPECT_TRUE(Make("/", {d, i})->nullable());
  EXPECT_TRUE(Make("div", {i, MakeInt(2)})->nullable());
  EXPECT_FALSE(Make(">", {d, i})->nullable());
  EXPECT_TRUE(Make("=", {s, MakeInt(1)})->nullable());
  EXPECT_FALSE(Make("coalesce", {s, MakeInt(1)})->nullable());
  EXPECT_FALSE(Make("isnan", {s})->nullable());
  EXPECT_FALSE(Make("negative", {i})->nullable());
  EXPECT_TRUE(Make("negative", {s})->nullable());
  EXPECT_FALSE(MakeExtract(list, i).value()->nullable());
  EXPECT_FALSE(Make("element_at", {list, i})->nullable());
  EXPECT_TRUE(Make("get", {list, i})->nullable());
  EXPECT_TRUE(Make("element_at", {Make("map", {i, s}), i})->nullable());
  EXPECT_FALSE(Make("struct", {i, s})->nullable());
}

TEST(Cast, TheSameTypeCostsNothing) {
  const ExprPtr column = IntColumn(1, "a");
  EXPECT_EQ(*MakeCast(column, data::IntType()), column);
}

TEST(Cast, TextOfBinaryPointsIntoTheSameBuffers) {
  const data::SchemaPtr schema = arrow::schema({arrow::field("v", data::BinaryType())});
  const data::Batch batch =
      data::BatchFromJson(schema, R"([["a value of more than twelve bytes"]])").value();
  const auto column = std::make_shared<Column>(1, "v", data::BinaryType(), true, 0);
  const ExprPtr text = MakeCast(column, data::StringType()).value();
  Result<data::ArrayPtr> array = EvaluateToArray(*text, batch, EvalContext());
  ASSERT_TRUE(array.ok());
  EXPECT_EQ((*array)->data()->buffers[2], batch->column(0)->data()->buffers[2]);
}

TEST(Cast, TimesDependOnTheZoneOfTheSession) {
  const ExprPtr text =
      MakeCast(MakeCast(MakeLong(0), data::TimestampType()).value(), data::StringType())
          .value();
  EvalContext context;
  context.zone = data::TimeZone::Find("America/New_York").value();
  Result<data::ArrayPtr> array = EvaluateToArray(*text, Rows("[[0, 0]]"), context);
  ASSERT_TRUE(array.ok());
  EXPECT_EQ((*array)->GetScalar(0).ValueOrDie()->ToString(), "1969-12-31 19:00:00");
}

TEST(Cast, ImplicitCastsAreThoseOfSpark) {
  const auto allowed = [](const data::TypePtr& from, const data::TypePtr& to) {
    return ImplicitCast(MakeNull(from), to).has_value();
  };
  EXPECT_TRUE(allowed(data::IntType(), data::LongType()));
  EXPECT_TRUE(allowed(data::StringType(), data::TimestampType()));
  EXPECT_TRUE(allowed(data::DateType(), data::TimestampType()));
  EXPECT_TRUE(allowed(data::IntType(), data::StringType()));
  EXPECT_TRUE(allowed(data::NullType(), data::ArrayOf(data::IntType())));
  EXPECT_TRUE(allowed(data::ArrayOf(data::IntType()), data::ArrayOf(data::LongType())));
  EXPECT_FALSE(allowed(data::IntType(), data::DateType()));
  EXPECT_FALSE(allowed(data::IntType(), data::BooleanType()));
  EXPECT_FALSE(allowed(data::ArrayOf(data::IntType()), data::StringType()));
  EXPECT_FALSE(allowed(data::StringType(), data::ArrayOf(data::IntType())));
}

}  // namespace
}  // namespace millrace::expr
