// Arguments that can fail are evaluated only for the rows that need them.
#include "expr/conditional.h"

#include <string>
#include <vector>

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

class Conditional : public testing::Test {
 protected:
  const data::SchemaPtr schema_ = arrow::schema(
      {arrow::field("a", data::IntType()), arrow::field("b", data::IntType()),
       arrow::field("s", data::StringType()), arrow::field("p", data::BooleanType())});
  const data::Batch batch_ = data::BatchFromJson(schema_, R"([[6, 2, "12", true],
                                       [7, 0, "not a number", false],
                                       [null, 0, "5", null],
                                       [9, 3, "a text of more than twelve bytes", true],
                                       [1, null, null, false]])")
                                 .value();
  const ExprPtr a_ = std::make_shared<Column>(0, "a", data::IntType(), true, 0);
  const ExprPtr b_ = std::make_shared<Column>(1, "b", data::IntType(), true, 1);
  const ExprPtr s_ = std::make_shared<Column>(2, "s", data::StringType(), true, 2);
  const ExprPtr p_ = std::make_shared<Column>(3, "p", data::BooleanType(), true, 3);

  static ExprPtr Make(std::string_view name, std::vector<ExprPtr> args) {
    Result<ExprPtr> call = MakeCall(name, std::move(args), BindContext());
    EXPECT_TRUE(call.ok()) << call.status().ToString();
    return call.ok() ? *call : nullptr;
  }

  ExprPtr Quotient() const { return Make("div", {a_, b_}); }  // fails for row 1

  std::vector<std::string> Texts(const ExprPtr& expr) const {
    Result<data::ArrayPtr> array = EvaluateToArray(*expr, batch_, EvalContext());
    if (!array.ok()) return {array.status().error().error_class};
    std::vector<std::string> texts;
    for (int64_t row = 0; row < (*array)->length(); ++row) {
      texts.push_back((*array)->GetScalar(row).ValueOrDie()->ToString());
    }
    return texts;
  }
};

TEST_F(Conditional, TheTestsOperandFails) {
  EXPECT_THAT(Texts(Quotient()), ElementsAre("DIVIDE_BY_ZERO"));
}

TEST_F(Conditional, AndLeavesOutRowsThatAreFalse) {
  const ExprPtr guarded =
      Make("and", {Make("!=", {b_, MakeInt(0)}), Make("=", {Quotient(), MakeInt(3)})});
  EXPECT_THAT(Texts(guarded), ElementsAre("true", "false", "false", "true", "null"));
}

TEST_F(Conditional, OrLeavesOutRowsThatAreTrue) {
  const ExprPtr guarded =
      Make("or", {Make("=", {b_, MakeInt(0)}), Make("=", {Quotient(), MakeInt(3)})});
  EXPECT_THAT(Texts(guarded), ElementsAre("true", "true", "true", "true", "null"));
}

TEST_F(Conditional, NullOnTheLeftStillNeedsTheRight) {
  // Row 2 has no `a`, so the left is null there and the division by zero is null too.
  const ExprPtr both =
      Make("and", {Make(">", {a_, MakeInt(6)}),
                   Make("=", {Make("div", {MakeInt(1), b_}), MakeInt(0)})});
  EXPECT_THAT(Texts(both), ElementsAre("DIVIDE_BY_ZERO"));
}

TEST_F(Conditional, ThreeValuedLogicOfColumns) {
  const ExprPtr null = MakeNull(data::BooleanType());
  EXPECT_THAT(Texts(Make("and", {p_, null})),
              ElementsAre("null", "false", "null", "null", "false"));
  EXPECT_THAT(Texts(Make("or", {p_, null})),
              ElementsAre("true", "null", "null", "true", "null"));
  EXPECT_THAT(Texts(Make("and", {p_, MakeBoolean(true)})),
              ElementsAre("true", "false", "null", "true", "false"));
  EXPECT_THAT(Texts(Make("or", {MakeBoolean(false), p_})),
              ElementsAre("true", "false", "null", "true", "false"));
  EXPECT_THAT(Texts(Make("and", {p_, Make("isnotnull", {b_})})),
              ElementsAre("true", "false", "null", "true", "false"));
}

