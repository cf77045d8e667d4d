// Reads Spark's DDL of types and column lists;
// org.apache.spark.sql.types.StructType.fromDDL.
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "base/error.h"
#include "data/interval_type.h"
#include "data/type_metadata.h"
#include "data/type_tokenizer.h"
#include "data/types.h"

namespace millrace::data {
namespace {

constexpr int kMaxPrecision = 38;
// Deeper than any real type; keeps hostile texts from using up the stack.
constexpr int kMaxNesting = 100;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

Error UnsupportedType(std::string_view type) {
  return Error(Fault::kUser, "Unsupported data type \"{}\".", type)
      .Class("UNSUPPORTED_DATATYPE", "0A000")
      .Java(kParseException)
      .Param("typeName", fmt::format("\"{}\"", type));
}

class TypeParser {
 public:
  static Result<TypeParser> Make(std::string_view text) {
    MILLRACE_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
    if (tokens.size() == 1) {
      return Error(Fault::kUser, "Syntax error, unexpected empty statement.")
          .Class("PARSE_EMPTY_STATEMENT", "42617")
          .Java(kParseException);
    }
    return TypeParser(text, std::move(tokens));
  }

  Result<TypePtr> WholeType() {
    MILLRACE_ASSIGN_OR_RETURN(TypePtr type, Type());
    if (Peek().kind != TokenKind::kEnd) return Unexpected();
    return type;
  }

  Result<arrow::FieldVector> WholeColumnList() {
    arrow::FieldVector fields;
    do {
      MILLRACE_ASSIGN_OR_RETURN(FieldPtr field, Field(/*colon_allowed=*/false));
      fields.push_back(std::move(field));
    } while (TakeSymbol(','));
    if (Peek().kind != TokenKind::kEnd) return Unexpected();
    return fields;
  }

 private:
  TypeParser(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  const Token& Peek() const { return tokens_[at_]; }
  bool AtSymbol(char symbol) const {
    return Peek().kind == TokenKind::kSymbol && Peek().text[0] == symbol;
  }
  bool AtWord(std::string_view word) const {
    return Peek().kind == TokenKind::kWord && Upper(Peek().text) == word;
  }
  bool TakeSymbol(char symbol) {
    if (!AtSymbol(symbol)) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!AtWord(word)) return false;
    ++at_;
    return true;
  }
  Error Unexpected() const { return SyntaxError(text_, Peek().raw, Peek().position); }
  Status ExpectSymbol(char symbol) {
    if (TakeSymbol(symbol)) return Status::OK();
    return Unexpected();
  }
  Status ExpectWord(std::string_view word) {
    if (TakeWord(word)) return Status::OK();
    return Unexpected();
  }

  Result<std::string> Name();
  Result<FieldPtr> Field(bool colon_allowed);
  Result<TypePtr> Type();
  Result<TypePtr> OneType();
  Result<TypePtr> Struct();
  Result<TypePtr> Interval();
  Result<TypePtr> Timestamp();
  Result<TypePtr> Decimal();
  Result<TypePtr> String();
  Result<TypePtr> Characters(const Token& name);
  Result<std::vector<int>> Arguments();

