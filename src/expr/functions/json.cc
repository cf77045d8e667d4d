// from_json to_json schema_of_json get_json_object json_array_length json_object_keys
#include <mutex>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/type.h>

#include "base/error.h"
#include "data/arrow_status.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/json_path.h"
#include "expr/json_reader.h"
#include "expr/json_schema.h"
#include "expr/json_writer.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Bound = Result<BoundFunction>;
using Args = std::span<const ExprPtr>;

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

Error Mismatch(std::string_view kind, const std::string& sql, std::string_view problem) {
  return AnalysisError(fmt::format("DATATYPE_MISMATCH.{}", kind), "42K09",
                       "Cannot resolve {} due to data type mismatch: {}", Quoted(sql),
                       problem)
      .Param("sqlExpr", Quoted(sql));
}

Error InvalidJsonSchema(const std::string& sql, const arrow::DataType& type) {
  const std::string schema = Quoted(data::SqlTypeName(type));
  return Mismatch("INVALID_JSON_SCHEMA", sql,
                  fmt::format(
                      "Input schema {} must be a struct, an array, a map or a variant.",
                      schema))
      .Param("schema", schema);
}

bool IsJsonRoot(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRUCT || type.id() == arrow::Type::LIST ||
         type.id() == arrow::Type::MAP;
}

/// Whether some type inside `type` fulfils a condition.
template <typename F>
bool Holds(const arrow::DataType& type, F&& condition) {
  if (condition(type)) return true;
  for (const data::FieldPtr& field : type.fields()) {
    if (Holds(*field->type(), condition)) return true;
  }
  return false;
}

bool IsMapWithoutTextKeys(const arrow::DataType& type) {
  return type.id() == arrow::Type::MAP &&
         !data::IsString(*static_cast<const arrow::MapType&>(type).key_type());
}

// The options of a call: map('key', 'value', …). ExprUtils.convertToMapData.
Result<Options> OptionsOf(const ExprPtr& arg) {
  const auto* literal = dynamic_cast<const Literal*>(arg.get());
  if (literal == nullptr || arg->type()->id() != arrow::Type::MAP || literal->is_null()) {
    return AnalysisError("INVALID_OPTIONS.NON_MAP_FUNCTION", "42K06",
                         "Invalid options: Must use the `map()` function for options.");
  }
  const auto& map = static_cast<const arrow::MapArray&>(*literal->value());
  const int64_t begin = map.value_offset(0);
  const int64_t end = map.value_offset(1);
  if (begin == end) return Options();
  const auto& type = static_cast<const arrow::MapType&>(*arg->type());
  if (!data::IsString(*type.key_type()) || !data::IsString(*type.item_type())) {
    const std::string found = Quoted(data::SqlTypeName(type));
    return AnalysisError("INVALID_OPTIONS.NON_STRING_TYPE", "42K06",
                         "Invalid options: A type of keys and values in `map()` must be "
                         "string, but got {}.",
                         found)
        .Param("mapType", found);
  }
  const auto& keys = static_cast<const arrow::StringViewArray&>(*map.keys());
  const auto& values = static_cast<const arrow::StringViewArray&>(*map.items());
  std::map<std::string, std::string> options;
  for (int64_t i = begin; i < end; ++i) {
    options.insert_or_assign(std::string(keys.GetView(i)),
                             values.IsNull(i) ? "null" : std::string(values.GetView(i)));
  }
  return Options(options);
}

Result<Options> OptionsOf(Args args, size_t index) {
  return index < args.size() ? OptionsOf(args[index]) : Result<Options>(Options());
}

// A type, a list of columns, or Spark's JSON of a type. ExprUtils.evalTypeExpr.
Result<data::TypePtr> SchemaOf(const ExprPtr& arg) {
  const std::optional<std::string> text = StringLiteral(arg);
  if (!text) {
    const std::string found = Quoted(SqlText(*arg));
    return AnalysisError("INVALID_SCHEMA.NON_STRING_LITERAL", "42K07",
                         "The input schema {} is not a valid schema string. The input "
                         "expression must be string literal and not null.",
                         found)
        .Param("inputSchema", found);
  }
  if (Result<data::TypePtr> type = data::ParseType(*text); type.ok()) return type;
  const Result<data::SchemaPtr> columns = data::ParseDdl(*text);
  if (columns.ok()) return arrow::struct_((*columns)->fields());
  if (Result<data::TypePtr> type = data::ParseTypeJson(*text); type.ok()) return type;
  return columns.status();
}

