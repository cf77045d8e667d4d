// Finds the columns of JSON documents. Spark: JsonInferSchema.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/types.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

struct JsonSchemaOptions {
  bool primitives_as_string = false;
  bool prefers_decimal = false;
  /// Malformed documents add this column; empty: they add nothing.
  std::string corrupt_column = "_corrupt_record";
  bool fail_fast = false;  // malformed documents are an error
};

/// Looks at documents and widens the schema where they need it.
///
/// Threading: one thread.
class JsonSchemaInference {
 public:
  explicit JsonSchemaInference(JsonSchemaOptions options);
  ~JsonSchemaInference();

  Status Add(std::string_view document);
  /// Fields by name; string where only nulls were seen.
  data::SchemaPtr Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::connectors::file
