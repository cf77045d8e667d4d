// The border between the engine's Arrow types and those of files, clients and other
// libraries.
#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "data/arrow_status.h"
#include "data/batch.h"

namespace millrace::data {
namespace {

using arrow::ArrayData;
using ArrayDataPtr = std::shared_ptr<ArrayData>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using View = arrow::BinaryViewType::c_type;

constexpr int64_t kMillisPerDay = 86'400'000;

Error NoSuchType(const arrow::DataType& type) {
  return Error(Fault::kUser,
               "A column has the Arrow type {}, which Spark has no type for; convert the "
               "column "
               "before it gets here.",
               type.ToString())
      .Class("UNSUPPORTED_ARROWTYPE", "0A000")
      .Java(kUnsupportedOperationException)
      .Param("typeName", type.ToString());
}

Error TooBig(std::string_view what) {
  return Error(Fault::kData, "{} does not fit; use smaller batches or smaller values.",
               what);
}

// Maps the fields of a type, keeping names, nullability and metadata.
template <typename MapType>
Result<arrow::FieldVector> MapFields(const arrow::FieldVector& fields,
                                     MapType&& map_type) {
  arrow::FieldVector mapped;
  mapped.reserve(fields.size());
  for (const FieldPtr& field : fields) {
    MILLRACE_ASSIGN_OR_RETURN(TypePtr type, map_type(field->type()));
    mapped.push_back(type == field->type() ? field : field->WithType(type));
  }
  return mapped;
}

const std::shared_ptr<arrow::Buffer>& Validity(const ArrayData& source) {
  return source.buffers[0];
}

// A column with the validity, offset and length of `source`.
ArrayDataPtr Like(const ArrayData& source, TypePtr type, std::vector<BufferPtr> buffers) {
  return ArrayData::Make(std::move(type), source.length, std::move(buffers),
                         source.null_count, source.offset);
}

// The same buffers under another type.
ArrayDataPtr Relabel(const ArrayData& source, TypePtr type) {
  ArrayDataPtr out = source.Copy();
  out->type = std::move(type);
  return out;
}

// Views into the bytes of a utf8 or binary column: bytes are not copied. With 64-bit
// offsets the bytes are cut into several buffers, since views count with 32 bits.
template <typename Offset>
Result<ArrayDataPtr> ToViews(const ArrayData& source, TypePtr type) {
  const int64_t slots = source.offset + source.length;
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr buffer,
                                  arrow::AllocateBuffer(slots * sizeof(View)));
  View* const views = reinterpret_cast<View*>(buffer->mutable_data());
  std::memset(buffer->mutable_data(), 0, source.offset * sizeof(View));
  const Offset* const offsets = source.GetValues<Offset>(1);
  const uint8_t* const valid = source.MayHaveNulls() ? Validity(source)->data() : nullptr;
  const BufferPtr bytes = source.buffers[2] != nullptr
                              ? source.buffers[2]
                              : std::make_shared<arrow::Buffer>("");

  std::vector<BufferPtr> buffers = {Validity(source), buffer};
  int64_t buffer_begin = 0;
  bool used = false;
  for (int64_t i = 0; i < source.length; ++i) {
    View& view = views[source.offset + i];
    view = View{};
    if (valid != nullptr && !arrow::bit_util::GetBit(valid, source.offset + i)) continue;
    const int64_t begin = offsets[i];
    const int64_t size = offsets[i + 1] - begin;
    const uint8_t* const from = bytes->data() + begin;
    if (size <= arrow::BinaryViewType::kInlineSize) {
      view.inlined.size = static_cast<int32_t>(size);
      std::memcpy(view.inlined.data.data(), from, size);
      continue;
    }
    if (size > std::numeric_limits<int32_t>::max())
      return TooBig("A value of over 2 GiB");
    if (!used || begin + size - buffer_begin > std::numeric_limits<int32_t>::max()) {
      buffer_begin = used ? begin : (sizeof(Offset) == 4 ? 0 : begin);
      buffers.push_back(buffer_begin == 0 ? bytes
                                          : arrow::SliceBuffer(bytes, buffer_begin));
      used = true;
    }
    view.ref.size = static_cast<int32_t>(size);
    std::memcpy(view.ref.prefix.data(), from, arrow::BinaryViewType::kPrefixSize);
    view.ref.buffer_index = static_cast<int32_t>(buffers.size()) - 3;
    view.ref.offset = static_cast<int32_t>(begin - buffer_begin);
  }
  return Like(source, std::move(type), std::move(buffers));
}

Result<ArrayDataPtr> FixedBinaryToViews(const ArrayData& source) {
  const int32_t width = source.type->byte_width();
  const int64_t slots = source.offset + source.length;
  if ((slots + 1) * width > std::numeric_limits<int32_t>::max())
    return TooBig("A binary column");
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr offsets,
                                  arrow::AllocateBuffer((slots + 1) * sizeof(int32_t)));
  auto* const out = reinterpret_cast<int32_t*>(offsets->mutable_data());
  for (int64_t i = 0; i <= slots; ++i) out[i] = static_cast<int32_t>(i) * width;
  const ArrayDataPtr binary =
      Like(source, arrow::binary(), {Validity(source), offsets, source.buffers[1]});
  return ToViews<int32_t>(*binary, BinaryType());
}

