// Types around JSON: what from_json makes of the type it is given, and the type a
// document has.
#pragma once

#include <string_view>

#include "data/types.h"
#include "expr/json_reader.h"

namespace millrace::expr {

/// The type with every field, element and map value nullable; Spark's asNullable.
data::TypePtr AsNullable(const data::TypePtr& type);

/// What schema_of_json may be told besides how to read.
struct JsonInferOptions {
  bool drop_null_fields = false;  // dropFieldIfAllNull
  bool timestamps = false;        // inferTimestamp
};

/// The type of one document, as schema_of_json gives it. Errors: malformed text.
/// Spark: JsonInferSchema.
Result<data::TypePtr> InferJsonType(std::string_view document,
                                    const JsonReadOptions& options,
                                    const JsonInferOptions& infer);

}  // namespace millrace::expr
