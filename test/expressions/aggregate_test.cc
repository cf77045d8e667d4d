#include "expr/aggregate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "expr/aggregates/decimals.h"
#include "expr/aggregates/hyper_log_log.h"
#include "expr/cast.h"
#include "expr/kernel.h"
#include "sql_expression.h"

namespace millrace::expr {
namespace {

using testing::HasSubstr;

// Rows and calls out of text
// -------------------------------------------------------------------

// Splits at commas outside of quotes and brackets.
std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '\'') quoted = !quoted;
    if (!quoted) depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
    if (c == ',' && depth == 0 && !quoted) {
      parts.emplace_back();
    } else if (c != ' ' || !parts.back().empty()) {
      parts.back().push_back(c);
    }
  }
  return parts;
}

data::Batch OneRow() {
  return arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 1,
                                  std::vector<data::ArrayPtr>{});
}

// One column out of literals, cast to the type they share.
Result<data::ArrayPtr> MakeColumn(const std::vector<std::string>& literals) {
  std::vector<ExprPtr> values;
  for (const std::string& literal : literals) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, ParseExpression(literal));
    values.push_back(std::move(value));
  }
  data::TypePtr type = values[0]->type();
  for (const ExprPtr& value : values) {
    std::optional<data::TypePtr> wider = WidestType(type, value->type());
    if (!wider.has_value()) return Status(InternalError("Literals without common type"));
    type = *wider;
  }
  std::vector<data::ArrayPtr> parts;
  for (const ExprPtr& value : values) {
    MILLRACE_ASSIGN_OR_RETURN(const ExprPtr cast, MakeCast(value, type));
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr part,
                              EvaluateToArray(*cast, OneRow(), EvalContext()));
    parts.push_back(std::move(part));
  }
  return data::Concat(parts);
}

// Rows "(1, 'x'), (2, 'y')" as a batch with columns a, b …
Result<data::Batch> MakeRows(std::string_view text) {
  std::vector<std::vector<std::string>> columns;
  int64_t rows = 0;
  for (const std::string& row : SplitList(text)) {
    const std::vector<std::string> cells = SplitList(row.substr(1, row.size() - 2));
    columns.resize(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) columns[i].push_back(cells[i]);
    ++rows;
  }
  arrow::FieldVector fields;
  std::vector<data::ArrayPtr> arrays;
  for (const std::vector<std::string>& column : columns) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, MakeColumn(column));
    fields.push_back(arrow::field(std::string(1, static_cast<char>('a' + fields.size())),
                                  array->type()));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays);
}

// "sum(a)" over the columns of a batch.
Result<BoundAggregate> BindCallText(std::string_view call, const data::Batch& rows) {
  const size_t open = call.find('(');
  std::vector<ExprPtr> args;
  const std::string_view list = call.substr(open + 1, call.size() - open - 2);
  if (!list.empty()) {
    for (const std::string& arg : SplitList(list)) {
      if (arg.size() == 1 && arg[0] >= 'a' && arg[0] < 'a' + rows->num_columns()) {
        const int i = arg[0] - 'a';
        args.push_back(std::make_shared<Column>(
            static_cast<AttributeId>(i), arg, rows->schema()->field(i)->type(), true, i));
      } else {
        MILLRACE_ASSIGN_OR_RETURN(ExprPtr literal, ParseExpression(arg));
        args.push_back(std::move(literal));
      }
    }
  }
  return BindAggregate(call.substr(0, open), std::move(args), BindContext());
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
  }
  return escaped;
}

Result<std::string> TextOf(const data::ArrayPtr& array, int64_t row) {
  const ExprPtr cast_input = std::make_shared<Literal>(array->Slice(row, 1));
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr cast, MakeCast(cast_input, data::StringType()));
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr text,
                            EvaluateToArray(*cast, OneRow(), EvalContext()));
  if (text->IsNull(0)) return std::string("NULL");
  const std::string value = Escaped(Reader<std::string_view>(*text)[0]);
  return value.empty() ? "''" : value;
}

// How the rows come to the accumulators.
enum class Way {
  kAtOnce,       // all in one batch and one slot
  kInterleaved,  // each row twice, for two slots in turn
  kRestarts,     // one row a batch, with the state serialized and read back in between
  kMerged,       // the first half in one slot, the rest in another, made one at the end
};

