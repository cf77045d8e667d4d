#include "exec/row_order.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace millrace::exec {
namespace {

template <typename T>
int Compare(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

template <typename T>
int CompareFloat(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return Compare(std::isnan(a), std::isnan(b));
  return Compare(a, b);
}

template <typename ArrayType>
RowComparison Plain(const arrow::Array& array) {
  const auto& typed = static_cast<const ArrayType&>(array);
  return
      [&typed](int64_t a, int64_t b) { return Compare(typed.Value(a), typed.Value(b)); };
}

template <typename ArrayType>
RowComparison Float(const arrow::Array& array) {
  const auto& typed = static_cast<const ArrayType&>(array);
  return [&typed](int64_t a, int64_t b) {
    return CompareFloat(typed.Value(a), typed.Value(b));
  };
}

template <typename ArrayType>
RowComparison Bytes(const arrow::Array& array) {
  const auto& typed = static_cast<const ArrayType&>(array);
  return [&typed](int64_t a, int64_t b) {
    return typed.GetView(a).compare(typed.GetView(b));
  };
}

// Nulls inside a value come first.
int CompareWithNulls(const arrow::Array& array, const RowComparison& compare, int64_t a,
                     int64_t b) {
  const bool a_null = array.IsNull(a);
  const bool b_null = array.IsNull(b);
  if (a_null || b_null) return Compare(b_null, a_null);
  return compare(a, b);
}

Result<RowComparison> Struct(const arrow::StructArray& array) {
  struct Field {
    data::ArrayPtr values;
    RowComparison compare;
  };
  std::vector<Field> fields;
  for (int i = 0; i < array.num_fields(); ++i) {
    data::ArrayPtr values = array.field(i);
    MILLRACE_ASSIGN_OR_RETURN(RowComparison compare, MakeRowComparison(*values));
    fields.push_back({std::move(values), std::move(compare)});
  }
  return RowComparison([fields = std::move(fields)](int64_t a, int64_t b) {
    for (const Field& field : fields) {
      const int order = CompareWithNulls(*field.values, field.compare, a, b);
      if (order != 0) return order;
    }
    return 0;
  });
}

Result<RowComparison> List(const arrow::ListArray& array) {
  const data::ArrayPtr values = array.values();
  MILLRACE_ASSIGN_OR_RETURN(RowComparison compare, MakeRowComparison(*values));
  return RowComparison(
      [&array, values, compare = std::move(compare)](int64_t a, int64_t b) {
        const int64_t length = std::min(array.value_length(a), array.value_length(b));
        for (int64_t i = 0; i < length; ++i) {
          const int order = CompareWithNulls(*values, compare, array.value_offset(a) + i,
                                             array.value_offset(b) + i);
          if (order != 0) return order;
        }
        return Compare(array.value_length(a), array.value_length(b));
      });
}

}  // namespace

Result<RowComparison> MakeRowComparison(const arrow::Array& array) {
  switch (array.type_id()) {
    case arrow::Type::NA:
      return RowComparison([](int64_t, int64_t) { return 0; });
    case arrow::Type::BOOL:
      return Plain<arrow::BooleanArray>(array);
    case arrow::Type::INT8:
      return Plain<arrow::Int8Array>(array);
    case arrow::Type::INT16:
      return Plain<arrow::Int16Array>(array);
    case arrow::Type::INT32:
      return Plain<arrow::Int32Array>(array);
    case arrow::Type::INT64:
      return Plain<arrow::Int64Array>(array);
    case arrow::Type::DATE32:
      return Plain<arrow::Date32Array>(array);
    case arrow::Type::TIMESTAMP:
      return Plain<arrow::TimestampArray>(array);
    case arrow::Type::DURATION:
      return Plain<arrow::DurationArray>(array);
    case arrow::Type::INTERVAL_MONTHS:
      return Plain<arrow::MonthIntervalArray>(array);
    case arrow::Type::FLOAT:
      return Float<arrow::FloatArray>(array);
    case arrow::Type::DOUBLE:
      return Float<arrow::DoubleArray>(array);
    case arrow::Type::DECIMAL128: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
      return RowComparison([&decimals](int64_t a, int64_t b) {
        return Compare(arrow::Decimal128(decimals.GetValue(a)),
                       arrow::Decimal128(decimals.GetValue(b)));
      });
    }
    case arrow::Type::STRING_VIEW:
      return Bytes<arrow::StringViewArray>(array);
    case arrow::Type::BINARY_VIEW:
      return Bytes<arrow::BinaryViewArray>(array);
    case arrow::Type::STRUCT:
      return Struct(static_cast<const arrow::StructArray&>(array));
    case arrow::Type::LIST:
      return List(static_cast<const arrow::ListArray&>(array));
    default:
      return AnalysisError("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
                           "Cannot sort by a value of type \"{}\": it has no order.",
                           data::SqlTypeName(*array.type()));
  }
}

Result<RowOrder> RowOrder::Make(const std::vector<SortColumn>& columns,
                                const Batch& batch, const expr::EvalContext& context) {
  RowOrder order;
  for (const SortColumn& column : columns) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr values,
                              expr::EvaluateToArray(*column.expr, batch, context));
    MILLRACE_ASSIGN_OR_RETURN(RowComparison compare, MakeRowComparison(*values));
    order.keys_.push_back(
        {std::move(values), std::move(compare), column.descending, column.nulls_first});
  }
  return order;
}

int RowOrder::Compare(int64_t a, int64_t b) const {
  for (const Key& key : keys_) {
    const bool a_null = key.values->IsNull(a);
    const bool b_null = key.values->IsNull(b);
    if (a_null || b_null) {
      if (a_null == b_null) continue;
      return a_null == key.nulls_first ? -1 : 1;
    }
    const int compared = key.compare(a, b);
    if (compared != 0) return key.descending ? -compared : compared;
  }
  return 0;
}

}  // namespace millrace::exec
