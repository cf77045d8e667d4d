// Functions that look after bytes in texts that are not UTF-8, and to_binary.
#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

// How many bytes the character at the front has; 0: it is none, and `*broken` bytes of it
// are there (Unicode's maximal subpart).
size_t ValidLength(Text text, size_t* broken) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  *broken = 1;
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  const uint8_t least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (*broken = 2; *broken < length; ++*broken) {
    if ((byte(*broken) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Calls valid(characters) and broken(bytes) for the parts of a text, in their order.
template <typename Valid, typename Broken>
void VisitParts(Text text, Valid valid, Broken broken) {
  while (!text.empty()) {
    size_t bad = 0;
    const size_t length = ValidLength(text, &bad);
    if (length > 0) {
      valid(text.substr(0, length));
    } else {
      broken(text.substr(0, bad));
    }
    text.remove_prefix(length > 0 ? length : bad);
  }
}

bool IsValid(Text text) {
  bool all = true;
  VisitParts(
      text, [](Text) {}, [&](Text) { all = false; });
  return all;
}

void AppendRepaired(Text text, std::string* out) {
  VisitParts(
      text, [&](Text character) { *out += character; },
      [&](Text) { *out += "\xEF\xBF\xBD"; });
}

Status CopyValid(Text text, std::string* out) {
  if (IsValid(text)) {
    *out += text;
    return Status::OK();
  }
  std::string shown;
  VisitParts(
      text, [&](Text character) { shown += character; },
      [&](Text bytes) {
        for (const char c : bytes) {
          fmt::format_to(std::back_inserter(shown), "\\x{:02X}", static_cast<uint8_t>(c));
        }
      });
  return Error(Fault::kData, "Invalid UTF8 byte sequence found in string: {}.", shown)
      .Class("INVALID_UTF8_STRING", "22029")
      .Java("org.apache.spark.SparkIllegalArgumentException")
      .Param("str", shown);
}

// --- to_binary

Error NotInFormat(Text value, Text format) {
  const std::string shown = fmt::format("'{}'", value);
  return Error(
             Fault::kData,
             "The value {} ('{}') cannot be converted to \"BINARY\" because it is "
             "malformed. Correct the value as per the syntax, or change its format. Use "
             "`try_to_binary` to tolerate malformed input and return NULL instead.",
             shown, format)
      .Class("CONVERSION_INVALID_INPUT", "22018")
      .Java("org.apache.spark.SparkIllegalArgumentException")
      .Param("str", shown)
      .Param("fmt", fmt::format("'{}'", format))
      .Param("targetType", "\"BINARY\"")
      .Param("suggestion", "`try_to_binary`");
}

bool IsHex(Text text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == Text::npos;
}

// Whether unbase64 can read it, by the rules of Spark's UnBase64.isValidBase64.
bool IsBase64(Text text) {
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    const char lower = LowerCase(c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
        c == '/') {
      if (padding > 0) return false;
      ++digits;
    } else if (c == '=') {
      ++padding;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      return false;
    }
  }
  const size_t rest = digits % 4;
  return padding == 0 ? rest != 1 : padding <= 2 && (digits + padding) % 4 == 0;
}

// `function` over the values that are right; the others fail, or give null where `tries`.
Bound BindChecked(Text name, Args args, bool tries, Text format, bool (*is_right)(Text),
                  Text function, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text, CastTo(name, args, 0, data::StringType()));
  const std::string format_name(format);
  ExprPtr checked = MakeCall(
      std::string(name),
      MakeBound({std::move(text)}, data::StringType(),
                TextKernel<Text>([=](Text value, std::string* out) -> Result<bool> {
                  if (!is_right(value) && !tries) return NotInFormat(value, format_name);
                  *out += value;
                  return is_right(value);
                }),
                {.makes_nulls = tries, .can_fail = !tries}));
  BoundFunction bound;
  MILLRACE_ASSIGN_OR_RETURN(bound.replacement,
                            MakeCall(function, {std::move(checked)}, context));
  return bound;
}

Bound BindToBinary(Text name, Args args, bool tries, const BindContext& context) {
  std::string format = "hex";
  if (args.size() > 1) {
    const std::optional<std::string> given = StringLiteral(args[1]);
    if (!given) {
      const auto* literal = dynamic_cast<const Literal*>(args[1].get());
      if (literal != nullptr && literal->is_null()) {
        BoundFunction bound;
        bound.replacement = MakeNull(data::BinaryType());
        return bound;
      }
      return AnalysisError("NON_FOLDABLE_ARGUMENT", "42K08",
                           "The function `{}` requires the parameter `fmt` to be a "
                           "foldable expression of the type \"STRING\", but the actual "
                           "argument is a non-foldable.",
                           name);
    }
    format = LowerCase(*given);
  }
  if (format == "hex") {
    return BindChecked(name, args, tries, "HEX", IsHex, "unhex", context);
  }
  if (format == "base64") {
    return BindChecked(name, args, tries, "BASE64", IsBase64, "unbase64", context);
  }
  if (format == "utf-8" || format == "utf8") {
    BoundFunction bound;
    MILLRACE_ASSIGN_OR_RETURN(
        bound.replacement, MakeCall("encode", {args[0], MakeString("UTF-8")}, context));
    return bound;
  }
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  return AnalysisError(
             "DATATYPE_MISMATCH.INVALID_ARG_VALUE", "42K09",
             "Cannot resolve {} due to data type mismatch: The `fmt` value must "
             "to be a case-insensitive \"STRING\" literal of 'hex', 'utf-8', "
             "'utf8', or 'base64', but got '{}'.",
             sql, format)
      .Param("sqlExpr", sql);
}

constexpr FunctionSpec kFunctions[] = {
    {"is_valid_utf8", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("is_valid_utf8", args, {data::StringType()}, data::BooleanType(),
                       UnaryKernel<Text, bool>(IsValid), {.makes_nulls = true});
     },
     "Whether a string is UTF-8.", "is_valid_utf8('Spark') → true"},
    {"make_valid_utf8", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("make_valid_utf8", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(AppendRepaired), {.makes_nulls = true});
     },
     "The string with U+FFFD in the place of what is not UTF-8.",
     "make_valid_utf8('Spark') → Spark"},
    {"to_binary", 1, 2,
     [](Args args, const BindContext& context) {
       return BindToBinary("to_binary", args, false, context);
     },
     "The binary that a text stands for in hex, base64 or utf-8.",
     "to_binary('abc', 'utf-8') → abc"},
    {"try_to_binary", 1, 2,
     [](Args args, const BindContext& context) {
       return BindToBinary("try_to_binary", args, true, context);
     },
     "As to_binary; null where that fails.", "try_to_binary('a!', 'base64') → NULL"},
    {"try_validate_utf8", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("try_validate_utf8", args, {data::StringType()},
                       data::StringType(),
                       TextKernel<Text>([](Text text, std::string* out) {
                         *out += text;
                         return IsValid(text);
                       }),
                       {.makes_nulls = true});
     },
     "The string; null if it is not UTF-8.", "try_validate_utf8('Spark') → Spark"},
    {"validate_utf8", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("validate_utf8", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(CopyValid),
                       {.makes_nulls = true, .can_fail = true});
     },
     "The string; an error if it is not UTF-8.", "validate_utf8('Spark') → Spark"},
};

}  // namespace

std::span<const FunctionSpec> Utf8Functions() { return kFunctions; }

}  // namespace millrace::expr
