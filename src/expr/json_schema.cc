#include "expr/json_schema.h"

#include <algorithm>

#include <arrow/type.h>

#include "base/error.h"
#include "expr/decimal.h"
#include "expr/json_chars.h"
#include "expr/json_converter.h"
#include "expr/json_number.h"
#include "expr/json_tokens.h"

namespace millrace::expr {
namespace {

using arrow::Type;

// Merging goes as deep as documents nest.
class Inference {
 public:
  Inference(const JsonReadOptions& options, const JsonInferOptions& infer)
      : options_(options), infer_(infer), tokens_(SyntaxOf(options)) {}

  Result<data::TypePtr> Infer(std::string_view document) {
    tokens_.Reset(document);
    if (tokens_.Next() == JsonToken::kError) return Malformed();
    return TypeOfValue();
  }

 private:
  Result<data::TypePtr> TypeOfValue();
  Result<data::TypePtr> TypeOfObject();
  Result<data::TypePtr> TypeOfArray();
  Result<data::TypePtr> TypeOfString();
  data::TypePtr TypeOfNumber(bool is_float) const;

  Error Malformed() const {
    return Error(Fault::kUser,
                 "The JSON text whose schema is wanted is malformed near byte {}.",
                 tokens_.position() - tokens_.begin())
        .Java("com.fasterxml.jackson.core.JsonParseException");
  }

  const JsonReadOptions& options_;
  const JsonInferOptions& infer_;
  JsonTokens tokens_;
};

// The decimal type a number has by its digits, if there is one.
data::TypePtr DecimalTypeOf(const DecimalText& number) {
  std::string digits = std::string(number.integral) + std::string(number.fraction);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const int64_t precision = static_cast<int64_t>(digits.size());
  const int64_t scale = static_cast<int64_t>(number.fraction.size()) - number.exponent;
  if (scale < 0 || std::max(precision, scale) > 38) return nullptr;
  return data::DecimalOf(static_cast<int>(std::max(precision, scale)),
                         static_cast<int>(scale));
}

data::TypePtr Merge(const data::TypePtr& a, const data::TypePtr& b);

data::TypePtr MergeStructs(const arrow::DataType& a, const arrow::DataType& b) {
  arrow::FieldVector merged;
  int i = 0;
  int j = 0;
  while (i < a.num_fields() && j < b.num_fields()) {
    const int order = a.field(i)->name().compare(b.field(j)->name());
    if (order == 0) {
      merged.push_back(
          a.field(i)->WithType(Merge(a.field(i)->type(), b.field(j)->type())));
      ++i;
      ++j;
    } else {
      merged.push_back(order < 0 ? a.field(i++) : b.field(j++));
    }
  }
  while (i < a.num_fields()) merged.push_back(a.field(i++));
  while (j < b.num_fields()) merged.push_back(b.field(j++));
  return arrow::struct_(std::move(merged));
}

// JsonInferSchema.compatibleType.
data::TypePtr Merge(const data::TypePtr& a, const data::TypePtr& b) {
  if (a->id() == Type::NA) return b;
  if (b->id() == Type::NA || a->Equals(*b)) return a;
  const auto is_number = [](const data::TypePtr& type) {
    return type->id() == Type::INT64 || type->id() == Type::DOUBLE ||
           type->id() == Type::DECIMAL128;
  };
  if (is_number(a) && is_number(b)) {
    if (a->id() == Type::DOUBLE || b->id() == Type::DOUBLE) return data::DoubleType();
    const DecimalShape x = DecimalShape::OfNumber(*a);
    const DecimalShape y = DecimalShape::OfNumber(*b);
    const int scale = std::max(x.scale, y.scale);
    const int digits = std::max(x.integral_digits(), y.integral_digits());
    if (digits + scale > 38) return data::DoubleType();
    return data::DecimalOf(digits + scale, scale);
  }
  if (a->id() == Type::STRUCT && b->id() == Type::STRUCT) return MergeStructs(*a, *b);
  if (a->id() == Type::LIST && b->id() == Type::LIST) {
    return data::ArrayOf(Merge(a->field(0)->type(), b->field(0)->type()));
  }
  return data::StringType();
}

// Nothing where all that a type holds is left out; JsonInferSchema.canonicalizeType.
data::TypePtr Canonical(const data::TypePtr& type, bool drop_nulls) {
  switch (type->id()) {
    case Type::LIST: {
      const data::TypePtr element = Canonical(type->field(0)->type(), drop_nulls);
      return element == nullptr ? nullptr : data::ArrayOf(element);
    }
    case Type::STRUCT: {
      arrow::FieldVector fields;
      for (const data::FieldPtr& field : type->fields()) {
        if (field->name().empty()) continue;
        const data::TypePtr kept = Canonical(field->type(), drop_nulls);
        if (kept != nullptr) fields.push_back(field->WithType(kept));
      }
      return fields.empty() ? nullptr : arrow::struct_(std::move(fields));
    }
    case Type::NA:
      return drop_nulls ? nullptr : data::StringType();
    default:
      return type;
  }
}

Result<data::TypePtr> Inference::TypeOfValue() {
  switch (tokens_.current()) {
    case JsonToken::kNone:
    case JsonToken::kNull:
      return data::NullType();
    case JsonToken::kName:
      if (tokens_.Next() == JsonToken::kError) return Malformed();
      return TypeOfValue();
    case JsonToken::kString:
      return TypeOfString();
    case JsonToken::kStartObject:
      return TypeOfObject();
    case JsonToken::kStartArray:
      return TypeOfArray();
    case JsonToken::kInt:
    case JsonToken::kFloat:
      if (options_.primitives_as_string) return data::StringType();
      return TypeOfNumber(tokens_.current() == JsonToken::kFloat);
    case JsonToken::kTrue:
    case JsonToken::kFalse:
      return options_.primitives_as_string ? data::StringType() : data::BooleanType();
    default:
      return Malformed();
  }
}

Result<data::TypePtr> Inference::TypeOfString() {
  if (!tokens_.FinishString()) return Malformed();
  const std::string_view text = tokens_.text();
  if (text.empty()) return data::NullType();
  if (options_.prefers_decimal) {
    std::string digits(text);
    std::erase(digits, ',');
    const std::optional<DecimalText> number = ParseDecimalText(digits);
    const data::TypePtr type = number ? DecimalTypeOf(*number) : nullptr;
    if (type != nullptr) return type;
  }
  if (infer_.timestamps) {
    const bool is_timestamp =
        options_.timestamp_format != nullptr
            ? options_.timestamp_format->Parse(text, *options_.zone).has_value()
            : data::ParseTimestamp(text, *options_.zone, 0).has_value();
    if (is_timestamp) return data::TimestampType();
  }
  return data::StringType();
}

data::TypePtr Inference::TypeOfNumber(bool is_float) const {
  const std::string_view text = tokens_.text();
  if (!is_float && ParseJsonLong(text)) return data::LongType();
  if ((is_float && !options_.prefers_decimal) || tokens_.is_nan()) {
    return data::DoubleType();
  }
  const std::optional<DecimalText> number = ParseDecimalText(text);
  const data::TypePtr type = number ? DecimalTypeOf(*number) : nullptr;
  return type != nullptr ? type : data::DoubleType();
}

Result<data::TypePtr> Inference::TypeOfObject() {
  arrow::FieldVector fields;
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError) return Malformed();
    if (token == JsonToken::kEndObject || token == JsonToken::kNone) break;
    std::string name(tokens_.name());
    ReplaceLoneSurrogates(&name);
    MILLRACE_ASSIGN_OR_RETURN(data::TypePtr type, TypeOfValue());
    fields.push_back(arrow::field(std::move(name), std::move(type)));
  }
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return arrow::struct_(std::move(fields));
}

