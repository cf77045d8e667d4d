#include "expr/json_row_text.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/data.h>
#include <arrow/type.h>

#include "data/show.h"

namespace millrace::expr {
namespace {

void AppendList(const arrow::Array& array, int64_t begin, int64_t end, std::string* out) {
  out->push_back('[');
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out->push_back(',');
    AppendRowText(array, i, out);
  }
  out->push_back(']');
}

}  // namespace

void AppendRowText(const arrow::Array& array, int64_t row, std::string* out) {
  if (array.IsNull(row)) {
    out->append("null");
    return;
  }
  const arrow::ArrayData& data = *array.data();
  switch (array.type_id()) {
    case arrow::Type::DATE32:
      out->append(std::to_string(data.GetValues<int32_t>(1)[row]));
      break;
    case arrow::Type::TIMESTAMP:
      out->append(std::to_string(data.GetValues<int64_t>(1)[row]));
      break;
    case arrow::Type::STRUCT: {
      const auto& fields = static_cast<const arrow::StructArray&>(array);
      out->push_back('[');
      for (int i = 0; i < fields.num_fields(); ++i) {
        if (i > 0) out->push_back(',');
        AppendRowText(*fields.field(i), row, out);
      }
      out->push_back(']');
      break;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      out->append("keys: ");
      AppendList(*map.keys(), map.value_offset(row), map.value_offset(row + 1), out);
      out->append(", values: ");
      AppendList(*map.items(), map.value_offset(row), map.value_offset(row + 1), out);
      break;
    }
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      AppendList(*list.values(), list.value_offset(row), list.value_offset(row + 1), out);
      break;
    }
    default:
      data::AppendValue(array, row, "UTC", data::NullText::kCast, out);
  }
}

}  // namespace millrace::expr