// Values of one fixed width turned into another, nulls included (their values are any).
template <typename From, typename To, typename Convert>
Result<ArrayDataPtr> MapValues(const ArrayData& source, TypePtr type, Convert&& convert) {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(
      BufferPtr buffer,
      arrow::AllocateBuffer((source.offset + source.length) * sizeof(To)));
  std::memset(buffer->mutable_data(), 0, source.offset * sizeof(To));
  To* const out = reinterpret_cast<To*>(buffer->mutable_data()) + source.offset;
  const From* const values = source.GetValues<From>(1);
  for (int64_t i = 0; i < source.length; ++i) out[i] = convert(values[i]);
  return Like(source, std::move(type), {Validity(source), std::move(buffer)});
}

// Timestamps and durations in another unit. Nanoseconds are cut towards the past.
Result<ArrayDataPtr> ToMicros(const ArrayData& source, arrow::TimeUnit::type unit,
                              TypePtr type) {
  switch (unit) {
    case arrow::TimeUnit::MICRO:
      return Relabel(source, std::move(type));
    case arrow::TimeUnit::NANO:
      return MapValues<int64_t, int64_t>(source, std::move(type), [](int64_t nanos) {
        return nanos / 1000 - (nanos % 1000 < 0);
      });
    default:
      break;
  }
  const int64_t factor = unit == arrow::TimeUnit::SECOND ? 1'000'000 : 1'000;
  const int64_t limit = std::numeric_limits<int64_t>::max() / factor;
  const int64_t* const values = source.GetValues<int64_t>(1);
  const uint8_t* const valid = source.MayHaveNulls() ? Validity(source)->data() : nullptr;
  for (int64_t i = 0; i < source.length; ++i) {
    const bool is_valid =
        valid == nullptr || arrow::bit_util::GetBit(valid, source.offset + i);
    if (is_valid && (values[i] > limit || values[i] < -limit)) {
      return TooBig("A time in microseconds");
    }
  }
  return MapValues<int64_t, int64_t>(source, std::move(type), [factor](int64_t value) {
    return static_cast<int64_t>(static_cast<uint64_t>(value) *
                                static_cast<uint64_t>(factor));
  });
}

Result<ArrayDataPtr> ToEngine(const ArrayData& source);

// A list column over converted elements, with 32-bit offsets.
Result<ArrayDataPtr> MakeList(const ArrayData& source, TypePtr type, BufferPtr offsets) {
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr child, ToEngine(*source.child_data[0]));
  ArrayDataPtr list =
      Like(source, std::move(type), {Validity(source), std::move(offsets)});
  list->child_data.push_back(std::move(child));
  return list;
}