Result<std::string> RunAggregate(const BoundAggregate& bound, const data::Batch& rows,
                                 Way way) {
  constexpr uint32_t kSlot = 2;  // not the first
  constexpr uint32_t kOther = 0;
  std::unique_ptr<Accumulators> groups = bound.make();
  groups->Resize(4);
  const auto update = [&](const data::Batch& batch,
                          const std::vector<uint32_t>& slots) -> Status {
    std::vector<Value> args;
    for (const ExprPtr& arg : bound.args) {
      MILLRACE_ASSIGN_OR_RETURN(Value value, arg->Evaluate(batch, EvalContext()));
      args.push_back(std::move(value));
    }
    return groups->Update(args, slots, batch->num_rows());
  };

  switch (way) {
    case Way::kAtOnce: {
      const std::vector<uint32_t> slots(static_cast<size_t>(rows->num_rows()), kSlot);
      MILLRACE_RETURN_IF_ERROR(update(rows, slots));
      break;
    }
    case Way::kInterleaved: {
      std::vector<int32_t> twice;
      std::vector<uint32_t> slots;
      for (int32_t row = 0; row < rows->num_rows(); ++row) {
        for (const uint32_t slot : {kOther, kSlot}) {
          twice.push_back(row);
          slots.push_back(slot);
        }
      }
      MILLRACE_ASSIGN_OR_RETURN(const data::Batch batch, data::Take(rows, twice));
      MILLRACE_RETURN_IF_ERROR(update(batch, slots));
      break;
    }
    case Way::kRestarts: {
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        MILLRACE_RETURN_IF_ERROR(update(rows->Slice(row, 1), {kSlot}));
        std::string bytes;
        groups->Serialize(kSlot, &bytes);
        bytes += "next";
        groups = bound.make();
        groups->Resize(3);
        std::string_view in = bytes;
        MILLRACE_RETURN_IF_ERROR(groups->Deserialize(kSlot, &in));
        EXPECT_EQ(in, "next") << bound.name;
      }
      break;
    }
    case Way::kMerged: {
      std::vector<uint32_t> slots(static_cast<size_t>(rows->num_rows()), kOther);
      std::fill_n(slots.begin(), slots.size() / 2, kSlot);
      MILLRACE_RETURN_IF_ERROR(update(rows, slots));
      MILLRACE_RETURN_IF_ERROR(groups->Merge(kOther, kSlot));
      MILLRACE_RETURN_IF_ERROR(groups->Merge(1, kSlot));  // an empty one
      break;
    }
  }
  const std::vector<uint32_t> wanted{kSlot, 1};
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results, groups->Finish(wanted));
  EXPECT_EQ(results->length(), 2) << bound.name;
  EXPECT_TRUE(results->type()->Equals(*bound.type))
      << bound.name << ": " << results->type()->ToString() << ", "
      << bound.type->ToString();
  EXPECT_TRUE(results->ValidateFull().ok()) << bound.name;
  MILLRACE_ASSIGN_OR_RETURN(const std::string text, TextOf(results, 0));
  return data::SimpleTypeName(*bound.type) + ": " + text;
}

// What "call FROM rows" gives.
std::string Evaluated(std::string_view sql, Way way) {
  const size_t from = sql.find(" FROM ");
  const Result<data::Batch> rows = MakeRows(sql.substr(from + 6));
  if (!rows.ok()) return "ERROR " + Escaped(rows.status().ToString());
  const Result<BoundAggregate> bound = BindCallText(sql.substr(0, from), *rows);
  if (!bound.ok()) return "ERROR " + Escaped(bound.status().ToString());
  const Result<std::string> text = RunAggregate(*bound, *rows, way);
  return text.ok() ? *text : "ERROR " + Escaped(text.status().ToString());
}

// Equal, or numbers of which only the last digits differ.
bool Close(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const size_t colon = a.find(": ");
  if (colon == std::string::npos || a.compare(0, colon, b, 0, colon) != 0) return false;
  const double x = std::strtod(a.c_str() + colon + 2, nullptr);
  const double y = std::strtod(b.c_str() + colon + 2, nullptr);
  return x != 0 && std::abs(x - y) <= 1e-9 * std::abs(x);
}

