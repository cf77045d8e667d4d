// get_json_object and its relatives: parts of a JSON text by a path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/json_tokens.h"

namespace millrace::expr {

/// One step of a path, as Spark's JsonPathParser takes "$.a[0][*]" apart.
struct JsonPathStep {
  enum Kind : uint8_t { kKey, kName, kSubscript, kIndex, kWildcard };
  Kind kind;
  int64_t index = 0;
  std::string name;
};
using JsonPath = std::vector<JsonPathStep>;

/// Nothing where the text is no path.
std::optional<JsonPath> ParseJsonPath(std::string_view text);

/// Looks into documents. Threading: one thread at a time.
class JsonPathReader {
 public:
  JsonPathReader();

  /// Appends what `path` finds, strings without quotes; false where there is nothing or
  /// the text is malformed before that is known. Spark: GetJsonObjectEvaluator.
  bool Find(std::string_view document, const JsonPath& path, std::string* out);
  /// How many elements the array has; nothing where the document is none.
  std::optional<int32_t> ArrayLength(std::string_view document);
  /// The names of the object's fields; nothing where the document is none.
  std::optional<std::vector<std::string>> ObjectKeys(std::string_view document);

 private:
  enum class Style : uint8_t { kRaw, kQuoted, kFlatten };
  enum class Found : uint8_t { kNo, kYes, kError };
  struct Output {
    std::string* text;
    bool escape_pairs;
  };

  Found Walk(const Output& out, Style style, const JsonPath& path, size_t at);
  Found WalkArray(const Output& out, Style style, const JsonPath& path, size_t at);
  Found WalkIndex(const Output& out, Style style, const JsonPath& path, size_t at,
                  int64_t index);
  Found WalkWildcard(const Output& out, Style style, const JsonPath& path, size_t at);
  Found CopyElements(const Output& out, Style style, const JsonPath& path, size_t at);

  JsonTokens tokens_;
};

}  // namespace millrace::expr
