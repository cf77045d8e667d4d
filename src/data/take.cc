// Picking rows out of columns, for every type of the engine.
#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <bit>
#include <cstring>
#include <limits>

#include "data/arrow_status.h"
#include "data/batch.h"

namespace millrace::data {
namespace {

using arrow::ArrayData;
using ArrayDataPtr = std::shared_ptr<ArrayData>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using Indices = std::span<const int32_t>;

// 16 bytes moved as they are: views and decimals.
struct Block16 {
  uint64_t low = 0;
  uint64_t high = 0;
};

bool HasNegative(Indices indices) {
  int32_t all = 0;
  for (const int32_t index : indices) all |= index;
  return all < 0;
}

// Whether the rows are one run of neighbours, so that a slice does.
bool IsRun(Indices indices) {
  if (indices.empty() || indices[0] < 0) return false;
  for (size_t i = 1; i < indices.size(); ++i) {
    if (indices[i] != indices[0] + static_cast<int32_t>(i)) return false;
  }
  return true;
}

// Takes the rows `indices` of a source; all nested columns of one row selection share it.
// `base` is added to every index: the offset of the structs around a column.
class Taker {
 public:
  Taker(Indices indices, int64_t base, bool has_negative)
      : indices_(indices), base_(base), has_negative_(has_negative) {}

  Result<ArrayDataPtr> Take(const ArrayData& source) const;

 private:
  struct Validity {
    BufferPtr bitmap;
    int64_t null_count = 0;
  };

  Result<Validity> TakeValidity(const ArrayData& source) const;
  template <typename T>
  Result<BufferPtr> TakeValues(const ArrayData& source) const;
  Result<BufferPtr> TakeBits(const ArrayData& source) const;
  Result<ArrayDataPtr> TakeFixedWidth(const ArrayData& source, int width) const;
  Result<ArrayDataPtr> TakeViews(const ArrayData& source) const;
  Result<ArrayDataPtr> TakeLists(const ArrayData& source) const;
  Result<ArrayDataPtr> TakeStructs(const ArrayData& source) const;

  ArrayDataPtr Make(const ArrayData& source, Validity validity, BufferPtr values) const {
    return ArrayData::Make(source.type, length(),
                           {std::move(validity.bitmap), std::move(values)},
                           validity.null_count);
  }
  int64_t length() const { return static_cast<int64_t>(indices_.size()); }

  const Indices indices_;
  const int64_t base_;
  const bool has_negative_;
};

Result<Taker::Validity> Taker::TakeValidity(const ArrayData& source) const {
  const bool source_nulls = source.MayHaveNulls();
  if (!source_nulls && !has_negative_) return Validity{};
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr bitmap, arrow::AllocateEmptyBitmap(length()));
  uint8_t* const out = bitmap->mutable_data();
  const uint8_t* const bits = source_nulls ? source.buffers[0]->data() : nullptr;
  const int64_t offset = source.offset + base_;
  int64_t valid = 0;
  for (int64_t i = 0; i < length(); ++i) {
    const int32_t index = indices_[i];
    const bool is_valid =
        index >= 0 && (bits == nullptr || arrow::bit_util::GetBit(bits, offset + index));
    out[i >> 3] |= static_cast<uint8_t>(is_valid) << (i & 7);
    valid += is_valid;
  }
  if (valid == length()) return Validity{};
  return Validity{std::move(bitmap), length() - valid};
}

template <typename T>
Result<BufferPtr> Taker::TakeValues(const ArrayData& source) const {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr buffer,
                                  arrow::AllocateBuffer(length() * sizeof(T)));
  T* const out = reinterpret_cast<T*>(buffer->mutable_data());
  const T* const values = source.GetValues<T>(1, source.offset + base_);
  if (has_negative_) {
    for (int64_t i = 0; i < length(); ++i)
      out[i] = indices_[i] < 0 ? T{} : values[indices_[i]];
  } else {
    for (int64_t i = 0; i < length(); ++i) out[i] = values[indices_[i]];
  }
  return buffer;
}