/// Readers for the threads that evaluate one call; taken and given back once a batch.
class ReaderPool {
 public:
  ReaderPool(data::TypePtr type, JsonReadOptions options)
      : type_(std::move(type)), options_(std::move(options)) {}

  Result<data::ArrayPtr> Read(const arrow::Array& documents, int64_t now_micros) {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<JsonReader> reader, Take());
    Result<data::ArrayPtr> read = reader->Read(documents, now_micros);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(reader));
    return read;
  }

 private:
  Result<std::unique_ptr<JsonReader>> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<JsonReader> reader = std::move(free_.back());
        free_.pop_back();
        return reader;
      }
    }
    return JsonReader::Make(type_, options_);
  }

  const data::TypePtr type_;
  const JsonReadOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<JsonReader>> free_;  // guarded by mutex_
};

Bound BindFromJson(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr schema, SchemaOf(args[1]));
  MILLRACE_ASSIGN_OR_RETURN(const Options options, OptionsOf(args, 2));
  const data::TypePtr type = AsNullable(schema);
  const bool is_map = type->id() == arrow::Type::MAP;
  const std::string sql = is_map ? "entries" : SqlCallText("from_json", args.first(1));
  if (!IsJsonRoot(*type)) return InvalidJsonSchema(sql, *type);
  if (Holds(*type, IsMapWithoutTextKeys)) {
    const std::string found = Quoted(data::SqlTypeName(*type));
    return Mismatch(
               "INVALID_JSON_MAP_KEY_TYPE", sql,
               fmt::format("Input schema {} can only contain STRING as a key type for a "
                           "MAP.",
                           found))
        .Param("schema", found);
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr text,
                            CastTo("from_json", args.first(1), 0, data::StringType()));
  MILLRACE_ASSIGN_OR_RETURN(
      const JsonReadOptions read,
      JsonReadOptions::Make(options, context.session_time_zone, "from_json"));
  // Made once here to report a wrong schema before any row comes.
  MILLRACE_RETURN_IF_ERROR(JsonReader::Make(type, read).status());

  BoundFunction function;
  function.args = {std::move(text)};
  function.type = type;
  function.can_fail = read.mode == ParseMode::kFailFast;
  // "T12:00" is a time of today.
  function.foldable = !Holds(*type, data::IsTimestamp);
  function.kernel = [pool = std::make_shared<ReaderPool>(type, read)](
                        const KernelInput& in) -> Result<Value> {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr read_values,
                              pool->Read(*in.args[0].array, in.context.now_micros));
    return Value{std::move(read_values), in.args[0].constant};
  };
  return function;
}

Bound BindToJson(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(const Options options, OptionsOf(args, 1));
  BoundFunction function;
  if (args[0]->type()->id() == arrow::Type::NA) {
    function.replacement = MakeNull(data::StringType());
    return function;
  }
  if (!IsJsonRoot(*args[0]->type())) {
    return InvalidJsonSchema(SqlCallText("to_json", args.first(1)), *args[0]->type());
  }
  MILLRACE_ASSIGN_OR_RETURN(const JsonWriteOptions write,
                            JsonWriteOptions::Make(options, *context.zone));
  function.args = {args[0]};
  function.type = data::StringType();
  function.kernel = [write](const KernelInput& in) -> Result<Value> {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr texts, WriteJson(*in.args[0].array, write));
    return Value{std::move(texts), in.args[0].constant};
  };
  return function;
}

Bound BindSchemaOfJson(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(const Options options, OptionsOf(args, 1));
  const std::string sql = SqlCallText("schema_of_json", args.first(1));
  const auto* literal = dynamic_cast<const Literal*>(args[0].get());
  if (literal == nullptr) {
    const std::string type = Quoted(data::SqlTypeName(*args[0]->type()));
    const std::string found = Quoted(SqlText(*args[0]));
    return Mismatch("NON_FOLDABLE_INPUT", sql,
                    fmt::format("the input `json` should be a foldable {} expression; "
                                "however, got {}.",
                                type, found))
        .Param("inputName", "`json`")
        .Param("inputType", type)
        .Param("inputExpr", found);
  }
  if (literal->is_null()) {
    return Mismatch("UNEXPECTED_NULL", sql, "The json must not be null.")
        .Param("exprName", "json");
  }
  MILLRACE_ASSIGN_OR_RETURN(
      const ExprPtr text, CastTo("schema_of_json", args.first(1), 0, data::StringType()));
  MILLRACE_ASSIGN_OR_RETURN(
      const JsonReadOptions read,
      JsonReadOptions::Make(options, context.session_time_zone, "schema_of_json"));
  JsonInferOptions infer;
  MILLRACE_ASSIGN_OR_RETURN(infer.drop_null_fields,
                            options.GetBool("dropFieldIfAllNull", false));
  MILLRACE_ASSIGN_OR_RETURN(infer.timestamps, options.GetBool("inferTimestamp", false));
  MILLRACE_ASSIGN_OR_RETURN(const data::TypePtr type,
                            InferJsonType(StringLiteral(text).value_or(""), read, infer));
  BoundFunction function;
  function.replacement = MakeString(data::SqlTypeName(*type));
  return function;
}

