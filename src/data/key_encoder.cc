// Writes canonical key bytes; keys.cc says what they look like.
#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "data/key_format.h"
#include "data/keys.h"

namespace millrace::data {
namespace {

static_assert(std::endian::native == std::endian::little,
              "Keys are written as memory holds them.");

using arrow::ArrayData;
using View = arrow::BinaryViewType::c_type;

size_t LengthSize(uint64_t length) {
  size_t size = 1;
  for (; length >= 0x80; length >>= 7) ++size;
  return size;
}

char* WriteLength(uint64_t length, char* out) {
  for (; length >= 0x80; length >>= 7) *out++ = static_cast<char>(length | 0x80);
  *out++ = static_cast<char>(length);
  return out;
}

bool IsView(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING_VIEW || type.id() == arrow::Type::BINARY_VIEW;
}

// Bytes of a payload that is as wide for every row; 0 for the others.
int FixedWidth(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return 1;
    case arrow::Type::NA:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::LIST:
    case arrow::Type::STRUCT:
      return 0;
    default:
      return type.byte_width();
  }
}

bool IsNull(const ArrayData& column, int64_t row) {
  if (column.type->id() == arrow::Type::NA) return true;
  return column.buffers[0] != nullptr &&
         !arrow::bit_util::GetBit(column.buffers[0]->data(), column.offset + row);
}

bool MayHaveNulls(const ArrayData& column) {
  return column.type->id() == arrow::Type::NA || column.MayHaveNulls();
}

std::string_view ViewAt(const ArrayData& column, int64_t row) {
  const View& view = column.GetValues<View>(1)[row];
  if (view.is_inline()) {
    return {reinterpret_cast<const char*>(view.inline_data()),
            static_cast<size_t>(view.size())};
  }
  const uint8_t* const bytes = column.buffers[2 + view.ref.buffer_index]->data();
  return {reinterpret_cast<const char*>(bytes) + view.ref.offset,
          static_cast<size_t>(view.size())};
}

template <typename Float>
Float Canonical(Float value) {
  if (std::isnan(value)) return std::numeric_limits<Float>::quiet_NaN();
  return value == 0 ? Float{0} : value;
}

template <typename T>
char* WriteRaw(T value, char* out) {
  std::memcpy(out, &value, sizeof(value));
  return out + sizeof(value);
}

char* WriteFixed(const ArrayData& column, int width, int64_t row, char* out) {
  switch (column.type->id()) {
    case arrow::Type::BOOL:
      *out =
          arrow::bit_util::GetBit(column.buffers[1]->data(), column.offset + row) ? 1 : 0;
      return out + 1;
    case arrow::Type::FLOAT:
      return WriteRaw(Canonical(column.GetValues<float>(1)[row]), out);
    case arrow::Type::DOUBLE:
      return WriteRaw(Canonical(column.GetValues<double>(1)[row]), out);
    default:
      std::memcpy(out, column.buffers[1]->data() + (column.offset + row) * width, width);
      return out + width;
  }
}

// The general way, for one value that is not null: any type, nested as deep as it may be.
// A struct and a list are both a row of members; `member(i)` gives the column and row of
// each.
size_t PayloadSize(const ArrayData& column, int64_t row);
char* WritePayload(const ArrayData& column, int64_t row, char* out);

struct Value {
  const ArrayData* column;
  int64_t row;
};

template <typename Member>
size_t MembersSize(size_t count, Member&& member) {
  size_t size = NullBytes(count);
  for (size_t i = 0; i < count; ++i) {
    const Value value = member(i);
    if (!IsNull(*value.column, value.row)) size += PayloadSize(*value.column, value.row);
  }
  return size;
}

template <typename Member>
char* WriteMembers(size_t count, Member&& member, char* out) {
  char* const nulls = out;
  out += NullBytes(count);
  std::memset(nulls, 0, out - nulls);
  for (size_t i = 0; i < count; ++i) {
    const Value value = member(i);
    if (IsNull(*value.column, value.row)) {
      nulls[i / 8] = static_cast<char>(nulls[i / 8] | 1 << (i % 8));
    } else {
      out = WritePayload(*value.column, value.row, out);
    }
  }
  return out;
}

auto StructMembers(const ArrayData& column, int64_t row) {
  return [&column, row](size_t i) {
    return Value{column.child_data[i].get(), column.offset + row};
  };
}

auto ListMembers(const ArrayData& column, int64_t row) {
  const int32_t begin = column.GetValues<int32_t>(1)[row];
  return [&column, begin](size_t i) {
    return Value{column.child_data[0].get(), begin + static_cast<int64_t>(i)};
  };
}

size_t ListLength(const ArrayData& column, int64_t row) {
  const int32_t* const offsets = column.GetValues<int32_t>(1);
  return static_cast<size_t>(offsets[row + 1] - offsets[row]);
}

size_t PayloadSize(const ArrayData& column, int64_t row) {
  switch (column.type->id()) {
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      const auto size = static_cast<size_t>(column.GetValues<View>(1)[row].size());
      return LengthSize(size) + size;
    }
    case arrow::Type::STRUCT:
      return MembersSize(column.child_data.size(), StructMembers(column, row));
    case arrow::Type::LIST: {
      const size_t length = ListLength(column, row);
      return LengthSize(length) + MembersSize(length, ListMembers(column, row));
    }
    default:
      return static_cast<size_t>(FixedWidth(*column.type));
  }
}

