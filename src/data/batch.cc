#include "data/batch.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <cstring>

#include "data/arrow_status.h"

namespace millrace::data {
namespace {

using arrow::ArrayData;
using ArrayDataPtr = std::shared_ptr<ArrayData>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using View = arrow::BinaryViewType::c_type;

// One buffer of a view column: offsets into it are 32 bits wide.
constexpr int64_t kMaxViewBuffer = int64_t{1} << 30;

// Copies one column without the rows and bytes around it.
class Compacter {
 public:
  static Result<ArrayDataPtr> Compact(const ArrayData& source, int64_t offset,
                                      int64_t length);

 private:
  static Result<BufferPtr> Bits(const BufferPtr& bits, int64_t offset, int64_t length);
  static Result<BufferPtr> Bytes(const BufferPtr& bytes, int64_t offset, int64_t length);
  static Status Views(const ArrayData& source, int64_t offset, ArrayData* out);
  static Status Lists(const ArrayData& source, int64_t offset, ArrayData* out);
};

Result<BufferPtr> Compacter::Bits(const BufferPtr& bits, int64_t offset, int64_t length) {
  return FromArrow(arrow::internal::CopyBitmap(arrow::default_memory_pool(), bits->data(),
                                               offset, length));
}

Result<BufferPtr> Compacter::Bytes(const BufferPtr& bytes, int64_t offset,
                                   int64_t length) {
  return FromArrow(bytes->CopySlice(offset, length));
}

Status Compacter::Views(const ArrayData& source, int64_t offset, ArrayData* out) {
  MILLRACE_ASSIGN_OR_RETURN(
      BufferPtr buffer,
      Bytes(source.buffers[1], offset * sizeof(View), out->length * sizeof(View)));
  View* const views = reinterpret_cast<View*>(buffer->mutable_data());
  const uint8_t* const valid =
      out->buffers[0] == nullptr ? nullptr : out->buffers[0]->data();

  // First the lengths: buffers are made of the right size.
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < out->length; ++i) {
    if (valid != nullptr && !arrow::bit_util::GetBit(valid, i)) {
      views[i] = View{};  // nobody may rely on what a null's view says
      continue;
    }
    if (views[i].is_inline()) continue;
    if (sizes.empty() || sizes.back() + views[i].size() > kMaxViewBuffer)
      sizes.push_back(0);
    sizes.back() += views[i].size();
  }
  out->buffers.push_back(buffer);
  if (sizes.empty()) return Status::OK();

  size_t current = 0;
  int64_t used = 0;
  for (const int64_t size : sizes) {
    MILLRACE_ASSIGN_OR_RETURN_ARROW(BufferPtr bytes, arrow::AllocateBuffer(size));
    out->buffers.push_back(std::move(bytes));
  }
  for (int64_t i = 0; i < out->length; ++i) {
    if (views[i].is_inline()) continue;
    const int32_t size = views[i].size();
    if (used + size > sizes[current]) {
      ++current;
      used = 0;
    }
    const uint8_t* const from =
        source.buffers[2 + views[i].ref.buffer_index]->data() + views[i].ref.offset;
    std::memcpy(out->buffers[2 + current]->mutable_data() + used, from, size);
    views[i].ref.buffer_index = static_cast<int32_t>(current);
    views[i].ref.offset = static_cast<int32_t>(used);
    used += size;
  }
  return Status::OK();
}

Status Compacter::Lists(const ArrayData& source, int64_t offset, ArrayData* out) {
  const int32_t* const offsets = source.GetValues<int32_t>(1, offset);
  MILLRACE_ASSIGN_OR_RETURN_ARROW(
      BufferPtr buffer, arrow::AllocateBuffer((out->length + 1) * sizeof(int32_t)));
  int32_t* const moved = reinterpret_cast<int32_t*>(buffer->mutable_data());
  const int32_t first = out->length == 0 ? 0 : offsets[0];
  moved[0] = 0;
  for (int64_t i = 0; i < out->length; ++i) moved[i + 1] = offsets[i + 1] - first;
  out->buffers.push_back(buffer);
  const ArrayData& child = *source.child_data[0];
  MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr compact,
                            Compact(child, child.offset + first, moved[out->length]));
  out->child_data.push_back(std::move(compact));
  return Status::OK();
}