Bound BindGetJsonObject(Args args, const BindContext&) {
  // Parsed again only when the text changes.
  struct LastPath {
    std::string text;
    std::optional<JsonPath> path = ParseJsonPath("");
    const std::optional<JsonPath>& Of(std::string_view wanted) {
      if (wanted != text) {
        text = wanted;
        path = ParseJsonPath(text);
      }
      return path;
    }
  };
  return BindWith(
      "get_json_object", args, {data::StringType(), data::StringType()},
      data::StringType(),
      [](const KernelInput& in) {
        JsonPathReader reader;
        LastPath last;
        return MapText<std::string_view, std::string_view>(
            in, [&](std::string_view document, std::string_view path, std::string* out) {
              const std::optional<JsonPath>& parsed = last.Of(path);
              return parsed.has_value() && reader.Find(document, *parsed, out);
            });
      },
      {.makes_nulls = true});
}

Bound BindArrayLength(Args args, const BindContext&) {
  return BindWith(
      "json_array_length", args, {data::StringType()}, data::IntType(),
      [](const KernelInput& in) {
        JsonPathReader reader;
        return MapRows<int32_t, std::string_view>(
            in, [&](std::string_view document) { return reader.ArrayLength(document); });
      },
      {.makes_nulls = true});
}

Result<Value> ObjectKeys(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<std::string_view> documents(in.args[0]);
  JsonPathReader reader;
  auto names = std::make_shared<arrow::StringViewBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), names, in.type);
  for (int64_t row = 0; row < rows; ++row) {
    std::optional<std::vector<std::string>> keys;
    if (!documents.IsNull(row)) keys = reader.ObjectKeys(documents[row]);
    MILLRACE_RETURN_IF_ARROW_ERROR(lists.Append(keys.has_value()));
    if (!keys) continue;
    for (const std::string& key : *keys) {
      MILLRACE_RETURN_IF_ARROW_ERROR(names->Append(key));
    }
  }
  data::ArrayPtr array;
  MILLRACE_RETURN_IF_ARROW_ERROR(lists.Finish(&array));
  return Value{std::move(array), constant};
}

Bound BindObjectKeys(Args args, const BindContext&) {
  return BindWith("json_object_keys", args, {data::StringType()},
                  data::ArrayOf(data::StringType()), ObjectKeys, {.makes_nulls = true});
}

constexpr FunctionSpec kFunctions[] = {
    {"from_json", 2, 3, BindFromJson, "The value of a type that a JSON text holds.",
     R"(from_json('{"a":1}', 'a int') → {1})"},
    {"get_json_object", 2, 2, BindGetJsonObject, "What a path finds in a JSON text.",
     R"(get_json_object('{"a":[1, 2]}', '$.a[1]') → 2)"},
    {"json_array_length", 1, 1, BindArrayLength,
     "The number of elements of the JSON array; null where the text is none.",
     "json_array_length('[1, 2]') → 2"},
    {"json_object_keys", 1, 1, BindObjectKeys,
     "The names in the JSON object; null where the text is none.",
     R"(json_object_keys('{"a":1}') → [a])"},
    {"schema_of_json", 1, 2, BindSchemaOfJson, "The type of a JSON text, in SQL.",
     R"(schema_of_json('{"a":1}') → STRUCT<a: BIGINT>)"},
    {"to_json", 1, 2, BindToJson, "A struct, array or map as JSON text.",
     R"(to_json(map('a', 1)) → {"a":1})"},
};

}  // namespace

std::span<const FunctionSpec> JsonFunctions() { return kFunctions; }

}  // namespace millrace::expr
