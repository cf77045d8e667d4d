#include "connectors/file/file_format.h"

#include <algorithm>
#include <utility>

#include <arrow/type.h>

namespace millrace::connectors::file {

data::TypePtr AsNullable(const data::TypePtr& type) {
  auto nullable = [](const data::FieldPtr& field) {
    return field->WithType(AsNullable(field->type()))->WithNullable(true);
  };
  switch (type->id()) {
    case arrow::Type::LIST:
      return arrow::list(nullable(type->field(0)));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      return std::make_shared<arrow::MapType>(
          map.key_field()->WithType(AsNullable(map.key_type())),
          nullable(map.item_field()), map.keys_sorted());
    }
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const data::FieldPtr& field : type->fields())
        fields.push_back(nullable(field));
      return arrow::struct_(std::move(fields));
    }
    default:
      return type;
  }
}

data::SchemaPtr AsNullable(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const data::FieldPtr& field : schema.fields()) {
    fields.push_back(field->WithType(AsNullable(field->type()))->WithNullable(true));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace millrace::connectors::file
