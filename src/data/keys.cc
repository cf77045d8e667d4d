// Canonical key bytes. The format, which checkpoints hold:
//
//   row      = nulls payload*   of the columns, then of those that are not null
//   nulls    = ceil(columns / 8) bytes; bit i (lowest first) is set where column i is
//              null; the bits behind the last column are 0
//   payload  = one of
//     boolean                   one byte, 0 or 1
//     integers, date,
//     timestamp, intervals      little endian, as wide as the type
//     float, double             IEEE 754, little endian; every NaN is the quiet NaN
//                               (7fc00000, 7ff8000000000000), -0.0 is 0.0
//     decimal                   the unscaled value in 16 bytes, little endian
//     string, binary            length, bytes
//     struct                    as a row of its fields
//     array                     length, then as a row of its elements
//   length   = LEB128, unsigned, in as few bytes as possible
//
// Nothing says the types: whoever stores keys stores their types beside them.
#include "data/keys.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cstring>

#include "data/arrow_status.h"
#include "data/key_format.h"

namespace millrace::data {
namespace {

// Reads one key; every read is checked against its end.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : at_(key.data()), end_(at_ + key.size()) {}

  bool done() const { return at_ == end_; }

  // The next `size` bytes, or null.
  const char* Take(size_t size) {
    if (static_cast<size_t>(end_ - at_) < size) return nullptr;
    const char* const taken = at_;
    at_ += size;
    return taken;
  }

