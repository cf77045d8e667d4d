// Spark's JSON of types: org.apache.spark.sql.types.DataType.json and fromJson.
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/type_metadata.h"
#include "data/types.h"

namespace millrace::data {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void AppendType(const arrow::DataType& type, std::string* out);

void AppendFields(const arrow::FieldVector& fields, std::string* out) {
  *out += R"({"type":"struct","fields":[)";
  bool first = true;
  for (const FieldPtr& field : fields) {
    if (!first) *out += ',';
    first = false;
    *out += R"({"name":)";
    *out += Dump(Json(field->name()));
    *out += R"(,"type":)";
    AppendType(*field->type(), out);
    *out += field->nullable() ? R"(,"nullable":true,"metadata":)"
                              : R"(,"nullable":false,"metadata":)";
    *out += FieldMetadataJson(*field);
    *out += '}';
  }
  *out += "]}";
}

void AppendType(const arrow::DataType& type, std::string* out) {
  switch (type.id()) {
    case arrow::Type::LIST:
      *out += R"({"type":"array","elementType":)";
      AppendType(*type.field(0)->type(), out);
      *out += R"(,"containsNull":)";
      *out += type.field(0)->nullable() ? "true}" : "false}";
      break;
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      *out += R"({"type":"map","keyType":)";
      AppendType(*map.key_type(), out);
      *out += R"(,"valueType":)";
      AppendType(*map.item_type(), out);
      *out += R"(,"valueContainsNull":)";
      *out += map.item_field()->nullable() ? "true}" : "false}";
      break;
    }
    case arrow::Type::STRUCT:
      AppendFields(type.fields(), out);
      break;
    default:
      *out += '"';
      *out += JsonTypeName(type);
      *out += '"';
  }
}

Error InvalidJsonType(std::string_view text) {
  return ArgumentError(
             "Failed to convert the JSON string '{}' to a data type. Please enter a "
             "valid data "
             "type.",
             text)
      .Class("INVALID_JSON_DATA_TYPE", "2203G")
      .Param("invalidType", std::string(text));
}

// Reads "decimal(p,s)"; the plain "decimal" is (10,0).
Result<TypePtr> ReadDecimal(std::string_view name) {
  if (name == "decimal") return DecimalOf(10, 0);
  int precision = 0;
  int scale = 0;
  const char* const end = name.data() + name.size();
  const auto first =
      std::from_chars(name.data() + std::string_view("decimal(").size(), end, precision);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ',')
    return InvalidJsonType(name);
  const char* second_begin = first.ptr + 1;
  while (second_begin != end && *second_begin == ' ') ++second_begin;
  const auto second = std::from_chars(second_begin, end, scale);
  if (second.ec != std::errc() || second.ptr + 1 != end || *second.ptr != ')') {
    return InvalidJsonType(name);
  }
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
    return InvalidJsonType(name);
  }
  return DecimalOf(precision, scale);
}

Result<TypePtr> ReadAtomic(const std::string& name) {
  if (name == "void" || name == "null") return NullType();
  if (name == "boolean") return BooleanType();
  if (name == "byte") return TypePtr(arrow::int8());
  if (name == "short") return TypePtr(arrow::int16());
  if (name == "integer") return IntType();
  if (name == "long") return LongType();
  if (name == "float") return TypePtr(arrow::float32());
  if (name == "double") return DoubleType();
  if (name == "string") return StringType();
  if (name == "binary") return BinaryType();
  if (name == "date") return DateType();
  if (name == "timestamp" || name == "timestamp_ltz") return TimestampType();
  if (name == "timestamp_ntz") return TimestampNtzType();
  if (name == "decimal" || name.starts_with("decimal(")) return ReadDecimal(name);
  // The rest is spelled as in DDL: intervals, char(n), varchar(n).
  if (name.starts_with("interval") || name.starts_with("char(") ||
      name.starts_with("varchar(")) {
    return ParseType(name);
  }
  return InvalidJsonType(name);
}

// Deeper than any real type; keeps hostile texts from using up the stack.
constexpr int kMaxNesting = 100;