// Tests
// ----------------------------------------------------------------------------------------

TEST(Aggregates, GiveWhatSparkGives) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/spark_aggregates.txt");
  std::string sql;
  int compared = 0;
  constexpr std::string_view kArrow = "  → ";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kArrow)) {
      sql = line;
      continue;
    }
    const std::string expected = line.substr(kArrow.size());
    for (const Way way : {Way::kAtOnce, Way::kInterleaved, Way::kRestarts}) {
      EXPECT_EQ(Evaluated(sql, way), expected)
          << sql << ", way " << static_cast<int>(way);
    }
    ++compared;
    // Spark's own merge of partial results may differ in the last digits of doubles, and
    // in whether a sum overflows on its way.
    if (expected.starts_with("ERROR") || sql.starts_with("try_sum")) continue;
    const std::string merged = Evaluated(sql, Way::kMerged);
    EXPECT_TRUE(Close(expected, merged))
        << sql << " merged gives " << merged << ", not " << expected;
  }
  EXPECT_GT(compared, 150);
}

// "sum(a) FROM (1), (2)" for the list "(1, 2)".
std::string CallOverRows(const AggregateSpec& spec, std::string_view list) {
  list.remove_prefix(1);
  list.remove_suffix(1);
  std::string rows;
  size_t columns = 1;
  for (const std::string& row : SplitList(list)) {
    const bool tuple = row.starts_with('(');
    if (tuple) columns = SplitList(row.substr(1, row.size() - 2)).size();
    rows += (rows.empty() ? "" : ", ") + (tuple ? row : "(" + row + ")");
  }
  return std::string(spec.name) + (columns == 1 ? "(a)" : "(a, b)") + " FROM " + rows;
}

TEST(Aggregates, ExamplesAreTrue) {
  for (const AggregateSpec* spec : AllAggregates()) {
    constexpr std::string_view kArrow = " → ";
    const size_t arrow = spec->example.find(kArrow);
    ASSERT_NE(arrow, std::string_view::npos) << spec->name;
    const std::string_view call = spec->example.substr(0, arrow);
    EXPECT_TRUE(call.starts_with(std::string(spec->name) + "(")) << spec->example;
    const bool complete = call.find(" FROM ") != std::string_view::npos;
    const std::string sql = complete
                                ? std::string(call)
                                : CallOverRows(*spec, call.substr(spec->name.size()));
    EXPECT_THAT(Evaluated(sql, Way::kAtOnce),
                testing::EndsWith(
                    ": " + std::string(spec->example.substr(arrow + kArrow.size()))))
        << sql;
    EXPECT_FALSE(spec->doc.empty()) << spec->name;
  }
}

data::ArrayPtr Longs(int64_t count) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return std::make_shared<arrow::Int64Array>(
      count, arrow::Buffer::FromVector(std::move(values)));
}

// The estimate for `sql`, an expression of the bigint "id" from 0 to count - 1.
int64_t DistinctCount(std::string_view cast_to, int64_t count, double deviation) {
  const data::ArrayPtr ids = Longs(count);
  const data::Batch rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), count,
                               std::vector<data::ArrayPtr>{ids});
  const ExprPtr id = std::make_shared<Column>(0, "id", data::LongType(), false, 0);
  const ExprPtr cast = *MakeCast(id, *data::ParseType(cast_to));
  const BoundAggregate bound = *BindAggregate(
      "approx_count_distinct", {cast, MakeDouble(deviation)}, BindContext());
  const auto groups = bound.make();
  groups->Resize(1);
  const std::vector<Value> args{Value{*EvaluateToArray(*cast, rows, EvalContext())}};
  const std::vector<uint32_t> slots(static_cast<size_t>(count), 0);
  EXPECT_TRUE(groups->Update(args, slots, count).ok());
  const std::vector<uint32_t> wanted{0};
  return static_cast<const arrow::Int64Array&>(**groups->Finish(wanted)).Value(0);
}

