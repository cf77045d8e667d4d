// elt, mask, quote, str_to_map: texts chosen, hidden, quoted and taken apart.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/kernel.h"
#include "expr/lambda.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

// --- elt

Status NoSuchElement(int32_t index, size_t count) {
  return Error(Fault::kData,
               "The index {} is out of bounds. The array has {} elements. Use the SQL "
               "function `get()` to tolerate accessing element at invalid index and "
               "return NULL instead.",
               index, count)
      .Class("INVALID_ARRAY_INDEX", "22003")
      .Java("org.apache.spark.SparkArrayIndexOutOfBoundsException")
      .Param("indexValue", fmt::to_string(index))
      .Param("arraySize", fmt::to_string(count));
}

Result<Value> ChooseText(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<int32_t> places(in.args[0]);
  std::vector<Reader<Text>> texts;
  for (const Value& arg : in.args.subspan(1)) texts.emplace_back(arg);
  ViewBuilder out(rows);
  MILLRACE_RETURN_IF_ERROR(out.Allocate());
  for (int64_t row = 0; row < rows; ++row) {
    const bool null = places.IsNull(row);
    const int32_t place = null ? 1 : places[row];
    if (place < 1 || place > static_cast<int32_t>(texts.size())) {
      return NoSuchElement(place, texts.size());
    }
    const Reader<Text>& chosen = texts[static_cast<size_t>(place) - 1];
    if (null || chosen.IsNull(row)) {
      MILLRACE_RETURN_IF_ERROR(out.AppendNull());
    } else {
      out.Append(chosen[row]);
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), constant};
}

Bound BindElt(Args args, const BindContext&) {
  const bool binary = std::all_of(args.begin() + 1, args.end(), [](const ExprPtr& arg) {
    return arg->type()->id() == arrow::Type::BINARY_VIEW;
  });
  const data::TypePtr type = binary ? data::BinaryType() : data::StringType();
  return BindWith("elt", args, {data::IntType(), type}, type, ChooseText,
                  {.makes_nulls = true, .can_fail = true});
}

// --- mask

// What stands for upper and lower case letters, digits and all others; nothing: they
// stay.
using Masks = std::array<std::optional<std::string>, 4>;

size_t KindOf(Text character) {
  if (character[0] >= '0' && character[0] <= '9') return 2;
  std::string upper;
  std::string lower;
  AppendUpper(character, &upper);
  AppendLower(character, &lower);
  if (upper == character && lower != character) return 0;
  if (lower == character && upper != character) return 1;
  return 3;
}

void AppendMasked(Text text, const Masks& masks, std::string* out) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = SkipCharacters(text, at, 1);
    const Text character = text.substr(at, end - at);
    const std::optional<std::string>& mask = masks[KindOf(character)];
    if (!mask) {
      *out += character;
    } else {
      *out += *mask;
      if (character.size() == 4) *out += *mask;  // two characters in Java
    }
    at = end;
  }
}

Result<std::optional<std::string>> MaskOf(Args args, size_t index) {
  constexpr std::array<Text, 4> kNames = {"upperChar", "lowerChar", "digitChar",
                                          "otherChar"};
  constexpr std::array<Text, 4> kDefaults = {"X", "x", "n", ""};
  if (index >= args.size()) {
    if (kDefaults[index - 1].empty()) return std::optional<std::string>();
    return std::optional(std::string(kDefaults[index - 1]));
  }
  const auto* literal = dynamic_cast<const Literal*>(args[index].get());
  if (literal != nullptr && literal->is_null()) return std::optional<std::string>();
  std::optional<std::string> mask = StringLiteral(args[index]);
  if (mask && CountCharacters(*mask) == 1) return mask;
  const std::string sql = fmt::format("\"{}\"", SqlCallText("mask", args));
  if (!mask) {
    return AnalysisError("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09",
                         "Cannot resolve {} due to data type mismatch: the input `{}` "
                         "should be a foldable \"STRING\" expression; however, got "
                         "\"{}\".",
                         sql, kNames[index - 1], SqlText(*args[index]))
        .Param("sqlExpr", sql);
  }
  return AnalysisError("DATATYPE_MISMATCH.INPUT_SIZE_NOT_ONE", "42K09",
                       "Cannot resolve {} due to data type mismatch: Length of {} should "
                       "be 1.",
                       sql, kNames[index - 1])
      .Param("sqlExpr", sql)
      .Param("exprName", std::string(kNames[index - 1]));
}

Bound BindMask(Args args, const BindContext&) {
  Masks masks;
  for (size_t i = 0; i < masks.size(); ++i) {
    MILLRACE_ASSIGN_OR_RETURN(masks[i], MaskOf(args, i + 1));
  }
  return BindWith("mask", args.first(1), {data::StringType()}, data::StringType(),
                  TextKernel<Text>([masks](Text text, std::string* out) {
                    AppendMasked(text, masks, out);
                  }),
                  {.makes_nulls = true});
}

// --- quote

void AppendQuoted(Text text, std::string* out) {
  out->push_back('\'');
  for (const char c : text) {
    if (c == '\'') out->push_back('\\');
    out->push_back(c);
  }
  out->push_back('\'');
}

// --- str_to_map

// The map of the entries that split(text, pairs) gives, each split once more.
Bound BindStrToMap(Args args, const BindContext& context) {
  const ExprPtr pairs = args.size() > 1 ? args[1] : MakeString(",");
  const ExprPtr between = args.size() > 2 ? args[2] : MakeString(":");
  // No lambda around this call is that deep.
  constexpr size_t kPosition = 1'000'000;
  const auto entry = MakeLambdaParameter(kPosition, {data::StringType(), false});
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr parts,
                            MakeCall("split", {entry, between, MakeInt(2)}, context));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr key, MakeCall("get", {parts, MakeInt(0)}, context));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, MakeCall("get", {parts, MakeInt(1)}, context));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr both, MakeCall("struct", {key, value}, context));
  ExprPtr lambda = std::make_shared<Lambda>(
      std::vector<std::shared_ptr<const Column>>{entry}, std::move(both));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr list,
                            MakeCall("split", {args[0], pairs, MakeInt(-1)}, context));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr entries,
                            MakeCall("transform", {list, std::move(lambda)}, context));
  BoundFunction bound;
  MILLRACE_ASSIGN_OR_RETURN(bound.replacement,
                            MakeCall("map_from_entries", {entries}, context));
  return bound;
}

constexpr FunctionSpec kFunctions[] = {
    {"elt", 2, -1, BindElt, "The text at a place, counted from 1.",
     "elt(1, 'scala', 'java') → scala"},
    {"mask", 1, 5, BindMask,
     "The text with other characters in the place of upper and lower case letters, "
     "digits "
     "and the rest; with NULL they stay.",
     "mask('AbCD123-@$#') → XxXXnnn-@$#"},
    {"quote", 1, 1,
     [](Args args, const BindContext&) {
       return BindWith("quote", args, {data::StringType()}, data::StringType(),
                       TextKernel<Text>(AppendQuoted), {.makes_nulls = true});
     },
     "The text in single quotes; a backslash stands before those inside.",
     R"(quote('Don\'t') → 'Don\'t')"},
    {"str_to_map", 1, 3, BindStrToMap,
     "A map of a text's entries; what stands between them and within them are regular "
     "expressions.",
     "str_to_map('a:1,b:2,c:3', ',', ':') → {a -> 1, b -> 2, c -> 3}"},
};

}  // namespace

std::span<const FunctionSpec> TextShapeFunctions() { return kFunctions; }

}  // namespace millrace::expr