Result<BufferPtr> Taker::TakeBits(const ArrayData& source) const {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr buffer, arrow::AllocateEmptyBitmap(length()));
  uint8_t* const out = buffer->mutable_data();
  // An empty source may come without values; then all indices are -1.
  const uint8_t* const bits =
      source.buffers[1] == nullptr ? nullptr : source.buffers[1]->data();
  const int64_t offset = source.offset + base_;
  for (int64_t i = 0; i < length(); ++i) {
    const int32_t index = indices_[i];
    const bool bit = index >= 0 && arrow::bit_util::GetBit(bits, offset + index);
    out[i >> 3] |= static_cast<uint8_t>(bit) << (i & 7);
  }
  return buffer;
}

Result<ArrayDataPtr> Taker::TakeFixedWidth(const ArrayData& source, int width) const {
  MILLRACE_ASSIGN_OR_RETURN(Validity validity, TakeValidity(source));
  Result<BufferPtr> values = width == 1   ? TakeValues<uint8_t>(source)
                             : width == 2 ? TakeValues<uint16_t>(source)
                             : width == 4 ? TakeValues<uint32_t>(source)
                             : width == 8 ? TakeValues<uint64_t>(source)
                                          : TakeValues<Block16>(source);
  if (!values.ok()) return values.status();
  return Make(source, std::move(validity), std::move(*values));
}

Result<ArrayDataPtr> Taker::TakeViews(const ArrayData& source) const {
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr out, TakeFixedWidth(source, sizeof(Block16)));
  out->buffers.insert(out->buffers.end(), source.buffers.begin() + 2,
                      source.buffers.end());
  return out;
}

// Lists and maps.
Result<ArrayDataPtr> Taker::TakeLists(const ArrayData& source) const {
  MILLRACE_ASSIGN_OR_RETURN(Validity validity, TakeValidity(source));
  MILLRACE_ASSIGN_OR_RETURN_ARROW(
      BufferPtr buffer, arrow::AllocateBuffer((length() + 1) * sizeof(int32_t)));
  int32_t* const out = reinterpret_cast<int32_t*>(buffer->mutable_data());
  const int32_t* const offsets = source.GetValues<int32_t>(1, source.offset + base_);
  const uint8_t* const valid =
      validity.bitmap == nullptr ? nullptr : validity.bitmap->data();

  int64_t total = 0;
  for (int64_t i = 0; i < length(); ++i) {
    out[i] = static_cast<int32_t>(total);
    if (valid != nullptr && !arrow::bit_util::GetBit(valid, i)) continue;
    total += offsets[indices_[i] + 1] - offsets[indices_[i]];
    if (total > std::numeric_limits<int32_t>::max()) {
      return ExternalError(
                 "The lists of one batch hold more than 2^31 elements; use smaller "
                 "batches.")
          .Retryable(false);
    }
  }
  out[length()] = static_cast<int32_t>(total);

  std::vector<int32_t> children;
  children.reserve(total);
  for (int64_t i = 0; i < length(); ++i) {
    const int32_t count = out[i + 1] - out[i];
    const int32_t first = count == 0 ? 0 : offsets[indices_[i]];
    for (int32_t k = 0; k < count; ++k) children.push_back(first + k);
  }
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr child,
                            Taker(children, 0, false).Take(*source.child_data[0]));
  ArrayDataPtr lists = Make(source, std::move(validity), std::move(buffer));
  lists->child_data.push_back(std::move(child));
  return lists;
}

Result<ArrayDataPtr> Taker::TakeStructs(const ArrayData& source) const {
  MILLRACE_ASSIGN_OR_RETURN(Validity validity, TakeValidity(source));
  ArrayDataPtr structs = ArrayData::Make(
      source.type, length(), {std::move(validity.bitmap)}, validity.null_count);
  const Taker children(indices_, base_ + source.offset, has_negative_);
  for (const ArrayDataPtr& child : source.child_data) {
    MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr taken, children.Take(*child));
    structs->child_data.push_back(std::move(taken));
  }
  return structs;
}

