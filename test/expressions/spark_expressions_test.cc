// Runs what real Spark was asked (testdata/spark_*.txt) and compares types, texts and
// errors.
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "expr/cast.h"
#include "expr/function.h"
#include "sql_expression.h"

namespace millrace::expr {
namespace {

struct Case {
  std::string sql;
  std::string expected;  // "type: value" or "ERROR [CLASS] …"
};

std::vector<Case> ReadCases(const std::string& name) {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR "/src/expr/testdata/") + name);
  std::vector<Case> cases;
  std::string sql;
  constexpr std::string_view kArrow = "  → ";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kArrow)) {
      cases.push_back({sql, line.substr(kArrow.size())});
    } else if (!line.empty() && !line.starts_with('#')) {
      sql = line;
    }
  }
  return cases;
}

std::vector<Case> AllCases() {
  std::vector<Case> cases = ReadCases("spark_expressions.txt");
  const std::vector<Case> calls = ReadCases("spark_functions.txt");
  cases.insert(cases.end(), calls.begin(), calls.end());
  return cases;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == '\\'   ? "\\\\"
               : c == '\n' ? "\\n"
               : c == '\t' ? "\\t"
                           : std::string(1, c);
  }
  return escaped;
}

std::string ErrorText(const Status& status) {
  return "ERROR " + Escaped(status.ToString());
}

data::Batch RowsWithoutColumns(int64_t rows) {
  return arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), rows,
                                  std::vector<data::ArrayPtr>{});
}

std::string TextAt(const data::ArrayPtr& array, int64_t row) {
  if (array->IsNull(row)) return "NULL";
  const std::string_view text =
      static_cast<const arrow::StringViewArray&>(*array).GetView(row);
  const bool plain = !text.empty() && text != "NULL" && text.front() != ' ' &&
                     text.back() != ' ' && text.back() != '\n';
  return plain ? Escaped(text) : "'" + Escaped(text) + "'";
}

// The values of an expression as Spark casts them to string; "type: text" of each row.
Result<std::vector<std::string>> TextsOf(const ExprPtr& expr, int64_t rows) {
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr text, MakeCast(expr, data::StringType()));
  MILLRACE_ASSIGN_OR_RETURN(
      const data::ArrayPtr array,
      EvaluateToArray(*text, RowsWithoutColumns(rows), EvalContext()));
  std::vector<std::string> texts;
  for (int64_t row = 0; row < rows; ++row) {
    texts.push_back(data::SimpleTypeName(*expr->type()) + ": " + TextAt(array, row));
  }
  return texts;
}

TEST(Golden, ConstantsGiveWhatSparkGives) {
  const std::vector<Case> cases = AllCases();
  ASSERT_GT(cases.size(), 1600U);
  for (const auto& [sql, expected] : cases) {
    Result<ExprPtr> expr = ParseExpression(sql);
    if (!expr.ok()) {
      EXPECT_EQ(ErrorText(expr.status()), expected) << sql;
      continue;
    }
    Result<std::vector<std::string>> texts = TextsOf(*expr, 1);
    EXPECT_EQ(texts.ok() ? texts->at(0) : ErrorText(texts.status()), expected) << sql;
  }
}

// A literal as a column of four values, null, value, value …, with an offset into its
// buffers.
ExprPtr AsColumn(ExprPtr literal) {
  BoundFunction function;
  function.type = literal->type();
  function.nullable = true;
  function.foldable = false;
  function.args = {std::move(literal)};
  function.kernel = [](const KernelInput& in) -> Result<Value> {
    std::vector<int32_t> rows(static_cast<size_t>(in.rows) + 2, 0);
    rows[1] = -1;
    rows[2] = -1;
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column, data::Take(*in.args[0].array, rows));
    return Value{column->Slice(2)};
  };
  return MakeCall("column", std::move(function));
}

TEST(Golden, ColumnsGiveWhatConstantsGive) {
  int compared = 0;
  for (const auto& [sql, expected] : AllCases()) {
    Result<ExprPtr> expr = ParseExpression(sql, "UTC", AsColumn);
    // Where a literal is needed as such there is nothing to compare.
    if (!expr.ok()) continue;
    Result<std::vector<std::string>> texts = TextsOf(*expr, 4);
    if (!texts.ok()) {
      // The null rows may not be keys.
      if (texts.status().error().error_class == "NULL_MAP_KEY") continue;
      EXPECT_EQ(ErrorText(texts.status()), expected) << sql;
      ++compared;
      continue;
    }
    const std::string type = expected.substr(0, expected.find(':'));
    if (texts->at(1).substr(0, texts->at(1).find(':')) != type) continue;
    EXPECT_EQ(texts->at(1), expected) << sql;
    EXPECT_EQ(texts->at(3), expected) << sql;
    ++compared;
  }
  EXPECT_GT(compared, 400);
}

// Types
// -----------------------------------------------------------------------------------------

const char* const kTypes[] = {"BOOLEAN",
                              "TINYINT",
                              "SMALLINT",
                              "INT",
                              "BIGINT",
                              "FLOAT",
                              "DOUBLE",
                              "DECIMAL(10,2)",
                              "DECIMAL(20,0)",
                              "DECIMAL(38,38)",
                              "STRING",
                              "BINARY",
                              "DATE",
                              "TIMESTAMP",
                              "TIMESTAMP_NTZ",
                              "VOID",
                              "ARRAY<INT>",
                              "ARRAY<STRING>",
                              "MAP<INT,STRING>",
                              "STRUCT<a: INT>",
                              "STRUCT<a: STRING>",
                              "STRUCT<b: BIGINT>"};

std::string TypeOrError(const Result<ExprPtr>& expr) {
  return expr.ok() ? data::SimpleTypeName(*(*expr)->type())
                   : "!" + expr.status().error().error_class;
}

TEST(Golden, TypesMeetAsInSpark) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/spark_types.txt");
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> fields;
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      fields.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    ASSERT_EQ(fields.size(), 2 + std::size(kTypes)) << line;
    Result<data::TypePtr> left = data::ParseType(fields[1]);
    ASSERT_TRUE(left.ok()) << fields[1];
    for (size_t i = 0; i < std::size(kTypes); ++i) {
      Result<data::TypePtr> right = data::ParseType(kTypes[i]);
      ASSERT_TRUE(right.ok()) << kTypes[i];
      const ExprPtr a = MakeNull(*left);
      const ExprPtr b = MakeNull(*right);
      const std::string found =
          TypeOrError(fields[0] == "cast" ? MakeCast(a, *right)
                                          : MakeCall(fields[0], {a, b}, BindContext()));
      EXPECT_EQ(found, fields[2 + i])
          << fields[0] << " " << fields[1] << ", " << kTypes[i];
      ++compared;
    }
  }
  EXPECT_EQ(compared, 220 * 22);
}

}  // namespace
}  // namespace millrace::expr