  std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

Result<std::string> TypeParser::Name() {
  const Token& token = Peek();
  if (token.kind == TokenKind::kQuotedName) return tokens_[at_++].text;
  if (token.kind != TokenKind::kWord) return Unexpected();
  const Token& next = tokens_[at_ + 1];
  const bool not_ascii = std::any_of(token.text.begin(), token.text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80;
  });
  if (not_ascii || (next.kind == TokenKind::kSymbol && next.text == "-")) {
    const size_t end = text_.find_first_of(" \t\r\n,:<>", token.position);
    const std::string_view name = text_.substr(token.position, end - token.position);
    return Error(Fault::kUser,
                 "The unquoted identifier {0} is invalid and must be back quoted as: "
                 "`{0}`. "
                 "Unquoted identifiers can only contain ASCII letters, digits and "
                 "underbars.",
                 name)
        .Class("INVALID_IDENTIFIER", "42602")
        .Java(kParseException)
        .Param("ident", std::string(name));
  }
  return tokens_[at_++].text;
}

Result<FieldPtr> TypeParser::Field(bool colon_allowed) {
  MILLRACE_ASSIGN_OR_RETURN(std::string name, Name());
  if (colon_allowed) TakeSymbol(':');
  MILLRACE_ASSIGN_OR_RETURN(TypePtr type, Type());
  bool nullable = true;
  if (TakeWord("NOT")) {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("NULL"));
    nullable = false;
  }
  std::string metadata = "{}";
  if (TakeWord("COMMENT")) {
    if (Peek().kind != TokenKind::kString) return Unexpected();
    metadata = CommentMetadata(tokens_[at_++].text);
  }
  return MakeField(std::move(name), std::move(type), nullable, metadata);
}

Result<TypePtr> TypeParser::Type() {
  if (++depth_ > kMaxNesting) {
    return Error(Fault::kUser, "A data type is nested more than {} levels deep.",
                 kMaxNesting)
        .Class("UNSUPPORTED_DATATYPE", "0A000")
        .Java(kParseException);
  }
  Result<TypePtr> type = OneType();
  --depth_;
  return type;
}

Result<TypePtr> TypeParser::OneType() {
  if (Peek().kind != TokenKind::kWord) return Unexpected();
  const Token name = tokens_[at_++];
  const std::string word = Upper(name.text);
  if (word == "ARRAY" && AtSymbol('<')) {
    ++at_;
    MILLRACE_ASSIGN_OR_RETURN(TypePtr element, Type());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol('>'));
    return ArrayOf(std::move(element));
  }
  if (word == "MAP" && AtSymbol('<')) {
    ++at_;
    MILLRACE_ASSIGN_OR_RETURN(TypePtr key, Type());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol(','));
    MILLRACE_ASSIGN_OR_RETURN(TypePtr value, Type());
    MILLRACE_RETURN_IF_ERROR(ExpectSymbol('>'));
    return MapOf(std::move(key), std::move(value));
  }
  if (word == "STRUCT" && AtSymbol('<')) return Struct();
  if (word == "INTERVAL") return Interval();
  if (word == "TIMESTAMP") return Timestamp();
  if (word == "DECIMAL" || word == "DEC" || word == "NUMERIC") return Decimal();
  if (word == "STRING") return String();
  if (word == "CHAR" || word == "CHARACTER" || word == "VARCHAR") return Characters(name);

  struct Plain {
    std::string_view name;
    TypePtr (*type)();
  };
  static constexpr auto kInt8 = +[]() -> TypePtr { return arrow::int8(); };
  static constexpr auto kInt16 = +[]() -> TypePtr { return arrow::int16(); };
  static constexpr auto kFloat = +[]() -> TypePtr { return arrow::float32(); };
  static constexpr std::array kPlain = {Plain{"BOOLEAN", BooleanType},
                                        Plain{"BYTE", kInt8},
                                        Plain{"TINYINT", kInt8},
                                        Plain{"SHORT", kInt16},
                                        Plain{"SMALLINT", kInt16},
                                        Plain{"INT", IntType},
                                        Plain{"INTEGER", IntType},
                                        Plain{"LONG", LongType},
                                        Plain{"BIGINT", LongType},
                                        Plain{"FLOAT", kFloat},
                                        Plain{"REAL", kFloat},
                                        Plain{"DOUBLE", DoubleType},
                                        Plain{"BINARY", BinaryType},
                                        Plain{"DATE", DateType},
                                        Plain{"VOID", NullType},
                                        Plain{"TIMESTAMP_NTZ", TimestampNtzType},
                                        Plain{"TIMESTAMP_LTZ", TimestampType}};
  const auto* const plain = std::find_if(kPlain.begin(), kPlain.end(),
                                         [&](const Plain& p) { return p.name == word; });
  if (plain != kPlain.end() && !AtSymbol('(')) return plain->type();

  MILLRACE_ASSIGN_OR_RETURN(const std::vector<int> arguments, Arguments());
  const std::string full =
      arguments.empty() ? word : fmt::format("{}({})", word, fmt::join(arguments, ","));
  return UnsupportedType(full);
}