TEST_F(Conditional, CaseTakesEachValueForItsRowsOnly) {
  const ExprPtr guarded = Make("when", {Make("=", {b_, MakeInt(0)}), MakeLong(-1),
                                        Make("isnull", {b_}), MakeLong(-2), Quotient()});
  EXPECT_THAT(Texts(guarded), ElementsAre("3", "-1", "-1", "3", "-2"));
}

TEST_F(Conditional, CaseWithoutElseGivesNull) {
  EXPECT_THAT(
      Texts(Make("when", {p_, s_})),
      ElementsAre("12", "null", "null", "a text of more than twelve bytes", "null"));
}

TEST_F(Conditional, LaterConditionsAreEvaluatedForTheRestOnly) {
  // The second condition fails for row 1, which the first one takes.
  const ExprPtr guarded =
      Make("when", {Make("=", {b_, MakeInt(0)}), MakeString("zero"),
                    Make("=", {Quotient(), MakeInt(3)}), MakeString("three")});
  EXPECT_THAT(Texts(guarded), ElementsAre("three", "zero", "zero", "three", "null"));
}

TEST_F(Conditional, IfIsCase) {
  const ExprPtr number = MakeCast(s_, data::IntType()).value();
  EXPECT_THAT(Texts(number), ElementsAre("CAST_INVALID_INPUT"));
  EXPECT_THAT(Texts(Make("if", {Make("<", {a_, MakeInt(7)}), number, MakeInt(0)})),
              ElementsAre("12", "0", "0", "0", "null"));
}

TEST_F(Conditional, CoalesceAsksForRowsThatAreStillNull) {
  // Only rows 2 and 4 reach the cast.
  const ExprPtr number = MakeCast(s_, data::IntType()).value();
  const ExprPtr first = Make("when", {Make("isnotnull", {Make("+", {a_, b_})}), a_});
  EXPECT_THAT(Texts(Make("coalesce", {first, number, MakeInt(-1)})),
              ElementsAre("6", "7", "5", "9", "-1"));
}

TEST_F(Conditional, CoalesceNumbersPickedRowsRight) {
  // The second argument is evaluated for rows 1, 2 and 4 alone, and null for some of
  // them.
  const ExprPtr first = Make("when", {p_, MakeLong(100)});
  const ExprPtr second =
      Make("div", {MakeLong(10), Make("when", {Make("=", {b_, MakeInt(0)}), a_})});
  EXPECT_THAT(Texts(Make("coalesce", {first, second, MakeLong(-1)})),
              ElementsAre("100", "1", "-1", "100", "-1"));
}

TEST_F(Conditional, NanvlAsksForNanOnly) {
  const ExprPtr nan = Make("if", {Make("<=>", {b_, MakeInt(3)}), MakeDouble(1),
                                  MakeDouble(std::numeric_limits<double>::quiet_NaN())});
  EXPECT_THAT(Texts(Make("nanvl", {nan, Make("/", {MakeInt(1), b_})})),
              ElementsAre("DIVIDE_BY_ZERO"));
  const ExprPtr safe = Make("if", {Make("=", {b_, MakeInt(0)}), MakeDouble(1),
                                   MakeDouble(std::numeric_limits<double>::quiet_NaN())});
  EXPECT_THAT(Texts(Make("nanvl", {safe, Make("/", {MakeInt(3), b_})})),
              ElementsAre("1.5", "1", "1", "1", "null"));
}

TEST_F(Conditional, EvaluatesRowsInTheOrderGiven) {
  const int32_t rows[] = {3, 0};
  Result<Value> value = EvaluateRows(*Quotient(), batch_, rows, EvalContext());
  ASSERT_TRUE(value.ok()) << value.status().ToString();
  ASSERT_EQ(value->array->length(), 2);
  EXPECT_EQ(value->array->GetScalar(0).ValueOrDie()->ToString(), "3");
}

TEST_F(Conditional, BatchesWithOffsetsAreRead) {
  const ExprPtr both = Make("and", {p_, Make("isnotnull", {b_})});
  Result<data::ArrayPtr> array =
      EvaluateToArray(*both, batch_->Slice(1, 3), EvalContext());
  ASSERT_TRUE(array.ok());
  EXPECT_EQ((*array)->GetScalar(0).ValueOrDie()->ToString(), "false");
  EXPECT_TRUE((*array)->IsNull(1));
  EXPECT_EQ((*array)->GetScalar(2).ValueOrDie()->ToString(), "true");
}

}  // namespace
}  // namespace millrace::expr