TEST(ApproxCountDistinct, EstimatesAsSpark) {
  // What Spark 4.2.0 gives for approx_count_distinct(CAST(id AS …), deviation) FROM
  // range(n).
  EXPECT_EQ(DistinctCount("bigint", 10, 0.05), 10);
  EXPECT_EQ(DistinctCount("bigint", 1000, 0.05), 1026);
  EXPECT_EQ(DistinctCount("bigint", 3000, 0.05), 2770);
  EXPECT_EQ(DistinctCount("bigint", 300000, 0.05), 288057);
  EXPECT_EQ(DistinctCount("bigint", 3000, 0.01), 2991);
  EXPECT_EQ(DistinctCount("bigint", 20000, 0.01), 19867);
  EXPECT_EQ(DistinctCount("bigint", 30000, 0.01), 30053);
  EXPECT_EQ(DistinctCount("bigint", 100000, 0.01), 100425);
  EXPECT_EQ(DistinctCount("bigint", 300000, 0.002), 299643);
  EXPECT_EQ(DistinctCount("bigint", 30, 0.39), 27);
  EXPECT_EQ(DistinctCount("bigint", 3000, 0.39), 3016);
  EXPECT_EQ(DistinctCount("string", 3000, 0.05), 2788);
  EXPECT_EQ(DistinctCount("int", 3000, 0.05), 2963);
  EXPECT_EQ(DistinctCount("tinyint", 100, 0.05), 99);
  EXPECT_EQ(DistinctCount("float", 3000, 0.05), 2943);
  EXPECT_EQ(DistinctCount("decimal(10,2)", 3000, 0.05), 2980);
  EXPECT_EQ(DistinctCount("decimal(20,2)", 3000, 0.05), 3041);
}

TEST(HyperLogLog, TakesFiftyTwoWordsByDefault) {
  EXPECT_EQ(HyperLogLog::Make(0.05)->num_words(), 52U);
  EXPECT_FALSE(HyperLogLog::Make(0.5).has_value());
  EXPECT_FALSE(HyperLogLog::Make(0).has_value());
  EXPECT_FALSE(HyperLogLog::Make(-1).has_value());
}

constexpr char kNines[] =
    "CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))";

TEST(DecimalSum, FailsBeyondItsPrecisionEvenIfItComesBack) {
  const std::string one = "CAST(1 AS DECIMAL(38,0))";
  for (const std::string& rows : {fmt::format("({}), ({})", kNines, one),
                                  fmt::format("({}), ({}), (-{})", kNines, one, one)}) {
    EXPECT_EQ(
        Evaluated("sum(a) FROM " + rows, Way::kRestarts),
        "ERROR [ARITHMETIC_OVERFLOW] Overflow in sum of decimals. Use 'try_sum' to "
        "tolerate overflow and return NULL instead. If necessary set "
        "\"spark.sql.ansi.enabled\" to \"false\" to bypass this error. SQLSTATE: 22003");
    EXPECT_THAT(Evaluated("avg(a) FROM " + rows, Way::kAtOnce),
                HasSubstr("Use 'try_avg' to"));
    EXPECT_EQ(Evaluated("try_sum(a) FROM " + rows, Way::kRestarts),
              "decimal(38,0): NULL");
    EXPECT_EQ(Evaluated("try_avg(a) FROM " + rows, Way::kRestarts),
              "decimal(38,4): NULL");
  }
}

TEST(DecimalQuotient, HasThirtyNineDigitsInErrors) {
  EXPECT_EQ(QuotientText(10, 0, 3), "3." + std::string(39, '3'));
  EXPECT_EQ(QuotientText(-20, 0, 3), "-6." + std::string(38, '6') + "7");
  EXPECT_EQ(QuotientText(5, 2, 1), "0.05" + std::string(37, '0'));
}