Result<ArrayDataPtr> LargeListToEngine(const ArrayData& source, TypePtr type) {
  const int64_t slots = source.offset + source.length;
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr buffer,
                                  arrow::AllocateBuffer((slots + 1) * sizeof(int32_t)));
  auto* const out = reinterpret_cast<int32_t*>(buffer->mutable_data());
  out[0] = 0;  // no rows may come without offsets
  if (slots > 0) {
    const auto* const offsets =
        reinterpret_cast<const int64_t*>(source.buffers[1]->data());
    if (offsets[slots] > std::numeric_limits<int32_t>::max()) {
      return TooBig("A list column");
    }
    std::transform(offsets, offsets + slots + 1, out,
                   [](int64_t offset) { return static_cast<int32_t>(offset); });
  }
  return MakeList(source, std::move(type), std::move(buffer));
}

Result<ArrayDataPtr> FixedListToEngine(const ArrayData& source, TypePtr type) {
  const int64_t slots = source.offset + source.length;
  const int64_t size =
      static_cast<const arrow::FixedSizeListType&>(*source.type).list_size();
  if (slots * size > std::numeric_limits<int32_t>::max()) return TooBig("A list column");
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr buffer,
                                  arrow::AllocateBuffer((slots + 1) * sizeof(int32_t)));
  auto* const out = reinterpret_cast<int32_t*>(buffer->mutable_data());
  for (int64_t i = 0; i <= slots; ++i) out[i] = static_cast<int32_t>(i * size);
  return MakeList(source, std::move(type), std::move(buffer));
}

template <typename Index>
void ReadIndices(const ArrayData& source, std::vector<int32_t>* out) {
  const Index* const indices = source.GetValues<Index>(1);
  for (int64_t i = 0; i < source.length; ++i)
    (*out)[i] = static_cast<int32_t>(indices[i]);
}

Result<ArrayDataPtr> DictionaryToEngine(const ArrayData& source) {
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr values, ToEngine(*source.dictionary));
  std::vector<int32_t> indices(source.length);
  switch (static_cast<const arrow::DictionaryType&>(*source.type).index_type()->id()) {
    case arrow::Type::INT8:
      ReadIndices<int8_t>(source, &indices);
      break;
    case arrow::Type::UINT8:
      ReadIndices<uint8_t>(source, &indices);
      break;
    case arrow::Type::INT16:
      ReadIndices<int16_t>(source, &indices);
      break;
    case arrow::Type::UINT16:
      ReadIndices<uint16_t>(source, &indices);
      break;
    case arrow::Type::INT32:
      ReadIndices<int32_t>(source, &indices);
      break;
    case arrow::Type::UINT32:
      ReadIndices<uint32_t>(source, &indices);
      break;
    case arrow::Type::INT64:
      ReadIndices<int64_t>(source, &indices);
      break;
    default:
      ReadIndices<uint64_t>(source, &indices);
      break;
  }
  if (source.MayHaveNulls()) {
    const uint8_t* const valid = Validity(source)->data();
    for (int64_t i = 0; i < source.length; ++i) {
      if (!arrow::bit_util::GetBit(valid, source.offset + i)) indices[i] = -1;
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(const ArrayPtr taken,
                            Take(*arrow::MakeArray(values), indices));
  return taken->data();
}

// The converted children of a nested column, which keeps its own buffers.
Result<ArrayDataPtr> WithChildren(const ArrayData& source, TypePtr type,
                                  Result<ArrayDataPtr> (*convert)(const ArrayData&)) {
  ArrayDataPtr out = Relabel(source, std::move(type));
  for (ArrayDataPtr& child : out->child_data) {
    MILLRACE_ASSIGN_OR_RETURN(child, convert(*child));
  }
  return out;
}

// Gives a map's entries the field names of its type.
void RelabelEntries(ArrayData* map) {
  const auto& type = static_cast<const arrow::MapType&>(*map->type);
  map->child_data[0] = Relabel(*map->child_data[0], type.value_type());
}

Result<ArrayDataPtr> ToEngine(const ArrayData& source) {
  MILLRACE_ASSIGN_OR_RETURN(TypePtr type, EngineType(source.type));
  switch (source.type->id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return ToViews<int32_t>(source, std::move(type));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return ToViews<int64_t>(source, std::move(type));
    case arrow::Type::FIXED_SIZE_BINARY:
      return FixedBinaryToViews(source);
    case arrow::Type::TIMESTAMP:
      return ToMicros(
          source, static_cast<const arrow::TimestampType&>(*source.type).unit(), type);
    case arrow::Type::DURATION:
      return ToMicros(source,
                      static_cast<const arrow::DurationType&>(*source.type).unit(), type);
    case arrow::Type::DATE64:
      return MapValues<int64_t, int32_t>(source, std::move(type), [](int64_t millis) {
        return static_cast<int32_t>(millis / kMillisPerDay -
                                    (millis % kMillisPerDay < 0));
      });
    case arrow::Type::UINT8:
      return MapValues<uint8_t, int16_t>(source, type, [](uint8_t v) { return v; });
    case arrow::Type::UINT16:
      return MapValues<uint16_t, int32_t>(source, type, [](uint16_t v) { return v; });
    case arrow::Type::UINT32:
      return MapValues<uint32_t, int64_t>(source, type, [](uint32_t v) { return v; });
    case arrow::Type::UINT64:
      return MapValues<uint64_t, arrow::Decimal128>(
          source, type, [](uint64_t v) { return arrow::Decimal128(0, v); });
    case arrow::Type::DICTIONARY:
      return DictionaryToEngine(source);
    case arrow::Type::LARGE_LIST:
      return LargeListToEngine(source, std::move(type));
    case arrow::Type::FIXED_SIZE_LIST:
      return FixedListToEngine(source, std::move(type));
    case arrow::Type::MAP: {
      MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr map, WithChildren(source, type, ToEngine));
      RelabelEntries(map.get());
      return map;
    }
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
      return WithChildren(source, std::move(type), ToEngine);
    default:
      return Relabel(source, std::move(type));
  }
}