Result<TypePtr> TypeParser::Struct() {
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol('<'));
  arrow::FieldVector fields;
  if (TakeSymbol('>')) return TypePtr(arrow::struct_(std::move(fields)));
  do {
    MILLRACE_ASSIGN_OR_RETURN(FieldPtr field, Field(/*colon_allowed=*/true));
    fields.push_back(std::move(field));
  } while (TakeSymbol(','));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol('>'));
  return TypePtr(arrow::struct_(std::move(fields)));
}

Result<TypePtr> TypeParser::Interval() {
  static constexpr std::array<std::string_view, 6> kUnits = {"YEAR", "MONTH",  "DAY",
                                                             "HOUR", "MINUTE", "SECOND"};
  constexpr size_t kFirstOfDayTime = 2;
  const auto unit = [this]() -> std::optional<size_t> {
    for (size_t i = 0; i < kUnits.size(); ++i) {
      if (AtWord(kUnits[i])) return i;
    }
    return std::nullopt;
  };
  const std::optional<size_t> first = unit();
  if (!first) return UnsupportedType("INTERVAL");
  ++at_;
  size_t last = *first;
  if (AtWord("TO")) {
    const Token& to = Peek();
    ++at_;
    const std::optional<size_t> second = unit();
    if (!second || *second <= *first ||
        (*first < kFirstOfDayTime) != (*second < kFirstOfDayTime)) {
      return SyntaxError(text_, to.raw, to.position);
    }
    last = *second;
    ++at_;
  }
  const bool months = *first < kFirstOfDayTime;
  const size_t base = months ? 0 : kFirstOfDayTime;
  const IntervalFields fields{static_cast<int>(*first - base),
                              static_cast<int>(last - base)};
  return months ? YearMonthInterval(fields) : DayTimeInterval(fields);
}

Result<TypePtr> TypeParser::Timestamp() {
  if (AtSymbol('(')) {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<int> arguments, Arguments());
    return UnsupportedType(fmt::format("TIMESTAMP({})", fmt::join(arguments, ",")));
  }
  bool local = true;
  if (TakeWord("WITHOUT")) {
    local = false;
  } else if (TakeWord("WITH")) {
    MILLRACE_RETURN_IF_ERROR(ExpectWord("LOCAL"));
  } else {
    return TimestampType();
  }
  MILLRACE_RETURN_IF_ERROR(ExpectWord("TIME"));
  MILLRACE_RETURN_IF_ERROR(ExpectWord("ZONE"));
  return local ? TimestampType() : TimestampNtzType();
}

Result<TypePtr> TypeParser::Decimal() {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<int> arguments, Arguments());
  if (arguments.size() > 2) {
    return UnsupportedType(fmt::format("DECIMAL({})", fmt::join(arguments, ",")));
  }
  const int precision = arguments.empty() ? 10 : arguments[0];
  const int scale = arguments.size() < 2 ? 0 : arguments[1];
  if (scale > precision) {
    return Error(Fault::kUser,
                 "Decimal scale ({}) cannot be greater than precision ({}).", scale,
                 precision)
        .Class("_LEGACY_ERROR_TEMP_1228")
        .Java(kParseException)
        .Param("scale", fmt::to_string(scale))
        .Param("precision", fmt::to_string(precision));
  }
  if (precision > kMaxPrecision) {
    return Error(Fault::kUser, "Decimal precision {} exceeds max precision {}.",
                 precision, kMaxPrecision)
        .Class("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003")
        .Java(kArithmeticException)
        .Param("precision", fmt::to_string(precision))
        .Param("maxPrecision", fmt::to_string(kMaxPrecision));
  }
  if (precision < 1) return UnsupportedType("DECIMAL(0,0)");
  return DecimalOf(precision, scale);
}

