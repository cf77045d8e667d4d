#include "golden_values.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>

#include "data/time_text.h"

namespace millrace::golden {
namespace {

using Json = nlohmann::json;

template <typename ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

// Python's str(datetime): six digits of the fraction, or none.
std::string PythonTime(int64_t micros) {
  std::string text;
  data::AppendTimestamp(micros, &text);
  const size_t dot = text.find('.');
  if (dot != std::string::npos) text.append(7 - (text.size() - dot), '0');
  return text;
}

Json NumberToJson(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number;
}

Json ValueToJson(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return As<arrow::BooleanArray>(array).Value(row);
    case arrow::Type::INT8:
      return As<arrow::Int8Array>(array).Value(row);
    case arrow::Type::INT16:
      return As<arrow::Int16Array>(array).Value(row);
    case arrow::Type::INT32:
      return As<arrow::Int32Array>(array).Value(row);
    case arrow::Type::INT64:
      return As<arrow::Int64Array>(array).Value(row);
    case arrow::Type::DOUBLE:
      return NumberToJson(As<arrow::DoubleArray>(array).Value(row));
    case arrow::Type::FLOAT:
      return NumberToJson(As<arrow::FloatArray>(array).Value(row));
    case arrow::Type::DECIMAL128:
      return "D" + As<arrow::Decimal128Array>(array).FormatValue(row);
    case arrow::Type::STRING_VIEW:
      return std::string(As<arrow::StringViewArray>(array).GetView(row));
    case arrow::Type::TIMESTAMP:
      return PythonTime(As<arrow::TimestampArray>(array).Value(row));
    case arrow::Type::STRUCT: {
      Json fields = Json::object();
      const auto& structs = As<arrow::StructArray>(array);
      for (int i = 0; i < structs.num_fields(); ++i) {
        fields[structs.type()->field(i)->name()] = ValueToJson(*structs.field(i), row);
      }
      return fields;
    }
    case arrow::Type::LIST: {
      const auto& list = As<arrow::ListArray>(array);
      Json elements = Json::array();
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
        elements.push_back(ValueToJson(*list.values(), i));
      }
      return elements;
    }
    default:
      return "unexpected type " + array.type()->ToString();
  }
}

}  // namespace

std::vector<Json> RowsToJson(const data::Batch& batch) {
  std::vector<Json> rows;
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    Json values = Json::array();
    for (const data::ArrayPtr& column : batch->columns()) {
      values.push_back(ValueToJson(*column, row));
    }
    rows.push_back(std::move(values));
  }
  return rows;
}

bool SameValue(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_number_integer() && b.is_number_integer()) return a == b;
    const double x = a.get<double>();
    const double y = b.get<double>();
    return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) {
    return std::equal(a.begin(), a.end(), b.begin(), SameValue);
  }
  if (a.is_object()) {
    for (const auto& [key, value] : a.items()) {
      if (!b.contains(key) || !SameValue(value, b[key])) return false;
    }
    return true;
  }
  return a == b;
}

bool SameRows(std::vector<Json> a, std::vector<Json> b, bool ordered) {
  if (a.size() != b.size()) return false;
  if (!ordered) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
  }
  return std::equal(a.begin(), a.end(), b.begin(), SameValue);
}

}  // namespace millrace::golden
