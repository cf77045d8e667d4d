// What Apache Spark 4.2.0 gave for from_json and for JSON files
// (testdata/from_json_*.json*, json_lines.jsonl).
#include <fstream>
#include <map>
#include <string>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "expr/json_test_documents.h"

namespace millrace::expr {
namespace {

using nlohmann::json;
using TextMap = std::map<std::string, std::string>;

// The day on which Spark was asked: "T00:00:01" is a time of it.
constexpr int64_t kAsked = 1'795'305'600'000'000;  // 2026-11-22

std::string Bytes(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const std::string hex = value.at("hex");
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// "SparkRuntimeException: [CLASS] text", as the cases name errors.
std::string ErrorText(const Status& status) {
  const std::string& java = status.error().java_class;
  return java.substr(java.rfind('.') + 1) + ": " + status.ToString();
}

// to_json(struct(value AS d)).
std::string JsonText(const data::ArrayPtr& value, std::string_view zone) {
  const auto row = arrow::StructArray::Make({value}, std::vector<std::string>{"d"});
  const auto texts = WriteJson(**row, Options(), **data::TimeZone::Find(zone));
  EXPECT_TRUE(texts.ok());
  return std::string(static_cast<const arrow::StringViewArray&>(**texts).GetView(0));
}

TEST(JsonGolden, FromJson) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/from_json_cases.json");
  const json cases = json::parse(file);
  for (const json& c : cases) {
    SCOPED_TRACE(c.dump());
    const std::string zone = c["conf"].value("spark.sql.session.timeZone", "UTC");
    const auto reader = TestReader(c["schema"].get<std::string>(), c["opts"], zone);
    const std::string documents[] = {c["input"]};
    Result<data::ArrayPtr> read = reader.ok()
                                      ? (*reader)->Read(*TestDocuments(documents), kAsked)
                                      : Result<data::ArrayPtr>(reader.status());
    if (c["row"] == "ERROR") {
      ASSERT_FALSE(read.ok());
      EXPECT_THAT(ErrorText(read.status()), testing::StartsWith(c["json"]));
      continue;
    }
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    const json found = (*read)->IsNull(0) ? json() : json(TestText(**read, 0, zone));
    EXPECT_EQ(found, c["row"]);
    EXPECT_EQ(JsonText(*read, zone), c["json"]);
  }
  EXPECT_EQ(cases.size(), 190U);
  RecordProperty("cases", static_cast<int>(cases.size()));
}

// Each document is read alone and then again and again, when its layout is known.
TEST(JsonGolden, FromJsonMore) {
  int cases = 0;
  std::unique_ptr<JsonReader> reader;
  json head;
  for (const std::string& line : TestLines("from_json_more.jsonl")) {
    SCOPED_TRACE(head.dump() + line);
    const json c = json::parse(line);
    if (c.is_object()) {
      head = c;
      auto made = TestReader(c["schema"].get<std::string>(),
                             c.value("options", TextMap()), c.value("zone", "UTC"));
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      reader = std::move(*made);
      continue;
    }
    ++cases;
    const std::string wanted = c[1].is_null() ? "NULL" : Bytes(c[1]);
    const std::vector<std::string> documents(3, Bytes(c[0]));
    for (const size_t rows : {1, 3}) {
      const auto read =
          reader->Read(*TestDocuments(std::span(documents).first(rows)), kAsked);
      ASSERT_TRUE(read.ok()) << read.status().ToString();
      ASSERT_TRUE((*read)->Validate().ok()) << (*read)->Validate().ToString();
      for (size_t row = 0; row < rows; ++row) {
        EXPECT_EQ(TestText(**read, static_cast<int64_t>(row), head.value("zone", "UTC")),
                  wanted);
      }
    }
  }
  EXPECT_GT(cases, 2000);
  RecordProperty("cases", cases);
}

TEST(JsonGolden, Lines) {
  int cases = 0;
  for (const std::string& line : TestLines("json_lines.jsonl")) {
    SCOPED_TRACE(line);
    const json c = json::parse(line);
    const auto reader =
        TestReader(c["schema"].get<std::string>(), {{"mode", c["mode"]}}, "UTC", "json");
    ASSERT_TRUE(reader.ok());
    const std::string text = c.contains("text") ? Bytes(c["text"]) : Bytes(c);
    std::vector<std::string_view> lines;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
      lines.push_back(std::string_view(text).substr(begin, end - begin));
      begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    }
    const auto read = (*reader)->ReadLines(lines, kAsked);
    ++cases;
    if (c["rows"].is_string()) {
      ASSERT_FALSE(read.ok());
      EXPECT_THAT(read.status().error().error_class,
                  testing::StartsWith("MALFORMED_RECORD_IN_PARSING."));
      continue;
    }
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    const auto rows = (*read)->ToStructArray().ValueOrDie();
    json found = json::array();
    for (int64_t row = 0; row < rows->length(); ++row) {
      found.push_back(TestText(*rows, row));
    }
    EXPECT_EQ(found, c["rows"]);
  }
  EXPECT_EQ(cases, 150);
  RecordProperty("cases", cases);
}

}  // namespace
}  // namespace millrace::expr