Result<TypePtr> TypeParser::String() {
  if (AtSymbol('(')) {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<int> arguments, Arguments());
    return UnsupportedType(fmt::format("STRING({})", fmt::join(arguments, ",")));
  }
  if (TakeWord("COLLATE")) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string collation, Name());
    if (Upper(collation) != "UTF8_BINARY") {
      return UnsupportedType("STRING COLLATE " + collation);
    }
  }
  return StringType();
}

// The lengths of CHAR and VARCHAR are not enforced: Spark reads such columns as STRING
// too.
Result<TypePtr> TypeParser::Characters(const Token& name) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<int> arguments, Arguments());
  const std::string word = Upper(name.text);
  if (arguments.empty()) {
    return Error(Fault::kUser,
                 "DataType \"{0}\" requires a length parameter, for example \"{0}\"(10). "
                 "Please "
                 "specify the length.",
                 word)
        .Class("DATATYPE_MISSING_SIZE", "42K01")
        .Java(kParseException)
        .Param("type", fmt::format("\"{}\"", word));
  }
  if (arguments.size() > 1) {
    return UnsupportedType(fmt::format("{}({})", word, fmt::join(arguments, ",")));
  }
  return StringType();
}

// "(1, 2)", or nothing.
Result<std::vector<int>> TypeParser::Arguments() {
  std::vector<int> arguments;
  if (!TakeSymbol('(')) return arguments;
  do {
    const Token& token = Peek();
    int value = 0;
    if (token.kind != TokenKind::kNumber ||
        std::from_chars(token.raw.data(), token.raw.data() + token.raw.size(), value)
                .ec != std::errc()) {
      return Unexpected();
    }
    arguments.push_back(value);
    ++at_;
  } while (TakeSymbol(','));
  MILLRACE_RETURN_IF_ERROR(ExpectSymbol(')'));
  return arguments;
}

Result<SchemaPtr> AsSchema(const TypePtr& type, std::string_view text) {
  if (type->id() != arrow::Type::STRUCT) {
    return AnalysisError(
               "INVALID_SCHEMA.NON_STRUCT_TYPE", "42K07",
               "The input schema \"{}\" is not a valid schema string. The input "
               "expression should be evaluated to struct type, but got \"{}\".",
               text, SqlTypeName(*type))
        .Param("inputSchema", fmt::format("\"{}\"", text))
        .Param("dataType", fmt::format("\"{}\"", SqlTypeName(*type)));
  }
  return SchemaPtr(arrow::schema(type->fields()));
}

Result<SchemaPtr> ParseColumnList(std::string_view text) {
  MILLRACE_ASSIGN_OR_RETURN(TypeParser parser, TypeParser::Make(text));
  MILLRACE_ASSIGN_OR_RETURN(arrow::FieldVector fields, parser.WholeColumnList());
  return SchemaPtr(arrow::schema(std::move(fields)));
}

Result<TypePtr> ParseSingleType(std::string_view text) {
  MILLRACE_ASSIGN_OR_RETURN(TypeParser parser, TypeParser::Make(text));
  return parser.WholeType();
}

}  // namespace

Result<TypePtr> ParseType(std::string_view text) {
  Result<TypePtr> type = ParseSingleType(text);
  if (type.ok()) return type;
  // Spark's DataType.fromDDL also takes a column list, and otherwise reports the first
  // error.
  const Result<SchemaPtr> columns = ParseColumnList(text);
  if (!columns.ok()) return type.status();
  return TypePtr(arrow::struct_((*columns)->fields()));
}

Result<SchemaPtr> ParseDdl(std::string_view text) {
  Result<SchemaPtr> columns = ParseColumnList(text);
  if (columns.ok()) return columns;
  const Result<TypePtr> type = ParseSingleType(text);
  if (!type.ok() || (*type)->id() != arrow::Type::STRUCT) return columns.status();
  return AsSchema(*type, text);
}

Result<SchemaPtr> ParseSchema(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return ParseDdl(text);
  MILLRACE_ASSIGN_OR_RETURN(const TypePtr type, ParseTypeJson(text));
  return AsSchema(type, text);
}

}  // namespace millrace::data