// `offset` counts from the start of the buffers of `source`, whose own offset is not
// looked at.
Result<ArrayDataPtr> Compacter::Compact(const ArrayData& source, int64_t offset,
                                        int64_t length) {
  if (source.type->id() == arrow::Type::NA) {
    return ArrayData::Make(source.type, length, {nullptr}, length);
  }
  ArrayDataPtr out = ArrayData::Make(source.type, length, {nullptr}, 0);
  if (source.MayHaveNulls()) {
    MILLRACE_ASSIGN_OR_RETURN(out->buffers[0], Bits(source.buffers[0], offset, length));
    out->null_count = arrow::kUnknownNullCount;
  }
  switch (source.type->id()) {
    case arrow::Type::BOOL: {
      MILLRACE_ASSIGN_OR_RETURN(BufferPtr bits, Bits(source.buffers[1], offset, length));
      out->buffers.push_back(std::move(bits));
      return out;
    }
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      MILLRACE_RETURN_IF_ERROR(Views(source, offset, out.get()));
      return out;
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      MILLRACE_RETURN_IF_ERROR(Lists(source, offset, out.get()));
      return out;
    case arrow::Type::STRUCT:
      for (const ArrayDataPtr& child : source.child_data) {
        MILLRACE_ASSIGN_OR_RETURN(ArrayDataPtr compact,
                                  Compact(*child, child->offset + offset, length));
        out->child_data.push_back(std::move(compact));
      }
      return out;
    default:
      break;
  }
  const int width = source.type->byte_width();
  if (width <= 0) {
    return InternalError("Copying a column of {} is not possible: it is no engine type.",
                         source.type->ToString());
  }
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr values,
                            Bytes(source.buffers[1], offset * width, length * width));
  out->buffers.push_back(std::move(values));
  return out;
}

}  // namespace

Result<ArrayPtr> Concat(std::span<const ArrayPtr> arrays) {
  if (arrays.size() == 1) return arrays[0];
  return FromArrow(arrow::Concatenate({arrays.begin(), arrays.end()}));
}

Result<Batch> Concat(std::span<const Batch> batches) {
  if (batches.size() == 1) return batches[0];
  int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch->num_rows();
  arrow::ArrayVector columns;
  std::vector<ArrayPtr> parts(batches.size());
  for (int i = 0; i < batches[0]->num_columns(); ++i) {
    std::transform(batches.begin(), batches.end(), parts.begin(),
                   [i](const Batch& batch) { return batch->column(i); });
    MILLRACE_ASSIGN_OR_RETURN(ArrayPtr column, Concat(parts));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(batches[0]->schema(), rows, std::move(columns));
}

Result<ArrayPtr> Nulls(const TypePtr& type, int64_t length) {
  return FromArrow(arrow::MakeArrayOfNull(type, length));
}

Batch EmptyBatch(const SchemaPtr& schema) {
  // Arrow refuses only types that no engine type is made of.
  return arrow::RecordBatch::MakeEmpty(schema).ValueOrDie();
}

Result<ArrayPtr> Compact(const arrow::Array& array) {
  MILLRACE_ASSIGN_OR_RETURN(
      ArrayDataPtr data,
      Compacter::Compact(*array.data(), array.offset(), array.length()));
  return arrow::MakeArray(std::move(data));
}

Result<Batch> Compact(const Batch& batch) {
  std::vector<ArrayDataPtr> columns;
  columns.reserve(batch->num_columns());
  for (const ArrayDataPtr& column : batch->column_data()) {
    MILLRACE_ASSIGN_OR_RETURN(
        ArrayDataPtr compact,
        Compacter::Compact(*column, column->offset, column->length));
    columns.push_back(std::move(compact));
  }
  return arrow::RecordBatch::Make(batch->schema(), batch->num_rows(), std::move(columns));
}

}  // namespace millrace::data
