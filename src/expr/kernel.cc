#include "expr/kernel.h"

#include <limits>

#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/util/bitmap_ops.h>

#include "base/error.h"
#include "data/arrow_status.h"

namespace millrace::expr {

namespace {

// A new buffer is begun beyond this; views hold offsets of 31 bits.
constexpr size_t kMaxViewBuffer = size_t{1} << 30;

}  // namespace

Result<std::shared_ptr<arrow::Buffer>> AllocateBytes(int64_t bytes, bool zero) {
  MILLRACE_ASSIGN_OR_RETURN_ARROW(std::shared_ptr<arrow::Buffer> buffer,
                                  arrow::AllocateBuffer(bytes));
  if (zero) {
    std::memset(buffer->mutable_data(), 0, static_cast<size_t>(buffer->size()));
  } else {
    buffer->ZeroPadding();
  }
  return buffer;
}

Result<Validity> IntersectValidity(std::span<const Value> args, int64_t rows) {
  Validity validity;
  for (const Value& arg : args) {
    const arrow::Array& array = *arg.array;
    if (array.type_id() == arrow::Type::NA) {
      validity.all_null = true;
      return validity;
    }
    if (array.null_bitmap() == nullptr) continue;
    if (arg.constant) {
      if (array.IsNull(0)) {
        validity.all_null = true;
        return validity;
      }
      continue;
    }
    if (array.null_count() == 0) continue;
    if (validity.bits == nullptr && array.offset() == 0) {
      validity.bits = array.null_bitmap();
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN_ARROW(
        validity.bits,
        validity.bits == nullptr
            ? arrow::internal::CopyBitmap(arrow::default_memory_pool(),
                                          array.null_bitmap_data(), array.offset(), rows)
            : arrow::internal::BitmapAnd(
                  arrow::default_memory_pool(), validity.bits->data(), 0,
                  array.null_bitmap_data(), array.offset(), rows, 0));
  }
  return validity;
}

bool AllConstant(std::span<const Value> args) {
  return std::all_of(args.begin(), args.end(), [](const Value& v) { return v.constant; });
}

Status NullOutput::Own() {
  const int64_t bytes = arrow::bit_util::BytesForBits(rows_);
  MILLRACE_ASSIGN_OR_RETURN(bits_, AllocateBytes(bytes));
  if (validity_.bits == nullptr) {
    std::memset(bits_->mutable_data(), 0xFF, static_cast<size_t>(bytes));
  } else {
    std::memcpy(bits_->mutable_data(), validity_.bits->data(),
                static_cast<size_t>(bytes));
  }
  return Status::OK();
}

Status ViewBuilder::Allocate() {
  MILLRACE_ASSIGN_OR_RETURN(
      views_,
      AllocateBytes(rows_ * int64_t{sizeof(arrow::BinaryViewType::c_type)}, true));
  return Status::OK();
}

void ViewBuilder::Commit() {
  using View = arrow::BinaryViewType::c_type;
  const std::string_view value = std::string_view(bytes_).substr(begin_);
  View* const view = reinterpret_cast<View*>(views_->mutable_data()) + row_++;
  if (value.size() <= arrow::BinaryViewType::kInlineSize) {
    *view = arrow::util::ToInlineBinaryView(value);
    bytes_.resize(begin_);
    return;
  }
  *view = arrow::util::ToNonInlineBinaryView(
      value.data(), static_cast<int32_t>(value.size()),
      static_cast<int32_t>(full_.size()), static_cast<int32_t>(begin_));
  begin_ = bytes_.size();
  if (begin_ > kMaxViewBuffer) {
    full_.push_back(arrow::Buffer::FromString(std::move(bytes_)));
    bytes_ = std::string();
    begin_ = 0;
  }
}

Status ViewBuilder::AppendNull() {
  bytes_.resize(begin_);
  if (bits_ == nullptr) {
    const int64_t bytes = arrow::bit_util::BytesForBits(rows_);
    MILLRACE_ASSIGN_OR_RETURN(bits_, AllocateBytes(bytes));
    std::memset(bits_->mutable_data(), 0xFF, static_cast<size_t>(bytes));
  }
  arrow::bit_util::ClearBit(bits_->mutable_data(), row_++);
  ++nulls_;
  return Status::OK();
}

Result<data::ArrayPtr> ViewBuilder::Finish(const data::TypePtr& type) {
  if (row_ != rows_) {
    return InternalError("A column of {} strings was begun, and {} were appended.", rows_,
                         row_);
  }
  std::vector<std::shared_ptr<arrow::Buffer>> buffers{bits_, views_};
  buffers.insert(buffers.end(), full_.begin(), full_.end());
  if (begin_ > 0) {
    bytes_.resize(begin_);
    buffers.push_back(arrow::Buffer::FromString(std::move(bytes_)));
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows_, std::move(buffers), nulls_));
}

Value MakeValue(const data::TypePtr& type, int64_t rows, bool constant,
                std::shared_ptr<arrow::Buffer> validity,
                std::shared_ptr<arrow::Buffer> values) {
  const int64_t nulls = validity == nullptr ? 0 : arrow::kUnknownNullCount;
  return Value{arrow::MakeArray(arrow::ArrayData::Make(
                   type, rows, {std::move(validity), std::move(values)}, nulls)),
               constant};
}

Result<Value> NullConstant(const data::TypePtr& type) {
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, data::Nulls(type, 1));
  return Value{std::move(array), true};
}

}  // namespace millrace::expr