  bool ReadLength(uint64_t* length) {
    *length = 0;
    for (int shift = 0; shift < 35 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      *length |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

 private:
  const char* at_;
  const char* end_;
};

Error Damaged() {
  return ExternalError(
             "A stored key does not have the bytes its types call for; the state it was "
             "read from is damaged or belongs to another query.")
      .Retryable(false);
}

// Appends values read from keys to a builder. Types are looked at once, not once a value.
class ColumnReader {
 public:
  explicit ColumnReader(arrow::ArrayBuilder* builder);

  Status ReadNull() { return FromArrow(builder_->AppendNull()); }
  Status ReadPayload(KeyReader* key);

 private:
  template <typename Builder, typename T>
  Status ReadValue(KeyReader* key);
  Status ReadBytes(KeyReader* key);
  Status ReadList(KeyReader* key);

  arrow::ArrayBuilder* builder_;
  arrow::Type::type type_;
  std::vector<ColumnReader> children_;
};

// `member(i)` is the reader of the i-th member.
template <typename Member>
Status ReadMembers(size_t count, KeyReader* key, Member&& member) {
  const char* const nulls = key->Take(NullBytes(count));
  if (nulls == nullptr) return Damaged();
  for (size_t i = 0; i < count; ++i) {
    ColumnReader& reader = member(i);
    if ((nulls[i / 8] >> (i % 8) & 1) != 0) {
      MILLRACE_RETURN_IF_ERROR(reader.ReadNull());
    } else {
      MILLRACE_RETURN_IF_ERROR(reader.ReadPayload(key));
    }
  }
  return Status::OK();
}

ColumnReader::ColumnReader(arrow::ArrayBuilder* builder)
    : builder_(builder), type_(builder->type()->id()) {
  if (type_ == arrow::Type::LIST) {
    children_.emplace_back(static_cast<arrow::ListBuilder*>(builder)->value_builder());
  } else if (type_ == arrow::Type::STRUCT) {
    for (int i = 0; i < builder->num_children(); ++i) {
      children_.emplace_back(builder->child(i));
    }
  }
}

template <typename Builder, typename T>
Status ColumnReader::ReadValue(KeyReader* key) {
  const char* const bytes = key->Take(sizeof(T));
  if (bytes == nullptr) return Damaged();
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return FromArrow(static_cast<Builder*>(builder_)->Append(value));
}

Status ColumnReader::ReadBytes(KeyReader* key) {
  uint64_t length = 0;
  if (!key->ReadLength(&length)) return Damaged();
  const char* const bytes = key->Take(length);
  if (bytes == nullptr) return Damaged();
  return FromArrow(static_cast<arrow::BinaryViewBuilder*>(builder_)->Append(
      std::string_view(bytes, length)));
}

Status ColumnReader::ReadList(KeyReader* key) {
  uint64_t length = 0;
  if (!key->ReadLength(&length)) return Damaged();
  MILLRACE_RETURN_IF_ARROW_ERROR(static_cast<arrow::ListBuilder*>(builder_)->Append());
  return ReadMembers(length, key,
                     [this](size_t) -> ColumnReader& { return children_[0]; });
}

Status ColumnReader::ReadPayload(KeyReader* key) {
  switch (type_) {
    case arrow::Type::BOOL: {
      const char* const byte = key->Take(1);
      if (byte == nullptr) return Damaged();
      return FromArrow(static_cast<arrow::BooleanBuilder*>(builder_)->Append(*byte != 0));
    }
    case arrow::Type::INT8:
      return ReadValue<arrow::Int8Builder, int8_t>(key);
    case arrow::Type::INT16:
      return ReadValue<arrow::Int16Builder, int16_t>(key);
    case arrow::Type::INT32:
      return ReadValue<arrow::Int32Builder, int32_t>(key);
    case arrow::Type::INT64:
      return ReadValue<arrow::Int64Builder, int64_t>(key);
    case arrow::Type::FLOAT:
      return ReadValue<arrow::FloatBuilder, float>(key);
    case arrow::Type::DOUBLE:
      return ReadValue<arrow::DoubleBuilder, double>(key);
    case arrow::Type::DATE32:
      return ReadValue<arrow::Date32Builder, int32_t>(key);
    case arrow::Type::TIMESTAMP:
      return ReadValue<arrow::TimestampBuilder, int64_t>(key);
    case arrow::Type::DURATION:
      return ReadValue<arrow::DurationBuilder, int64_t>(key);
    case arrow::Type::INTERVAL_MONTHS:
      return ReadValue<arrow::MonthIntervalBuilder, int32_t>(key);
    case arrow::Type::DECIMAL128: {
      const char* const bytes = key->Take(16);
      if (bytes == nullptr) return Damaged();
      return FromArrow(static_cast<arrow::Decimal128Builder*>(builder_)->Append(
          arrow::Decimal128(reinterpret_cast<const uint8_t*>(bytes))));
    }
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return ReadBytes(key);
    case arrow::Type::STRUCT:
      MILLRACE_RETURN_IF_ARROW_ERROR(
          static_cast<arrow::StructBuilder*>(builder_)->Append());
      return ReadMembers(children_.size(), key,
                         [this](size_t i) -> ColumnReader& { return children_[i]; });
    case arrow::Type::LIST:
      return ReadList(key);
    default:
      return Damaged();  // a void that is not null
  }
}

}  // namespace

Status CheckKeyType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::MAP:
      return AnalysisError("GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822",
                           "A grouping expression cannot be of the type \"{}\", which "
                           "has no order; "
                           "group by map_entries of it.",
                           SqlTypeName(type))
          .Param("dataType", fmt::format("\"{}\"", SqlTypeName(type)));
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
      for (const FieldPtr& field : type.fields()) {
        MILLRACE_RETURN_IF_ERROR(CheckKeyType(*field->type()));
      }
      return Status::OK();
    case arrow::Type::NA:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return Status::OK();
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTHS:
      return Status::OK();
    default:
      return InternalError("A key column of {} is no engine type.", type.ToString());
  }
}

Result<std::vector<ArrayPtr>> DecodeKeys(std::span<const std::string_view> keys,
                                         std::span<const TypePtr> types) {
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  std::vector<ColumnReader> readers;
  for (const TypePtr& type : types) {
    MILLRACE_RETURN_IF_ERROR(CheckKeyType(*type));
    MILLRACE_ASSIGN_OR_RETURN_ARROW(auto builder, arrow::MakeBuilder(type));
    MILLRACE_RETURN_IF_ARROW_ERROR(builder->Reserve(static_cast<int64_t>(keys.size())));
    readers.emplace_back(builder.get());
    builders.push_back(std::move(builder));
  }
  for (const std::string_view bytes : keys) {
    KeyReader key(bytes);
    MILLRACE_RETURN_IF_ERROR(
        ReadMembers(types.size(), &key,
                    [&readers](size_t i) -> ColumnReader& { return readers[i]; }));
    if (!key.done()) return Damaged();
  }
  std::vector<ArrayPtr> columns;
  for (const auto& builder : builders) {
    MILLRACE_ASSIGN_OR_RETURN_ARROW(ArrayPtr column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace millrace::data
