// Inside `data` only: the names Spark's JSON gives types, and the metadata of fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/types.h"

namespace millrace::data {

/// Spark's typeName: "integer", "decimal(10,2)", "struct".
std::string JsonTypeName(const arrow::DataType& type);

/// The JSON object of a field's Spark metadata; "{}" where there is none.
std::string FieldMetadataJson(const arrow::Field& field);

/// The comment in a field's Spark metadata.
std::optional<std::string> FieldComment(const arrow::Field& field);

/// A field with this Spark metadata; "{}" leaves it without.
FieldPtr MakeField(std::string name, TypePtr type, bool nullable,
                   std::string_view metadata_json);

/// The Spark metadata that DDL's COMMENT stands for.
std::string CommentMetadata(std::string_view comment);

}  // namespace millrace::data
