// Spark's types as Arrow types, and their texts: DDL, JSON, simple ("bigint") and SQL
// ("BIGINT").
//
// Inside the engine each Spark type has exactly one Arrow type:
//   boolean bool · tinyint int8 · smallint int16 · int int32 · bigint int64 · float float
//   · double double · decimal(p,s) decimal128 · string utf8_view · binary binary_view ·
//   date date32 · timestamp timestamp[us, "UTC"] · timestamp_ntz timestamp[us] ·
//   interval day to second duration[us] · interval year to month month_interval ·
//   array<t> list (field "element") · map<k,v> map (fields "key", "value") · struct
//   struct · void null
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "millrace/status.h"

namespace millrace::data {

using TypePtr = std::shared_ptr<arrow::DataType>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using FieldPtr = std::shared_ptr<arrow::Field>;

/// Spark's metadata of a column, a JSON object, is the Arrow field metadata under this
/// key.
inline constexpr char kSparkMetadataKey[] = "spark.metadata";

/// The engine's types without parameters.
TypePtr BooleanType();
TypePtr IntType();
TypePtr LongType();
TypePtr DoubleType();
TypePtr StringType();
TypePtr BinaryType();
TypePtr DateType();
TypePtr TimestampType();
TypePtr TimestampNtzType();
TypePtr NullType();
TypePtr ArrayOf(TypePtr element, bool contains_null = true);
TypePtr MapOf(TypePtr key, TypePtr value, bool value_contains_null = true);
/// Precision 1 to 38, 0 <= scale <= precision.
TypePtr DecimalOf(int precision, int scale);

bool IsTimestamp(const arrow::DataType& type);  // with time zone (Spark's "timestamp")
bool IsTimestampNtz(const arrow::DataType& type);
bool IsString(const arrow::DataType& type);
bool IsNumeric(const arrow::DataType& type);  // integers, float, double, decimal
bool IsInteger(const arrow::DataType& type);

/// Spark's simpleString, e.g. "struct<a:int,b:array<string>>"; DataType.simpleString.
std::string SimpleTypeName(const arrow::DataType& type);
/// Spark's sql text, e.g. "STRUCT<a: INT>", as error messages quote it; DataType.sql.
std::string SqlTypeName(const arrow::DataType& type);
/// Spark's JSON of a type: "\"long\"" or {"type":"struct",...}; DataType.json.
std::string TypeToJson(const arrow::DataType& type);
/// Spark's JSON of a schema as one StructType.
std::string SchemaToJson(const arrow::Schema& schema);

/// Reads "bigint", "decimal(10,2)", "struct<a:int not null>", "map<string,int>" … without
/// case. Errors: PARSE_SYNTAX_ERROR / 42601 and UNSUPPORTED_DATATYPE / 0A000.
Result<TypePtr> ParseType(std::string_view text);
/// Reads a column list "a INT NOT NULL COMMENT 'x', `b c` STRING" or, as Spark's fromDDL
/// does, a "struct<…>".
Result<SchemaPtr> ParseDdl(std::string_view text);
/// Reads Spark's JSON of a type.
Result<TypePtr> ParseTypeJson(std::string_view json);
/// Reads DDL or JSON, whichever it is: what a user may give as a schema.
Result<SchemaPtr> ParseSchema(std::string_view text);

/// The root of a schema as printSchema() prints it, lines ending in "\n".
std::string TreeString(const arrow::Schema& schema);

}  // namespace millrace::data