Result<ArrayDataPtr> Taker::Take(const ArrayData& source) const {
  switch (source.type->id()) {
    case arrow::Type::NA:
      return ArrayData::Make(source.type, length(), {nullptr}, length());
    case arrow::Type::BOOL: {
      MILLRACE_ASSIGN_OR_RETURN(Validity validity, TakeValidity(source));
      MILLRACE_ASSIGN_OR_RETURN(BufferPtr bits, TakeBits(source));
      return Make(source, std::move(validity), std::move(bits));
    }
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return TakeViews(source);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return TakeLists(source);
    case arrow::Type::STRUCT:
      return TakeStructs(source);
    default:
      break;
  }
  const int width = source.type->byte_width();
  const bool power_of_two =
      width > 0 && std::has_single_bit(static_cast<unsigned>(width));
  if (!power_of_two || width > 16) {
    return InternalError(
        "Taking rows of a column of {} is not possible: it is no engine type.",
        source.type->ToString());
  }
  return TakeFixedWidth(source, width);
}

uint64_t LoadBits(const uint8_t* bits, int64_t position) {
  uint64_t word = 0;
  const uint8_t* const from = bits + (position >> 3);
  std::memcpy(&word, from, sizeof(word));
  const int shift = static_cast<int>(position & 7);
  if (shift == 0) return word;
  return word >> shift | static_cast<uint64_t>(from[8]) << (64 - shift);
}

}  // namespace

Result<ArrayPtr> Take(const arrow::Array& array, Indices indices) {
  if (IsRun(indices)) {
    return array.Slice(indices[0], static_cast<int64_t>(indices.size()));
  }
  const Taker taker(indices, 0, HasNegative(indices));
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr data, taker.Take(*array.data()));
  return arrow::MakeArray(std::move(data));
}

Result<Batch> Take(const Batch& batch, Indices indices) {
  const auto rows = static_cast<int64_t>(indices.size());
  if (IsRun(indices)) {
    return rows == batch->num_rows() ? batch : batch->Slice(indices[0], rows);
  }
  if (rows == 0) return batch->Slice(0, 0);
  const Taker taker(indices, 0, HasNegative(indices));
  std::vector<ArrayDataPtr> columns;
  columns.reserve(batch->num_columns());
  for (const ArrayDataPtr& column : batch->column_data()) {
    MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr taken, taker.Take(*column));
    columns.push_back(std::move(taken));
  }
  return arrow::RecordBatch::Make(batch->schema(), rows, std::move(columns));
}

std::vector<int32_t> TrueIndices(const arrow::Array& mask) {
  const ArrayData& data = *mask.data();
  const int64_t rows = data.length;
  if (rows == 0 || data.type->id() != arrow::Type::BOOL) return {};
  const uint8_t* const bits = data.buffers[1]->data();
  const uint8_t* const valid = data.MayHaveNulls() ? data.buffers[0]->data() : nullptr;

  std::vector<int32_t> indices(rows);
  int32_t* out = indices.data();
  int64_t row = 0;
  // A word is read with up to 9 bytes, so stop where the buffers' own bytes end.
  for (; row + 72 <= rows; row += 64) {
    uint64_t word = LoadBits(bits, data.offset + row);
    if (valid != nullptr) word &= LoadBits(valid, data.offset + row);
    if (word == ~uint64_t{0}) {
      for (int i = 0; i < 64; ++i) *out++ = static_cast<int32_t>(row) + i;
      continue;
    }
    for (; word != 0; word &= word - 1) {
      *out++ = static_cast<int32_t>(row) + std::countr_zero(word);
    }
  }
  for (; row < rows; ++row) {
    const bool is_true =
        arrow::bit_util::GetBit(bits, data.offset + row) &&
        (valid == nullptr || arrow::bit_util::GetBit(valid, data.offset + row));
    *out = static_cast<int32_t>(row);
    out += is_true;
  }
  indices.resize(out - indices.data());
  return indices;
}

}  // namespace millrace::data
