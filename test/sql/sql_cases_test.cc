// Runs the statements of cases.jsonl one after the other in one session, and compares
// schemas, rows and errors with what Apache Spark answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/clock.h"
#include "base/file_system.h"
#include "local/local_transport.h"
#include "millrace/millrace.h"

namespace millrace {

// The engine without any format: these statements read no files.
Result<std::unique_ptr<client::Transport>> client::ConnectTo(const std::string&) {
  static const plan::Connectors connectors;
  static const std::unique_ptr<FileSystem> files = MakeLocalFileSystem();
  static SystemClock clock;
  return local::MakeLocalTransport({&connectors, files.get(), &clock});
}

namespace {

using nlohmann::json;

std::vector<json> Cases() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/test/sql/cases.jsonl");
  std::vector<json> cases;
  for (std::string line; std::getline(file, line);) cases.push_back(json::parse(line));
  return cases;
}

// Statements whose answer is known to differ.
std::set<std::string> Differences() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/test/sql/differences.txt");
  std::set<std::string> statements;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    RE2::GlobalReplace(&line, "⏎", "\n");
    statements.insert(line);
  }
  return statements;
}

json ErrorOf(const Status& status) {
  return {{"error", status.error().error_class}, {"message", status.ToString()}};
}

Result<json> RowsOf(const DataFrame& frame, size_t columns) {
  std::vector<std::string> names;
  std::vector<Column> texts;
  for (size_t i = 0; i < columns; ++i) {
    names.push_back("c" + std::to_string(i));
    texts.push_back(functions::Expr("CAST(" + names.back() + " AS STRING)"));
  }
  const Result<std::vector<Row>> rows = frame.ToDF(names).SelectColumns(texts).Collect();
  if (!rows.ok()) return rows.status();
  json list = json::array();
  for (const Row& row : *rows) {
    json values = json::array();
    for (size_t i = 0; i < row.size(); ++i) {
      const auto* text = row[i].As<std::string>();
      values.push_back(text == nullptr ? json() : json(*text));
    }
    list.push_back(std::move(values));
  }
  return list;
}

// Columns of a schema's tree: lines of the first level.
size_t CountColumns(const std::string& tree) {
  size_t count = 0;
  for (size_t at = tree.find("\n |-- "); at != std::string::npos;
       at = tree.find("\n |-- ", at + 1)) {
    ++count;
  }
  return count;
}

json Answer(const SparkSession& spark, const std::string& sql) {
  const Result<DataFrame> frame = spark.Sql(sql);
  if (!frame.ok()) return ErrorOf(frame.status());
  const Result<std::string> tree = frame->SchemaTree();
  if (!tree.ok()) return ErrorOf(tree.status());
  static const RE2 kNullability(
      R"( \((nullable|containsNull|valueContainsNull) = \w+\))");
  std::string schema = *tree;
  RE2::GlobalReplace(&schema, kNullability, "");
  const Result<json> rows = RowsOf(*frame, CountColumns(schema));
  if (!rows.ok()) return ErrorOf(rows.status());
  return {{"schema", schema}, {"rows", *rows}};
}

TEST(SqlCases, AnswerAsSparkDoes) {
  const auto spark = SparkSession::Builder().GetOrCreate();
  ASSERT_TRUE(spark.ok()) << spark.status().ToString();
  const std::set<std::string> differences = Differences();
  int compared = 0;
  for (json expected : Cases()) {
    const std::string sql = expected["sql"];
    expected.erase("sql");
    if (expected.contains("error") && expected["error"].is_null()) expected["error"] = "";
    json found = Answer(*spark, sql);
    const bool ordered = sql.find("ORDER BY") != std::string::npos;
    if (!ordered && expected.contains("rows") && found.contains("rows")) {
      std::sort(expected["rows"].begin(), expected["rows"].end());
      std::sort(found["rows"].begin(), found["rows"].end());
    }
    if (differences.contains(sql)) {
      EXPECT_NE(found, expected) << sql << "\nagrees now: take it out of differences.txt";
    } else {
      EXPECT_EQ(found, expected) << sql;
    }
    ++compared;
  }
  EXPECT_GT(compared, 250);
  RecordProperty("cases", compared);
}

}  // namespace
}  // namespace millrace