char* WritePayload(const ArrayData& column, int64_t row, char* out) {
  switch (column.type->id()) {
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      const std::string_view bytes = ViewAt(column, row);
      out = WriteLength(bytes.size(), out);
      std::memcpy(out, bytes.data(), bytes.size());
      return out + bytes.size();
    }
    case arrow::Type::STRUCT:
      return WriteMembers(column.child_data.size(), StructMembers(column, row), out);
    case arrow::Type::LIST: {
      const size_t length = ListLength(column, row);
      return WriteMembers(length, ListMembers(column, row), WriteLength(length, out));
    }
    default:
      return WriteFixed(column, FixedWidth(*column.type), row, out);
  }
}

// A struct of few fields, all of them fixed and none ever null: an event-time window.
bool IsPlainStruct(const ArrayData& column) {
  if (column.type->id() != arrow::Type::STRUCT || MayHaveNulls(column)) return false;
  for (const auto& child : column.child_data) {
    if (FixedWidth(*child->type) == 0 || child->MayHaveNulls()) return false;
  }
  return true;
}

// Writes the columns of one batch, column by column; `cursors` are where each row goes
// on.
class Encoder {
 public:
  Encoder(std::span<const ArrayPtr> columns, EncodedKeys* out)
      : columns_(columns), out_(out) {}

  Status Run();

 private:
  Status Measure();
  void AddSizes(const ArrayData& column);
  void WriteColumn(const ArrayData& column, size_t index);
  template <typename Write>
  void ForEachRow(const ArrayData& column, size_t index, Write&& write);
  template <typename T>
  void WriteValues(const ArrayData& column, size_t index, int64_t offset);

  const std::span<const ArrayPtr> columns_;
  EncodedKeys* const out_;
  int64_t rows_ = 0;
  int64_t common_size_ = 0;  // what every row has
  std::vector<int32_t> cursors_;
};

void Encoder::AddSizes(const ArrayData& column) {
  int32_t* const sizes = cursors_.data();
  const int width = FixedWidth(*column.type);
  const bool nulls = MayHaveNulls(column);
  if (width > 0 && !nulls) {
    common_size_ += width;
  } else if (IsPlainStruct(column)) {
    common_size_ += static_cast<int64_t>(PayloadSize(column, 0));
  } else if (IsView(*column.type) && !nulls) {
    const View* const views = column.GetValues<View>(1);
    for (int64_t i = 0; i < rows_; ++i) {
      const auto size = static_cast<uint32_t>(views[i].size());
      sizes[i] += static_cast<int32_t>(LengthSize(size) + size);
    }
  } else {
    for (int64_t i = 0; i < rows_; ++i) {
      if (!IsNull(column, i)) sizes[i] += static_cast<int32_t>(PayloadSize(column, i));
    }
  }
}

