#include "expr/json_test_documents.h"

#include <fstream>

#include <arrow/array/array_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "data/show.h"

namespace millrace::expr {

Result<data::TypePtr> TestSchema(std::string_view text) {
  if (Result<data::TypePtr> type = data::ParseType(text); type.ok()) return type;
  MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr schema, data::ParseDdl(text));
  return arrow::struct_(schema->fields());
}

Result<std::unique_ptr<JsonReader>> TestReader(
    std::string_view schema, const std::map<std::string, std::string>& options,
    std::string_view zone, std::string_view function) {
  MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, TestSchema(schema));
  MILLRACE_ASSIGN_OR_RETURN(const JsonReadOptions read,
                            JsonReadOptions::Make(Options(options), zone, function));
  return JsonReader::Make(type, read);
}

data::ArrayPtr TestDocuments(std::span<const std::string> documents) {
  arrow::BinaryViewBuilder builder;
  for (const std::string& document : documents) {
    EXPECT_TRUE(builder.Append(document).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::string TestText(const arrow::Array& array, int64_t row, std::string_view zone) {
  if (array.IsNull(row)) return "NULL";
  std::string text;
  data::AppendValue(array, row, zone, data::NullText::kCast, &text);
  return text;
}

std::string ReadOne(std::string_view schema, std::string_view document,
                    const std::map<std::string, std::string>& options) {
  const auto reader = TestReader(schema, options);
  if (!reader.ok()) return reader.status().ToString();
  const std::string documents[] = {std::string(document)};
  const auto read = (*reader)->Read(*TestDocuments(documents), 0);
  return read.ok() ? TestText(**read, 0) : read.status().ToString();
}

std::vector<std::string> TestLines(std::string_view name) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/" + std::string(name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << "no " << name;
  return lines;
}

}  // namespace millrace::expr
