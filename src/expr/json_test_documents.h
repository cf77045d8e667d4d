// For the tests of JSON: readers by DDL, documents as columns, values as text.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/batch.h"
#include "expr/json_reader.h"

namespace millrace::expr {

/// The type that from_json makes of a schema's text: "a int" or "array<int>".
Result<data::TypePtr> TestSchema(std::string_view text);

/// A reader by Spark's options, as from_json makes one unless `function` says otherwise.
Result<std::unique_ptr<JsonReader>> TestReader(
    std::string_view schema, const std::map<std::string, std::string>& options = {},
    std::string_view zone = "UTC", std::string_view function = "from_json");

data::ArrayPtr TestDocuments(std::span<const std::string> documents);

/// CAST(value AS STRING) of a row; "NULL" where it is null.
std::string TestText(const arrow::Array& array, int64_t row,
                     std::string_view zone = "UTC");

/// Reads one document and gives its text, or the error as ToString gives it.
std::string ReadOne(std::string_view schema, std::string_view document,
                    const std::map<std::string, std::string>& options = {});

/// The lines of a file in expr/testdata.
std::vector<std::string> TestLines(std::string_view name);

}  // namespace millrace::expr