TEST(Accumulators, ResetMakesSlotsEmptyAgain) {
  for (const AggregateSpec* spec : AllAggregates()) {
    const bool boolean = spec->name == "count_if" || spec->name.starts_with("bool") ||
                         spec->name == "every" || spec->name == "some" ||
                         spec->name == "any";
    const data::Batch rows =
        *MakeRows(boolean ? "(true, 1), (false, 2)" : "(5, 1), (7, 2)");
    const bool share = spec->name.find("percentile") != std::string_view::npos;
    const std::string call = std::string(spec->name) + (share                 ? "(a, 0.5)"
                                                        : spec->min_args == 2 ? "(a, b)"
                                                                              : "(a)");
    const BoundAggregate bound = *BindCallText(call, rows);
    const auto groups = bound.make();
    groups->Resize(2);
    std::string empty;
    groups->Serialize(0, &empty);
    std::vector<Value> args;
    for (const ExprPtr& arg : bound.args)
      args.push_back(*arg->Evaluate(rows, EvalContext()));
    ASSERT_TRUE(groups->Update(args, std::vector<uint32_t>{0, 1}, 2).ok());
    std::string used;
    groups->Serialize(0, &used);
    EXPECT_NE(used, empty) << spec->name;
    std::string other;
    groups->Serialize(1, &other);

    groups->Reset(std::vector<uint32_t>{0});
    std::string again;
    groups->Serialize(0, &again);
    EXPECT_EQ(again, empty) << spec->name;
    std::string untouched;
    groups->Serialize(1, &untouched);
    EXPECT_EQ(untouched, other) << spec->name;
  }
}

TEST(Accumulators, RefuseEveryStateThatIsCutShort) {
  for (const std::string_view call :
       {"sum(a)", "avg(a)", "count(a)", "max(a)", "max(c)", "max(d)", "first(a)",
        "first(c)", "last(d)", "max_by(a, c)", "stddev(a)", "kurtosis(a)", "corr(a, a)",
        "collect_list(c)", "collect_set(d)", "approx_count_distinct(a)", "bit_or(a)"}) {
    const data::Batch rows = *MakeRows("(5, 1.5, 'text', array('x', NULL))");
    const BoundAggregate bound = *BindCallText(call, rows);
    const auto groups = bound.make();
    groups->Resize(1);
    std::vector<Value> args;
    for (const ExprPtr& arg : bound.args)
      args.push_back(*arg->Evaluate(rows, EvalContext()));
    ASSERT_TRUE(groups->Update(args, std::vector<uint32_t>{0}, 1).ok());
    std::string bytes;
    groups->Serialize(0, &bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::string_view in = std::string_view(bytes).substr(0, size);
      const Status status = groups->Deserialize(0, &in);
      ASSERT_FALSE(status.ok()) << call << " cut to " << size << " bytes";
      EXPECT_EQ(status.error().fault, Fault::kData);
    }
  }
}

TEST(Accumulators, ConstantArgumentsStandForAllRows) {
  const data::Batch rows = *MakeRows("(1), (2), (3)");
  for (const auto& [call, expected] : std::vector<std::pair<std::string, std::string>>{
           {"sum(5)", "bigint: 15"},
           {"avg(1.5D)", "double: 1.5"},
           {"count(1)", "bigint: 3"},
           {"count(NULL)", "bigint: 0"},
           {"max('x')", "string: x"},
           {"first(array(1))", "array<int>: [1]"},
           {"collect_list(7)", "array<int>: [7, 7, 7]"},
           {"max_by(1, 2)", "int: 1"},
           {"count_if(true)", "bigint: 3"},
           {"sum(NULL)", "double: NULL"}}) {
    const Result<BoundAggregate> bound = BindCallText(call, rows);
    ASSERT_TRUE(bound.ok()) << call << bound.status().ToString();
    for (const Way way : {Way::kAtOnce, Way::kRestarts}) {
      const Result<std::string> text = RunAggregate(*bound, rows, way);
      ASSERT_TRUE(text.ok()) << call;
      EXPECT_EQ(*text, expected) << call;
    }
  }
}

TEST(BindAggregate, NamesWhatItDoesNotKnow) {
  const Result<BoundAggregate> bound = BindAggregate("no_such", {}, BindContext());
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.status().error().error_class, "UNRESOLVED_ROUTINE");
  EXPECT_EQ(BindAggregate("count", {}, BindContext()).status().error().error_class,
            "WRONG_NUM_ARGS.WITH_SUGGESTION");
  EXPECT_EQ(FindAggregate("SUM"), FindAggregate("sum"));
  EXPECT_EQ(FindAggregate("upper"), nullptr);
}

}  // namespace
}  // namespace millrace::expr