Result<TypePtr> WireType(const TypePtr& type) {
  switch (type->id()) {
    case arrow::Type::STRING_VIEW:
      return TypePtr(arrow::utf8());
    case arrow::Type::BINARY_VIEW:
      return TypePtr(arrow::binary());
    case arrow::Type::LIST: {
      MILLRACE_ASSIGN_OR_RETURN(auto fields, MapFields(type->fields(), WireType));
      return fields[0] == type->field(0) ? type : TypePtr(arrow::list(fields[0]));
    }
    case arrow::Type::STRUCT: {
      MILLRACE_ASSIGN_OR_RETURN(auto fields, MapFields(type->fields(), WireType));
      return fields == type->fields() ? type : TypePtr(arrow::struct_(std::move(fields)));
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      MILLRACE_ASSIGN_OR_RETURN(auto fields,
                                MapFields(map.value_type()->fields(), WireType));
      return fields == map.value_type()->fields()
                 ? type
                 : TypePtr(std::make_shared<arrow::MapType>(fields[0], fields[1]));
    }
    default:
      return type;
  }
}

Result<ArrayDataPtr> FromViews(const ArrayData& source, TypePtr type) {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(
      BufferPtr offset_buffer,
      arrow::AllocateBuffer((source.offset + source.length + 1) * sizeof(int32_t)));
  auto* const offsets = reinterpret_cast<int32_t*>(offset_buffer->mutable_data());
  const View* const views = source.GetValues<View>(1);
  const uint8_t* const valid = source.MayHaveNulls() ? Validity(source)->data() : nullptr;
  const auto is_valid = [&](int64_t i) {
    return valid == nullptr || arrow::bit_util::GetBit(valid, source.offset + i);
  };
  std::fill_n(offsets, source.offset + 1, 0);
  int64_t total = 0;
  for (int64_t i = 0; i < source.length; ++i) {
    if (is_valid(i)) total += views[i].size();
    if (total > std::numeric_limits<int32_t>::max())
      return TooBig("A column of over 2 GiB");
    offsets[source.offset + i + 1] = static_cast<int32_t>(total);
  }
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr bytes, arrow::AllocateBuffer(total));
  uint8_t* out = bytes->mutable_data();
  for (int64_t i = 0; i < source.length; ++i) {
    if (!is_valid(i) || views[i].size() == 0) continue;
    const View& view = views[i];
    const uint8_t* const from =
        view.is_inline()
            ? view.inline_data()
            : source.buffers[2 + view.ref.buffer_index]->data() + view.ref.offset;
    std::memcpy(out, from, view.size());
    out += view.size();
  }
  return Like(source, std::move(type),
              {Validity(source), std::move(offset_buffer), std::move(bytes)});
}

