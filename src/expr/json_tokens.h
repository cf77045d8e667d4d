// JSON text as tokens, exactly as Jackson's ReaderBasedJsonParser gives them, down to the
// state it is left in after an error: Spark keeps reading from there for its partial
// results.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::expr {

/// What a JsonTokens accepts and its limits: Jackson's JsonReadFeature and
/// StreamReadConstraints.
struct JsonSyntax {
  bool comments = false;
  bool unquoted_names = false;
  bool single_quotes = true;
  bool leading_zeros = false;
  bool non_numeric_numbers = true;
  bool any_escape = false;
  bool control_chars = false;
  /// Malformed UTF-8 is an error instead of U+FFFD: JSON files are read as bytes.
  bool strict_utf8 = false;
  int max_depth = 1000;
  int max_number_length = 1000;
  int64_t max_string_length = 100'000'000;
};

enum class JsonToken : uint8_t {
  kNone,  // the end of the text, or Jackson's null after an error
  kStartObject,
  kEndObject,
  kStartArray,
  kEndArray,
  kName,
  kString,
  kInt,
  kFloat,
  kTrue,
  kFalse,
  kNull,
  kError,  // returned by Next, never current
};

/// A pull parser over one document at a time. Strings are unescaped only when asked for.
///
/// Threading: one thread at a time.
class JsonTokens {
 public:
  explicit JsonTokens(const JsonSyntax& syntax) : syntax_(syntax), scopes_(8) {}

  /// The text must stay until the next Reset.
  void Reset(std::string_view text);
  /// Reset and Next for a text that starts with '{'; false, and nothing happens, for
  /// others.
  bool ResetToObject(std::string_view text);

  JsonToken Next();
  JsonToken current() const { return current_; }
  /// If the current token starts an object or array, moves on to its end. False on an
  /// error.
  bool SkipChildren();

  /// The name of the current value or field; empty inside arrays and at the root.
  std::string_view name() const;
  /// Whether there is such a name.
  bool has_name() const;

  /// Unescapes the current string. False on an error.
  bool FinishString();
  /// Text of the string that FinishString read, or of the number. Lone surrogates in it
  /// are as AppendJavaChar writes them.
  std::string_view text() const { return text_; }
  /// Whether text() lies in the document.
  bool text_in_document() const { return text_in_document_; }
  bool text_has_surrogates() const { return text_has_surrogates_; }
  /// The current number is one of NaN, Infinity, +INF …, which text() has.
  bool is_nan() const { return is_nan_; }
  /// Decodes the current string as base64 into `out`. False on an error.
  bool ReadBase64(std::string* out);

  /// Where the current value began, and the next character.
  const char* token_begin() const { return token_begin_; }
  const char* position() const { return p_; }
  const char* begin() const { return begin_; }
  const char* end() const { return end_; }

  // For a reader that takes whole fields of the current object by itself, from position()
  // on.
  /// Whether the current token is one after which a field may come.
  bool at_field_boundary() const {
    return current_ != JsonToken::kName && current_ != JsonToken::kNone && !incomplete_ &&
           scopes_[depth_].kind == Scope::kObject;
  }
  /// The current object has had a field.
  bool after_field() const { return scopes_[depth_].index >= 0; }
  /// `fields` more fields were read up to `position`.
  void SkipTo(const char* position, int fields) {
    p_ = position;
    scopes_[depth_].index += fields;
    current_ = JsonToken::kNull;
  }
  /// The same, and the object's end with them.
  void EndObject(const char* position) {
    p_ = position;
    --depth_;
    current_ = JsonToken::kEndObject;
  }
  size_t depth() const { return depth_; }

 private:
  struct Scope {
    enum Kind : uint8_t { kRoot, kObject, kArray };
    Kind kind = kRoot;
    bool has_name = false;
    int index = -1;
    bool name_copied = false;
    std::string_view name;  // in the document, unless name_copied
    std::string name_copy;
  };

  JsonToken Set(JsonToken token) { return current_ = token; }
  JsonToken NextAfterName();
  bool Push(Scope::Kind kind);
  JsonToken Close(int c);

  // Characters. Next* give the character they took, kEnd or kBad.
  static constexpr int kEnd = -1;
  static constexpr int kBad = -2;
  int Take();
  int Next(bool end_is_bad);
  int NextOrEnd() {
    if (p_<end_&& static_cast<uint8_t>(*p_)> ' ' && static_cast<uint8_t>(*p_) < 0x80 &&
        *p_ != '/') {
      return *p_++;
    }
    return Next(/*end_is_bad=*/false);
  }
  int NextAfterColon();
  bool SkipComment();

  JsonToken ReadNumber(bool negative);
  JsonToken ReadOddValue(int c);
  JsonToken ReadOddNumber(int c, bool negative);
  JsonToken ReadNan(std::string_view word, size_t matched);
  bool Match(std::string_view word, size_t matched);
  bool BadToken(size_t matched);
  bool CheckRootSpace();

  bool ReadName();
  bool ReadOddName(int c);
  bool CopyName(char quote);
  bool ReadSingleQuoted();
  bool ReadEscape(uint32_t* code);
  bool SkipString();
  bool CopyChars(char quote, std::string* out);
  void UseScratch();
  int NextBase64(bool raw, const char** text, int index);

  const JsonSyntax syntax_;
  const char* begin_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  const char* token_begin_ = nullptr;
  JsonToken current_ = JsonToken::kNone;
  JsonToken after_name_ = JsonToken::kNone;  // the value that was read along with a name
  bool incomplete_ = false;                  // p_ is inside the current string
  bool is_nan_ = false;
  bool text_in_document_ = false;
  bool text_has_surrogates_ = false;
  size_t depth_ = 0;
  std::vector<Scope> scopes_;
  std::string_view text_;
  std::string scratch_;
};

}  // namespace millrace::expr
