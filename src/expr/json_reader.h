// JSON text into columns by Spark's rules (Jackson's leniencies, PERMISSIVE partial
// results): one parser for from_json and for JSON files.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "data/batch.h"
#include "data/time_text.h"

namespace millrace::expr {

enum class ParseMode { kPermissive, kFailFast, kDropMalformed };

/// Spark's JSONOptions, the ones that change how text becomes values.
struct JsonReadOptions {
  ParseMode mode = ParseMode::kPermissive;
  std::string corrupt_column = "_corrupt_record";  // columnNameOfCorruptRecord
  const data::TimeZone* zone = data::TimeZone::Utc();
  std::shared_ptr<const data::TimePattern> timestamp_format;  // null: Spark's cast rules
  std::shared_ptr<const data::TimePattern> timestamp_ntz_format;
  std::shared_ptr<const data::TimePattern> date_format;
  bool primitives_as_string = false;
  bool prefers_decimal = false;
  bool allow_comments = false;
  bool allow_unquoted_field_names = false;
  bool allow_single_quotes = true;
  bool allow_numeric_leading_zeros = false;
  bool allow_non_numeric_numbers = true;
  bool allow_backslash_escaping_any_character = false;
  bool allow_unquoted_control_chars = false;
  int max_nesting_depth = 1000;             // maxNestingDepth
  int max_number_length = 1000;             // maxNumLen
  int64_t max_string_length = 100'000'000;  // maxStringLen

  /// From the text options of from_json or a JSON source. `function` is "from_json" or
  /// the source's name, for errors; from_json refuses DROPMALFORMED
  /// (PARSE_MODE_UNSUPPORTED / 42601).
  static Result<JsonReadOptions> Make(const Options& options, std::string_view time_zone,
                                      std::string_view function);
};

/// Reads documents of one type. Keeps its builders between calls.
///
/// Threading: one thread at a time.
class JsonReader {
 public:
  /// `type` is a struct, array or map. Errors: a type JSON cannot give.
  static Result<std::unique_ptr<JsonReader>> Make(data::TypePtr type,
                                                  JsonReadOptions options);
  virtual ~JsonReader() = default;

  /// One value of `type` per row of `documents` (utf8_view or binary_view; null gives
  /// null), as from_json does. In FAILFAST mode the first malformed row's error. String
  /// values without escapes point into the documents' buffers where they do not fit
  /// inline, so these buffers are kept alive by the result.
  virtual Result<data::ArrayPtr> Read(const arrow::Array& documents,
                                      int64_t now_micros) = 0;

  /// As JSON files are read: an array document gives one row per element, blank lines
  /// none, DROPMALFORMED drops. A struct array's fields as columns.
  virtual Result<data::Batch> ReadLines(std::span<const std::string_view> lines,
                                        int64_t now_micros) = 0;
};

/// to_json: one JSON text per row, nulls left out unless options say otherwise.
Result<data::ArrayPtr> WriteJson(const arrow::Array& values, const Options& options,
                                 const data::TimeZone& zone);

}  // namespace millrace::expr
