#include "connectors/file/json_schema.h"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <utility>

#include <arrow/type.h>

#include "base/error.h"

namespace millrace::connectors::file {
namespace {

namespace dom = simdjson::dom;

enum class Kind { kNull, kBoolean, kLong, kDecimal, kDouble, kString, kArray, kStruct };

/// A type as far as it is known.
struct Shape {
  Kind kind = Kind::kNull;
  int integer_digits = 0;  // of decimals
  int scale = 0;
  std::unique_ptr<Shape> element;       // of arrays
  std::map<std::string, Shape> fields;  // of structs
};

Shape Of(Kind kind) {
  Shape shape;
  shape.kind = kind;
  return shape;
}

Shape Decimal(int integer_digits, int scale) {
  Shape shape = Of(Kind::kDecimal);
  shape.integer_digits = integer_digits;
  shape.scale = scale;
  return shape;
}

void Widen(Shape* shape, Shape other) {
  if (other.kind == Kind::kNull) return;
  if (shape->kind == Kind::kNull) {
    *shape = std::move(other);
    return;
  }
  auto is_number = [](Kind kind) { return kind >= Kind::kLong && kind <= Kind::kDouble; };
  if (shape->kind == other.kind) {
    if (shape->kind == Kind::kDecimal) {
      shape->integer_digits = std::max(shape->integer_digits, other.integer_digits);
      shape->scale = std::max(shape->scale, other.scale);
      if (shape->integer_digits + shape->scale > 38) *shape = Of(Kind::kDouble);
    } else if (shape->kind == Kind::kArray) {
      Widen(shape->element.get(), std::move(*other.element));
    } else if (shape->kind == Kind::kStruct) {
      for (auto& [name, field] : other.fields)
        Widen(&shape->fields[name], std::move(field));
    }
  } else if (is_number(shape->kind) && is_number(other.kind)) {
    if (shape->kind == Kind::kDouble || other.kind == Kind::kDouble) {
      *shape = Of(Kind::kDouble);
    } else {
      if (shape->kind == Kind::kLong) *shape = Decimal(20, 0);
      Widen(shape, other.kind == Kind::kLong ? Decimal(20, 0) : std::move(other));
    }
  } else {
    *shape = Of(Kind::kString);
  }
}

Shape ShapeOf(const dom::element& value, const JsonSchemaOptions& options) {
  switch (value.type()) {
    case dom::element_type::NULL_VALUE:
      return Of(Kind::kNull);
    case dom::element_type::ARRAY: {
      Shape shape = Of(Kind::kArray);
      shape.element = std::make_unique<Shape>();
      for (const dom::element element : dom::array(value)) {
        Widen(shape.element.get(), ShapeOf(element, options));
      }
      return shape;
    }
    case dom::element_type::OBJECT: {
      Shape shape = Of(Kind::kStruct);
      for (const dom::key_value_pair field : dom::object(value)) {
        Widen(&shape.fields[std::string(field.key)], ShapeOf(field.value, options));
      }
      return shape;
    }
    case dom::element_type::STRING: {
      // Spark takes an empty string for a missing value here.
      return std::string_view(value).empty() ? Of(Kind::kNull) : Of(Kind::kString);
    }
    default:
      break;
  }
  if (options.primitives_as_string) return Of(Kind::kString);
  switch (value.type()) {
    case dom::element_type::BOOL:
      return Of(Kind::kBoolean);
    case dom::element_type::INT64:
      return Of(Kind::kLong);
    case dom::element_type::UINT64:
      return Decimal(20, 0);
    default:
      return Of(Kind::kDouble);
  }
}

/// Nothing for a struct without fields, which Spark leaves out.
data::TypePtr TypeOf(const Shape& shape) {
  switch (shape.kind) {
    case Kind::kBoolean:
      return data::BooleanType();
    case Kind::kLong:
      return data::LongType();
    case Kind::kDecimal:
      return data::DecimalOf(std::max(1, shape.integer_digits + shape.scale),
                             shape.scale);
    case Kind::kDouble:
      return data::DoubleType();
    case Kind::kArray: {
      data::TypePtr element = TypeOf(*shape.element);
      return element == nullptr ? nullptr : data::ArrayOf(std::move(element));
    }
    case Kind::kStruct: {
      arrow::FieldVector fields;
      for (const auto& [name, field] : shape.fields) {
        if (data::TypePtr type = TypeOf(field))
          fields.push_back(arrow::field(name, type));
      }
      return fields.empty() ? nullptr : arrow::struct_(std::move(fields));
    }
    case Kind::kNull:
    case Kind::kString:
      break;
  }
  return data::StringType();
}

}  // namespace

struct JsonSchemaInference::State {
  JsonSchemaOptions options;
  dom::parser parser;
  Shape root = Of(Kind::kStruct);

  Status Malformed(std::string_view document) {
    if (options.fail_fast) {
      return Error(Fault::kData,
                   "Malformed records are detected in schema inference. Parse Mode: "
                   "FAILFAST. "
                   "Found: {}",
                   document.substr(0, 200))
          .Class("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023")
          .Java(kSparkException);
    }
    if (!options.corrupt_column.empty()) {
      root.fields[options.corrupt_column] = Of(Kind::kString);
    }
    return Status::OK();
  }
};

JsonSchemaInference::JsonSchemaInference(JsonSchemaOptions options)
    : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}

JsonSchemaInference::~JsonSchemaInference() = default;

Status JsonSchemaInference::Add(std::string_view document) {
  if (document.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Status::OK();
  dom::element root;
  if (state_->parser.parse(document.data(), document.size()).get(root) !=
      simdjson::SUCCESS) {
    return state_->Malformed(document);
  }
  if (root.is_array()) {
    for (const dom::element row : dom::array(root)) {
      if (row.is_object()) {
        Widen(&state_->root, ShapeOf(row, state_->options));
      } else {
        MILLRACE_RETURN_IF_ERROR(state_->Malformed(document));
      }
    }
    return Status::OK();
  }
  if (!root.is_object()) return state_->Malformed(document);
  Widen(&state_->root, ShapeOf(root, state_->options));
  return Status::OK();
}

data::SchemaPtr JsonSchemaInference::Finish() const {
  const data::TypePtr type = TypeOf(state_->root);
  return arrow::schema(type == nullptr ? arrow::FieldVector{} : type->fields());
}

}  // namespace millrace::connectors::file