Result<ArrayDataPtr> ToWire(const ArrayData& source) {
  MILLRACE_ASSIGN_OR_RETURN(TypePtr type, WireType(source.type));
  if (type == source.type) return source.Copy();
  if (source.child_data.empty()) return FromViews(source, std::move(type));
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr out, WithChildren(source, type, ToWire));
  if (type->id() == arrow::Type::MAP) RelabelEntries(out.get());
  return out;
}

template <typename MapType, typename Convert>
Result<Batch> ConvertBatch(const Batch& batch, MapType&& map_type, Convert&& convert) {
  MILLRACE_ASSIGN_OR_RETURN(auto fields, MapFields(batch->schema()->fields(), map_type));
  if (fields == batch->schema()->fields()) return batch;
  std::vector<ArrayDataPtr> columns = batch->column_data();
  for (size_t i = 0; i < columns.size(); ++i) {
    if (fields[i] == batch->schema()->field(static_cast<int>(i))) continue;
    MILLRACE_ASSIGN_OR_RETURN(columns[i], convert(*columns[i]));
  }
  return arrow::RecordBatch::Make(
      arrow::schema(std::move(fields), batch->schema()->metadata()), batch->num_rows(),
      std::move(columns));
}

Result<TypePtr> EngineListType(const FieldPtr& element) {
  MILLRACE_ASSIGN_OR_RETURN(TypePtr type, EngineType(element->type()));
  return ArrayOf(std::move(type), element->nullable());
}

}  // namespace

Result<TypePtr> EngineType(const TypePtr& type) {
  switch (type->id()) {
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::DATE32:
    case arrow::Type::INTERVAL_MONTHS:
      return type;
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision())
        return NoSuchType(*type);
      return type;
    }
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return StringType();
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return BinaryType();
    case arrow::Type::TIMESTAMP: {
      const TypePtr engine = IsTimestamp(*type) ? TimestampType() : TimestampNtzType();
      return type->Equals(*engine) ? type : engine;
    }
    case arrow::Type::DURATION: {
      const TypePtr engine = arrow::duration(arrow::TimeUnit::MICRO);
      return type->Equals(*engine) ? type : engine;
    }
    case arrow::Type::DATE64:
      return DateType();
    case arrow::Type::UINT8:
      return TypePtr(arrow::int16());
    case arrow::Type::UINT16:
      return IntType();
    case arrow::Type::UINT32:
      return LongType();
    case arrow::Type::UINT64:
      return DecimalOf(20, 0);
    case arrow::Type::DICTIONARY:
      return EngineType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return EngineListType(type->field(0));
    case arrow::Type::LIST: {
      MILLRACE_ASSIGN_OR_RETURN(TypePtr engine, EngineListType(type->field(0)));
      // Arrow's list and map types are equal whatever their fields are called.
      return type->field(0)->name() == "element" && type->Equals(*engine) ? type : engine;
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      MILLRACE_ASSIGN_OR_RETURN(TypePtr key, EngineType(map.key_type()));
      MILLRACE_ASSIGN_OR_RETURN(TypePtr value, EngineType(map.item_type()));
      const TypePtr engine = MapOf(key, value, map.item_field()->nullable());
      const bool named =
          map.key_field()->name() == "key" && map.item_field()->name() == "value";
      return named && type->Equals(*engine) ? type : engine;
    }
    case arrow::Type::STRUCT: {
      MILLRACE_ASSIGN_OR_RETURN(auto fields, MapFields(type->fields(), EngineType));
      return fields == type->fields() ? type : TypePtr(arrow::struct_(std::move(fields)));
    }
    default:
      return NoSuchType(*type);
  }
}

Result<Batch> ToEngineTypes(const Batch& batch) {
  return ConvertBatch(batch, EngineType, ToEngine);
}

Result<Batch> ToWireTypes(const Batch& batch) {
  return ConvertBatch(batch, WireType, ToWire);
}

}  // namespace millrace::data
