// Values as JSON text, as Spark's JacksonGenerator writes them.
#pragma once

#include <memory>
#include <string>

#include "base/options.h"
#include "data/batch.h"
#include "data/time_text.h"

namespace millrace::expr {

/// What to_json and JSON files may be told about their output.
struct JsonWriteOptions {
  const data::TimeZone* zone = data::TimeZone::Utc();
  bool ignore_null_fields = true;  // of structs; in arrays and maps nulls are written
  bool pretty = false;
  bool sort_keys = false;
  bool ascii = false;  // writeNonAsciiCharacterAsCodePoint
  std::shared_ptr<const data::TimePattern>
      timestamp_format;  // none: with millis and zone
  std::shared_ptr<const data::TimePattern> timestamp_ntz_format;
  std::shared_ptr<const data::TimePattern> date_format;

  static Result<JsonWriteOptions> Make(const Options& options,
                                       const data::TimeZone& zone);
};

/// One JSON text per row of structs, arrays or maps; null gives null. Errors: a type JSON
/// has no form for.
Result<data::ArrayPtr> WriteJson(const arrow::Array& values,
                                 const JsonWriteOptions& options);

}  // namespace millrace::expr
