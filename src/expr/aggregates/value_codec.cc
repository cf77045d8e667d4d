#include "expr/aggregates/value_codec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include "data/arrow_status.h"
#include "expr/aggregates/slots.h"

namespace millrace::expr {
namespace {

constexpr char kNull = 0;
constexpr char kPresent = 1;

template <typename T>
T Normalized(T value) {
  if (std::isnan(value)) return std::numeric_limits<T>::quiet_NaN();
  return value == T{0} ? T{0} : value;
}

template <typename T>
int Order(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return std::isnan(b) ? 0 : 1;
    if (std::isnan(b)) return -1;
  }
  return a < b ? -1 : (b < a ? 1 : 0);
}

void AppendRow(const arrow::Array& array, int64_t row, bool normalize, std::string* out);

void AppendSlice(const arrow::Array& values, int64_t begin, int64_t end, bool normalize,
                 std::string* out) {
  PutPlain(static_cast<uint32_t>(end - begin), out);
  for (int64_t row = begin; row < end; ++row) AppendRow(values, row, normalize, out);
}

void AppendRow(const arrow::Array& array, int64_t row, bool normalize, std::string* out) {
  if (array.type_id() == arrow::Type::NA || array.IsNull(row)) {
    out->push_back(kNull);
    return;
  }
  out->push_back(kPresent);
  const bool number = VisitNumber(*array.type(), [&]<typename T>(std::type_identity<T>) {
    T value = array.data()->GetValues<T>(1)[row];
    if constexpr (std::is_floating_point_v<T>) {
      if (normalize) value = Normalized(value);
    }
    PutPlain(value, out);
  });
  if (number) return;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      out->push_back(Reader<bool>(array)[row] ? 1 : 0);
      return;
    case arrow::Type::DECIMAL128:
      out->append(reinterpret_cast<const char*>(
                      static_cast<const arrow::Decimal128Array&>(array).GetValue(row)),
                  16);
      return;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      PutBytes(static_cast<const arrow::BinaryViewArray&>(array).GetView(row), out);
      return;
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      AppendSlice(*list.values(), list.value_offset(row), list.value_offset(row + 1),
                  normalize, out);
      return;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      const int64_t begin = map.value_offset(row);
      const int64_t end = map.value_offset(row + 1);
      AppendSlice(*map.keys(), begin, end, normalize, out);
      AppendSlice(*map.items(), begin, end, normalize, out);
      return;
    }
    case arrow::Type::STRUCT: {
      const auto& structs = static_cast<const arrow::StructArray&>(array);
      for (int field = 0; field < structs.num_fields(); ++field) {
        // StructArray::field() applies the offset of the struct.
        AppendRow(*structs.field(field), row, normalize, out);
      }
      return;
    }
    default:
      return;
  }
}

// Compares one value at the front of both and moves past it; where it differs, the rest
// of both views is of no use any more.
int CompareNext(const arrow::DataType& type, std::string_view* a, std::string_view* b) {
  const char flag_a = a->front();
  const char flag_b = b->front();
  a->remove_prefix(1);
  b->remove_prefix(1);
  if (flag_a != flag_b) return flag_a < flag_b ? -1 : 1;
  if (flag_a == kNull) return 0;

  int order = 0;
  const bool number = VisitNumber(type, [&]<typename T>(std::type_identity<T>) {
    T left{};
    T right{};
    GetPlain(a, &left);
    GetPlain(b, &right);
    order = Order(left, right);
  });
  if (number) return order;
  switch (type.id()) {
    case arrow::Type::BOOL: {
      order = Order(a->front(), b->front());
      a->remove_prefix(1);
      b->remove_prefix(1);
      return order;
    }
    case arrow::Type::DECIMAL128: {
      const arrow::Decimal128 left(reinterpret_cast<const uint8_t*>(a->data()));
      const arrow::Decimal128 right(reinterpret_cast<const uint8_t*>(b->data()));
      a->remove_prefix(16);
      b->remove_prefix(16);
      return Order(left, right);
    }
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      std::string_view left;
      std::string_view right;
      GetBytes(a, &left);
      GetBytes(b, &right);
      return left.compare(right);
    }
    case arrow::Type::LIST: {
      const auto& element = *static_cast<const arrow::ListType&>(type).value_type();
      uint32_t left = 0;
      uint32_t right = 0;
      GetPlain(a, &left);
      GetPlain(b, &right);
      for (uint32_t i = 0; i < std::min(left, right); ++i) {
        order = CompareNext(element, a, b);
        if (order != 0) return order;
      }
      return Order(left, right);
    }
    case arrow::Type::STRUCT: {
      for (const auto& field : type.fields()) {
        order = CompareNext(*field->type(), a, b);
        if (order != 0) return order;
      }
      return 0;
    }
    default:
      return 0;
  }
}

bool SkipBytes(std::string_view* in, size_t count) {
  if (in->size() < count) return false;
  in->remove_prefix(count);
  return true;
}

bool SkipNext(const arrow::DataType& type, std::string_view* in);

bool SkipSequence(const arrow::DataType& type, std::string_view* in) {
  uint32_t count = 0;
  if (!GetPlain(in, &count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!SkipNext(type, in)) return false;
  }
  return true;
}