// Sets the offsets of the rows, and the cursors to their starts.
Status Encoder::Measure() {
  cursors_.assign(rows_, 0);
  common_size_ = static_cast<int64_t>(NullBytes(columns_.size()));
  for (const ArrayPtr& column : columns_) AddSizes(*column->data());
  out_->offsets.resize(rows_ + 1);
  int64_t total = 0;
  for (int64_t i = 0; i < rows_; ++i) {
    out_->offsets[i] = static_cast<int32_t>(total);
    total += common_size_ + cursors_[i];
    if (total > std::numeric_limits<int32_t>::max()) {
      return Error(Fault::kData,
                   "The keys of one batch need more than 2 GiB; use smaller batches.");
    }
    cursors_[i] = out_->offsets[i];
  }
  out_->offsets[rows_] = static_cast<int32_t>(total);
  out_->bytes.resize(total);
  return Status::OK();
}

template <typename Write>
void Encoder::ForEachRow(const ArrayData& column, size_t index, Write&& write) {
  char* const bytes = out_->bytes.data();
  if (!MayHaveNulls(column)) {
    for (int64_t i = 0; i < rows_; ++i) {
      cursors_[i] = static_cast<int32_t>(write(i, bytes + cursors_[i]) - bytes);
    }
    return;
  }
  const auto bit = static_cast<char>(1 << (index % 8));
  for (int64_t i = 0; i < rows_; ++i) {
    if (IsNull(column, i)) {
      char& nulls = bytes[out_->offsets[i] + index / 8];
      nulls = static_cast<char>(nulls | bit);
    } else {
      cursors_[i] = static_cast<int32_t>(write(i, bytes + cursors_[i]) - bytes);
    }
  }
}

template <typename T>
void Encoder::WriteValues(const ArrayData& column, size_t index, int64_t offset) {
  const T* const values = column.GetValues<T>(1, offset);
  ForEachRow(column, index,
             [values](int64_t row, char* out) { return WriteRaw(values[row], out); });
}

void Encoder::WriteColumn(const ArrayData& column, size_t index) {
  switch (column.type->id()) {
    case arrow::Type::NA:
      ForEachRow(column, index, [](int64_t, char* out) { return out; });
      return;
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      WriteValues<int32_t>(column, index, column.offset);
      return;
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
      WriteValues<int64_t>(column, index, column.offset);
      return;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      ForEachRow(column, index, [&column](int64_t row, char* out) {
        const std::string_view bytes = ViewAt(column, row);
        out = WriteLength(bytes.size(), out);
        std::memcpy(out, bytes.data(), bytes.size());
        return out + bytes.size();
      });
      return;
    default:
      break;
  }
  if (IsPlainStruct(column)) {
    const size_t nulls = NullBytes(column.child_data.size());
    for (int64_t i = 0; i < rows_; ++i) {
      std::memset(out_->bytes.data() + cursors_[i], 0, nulls);
      cursors_[i] += static_cast<int32_t>(nulls);
    }
    for (const auto& child : column.child_data) {
      if (child->type->id() == arrow::Type::TIMESTAMP ||
          child->type->id() == arrow::Type::INT64) {
        WriteValues<int64_t>(*child, 0, child->offset + column.offset);
        continue;
      }
      const int width = FixedWidth(*child->type);
      ForEachRow(*child, 0, [&, width](int64_t row, char* out) {
        return WriteFixed(*child, width, column.offset + row, out);
      });
    }
    return;
  }
  ForEachRow(column, index, [&column](int64_t row, char* out) {
    return WritePayload(column, row, out);
  });
}

Status Encoder::Run() {
  rows_ = columns_.empty() ? 0 : columns_[0]->length();
  for (const ArrayPtr& column : columns_) {
    MILLRACE_RETURN_IF_ERROR(CheckKeyType(*column->type()));
    if (column->length() != rows_) {
      return InternalError("Key columns of {} and {} rows cannot be encoded together.",
                           rows_, column->length());
    }
  }
  MILLRACE_RETURN_IF_ERROR(Measure());
  const size_t nulls = NullBytes(columns_.size());
  for (int64_t i = 0; i < rows_; ++i) {
    std::memset(out_->bytes.data() + cursors_[i], 0, nulls);
    cursors_[i] += static_cast<int32_t>(nulls);
  }
  for (size_t i = 0; i < columns_.size(); ++i) WriteColumn(*columns_[i]->data(), i);
  return Status::OK();
}

}  // namespace

Status EncodeKeys(std::span<const ArrayPtr> columns, EncodedKeys* out) {
  return Encoder(columns, out).Run();
}

}  // namespace millrace::data
