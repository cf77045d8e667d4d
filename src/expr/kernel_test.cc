#include "expr/kernel.h"

#include <string>

#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>

#include "base/error.h"

namespace millrace::expr {
namespace {

using testing::ElementsAre;

// One column of a type, out of JSON values.
Value ColumnOf(const data::TypePtr& type, const std::vector<std::string>& values) {
  std::string json;
  for (const std::string& value : values)
    json += (json.empty() ? "[" : ", [") + value + "]";
  return {data::BatchFromJson(arrow::schema({arrow::field("v", type)}), "[" + json + "]")
              .value()
              ->column(0)};
}

Value ConstantOf(const data::TypePtr& type, const std::string& value) {
  Value column = ColumnOf(type, {value});
  column.constant = true;
  return column;
}

struct Outcome {
  std::vector<std::string> texts;
  bool constant = false;
  Status error;
};

Outcome RunKernel(const Kernel& kernel, const data::TypePtr& type,
                  std::vector<Value> args, int64_t rows) {
  const EvalContext context;
  Result<Value> value = kernel(KernelInput{args, rows, context, type});
  Outcome outcome;
  if (!value.ok()) {
    outcome.error = value.status();
    return outcome;
  }
  EXPECT_TRUE(value->array->ValidateFull().ok())
      << value->array->ValidateFull().ToString();
  for (int64_t row = 0; row < value->array->length(); ++row) {
    outcome.texts.push_back(value->array->GetScalar(row).ValueOrDie()->ToString());
  }
  outcome.constant = value->constant;
  return outcome;
}

const Kernel kSum =
    BinaryKernel<int32_t, int32_t, int32_t>([](int32_t a, int32_t b) { return a + b; });

TEST(Kernel, NullInAnArgumentGivesNull) {
  const Outcome sum = RunKernel(kSum, data::IntType(),
                                {ColumnOf(data::IntType(), {"1", "null", "3", "4"}),
                                 ColumnOf(data::IntType(), {"10", "20", "null", "40"})},
                                4);
  EXPECT_THAT(sum.texts, ElementsAre("11", "null", "null", "44"));
  EXPECT_FALSE(sum.constant);
}

TEST(Kernel, ConstantsStandForAllRows) {
  const Value column = ColumnOf(data::IntType(), {"1", "null", "3"});
  const Value five = ConstantOf(data::IntType(), "5");
  const Value null = ConstantOf(data::IntType(), "null");
  EXPECT_THAT(RunKernel(kSum, data::IntType(), {column, five}, 3).texts,
              ElementsAre("6", "null", "8"));
  EXPECT_THAT(RunKernel(kSum, data::IntType(), {five, column}, 3).texts,
              ElementsAre("6", "null", "8"));
  const Outcome ten = RunKernel(kSum, data::IntType(), {five, five}, 3);
  EXPECT_THAT(ten.texts, ElementsAre("10"));
  EXPECT_TRUE(ten.constant);
  const Outcome nothing = RunKernel(kSum, data::IntType(), {column, null}, 3);
  EXPECT_THAT(nothing.texts, ElementsAre("null"));
  EXPECT_TRUE(nothing.constant);
}

TEST(Kernel, SlicedArgumentsAreReadFromTheirOffset) {
  Value column = ColumnOf(data::IntType(), {"9", "null", "1", "null", "3"});
  column.array = column.array->Slice(2);
  const Value other = ColumnOf(data::IntType(), {"10", "20", "30"});
  EXPECT_THAT(RunKernel(kSum, data::IntType(), {column, other}, 3).texts,
              ElementsAre("11", "null", "33"));
  EXPECT_THAT(RunKernel(kSum, data::IntType(), {other, column}, 3).texts,
              ElementsAre("11", "null", "33"));
}

TEST(Kernel, FunctionsAreNotCalledForNullRows) {
  int calls = 0;
  const Kernel count = UnaryKernel<int32_t, int32_t>([&calls](int32_t value) {
    ++calls;
    return value;
  });
  RunKernel(count, data::IntType(), {ColumnOf(data::IntType(), {"1", "null", "3"})}, 3);
  EXPECT_EQ(calls, 2);
}

TEST(Kernel, FunctionsMayGiveNull) {
  const Kernel odd = UnaryKernel<int32_t, bool>([](int32_t value) -> std::optional<bool> {
    if (value == 0) return std::nullopt;
    return value % 2 == 1;
  });
  const Outcome outcome = RunKernel(
      odd, data::BooleanType(), {ColumnOf(data::IntType(), {"1", "0", "null", "4"})}, 4);
  EXPECT_THAT(outcome.texts, ElementsAre("true", "null", "null", "false"));
}

TEST(Kernel, TheFirstErrorIsReported) {
  const Kernel picky =
      UnaryKernel<int32_t, int32_t>([](int32_t value) -> Result<std::optional<int32_t>> {
        if (value < 0) return ArgumentError("found {}", value);
        return std::optional<int32_t>(value);
      });
  const Outcome outcome = RunKernel(
      picky, data::IntType(), {ColumnOf(data::IntType(), {"1", "null", "-3", "-4"})}, 4);
  ASSERT_FALSE(outcome.error.ok());
  EXPECT_EQ(outcome.error.error().message, "found -3");
}

TEST(Kernel, CheckedKernelsSayWhichRowFailed) {
  const Kernel checked = CheckedKernel<int8_t, int8_t, int8_t>(
      [](int8_t a, int8_t b, int8_t* out) { return !__builtin_add_overflow(a, b, out); },
      [](int8_t a, int8_t b) -> Status { return ArgumentError("{} + {}", a, b); });
  const Value big = ColumnOf(arrow::int8(), {"100", "null", "100"});
  const Value small = ColumnOf(arrow::int8(), {"1", "100", "2"});
  EXPECT_THAT(RunKernel(checked, arrow::int8(), {big, small}, 3).texts,
              ElementsAre("101", "null", "102"));
  // What stands under a null does not fail.
  const Outcome failed = RunKernel(checked, arrow::int8(),
                                   {big, ColumnOf(arrow::int8(), {"1", "100", "50"})}, 3);
  EXPECT_EQ(failed.error.error().message, "100 + 50");
}

TEST(Kernel, TextIsWrittenShortAndLong) {
  const Kernel repeat = TextKernel<std::string_view, int32_t>(
      [](std::string_view text, int32_t times, std::string* out) {
        for (int32_t i = 0; i < times; ++i) out->append(text);
        return times >= 0;
      });
  const Outcome outcome = RunKernel(
      repeat, data::StringType(),
      {ColumnOf(data::StringType(), {"\"abcdef\"", "\"abcdef\"", "null", "\"x\""}),
       ColumnOf(data::IntType(), {"1", "3", "1", "-1"})},
      4);
  EXPECT_THAT(outcome.texts, ElementsAre("abcdef", "abcdefabcdefabcdef", "null", "null"));
}

TEST(Kernel, SlicesShareTheBytes) {
  const Kernel tail = SliceKernel<int32_t>(
      [](std::string_view text, int32_t from) -> std::optional<std::string_view> {
        if (from < 0) return std::nullopt;
        return text.substr(static_cast<size_t>(from));
      });
  const Value texts = ColumnOf(data::StringType(),
                               {"\"a text of more than twelve bytes\"",
                                "\"another text that is long\"", "null", "\"short\""});
  const Value from = ColumnOf(data::IntType(), {"2", "20", "1", "-1"});
  const std::vector<Value> args{texts, from};
  const EvalContext context;
  const Result<Value> value = tail(KernelInput{args, 4, context, data::StringType()});
  ASSERT_TRUE(value.ok());
  ASSERT_TRUE(value->array->ValidateFull().ok());
  const auto& views = static_cast<const arrow::StringViewArray&>(*value->array);
  EXPECT_EQ(views.GetView(0), "text of more than twelve bytes");
  EXPECT_EQ(views.GetView(1), " long");
  EXPECT_TRUE(views.IsNull(2));
  EXPECT_TRUE(views.IsNull(3));
  EXPECT_EQ(views.data()->buffers[2], texts.array->data()->buffers[2]);
}

TEST(Kernel, NoRowsGiveNoRows) {
  const Value none = ColumnOf(data::IntType(), {});
  EXPECT_THAT(RunKernel(kSum, data::IntType(), {none, none}, 0).texts,
              testing::IsEmpty());
}

TEST(ViewBuilder, CountsItsRows) {
  ViewBuilder builder(2);
  ASSERT_TRUE(builder.Allocate().ok());
  builder.Append("one");
  EXPECT_FALSE(builder.Finish(data::StringType()).ok());
}

}  // namespace
}  // namespace millrace::expr