Result<data::TypePtr> Inference::TypeOfArray() {
  data::TypePtr element = data::NullType();
  while (true) {
    const JsonToken token = tokens_.Next();
    if (token == JsonToken::kError) return Malformed();
    if (token == JsonToken::kEndArray || token == JsonToken::kNone) break;
    MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type, TypeOfValue());
    element = Merge(element, type);
  }
  return data::ArrayOf(element);
}

}  // namespace

Result<data::TypePtr> InferJsonType(std::string_view document,
                                    const JsonReadOptions& options,
                                    const JsonInferOptions& infer) {
  MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type,
                            Inference(options, infer).Infer(document));
  const data::TypePtr canonical = Canonical(type, infer.drop_null_fields);
  if (canonical != nullptr) return canonical;
  if (type->id() == Type::STRUCT) return arrow::struct_({});
  if (type->id() == Type::LIST && type->field(0)->type()->id() == Type::STRUCT) {
    return data::ArrayOf(arrow::struct_({}));
  }
  return data::StringType();
}

data::TypePtr AsNullable(const data::TypePtr& type) {
  switch (type->id()) {
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const data::FieldPtr& field : type->fields()) {
        fields.push_back(field->WithType(AsNullable(field->type()))->WithNullable(true));
      }
      return arrow::struct_(std::move(fields));
    }
    case arrow::Type::LIST:
      return data::ArrayOf(AsNullable(type->field(0)->type()));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      return data::MapOf(AsNullable(map.key_type()), AsNullable(map.item_type()));
    }
    default:
      return type;
  }
}

}  // namespace millrace::expr