Result<TypePtr> ReadType(const Json& json, int depth);

Result<TypePtr> ReadStruct(const Json& json, int depth) {
  const auto fields = json.find("fields");
  if (fields == json.end() || !fields->is_array()) return InvalidJsonType(Dump(json));
  arrow::FieldVector out;
  for (const Json& field : *fields) {
    if (!field.is_object() || !field.contains("name") || !field["name"].is_string() ||
        !field.contains("type")) {
      return InvalidJsonType(Dump(field));
    }
    bool nullable = true;
    if (const auto found = field.find("nullable"); found != field.end()) {
      if (!found->is_boolean()) return InvalidJsonType(Dump(field));
      nullable = found->get<bool>();
    }
    std::string metadata = "{}";
    if (const auto found = field.find("metadata"); found != field.end()) {
      if (!found->is_object() && !found->is_null()) return InvalidJsonType(Dump(field));
      if (found->is_object()) metadata = Dump(*found);
    }
    MILLRACE_ASSIGN_OR_RETURN(TypePtr type, ReadType(field["type"], depth + 1));
    out.push_back(
        MakeField(field["name"].get<std::string>(), std::move(type), nullable, metadata));
  }
  return TypePtr(arrow::struct_(std::move(out)));
}

bool BooleanOr(const Json& json, const char* key, bool fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

Result<TypePtr> ReadType(const Json& json, int depth) {
  if (depth > kMaxNesting) return InvalidJsonType("nested too deep");
  if (json.is_string()) return ReadAtomic(json.get<std::string>());
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string()) {
    return InvalidJsonType(Dump(json));
  }
  const std::string kind = json["type"].get<std::string>();
  if (kind == "struct") return ReadStruct(json, depth);
  if (kind == "array" && json.contains("elementType")) {
    MILLRACE_ASSIGN_OR_RETURN(TypePtr element, ReadType(json["elementType"], depth + 1));
    return ArrayOf(std::move(element), BooleanOr(json, "containsNull", true));
  }
  if (kind == "map" && json.contains("keyType") && json.contains("valueType")) {
    MILLRACE_ASSIGN_OR_RETURN(TypePtr key, ReadType(json["keyType"], depth + 1));
    MILLRACE_ASSIGN_OR_RETURN(TypePtr value, ReadType(json["valueType"], depth + 1));
    return MapOf(std::move(key), std::move(value),
                 BooleanOr(json, "valueContainsNull", true));
  }
  return InvalidJsonType(Dump(json));
}

}  // namespace

std::string TypeToJson(const arrow::DataType& type) {
  std::string text;
  AppendType(type, &text);
  return text;
}

std::string SchemaToJson(const arrow::Schema& schema) {
  std::string text;
  AppendFields(schema.fields(), &text);
  return text;
}

Result<TypePtr> ParseTypeJson(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return InvalidJsonType(json);
  return ReadType(parsed, 0);
}

std::string FieldMetadataJson(const arrow::Field& field) {
  if (!field.HasMetadata()) return "{}";
  const int index = field.metadata()->FindKey(kSparkMetadataKey);
  return index < 0 ? "{}" : field.metadata()->value(index);
}

std::optional<std::string> FieldComment(const arrow::Field& field) {
  const std::string metadata = FieldMetadataJson(field);
  if (metadata == "{}") return std::nullopt;
  const Json parsed = Json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("comment") ||
      !parsed["comment"].is_string()) {
    return std::nullopt;
  }
  return parsed["comment"].get<std::string>();
}

FieldPtr MakeField(std::string name, TypePtr type, bool nullable,
                   std::string_view metadata_json) {
  if (metadata_json == "{}")
    return arrow::field(std::move(name), std::move(type), nullable);
  return arrow::field(
      std::move(name), std::move(type), nullable,
      arrow::KeyValueMetadata::Make({kSparkMetadataKey}, {std::string(metadata_json)}));
}

std::string CommentMetadata(std::string_view comment) {
  Json json = Json::object();
  json["comment"] = std::string(comment);
  return Dump(json);
}

}  // namespace millrace::data