bool SkipNext(const arrow::DataType& type, std::string_view* in) {
  if (in->empty()) return false;
  const char flag = in->front();
  in->remove_prefix(1);
  if (flag == kNull) return true;
  if (flag != kPresent) return false;

  bool complete = false;
  const bool number = VisitNumber(type, [&]<typename T>(std::type_identity<T>) {
    complete = SkipBytes(in, sizeof(T));
  });
  if (number) return complete;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return SkipBytes(in, 1);
    case arrow::Type::DECIMAL128:
      return SkipBytes(in, 16);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      std::string_view ignored;
      return GetBytes(in, &ignored);
    }
    case arrow::Type::LIST:
      return SkipSequence(*static_cast<const arrow::ListType&>(type).value_type(), in);
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return SkipSequence(*map.key_type(), in) && SkipSequence(*map.item_type(), in);
    }
    case arrow::Type::STRUCT:
      for (const auto& field : type.fields()) {
        if (!SkipNext(*field->type(), in)) return false;
      }
      return true;
    default:
      return false;
  }
}

template <typename Builder, typename T>
arrow::Status AppendPlain(std::string_view* in, arrow::ArrayBuilder* builder) {
  T value{};
  GetPlain(in, &value);
  return static_cast<Builder*>(builder)->Append(value);
}

arrow::Status BuildNext(const arrow::DataType& type, std::string_view* in,
                        arrow::ArrayBuilder* builder) {
  const char flag = in->front();
  in->remove_prefix(1);
  if (flag == kNull) return builder->AppendNull();
  switch (type.id()) {
    case arrow::Type::BOOL:
      return AppendPlain<arrow::BooleanBuilder, bool>(in, builder);
    case arrow::Type::INT8:
      return AppendPlain<arrow::Int8Builder, int8_t>(in, builder);
    case arrow::Type::INT16:
      return AppendPlain<arrow::Int16Builder, int16_t>(in, builder);
    case arrow::Type::INT32:
      return AppendPlain<arrow::Int32Builder, int32_t>(in, builder);
    case arrow::Type::INT64:
      return AppendPlain<arrow::Int64Builder, int64_t>(in, builder);
    case arrow::Type::DATE32:
      return AppendPlain<arrow::Date32Builder, int32_t>(in, builder);
    case arrow::Type::TIMESTAMP:
      return AppendPlain<arrow::TimestampBuilder, int64_t>(in, builder);
    case arrow::Type::DURATION:
      return AppendPlain<arrow::DurationBuilder, int64_t>(in, builder);
    case arrow::Type::INTERVAL_MONTHS:
      return AppendPlain<arrow::MonthIntervalBuilder, int32_t>(in, builder);
    case arrow::Type::FLOAT:
      return AppendPlain<arrow::FloatBuilder, float>(in, builder);
    case arrow::Type::DOUBLE:
      return AppendPlain<arrow::DoubleBuilder, double>(in, builder);
    case arrow::Type::DECIMAL128: {
      const arrow::Decimal128 value(reinterpret_cast<const uint8_t*>(in->data()));
      in->remove_prefix(16);
      return static_cast<arrow::Decimal128Builder*>(builder)->Append(value);
    }
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      std::string_view bytes;
      GetBytes(in, &bytes);
      return static_cast<arrow::BinaryViewBuilder*>(builder)->Append(bytes);
    }
    case arrow::Type::LIST: {
      auto* list = static_cast<arrow::ListBuilder*>(builder);
      const auto& element = *static_cast<const arrow::ListType&>(type).value_type();
      uint32_t count = 0;
      GetPlain(in, &count);
      ARROW_RETURN_NOT_OK(list->Append());
      for (uint32_t i = 0; i < count; ++i) {
        ARROW_RETURN_NOT_OK(BuildNext(element, in, list->value_builder()));
      }
      return arrow::Status::OK();
    }
    case arrow::Type::MAP: {
      auto* map = static_cast<arrow::MapBuilder*>(builder);
      const auto& map_type = static_cast<const arrow::MapType&>(type);
      ARROW_RETURN_NOT_OK(map->Append());
      uint32_t count = 0;
      GetPlain(in, &count);
      for (uint32_t i = 0; i < count; ++i) {
        ARROW_RETURN_NOT_OK(BuildNext(*map_type.key_type(), in, map->key_builder()));
      }
      GetPlain(in, &count);
      for (uint32_t i = 0; i < count; ++i) {
        ARROW_RETURN_NOT_OK(BuildNext(*map_type.item_type(), in, map->item_builder()));
      }
      return arrow::Status::OK();
    }
    case arrow::Type::STRUCT: {
      auto* structs = static_cast<arrow::StructBuilder*>(builder);
      ARROW_RETURN_NOT_OK(structs->Append());
      for (int i = 0; i < type.num_fields(); ++i) {
        ARROW_RETURN_NOT_OK(
            BuildNext(*type.field(i)->type(), in, structs->field_builder(i)));
      }
      return arrow::Status::OK();
    }
    default:
      return builder->AppendNull();
  }
}

}  // namespace

void ValueCodec::Append(const arrow::Array& array, int64_t row, std::string* out) const {
  AppendRow(array, row, normalize_floats_, out);
}

int ValueCodec::Compare(std::string_view a, std::string_view b) const {
  return CompareNext(*type_, &a, &b);
}

bool ValueCodec::Skip(std::string_view* in) const { return SkipNext(*type_, in); }

Result<data::ArrayPtr> ValueCodec::Decode(
    std::span<const std::string_view> values) const {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(const std::unique_ptr<arrow::ArrayBuilder> builder,
                                  arrow::MakeBuilder(type_));
  const auto build = [&]() -> arrow::Status {
    for (std::string_view value : values) {
      if (value.empty()) ARROW_RETURN_NOT_OK(builder->AppendNull());
      while (!value.empty()) {
        ARROW_RETURN_NOT_OK(BuildNext(*type_, &value, builder.get()));
      }
    }
    return arrow::Status::OK();
  };
  MILLRACE_RETURN_IF_ARROW_ERROR(build());
  MILLRACE_ASSIGN_OR_RETURN_ARROW(data::ArrayPtr array, builder->Finish());
  return array;
}

}  // namespace millrace::expr
