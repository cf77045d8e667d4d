// Turns one JSON document into values of a type, as Spark's JacksonParser does: what it
// makes of each token, and how much it keeps of a document that is partly wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "expr/json_columns.h"
#include "expr/json_reader.h"
#include "expr/json_tokens.h"

namespace millrace::expr {

/// Why a document is malformed; FAILFAST tells the user.
struct JsonProblem {
  enum class Kind : uint8_t { kOther, kArrayForStruct, kStringForNumber };
  Kind kind = Kind::kOther;
  // Of kStringForNumber:
  std::string field;
  std::string value;
  const arrow::DataType* type = nullptr;
};

/// Spark's ways of reading a document.
enum class JsonOutcome : uint8_t {
  kEmpty,  // nothing but blanks
  kRead,
  kPartial,  // malformed, but some values could be read
  kFailed,   // malformed; nothing was written
};

/// Threading: one thread at a time.
class JsonConverter {
 public:
  /// `exact_text` is how JSON files are read: other values into a string column as they
  /// stand, malformed UTF-8 an error.
  JsonConverter(const JsonReadOptions& options, bool exact_text);

  /// The next documents lie in the buffers given to JsonBytes, at `offset` of buffer
  /// `buffer`
  /// (-1: they do not).
  void SetDocument(std::string_view document, int32_t buffer, int64_t offset,
                   int64_t now_micros);

  /// Reads the document into a slot of a column of structs, arrays or maps.
  JsonOutcome ReadValue(JsonColumn& column, int64_t slot);
  /// Reads a document that may be an array of structs into new slots.
  JsonOutcome ReadRows(JsonColumn& column, JsonSlots& slots);

  /// After kPartial and kFailed. Filled only in FAILFAST mode.
  const JsonProblem& problem() const { return problem_; }

 private:
  JsonToken FirstToken() { return at_object_ ? JsonToken::kStartObject : tokens_.Next(); }
  JsonOutcome ReadRoot(JsonColumn& column, int64_t slot, JsonToken token);
  JsonOutcome ReadField(JsonColumn& column, int64_t slot);
  JsonOutcome ReadObject(JsonColumn& column, int64_t slot);
  JsonOutcome ReadStruct(JsonColumn& column, int64_t slot);
  JsonOutcome ReadArray(JsonColumn& column, int64_t slot);
  JsonOutcome ReadMap(JsonColumn& column, int64_t slot);
  JsonOutcome ReadElements(JsonColumn& column);
  JsonOutcome ReadEntries(JsonColumn& column);
  JsonOutcome ReadText(JsonColumn& column, int64_t slot, JsonToken token);
  JsonOutcome ReadInteger(JsonColumn& column, int64_t slot, JsonToken token);
  JsonOutcome ReadFloating(JsonColumn& column, int64_t slot, JsonToken token);
  JsonOutcome ReadDecimal(JsonColumn& column, int64_t slot, JsonToken token);
  JsonOutcome ReadTime(JsonColumn& column, int64_t slot, JsonToken token);
  bool SetTime(JsonColumn& column, int64_t slot, std::string_view text);
  void SetString(JsonColumn& column, int64_t slot, std::string_view text);
  void SetToken(JsonColumn& column, int64_t slot);

  // Whole fields at once while they are as the last object's were.
  bool TakeFields(JsonColumn& object, int64_t slot, size_t* next);
  const char* TakeValue(JsonColumn* column, int64_t slot, const char* p, const char* end);
  const char* TakeNumber(JsonColumn* column, int64_t slot, const char* p,
                         const char* end);
  const char* TakeString(const char* p, const char* end, std::string_view* text) const;
  void Learn(JsonLayout& layout, size_t at, JsonColumn* column) const;

  JsonOutcome Fail() {
    problem_.kind = JsonProblem::Kind::kOther;
    return JsonOutcome::kFailed;
  }
  JsonOutcome FailToken();
  JsonOutcome Partial(std::unique_ptr<JsonProblem> first);
  // Keeps the first problem of a value for FAILFAST.
  void Note(std::unique_ptr<JsonProblem>* first) const {
    if (fail_fast_ && *first == nullptr) *first = std::make_unique<JsonProblem>(problem_);
  }

  const JsonReadOptions options_;
  const bool exact_text_;
  const bool fail_fast_;
  const size_t max_taken_string_;
  const int max_taken_number_;
  JsonTokens tokens_;
  std::string_view document_;
  int32_t buffer_ = -1;
  int64_t offset_ = 0;
  int64_t now_micros_ = 0;
  bool at_object_ = false;  // the first token was read already: it is '{'
  std::string scratch_;
  std::vector<JsonColumn::Saved> saved_;
  JsonProblem problem_;
};

/// The tokens' syntax by Spark's options.
JsonSyntax SyntaxOf(const JsonReadOptions& options, bool strict_utf8 = false);

/// Appends the current value as Jackson's copyCurrentStructure writes it, characters
/// beyond U+FFFF escaped if `escape_pairs`. False on an error.
bool CopyJsonValue(JsonTokens& tokens, bool escape_pairs, std::string* out);

}  // namespace millrace::expr
